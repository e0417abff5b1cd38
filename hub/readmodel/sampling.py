"""Samples of how far each consumer group has come: what lag is judged from (lag.py). Taken by the recorder, now and then.

A transaction's marker takes an offset and is no record. So where a group stands still before an end, it is looked once
whether a record stands there at all; if not, the group has nothing left to read. With each sample it is looked whether a
transaction hangs (hub/bus/hanging.py): what nobody can read is told apart from what nobody reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import structlog
from sqlalchemy import Engine, delete
from sqlalchemy.exc import OperationalError

from hub.bus.bus import TopicPartition
from hub.bus.hanging import HangingTransactions, Held
from hub.bus.limits import Limits
from hub.bus.offsets import records_after, spans
from hub.bus.settings import Connection
from hub.bus.topics import administration

from .bulk import put
from .database import writing
from .tables import Sample

log = structlog.get_logger()

EVERY_S: Final = 15.0
KEPT_MS: Final = 2 * 3_600_000
# Beginnings of the names of the routers' group and of the connectors', `deliver.<agency>.<connector>` (connectors/sdk/run.py).
GROUPS: Final = ("enlace-router", "deliver.")

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
        self._hanging = HangingTransactions(connection, Limits())
        self._before: dict[tuple[str, TopicPartition], tuple[int, int]] = {}
        self._empty: dict[tuple[str, TopicPartition], tuple[int, int]] = {}  # pairs between which no record stands
        self.held: Sequence[Held] = ()  # partitions that a transaction holds, as last seen

    def __call__(self) -> bool:
        """Whether a sample was taken."""
        if self._clock_s() < self._next_s:
            return False
        self._next_s = self._clock_s() + EVERY_S
        try:
            seen = self._seen()
            self._look_for_hanging(sorted({at for found in seen.values() for at in found}))
        except Exception as error:  # also what the library lets slip: a look at the cluster never ends the recorder
            log.warning("recorder.sample", reason=type(error).__name__)
            self._hanging.close()
            return False
        try:
            write(self._engine, seen, self._now_ms())
        except OperationalError as error:
            log.warning("recorder.sample", reason=type(error).__name__)
            return False
        return True

    def close(self) -> None:
        self._hanging.close()

    def _look_for_hanging(self, places: Sequence[TopicPartition]) -> None:
        self.held = self._hanging.look(places) if places else ()
        for at, stable, end, for_s in self.held:
            log.error("recorder.held", topic=at.topic, partition=at.partition, stable=stable, end=end, for_s=int(for_s))

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
