"""What an operator orders about records in quarantine, and what would follow from it: pure.

Nobody opens a record here to look at it: a dry run lets the router's own function read it, and tells only what would
become of it and how many would receive something.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Literal, NamedTuple

from hub.bus.bus import Outgoing, Record
from hub.bus.topics import ALERTS, CONTROL, DELIVERIES
from hub.guidelines.bundle import Bundle
from hub.model.avro import SchemaIds, Undecodable, decode_as, encode, frame, unframe
from hub.model.decision import Control, Quarantined
from hub.routing.route import route
from hub.routing.state import Arrived, State


class DryRun(NamedTuple):
    """`result`: decided, waits, noted or returned. `reason` and `field`: why it would wait again. `receivers`: how many
    agencies would be sent something."""

    result: Literal["decided", "waits", "noted", "returned"]
    reason: str = ""
    field: str = ""
    receivers: int = 0


def original(waiting: Quarantined) -> Quarantined | Control:
    """The record as it was first set aside; one that came by an order is taken out of it again."""
    if waiting.topic == CONTROL and waiting.value is not None:
        with suppress(Undecodable):  # then the order itself is what could not be read
            return decode_as(Control, unframe(waiting.value)[1])
    return waiting


def order_about(
    waiting: Quarantined, kind: Literal["replay", "return"], who: str, why: str, ids: SchemaIds
) -> Outgoing:
    """The order as a record of the topic `control`."""
    first = original(waiting)
    control = Control(
        kind=kind,
        topic=first.topic,
        partition=first.partition,
        offset=first.offset,
        attempt=first.attempt + 1,
        reason=waiting.reason,
        field=waiting.field,
        key=first.key,
        value=first.value,
        headers=first.headers,
        who=who,
        why=why,
    )
    return Outgoing(CONTROL, waiting.partition, waiting.key, frame(ids.by_name["Control"], encode(control)))


def dry_run(
    waiting: Quarantined,
    kind: Literal["replay", "return"],
    bundle: Bundle,
    ids: SchemaIds,
    partitions: int,
    now_ms: int,
) -> DryRun:
    """What would follow now, under this bundle. It does not know who holds what: a revision that contradicts an earlier
    one, or an id of another originator, is found by the router only."""
    first = original(waiting)
    if kind == "return":
        return DryRun("returned", receivers=int(first.topic.startswith(ALERTS)))
    record = Record(first.offset, waiting.timestamp_ms, first.key, first.value, first.headers)
    state = State(bundle, ids, partitions, now_ms, {})
    routed = route(Arrived(first.topic, first.partition, record, -1), state)
    receivers = sum(each.topic.startswith(DELIVERIES) for each in routed.outgoing)
    aside = [each for each in routed.outgoing if each.topic == "quarantine"]
    if aside:
        again = decode_as(Quarantined, unframe(aside[0].value or b"")[1])
        return DryRun("waits", again.reason, again.field)
    return DryRun("noted" if routed.result == "noted" else "decided", receivers=receivers)
