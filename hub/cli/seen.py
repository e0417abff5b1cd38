"""What stands on the bus, read whole for a person: decisions with their reasons, deliveries, and whether all is settled.

For a demo and for small looks. The recorder's SQL is for operators.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from hub.bus.bus import Record
from hub.bus.limits import Limits
from hub.bus.restore import partitions_of, read_table
from hub.bus.settings import Connection
from hub.bus.topics import ALERTS, DECISIONS, QUARANTINE
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
    for record in records(connection, DECISIONS):
        schema_id, body = unframe(record.value or b"")
        if schema_id == ids.by_name["Decision"]:
            yield decode_as(Decision, body)


def quarantined(connection: Connection) -> Iterator[Quarantined]:
    """Every record of the topic `quarantine`."""
    for record in records(connection, QUARANTINE):
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
    published = sum(len(records(connection, f"alerts.{agency}")) for agency in agencies)
    delivered = Counter({agency: len(records(connection, f"deliveries.{agency}")) for agency in agencies})
    return Balance(
        published=published,
        decided=sum(each.source.topic.startswith(ALERTS) for each in decided(connection, ids)),
        quarantined=sum(each.topic.startswith(ALERTS) for each in quarantined(connection)),
        delivered=sum(delivered.values()),
        received=sum(len(records(connection, f"receipts.{agency}")) for agency in receiving),
        expected=sum(delivered[agency] for agency in receiving),
    )
