"""Drafts and approvals as files: what stewards hand to each other before a bundle is published. Pure: text in, text out.

A draft fixes the three things that are signed: the serial, the bundle that it follows, and (by its content) its own digest.
Both files are JSON, to be read by people too. An approval is good for one draft only, and says of which.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal

import rfc8785
from pydantic import Field, ValidationError

from hub.model.base import Code, Model, Slug
from hub.model.publication import Approval, Serial

from .bundle import MAX_BYTES, Bundle, BundleError

Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
MAX_TEXT_BYTES: Final = 2 * MAX_BYTES  # a draft is indented


class BadFile(Exception):
    """This is not a draft, an approval, or a bundle. One line that says why."""


class Draft(Model):
    """A bundle that may come into force as the one of this serial, after the one of the digest `previous`."""

    kind: Literal["enlace-draft"] = "enlace-draft"
    serial: Serial
    previous: Hex32
    digest: Hex32
    bundle: Bundle


class ApprovalFile(Model):
    """One steward's approval of a draft."""

    kind: Literal["enlace-approval"] = "enlace-approval"
    serial: Serial
    previous: Hex32
    digest: Hex32
    steward: Code
    agency: Slug | None = None
    key: Hex32
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]

    def approval(self) -> Approval:
        return Approval(
            steward=self.steward,
            agency=self.agency,
            key=bytes.fromhex(self.key),
            signature=bytes.fromhex(self.signature),
        )


def draft_of(bundle: Bundle, serial: int, previous: bytes) -> Draft:
    return Draft(serial=serial, previous=previous.hex(), digest=bundle.name, bundle=bundle)


def draft_to_text(draft: Draft) -> str:
    head = {"kind": draft.kind, "serial": draft.serial, "previous": draft.previous, "digest": draft.digest}
    return json.dumps({**head, "bundle": json.loads(draft.bundle.to_json())}, ensure_ascii=False, indent=1) + "\n"


def draft_from_text(text: str) -> Draft:
    """Raises BadFile, also if the digest that is written is not the bundle's."""
    fields = _object(text)
    if fields.get("kind") != "enlace-draft":
        raise BadFile("this is no draft: make one by `enlace guidelines draft`")
    bundle = _bundle(fields.pop("bundle", None))
    try:
        draft = Draft.model_validate({**fields, "bundle": bundle})
    except ValidationError as error:
        raise BadFile(_first(error)) from None
    if draft.digest != bundle.name:
        raise BadFile("the bundle in this draft was changed: its digest is not the one written; make a new draft")
    return draft


def bundle_from_text(text: str) -> Bundle:
    """The bundle of a draft, or of a bundle's own JSON in whatever layout. Raises BadFile."""
    fields = _object(text)
    return draft_from_text(text).bundle if fields.get("kind") == "enlace-draft" else _bundle(fields)


def approval_file(draft: Draft, approval: Approval) -> ApprovalFile:
    return ApprovalFile(
        serial=draft.serial,
        previous=draft.previous,
        digest=draft.digest,
        steward=approval.steward,
        agency=approval.agency,
        key=approval.key.hex(),
        signature=approval.signature.hex(),
    )


def approval_from_text(text: str) -> ApprovalFile:
    """Raises BadFile."""
    try:
        return ApprovalFile.model_validate(_object(text))
    except ValidationError as error:
        raise BadFile(_first(error)) from None


def _object(text: str) -> dict[str, Any]:
    if len(text) > MAX_TEXT_BYTES:
        raise BadFile(f"{len(text)} characters; the limit is {MAX_TEXT_BYTES}")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFile(f"not JSON ({type(error).__name__})") from None
    if not isinstance(fields, dict):
        raise BadFile("not a JSON object")
    return fields


def _bundle(fields: Any) -> Bundle:
    try:
        return Bundle.from_json(rfc8785.dumps(fields))
    except BundleError as error:
        finding = error.findings[0]
        raise BadFile(f"the bundle does not load: {'.'.join(map(str, finding.path))} {finding.message}") from None
    except (ValueError, RecursionError) as error:
        raise BadFile(f"the bundle does not load ({type(error).__name__})") from None


def _first(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
