"""The router's speed on a real Kafka, beside the same writes without hub code, by our bus and by others.

All loops read the same alerts and write as many records of as many bytes, in transactions of as many alerts; rounds are
interleaved and medians taken, so that only ratios within one run are compared.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from hub.bus.kafka import KafkaPublisher
from hub.bus.local import LocalKafka
from hub.bus.settings import Connection

from . import load
from .kafka_streams import PassThrough
from .loops import COPY, Bare, Confluent, Forgetting, Loop, Plain, Routing, make_topics, publish

WARM_UP = 3  # rounds that are not counted: by then the broker's code is compiled
ROUNDS = 5
ALERTS = 24_000  # a round
SLOW_ALERTS = 6_000  # ... of the plain loop
STREAMS_ROUNDS = 3
STREAMS_ALERTS = 40_000  # ... which must be compiled by the way


def measure(rounds: int = ROUNDS) -> dict[str, float]:
    """Alerts a second of each loop (medians), and the ratios."""
    streams = PassThrough()
    if streams.skipped:
        print(f"  SKIPPED: {streams.skipped}")
    own = ["plain", "bare", "confluent", *(f"streams-{number}" for number in range(1, STREAMS_ROUNDS + 1))]
    folder = Path(tempfile.mkdtemp(prefix="enlace-bench-"))
    speeds: dict[str, list[float]] = defaultdict(list)
    with LocalKafka(folder, fast_start=False, heap_mib=1024) as broker:
        connection = Connection(bootstrap_servers=broker.bootstrap_servers)
        make_topics(connection, [COPY + name for name in own])
        router = Routing(connection, load.TOPIC)
        loops: dict[str, tuple[int, Loop]] = {
            "plain kafka-python": (SLOW_ALERTS, Plain(connection, COPY + "plain")),
            "ours without hub code": (ALERTS, Bare(connection, COPY + "bare")),
            "confluent-kafka": (ALERTS, Confluent(connection, COPY + "confluent")),
            "router": (ALERTS, router),
            "router, no decision remembered": (ALERTS, Forgetting(router)),
        }
        for number in range(1 - WARM_UP, rounds + 1):
            for name, (count, loop) in loops.items():
                records = load.records(count)
                loop.feed(records)
                started_s = time.perf_counter()
                loop.drain(count)
                if number > 0:
                    speeds[name].append(count / (time.perf_counter() - started_s))
            if not streams.skipped and 0 < number <= STREAMS_ROUNDS:
                rates = _streams_round(connection, streams, number)
                speeds["Kafka Streams, whole run"].append(rates[0])
                speeds["Kafka Streams, warm"].append(rates[1])
        for _, loop in loops.values():
            loop.close()
    return _ratios({name: statistics.median(each) for name, each in speeds.items()})


def _ratios(found: dict[str, float]) -> dict[str, float]:
    pairs = [
        ("ours without hub code", "plain kafka-python"),
        ("ours without hub code", "confluent-kafka"),
        ("ours without hub code", "Kafka Streams, warm"),
        ("router", "ours without hub code"),
        ("router", "plain kafka-python"),
        ("router", "Kafka Streams, warm"),
        ("router, no decision remembered", "Kafka Streams, warm"),
    ]
    ratios = {f"ratio {a} / {b}": found[a] / found[b] for a, b in pairs if a in found and b in found}
    return {**{f"{name}, alerts/s": value for name, value in found.items()}, **ratios}


def _streams_round(connection: Connection, streams: PassThrough, number: int) -> tuple[float, float]:
    """One run of Kafka Streams over a topic of its own that was filled before."""
    topic = f"{COPY}streams-{number}"
    publisher = KafkaPublisher(connection, name=f"feed-{topic}")
    records = load.records(STREAMS_ALERTS)
    for start in range(0, STREAMS_ALERTS, ALERTS):
        publish(publisher, topic, records[start : start + ALERTS])
    publisher.close()
    return streams.run(connection.bootstrap_servers, topic, STREAMS_ALERTS, topic, _outputs())


def _outputs() -> list[tuple[str, int]]:
    """Two recipients' topics, decisions, holdings: each with the mean size of what the router writes there."""
    sizes: dict[str, list[int]] = defaultdict(list)
    for written in load.written(load.records(load.SHAPES)).values():
        for place, out in enumerate(written):
            name = f"deliveries.agency-0{place + 1}" if out.topic.startswith("deliveries.") else out.topic
            sizes[COPY + name].append(len(out.value or b""))
    return [(name, round(statistics.mean(each))) for name, each in sorted(sizes.items())]
