"""What stands on the bus, read whole for a person: decisions with their reasons, deliveries, and whether all is settled.

For a demo and for small looks. The recorder's SQL is for operators.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hub.bus.bus import Record
from hub.bus.limits import Limits
from hub.bus.restore import partitions_of, partitions_of_all, read_table
from hub.bus.settings import Connection
from hub.bus.topics import ALERTS, DECISIONS, DELIVERIES, QUARANTINE, RECEIPTS
from hub.guidelines.bundle import Bundle
from hub.guidelines.decide import decide
from hub.guidelines.outcome import Outcome
from hub.model.avro import SchemaIds, decode_as, unframe
from hub.model.decision import Decision, Quarantined
from hub.model.delivery import Delivery


@dataclass(frozen=True)
class Decided:
    """A decision with what follows from it again: the guidelines are not in the record, they are worked out when asked."""

    decision: Decision
    outcomes: tuple[Outcome, ...]
    present: tuple[str, ...]


def records(connection: Connection, topic: str) -> list[Record]:
    """All committed records of a topic."""
    limits = Limits()
    return [record for _, record in read_table(connection, partitions_of(connection, topic, limits), limits)]


def together(connection: Connection, topics: Sequence[str]) -> dict[str, list[Record]]:
    """All committed records of several topics, read at once."""
    limits = Limits()
    found: dict[str, list[Record]] = {topic: [] for topic in topics}
    for at, record in read_table(connection, partitions_of_all(connection, topics, limits), limits):
        found[at.topic].append(record)
    return found


def places(connection: Connection, topic: str) -> set[tuple[str, int, int]]:
    """Topic, partition and offset of all committed records of a topic."""
    limits = Limits()
    table = read_table(connection, partitions_of(connection, topic, limits), limits)
    return {(at.topic, at.partition, record.offset) for at, record in table}


def decisions(connection: Connection, ids: SchemaIds, bundle: Bundle) -> list[Decided]:
    """Every decision on an alert, oldest first."""
    found = [_decided(decision, bundle) for decision in decided(connection, ids)]
    return sorted(found, key=lambda each: (each.decision.core.id, each.decision.core.revision))


def decided(connection: Connection, ids: SchemaIds) -> Iterator[Decision]:
    """Every record of the topic `decisions` that is of an alert: receipts and orders are noted there too."""
    return _decisions(records(connection, DECISIONS), ids)


def _decisions(found: Iterable[Record], ids: SchemaIds) -> Iterator[Decision]:
    for record in found:
        schema_id, body = unframe(record.value or b"")
        if schema_id == ids.by_name["Decision"]:
            yield decode_as(Decision, body)


def quarantined(connection: Connection) -> Iterator[Quarantined]:
    """Every record of the topic `quarantine`."""
    return _quarantined(records(connection, QUARANTINE))


def _quarantined(found: Iterable[Record]) -> Iterator[Quarantined]:
    for record in found:
        if record.value is not None:
            yield decode_as(Quarantined, unframe(record.value)[1])


def _decided(decision: Decision, bundle: Bundle) -> Decided:
    present = tuple(sorted({section.category for section in decision.present}))
    again = decide(decision.routing, decision.core, present, bundle, decision.decided_ms)
    return Decided(decision, again.outcomes, present)


def deliveries(connection: Connection, agency: str) -> list[Delivery]:
    """Every delivery to one agency: whoever may read its topic."""
    return [decode_as(Delivery, unframe(each.value or b"")[1]) for each in records(connection, f"deliveries.{agency}")]


@dataclass(frozen=True)
class Balance:
    """Published, decided, delivered, received. `undecided` and `unreceived` are zero once all is settled."""

    published: int
    decided: int
    quarantined: int
    delivered: int
    received: int
    expected: int

    @property
    def settled(self) -> bool:
        return self.published == self.decided + self.quarantined and self.received == self.expected


def balance(connection: Connection, ids: SchemaIds, bundle: Bundle, receiving: list[str]) -> Balance:
    """How much is where; `receiving` are the agencies whose connectors run here. Replayed alerts count once."""
    agencies = [agency.id for agency in bundle.agencies]
    kinds = (ALERTS, DELIVERIES, RECEIPTS)
    table = together(connection, [DECISIONS, QUARANTINE, *(kind + agency for kind in kinds for agency in agencies)])
    delivered = {agency: len(table[DELIVERIES + agency]) for agency in agencies}
    return Balance(
        published=sum(len(table[ALERTS + agency]) for agency in agencies),
        decided=sum(each.source.topic.startswith(ALERTS) for each in _decisions(table[DECISIONS], ids)),
        quarantined=sum(each.topic.startswith(ALERTS) for each in _quarantined(table[QUARANTINE])),
        delivered=sum(delivered.values()),
        received=sum(len(table[RECEIPTS + agency]) for agency in receiving),
        expected=sum(delivered[agency] for agency in receiving),
    )
