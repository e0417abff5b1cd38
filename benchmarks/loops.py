"""The loops that are compared: each reads the same alerts and writes as many records of the same bytes, exactly once.

All but the router write what the router would, worked out beforehand, to copies of the hub's topics.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, cast

from confluent_kafka import Consumer, Producer, TopicPartition
from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import OffsetAndMetadata

from hub.bus.bus import Indefinite, Outgoing, lane
from hub.bus.kafka import KafkaBus, KafkaPublisher
from hub.bus.settings import Connection
from hub.bus.topics import administration, create
from hub.guidelines.compile import Memory
from hub.guidelines.decide import engine
from hub.router import STATE_TOPIC, Lanes, Router

from . import load

BATCH: Final = 2_000  # alerts read at once, and so in one transaction
JOIN_LOOKS: Final = 10
TOPICS_AT_ONCE: Final = 20
COPY: Final = "bench."  # what stands before the name of a copied topic
Records = list[tuple[bytes, bytes]]


class Loop(Protocol):
    def feed(self, records: Records) -> None:
        """Has the records wait for the loop, which has joined its group."""

    def drain(self, count: int) -> None:
        """Routes or passes on `count` records, committed."""

    def close(self) -> None: ...


def copied(records: Records) -> dict[bytes, list[Outgoing]]:
    """Alert id -> what is written for it, to the copies."""
    found = load.written(records)
    return {key: [each._replace(topic=COPY + each.topic) for each in written] for key, written in found.items()}


def publish(publisher: KafkaPublisher, topic: str, records: Records) -> None:
    publisher.publish([Outgoing(topic, lane(key, load.PARTITIONS), key, value) for key, value in records])


def make_topics(connection: Connection, inputs: Sequence[str] = ()) -> None:
    """What the originator and the router need, of the recipients only where deliveries go. If there are other `inputs`:
    those, and a copy of all that the router writes to."""
    deliveries = ["deliveries." + agency.id for agency in load.bundle().agencies]
    with administration(connection) as admin:
        create(admin, [load.ORIGINATOR], load.PARTITIONS)
        names = [name for name in deliveries if name != "deliveries." + load.ORIGINATOR]
        if inputs:
            names += [*inputs, *(COPY + name for name in (*deliveries, "decisions", "holdings"))]
        settings = {
            "compression.type": "lz4",
            "max.message.bytes": str(4 << 20),
            "message.timestamp.type": "LogAppendTime",
        }
        shape = {"num_partitions": load.PARTITIONS, "replication_factor": 1, "configs": settings}
        for start in range(0, len(names), TOPICS_AT_ONCE):
            some = names[start : start + TOPICS_AT_ONCE]
            admin.create_topics(dict.fromkeys(some, shape), raise_errors=True)
            admin.wait_for_topics(some, timeout_ms=30_000)


def unwatched(_code: int) -> None:
    """In place of the watchdog's exit: a loop waits here while the others have their rounds."""


def join(look: Callable[[], int]) -> None:
    """In its group, or in it again, before the clock starts; nothing waits yet."""
    for _ in range(JOIN_LOOKS):
        with contextlib.suppress(Indefinite):
            assert not look()


class Bare:
    """Our bus and nothing else: reads, looks up what to write, commits."""

    def __init__(self, connection: Connection, topic: str) -> None:
        self._topic = topic
        self._publisher = KafkaPublisher(connection, name=f"feed-{topic}")
        self._bus = KafkaBus(connection, group=topic, slot="bench-0", topics=[topic], end=unwatched)
        self._written: dict[bytes, list[Outgoing]] = {}

    def feed(self, records: Records) -> None:
        self._written = copied(records)
        join(lambda: self._bus.read(1, 50).count)
        publish(self._publisher, self._topic, records)

    def drain(self, count: int) -> None:
        done = 0
        while done < count:
            batch = self._bus.read(BATCH, 300)
            if batch.count:
                outgoing = [
                    written
                    for found in batch.records.values()
                    for record in found
                    for written in self._written[record.key or b""]
                ]
                self._bus.commit(batch, outgoing)
                done += batch.count

    def close(self) -> None:
        self._bus.close()
        self._publisher.close()


class Routing:
    """The router as it runs."""

    def __init__(self, connection: Connection, topic: str) -> None:
        lanes = Lanes()
        self._topic = topic
        self._publisher = KafkaPublisher(connection, name=f"feed-{topic}")
        self._bus = KafkaBus(
            connection,
            group="bench-router",
            slot="router-0",
            topics=[topic],
            restore=lanes.restore,
            state_topic=STATE_TOPIC,
            end=unwatched,
        )
        self._router = Router(self._bus, lanes, load.bundle(), load.PARTITIONS, batch_records=BATCH)

    def feed(self, records: Records) -> None:
        join(lambda: self._router.step(50))
        publish(self._publisher, self._topic, records)

    def drain(self, count: int) -> None:
        done = 0
        while done < count:
            done += self._router.step()

    def close(self) -> None:
        self._bus.close()
        self._publisher.close()


class Forgetting:
    """A router that remembers no decision: each alert's is made anew."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing

    def feed(self, records: Records) -> None:
        self._routing.feed(records)

    def drain(self, count: int) -> None:
        decider = engine(load.bundle())
        remembered = decider.decisions
        decider.decisions = Forgetful(remembered.work)
        self._routing.drain(count)
        decider.decisions = remembered

    def close(self) -> None:
        """The router is closed by itself."""


class Forgetful(Memory[Any, Any]):
    """A memory that keeps nothing."""

    def keep(self, key: Any, value: Any) -> Any:
        return value


class Plain:
    """Consume, transform, produce as kafka-python's documentation has it: a send and a future for every record."""

    def __init__(self, connection: Connection, topic: str) -> None:
        self._topic = topic
        self._publisher = KafkaPublisher(connection, name=f"feed-{topic}")
        self._consumer: Any = cast(Any, KafkaConsumer)(
            topic,
            **connection.client(),
            group_id=topic,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        self._producer: Any = cast(Any, KafkaProducer)(
            **connection.client(), transactional_id=topic, retry_backoff_ms=10
        )
        self._producer.init_transactions()
        self._written: dict[bytes, list[Outgoing]] = {}

    def feed(self, records: Records) -> None:
        self._written = copied(records)
        while not self._consumer.assignment():
            assert not self._consumer.poll(100, max_records=1)
        publish(self._publisher, self._topic, records)

    def drain(self, count: int) -> None:
        done = 0
        while done < count:
            found = self._consumer.poll(300, max_records=BATCH)
            if not found:
                continue
            self._producer.begin_transaction()
            for records in found.values():
                for record in records:
                    for out in self._written[record.key]:
                        self._producer.send(out.topic, out.value, key=out.key, partition=out.partition)
            offsets = {at: OffsetAndMetadata(records[-1].offset + 1, "", -1) for at, records in found.items()}
            self._producer.send_offsets_to_transaction(offsets, self._consumer.group_metadata())
            self._producer.commit_transaction()
            done += sum(map(len, found.values()))

    def close(self) -> None:
        self._consumer.close()
        self._producer.close()
        self._publisher.close()


class Confluent:
    """The same by confluent-kafka (librdkafka): as many alerts in a transaction, its own batches as large as ours."""

    def __init__(self, connection: Connection, topic: str) -> None:
        self._topic = topic
        self._publisher = KafkaPublisher(connection, name=f"feed-{topic}")
        servers = {"bootstrap.servers": connection.bootstrap_servers}
        self._consumer = Consumer(
            {
                **servers,
                "group.id": topic,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
            }
        )
        self._producer = Producer(
            {
                **servers,
                "transactional.id": topic,
                "compression.type": "lz4",
                "linger.ms": 50,
                "batch.size": 900_000,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        self._producer.init_transactions()
        self._consumer.subscribe([topic])
        self._written: dict[bytes, list[Outgoing]] = {}

    def feed(self, records: Records) -> None:
        self._written = copied(records)
        while not self._consumer.assignment():
            assert not self._consumer.consume(1, 0.1)
        publish(self._publisher, self._topic, records)

    def drain(self, count: int) -> None:
        done = 0
        while done < count:
            records = self._consumer.consume(BATCH, 0.3)
            if not records:
                continue
            offsets: dict[int, int] = {}
            self._producer.begin_transaction()
            for record in records:
                partition, offset, key = record.partition(), record.offset(), record.key()
                assert record.error() is None and partition is not None and offset is not None and key is not None
                offsets[partition] = offset + 1
                for out in self._written[key]:
                    self._producer.produce(out.topic, value=out.value, key=out.key, partition=out.partition)
            positions = [TopicPartition(self._topic, lane, offset) for lane, offset in offsets.items()]
            self._producer.send_offsets_to_transaction(positions, self._consumer.consumer_group_metadata())
            self._producer.commit_transaction()
            done += len(records)

    def close(self) -> None:
        self._consumer.close()
        self._publisher.close()
