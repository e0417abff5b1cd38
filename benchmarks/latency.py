"""Latency at 50 alerts a second: from acknowledged to the originator to readable by the recipient, default settings.

The router runs as a process of its own; originator and recipient are this process, so that one clock tells both times. What
the machine's other work adds shows in the echo: in turns with the alerts, plain records of the same size go to a topic and
are read again, by one client and without a transaction. The ratio says what an alert takes in such echoes.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Consumer, Producer

from hub.bus.bus import Outgoing, lane
from hub.bus.kafka import KafkaPublisher
from hub.bus.local import LocalKafka
from hub.bus.settings import Connection
from hub.bus.topics import administration
from hub.model.base import new_alert_id

from . import load
from .loops import make_topics
from .processes import Routers

ALERTS_PER_S = 50
ROUNDS = 4  # of alerts, then of echoes
ALERTS = 250  # a round
WARM_UP = 1_500  # alerts that are not counted: by then the broker's code is compiled
PATIENCE_S = 60
FLUSH_S = 10
ECHO = "bench.echo"
Records = list[tuple[bytes, bytes]]
Times = dict[bytes, float]


def measure() -> dict[str, float]:
    """Milliseconds: median, 99th percentile, worst; and the first two as multiples of an echo's."""
    folder = Path(tempfile.mkdtemp(prefix="enlace-latency-"))
    recipient, shapes = _one_recipient()
    with LocalKafka(folder, fast_start=False, heap_mib=1024) as broker:
        connection = Connection(bootstrap_servers=broker.bootstrap_servers)
        make_topics(connection)
        with administration(connection) as admin:
            admin.create_topics({ECHO: {"num_partitions": 1, "replication_factor": 1}}, raise_errors=True)
        with Routers(connection, 1):
            alerts, echoes = _rounds(connection, recipient, shapes)
    return {
        "median, ms": _median(alerts),
        "p99, ms": _p99(alerts),
        "worst, ms": max(alerts),
        "echo, median, ms": _median(echoes),
        "echo, p99, ms": _p99(echoes),
        "ratio of medians": _median(alerts) / _median(echoes),
        "ratio of p99": _p99(alerts) / _p99(echoes),
    }


def _median(found: list[float]) -> float:
    return statistics.median(found)


def _p99(found: list[float]) -> float:
    return statistics.quantiles(found, n=100)[98]


def _one_recipient() -> tuple[str, list[tuple[bytes, bytes]]]:
    """The topic of the agency that receives the most shapes, and those shapes: a recipient reads its own topic only."""
    some = load.records(load.SHAPES)
    written = load.written(some)
    topics = [{each.topic for each in written[key] if each.topic.startswith("deliveries.")} for key, _ in some]
    recipient = Counter(topic for found in topics for topic in found).most_common(1)[0][0]
    return recipient, [shape for shape, found in zip(load.templates(), topics, strict=True) if recipient in found]


def _records(shapes: Records, count: int) -> Records:
    """Keys and values of `count` alerts, each with a new id."""
    ids = [new_alert_id().bytes for _ in range(count)]
    parts = itertools.cycle(shapes)
    return [(key, key.join(part)) for key, part in zip(ids, parts, strict=False)]


def _rounds(
    connection: Connection, recipient: str, shapes: list[tuple[bytes, bytes]]
) -> tuple[list[float], list[float]]:
    publisher = KafkaPublisher(connection, name="latency")
    producer = Producer({"bootstrap.servers": connection.bootstrap_servers, "linger.ms": 0})
    deliveries, echoed = _reader(connection, recipient, "read_committed"), _reader(connection, ECHO, "read_uncommitted")

    def publish(key: bytes, value: bytes) -> None:
        publisher.publish([Outgoing(load.TOPIC, lane(key, load.PARTITIONS), key, value)])

    def echo(key: bytes, value: bytes) -> None:
        producer.produce(ECHO, value, key)
        producer.poll(0)

    alerts: list[float] = []
    echoes: list[float] = []
    _run(deliveries, publish, _records(shapes, WARM_UP))
    for _ in range(ROUNDS):
        some = _records(shapes, ALERTS)
        alerts += _run(deliveries, publish, some)
        echoes += _run(echoed, echo, some, from_sent=True)
    for reader in (deliveries, echoed):
        reader.close()
    producer.flush(FLUSH_S)
    publisher.close()
    return alerts, echoes


def _reader(connection: Connection, topic: str, isolation: str) -> Consumer:
    reader = Consumer(
        {
            "bootstrap.servers": connection.bootstrap_servers,
            "group.id": "latency-" + topic,
            "enable.auto.commit": False,
            "auto.offset.reset": "latest",
            "isolation.level": isolation,
        }
    )
    reader.subscribe([topic])
    while not reader.assignment():
        reader.consume(1, 0.1)
    reader.consume(1, 2.0)  # all its partitions are at their ends now
    return reader


def _run(
    reader: Consumer, write: Callable[[bytes, bytes], None], records: Records, *, from_sent: bool = False
) -> list[float]:
    """Milliseconds of each record, from when `write` returned (`from_sent`: was called) until it was read."""
    wanted = {key for key, _ in records}  # what came before them may still be on its way
    written: Times = {}
    writer = threading.Thread(target=_write, args=(write, records, written, from_sent), daemon=True)
    writer.start()
    readable: Times = {}
    late_s = time.monotonic() + len(records) / ALERTS_PER_S + PATIENCE_S
    while len(readable) < len(records) and time.monotonic() < late_s:
        for record in reader.consume(1, 0.3):
            key = record.key() or b""
            if key in wanted:
                readable.setdefault(key, time.perf_counter())
    assert len(readable) == len(records), f"{len(records) - len(readable)} records did not arrive"
    writer.join()
    return [max(0.0, readable[key] - written[key]) * 1000 for key in written]


def _write(write: Callable[[bytes, bytes], None], records: Records, written: Times, from_sent: bool) -> None:
    """One every 20 ms; an alert in a transaction of its own, as a connector publishes it."""
    due_s = time.perf_counter()
    for key, value in records:
        due_s += 1 / ALERTS_PER_S
        time.sleep(max(0.0, due_s - time.perf_counter()))
        called_s = time.perf_counter()
        write(key, value)
        written[key] = called_s if from_sent else time.perf_counter()
