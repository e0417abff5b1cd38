"""Refusals of the intake as problem details (RFC 9457), for machines. They name a code, a field, a line; never a value."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi.responses import JSONResponse

TITLES: Final = {
    "not-signed": (401, "the signature is missing, wrong, or older than five minutes"),
    "bad-request": (400, "the request is not as the description of this interface says"),
    "bad-json": (400, "the body is not JSON as it is taken here"),
    "bad-record": (400, "the record cannot be said as an alert"),
    "not-found": (404, "there is nothing under this address"),
    "method-not-allowed": (405, "this address takes another method"),
    "body-timeout": (408, "the body did not arrive in time"),
    "id-reused": (409, "this webhook-id was used before, for another body"),
    "too-large": (413, "the body is larger than the limit"),
    "media-type": (415, "the body must be application/json, in UTF-8, not compressed"),
    "too-many": (429, "more messages than agreed: wait, and send again with the same webhook-id"),
    "failed": (500, "the intake failed: send again with the same webhook-id"),
    "not-ready": (503, "the message is not committed yet: send again with the same webhook-id"),
}


@dataclass(eq=False)
class Problem(Exception):
    """A refusal: `code` is a key of TITLES."""

    code: str
    field: str = ""
    line: int | None = None
    reason: str = ""
    retry_after_s: int | None = None

    def response(self) -> JSONResponse:
        status, title = TITLES[self.code]
        body: dict[str, Any] = {
            "type": f"urn:enlace:intake:{self.code}",
            "title": title,
            "status": status,
            "code": self.code,
            "field": self.field or None,
            "line": self.line,
            "reason": self.reason or None,
        }
        headers = {"Connection": "close"}  # or the rest of a body that was refused would still be read, without end
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        said = {name: value for name, value in body.items() if value is not None}
        return JSONResponse(said, status, headers, media_type="application/problem+json")


def described() -> dict[int | str, dict[str, Any]]:
    """The refusals as OpenAPI describes them."""
    schema = {
        "type": "object",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "enum": sorted(TITLES)},
            "field": {"type": "string"},
            "line": {"type": "integer"},
            "reason": {"type": "string"},
        },
    }
    statuses = sorted({status for status, _ in TITLES.values()})
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status in statuses
    }
