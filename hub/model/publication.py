"""The records of the topic `guidelines`: bundles as they come into force, and operators' holds.

What makes a publication valid is guidelines/approval.py's; what all records of the topic add up to is guidelines/rulebook.py's.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from .base import Code, Model, Slug, TimeMs
from .decision import Bytes32

Bytes64 = Annotated[bytes, Field(min_length=64, max_length=64)]
Serial = Annotated[int, Field(ge=1, le=2**31 - 1)]

PACKED_MAX_BYTES: Final = 4_000_000  # of a bundle within its record, which must fit the topic
MAX_APPROVALS: Final = 20
FIRST: Final = bytes(32)  # in the place of a previous digest: there was no bundle before


class Approval(Model):
    """One steward's signature. `key` says who signed; the name and the agency are for people, and are not signed."""

    steward: Code
    agency: Slug | None = None
    key: Bytes32
    signature: Bytes64


class Publication(Model):
    """A bundle with its serial, the digest of the bundle that it follows, and the stewards' approvals.

    `bundle`: the canonical JSON, compressed (zlib); `digest`: SHA-256 of that JSON.
    """

    serial: Serial
    previous: Bytes32
    digest: Bytes32
    bundle: Annotated[bytes, Field(max_length=PACKED_MAX_BYTES)]
    approvals: Annotated[tuple[Approval, ...], Field(max_length=MAX_APPROVALS)] = ()


SCOPE_PATTERN: Final = r"^(everything|(intake|deliveries)/[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?)$"
Scope = Annotated[str, Field(pattern=SCOPE_PATTERN)]
HoldState = Literal["held", "lift-asked", "lifted"]


class HoldOrder(Model):
    """How a hold stands: set by one person; asked to be lifted by one and lifted by another.

    Each record tells the whole story, since the topic keeps the newest of a scope only. `scope`: `intake/<agency>`,
    `deliveries/<agency>`, or `everything` (all deliveries).
    """

    scope: Scope
    state: HoldState
    why: Annotated[str, Field(min_length=1, max_length=500)]
    set_by: Code
    set_ms: TimeMs
    asked_by: Code | None = None
    asked_ms: TimeMs | None = None
    lifted_by: Code | None = None
    lifted_ms: TimeMs | None = None
