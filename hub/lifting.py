"""Sending off what a lifted hold had kept back: each owed delivery is ordered from the router, with the alert's own bytes.

An order may be given twice, or too early: the router sees in its holdings whether a delivery is still owed, and writes it in
the transaction that clears the debt. So whoever orders need not know whether an earlier order was carried out; he looks
again until nothing is owed. Which agencies are held is inforce.py's to say; what follows from an order, routing/route.py's.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from hub.bus.bus import Outgoing, Record, TopicPartition
from hub.bus.limits import Limits
from hub.bus.lookup import read_records
from hub.bus.restore import partitions_of, read_table
from hub.bus.settings import Connection
from hub.bus.topics import CONTROL, HOLDINGS
from hub.model.avro import LOCAL_IDS, SchemaIds, Undecodable, decode_as, encode, frame, unframe
from hub.model.decision import Control
from hub.routing.holdings import Holding, of_alerts
from hub.routing.state import EVERYBODY

ORDERS_AT_ONCE: Final = 500  # of one transaction


class Owed(NamedTuple):
    """An alert with deliveries that a hold stopped: to whom, and where the alert's bytes stand."""

    alert: bytes
    agencies: frozenset[str]
    lane: int
    source: TopicPartition
    offset: int


def owed_now(connection: Connection) -> list[Owed]:
    """Everything that is owed, under whatever hold. Raises Indefinite and KafkaError."""
    limits = Limits()
    return owed_in(read_table(connection, partitions_of(connection, HOLDINGS, limits), limits))


def owed_in(table: Iterable[tuple[TopicPartition, Record]]) -> list[Owed]:
    """What is owed by the records of the topic `holdings`: the newest of each alert counts."""
    found: dict[bytes, Owed] = {}
    for lane, alert, holding in of_alerts(table):
        found.pop(alert, None)
        owed = _owed(alert, lane, holding) if holding else None
        if owed and owed.agencies:
            found[alert] = owed
    return list(found.values())


def _owed(alert: bytes, lane: int, holding: Holding) -> Owed:
    agencies = frozenset(agency for agency, held in holding.recipients.items() if held.owed)
    source = TopicPartition(holding.source.topic, holding.source.partition)
    return Owed(alert, agencies, lane, source, holding.source.offset)


def lifted(owed: Iterable[Owed], held: frozenset[str]) -> list[Owed]:
    """What is owed to an agency that is not held (any more)."""
    if EVERYBODY in held:
        return []
    return [each for each in owed if each.agencies - held]


def by_agency(owed: Iterable[Owed]) -> Counter[str]:
    """How many deliveries each agency is owed."""
    return Counter(agency for each in owed for agency in each.agencies)


def orders(
    connection: Connection, owed: Iterable[Owed], who: str, why: str, ids: SchemaIds = LOCAL_IDS
) -> Iterator[Outgoing]:
    """An order to the router for each alert whose bytes still stand in the log. Raises Indefinite and KafkaError."""
    wanted = {(each.source, each.offset): each for each in owed}
    for place, record in read_records(connection, wanted):
        yield order(wanted[place], record, who, why, ids)


def order(owed: Owed, record: Record, who: str, why: str, ids: SchemaIds = LOCAL_IDS) -> Outgoing:
    """The order about one alert. A record that came by an order itself is taken out of it."""
    topic, offset, key, value, headers = owed.source.topic, owed.offset, record.key, record.value, record.headers
    if topic == CONTROL:
        before = _control(record)
        topic, offset, key, value, headers = before.topic, before.offset, before.key, before.value, before.headers
    control = Control(
        kind="lift",
        alert=uuid.UUID(bytes=owed.alert),
        topic=topic,
        partition=owed.lane,
        offset=offset,
        key=key,
        value=value,
        headers=headers,
        who=who,
        why=why,
    )
    return Outgoing(CONTROL, owed.lane, owed.alert, frame(ids.by_name["Control"], encode(control)))


def _control(record: Record) -> Control:
    try:
        return decode_as(Control, unframe(record.value or b"")[1])
    except Undecodable as error:  # it was decoded once, when it was carried out
        raise AssertionError(f"{CONTROL} at {record.offset} is no order") from error
