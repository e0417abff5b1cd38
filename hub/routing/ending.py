"""How an alert ends: what follows from the orders `expire` and `forget`, from the holding alone, as lifecycle.py has it.

Whatever the guidelines say, an alert whose validity has passed is withdrawn from whoever holds it; later nothing is
remembered of it. The alert's own bytes are not asked for: the log may not have them any more. Who orders need not know how an
alert stands: an order that comes too early, again, or for an alert that was renewed changes nothing.
"""

from __future__ import annotations

from hub.bus.bus import lane
from hub.model.decision import AgencyOutcome, Control

from . import emit
from .holdings import FORGOTTEN, Holding, known_of
from .lifecycle import ENDS, rest
from .opening import Refused
from .state import Arrived, Routed, State


def ended(arrived: Arrived, order: Control, state: State) -> Routed:
    """What follows from an order that ends an alert. Raises Refused if it names none, or one of another lane."""
    if order.alert is None:
        raise Refused("unknown-value", "alert")
    alert = order.alert.bytes
    if arrived.partition != lane(alert, state.partitions):
        raise Refused("wrong-lane", "alert")
    known = known_of(state.holdings, alert)
    if known is None or not _due(order, known, state.now_ms):
        return Routed([emit.noted(arrived.source, order.kind, state)], {}, "noted")
    return (_expired if order.kind == "expire" else _forgotten)(arrived, alert, known, state)


def _due(order: Control, known: Holding, now_ms: int) -> bool:
    end = ENDS[rest(known)]
    return order.kind == end.order and known.valid_until_ms + end.after_ms <= now_ms


def _expired(arrived: Arrived, alert: bytes, known: Holding, state: State) -> Routed:
    """A withdrawal passes a hold; what was owed under one is owed no more."""
    outgoing, outcomes, left = [], [], []
    for held in known.recipients.values():
        after, identifier = held._replace(owed=None), None
        if held.revision:
            identifier, record, after = emit.withdrawal(arrived.source, alert, known.revision, held, "expired", state)
            outgoing.append(record)
        if held.revision or held.owed:
            outcomes.append(AgencyOutcome(agency=held.agency, reason="expired", delivery=identifier))
        left.append(after)
    holding = emit.held_since(arrived.source, alert, known, left, state)
    outgoing += (holding, emit.ended(arrived.source, alert, known, outcomes, "expired", state))
    return Routed(outgoing, {alert: holding.value or b""}, "expired")


def _forgotten(arrived: Arrived, alert: bytes, known: Holding, state: State) -> Routed:
    told = emit.ended(arrived.source, alert, known, (), "forgotten", state)
    return Routed([emit.forgotten(arrived.source, alert), told], {alert: FORGOTTEN}, "forgotten")
