"""The contract of the bus: an exactly-once log. Kafka's adapter and the simulated bus both pass tests/bus/contract.py.

Everything above this file sees records, batches and these protocols, and no client library. What Kafka needs so that the
contract holds is in kafka.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from zlib import crc32

NO_HEADERS = b"\0"


def lane(key: bytes, partitions: int) -> int:
    """The partition number of a key in every routed topic (CRC-32, librdkafka's default too)."""
    return crc32(key) % partitions


class TopicPartition(NamedTuple):
    topic: str
    partition: int


class Record(NamedTuple):
    """A record as read. `timestamp_ms` is the broker's (LogAppendTime); `headers` are still in Kafka's wire form."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: bytes = NO_HEADERS


class Outgoing(NamedTuple):
    """A record to write. A `value` of None is a tombstone.

    `headers` are in Kafka's wire form (records.pack_headers, or a Record's own), each with a value.
    """

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: bytes = NO_HEADERS


@dataclass(frozen=True, eq=False, slots=True)
class Batch:
    """What one read returned, in offset order for each partition, and the bus's own token that commit() needs back."""

    records: Mapping[TopicPartition, Sequence[Record]]
    token: object = None

    @property
    def count(self) -> int:
        return sum(len(records) for records in self.records.values())


class BusError(Exception):
    """The bus could not do what was asked. Messages name topics, partitions and offsets, never a key or a value."""


class Indefinite(BusError):
    """Whether the transaction took effect is unknown. Read again: the bus goes back to what was committed."""


class SlotTaken(BusError):
    """Another process has this slot. End this one (exit code 71) and do not start it again: the other is at work."""


class TooLarge(BusError):
    """An outgoing record is over the limit of its topic. Nothing was written; the batch can be committed without it.

    `index` is that record's place in what was to be written.
    """

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.index = index


class Torn(BusError):
    """State and committed offset of a lane do not belong together (raised by a Restore).

    `message` names both offsets: the same message twice is a tear that stays, another one a race that moves. Without a
    `lane` the tear is of all that is being restored.
    """

    def __init__(self, message: str, lane: int | None = None) -> None:
        super().__init__(message)
        self.lane = lane


class Restore(Protocol):
    """Called by read() before it returns records of another assignment, or after a doubtful commit.

    `offsets`: the next offset to be read of every partition that is read from now on, whole lanes; empty if there is
    none. `table`: all committed records of the state topic in those lanes, in order, each with its lane; it can be gone
    through once. Start from nothing, keep nothing of before. Raises Torn if the state does not fit the offsets; the bus
    reads both again, and stops the lane if the tear stays. Any other exception ends this read(), as the cause of an
    Indefinite; so does one that comes out of `table` if lanes are given away meanwhile: catch only what you raised.
    """

    def __call__(
        self, offsets: Mapping[TopicPartition, int], table: Iterator[tuple[TopicPartition, Record]], /
    ) -> None: ...


class Bus(Protocol):
    """An exactly-once log: a batch read and what is written for it appear together, or not at all."""

    @property
    def stopped(self) -> Mapping[TopicPartition, str]:
        """Partitions that are not read, each with the reason an operator needs. The others go on."""

    def read(self, limit: int, wait_ms: int) -> Batch:
        """At most `limit` records, waiting about `wait_ms` for the first; an empty batch if there are none.

        A batch read before and not committed is given up and its records come again: so a loop whose batch failed reads
        again, with half the limit if it failed three times, down to a single record. Raises Indefinite (read again) and
        SlotTaken.
        """

    def commit(self, batch: Batch, records: Sequence[Outgoing]) -> None:
        """Writes `records` and the batch's offsets in one transaction; returns once it is committed.

        Raises Indefinite (outcome unknown: read again), TooLarge and BusError (nothing was written: no such partition,
        records without a batch) and SlotTaken.
        """

    def beat(self) -> None:
        """A sign of life, for whoever works long between read and commit: a process without one is ended."""

    def hold(self, topics: AbstractSet[str]) -> None:
        """From the next read on, these topics are not read until another call leaves them out. What was read, stays."""

    def close(self) -> None:
        """Ends it within a bound; an open transaction is given up. Idempotent."""


class Publisher(Protocol):
    """Writes by transactions without reading: what a source connector needs. One publisher for a name at a time."""

    def table(self, topic: str) -> Iterator[tuple[TopicPartition, Record]]:
        """All committed records of a topic, as of now. Waits for a transaction that a predecessor left open."""

    def publish(self, records: Sequence[Outgoing]) -> None:
        """Writes all or none; returns once it is committed.

        Raises Indefinite (outcome unknown: read the table again to learn it), TooLarge and SlotTaken.
        """

    def close(self) -> None: ...


Headers = Iterable[tuple[str, bytes | None]]
Beat = Callable[[], None]
