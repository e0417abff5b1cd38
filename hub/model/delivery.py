"""What a recipient is sent, and the view inside it. Deliveries are spliced by routing/route.py from untouched slices."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from .base import AlertId, Code, Model, Slug, TimeMs
from .core import Codes, Core, Section
from .obligation import Obligation

DeliveryKind = Literal["release", "withdrawal", "request", "feedback"]
DELIVERY_KINDS: Final = ("release", "withdrawal", "request", "feedback")


class View(Model):
    """The alert as reduced for recipients that may see the same categories."""

    core: Core
    sections: Annotated[tuple[Section, ...], Field(max_length=1_000)] = ()


class Delivery(Model):
    """`number` counts this alert's deliveries to this recipient (0, as is the revision, in
    feedback on a quarantined record, which is outside that count); `withdrawn` names categories no longer released."""

    id: Annotated[bytes, Field(min_length=16, max_length=16)]
    kind: DeliveryKind
    recipient: Slug
    alert: AlertId
    revision: Annotated[int, Field(ge=0)]
    number: Annotated[int, Field(ge=0)]
    decided_ms: TimeMs
    bundle: Annotated[bytes, Field(min_length=32, max_length=32)]
    obligation: Obligation | None = None
    withdrawn: Codes = ()
    reason: Code | None = None
    view: View | None = None
