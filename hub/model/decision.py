"""The records that the router writes beside deliveries: decisions, positions, holdings, quarantine; and what it is told."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from .base import AlertId, Code, Model, Slug, TimeMs
from .core import Codes, Core, Count, Routing

Bytes16 = Annotated[bytes, Field(min_length=16, max_length=16)]
Bytes32 = Annotated[bytes, Field(min_length=32, max_length=32)]
TopicName = Annotated[str, Field(min_length=1, max_length=249)]
Offset = Annotated[int, Field(ge=-1, le=2**63 - 1)]

DECISION_OUTCOMES: Final = ("decided", "duplicate", "superseded", "expired", "cancelled", "noted")
DecisionOutcome = Literal["decided", "duplicate", "superseded", "expired", "cancelled", "noted"]

END_OUTCOMES: Final = ("expired", "forgotten")
EndOutcome = Literal["expired", "forgotten"]

# Why a record waits in quarantine. docs/reasons.md says of each what it means and what to do.
QUARANTINE_REASONS: Final = (
    "undecodable",
    "unknown-schema",
    "too-large",
    "key-mismatch",
    "wrong-lane",
    "foreign-topic",
    "foreign-id",
    "label-mismatch",
    "digest-mismatch",
    "unknown-value",
    "contradiction",
    "valid-too-long",
    "same-revision-other-content",
    "fails-alone",
)
QuarantineReason = Literal[
    "undecodable",
    "unknown-schema",
    "too-large",
    "key-mismatch",
    "wrong-lane",
    "foreign-topic",
    "foreign-id",
    "label-mismatch",
    "digest-mismatch",
    "unknown-value",
    "contradiction",
    "valid-too-long",
    "same-revision-other-content",
    "fails-alone",
]


class Source(Model):
    """Where a record stood, and the one decided upon before it in the same topic and partition (-1: none).

    A chain of these shows a gap or a repeat, which a counter does not (KAFKA.md, rule 16).
    """

    topic: TopicName
    partition: Annotated[int, Field(ge=0)]
    offset: Offset
    previous: Offset


class Present(Model):
    """A section that the alert had: its category, version and size. Never its content."""

    category: Code
    version: Annotated[int, Field(ge=1)]
    size_bytes: Annotated[int, Field(ge=0)]


class AgencyOutcome(Model):
    """`reason`: see guidelines/decide.py; `categories`: released; `delivery`: the id of what was sent, if anything."""

    agency: Slug
    reason: Code
    categories: Codes = ()
    delivery: Bytes16 | None = None


class Decision(Model):
    """The outcome for one revision, over all agencies. No direct identifier, but confidential."""

    source: Source
    decided_ms: TimeMs
    bundle: Bytes32
    outcome: DecisionOutcome
    routing: Routing
    core: Core
    present: Annotated[tuple[Present, ...], Field(max_length=1_000)] = ()
    outcomes: Annotated[tuple[AgencyOutcome, ...], Field(max_length=10_000)] = ()


class Noted(Model):
    """What the router read and took note of without deciding on an alert: a receipt, a control record."""

    source: Source
    decided_ms: TimeMs
    what: Code


class Ended(Model):
    """What followed from an alert's end, on an order of the scheduler: `expired`, it was withdrawn from whoever held it, or
    `forgotten`, its holding ended. The alert's bytes may be gone, so it names the alert and carries nothing of it."""

    source: Source
    decided_ms: TimeMs
    bundle: Bytes32
    outcome: EndOutcome
    alert: AlertId
    originator: Slug
    revision: Annotated[int, Field(ge=1)]
    outcomes: Annotated[tuple[AgencyOutcome, ...], Field(max_length=10_000)] = ()


class Position(Model):
    """How far a lane has come in one topic: the next offset to read, and the last one decided upon (-1: none)."""

    next_offset: Offset
    last_decided: Offset


class Held(Model):
    """What one recipient holds of an alert. `number`: deliveries so far. `seen`: digest of what it was shown.

    `owed`: a hold stopped the delivery that is due; the alert's source position in the holding says where it stands.
    A recipient that holds nothing any more keeps its `number`, with revision 0.
    """

    agency: Slug
    number: Count
    revision: Annotated[int, Field(ge=0)]
    categories: Codes = ()
    seen: Bytes16
    owed: Code | None = None


class Holding(Model):
    """Who holds which revision and which categories of an alert. `content` tells a duplicate from a contradiction."""

    originator: Slug
    revision: Annotated[int, Field(ge=1)]
    cancelled: bool
    content: Bytes32
    topic: TopicName
    partition: Annotated[int, Field(ge=0)]
    offset: Offset
    valid_until_ms: TimeMs
    recipients: Annotated[tuple[Held, ...], Field(max_length=10_000)] = ()


class Quarantined(Model):
    """A record that cannot be decided, whole. Nobody in the hub opens `key`, `value` or `headers`: `replay` routes the
    same bytes again, `return` sends the reason to the originator."""

    topic: TopicName
    partition: Annotated[int, Field(ge=0)]
    offset: Offset
    previous: Offset
    timestamp_ms: TimeMs
    quarantined_ms: TimeMs
    reason: QuarantineReason
    field: Annotated[str, Field(max_length=200)] = ""
    attempt: Annotated[int, Field(ge=1)] = 1
    key: bytes | None = Field(default=None, repr=False)
    value: bytes | None = Field(default=None, repr=False)
    headers: bytes = Field(default=b"\0", repr=False)


ControlKind = Literal["expire", "replay", "return", "reevaluate", "lift", "forget"]


class Control(Model):
    """An order to the router. `topic`, `partition`, `offset`: the original record's; originator and lane are checked
    against that topic, as if the record had just come from there. `expire` and `forget` have no original and carry no bytes:
    they name the `alert`, and what follows is decided from its holding."""

    kind: ControlKind
    alert: AlertId | None = None
    topic: TopicName
    partition: Annotated[int, Field(ge=0)]
    offset: Offset
    attempt: Annotated[int, Field(ge=1)] = 1
    reason: Code | None = None
    field: Annotated[str, Field(max_length=200)] = ""
    key: bytes | None = Field(default=None, repr=False)
    value: bytes | None = Field(default=None, repr=False)
    headers: bytes = Field(default=b"\0", repr=False)
    who: Code
    why: Annotated[str, Field(max_length=500)]
