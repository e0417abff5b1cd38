"""A transaction that a broker left hanging: readers of its partition then wait for ever (KAFKA.md, rule 24).

`HangingTransactions` notices that a partition is held, cheap enough to ask every few seconds. `find` says which
transaction it is, and what was decided on it; `finish` writes the marker that is missing. Both are the doctor's
(`enlace doctor`). What was decided stands in the coordinator's log (transaction_log.py); without that nothing is written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

from kafka.structs import TopicPartition as LibraryPartition

from hub.bus import library, transaction_log
from hub.bus.bus import BusError, TopicPartition
from hub.bus.limits import Limits
from hub.bus.settings import Connection
from hub.bus.topics import Admin, administration
from hub.bus.transaction_log import Verdict

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
        stable = library.last_offsets(self._client("read_committed"), wanted, self._limits.wait_ms)
        end = library.last_offsets(self._client("read_uncommitted"), wanted, self._limits.wait_ms)
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


class Hanging(NamedTuple):
    """A transaction that is open in a partition from offset `start` and that no coordinator will end any more.

    `transactional_id` is empty if nobody knows it; `verdict` is None if the log does not tell what was decided.
    """

    at: TopicPartition
    start: int
    producer_id: int
    producer_epoch: int
    coordinator_epoch: int
    transactional_id: str
    verdict: Verdict | None


class Undecided(BusError):
    """Nothing tells whether the transaction was committed: whoever writes a marker now loses records, or invents some."""


def find(connection: Connection, limits: Limits | None = None) -> list[Hanging]:
    """All transactions that hang, by partition and offset.

    Three looks, in this order: what is open in the partitions; what the coordinators have under way; what is open still.
    A coordinator forgets a transaction only after all its markers were acknowledged, so what is open before and after,
    and was unknown to it between, hangs. Raises KafkaError, Indefinite, and TopicError if nobody answers.
    """
    limits = limits or Limits()
    with administration(connection, limits) as admin:
        topics = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
        log_partitions = topics.pop(transaction_log.TOPIC, 0)
        places = [LibraryPartition(name, number) for name, count in topics.items() for number in range(count)]
        before = _open(admin, places)
        alive = _under_way(admin, {one.producer_id for one in before})
        suspects = [one for one in before if (one.at, one.producer_id) not in alive]
        after = _open(admin, [LibraryPartition(*one.at) for one in suspects])
    still = {(one.at, one.producer_id, one.start) for one in after}
    hanging = [one for one in suspects if (one.at, one.producer_id, one.start) in still]
    if not hanging:
        return []
    entries = transaction_log.read_entries(connection, log_partitions, {one.producer_id for one in hanging}, limits)
    names = {each.producer_id: each.transactional_id for each in entries}
    return sorted(
        one._replace(
            transactional_id=names.get(one.producer_id, ""),
            verdict=transaction_log.verdict_on(entries, one.producer_id, one.producer_epoch),
        )
        for one in hanging
    )


def finish(connection: Connection, hanging: Hanging, limits: Limits | None = None) -> None:
    """Writes the marker that is missing, as it was decided. Raises Undecided, KafkaError and TopicError."""
    if hanging.verdict is None:
        raise Undecided(f"{hanging.at.topic}-{hanging.at.partition} at {hanging.start}: its verdict is not known")
    with administration(connection, limits) as admin:
        library.write_marker(
            admin,
            hanging.at,
            hanging.producer_id,
            hanging.producer_epoch,
            max(0, hanging.coordinator_epoch),
            commit=hanging.verdict == "commit",
        )


def _open(admin: Admin, places: list[LibraryPartition]) -> list[Hanging]:
    """What is open in some partitions; nothing is known of it yet."""
    described = cast(Any, admin).describe_producers(places) if places else {}
    return [
        Hanging(
            TopicPartition(at.topic, at.partition),
            state.current_transaction_start_offset,
            state.producer_id,
            state.producer_epoch,
            state.coordinator_epoch,
            "",
            None,
        )
        for at, found in described.items()
        for state in found.active_producers
        if state.current_transaction_start_offset >= 0
    ]


def _under_way(admin: Admin, producers: set[int]) -> set[tuple[TopicPartition, int]]:
    """Partition and producer of every transaction that a coordinator has under way, or still has to write markers for."""
    if not producers:
        return set()
    asked: Any = admin
    listed = asked.list_transactions(producer_id_filters=sorted(producers))
    names = [each.transactional_id for found in listed.values() for each in found]
    described = asked.describe_transactions(names) if names else {}
    return {
        (TopicPartition(at.topic, at.partition), each.producer_id)
        for each in described.values()
        for at in each.topic_partitions
    }
