"""Records of the topics to what is recorded of them: heads decoded, values tidied, the links of the chain. No SQL, no Kafka.

One `Taken` is what one transaction of the recorder adds. Writing it is writing.py's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from hub.bus.bus import Record, TopicPartition
from hub.bus.topics import CONNECTORS, CONTROL, DECISIONS, DELIVERIES, GUIDELINES, QUARANTINE, RECEIPTS
from hub.guidelines.approval import NotApproved
from hub.guidelines.holds import NotAHold
from hub.guidelines.rulebook import Rulebook, Stray
from hub.model.avro import SchemaIds, Undecodable, decode_as
from hub.model.publication import HoldOrder, Publication
from hub.model.receipt import Health
from hub.model.walk import REMEMBERED_MAX_BYTES, NotProven

from . import cut, heads, tidy
from .chain import Place
from .ends import Ended, ended, verdict_of
from .results import RESTRICTED_CLASS

HEALTH_KEY: Final = b"health/"  # connectors/sdk/publish.py's
CHECKED: Final = ("decided", "expired")  # outcomes for which the engine knew every value
STANDING: Final = ("decided", "expired", "cancelled")  # outcomes that say how the alert stands
RECEIPT_STATES: Final = ("effected", "parked", "rejected", "deleted")
HOUR_MS: Final = 3_600_000
NOT_PROVEN: Final = "not of the form that the router writes"


class Link(NamedTuple):
    """A record of a source topic that was accounted for, and the one before it."""

    place: Place
    previous: int
    offset: int


class Decided(NamedTuple):
    """A decision, tidied. `row`: of the table. `sent`: (agency, delivery id) of what it ordered."""

    row: tuple[Any, ...]
    log_ms: int
    partition: int
    offset: int
    alert: bytes
    revision: int
    originator: str
    alert_class: str
    exercise: str
    tlp: str
    standing: str | None
    recipients: int
    valid_until_ms: int
    tags: tuple[str, ...]
    sent: tuple[tuple[str, bytes], ...]


class Sent(NamedTuple):
    """A delivery's header: the columns of the table that it knows."""

    id: bytes
    alert: bytes
    recipient: str
    revision: int
    log_ms: int
    partition: int
    offset: int
    kind: str
    number: int
    decided_ms: int
    bundle: bytes
    terms: bytes | None
    due_ms: int | None
    withdrawn: str | None
    reason: str | None


@dataclass
class Taken:
    """What one transaction adds. Rows are in the order of their table's columns."""

    decided: list[Decided] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    sent: dict[bytes, Sent] = field(default_factory=dict)
    receipts: list[tuple[Any, ...]] = field(default_factory=list)
    notes: list[tuple[Any, ...]] = field(default_factory=list)
    quarantine: list[tuple[Any, ...]] = field(default_factory=list)
    orders: list[tuple[Any, ...]] = field(default_factory=list)
    health: dict[tuple[str, str], tuple[Any, ...]] = field(default_factory=dict)
    holds: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    bundles: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    fragments: dict[bytes, str] = field(default_factory=dict)
    links: list[tuple[Link, TopicPartition, int]] = field(default_factory=list)
    alarms: dict[tuple[str, str, int, int], str] = field(default_factory=dict)
    records: int = 0

    def alarm(self, kind: str, topic: str, partition: int, offset: int, detail: str) -> None:
        self.alarms[kind, topic[:249], partition, offset] = detail[:500]


class Taking:
    """Takes records in, topic by topic. One for a recorder's life: it keeps the rulebook of the topic `guidelines`."""

    def __init__(self, ids: SchemaIds, rulebook: Rulebook) -> None:
        """`rulebook`: new; the topic `guidelines` must be given from its beginning, whatever was recorded of it."""
        self._ids = ids
        self._rulebook = rulebook
        self._names = ids.by_id
        self._of_topic: Mapping[str, Callable[[Taken, TopicPartition, Record], None]] = {
            DECISIONS: self._decisions,
            QUARANTINE: self._quarantine,
            CONTROL: self._control,
            GUIDELINES: self._guidelines,
            DELIVERIES: self._delivery,
            RECEIPTS: self._receipt,
            CONNECTORS: self._connector,
        }

    def take(self, taken: Taken, at: TopicPartition, records: Iterable[Record]) -> None:
        """Takes records of one partition in. What is not as it must be is an alarm if the hub wrote it; what an agency
        wrote is left out, since the router quarantines it or nobody needs it."""
        kind, dot, _ = at.topic.partition(".")
        into = self._of_topic[kind + dot]
        for record in records:
            taken.records += 1
            try:
                into(taken, at, record)
            except (Undecodable, NotProven) as error:
                if at.topic not in (CONTROL,) and kind + dot not in (RECEIPTS, CONNECTORS):
                    taken.alarm("unreadable", at.topic, at.partition, record.offset, str(error) or NOT_PROVEN)

    def _decisions(self, taken: Taken, at: TopicPartition, record: Record) -> None:
        schema_id, body = heads.schema_id(record.value)
        name = self._names.get(schema_id)
        if name == "Noted":
            fields = heads.noted(body)
            source = fields["source"]
            _link(taken, source["topic"], source["partition"], source["previous"], source["offset"], at, record)
            if source["topic"] == CONTROL:
                place = (source["partition"], source["offset"])
                taken.notes.append(
                    (at.partition, record.offset, record.timestamp_ms, *place, tidy.code(fields["what"]))
                )
        elif name == "Decision":
            found = cut.decision(body, record.key)
            _link(taken, found.topic, found.partition, found.previous, found.offset, at, record)
            taken.decided.append(_decided(taken, found, at, record))
        elif name == "Ended":
            fields = heads.ended(body)
            source = fields["source"]
            _link(taken, source["topic"], source["partition"], source["previous"], source["offset"], at, record)
            verdict = _fragment(taken, _named(json.dumps(verdict_of(fields), separators=(",", ":"))))
            taken.ended.append(ended(fields, verdict, at, record))
        else:
            raise Undecodable(f"schema {schema_id} does not belong here")

    def _quarantine(self, taken: Taken, at: TopicPartition, record: Record) -> None:
        aside = heads.aside(self._body(record, "Quarantined"))
        _link(taken, aside.topic, aside.partition, aside.previous, aside.offset, at, record)
        about = aside.about
        original = (about.topic, about.partition, about.offset) if about else aside[:3]
        agency = original[0].partition(".")[2]
        taken.quarantine.append(
            (
                at.partition,
                record.offset,
                record.timestamp_ms,
                tidy.words(aside.topic, 249),
                *aside[1:6],
                tidy.code(aside.reason),
                tidy.words(aside.field, 200),
                tidy.number(about.attempt if about else aside.attempt),
                aside.size_bytes,
                tidy.code(agency)[:40] if agency else None,
                tidy.words(original[0], 249),
                *original[1:],
            )
        )

    def _control(self, taken: Taken, at: TopicPartition, record: Record) -> None:
        order = heads.order(self._body(record, "Control"))
        taken.orders.append(
            (
                at.partition,
                record.offset,
                record.timestamp_ms,
                tidy.code(order.kind),
                tidy.words(order.topic, 249),
                tidy.number(order.partition),
                order.offset,
                tidy.number(order.attempt),
                tidy.words(order.who, 64),
                tidy.words(order.why, 500),
            )
        )

    def _delivery(self, taken: Taken, at: TopicPartition, record: Record) -> None:
        found = cut.delivery(self._body(record, "Delivery"))
        terms, hours = None, None
        if found.terms:
            made, hours = _terms(found.terms)
            terms = _fragment(taken, made)
        taken.sent[found.id] = Sent(
            found.id,
            found.alert,
            found.recipient,
            tidy.number(found.revision),
            record.timestamp_ms,
            at.partition,
            record.offset,
            tidy.code(found.kind),
            tidy.number(found.number),
            found.decided_ms,
            found.bundle,
            terms,
            None if hours is None else record.timestamp_ms + hours * HOUR_MS,
            _withdrawn(found.withdrawn),
            tidy.optional_code(found.reason),
        )

    def _receipt(self, taken: Taken, at: TopicPartition, record: Record) -> None:
        found = cut.receipt(self._body(record, "Receipt"))
        delivery, alert, recipient, state, at_ms, reason = found
        if state not in RECEIPT_STATES or recipient != at.topic[len(RECEIPTS) :]:
            return  # the router quarantines it
        place = (at.topic, at.partition, record.offset, record.timestamp_ms)
        taken.receipts.append((*place, delivery, alert, recipient, state, at_ms, tidy.receipt_reason(reason)))

    def _connector(self, taken: Taken, at: TopicPartition, record: Record) -> None:
        """Health only: what else stands there is the connector's own, and is not even looked at."""
        if not (record.key or b"").startswith(HEALTH_KEY):
            return
        health = decode_as(Health, self._body(record, "Health"))
        agency = at.topic.removeprefix(CONNECTORS)
        if health.agency != agency:
            return
        name = tidy.code(health.connector)
        counts = (health.published, health.delivered, health.set_aside)
        said = (health.at_ms, health.state, *(min(count, 2**63 - 1) for count in counts))
        place = (agency, name, record.offset, record.timestamp_ms)
        taken.health[agency, name] = (*place, *said, tidy.error_kind(health.error))

    def _guidelines(self, taken: Taken, _at: TopicPartition, record: Record) -> None:
        try:
            found = self._rulebook.take(record.key, record.value)
        except (NotApproved, NotAHold, Stray) as refused:
            scope = getattr(refused, "scope", "")
            taken.alarm("refused", GUIDELINES, 0, record.offset, f"{refused.reason} {scope}".strip())
            if scope in self._rulebook.held and scope not in self._rulebook.orders:
                taken.holds[scope] = (scope, record.offset, record.timestamp_ms, "unclear", "", "", 0, *[None] * 4)
            return
        if isinstance(found, Publication):
            approvals = [[tidy.words(each.steward, 64), each.agency] for each in found.approvals]
            row = (found.serial, found.digest, found.previous, record.offset, record.timestamp_ms)
            taken.bundles[found.serial] = (*row, json.dumps(approvals), found.bundle)
        elif isinstance(found, HoldOrder):
            taken.holds[found.scope] = _hold(found, record)

    def _body(self, record: Record, name: str) -> bytes:
        schema_id, body = heads.schema_id(record.value)
        if schema_id != self._ids.by_name[name]:
            raise Undecodable(f"schema {schema_id} does not belong here")
        return body


def _hold(order: HoldOrder, record: Record) -> tuple[Any, ...]:
    return (
        order.scope,
        record.offset,
        record.timestamp_ms,
        order.state,
        tidy.words(order.why, 500),
        tidy.words(order.set_by, 64),
        order.set_ms,
        tidy.optional_words(order.asked_by, 64),
        order.asked_ms,
        tidy.optional_words(order.lifted_by, 64),
        order.lifted_ms,
    )


def _link(
    taken: Taken, topic: str, partition: int, previous: int, offset: int, at: TopicPartition, record: Record
) -> None:
    place = Place(tidy.words(topic, 249), partition)
    taken.links.append((Link(place, previous, offset), at, record.offset))


def _decided(taken: Taken, found: cut.CutDecision, at: TopicPartition, record: Record) -> Decided:
    outcome = tidy.code(found.outcome)
    checked = outcome in CHECKED
    remembered = len(found.routing) + len(found.label) <= REMEMBERED_MAX_BYTES
    stable = (_stable if remembered else _stable.__wrapped__)(found.routing, found.label, found.originator, checked)
    verdict = _verdict(found.verdict)
    sent = tuple([(verdict.agencies[number], delivery) for number, delivery in found.sent])
    standing = outcome if outcome in STANDING else None
    if standing == "decided":
        standing = "released" if verdict.permitted else "nobody"
    revision = tidy.number(found.revision)
    row = (
        at.partition,
        record.offset,
        record.timestamp_ms,
        tidy.words(found.topic, 249),
        found.partition,
        found.offset,
        found.previous,
        found.decided_ms,
        found.bundle,
        outcome,
        found.id,
        revision,
        "cancel" if found.kind == "cancel" else "alert",
        _fragment(taken, stable.label),
        stable.countries,
        _present(found.present, checked),
        _fragment(taken, verdict.fragment),
    )
    return Decided(
        row,
        record.timestamp_ms,
        at.partition,
        record.offset,
        found.id,
        revision,
        stable.originator,
        stable.alert_class,
        stable.exercise,
        stable.tlp,
        standing,
        len(verdict.permitted),
        found.valid_until_ms,
        _tags(stable.originator, stable.countries, verdict.permitted, tuple([agency for agency, _ in sent])),
        sent,
    )


def is_restricted(alert_class: str) -> bool:
    """Whether only its parties may know of an alert of this class; so for one whose class is not known."""
    return alert_class in (RESTRICTED_CLASS, tidy.UNKNOWN)


def _fragment(taken: Taken, made: tuple[bytes, str]) -> bytes:
    taken.fragments[made[0]] = made[1]
    return made[0]


def _named(body: str) -> tuple[bytes, str]:
    return hashlib.sha256(body.encode()).digest()[:16], body


class _Stable(NamedTuple):
    """What is the same in many decisions: of routing block, label and originator. `countries`: by spaces."""

    originator: str
    alert_class: str
    exercise: str
    tlp: str
    countries: str
    label: tuple[bytes, str]


@lru_cache(maxsize=8_192)
def _stable(routing: bytes, raw_label: bytes, originator: str, checked: bool) -> _Stable:
    tidied: dict[str, Any] = {
        name: tidy.known(value, name, checked) if isinstance(value, tuple) else tidy.listed(name, value, checked)
        for name, value in cut.label(raw_label).items()
    }
    return _Stable(
        tidy.code(originator)[:40],
        tidied["class"],
        tidied["exercise"],
        tidied["tlp"],
        " ".join(tidy.countries(cut.places(routing))),
        _named(json.dumps(tidied, separators=(",", ":"))),
    )


class _Verdict(NamedTuple):
    """The outcomes, tidied. `agencies`: of each outcome; `permitted`: of those."""

    fragment: tuple[bytes, str]
    agencies: tuple[str, ...]
    permitted: tuple[str, ...]


@lru_cache(maxsize=8_192)
def _verdict(runs: tuple[bytes, ...]) -> _Verdict:
    outcomes = cut.outcomes(runs)
    tidied = [
        [tidy.code(each.agency)[:40], tidy.code(each.reason), tidy.known(each.categories, "category", True)]
        for each in outcomes
    ]
    return _Verdict(
        _named(json.dumps(tidied, separators=(",", ":"))),
        tuple(each.agency for each in outcomes),
        tuple(each.agency for each in outcomes if each.reason == "permitted"),
    )


@lru_cache(maxsize=8_192)
def _tags(originator: str, countries: str, permitted: tuple[str, ...], sent: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({originator, *countries.split(), *permitted, *sent}))


@lru_cache(maxsize=8_192)
def _present(raw: bytes, checked: bool) -> str:
    sections = [
        f'["{tidy.listed("category", category, checked)}",{version},{size_bytes}]'
        for category, version, size_bytes in cut.present(raw)
    ]
    return f"[{','.join(sections)}]"


@lru_cache(maxsize=8_192)
def _terms(raw: bytes) -> tuple[tuple[bytes, str], int | None]:
    """Those that say something; hours to acknowledge."""
    terms = cut.terms(raw)
    told = {name: value for name, value in terms.items() if value not in (None, ())}
    return _named(json.dumps(told, separators=(",", ":"))), terms["acknowledge_hours"]


@lru_cache(maxsize=1_024)
def _withdrawn(raw: bytes) -> str | None:
    return " ".join(tidy.known(cut.texts(raw), "category", True)) or None
