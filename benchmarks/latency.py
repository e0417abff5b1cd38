"""Latency at 50 alerts a second: from acknowledged to the originator to readable by the recipient, default settings.

The router runs as a process of its own; originator and recipient are this process, so that one clock tells both times.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from pathlib import Path

from confluent_kafka import Consumer

from hub.bus.bus import Outgoing, lane
from hub.bus.kafka import KafkaPublisher
from hub.bus.local import LocalKafka
from hub.bus.settings import Connection

from . import load
from .loops import make_topics
from .processes import Routers

ALERTS_PER_S = 50
SECONDS = 20
WARM_UP = 100  # alerts that are not counted
PATIENCE_S = 60


def measure() -> dict[str, float]:
    """Milliseconds: median, 99th percentile, worst."""
    folder = Path(tempfile.mkdtemp(prefix="enlace-latency-"))
    with LocalKafka(folder, fast_start=False, heap_mib=1024) as broker:
        connection = Connection(bootstrap_servers=broker.bootstrap_servers)
        make_topics(connection)
        with Routers(connection, 1):
            found = _run(connection, ALERTS_PER_S * SECONDS + WARM_UP)
    return {
        "median, ms": statistics.median(found),
        "p99, ms": statistics.quantiles(found, n=100)[98],
        "worst, ms": max(found),
    }


def _run(connection: Connection, count: int) -> list[float]:
    reader = Consumer(
        {
            "bootstrap.servers": connection.bootstrap_servers,
            "group.id": "latency",
            "enable.auto.commit": False,
            "auto.offset.reset": "latest",
            "isolation.level": "read_committed",
        }
    )
    reader.subscribe([r"^deliveries\..*"])
    while not reader.assignment():
        reader.consume(1, 0.1)
    reader.consume(1, 2.0)  # all its partitions are at their ends now
    records = load.records(count)
    wanted = {key for key, _ in records}  # what came before them may still be on its way
    acknowledged: dict[bytes, float] = {}
    writer = threading.Thread(target=_write, args=(connection, records, acknowledged), daemon=True)
    writer.start()
    readable: dict[bytes, float] = {}
    late_s = time.monotonic() + PATIENCE_S
    while len(readable) < count and time.monotonic() < late_s:
        for record in reader.consume(1, 0.3):
            if (key := record.key()) in wanted:
                readable.setdefault(key or b"", time.perf_counter())
    writer.join()
    reader.close()
    assert len(readable) == count, f"{count - len(readable)} alerts did not arrive"
    counted = list(acknowledged)[WARM_UP:]
    return [max(0.0, readable[key] - acknowledged[key]) * 1000 for key in counted]


def _write(connection: Connection, records: list[tuple[bytes, bytes]], acknowledged: dict[bytes, float]) -> None:
    """One alert every 20 ms, each in a transaction, as a connector publishes it."""
    publisher = KafkaPublisher(connection, name="latency")
    due_s = time.perf_counter()
    for key, value in records:
        due_s += 1 / ALERTS_PER_S
        time.sleep(max(0.0, due_s - time.perf_counter()))
        publisher.publish([Outgoing(load.TOPIC, lane(key, load.PARTITIONS), key, value)])
        acknowledged[key] = time.perf_counter()
    publisher.close()
