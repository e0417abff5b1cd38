"""What a recipient tells the hub of a delivery, and what a connector keeps on the bus about itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import AlertId, Code, Model, Slug, TimeMs
from .core import Codes
from .decision import Bytes16


class Receipt(Model):
    """A delivery's effect at its recipient: made, parked (with a reason code) or rejected. Deletion is confirmed too."""

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
    """What operators may know of a connector. `error` is a class of error with its place, never a value."""

    connector: Code
    agency: Slug
    at_ms: TimeMs
    state: Literal["running", "waiting", "stopped", "failed"]
    published: Annotated[int, Field(ge=0)] = 0
    delivered: Annotated[int, Field(ge=0)] = 0
    set_aside: Annotated[int, Field(ge=0)] = 0
    error: Annotated[str, Field(max_length=500)] | None = None
