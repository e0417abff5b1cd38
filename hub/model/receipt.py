"""What a recipient tells the hub of a delivery, and what a connector keeps on the bus about itself.

An agency writes both, so a text in them could be a name, however much it looks like a code. What is recorded of them is of
the closed lists here, and `OTHER` for the rest: docs/reasons.md says what each means.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from .base import AlertId, Code, Model, Slug, TimeMs
from .core import Codes
from .decision import Bytes16

OTHER: Final = "other"
ErrorKind = Literal["transient", "credentials", "gap", "fault"]
ERROR_KINDS: Final[tuple[ErrorKind, ...]] = get_args(ErrorKind)
PARKED_REASONS: Final = (
    "undecodable",
    "unknown-schema",
    "not-for-this-agency",
    "digest-mismatch",
    "recipient-not-ready",
    "recipient-failed",
)
EFFECTED_REASONS: Final = (
    "superseded",
    "sections-left-out",
    "never-sent",
    "no-request",
    "core-missing",
    "request",
    "feedback",
)
REJECTED_REASONS: Final = (
    "cannot-be-written",
    "exercise",
    "no-identity",
    "no-judicial-basis",
    "no-nationality",
    "not-about-nationals",
    "tlp-too-narrow",
    "no-statistics",
    "not-statistics-only",
    "not-for-statistics",
    "threshold-too-low",
    "under-threshold",
    "not-ours",
    "case-closed",
)
KEPT_UNTIL: Final = "kept-until"  # why a copy was deleted: its date had come
DELETED_REASONS: Final = (KEPT_UNTIL,)
HTTP_REASONS: Final = tuple(f"http-{status}" for status in range(400, 500))  # how the recipient's server refused
RECEIPT_REASONS: Final = (*PARKED_REASONS, *EFFECTED_REASONS, *REJECTED_REASONS, *DELETED_REASONS, *HTTP_REASONS)


class Receipt(Model):
    """A delivery's effect at its recipient: made, parked (with a reason code) or rejected. Deletion is confirmed too.

    `reason` should be one of RECEIPT_REASONS: another is recorded as OTHER.
    """

    delivery: Bytes16
    alert: AlertId
    recipient: Slug
    state: Literal["effected", "parked", "rejected", "deleted"]
    at_ms: TimeMs
    reason: Code | None = None
    reference: Annotated[str, Field(max_length=200)] | None = None


class SourcePosition(Model):
    """How far a connector's source was published; `position` is the source's own word for it."""

    source: Code
    position: Annotated[str, Field(max_length=10_000)]
    records: Annotated[int, Field(ge=0)]


class NativeKey(Model):
    """Which alert a native record became, under the HMAC of its key; `content` tells an update from a repeat.

    Class and purposes are what a cancel of it must say again.
    """

    alert: AlertId
    revision: Annotated[int, Field(ge=1)]
    content: Bytes16
    cancelled: bool = False
    valid_until_ms: TimeMs
    alert_class: Code
    purposes: Codes


class Health(Model):
    """What operators may know of a connector. `error`: one of ERROR_KINDS, a colon, a class of error with its place, never a
    value. The kind alone is recorded.
    """

    connector: Code
    agency: Slug
    at_ms: TimeMs
    state: Literal["running", "waiting", "stopped", "failed"]
    published: Annotated[int, Field(ge=0)] = 0
    delivered: Annotated[int, Field(ge=0)] = 0
    set_aside: Annotated[int, Field(ge=0)] = 0
    error: Annotated[str, Field(max_length=500)] | None = None
