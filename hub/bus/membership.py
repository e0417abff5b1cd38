"""The consuming side: a static member of the group, what it is assigned, and where its partitions stand.

The slot is the member's name: a restart takes over its partitions at once. The rebalance listener only pauses and notes,
as it runs on the I/O thread, where anything that waits raises; the bus restores, then resumes (KAFKA.md, rules 3, 4, 8,
10, 15).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from kafka import ConsumerRebalanceListener
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import FencedInstanceIdError

from hub.bus import library
from hub.bus.bus import Indefinite, Record, SlotTaken, TopicPartition
from hub.bus.fetch import Journal, walk
from hub.bus.library import Snapshot
from hub.bus.limits import FETCH_BYTES, Limits
from hub.bus.settings import Connection

_METADATA_AGE_MS = 10_000  # a new topic is noticed within this
_RECEIVE_BYTES = 1024 * 1024
_JOIN_MS = 300  # a pattern cannot be joined in less than one backoff of the library, 100 ms
_CLOSE_MS = 2_000


class Polled(NamedTuple):
    """Records, and the membership they were read under: taken later it may belong to another assignment, or to none."""

    records: Mapping[TopicPartition, Sequence[Record]]
    member: Snapshot


class Span(NamedTuple):
    """The offsets that a partition has: from the first that is kept to the end of what is committed."""

    first: int
    end: int


class _Listener(ConsumerRebalanceListener):
    """One for each consumer, as a dying one may still call it."""

    def __init__(self, consumer: library.Consumer) -> None:
        self._consumer = consumer
        self.changed = False
        self.rebalancing = False

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._consumer.pause(*assigned)
        self.changed = True
        self.rebalancing = False

    def on_partitions_revoked(self, _revoked: Iterable[TopicPartition]) -> None:
        self.rebalancing = True
        library.join_again(self._consumer)

    def on_partitions_lost(self, _lost: Iterable[TopicPartition]) -> None:
        self.rebalancing = True
        library.join_again(self._consumer)


class Membership:
    """A member of `group` in `slot`, reading `topics`: their names, or a pattern anchored at both ends."""

    def __init__(
        self,
        connection: Connection,
        limits: Limits,
        *,
        group: str,
        slot: str,
        topics: Sequence[str] | str,
        ordinary: bool = False,
    ) -> None:
        self._limits = limits
        self._journal = Journal()
        self._consumer = library.open_consumer(
            connection,
            limits,
            group_id=group,
            group_instance_id=slot,
            partition_assignment_strategy=[RangePartitionAssignor],
            session_timeout_ms=limits.session_ms,
            heartbeat_interval_ms=limits.heartbeat_ms,
            max_poll_interval_ms=limits.max_poll_ms,
            max_partition_fetch_bytes=FETCH_BYTES,
            receive_buffer_bytes=_RECEIVE_BYTES,
            metadata_max_age_ms=_METADATA_AGE_MS,
        )
        library.walk_with(self._consumer, walk(ordinary, self._journal))
        self._placed_s = time.monotonic()
        self._read: set[TopicPartition] = set()
        self._listener = _Listener(self._consumer)
        self._consumer.subscribe(**_subscription(topics), listener=self._listener)

    def poll(self, limit: int, wait_ms: int) -> Polled:
        """Raises SlotTaken, and Indefinite if the group does not let us in.

        After any exception this member must be closed, never polled again.
        """
        if not library.has_place(self._consumer):
            wait_ms = max(wait_ms, _JOIN_MS)
        try:
            found = self._consumer.poll(wait_ms, limit)
        except FencedInstanceIdError as error:
            raise SlotTaken("another process has this slot") from error
        member = self._consumer.group_metadata()
        if library.slot_was_taken(self._consumer):
            raise SlotTaken("another process has this slot")
        self._check_place()
        return Polled({TopicPartition(*at): records for at, records in found.items()}, member)

    def _check_place(self) -> None:
        """A rebalance ends when its slowest member has been given up. One that takes longer is a client gone astray."""
        now_s = time.monotonic()
        if library.has_place(self._consumer):
            self._placed_s = now_s
        elif now_s - self._placed_s > (self._limits.max_poll_ms + self._limits.session_ms) / 1000:
            raise Indefinite("no place in the group for too long")

    @property
    def changed(self) -> bool:
        """Whether the assignment stands, and is another one than when settle() was called. All of it is paused then."""
        return self._listener.changed and not self._listener.rebalancing

    def settle(self) -> None:
        """The assignment as it is now is going to be restored. All of it is paused still."""
        self._listener.changed = False
        self._read = set()

    def ask_anew(self) -> None:
        """Joins again in the next poll(). If this member is the one that assigns, everybody is assigned anew."""
        library.join_again(self._consumer)

    def restart(self) -> None:
        """Pauses everything, as if it were newly assigned."""
        self._consumer.pause(*self._consumer.assignment())
        self._listener.changed = True

    def assigned(self) -> set[TopicPartition]:
        return {TopicPartition(*at) for at in self._consumer.assignment()}

    def topics(self) -> set[str]:
        """The topics subscribed to; by pattern, those found so far."""
        return set(self._consumer.subscription() or ())

    def committed(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The group's committed offsets. Waits for transactions that may still commit one. Raises KafkaError."""
        return library.committed_offsets(self._consumer, partitions, self._limits.wait_ms)

    def spans(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Span]:
        """Raises KafkaError."""
        wanted = [library.partition(at) for at in partitions]
        first = library.first_offsets(self._consumer, wanted, self._limits.wait_ms)
        end = library.last_offsets(self._consumer, wanted, self._limits.wait_ms)
        return {TopicPartition(*at): Span(first[at], end[at]) for at in wanted}

    def seek(self, at: TopicPartition, offset: int) -> None:
        """Has `at` read on from `offset`."""
        self._journal.start(at, offset)
        self._consumer.seek(library.partition(at), offset)

    def read_only(self, partitions: AbstractSet[TopicPartition]) -> None:
        """Of what is assigned, reads these and no others."""
        if partitions == self._read:
            return
        assigned = self.assigned()
        self._consumer.pause(*[library.partition(at) for at in assigned - partitions])
        self._consumer.resume(*[library.partition(at) for at in assigned & partitions])
        self._read = set(partitions)

    def close(self) -> None:
        """Within a bound. The member stays in its group until its session ends, or its slot is taken again."""
        library.end_consumer(self._consumer, _CLOSE_MS)


def _subscription(topics: Sequence[str] | str) -> dict[str, Any]:
    if not isinstance(topics, str):
        return {"topics": list(topics)}
    if not (topics.startswith("^") and topics.endswith("$")):
        raise ValueError(f"{topics!r} is anchored at its start only by the library: write ^...$")
    re.compile(topics)
    return {"pattern": topics}
