"""What the console asks of the cluster and does on it: the contract. kafka_cluster.py keeps it on a real Kafka.

What is counted, searched and listed comes out of the read model; here are the rules as they stand on the bus, the topics
themselves, and the few orders that people give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from hub.bus.bus import Record
from hub.bus.topics import Finding
from hub.guidelines.bundle import Bundle
from hub.model.avro import SchemaIds
from hub.model.decision import Quarantined
from hub.model.publication import HoldOrder, Publication

Place = tuple[str, int, int]  # topic, partition, offset: of the original record


class Unreachable(Exception):
    """The cluster did not answer, or not in time. The message has no address and no value."""


class Published(NamedTuple):
    """A record of the topic `guidelines` about a bundle. `refused`: why it does not count, if it does not."""

    serial: str
    at_ms: int
    publication: Publication | None
    bundle: Bundle | None
    refused: str


@dataclass(frozen=True)
class Standing:
    """The rules as they stand. `holds`: every scope that is held, with its order; None where it cannot be read."""

    serial: int | None
    bundle: Bundle | None
    holds: Mapping[str, HoldOrder | None]
    history: Sequence[Published]


class PartitionSeen(NamedTuple):
    number: int
    first: int
    end: int
    leader: int
    replicas: int
    in_sync: int
    size_bytes: int | None


class GroupSeen(NamedTuple):
    """A consumer group on one topic. `committed` by partition; `lag` in offsets, markers of transactions included."""

    group: str
    committed: Mapping[int, int]
    lag: int


@dataclass(frozen=True)
class TopicSeen:
    """One topic. `per_second`: records since the last looks of this console; None until there were two."""

    name: str
    partitions: tuple[PartitionSeen, ...]
    per_second: float | None
    groups: tuple[GroupSeen, ...]

    @property
    def records(self) -> int:
        return sum(each.end - each.first for each in self.partitions)

    @property
    def size_bytes(self) -> int | None:
        sizes = [each.size_bytes for each in self.partitions if each.size_bytes is not None]
        return sum(sizes) if sizes else None

    @property
    def lag(self) -> int | None:
        return sum(each.lag for each in self.groups) if self.groups else None


Lifted = Literal["asked", "lifted"]
OrderKind = Literal["replay", "return"]


class Cluster(Protocol):
    """Every method may raise Unreachable."""

    @property
    def ids(self) -> SchemaIds: ...

    @property
    def partitions(self) -> int: ...

    def bundle(self) -> Bundle | None:
        """The bundle in force, as last read; never waits for the cluster."""

    def standing(self) -> Standing:
        """As the rules stand now."""

    def answers(self) -> None:
        """Returns if the cluster does."""

    def set_hold(self, scope: str, who: str, why: str) -> None:
        """Raises UnknownAgency."""

    def lift_hold(self, scope: str, who: str) -> Lifted:
        """The next step of lifting. Raises holds.NoHold and holds.SamePerson. What is owed begins to go out by itself."""

    def owed(self) -> Mapping[str, int]:
        """How many deliveries each agency is owed."""

    def topics(self) -> Sequence[TopicSeen]: ...

    def settings(self, topic: str) -> Mapping[str, str]:
        """The topic's settings as the broker has them."""

    def findings(self) -> Sequence[Finding]:
        """What differs between the cluster's topics and their declaration."""

    def records(self, topic: str, partition: int, offset: int, limit: int) -> Sequence[Record]:
        """At most `limit` committed records from this offset on."""

    def quarantined(self, places: Sequence[Place]) -> Mapping[Place, Quarantined]:
        """The records that wait, by place as the record stood when it was set aside; those that are gone are left out."""

    def order(self, waiting: Sequence[Quarantined], kind: OrderKind, who: str, why: str) -> None:
        """Orders from the router, all in one transaction."""


class UnknownAgency(Exception):
    """No agency of this id is in force: a hold of it would stop nothing."""
