"""Records as JSON for people and pipes: snake_case of the Avro names, payloads decoded, bytes in base64, times in RFC 3339.

This opens personal values: only an agency's own commands (`convert`, `decide`, a delivery read by its recipient) use it.
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

from pydantic import BaseModel, Secret, ValidationError

from .avro import SECTION_VERSION, decode_payload, encode_payload
from .base import to_rfc3339
from .compose import digests
from .core import Alert, Section
from .sections import CONTENTS


class BadJson(ValueError):
    """JSON that is not the record it should be: says which field, never its value."""


_NO_SALT = base64.b64encode(bytes(16)).decode()


def to_json(value: Any, name: str = "") -> Any:
    """Any model as JSON values; a section's payload stays in base64 (see alert_to_json)."""
    if isinstance(value, BaseModel):
        return {
            (info.alias or field): to_json(getattr(value, field), field)
            for field, info in type(value).model_fields.items()
        }
    if isinstance(value, Secret):
        return to_json(value.get_secret_value(), name)
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, uuid.UUID):
        return str(value)
    return to_rfc3339(value) if name.endswith("_ms") and isinstance(value, int) else value


def section_to_json(section: Section) -> dict[str, Any]:
    """A section with its payload decoded."""
    fields: dict[str, Any] = to_json(section)
    return {**fields, "payload": to_json(decode_payload(section.category, section.version, section.payload))}


def alert_to_json(alert: Alert) -> dict[str, Any]:
    """An alert as `convert` prints it."""
    return {
        "routing": to_json(alert.routing),
        "core": to_json(alert.core),
        "sections": [section_to_json(section) for section in alert.sections],
    }


def alert_from_json(fields: Any) -> Alert:
    """The alert that `convert` printed, or one written by hand. Raises BadJson.

    Payloads are encoded and digests computed anew, so that a person may change a value and ask what follows; a missing
    version, salt or label of the core is filled in.
    """
    if not isinstance(fields, dict) or not fields.keys() <= {"routing", "core", "sections"}:
        raise BadJson("an alert is an object with routing, core and sections")
    routing, core, given = fields.get("routing"), fields.get("core") or {}, fields.get("sections") or []
    if not isinstance(routing, dict) or not isinstance(core, dict):
        raise BadJson("routing and core: an object each")
    if not isinstance(given, list):
        raise BadJson("sections: a list")
    sections = tuple(_section(number, item) for number, item in enumerate(given))
    core = {"label": routing.get("label"), **core, "digests": to_json(digests(sections))}
    try:
        alert = Alert.model_validate_json(json.dumps({"routing": routing, "core": core}))
        return Alert(routing=alert.routing, core=alert.core, sections=sections)
    except ValidationError as error:
        raise _bad(error) from None


def _section(number: int, fields: Any) -> Section:
    place = f"sections.{number}"
    fields = fields if isinstance(fields, dict) else {}
    category = fields.get("category")
    if not isinstance(category, str) or category not in CONTENTS:
        raise BadJson(f"{place}.category: not a known category")
    try:
        content = CONTENTS[category].model_validate_json(json.dumps(fields.get("payload")))
        payload = encode_payload(category, content)
    except ValidationError as error:
        raise _bad(error, place, "payload") from None
    try:
        salt = base64.b64decode(fields.get("salt") or _NO_SALT, validate=True)
        return Section(category=category, version=SECTION_VERSION[category], salt=salt, payload=payload)
    except ValidationError as error:
        raise _bad(error, place) from None
    except (ValueError, TypeError):
        raise BadJson(f"{place}.salt: 16 bytes in base64") from None


def _bad(error: ValidationError, *place: str) -> BadJson:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    path = ".".join(str(part) for part in (*place, *first["loc"])) or "alert"
    return BadJson(f"{path}: {first['msg'].removeprefix('Value error, ')}")
