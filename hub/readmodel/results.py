"""What the read model answers: plain frozen values, for pages, commands and tests alike.

Ids of alerts are UUIDs, of deliveries and bundles hexadecimal text; times are milliseconds since 1970 (`_ms`), None where
nothing is known. No value comes from a section, a routing block's persons, or a record's key, value or headers.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Final, Literal

RESTRICTED_CLASS: Final = "mutual-legal-assistance"

# How an alert stands after its newest decision.
AlertState = Literal["released", "nobody", "cancelled", "expired"]
ALERT_STATES: Final[tuple[AlertState, ...]] = ("released", "nobody", "cancelled", "expired")

# What is counted by the minute, of each agency: its alerts decided, its records quarantined, deliveries ordered for it,
# deliveries that it acknowledged, deliveries that it rejected or parked.
COUNTED: Final = ("decided", "quarantined", "delivered", "acknowledged", "rejected")

# Alarms: what must never happen. break: records of a partition are decided by nobody; repeat: one was decided twice;
# unreadable: a record of the hub's own is not as it must be; refused: a publication or hold that changes nothing; gap: the
# log starts after what was recorded.
ALARMS: Final = ("break", "repeat", "unreadable", "refused", "gap")

# The lag of a consumer, judged by its progress over a sliding window (lag.py).
LagState = Literal["ok", "warn", "stalled", "stopped", "unknown"]
LAG_STATES: Final[tuple[LagState, ...]] = ("ok", "unknown", "warn", "stalled", "stopped")  # mildest first

# What is wrong with an agency, worst first: each is one action on the page.
Trouble = Literal[
    "alarm",  # the chain of its topics is broken: nothing may be assumed
    "missing-deliveries",  # a delivery was ordered and is not in its topic
    "intake-stalled",  # its alerts are not decided although there are some
    "deliveries-stalled",  # its connector does not take in what waits
    "connector-failed",  # its connector says so
    "connector-silent",  # its connector said nothing for long
    "overdue",  # deliveries are past the time they are to be acknowledged by
    "quarantine",  # records wait in quarantine
    "rejected",  # it rejected or parked deliveries within the hour
    "held",  # somebody holds its intake or deliveries
    "slow",  # lag grows
]
TROUBLES: Final[tuple[Trouble, ...]] = (
    "alarm",
    "missing-deliveries",
    "intake-stalled",
    "deliveries-stalled",
    "connector-failed",
    "connector-silent",
    "overdue",
    "quarantine",
    "rejected",
    "held",
    "slow",
)


@dataclass(frozen=True)
class Scope:
    """Whose restricted alerts the viewer may know of: the agencies that he audits. Nobody's, unless said."""

    agencies: frozenset[str] = frozenset()


NOBODY: Final = Scope()


@dataclass(frozen=True)
class Lag:
    """How one consumer group stands in one topic. `seconds`: how long the oldest record that it has not committed has been
    there at least, as far as the samples tell; `records`: offsets between committed and end, over all partitions."""

    group: str
    topic: str
    state: LagState
    records: int
    seconds: float
    partitions: tuple[PartitionLag, ...] = ()


@dataclass(frozen=True)
class PartitionLag:
    partition: int
    state: LagState
    committed: int
    end: int
    seconds: float


@dataclass(frozen=True)
class Rate:
    """Per minute, over the last five full minutes and over the hour."""

    recent: float
    hour: float


@dataclass(frozen=True)
class Waiting:
    """Deliveries in a state that should end: how many, and since when the oldest."""

    count: int
    oldest_ms: int | None


NOTHING_WAITS: Final = Waiting(0, None)


@dataclass(frozen=True)
class Connector:
    """The newest word of a connector about itself, `silent` if it is older than SILENT_MS."""

    agency: str
    name: str
    state: str
    at_ms: int
    published: int
    delivered: int
    set_aside: int
    error: str | None
    silent: bool


@dataclass(frozen=True)
class HoldState:
    """A scope that is held: `intake/<agency>`, `deliveries/<agency>` or `everything`."""

    scope: str
    state: str
    why: str
    set_by: str
    set_ms: int
    asked_by: str | None
    asked_ms: int | None


@dataclass(frozen=True)
class BundleEntry:
    """A bundle that came into force; `in_force`: it still is. `approvals`: (steward, agency or None)."""

    serial: int
    digest: str
    previous: str
    at_ms: int
    approvals: tuple[tuple[str, str | None], ...]
    in_force: bool


@dataclass(frozen=True)
class AlarmEntry:
    kind: str
    topic: str
    partition: int
    offset: int
    detail: str


@dataclass(frozen=True)
class Reconciliation:
    """Whether everything adds up; `sound` if nothing is missing, unauthorised, broken or alarmed.

    `undecided`: offsets of agencies' topics and control that the router has not committed, by the newest sample (None
    without one). `quarantined`: records that wait. `missing`: deliveries ordered that are in no topic, for longer than
    SETTLING_MS. `unauthorised`: deliveries in a topic that no decision ordered (feedback apart). `broken`: partitions whose
    chain of positions has a hole. `recorded_ms`: the minute of the newest event that is
    recorded and counted.
    """

    undecided: int | None
    quarantined: int
    missing: int
    unauthorised: int
    broken: int
    alarms: int
    recorded_ms: int | None

    @property
    def sound(self) -> bool:
        return not (self.missing or self.unauthorised or self.broken or self.alarms)


@dataclass(frozen=True)
class AgencyRow:
    """One agency on the page *Now*. `troubles`: worst first, empty if all is well; the first names the action to take."""

    agency: str
    troubles: tuple[Trouble, ...]
    intake: Lag | None
    deliveries: Lag | None
    decided: Rate
    delivered: Rate
    acknowledged: Rate
    undelivered: Waiting
    unacknowledged: Waiting
    overdue: Waiting
    quarantine: Waiting
    connectors: tuple[Connector, ...]
    holds: tuple[HoldState, ...]


@dataclass(frozen=True)
class Now:
    """Everything as of `at_ms`; agencies sorted by what is wrong, worst first, then by name."""

    at_ms: int
    agencies: tuple[AgencyRow, ...]
    reconciliation: Reconciliation
    bundle: BundleEntry | None
    holds: tuple[HoldState, ...]
    alarms: tuple[AlarmEntry, ...]


@dataclass(frozen=True)
class Shift:
    """What one agency's row says of a shift: counts since its beginning, and what waits now."""

    agency: str
    decided: int
    delivered: int
    acknowledged: int
    rejected: int
    quarantined: int
    unacknowledged: Waiting
    overdue: Waiting


@dataclass(frozen=True)
class Handover:
    """What happened since `since_ms`, on one page. `nobody`: alerts decided since that nobody was authorised to receive."""

    since_ms: int
    until_ms: int
    agencies: tuple[Shift, ...]
    quarantine: tuple[QuarantineGroup, ...]
    holds: tuple[HoldState, ...]
    lifted: tuple[HoldState, ...]
    bundles: tuple[BundleEntry, ...]
    alarms: tuple[AlarmEntry, ...]
    nobody: int
    acts: tuple[AuditEntry, ...]


@dataclass(frozen=True)
class Wanted:
    """What alerts are searched by; None: whatever. `agency`: originator or recipient. `country`: ISO 3166-1 alpha-2."""

    alert: uuid.UUID | None = None
    agency: str | None = None
    alert_class: str | None = None
    country: str | None = None
    state: AlertState | None = None
    exercise: str | None = None
    from_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True)
class AlertRow:
    id: uuid.UUID
    opened_ms: int
    decided_ms: int
    revision: int
    originator: str
    alert_class: str
    exercise: str
    tlp: str
    state: str
    recipients: int


@dataclass(frozen=True)
class Found:
    """One page of alerts, newest first. `next`: the key of the page after it, None at the end. A page may be short, even
    empty, and have a `next`: a search for what is rare looks so far at a time, and goes on there."""

    alerts: tuple[AlertRow, ...]
    next: str | None


@dataclass(frozen=True)
class SectionSize:
    category: str
    version: int
    size_bytes: int


@dataclass(frozen=True)
class AgencyVerdict:
    """`reason`: guidelines/outcome.py's, or `cancelled`, `not-in-bundle`. `delivery`: what was sent for it, if anything."""

    agency: str
    reason: str
    categories: tuple[str, ...]
    delivery: str | None


@dataclass(frozen=True)
class DecisionEntry:
    """One decision of an alert's life. `place`: partition and offset in the topic `decisions`, where the whole record
    stands (evidence.py explains it); `label`: exercise, class, tlp, handling, purposes, reliability, credibility."""

    at_ms: int
    decided_ms: int
    revision: int
    kind: str
    outcome: str
    bundle: str
    source: tuple[str, int, int]
    place: tuple[int, int]
    label: dict[str, str | list[str]] = field(hash=False)
    countries: tuple[str, ...]
    present: tuple[SectionSize, ...]
    verdicts: tuple[AgencyVerdict, ...]


@dataclass(frozen=True)
class EndEntry:
    """An alert's end: `outcome` is `expired` (withdrawn from whoever held it) or `forgotten` (its holding ended). `verdicts`:
    of those who held something or were owed something, with the withdrawal."""

    at_ms: int
    decided_ms: int
    revision: int
    outcome: str
    bundle: str
    source: tuple[str, int, int]
    place: tuple[int, int]
    verdicts: tuple[AgencyVerdict, ...]


@dataclass(frozen=True)
class DeliveryEntry:
    """One delivery: `kind`, `number`, `at_ms` are None while its record has not been seen; `state` and `acknowledged_ms`
    while nothing was heard of it. `terms`: the obligation's terms that say something."""

    id: str
    alert: uuid.UUID
    recipient: str
    revision: int
    kind: str | None
    number: int | None
    authorised_ms: int | None
    at_ms: int | None
    due_ms: int | None
    place: tuple[str, int, int] | None
    bundle: str | None
    terms: dict[str, int | str | list[str]] = field(hash=False)
    withdrawn: tuple[str, ...]
    reason: str | None
    state: str | None
    acknowledged_ms: int | None
    receipt_reason: str | None


@dataclass(frozen=True)
class ReceiptEntry:
    at_ms: int
    delivery: str
    recipient: str
    state: str
    reason: str | None


@dataclass(frozen=True)
class AlertLife:
    """One alert's life. `events()` is all of it in the order of log time."""

    alert: AlertRow
    decisions: tuple[DecisionEntry, ...]
    ends: tuple[EndEntry, ...]
    deliveries: tuple[DeliveryEntry, ...]
    receipts: tuple[ReceiptEntry, ...]

    @property
    def has_ended(self) -> bool:
        """Whether it was withdrawn from whoever held it, as its validity had passed."""
        return self.alert.state == "expired" and bool(self.ends)

    def events(self) -> list[Event]:
        def order(each: Event) -> tuple[int, int]:
            return each.at_ms or 0, EVENTS.index(type(each))

        return sorted([*self.decisions, *self.ends, *self.deliveries, *self.receipts], key=order)


Event = DecisionEntry | EndEntry | DeliveryEntry | ReceiptEntry
EVENTS: Final[tuple[type[Event], ...]] = (DecisionEntry, EndEntry, DeliveryEntry, ReceiptEntry)


@dataclass(frozen=True)
class QuarantineRow:
    """One record that was set aside. `place`: `<topic>/<partition>/<offset>`, as `enlace quarantine` takes it.

    `ordered`: replay or return, once one was ordered about it; `settled`: the router has carried that out, so it waits no
    more (if it failed again, that is another row).
    """

    place: str
    agency: str | None
    reason: str
    field: str
    attempt: int
    size_bytes: int
    recorded_ms: int
    quarantined_ms: int
    ordered: str | None
    ordered_by: str | None
    settled: bool


@dataclass(frozen=True)
class QuarantineGroup:
    """Records that wait for the same reason."""

    reason: str
    count: int
    agencies: tuple[tuple[str, int], ...]
    oldest_ms: int
    newest_ms: int


@dataclass(frozen=True)
class QuarantinePage:
    records: tuple[QuarantineRow, ...]
    next: str | None


@dataclass(frozen=True)
class AgencyDetail:
    """One agency with its open deliveries (oldest first, at most 50), its waiting quarantine (at most 50) and its counts
    by the minute over the last hour (`what` -> (minute_ms, count), oldest first)."""

    row: AgencyRow
    open: tuple[DeliveryEntry, ...]
    quarantine: tuple[QuarantineRow, ...]
    minutes: dict[str, tuple[tuple[int, int], ...]] = field(hash=False)


@dataclass(frozen=True)
class AuditEntry:
    """`action`: a code such as `alert.seen`, `hold.set`; `subject`: what it was done to; `outcome`: `done`, `refused`."""

    id: int
    at_ms: int
    who: str
    role: str
    action: str
    subject: str
    outcome: str
    detail: str


@dataclass(frozen=True)
class AuditPage:
    entries: tuple[AuditEntry, ...]
    next: str | None
