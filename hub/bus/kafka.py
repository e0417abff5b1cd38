"""The bus on a real Kafka: what its pieces do together so that the contract of bus.py holds.

    reading      membership.py (the group), fetch.py (records), restore.py (state), lanes.py (what may be read at all)
    writing      transactions.py (begin to commit), batches.py or sends.py (records)
    both         library.py (kafka-python, typed), records.py (the wire form), limits.py, settings.py, watchdog.py

After any failure nothing is kept: the consumer is made anew if poll() raised, the producer in any case, then committed
offsets and state are read again. The order is fixed: poll (is the slot still ours?), the producer (which fences whatever
might still commit), the committed offsets, the state. KAFKA.md says why.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from hub.bus import lanes, library
from hub.bus.batches import Sizes
from hub.bus.bus import Batch, BusError, Indefinite, Outgoing, Record, Restore, TooLarge, TopicPartition
from hub.bus.fetch import Unreadable
from hub.bus.hanging import HangingTransactions
from hub.bus.library import Snapshot
from hub.bus.limits import (
    AGENCY_BATCH_BYTES,
    AGENCY_RECORD_BYTES,
    HUB_BATCH_BYTES,
    HUB_RECORD_BYTES,
    Limits,
)
from hub.bus.membership import Membership
from hub.bus.records import Compression
from hub.bus.restore import partitions_of, read_table
from hub.bus.settings import Connection
from hub.bus.stops import Alarm, Stops, nobody
from hub.bus.transactions import Mark, Transactions, unmarked, way_out
from hub.bus.watchdog import End, Watchdog

_LOOK_EVERY_S = 10.0  # between two looks for transactions that hang
_KEEP_EVERY_S = 1.0  # while state is restored the group must hear of us
_KEEP_MS = 20


class _Token(NamedTuple):
    """What commit() needs of the read that returned a batch."""

    member: Snapshot
    starts: Mapping[TopicPartition, int]


class _Moved(Exception):
    """The assignment changed while its state was being restored."""


class KafkaBus:
    """A `Bus`. Used by one thread; the watchdog ends the process if that shows no sign of life (beat())."""

    def __init__(
        self,
        connection: Connection,
        *,
        group: str,
        slot: str,
        topics: Sequence[str] | str,
        restore: Restore | None = None,
        state_topic: str | None = None,
        limits: Limits | None = None,
        compression: Compression = "lz4",
        batch_bytes: int = HUB_BATCH_BYTES,
        record_bytes: int = HUB_RECORD_BYTES,
        ordinary: bool = False,
        on_alarm: Alarm = nobody,
        mark: Mark = unmarked,
        end: End = os._exit,
    ) -> None:
        """Nothing is opened before the first read().

        `topics`: names, or a pattern anchored at both ends. `restore` gets the table of `state_topic`. `ordinary`: by
        the library's own records and sends, for comparison. `on_alarm` gets one line for each thing an operator must
        look at. `mark` is called at the named points of a commit (transactions.MARKS); `end` by the watchdog.
        """
        self._connection = connection
        self._group = group
        self._slot = slot
        self._topics = topics
        self._restore = restore
        self._state_topic = state_topic
        self._limits = limits or Limits()
        self._ordinary = ordinary
        self._on_alarm = on_alarm
        self._end = end
        self._watchdog: Watchdog | None = None
        self._transactions = Transactions(
            connection,
            f"{group}-{slot}",
            self._limits,
            way_out(ordinary, Sizes(batch_bytes, record_bytes), compression),
            beat=self.beat,
            mark=mark,
        )
        self._hanging = HangingTransactions(connection, self._limits)
        self._membership: Membership | None = None
        self._next: dict[TopicPartition, int] = {}
        self._held: frozenset[str] = frozenset()
        self._stops = Stops(on_alarm)
        self._kept_s = 0.0
        self._look_s = time.monotonic() + _LOOK_EVERY_S
        self._batch: Batch | None = None
        self._doubtful = False  # whether part of the batch may have reached a broker
        self._closed = False

    @property
    def stopped(self) -> Mapping[TopicPartition, str]:
        return self._stops.stopped

    def beat(self) -> None:
        """A sign of life, for whoever works long between two reads."""
        if self._watchdog is not None:
            self._watchdog.beat()

    def hold(self, topics: AbstractSet[str]) -> None:
        """See Bus."""
        self._held = frozenset(topics)

    def read(self, limit: int, wait_ms: int) -> Batch:
        """See Bus. Restoring may take longer than `wait_ms`; it returns an empty batch then."""
        if self._closed:
            raise BusError("the bus is closed")
        if self._watchdog is None:
            self._watchdog = Watchdog(self._limits.watchdog_ms, self._end)
        self.beat()
        self._stops.remind()
        try:
            self._give_up()
            self._look_for_hanging()
            if self._membership is not None and self._stops.must_ask_anew():
                self._membership.ask_anew()
            return self._read(limit, wait_ms)
        except BusError:
            raise
        except _Moved:
            return Batch({})
        except Exception as error:  # whatever it is: no branching by class, the library's say too little
            raise Indefinite(library.reason(error)) from error

    def commit(self, batch: Batch, records: Sequence[Outgoing]) -> None:
        """See Bus, and Transactions.commit() for the steps."""
        if not batch.records:
            if records:
                raise BusError("records need a batch: without its offsets nothing would fence them")
            return
        token = batch.token
        if batch is not self._batch or self._doubtful or not isinstance(token, _Token):
            raise Indefinite("this batch was given up: read again")
        offsets = {at: found[-1].offset + 1 for at, found in batch.records.items()}
        self._doubtful = True
        try:
            self._transactions.commit(records, offsets, token.member)
        except TooLarge:
            self._doubtful = False
            raise
        except BusError:
            raise
        except Exception as error:
            raise Indefinite(library.reason(error)) from error
        self._doubtful = False
        self._batch = None

    def _look_for_hanging(self) -> None:
        """Every ten seconds: an alarm for each partition that a hanging transaction holds (KAFKA.md, rule 24)."""
        now_s = time.monotonic()
        if self._membership is None or now_s < self._look_s:
            return
        self._look_s = now_s + _LOOK_EVERY_S
        watched = self._membership.assigned()
        if self._state_topic is not None:
            watched |= {TopicPartition(self._state_topic, lane) for lane in lanes.lanes(watched)}
        try:
            held = self._hanging.look(sorted(watched)) if watched else []
        except Exception:  # what ails the cluster is told by reading; this is looked at again
            self._hanging.close()
            held = []
        self.beat()
        for at, stable, end, for_s in held:
            self._on_alarm(
                f"{at.topic}-{at.partition}: readable up to {stable} of {end} for {for_s:.0f} s: "
                "a transaction hangs (enlace doctor)"
            )

    def close(self) -> None:
        """See Bus."""
        self._closed = True
        self._batch = None
        if self._watchdog is not None:
            self._watchdog.stop()
        self._transactions.close()
        self._hanging.close()
        self._leave()

    def _read(self, limit: int, wait_ms: int) -> Batch:
        membership = self._joined()
        if not membership.changed:
            membership.read_only({at for at in self._next if at.topic not in self._held})
        try:
            records, member = membership.poll(limit, 0 if membership.changed else wait_ms)
        except Exception as error:
            self._poll_failed(error)
            raise
        if not self._transactions.is_open:
            self._transactions.open()
        if membership.changed:
            self._restore_assignment(membership)
            return Batch({})
        if not records:
            return Batch({})
        if not (member.generation_id > 0 and member.member_id):
            raise Indefinite("no member of the group")
        return self._checked(records, member)

    def _checked(self, records: Mapping[TopicPartition, Sequence[Record]], member: Snapshot) -> Batch:
        starts = {at: self._next[at] for at in records}
        for at, found in records.items():
            if found[0].offset < starts[at]:
                raise Indefinite(f"{at.topic}-{at.partition} went back from {starts[at]} to {found[0].offset}")
        self._next |= {at: found[-1].offset + 1 for at, found in records.items()}
        self._batch = Batch(records, _Token(member, starts))
        return self._batch

    def _joined(self) -> Membership:
        if self._membership is None:
            self._membership = Membership(
                self._connection,
                self._limits,
                group=self._group,
                slot=self._slot,
                topics=self._topics,
                ordinary=self._ordinary,
            )
            self.beat()
        return self._membership

    def _leave(self) -> None:
        self._next = {}
        membership, self._membership = self._membership, None
        if membership is not None:
            membership.close()

    def _give_up(self) -> None:
        """Forgets the batch that was read last and not committed, so that its records come again."""
        batch, self._batch = self._batch, None
        if self._doubtful:
            self._doubtful = False
            self._transactions.end()
            if self._membership is not None:
                self._membership.restart()
        elif batch is not None and self._membership is not None and isinstance(batch.token, _Token):
            for at, offset in batch.token.starts.items():  # nothing was sent: these offsets are the committed ones
                if at in self._membership.assigned():
                    self._membership.seek(at, offset)
                    self._next[at] = offset

    def _poll_failed(self, error: Exception) -> None:
        """A consumer that raised once may never return again."""
        self._leave()
        self._transactions.end()
        if isinstance(error, Unreadable):
            self._stops.failed(error.at, error.offset, str(error))

    def _restore_assignment(self, membership: Membership) -> None:
        membership.restart()
        wanted = self._stops.readable(membership.assigned(), membership.topics())
        membership.settle()
        try:
            offsets = lanes.restore_whole(
                wanted,
                lambda partitions: self._next_offsets(membership, partitions),
                lambda found: self._table(membership, found),
                self._restore or lanes.nothing_to_restore,
                self._stops.stop,
            )
        except BaseException:
            membership.restart()
            raise
        self._next = dict(offsets)
        for at, offset in offsets.items():
            membership.seek(at, offset)

    def _next_offsets(self, membership: Membership, partitions: AbstractSet[TopicPartition]) -> lanes.Offsets:
        """Where to read on. What does not lie in the log any more, or not yet, is stopped."""
        committed = membership.committed(partitions)  # first: this waits for transactions that may still change it
        self.beat()
        offsets: dict[TopicPartition, int] = {}
        for at, (first, end) in membership.spans(partitions).items():
            offset = committed.get(at, 0)
            if first <= offset <= end:
                offsets[at] = offset
            else:
                self._stops.stop(at, f"next offset {committed.get(at)}, but the log has {first} to {end}")
        self.beat()
        return offsets

    def _table(self, membership: Membership, found: Sequence[int]) -> lanes.Table:
        if self._state_topic is None:
            return iter(())
        partitions = [TopicPartition(self._state_topic, lane) for lane in found]
        return read_table(
            self._connection, partitions, self._limits, ordinary=self._ordinary, beat=lambda: self._keep(membership)
        )

    def _keep(self, membership: Membership) -> None:
        """While state is restored: alive for the watchdog, and for the group, which may give the lanes away meanwhile."""
        self.beat()
        if time.monotonic() - self._kept_s < _KEEP_EVERY_S:
            return
        self._kept_s = time.monotonic()
        try:
            membership.poll(1, _KEEP_MS)
        except Exception as error:
            self._poll_failed(error)
            raise
        if membership.changed:
            raise _Moved


class KafkaPublisher:
    """A `Publisher`. Its name is its slot: a newer publisher of that name ends this one (SlotTaken)."""

    def __init__(
        self,
        connection: Connection,
        *,
        name: str,
        limits: Limits | None = None,
        compression: Compression = "none",
        batch_bytes: int = AGENCY_BATCH_BYTES,
        record_bytes: int = AGENCY_RECORD_BYTES,
        ordinary: bool = False,
        mark: Mark = unmarked,
    ) -> None:
        """Nothing is opened before it is used. Sizes are those of an agency's topics, which are written uncompressed."""
        self._connection = connection
        self._limits = limits or Limits()
        self._ordinary = ordinary
        self._transactions = Transactions(
            connection,
            name,
            self._limits,
            way_out(ordinary, Sizes(batch_bytes, record_bytes), compression),
            beat=lambda: None,
            mark=mark,
            alone=True,
        )
        self._closed = False

    def table(self, topic: str) -> Iterator[tuple[TopicPartition, Record]]:
        """See Publisher. Raises Indefinite."""
        self._open()
        try:
            if not self._transactions.is_open:
                self._transactions.open()  # first: this ends what a predecessor left open
            partitions = partitions_of(self._connection, topic, self._limits)
            yield from read_table(self._connection, partitions, self._limits, ordinary=self._ordinary)
        except BusError:
            raise
        except Exception as error:
            raise Indefinite(library.reason(error)) from error

    def publish(self, records: Sequence[Outgoing]) -> None:
        """See Publisher."""
        self._open()
        if not records:
            return
        try:
            self._transactions.commit(records, {}, None)
        except TooLarge:
            raise
        except BusError:
            self._transactions.end()
            raise
        except BaseException as error:
            self._transactions.end()
            if not isinstance(error, Exception):
                raise
            raise Indefinite(library.reason(error)) from error

    def close(self) -> None:
        """Within a bound; idempotent."""
        self._closed = True
        self._transactions.close()

    def _open(self) -> None:
        if self._closed:
            raise BusError("the publisher is closed")
