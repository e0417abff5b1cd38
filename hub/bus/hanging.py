"""Notices a transaction that a broker left hanging: readers of that partition then wait for ever (KAFKA.md, rule 24).

Cheap enough to ask every few seconds. Which transaction it is, and finishing it, is the doctor's work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from hub.bus import library
from hub.bus.bus import TopicPartition
from hub.bus.limits import Limits
from hub.bus.settings import Connection

_CLOSE_MS = 2_000
_GRACE_S = 5.0  # until the broker has looked for transactions that timed out, and written their markers


class Held(NamedTuple):
    """Readable up to `stable` though written up to `end`, for `for_s` seconds."""

    at: TopicPartition
    stable: int
    end: int
    for_s: float


class HangingTransactions:
    """Looks at partitions from time to time; needs two clients of its own, opened at the first look."""

    def __init__(self, connection: Connection, limits: Limits, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._connection = connection
        self._limits = limits
        self._clients: dict[str, library.Consumer] = {}
        self._behind: dict[TopicPartition, tuple[int, float]] = {}  # stable offset, and since when we see it stay

    def look(self, partitions: Iterable[TopicPartition]) -> list[Held]:
        """The partitions that have been held for longer than a transaction may stay open. Raises KafkaError."""
        wanted = [library.partition(at) for at in partitions]
        stable = self._client("read_committed").end_offsets(wanted, self._limits.wait_ms)
        end = self._client("read_uncommitted").end_offsets(wanted, self._limits.wait_ms)
        now_s = self._clock_s()
        held = []
        for at in wanted:
            ours = TopicPartition(*at)
            seen, since_s = self._behind.get(ours, (-1, now_s))
            if stable[at] >= end[at]:
                self._behind.pop(ours, None)
            elif seen != stable[at]:
                self._behind[ours] = (stable[at], now_s)
            elif now_s - since_s > self._limits.transaction_ms / 1000 + _GRACE_S:
                held.append(Held(ours, stable[at], end[at], now_s - since_s))
        return held

    def close(self) -> None:
        clients, self._clients = self._clients, {}
        for client in clients.values():
            library.end_consumer(client, _CLOSE_MS)

    def _client(self, isolation: str) -> library.Consumer:
        if isolation not in self._clients:
            self._clients[isolation] = library.open_consumer(
                self._connection, self._limits, group_id=None, isolation_level=isolation
            )
        return self._clients[isolation]
