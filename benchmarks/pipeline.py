"""The router's speed on a real Kafka, beside the same writes without hub code and beside a plain kafka-python loop.

All three read the same kind of alerts and write the same number of records of the same bytes in transactions of the same
size; rounds are interleaved and medians taken, so that only ratios within one run are compared.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, cast

from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import OffsetAndMetadata

from hub.bus.bus import Bus, Outgoing, lane
from hub.bus.kafka import KafkaBus, KafkaPublisher
from hub.bus.local import LocalKafka
from hub.bus.settings import Connection
from hub.bus.topics import administration, create
from hub.guidelines.bundle import Bundle
from hub.router import STATE_TOPIC, Lanes, Router

from . import alerts

ROUNDS = 5
ALERTS = 10_000  # a round
PLAIN_ALERTS = 2_000  # ... of the plain loop, which is slow
BATCH = 2_000
PARTITIONS = 6
JOIN_LOOKS = 10
COPY = "bench."  # what the loops without hub code write to, made like the hub's own topics


def measure(rounds: int = ROUNDS) -> dict[str, float]:
    """Alerts a second of each loop (medians), and the ratios."""
    bundle = alerts.bundle()
    folder = Path(tempfile.mkdtemp(prefix="enlace-bench-"))
    with LocalKafka(folder, fast_start=False, heap_mib=1024) as broker:
        connection = Connection(bootstrap_servers=broker.bootstrap_servers)
        _make_topics(connection, bundle)
        loops: dict[str, tuple[int, Any]] = {
            "plain kafka-python": (PLAIN_ALERTS, Plain(connection)),
            "ours without hub code": (ALERTS, Bare(connection, ordinary=False)),
            "ours by send()": (PLAIN_ALERTS, Bare(connection, ordinary=True)),
            "router": (ALERTS, Routing(connection, bundle)),
        }
        expected = Expected(bundle)
        speeds: dict[str, list[float]] = {name: [] for name in loops}
        for number in range(rounds + 1):
            for name, (count, loop) in loops.items():
                records = alerts.records(count)
                loop.feed(records, expected)
                started_s = time.perf_counter()
                loop.drain(count)
                if number:  # the first round warms up
                    speeds[name].append(count / (time.perf_counter() - started_s))
        for _, loop in loops.values():
            loop.close()
    found = {f"{name}, alerts/s": statistics.median(each) for name, each in speeds.items()}
    router, bare, plain = (
        found[f"{name}, alerts/s"] for name in ("router", "ours without hub code", "plain kafka-python")
    )
    return {
        **found,
        "writes per alert": expected.per_alert,
        "ratio router / same writes without hub code": router / bare,
        "ratio same writes without hub code / plain kafka-python": bare / plain,
        "ratio router / plain kafka-python": router / plain,
    }


class Expected:
    """What the router writes for each alert, worked out beforehand, for the loops that have no hub code."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self.per_alert = 0.0

    def of(self, records: list[tuple[bytes, bytes]]) -> dict[bytes, list[Outgoing]]:
        """Alert id -> records to write, in topics of their own."""
        found = alerts.routed(records, self._bundle, PARTITIONS)
        self.per_alert = sum(map(len, found.values())) / len(found)
        return {key: [each._replace(topic=COPY + each.topic) for each in written] for key, written in found.items()}


class Bare:
    """Our bus and nothing else: reads, looks up what to write, commits."""

    def __init__(self, connection: Connection, *, ordinary: bool) -> None:
        name = f"bare-{'ordinary' if ordinary else 'fast'}"
        self._topic = COPY + name
        self._publisher = KafkaPublisher(connection, name=f"feed-{name}")
        self._bus: Bus = KafkaBus(connection, group=name, slot="bench-0", topics=[self._topic], ordinary=ordinary)
        self._written: dict[bytes, list[Outgoing]] = {}

    def feed(self, records: list[tuple[bytes, bytes]], expected: Expected) -> None:
        self._written = expected.of(records)
        for _ in range(JOIN_LOOKS):
            assert not self._bus.read(1, 0).count
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

    def __init__(self, connection: Connection, bundle: Bundle) -> None:
        lanes = Lanes()
        self._publisher = KafkaPublisher(connection, name="feed-router")
        self._bus = KafkaBus(
            connection,
            group="bench-router",
            slot="router-0",
            topics=["alerts.customs"],
            restore=lanes.restore,
            state_topic=STATE_TOPIC,
        )
        self._router = Router(self._bus, lanes, bundle, PARTITIONS, batch_records=BATCH)

    def feed(self, records: list[tuple[bytes, bytes]], _expected: Expected) -> None:
        for _ in range(JOIN_LOOKS):  # joined before the clock starts; nothing waits yet
            assert not self._router.step(0)
        publish(self._publisher, "alerts.customs", records)

    def drain(self, count: int) -> None:
        done = 0
        while done < count:
            done += self._router.step()

    def close(self) -> None:
        self._bus.close()
        self._publisher.close()


class Plain:
    """Consume, transform, produce as kafka-python's documentation has it: a send and a future for every record."""

    def __init__(self, connection: Connection) -> None:
        self._topic = COPY + "plain"
        self._publisher = KafkaPublisher(connection, name="feed-plain")
        self._consumer: Any = cast(Any, KafkaConsumer)(
            self._topic,
            **connection.client(),
            group_id="plain",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        self._producer: Any = cast(Any, KafkaProducer)(
            **connection.client(), transactional_id="plain", retry_backoff_ms=10
        )
        self._producer.init_transactions()
        self._written: dict[bytes, list[Outgoing]] = {}

    def feed(self, records: list[tuple[bytes, bytes]], expected: Expected) -> None:
        self._written = expected.of(records)
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


def publish(publisher: KafkaPublisher, topic: str, records: list[tuple[bytes, bytes]]) -> None:
    publisher.publish([Outgoing(topic, lane(key, PARTITIONS), key, value) for key, value in records])


def _make_topics(connection: Connection, bundle: Bundle) -> None:
    """The hub's topics, and a copy of each for the loops that must not touch the router's state."""
    with administration(connection) as admin:
        names = create(admin, [agency.id for agency in bundle.agencies], PARTITIONS)
        inputs = [COPY + name for name in ("plain", "bare-fast", "bare-ordinary")]
        copies = [COPY + name for name in names] + inputs
        settings = {
            "compression.type": "lz4",
            "max.message.bytes": str(4 << 20),
            "message.timestamp.type": "LogAppendTime",
        }
        shape = {"num_partitions": PARTITIONS, "replication_factor": 1, "configs": settings}
        admin.create_topics(dict.fromkeys(copies, shape), raise_errors=True)
        admin.wait_for_topics(copies, timeout_ms=30_000)
