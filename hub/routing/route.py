"""One record in, what follows out. Pure and total: bad data gives a quarantine record, never an exception.

Reading, writing, committing and the clock are the loop's (hub/router.py); who may see what is guidelines/decide.py's; how a
revision or a recipient's holding goes on is lifecycle.py's table, looked up in follow.py; how records look is emit.py's.
"""

from __future__ import annotations

from hub.bus.bus import Record
from hub.guidelines.decide import engine
from hub.guidelines.outcome import Decision, UnknownValue
from hub.model.avro import Undecodable
from hub.model.decision import Control
from hub.model.splice import NO_ITEMS

from . import emit
from .ending import ended
from .follow import followed, released
from .holdings import known_of
from .lifecycle import STEPS, Standing, Step, standing
from .opening import ALERTS, Opened, Refused, open_alert, open_order, open_receipt
from .state import Arrived, Routed, State

CONTROL = "control"


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
    open_receipt(topic, arrived.partition, record, state.ids.by_name["Receipt"], state.partitions)
    return Routed([emit.noted(arrived.source, "receipt", state)], {}, "noted")


def _alert(arrived: Arrived, topic: str, record: Record, state: State) -> Routed:
    alert = open_alert(topic, arrived.partition, record, state.ids.by_name["Alert"], state.partitions)
    known = known_of(state.holdings, alert.walked.id)
    walked = alert.walked
    step = STEPS[standing(known, alert.originator, walked.revision, alert.content), alert.kind]
    if step in (Step.REFUSE_CONTENT, Step.REFUSE_ORIGIN):
        raise Refused(step.value, "core.revision" if step is Step.REFUSE_CONTENT else "core.id")
    if step in (Step.REPEAT, Step.OUTDATED):
        return Routed([emit.decision(arrived.source, alert, NO_ITEMS, step.value, state)], {}, step.value)
    decision = _decided(alert, state) if step is Step.DECIDE else engine(state.bundle).unasked
    expired = step is Step.DECIDE and walked.valid_until_ms <= state.now_ms
    result = "expired" if expired else step.value
    if known is None and not state.held:
        return released(arrived.source, alert, decision, result, state)
    return followed(arrived.source, alert, known, decision, result, state)


def _once_more(arrived: Arrived, order: Control, state: State) -> Routed:
    """The same revision decided anew: `reevaluate` for everybody, `lift` for those to whom something is owed that is not
    held any more. An order about a revision that was overtaken, or that came twice or too early, changes nothing."""
    alert = open_alert(
        order.topic, arrived.partition, _original(arrived, order), state.ids.by_name["Alert"], state.partitions
    )
    known = known_of(state.holdings, alert.walked.id)
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
    return followed(arrived.source, alert, known, _decided(alert, state), result, state, whom)


def _original(arrived: Arrived, order: Control) -> Record:
    """The record that an order is about, as if it had just come from its own topic."""
    return Record(order.offset, arrived.record.timestamp_ms, order.key, order.value, order.headers)


def _decided(alert: Opened, state: State) -> Decision:
    walked = alert.walked
    try:
        return engine(state.bundle).decide(
            walked.attributes,
            alert.originator,
            walked.valid_until_ms,
            walked.caveats,
            alert.shape.categories,
            state.now_ms,
        )
    except UnknownValue as unknown:
        place = "core" if unknown.field in ("originator", "caveats") else "routing"
        raise Refused("unknown-value", f"{place}.{unknown.field}") from None
    except Undecodable:
        raise Refused("undecodable", "routing") from None


def _control(arrived: Arrived, state: State) -> Routed:
    order = open_order(arrived.partition, arrived.record, state.ids.by_name["Control"])
    if order.kind in ("replay", "lift", "reevaluate"):
        try:
            if order.kind == "replay":
                return _of_agency(arrived, order.topic, _original(arrived, order), state)
            return _once_more(arrived, order, state)
        except Refused as refused:
            waits = emit.quarantined(arrived.source, arrived.record, refused, state, order.attempt)
            return Routed([waits], {}, refused.reason)
    if order.kind in ("expire", "forget"):
        return ended(arrived, order, state)
    if order.kind == "return":
        return Routed([*emit.feedback(order, state), emit.noted(arrived.source, "return", state)], {}, "noted")
    raise Refused("unknown-value", "kind")
