"""One record in, what follows out. Pure and total: bad data gives a quarantine record, never an exception.

Reading, writing, committing and the clock are the loop's (hub/router.py); who may see what is guidelines/decide.py's; how a
revision or a recipient's holding goes on is lifecycle.py's table; how records look is emit.py's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from hub.bus.bus import Outgoing, Record, lane
from hub.guidelines.bundle import Bundle
from hub.guidelines.decide import engine
from hub.guidelines.outcome import Decision, Outcome, UnknownValue
from hub.model.avro import SchemaIds, Undecodable, decode_as, unframe
from hub.model.base import Model
from hub.model.decision import Control
from hub.model.receipt import Receipt
from hub.model.splice import Position

from . import emit
from .holdings import NOTHING_SEEN, Held, Holding, opened
from .lifecycle import DUES, STEPS, WAITS_UNDER_HOLD, Due, Standing, Step, stake, standing
from .opening import ALERTS, Opened, Refused, open_alert

RECEIPTS = "receipts."
CONTROL = "control"
EVERYBODY = "*"

M = TypeVar("M", bound=Model)


class Arrived(NamedTuple):
    """A record with its place, and the offset decided upon before it in the same topic and partition (-1: none)."""

    topic: str
    partition: int
    record: Record
    previous: int

    @property
    def source(self) -> Position:
        return Position(self.topic, self.partition, self.record.offset, self.previous)


@dataclass(frozen=True)
class State:
    """What a decision depends on. `holdings`: the lane's, by alert id, framed, with what this batch staged. `held`: the
    agencies whose deliveries an operator holds, EVERYBODY for all."""

    bundle: Bundle
    ids: SchemaIds
    partitions: int
    now_ms: int
    holdings: Mapping[bytes, bytes]
    held: frozenset[str] = frozenset()

    def holds(self, agency: str) -> bool:
        return agency in self.held or EVERYBODY in self.held


class Routed(NamedTuple):
    """What follows from a record: records to write, holdings to stage, and one word for operators."""

    outgoing: list[Outgoing]
    holdings: dict[bytes, bytes]
    result: str


def route(arrived: Arrived, state: State) -> Routed:
    """What follows from one record."""
    try:
        if arrived.topic == CONTROL:
            return _control(arrived, state)
        return _of_agency(arrived, arrived.topic, arrived.record, state)
    except Refused as refused:
        return Routed([emit.quarantined(arrived.source, arrived.record, refused, state)], {}, refused.reason)


def _of_agency(arrived: Arrived, topic: str, record: Record, state: State) -> Routed:
    """`topic` and `record` are those that the agency wrote; a replayed one arrived elsewhere."""
    if topic.startswith(ALERTS):
        return _alert(arrived, topic, record, state)
    return _receipt(arrived, topic, record, state)


def _alert(arrived: Arrived, topic: str, record: Record, state: State) -> Routed:
    alert = open_alert(topic, arrived.partition, record, state.ids.by_name["Alert"], state.partitions)
    known = _known(alert, state)
    walked = alert.walked
    step = STEPS[standing(known, alert.originator, walked.revision, alert.content), alert.kind]
    if step in (Step.REFUSE_CONTENT, Step.REFUSE_ORIGIN):
        raise Refused(step.value, "core.revision" if step is Step.REFUSE_CONTENT else "core.id")
    if step in (Step.REPEAT, Step.OUTDATED):
        return Routed([emit.decision(arrived.source, alert, [], step.value, state)], {}, step.value)
    decision = _decided(alert, state) if step is Step.DECIDE else Decision(state.bundle.digest, (), ())
    expired = step is Step.DECIDE and walked.valid_until_ms <= state.now_ms
    return _followed(arrived.source, alert, known, decision, "expired" if expired else step.value, state)


def _once_more(arrived: Arrived, order: Control, state: State) -> Routed:
    """The same revision decided anew: `reevaluate` for everybody, `lift` for those to whom something is owed that is not
    held any more. An order about a revision that was overtaken, or that came twice or too early, changes nothing."""
    alert = open_alert(
        order.topic, arrived.partition, _original(arrived, order), state.ids.by_name["Alert"], state.partitions
    )
    known = _known(alert, state)
    stands = standing(known, alert.originator, alert.walked.revision, alert.content)
    if stands in (Standing.FOREIGN, Standing.CONTRADICTING):
        raise Refused(STEPS[stands, alert.kind].value, "core.id" if stands is Standing.FOREIGN else "core.revision")
    whom = None
    if known is not None and order.kind == "lift":
        whom = frozenset(
            each.agency for each in known.recipients.values() if each.owed and not state.holds(each.agency)
        )
    if known is None or stands is not Standing.SAME or known.cancelled or whom == frozenset():
        return Routed([emit.noted(arrived.source, order.kind, state)], {}, "noted")
    result = "expired" if alert.walked.valid_until_ms <= state.now_ms else "decided"
    return _followed(arrived.source, alert, known, _decided(alert, state), result, state, whom)


def _original(arrived: Arrived, order: Control) -> Record:
    """The record that an order is about, as if it had just come from its own topic."""
    return Record(order.offset, arrived.record.timestamp_ms, order.key, order.value, order.headers)


def _known(alert: Opened, state: State) -> Holding | None:
    value = state.holdings.get(alert.walked.id)
    return opened(value) if value is not None else None


def _decided(alert: Opened, state: State) -> Decision:
    walked = alert.walked
    try:
        return engine(state.bundle).decide(
            walked.attributes,
            alert.originator,
            walked.valid_until_ms,
            walked.caveats,
            alert.categories,
            state.now_ms,
        )
    except UnknownValue as unknown:
        place = "core" if unknown.field in ("originator", "caveats") else "routing"
        raise Refused("unknown-value", f"{place}.{unknown.field}") from None
    except Undecodable:
        raise Refused("undecodable", "routing") from None


def _followed(
    source: Position,
    alert: Opened,
    known: Holding | None,
    decision: Decision,
    result: str,
    state: State,
    whom: frozenset[str] | None = None,
) -> Routed:
    """Deliveries, the decision and the holding of one decided or cancelled revision; for `whom` only, if given."""
    recipients = dict(known.recipients) if known else {}
    views = emit.Views(alert)
    outgoing: list[Outgoing] = []
    concerned, outcomes = _concerned(decision, recipients, result)
    for outcome in concerned:
        held = recipients.get(outcome.agency) or Held(outcome.agency)
        permitted = outcome.reason == "permitted"
        seen = views.seen(outcome) if permitted else NOTHING_SEEN
        due = DUES[stake(held, permitted, seen)]
        identifier = None
        if whom is not None and outcome.agency not in whom:
            due, held = Due.NOTHING, held._replace(owed=None)  # as it was, and what it is owed stays owed
        if due in WAITS_UNDER_HOLD and state.holds(outcome.agency):
            recipients[outcome.agency] = held._replace(owed=due.value)
        elif due is not Due.NOTHING:
            if due is Due.RELEASE:
                sent, held = emit.release(source, alert, views, outcome, held, seen, state)
            else:
                sent, held = emit.withdrawal(source, alert, outcome.agency, held, result, state)
            recipients[outcome.agency] = held
            outgoing.append(sent)
            identifier = emit.delivery_id(alert.walked.id, outcome.agency, held.number)
        elif held.owed:
            recipients[outcome.agency] = held._replace(owed=None)
        outcomes.append(emit.outcome(outcome, identifier))
    holding = emit.holding(source, alert, result, recipients, state)
    outgoing += (holding, emit.decision(source, alert, outcomes, result, state))
    return Routed(outgoing, {alert.walked.id: holding.value or b""}, result)


def _concerned(
    decision: Decision, recipients: Mapping[str, Held], result: str
) -> tuple[Sequence[Outcome], list[bytes]]:
    """Whom something may follow for: the permitted, and whoever was sent or owed something. The others' outcomes, encoded."""
    if not recipients:
        return decision.permitted, list(emit.denied(decision))
    concerned = [each for each in decision.outcomes if each.reason == "permitted" or each.agency in recipients]
    others = [emit.outcome(each, None) for each in decision.outcomes if each not in concerned]
    holders = {agency for agency, held in recipients.items() if held.revision or held.owed}
    gone = holders.difference(each.agency for each in decision.outcomes)
    return [*concerned, *(emit.departed(agency, result) for agency in sorted(gone))], others


def _control(arrived: Arrived, state: State) -> Routed:
    order = _decoded(Control, arrived.record, state)
    if order.partition != arrived.partition:
        raise Refused("wrong-lane", "partition")
    if order.kind in ("replay", "lift", "reevaluate"):
        try:
            if order.kind == "replay":
                return _of_agency(arrived, order.topic, _original(arrived, order), state)
            return _once_more(arrived, order, state)
        except Refused as refused:
            waits = emit.quarantined(arrived.source, arrived.record, refused, state, order.attempt)
            return Routed([waits], {}, refused.reason)
    if order.kind == "return":
        return Routed([*emit.feedback(order, state), emit.noted(arrived.source, "return", state)], {}, "noted")
    raise Refused("unknown-value", "kind")


def _receipt(arrived: Arrived, topic: str, record: Record, state: State) -> Routed:
    receipt = _decoded(Receipt, record, state)
    if record.key != receipt.alert.bytes:
        raise Refused("key-mismatch", "alert")
    if arrived.partition != lane(receipt.alert.bytes, state.partitions):
        raise Refused("wrong-lane", "alert")
    if topic != RECEIPTS + receipt.recipient:
        raise Refused("foreign-topic", "recipient")
    return Routed([emit.noted(arrived.source, "receipt", state)], {}, "noted")


def _decoded(model: type[M], record: Record, state: State) -> M:
    try:
        schema_id, body = unframe(record.value or b"")
        if schema_id != state.ids.by_name[model.__name__]:
            raise Refused("unknown-schema", "value")
        return decode_as(model, body)
    except Undecodable:
        raise Refused("undecodable", "value") from None
