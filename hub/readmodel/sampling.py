"""Samples of how far each consumer group has come: what lag is judged from (lag.py). Taken by the recorder, now and then.

A transaction's marker takes an offset and is no record. So where a group stands still before an end, it is looked once
whether a record stands there at all; if not, the group has nothing left to read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import structlog
from kafka.errors import KafkaError
from sqlalchemy import Engine, delete

from hub.bus.bus import BusError, TopicPartition
from hub.bus.limits import Limits
from hub.bus.offsets import records_after, spans
from hub.bus.settings import Connection
from hub.bus.topics import TopicError, administration

from .bulk import put
from .database import writing
from .tables import Sample

log = structlog.get_logger()

EVERY_S: Final = 15.0
KEPT_MS: Final = 2 * 3_600_000
GROUPS: Final = ("enlace-router", "deliver-")  # beginnings of the names of the hub's and the connectors' groups

Seen = Mapping[str, Mapping[TopicPartition, tuple[int, int]]]  # group -> partition -> (committed, end)


class Sampler:
    """Looks at the cluster whenever it is called and EVERY_S have passed. What it cannot see is missing from that sample."""

    def __init__(
        self, connection: Connection, engine: Engine, clock_s: Callable[[], float], now_ms: Callable[[], int]
    ) -> None:
        self._connection = connection
        self._engine = engine
        self._clock_s = clock_s
        self._now_ms = now_ms
        self._next_s = clock_s()
        self._before: dict[tuple[str, TopicPartition], tuple[int, int]] = {}
        self._empty: dict[tuple[str, TopicPartition], tuple[int, int]] = {}  # pairs between which no record stands

    def __call__(self) -> None:
        if self._clock_s() < self._next_s:
            return
        self._next_s = self._clock_s() + EVERY_S
        try:
            seen = self._seen()
        except (KafkaError, BusError, TopicError) as error:
            log.warning("recorder.sample", reason=type(error).__name__)
            return
        write(self._engine, seen, self._now_ms())

    def _seen(self) -> Seen:
        limits = Limits()
        with administration(self._connection, limits) as admin:
            client = cast(Any, admin)
            groups = [each["group_id"] for each in client.list_groups()]
            wanted = [group for group in groups if group.startswith(GROUPS)]
            offsets = client.list_group_offsets(wanted) if wanted else {}
        committed = {
            group: {TopicPartition(*at): meta.offset for at, meta in found.items() if meta.offset >= 0}
            for group, found in offsets.items()
        }
        places = sorted({at for found in committed.values() for at in found})
        ends = spans(self._connection, places, limits)[1] if places else {}
        return {
            group: {at: (offset, self._end(group, at, offset, ends[at], limits)) for at, offset in found.items()}
            for group, found in committed.items()
        }

    def _end(self, group: str, at: TopicPartition, committed: int, end: int, limits: Limits) -> int:
        """The end, or what is committed if nothing but markers stands between. Asked only where nothing moved."""
        key, pair = (group, at), (committed, end)
        if committed >= end or self._empty.get(key) == pair:
            return committed
        if self._before.get(key) == pair and not records_after(self._connection, {at: committed}, {at: end}, limits):
            self._empty[key] = pair
            return committed
        self._before[key] = pair
        return end


def write(engine: Engine, seen: Seen, now_ms: int) -> None:
    """Adds a sample of every group, and forgets old ones."""
    rows = []
    for group, found in seen.items():
        topics: dict[str, dict[str, tuple[int, int]]] = {}
        for at, pair in sorted(found.items()):
            topics.setdefault(at.topic, {})[str(at.partition)] = pair
        rows.append((now_ms, group, json.dumps(topics, separators=(",", ":"))))
    with writing(engine) as connection:
        put(connection, Sample, rows)
        connection.execute(delete(Sample).where(Sample.at_ms < now_ms - KEPT_MS))
