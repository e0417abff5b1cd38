"""One router process and two, as they run in production: each with its own slot, sharing the lanes.

The broker and all routers share this machine's cores, so what a second process adds is bounded by what is left of them.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from multiprocessing.sharedctypes import SynchronizedArray
from pathlib import Path
from types import TracebackType
from typing import Self

from hub.bus.kafka import KafkaBus, KafkaPublisher
from hub.bus.local import LocalKafka
from hub.bus.settings import Connection
from hub.bus.topics import INTAKE_PATTERN
from hub.cli.logs import configure
from hub.router import GROUP, STATE_TOPIC, Lanes, Router

from . import load
from .loops import make_topics, publish

ROUNDS = 3
ALERTS = 8_000  # a round
WARM_UP = 2_000
PATIENCE_S = 60
LOOK_S = 0.002


class Routers:
    """`count` router processes, and how many records each has committed."""

    def __init__(self, connection: Connection, count: int) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._routed: SynchronizedArray[int] = spawning.Array("q", count)
        self._connection = connection
        self._publisher = KafkaPublisher(connection, name="feed")
        self._processes = [
            spawning.Process(target=_route, args=(connection, number, self._routed), daemon=True)
            for number in range(count)
        ]

    def __enter__(self) -> Self:
        for process in self._processes:
            process.start()
        while True:  # until every process has its lanes and has routed something
            self.route(WARM_UP)
            if all(self._routed[:]):
                return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
            process.join()
        self._publisher.close()

    def route(self, count: int) -> float:
        """Publishes `count` alerts; the seconds until all are committed."""
        records = load.records(count)
        wanted = sum(self._routed[:]) + count
        publish(self._publisher, load.TOPIC, records)
        started_s = time.perf_counter()
        while sum(self._routed[:]) < wanted:
            assert time.perf_counter() - started_s < PATIENCE_S, "the routers do not route"
            time.sleep(LOOK_S)
        return time.perf_counter() - started_s


def _route(connection: Connection, number: int, routed: SynchronizedArray[int]) -> None:
    configure("warning")
    lanes = Lanes()
    bus = KafkaBus(
        connection,
        group=GROUP,
        slot=f"router-{number}",
        topics=INTAKE_PATTERN,
        restore=lanes.restore,
        state_topic=STATE_TOPIC,
    )
    router = Router(bus, lanes, load.bundle(), load.PARTITIONS)
    while True:
        routed[number] += router.step()


def measure() -> dict[str, float]:
    """Alerts a second by one and by two processes (medians), and the ratio. The two are measured one after the other."""
    found: dict[str, float] = {}
    for count, name in ((1, "one process"), (2, "two processes")):
        folder = Path(tempfile.mkdtemp(prefix="enlace-bench-"))
        with LocalKafka(folder, fast_start=False, heap_mib=1024) as broker:
            connection = Connection(bootstrap_servers=broker.bootstrap_servers)
            make_topics(connection)
            with Routers(connection, count) as routers:
                times = [routers.route(ALERTS) for _ in range(ROUNDS)]
        found[f"{name}, alerts/s"] = ALERTS / statistics.median(times)
    return {**found, "ratio two processes / one": found["two processes, alerts/s"] / found["one process, alerts/s"]}
