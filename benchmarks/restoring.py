"""The process that restores, for restore.py: it imports what a router does and no more, so that its peak is a router's."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Mapping
from multiprocessing.queues import Queue
from typing import NamedTuple

from hub.bus.bus import Record, TopicPartition
from hub.bus.kafka import KafkaBus
from hub.bus.settings import Connection
from hub.cli.logs import configure
from hub.router import STATE_TOPIC, Lanes

LOOKS_AFTER = 20


class Restored(NamedTuple):
    """Megabytes are 10^6 bytes; `before_mb`: of the process that has not restored yet."""

    seconds: float
    cpu_s: float
    before_mb: float
    peak_mb: float
    holdings: int
    times: int


class Counted(Lanes):
    """Lanes that count how often they were restored."""

    times = 0
    holdings = 0

    def restore(self, offsets: Mapping[TopicPartition, int], table: Iterator[tuple[TopicPartition, Record]]) -> None:
        super().restore(offsets, table)
        self.times += 1
        self.holdings = sum(len(self[at.partition].holdings) for at in offsets)


def restore(connection: Connection, topic: str, results: Queue[Restored]) -> None:
    """Joins, restores, and goes on reading: a group that had given its lanes away meanwhile would have it restore again."""
    configure("warning")
    lanes = Counted()
    bus = KafkaBus(
        connection,
        group="restore",
        slot="router-0",
        topics=[topic],
        restore=lanes.restore,
        state_topic=STATE_TOPIC,
    )
    before_mb = _peak_mb()
    started_s, started_cpu_s = time.perf_counter(), time.process_time()
    while not lanes.times:
        bus.read(1, 100)
    seconds, cpu_s = time.perf_counter() - started_s, time.process_time() - started_cpu_s
    for _ in range(LOOKS_AFTER):
        bus.read(1, 100)
    results.put(Restored(seconds, cpu_s, before_mb, _peak_mb(), lanes.holdings, lanes.times))
    bus.close()


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
