"""Does the history add up? Every published record is decided, noted, quarantined or pending; every delivery that was ordered
exists, and no other; who may receive an alert has it, or is owed it. Pure: records in, findings out.

It shares the hub's model with the router, not its rules. Reading the topics is cli/audit.py's: first how far the router has
committed, then decisions, quarantine and control, then everything else, so that what goes on meanwhile is no finding.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

from hub.bus.bus import Record, TopicPartition
from hub.bus.topics import ALERTS, CONTROL, DECISIONS, DELIVERIES, HOLDINGS, QUARANTINE, RECEIPTS
from hub.model.avro import SchemaIds, Undecodable, decode_as
from hub.model.base import to_rfc3339
from hub.model.decision import Holding

from . import heads

Place = tuple[TopicPartition, int]
Kind = Literal[
    "undecided",  # the router is past it, and nobody decided it
    "twice",  # decided twice, or delivered twice
    "unpublished",  # decided, and not there
    "missing",  # ordered, and in no topic
    "unauthorised",  # in a topic, and ordered by nobody
    "not-held",  # may receive an alert, and neither has it nor is owed it
    "still-held",  # it was to be withdrawn from everybody at its end, and somebody holds it
    "ended-early",  # it was withdrawn or forgotten before its time
    "unreadable",  # a record of the hub's own that is not as it must be
]
KINDS: Final[tuple[Kind, ...]] = (
    "undecided",
    "twice",
    "unpublished",
    "missing",
    "unauthorised",
    "not-held",
    "still-held",
    "ended-early",
    "unreadable",
)
EXPIRE: Final = "expire"
ID_BYTES: Final = 16  # a holding's key is its alert's id
STANDING: Final = ("decided", "expired", "cancelled")


class Finding(NamedTuple):
    """`where`: a place `<topic>/<partition>/<offset>`, or an alert and an agency."""

    kind: Kind
    where: str
    what: str


class _Held(NamedTuple):
    """An alert's newest holding: of which revision, until when it is valid, by whom it is held or to whom it is owed;
    `within`: written while it was valid."""

    revision: int
    valid_until_ms: int
    holders: frozenset[str]
    within: bool


class _End(NamedTuple):
    revision: int
    decided_ms: int
    outcome: str


class Sums(NamedTuple):
    """How many records stand where. Receipts and orders count as published, too."""

    published: int
    accounted: int
    pending: int
    quarantined: int
    ordered: int
    delivered: int


class Reconciling:
    """Takes in the records of all topics, each partition in order, and then says what does not add up."""

    def __init__(self, ids: SchemaIds) -> None:
        self._ids = ids
        self._published: dict[TopicPartition, set[int]] = {}
        self._first: dict[TopicPartition, int] = {}
        self._accounted: dict[TopicPartition, set[int]] = {}
        self._ordered: dict[bytes, str] = {}  # delivery -> where it was ordered
        self._delivered: dict[bytes, tuple[str, int, str]] = {}  # delivery -> place, log time, kind
        self._permitted: dict[bytes, tuple[str, ...]] = {}
        self._holdings: dict[bytes, _Held] = {}
        self._ended: dict[bytes, _End] = {}  # the last of each alert
        self._expire: dict[Place, bytes] = {}  # an order to expire an alert
        self._unheeded: dict[Place, int] = {}  # such an order of which nothing followed, and when
        self._quarantined = 0
        self._last_ms = 0
        self._found: list[Finding] = []

    def take(self, at: TopicPartition, record: Record) -> None:
        """Takes one committed record of any topic."""
        kind, dot, _ = at.topic.partition(".")
        try:
            if kind + dot in (ALERTS, RECEIPTS, CONTROL):
                self._published.setdefault(at, set()).add(record.offset)
                self._first[at] = min(record.offset, self._first.get(at, record.offset))
                if at.topic == CONTROL:
                    self._control(at, record)
            elif at.topic == DECISIONS:
                self._decision(at, record)
            elif at.topic == QUARANTINE:
                aside = heads.aside(heads.schema_id(record.value)[1])
                self._quarantined += 1
                self._account((TopicPartition(aside.topic, aside.partition), aside.offset), _place(at, record))
            elif kind + dot == DELIVERIES:
                self._delivery(at, record)
            elif at.topic == HOLDINGS:
                self._holding(record)
        except Undecodable as error:
            self._found.append(Finding("unreadable", _place(at, record), str(error)))

    def findings(self, committed: Mapping[TopicPartition, int]) -> list[Finding]:
        """What does not add up; empty if all does. `committed`: how far the router has come in what it reads."""
        found = [
            *self._found,
            *self._of_intake(committed),
            *self._of_deliveries(),
            *self._of_holdings(),
            *self._of_ends(),
        ]
        return sorted(set(found), key=lambda each: (KINDS.index(each.kind), each.where))

    def sums(self, committed: Mapping[TopicPartition, int]) -> Sums:
        pending = sum(offset >= committed.get(at, 0) for at, offsets in self._published.items() for offset in offsets)
        return Sums(
            sum(map(len, self._published.values())),
            sum(map(len, self._accounted.values())),
            pending,
            self._quarantined,
            len(self._ordered),
            len(self._delivered),
        )

    def _decision(self, at: TopicPartition, record: Record) -> None:
        schema_id, body = heads.schema_id(record.value)
        self._last_ms = max(self._last_ms, record.timestamp_ms)
        if schema_id == self._ids.by_name["Noted"]:
            fields = heads.noted(body)
            self._account(_source(fields), _place(at, record))
            if fields["what"] == EXPIRE:
                self._unheeded[_source(fields)] = fields["decided_ms"]
        elif schema_id == self._ids.by_name["Ended"]:
            fields = heads.ended(body)
            if self._account(_source(fields), _place(at, record)):
                self._follow_end(fields, _place(at, record))
        elif schema_id == self._ids.by_name["Decision"]:
            fields = heads.decision(body)
            if self._account(_source(fields), _place(at, record)):
                self._follow(fields, _place(at, record))
        else:
            raise Undecodable(f"schema {schema_id} does not belong here")

    def _follow(self, fields: Mapping[str, Any], where: str) -> None:
        """What a decision ordered, and who may receive its alert from now on."""
        for outcome in fields["outcomes"]:
            if outcome["delivery"] is not None:
                self._ordered[outcome["delivery"]] = f"{where} for {outcome['agency']}"
        if fields["outcome"] in STANDING:
            permitted = (each["agency"] for each in fields["outcomes"] if each["reason"] == "permitted")
            self._permitted[fields["core"]["id"]] = tuple(permitted)

    def _follow_end(self, fields: Mapping[str, Any], where: str) -> None:
        """What an alert's end ordered: whoever was permitted held it or was owed it. From now on nobody may receive it, until
        another revision is decided."""
        for outcome in fields["outcomes"]:
            if outcome["delivery"] is not None:
                self._ordered[outcome["delivery"]] = f"{where} for {outcome['agency']}"
        permitted = self._permitted.pop(fields["alert"], ())
        for agency in set(permitted).difference(outcome["agency"] for outcome in fields["outcomes"]):
            self._found.append(Finding("missing", f"{where} for {agency}", "it ended, and was not withdrawn"))
        self._ended[fields["alert"]] = _End(fields["revision"], fields["decided_ms"], fields["outcome"])

    def _control(self, at: TopicPartition, record: Record) -> None:
        """Remembers orders to expire an alert; what is no order waits in quarantine, which is seen elsewhere."""
        try:
            order = heads.order(heads.schema_id(record.value)[1])
        except Undecodable:
            return
        if order.kind == EXPIRE and order.alert is not None:
            self._expire[at, record.offset] = order.alert

    def _account(self, source: Place, by: str) -> bool:
        """Whether it is the first time."""
        at, offset = source
        known = self._accounted.setdefault(at, set())
        if offset in known:
            self._found.append(Finding("twice", f"{at.topic}/{at.partition}/{offset}", f"decided again by {by}"))
            return False
        known.add(offset)
        return True

    def _delivery(self, at: TopicPartition, record: Record) -> None:
        fields = heads.delivery(heads.schema_id(record.value)[1])
        where = _place(at, record)
        if fields["id"] in self._delivered:
            before = self._delivered[fields["id"]][0]
            self._found.append(Finding("twice", where, f"the delivery {fields['id'].hex()} stands at {before} already"))
        self._delivered[fields["id"]] = where, record.timestamp_ms, fields["kind"]

    def _holding(self, record: Record) -> None:
        """The newest of an alert counts; a tombstone ends it. Positions stand there too."""
        if record.key is None or len(record.key) != ID_BYTES:
            return
        if record.value is None:
            self._holdings.pop(record.key, None)
            self._permitted.pop(record.key, None)
            return
        schema_id, body = heads.schema_id(record.value)
        if schema_id == self._ids.by_name["Holding"]:
            holding = decode_as(Holding, body)
            holders = frozenset(each.agency for each in holding.recipients if each.revision or each.owed)
            within = record.timestamp_ms < holding.valid_until_ms
            self._holdings[record.key] = _Held(holding.revision, holding.valid_until_ms, holders, within)

    def _of_intake(self, committed: Mapping[TopicPartition, int]) -> Iterable[Finding]:
        for at, offsets in self._published.items():
            passed = {offset for offset in offsets if offset < committed.get(at, 0)}
            for offset in passed - self._accounted.get(at, set()):
                yield Finding("undecided", f"{at.topic}/{at.partition}/{offset}", "the router is past it")
        for at, accounted in self._accounted.items():
            there = self._published.get(at, set())
            if there:  # what retention took is not there any more, and is no finding
                for offset in accounted - there:
                    if offset >= self._first[at]:
                        yield Finding("unpublished", f"{at.topic}/{at.partition}/{offset}", "decided, and not there")

    def _of_deliveries(self) -> Iterable[Finding]:
        for identifier, where in self._ordered.items():
            if identifier not in self._delivered:
                yield Finding("missing", where, f"the delivery {identifier.hex()} is in no topic")
        for identifier, (where, time_ms, kind) in self._delivered.items():
            if identifier not in self._ordered and kind != "feedback" and time_ms <= self._last_ms:
                yield Finding("unauthorised", where, f"no decision ordered the delivery {identifier.hex()}")

    def _of_holdings(self) -> Iterable[Finding]:
        """Holdings are read last. What ended after the decisions had been read was not valid any more by then."""
        for alert, permitted in self._permitted.items():
            held = self._holdings.get(alert)
            for agency in permitted:
                if held is not None and held.within and agency not in held.holders:
                    yield Finding("not-held", _of(alert, agency), "permitted; no delivery, no debt")

    def _of_ends(self) -> Iterable[Finding]:
        """A later revision may have renewed an alert after its end: then its holding is of that one."""
        for alert, end in self._ended.items():
            held = self._holdings.get(alert)
            if held is None or held.revision != end.revision:
                continue
            for agency in held.holders:
                yield Finding("still-held", _of(alert, agency), f"it was {end.outcome} at {to_rfc3339(end.decided_ms)}")
            if end.decided_ms < held.valid_until_ms:
                yield Finding(
                    "ended-early", str(uuid.UUID(bytes=alert)), f"valid until {to_rfc3339(held.valid_until_ms)}"
                )
        for place, decided_ms in self._unheeded.items():
            held = self._holdings.get(self._expire.get(place, b""))
            for agency in held.holders if held and held.valid_until_ms <= decided_ms else ():
                yield Finding(
                    "still-held", _of(self._expire[place], agency), "nothing followed from the order to end it"
                )


def _of(alert: bytes, agency: str) -> str:
    return f"{uuid.UUID(bytes=alert)} for {agency}"


def _source(fields: Mapping[str, Any]) -> Place:
    source = fields["source"]
    return TopicPartition(source["topic"], source["partition"]), source["offset"]


def _place(at: TopicPartition, record: Record) -> str:
    return f"{at.topic}/{at.partition}/{record.offset}"
