"""The worlds that the contract suite runs in: a log in memory, and a real Kafka by either path of the adapter.

What a world writes and reads for a test, it does with another client than the one under test (on Kafka, librdkafka).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

import confluent_kafka as librdkafka
from kafka import KafkaAdminClient
from kafka.structs import TopicPartition as LibraryPartition

from hub.bus.bus import NO_HEADERS, Batch, Bus, Indefinite, Outgoing, Publisher, Record, Restore, TopicPartition
from hub.bus.kafka import KafkaBus, KafkaPublisher
from hub.bus.limits import HUB_RECORD_BYTES, Limits
from hub.bus.memory import MemoryBus, MemoryPublisher
from hub.bus.memory_log import MemoryLog
from hub.bus.records import pack_headers, unpack_headers
from hub.bus.settings import Connection
from hub.bus.transactions import Mark, unmarked

PATIENCE_S = 60.0
READ_MS = 200
RECORD_BYTES = HUB_RECORD_BYTES
LIMITS = Limits(
    request_ms=3_000,
    delivery_ms=6_000,
    wait_ms=8_000,
    transaction_ms=10_000,
    watchdog_ms=50_000,
    session_ms=6_000,
    heartbeat_ms=300,
)

Records = dict[int, list[Record]]


class Refused(Exception):
    """What a test's mark raises: the step at this point went wrong."""


class World(Protocol):
    """A cluster to test in. Names of topics are made unique; what was opened is closed at the end."""

    alarms: list[str]

    def topic(self, name: str, partitions: int = 3) -> str: ...
    def write(self, record: Outgoing) -> None:
        """By another client, without a transaction."""

    def read_all(self, topic: str) -> Records:
        """What another client sees as committed, by partition."""

    def damage(self, topic: str, partition: int) -> None:
        """Appends what the bus cannot read."""

    def trim(self, topic: str, partition: int, first: int) -> None: ...
    def bus(
        self,
        topics: Sequence[str] | str,
        *,
        slot: str = "router-0",
        restore: Restore | None = None,
        state_topic: str | None = None,
        mark: Mark = unmarked,
    ) -> Bus: ...
    def publisher(self, name: str, *, mark: Mark = unmarked) -> Publisher: ...
    def close(self) -> None: ...


def until(found: Callable[[], Any], what: str) -> Any:
    """Asks until the answer is true: the bus says of itself when it is so far."""
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := found()):
        assert time.monotonic() < deadline, f"in vain: {what}"
    return answer


def read(bus: Bus, limit: int = 1_000) -> Batch:
    """The next batch that is not empty, over whatever is in doubt before."""

    def once() -> Batch | None:
        try:
            batch = bus.read(limit, READ_MS)
        except Indefinite:
            return None
        return batch if batch.count else None

    batch = until(once, "a batch")
    assert isinstance(batch, Batch)
    return batch


def read_nothing(bus: Bus, times: int = 4) -> None:
    """Reads on, and finds nothing."""
    for _ in range(times):
        assert bus.read(1_000, READ_MS).count == 0


def turn(bus: Bus) -> int:
    """How many records one read brings; none over whatever is in doubt."""
    try:
        return bus.read(10, READ_MS).count
    except Indefinite:
        return 0


def flat(batch: Batch) -> list[tuple[TopicPartition, Record]]:
    return [(at, record) for at, records in batch.records.items() for record in records]


def values(records: Records) -> list[bytes | None]:
    """All values, partition by partition."""
    return [record.value for partition in sorted(records) for record in records[partition]]


def plain(topic: str, partition: int, value: bytes | None, key: bytes | None = b"key") -> Outgoing:
    return Outgoing(topic, partition, key, value)


def refusing(point: str, times: int = 1) -> Mark:
    """Goes wrong at one named point, so many times."""
    left = itertools.repeat(point, times)

    def mark(here: str) -> None:
        if here == point and next(left, None):
            raise Refused(point)

    return mark


class MemoryWorld:
    def __init__(self) -> None:
        self.alarms: list[str] = []
        self.log = MemoryLog(record_bytes=RECORD_BYTES)
        self._names = itertools.count()
        self._open = ExitStack()

    def topic(self, name: str, partitions: int = 3) -> str:
        topic = f"{name}-{next(self._names)}"
        self.log.create(topic, partitions)
        return topic

    def write(self, record: Outgoing) -> None:
        self.log.append(record)

    def read_all(self, topic: str) -> Records:
        return {at.partition: self.log.fetch(at, 0, 1 << 62) for at in self.log.partitions(topic)}

    def damage(self, topic: str, partition: int) -> None:
        self.log.damage(TopicPartition(topic, partition))

    def trim(self, topic: str, partition: int, first: int) -> None:
        self.log.trim(TopicPartition(topic, partition), first)

    def bus(
        self,
        topics: Sequence[str] | str,
        *,
        slot: str = "router-0",
        restore: Restore | None = None,
        state_topic: str | None = None,
        mark: Mark = unmarked,
    ) -> Bus:
        bus = MemoryBus(
            self.log,
            group="router",
            slot=slot,
            topics=topics,
            restore=restore,
            state_topic=state_topic,
            on_alarm=self.alarms.append,
            mark=mark,
        )
        self._open.callback(bus.close)
        return bus

    def publisher(self, name: str, *, mark: Mark = unmarked) -> Publisher:
        publisher = MemoryPublisher(self.log, name=name, mark=mark)
        self._open.callback(publisher.close)
        return publisher

    def close(self) -> None:
        self._open.close()


class KafkaWorld:
    """`ordinary`: by kafka-python's own records and sends, instead of the fast path."""

    _numbers = itertools.count()

    def __init__(self, bootstrap_servers: str, *, ordinary: bool) -> None:
        self.alarms: list[str] = []
        self._ordinary = ordinary
        self._connection = Connection(bootstrap_servers=bootstrap_servers)
        self._group = f"router-{next(self._numbers)}-{time.time_ns()}"
        self._open = ExitStack()
        self._admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)  # type: ignore[no-untyped-call]
        self._open.callback(self._admin.close)
        self._writer: Any = self._librdkafka_producer("none")

    def _librdkafka_producer(self, compression: str) -> Any:
        servers = self._connection.bootstrap_servers
        settings = {"bootstrap.servers": servers, "compression.type": compression, "message.max.bytes": RECORD_BYTES}
        return librdkafka.Producer({**settings, "linger.ms": 0})

    def topic(self, name: str, partitions: int = 3) -> str:
        topic = f"{name}-{next(self._numbers)}-{time.time_ns()}"
        configs = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(RECORD_BYTES)}
        wanted = {topic: {"num_partitions": partitions, "replication_factor": 1, "configs": configs}}
        self._admin.create_topics(wanted, wait_for_metadata=True)  # type: ignore[no-untyped-call]
        return topic

    def write(self, record: Outgoing) -> None:
        self._write(self._writer, record)

    def _write(self, writer: Any, record: Outgoing) -> None:
        failed: list[Any] = []
        topic, partition, key, value, headers = record
        # an old time, which the topic must not believe
        writer.produce(
            topic,
            value,
            key,
            partition,
            headers=unpack_headers(headers),
            timestamp=1,
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )
        assert writer.flush(PATIENCE_S) == 0
        assert not failed

    def read_all(self, topic: str) -> Records:
        self._await_markers()
        consumer: Any = librdkafka.Consumer(
            {
                "bootstrap.servers": self._connection.bootstrap_servers,
                "group.id": "unused",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,  # the end is told only when a fetch has waited in vain
                "fetch.message.max.bytes": 2 * RECORD_BYTES,
            }
        )
        partitions = consumer.list_topics(topic, PATIENCE_S).topics[topic].partitions
        consumer.assign([librdkafka.TopicPartition(topic, number, 0) for number in partitions])
        found: Records = {number: [] for number in partitions}
        ended: set[int] = set()
        while ended != set(partitions):
            message = consumer.poll(PATIENCE_S)
            assert message is not None
            if message.error() is not None:
                ended.add(message.partition())
            else:
                headers = pack_headers(message.headers()) if message.headers() else NO_HEADERS
                found[message.partition()].append(
                    Record(message.offset(), message.timestamp()[1], message.key(), message.value(), headers)
                )
        consumer.close()
        return found

    def _await_markers(self) -> None:
        """A commit that was answered may still wait for its markers: until they stand, others do not see its records."""
        ending = ["PrepareCommit", "PrepareAbort"]
        admin: Any = self._admin
        until(lambda: not any(admin.list_transactions(state_filters=ending).values()), "markers of every transaction")

    def damage(self, topic: str, partition: int) -> None:
        # in a codec that is not installed here
        self._write(self._librdkafka_producer("zstd"), Outgoing(topic, partition, b"key", b"compressible " * 100))

    def trim(self, topic: str, partition: int, first: int) -> None:
        at = LibraryPartition(topic, partition)
        self._admin.delete_records({at: first})  # type: ignore[no-untyped-call]

    def bus(
        self,
        topics: Sequence[str] | str,
        *,
        slot: str = "router-0",
        restore: Restore | None = None,
        state_topic: str | None = None,
        mark: Mark = unmarked,
    ) -> Bus:
        bus = KafkaBus(
            self._connection,
            group=self._group,
            slot=slot,
            topics=topics,
            restore=restore,
            state_topic=state_topic,
            limits=LIMITS,
            ordinary=self._ordinary,
            on_alarm=self.alarms.append,
            mark=mark,
        )
        self._open.callback(bus.close)
        return bus

    def publisher(self, name: str, *, mark: Mark = unmarked) -> Publisher:
        publisher = KafkaPublisher(
            self._connection,
            name=f"{self._group}-{name}",
            limits=LIMITS,
            record_bytes=RECORD_BYTES,
            ordinary=self._ordinary,
            mark=mark,
        )
        self._open.callback(publisher.close)
        return publisher

    def close(self) -> None:
        self._open.close()


class Restored:
    """A Restore that notes what it was given, and says what it is told to."""

    def __init__(self) -> None:
        self.offsets: list[dict[TopicPartition, int]] = []
        self.tables: list[list[tuple[int, bytes | None, bytes | None]]] = []
        self.raising: list[Exception] = []

    def __call__(self, offsets: Mapping[TopicPartition, int], table: Any, /) -> None:
        self.offsets.append(dict(offsets))
        self.tables.append([(at.partition, record.key, record.value) for at, record in table])
        if self.raising:
            raise self.raising.pop(0)
