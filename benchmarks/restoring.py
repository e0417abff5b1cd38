"""The process that restores, for restore.py: it imports what a router does and no more, so that its peak is a router's."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from multiprocessing.queues import Queue
from pathlib import Path
from typing import NamedTuple

from hub.bus.bus import Record, TopicPartition
from hub.bus.kafka import KafkaBus
from hub.bus.settings import Connection
from hub.cli.logs import configure
from hub.router import STATE_TOPIC, Lanes

LOOKS_AFTER = 20


class Restored(NamedTuple):
    """`seconds`: from the first look at the cluster to the first batch; `restoring_s` of them had the lanes assigned.

    Megabytes are 10^6 bytes; `before_mb`: of the process that has not restored yet."""

    seconds: float
    restoring_s: float
    cpu_s: float
    before_mb: float
    peak_mb: float
    holdings: int
    times: int


class Counted(Lanes):
    """Lanes that count how often they were restored."""

    times = 0
    holdings = 0
    restoring_s = 0.0

    def restore(self, offsets: Mapping[TopicPartition, int], table: Iterator[tuple[TopicPartition, Record]]) -> None:
        started_s = time.perf_counter()
        super().restore(offsets, table)
        self.restoring_s = time.perf_counter() - started_s
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
    before_mb = _memory_mb("VmRSS")
    started_s, started_cpu_s = time.perf_counter(), time.process_time()
    while not bus.read(1, 100).count:
        pass
    seconds, cpu_s = time.perf_counter() - started_s, time.process_time() - started_cpu_s
    for _ in range(LOOKS_AFTER):
        bus.read(1, 100)
    results.put(
        Restored(seconds, lanes.restoring_s, cpu_s, before_mb, _memory_mb("VmHWM"), lanes.holdings, lanes.times)
    )
    bus.close()


def _memory_mb(name: str) -> float:
    """Resident memory now (VmRSS) or at most so far (VmHWM; getrusage would tell the parent's, if that was larger)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024 / 1e6
