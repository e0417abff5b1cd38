"""The simulated bus: the same contract over a log in memory, for thousands of runs in seconds.

It passes the suite that Kafka's adapter passes, names the same crash points, and meets, by seeded chance, what the adapter
meets: a process that ends between any two steps, commits whose outcome nobody knows, lanes that move, polls that fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from hub.bus.bus import Batch, BusError, Indefinite, Outgoing, Record, Restore, SlotTaken, TooLarge, TopicPartition
from hub.bus.lanes import Offsets, Table, nothing_to_restore, restore_whole
from hub.bus.memory_log import Crashed, MemoryLog, Transaction, Unread
from hub.bus.records import record_bytes
from hub.bus.stops import Alarm, Stops, nobody
from hub.bus.transactions import Mark, unmarked


class _Token(NamedTuple):
    generation: int
    starts: Mapping[TopicPartition, int]


class _Producer:
    """A transactional producer of the simulated cluster; what transactions.py is to Kafka."""

    def __init__(self, log: MemoryLog, name: str, mark: Mark) -> None:
        self._log = log
        self._name = name
        self._mark = mark
        self.epoch: int | None = None

    def open(self) -> None:
        if self.epoch is None:
            self.epoch = self._log.start_producer(self._name)

    def end(self) -> None:
        self.epoch = None

    @property
    def fenced(self) -> bool:
        return self.epoch is not None and not self._log.is_current(self._name, self.epoch)

    def commit(self, records: Sequence[Outgoing], offsets: Offsets, group: str, generation: int) -> None:
        """The steps and points of Transactions.commit()."""
        self._check(records)
        self.open()
        assert self.epoch is not None
        transaction = self._log.begin(self._name, self.epoch)
        for record in records:
            self._log.append(record, transaction)
        self._point("commit:staged")
        self._point("commit:flushed")
        if offsets:
            self._log.add_offsets(transaction, group, generation, offsets)
        self._point("commit:offsets")
        self._end(transaction)
        self._point("commit:committed")
        if not self._log.faults.unbumped:
            self.epoch = self._log.start_producer(self._name)
        self._point("commit:bumped")

    def _check(self, records: Sequence[Outgoing]) -> None:
        for index, (topic, partition, key, value, headers) in enumerate(records):
            if TopicPartition(topic, partition) not in self._log.partitions(topic):
                raise BusError(f"{topic} has no partition {partition}")
            if record_bytes(key, value, headers) > self._log.record_bytes:
                raise TooLarge(f"{topic}-{partition}: a record is over {self._log.record_bytes} bytes", index)

    def _end(self, transaction: Transaction) -> None:
        faults, chance = self._log.faults, self._log.chance
        if chance(faults.late_commit):
            self._log.commit_later(transaction)
            if chance(0.5):
                raise Indefinite("no answer to the commit in time")
        self._log.commit(transaction)
        if chance(faults.lost_answer):
            raise Indefinite("the answer to the commit was lost")

    def _point(self, point: str) -> None:
        self._mark(point)
        if self._log.chance(self._log.faults.crash):
            raise Crashed(point)
        if point in ("commit:staged", "commit:flushed", "commit:offsets") and self._log.chance(
            self._log.faults.lost_request
        ):
            raise Indefinite(f"a request was lost after {point}")


class MemoryBus:
    """A `Bus` over a MemoryLog. Its arguments are KafkaBus's; sizes and faults are the log's."""

    def __init__(
        self,
        log: MemoryLog,
        *,
        group: str,
        slot: str,
        topics: Sequence[str] | str,
        restore: Restore | None = None,
        state_topic: str | None = None,
        on_alarm: Alarm = nobody,
        mark: Mark = unmarked,
    ) -> None:
        self._log = log
        self._group = group
        self._slot = slot
        self._topics = topics
        self._restore = restore or nothing_to_restore
        self._state_topic = state_topic
        self._producer = _Producer(log, f"{group}-{slot}", mark)
        self._stops = Stops(on_alarm)
        self._incarnation: int | None = None
        self._settled: tuple[int, set[TopicPartition]] | None = None
        self._next: dict[TopicPartition, int] = {}
        self._held: frozenset[str] = frozenset()
        self._batch: Batch | None = None
        self._doubtful = False
        self._closed = False

    @property
    def stopped(self) -> Mapping[TopicPartition, str]:
        return self._stops.stopped

    def beat(self) -> None:
        """Nobody watches."""

    def hold(self, topics: AbstractSet[str]) -> None:
        """See Bus."""
        self._held = frozenset(topics)

    def read(self, limit: int, wait_ms: int) -> Batch:
        """See Bus. Never waits."""
        if self._closed:
            raise BusError("the bus is closed")
        self._give_up()
        if self._incarnation is None:
            self._incarnation = self._log.join(self._group, self._slot)
        self._log.check_member(self._group, self._slot, self._incarnation)
        if self._log.chance(self._log.faults.rebalance):
            self._log.move(self._group)
        topics = self._log.topics(self._topics)
        assignment = self._log.assignment(self._group, self._slot, self._incarnation, topics)
        self._producer.open()
        if assignment != self._settled:
            self._restore_assignment(assignment, topics)
            return Batch({})
        return self._fetched(limit, assignment[0])

    def commit(self, batch: Batch, records: Sequence[Outgoing]) -> None:
        """See Bus."""
        if not batch.records:
            if records:
                raise BusError("records need a batch: without its offsets nothing would fence them")
            return
        token = batch.token
        if batch is not self._batch or self._doubtful or not isinstance(token, _Token):
            raise Indefinite("this batch was given up: read again")
        assert self._incarnation is not None
        offsets = {at: found[-1].offset + 1 for at, found in batch.records.items()}
        self._doubtful = True
        try:
            self._log.check_member(self._group, self._slot, self._incarnation)
            self._producer.commit(records, offsets, self._group, token.generation)
        except TooLarge:
            self._doubtful = False
            raise
        except BusError:
            raise
        except Exception as error:
            raise Indefinite(type(error).__name__) from error
        self._doubtful = False
        self._batch = None

    def close(self) -> None:
        """See Bus."""
        self._closed = True
        self._batch = None
        self._producer.end()

    def _fetched(self, limit: int, generation: int) -> Batch:
        found: dict[TopicPartition, list[Record]] = {}
        order = sorted(at for at in self._next if at.topic not in self._held)
        self._log.random.shuffle(order)
        for at in order:
            if limit <= 0:
                break
            try:
                records = self._log.fetch(at, self._next[at], limit)
            except Unread as error:
                if found:
                    break
                self._stops.failed(error.at, error.offset, str(error))
                raise self._poll_failed(str(error)) from error
            if records:
                found[at] = records
                limit -= len(records)
        if self._log.chance(self._log.faults.failed_read):
            raise self._poll_failed("a poll failed")
        if not found:
            return Batch({})
        starts = {at: self._next[at] for at in found}
        self._next |= {at: records[-1].offset + 1 for at, records in found.items()}
        self._batch = Batch(found, _Token(generation, starts))
        return self._batch

    def _poll_failed(self, reason: str) -> Indefinite:
        """The consumer is made anew: of the same slot, another incarnation."""
        self._incarnation = None
        self._settled = None
        self._producer.end()
        return Indefinite(reason)

    def _give_up(self) -> None:
        batch, self._batch = self._batch, None
        if self._doubtful:
            self._doubtful = False
            self._producer.end()
            self._settled = None
        elif batch is not None and isinstance(batch.token, _Token):
            self._next |= batch.token.starts

    def _restore_assignment(self, assignment: tuple[int, set[TopicPartition]], topics: frozenset[str]) -> None:
        self._next = {}
        wanted = self._stops.readable(assignment[1], topics)
        offsets = restore_whole(wanted, self._next_offsets, self._table, self._restore, self._stops.stop)
        self._next = dict(offsets)
        self._settled = assignment

    def _next_offsets(self, partitions: AbstractSet[TopicPartition]) -> Offsets:
        committed = self._log.committed(self._group, partitions)
        offsets: dict[TopicPartition, int] = {}
        for at in sorted(partitions):
            first, end = self._log.span(at)
            offset = committed.get(at, 0)
            if first <= offset <= end:
                offsets[at] = offset
            else:
                self._stops.stop(at, f"next offset {committed.get(at)}, but the log has {first} to {end}")
        return offsets

    def _table(self, found: Sequence[int]) -> Table:
        if self._state_topic is not None:
            yield from self._log.table(TopicPartition(self._state_topic, lane) for lane in found)


class MemoryPublisher:
    """A `Publisher` over a MemoryLog."""

    def __init__(self, log: MemoryLog, *, name: str, mark: Mark = unmarked) -> None:
        self._log = log
        self._name = name
        self._producer = _Producer(log, name, mark)
        self._closed = False

    def table(self, topic: str) -> Iterator[tuple[TopicPartition, Record]]:
        """See Publisher."""
        self._check_open()
        self._producer.open()
        partitions = self._log.partitions(topic)
        if not partitions:
            raise Indefinite(f"no topic {topic} was found in time")
        yield from self._log.table(partitions)

    def publish(self, records: Sequence[Outgoing]) -> None:
        """See Publisher."""
        self._check_open()
        if self._producer.fenced:
            raise SlotTaken(f"another process publishes as {self._name}")
        if not records:
            return
        try:
            self._producer.commit(records, {}, "", 0)
        except TooLarge:
            raise
        except BusError:
            self._producer.end()
            raise
        except Exception as error:
            self._producer.end()
            raise Indefinite(type(error).__name__) from error

    def close(self) -> None:
        """Idempotent."""
        self._closed = True
        self._producer.end()

    def _check_open(self) -> None:
        if self._closed:
            raise BusError("the publisher is closed")
