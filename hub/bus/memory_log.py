"""A log in memory that behaves as Kafka does where it matters: transactions, fencing, groups, what can be read when.

One thread, no clock but its own, and every chance drawn from one seeded source: a run can be repeated. Clients are in
memory.py. A transaction whose owner does not come back is ended when somebody waits for it, as a broker's timeout would.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from hub.bus.bus import BusError, Indefinite, Outgoing, Record, SlotTaken, TopicPartition

MS_PER_APPEND = 1
START_MS = 1_700_000_000_000


class Faults(NamedTuple):
    """How likely each is, at each chance it has. Of a commit in doubt, all four outcomes occur."""

    crash: float = 0.0  # the process ends at a named point (Crashed)
    failed_read: float = 0.0  # a poll raises
    lost_request: float = 0.0  # a step of a commit never reaches the broker
    lost_answer: float = 0.0  # the commit took effect, its client is not told
    late_commit: float = 0.0  # a commit arrives later: its client gave up, or sent it again and is at work already
    rebalance: float = 0.0  # lanes move
    unbumped: bool = False  # leave KAFKA.md's rule 2 out, to show what it is for


NO_FAULTS = Faults()


class Crashed(BaseException):
    """The simulated process ended at a named point. Throw its bus away; a new one may take its slot."""


class Unread(Exception):
    """A partition cannot be read on from `offset`."""

    def __init__(self, at: TopicPartition, offset: int) -> None:
        super().__init__(f"{at.topic}-{at.partition} at offset {offset}: damaged")
        self.at = at
        self.offset = offset


class Outcome(Enum):
    OPEN = "open"
    COMMITTED = "committed"
    ABORTED = "aborted"


@dataclass(eq=False)
class Transaction:
    """Of the producer `name` in one of its epochs."""

    name: str
    epoch: int
    outcome: Outcome = Outcome.OPEN
    touched: dict[TopicPartition, int] = field(default_factory=dict)  # from which offset on
    offsets: dict[tuple[str, TopicPartition], int] = field(default_factory=dict)


class _Entry(NamedTuple):
    record: Record | None  # None: the marker that ends a transaction, or damage
    transaction: Transaction | None = None
    damaged: bool = False


@dataclass
class _Partition:
    first: int = 0  # what retention left
    entries: list[_Entry] = field(default_factory=list)

    @property
    def end(self) -> int:
        return len(self.entries)


@dataclass
class Group:
    """Static members by slot, and who has which partitions."""

    generation: int = 0
    incarnations: dict[str, int] = field(default_factory=dict)
    topics: frozenset[str] = frozenset()


class MemoryLog:
    """Topics, producers and groups of one simulated cluster."""

    def __init__(self, seed: int = 0, faults: Faults = NO_FAULTS, record_bytes: int = 4 * 1024 * 1024) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a simulation, to be repeated
        self.faults = faults
        self.record_bytes = record_bytes
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._epochs: dict[str, int] = {}
        self._open: dict[str, Transaction] = {}
        self._late: list[tuple[int, str, int]] = []
        self._committed: dict[tuple[str, TopicPartition], int] = {}
        self._groups: dict[str, Group] = {}
        self._now_ms = START_MS

    # topics

    def create(self, topic: str, partitions: int) -> None:
        for partition in range(partitions):
            self._partitions[TopicPartition(topic, partition)] = _Partition()

    def partitions(self, topic: str) -> list[TopicPartition]:
        return sorted(at for at in self._partitions if at.topic == topic)

    def topics(self, wanted: Sequence[str] | str) -> frozenset[str]:
        """Those that exist of a list, or that match a pattern."""
        known = {at.topic for at in self._partitions}
        if isinstance(wanted, str):
            return frozenset(topic for topic in known if re.match(wanted, topic))
        return frozenset(known & set(wanted))

    def passes(self, ms: int) -> None:
        """So much time passes without anything being written."""
        self._now_ms += ms

    def append(self, record: Outgoing, transaction: Transaction | None = None) -> None:
        """Writes one record, within a transaction or without."""
        self._arrive_late()
        at = TopicPartition(record.topic, record.partition)
        if at not in self._partitions:
            raise BusError(f"{at.topic} has no partition {at.partition}")
        partition = self._partitions[at]
        self._now_ms += MS_PER_APPEND
        kept = Record(partition.end, self._now_ms, record.key, record.value, record.headers)
        partition.entries.append(_Entry(kept, transaction))
        if transaction is not None:
            transaction.touched.setdefault(at, kept.offset)

    def damage(self, at: TopicPartition) -> None:
        """Appends what nobody can read."""
        self._partitions[at].entries.append(_Entry(None, damaged=True))

    def trim(self, at: TopicPartition, first: int) -> None:
        """Drops what lies before `first`, as retention does."""
        self._partitions[at].first = first

    def span(self, at: TopicPartition) -> tuple[int, int]:
        """From the first offset that is kept to the end of what is committed."""
        return self._partitions[at].first, self._stable(at)

    def fetch(self, at: TopicPartition, offset: int, limit: int) -> list[Record]:
        """Committed records from `offset` on. Raises Unread if damage is the first thing there."""
        self._arrive_late()
        partition = self._partitions[at]
        found: list[Record] = []
        for place in range(offset, self._stable(at)):
            record, transaction, damaged = partition.entries[place]
            if damaged:
                if not found:
                    raise Unread(at, place)
                break
            if record is not None and (transaction is None or transaction.outcome is Outcome.COMMITTED):
                found.append(record)
                if len(found) == limit:
                    break
        return found

    def table(self, partitions: Iterable[TopicPartition]) -> list[tuple[TopicPartition, Record]]:
        """All committed records up to now: whoever holds one of the partitions open is timed out first."""
        wanted = list(partitions)
        self._time_out(lambda transaction: any(at in transaction.touched for at in wanted))
        return [(at, record) for at in wanted for record in self.fetch(at, self._partitions[at].first, 1 << 62)]

    def _stable(self, at: TopicPartition) -> int:
        """Up to where a read-committed client may read: no further than where an open transaction began."""
        began = [transaction.touched[at] for transaction in self._open.values() if at in transaction.touched]
        return min(began, default=self._partitions[at].end)

    # producers

    def start_producer(self, name: str) -> int:
        """Its epoch: whatever an earlier one has open is aborted, and refused from now on."""
        if (left := self._open.get(name)) is not None:
            self._finish(left, Outcome.ABORTED)
        self._epochs[name] = self._epochs.get(name, -1) + 1
        return self._epochs[name]

    def is_current(self, name: str, epoch: int) -> bool:
        return self._epochs.get(name) == epoch

    def begin(self, name: str, epoch: int) -> Transaction:
        self._check_epoch(name, epoch)
        transaction = self._open[name] = Transaction(name, epoch)
        return transaction

    def add_offsets(
        self, transaction: Transaction, group: str, generation: int, offsets: Mapping[TopicPartition, int]
    ) -> None:
        """Refused from a member of an earlier generation."""
        self._check_open(transaction)
        if self.group(group).generation != generation:
            raise Indefinite("the group has moved on: lanes were given away")
        transaction.offsets.update({(group, at): offset for at, offset in offsets.items()})

    def commit(self, transaction: Transaction) -> None:
        self._check_open(transaction)
        self._finish(transaction, Outcome.COMMITTED)

    def commit_later(self, transaction: Transaction) -> None:
        """The request is under way still; it may arrive at any later time, and is judged then."""
        self._late.append((self.random.randrange(1, 6), transaction.name, transaction.epoch))

    def committed(self, group: str, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The group's offsets, after every transaction that may still change one was ended."""
        wanted = set(partitions)
        self._time_out(lambda transaction: any(at in wanted for _, at in transaction.offsets))
        return {at: self._committed[group, at] for at in wanted if (group, at) in self._committed}

    def _check_epoch(self, name: str, epoch: int) -> None:
        if not self.is_current(name, epoch):
            raise Indefinite(f"{name}: fenced by a newer producer")

    def _check_open(self, transaction: Transaction) -> None:
        self._check_epoch(transaction.name, transaction.epoch)
        if transaction.outcome is not Outcome.OPEN:
            raise Indefinite(f"{transaction.name}: the transaction was aborted")

    def _finish(self, transaction: Transaction, outcome: Outcome) -> None:
        transaction.outcome = outcome
        for at in sorted(transaction.touched):
            self._partitions[at].entries.append(_Entry(None, transaction))
        if outcome is Outcome.COMMITTED:
            self._committed.update(transaction.offsets)
        self._open.pop(transaction.name, None)

    def _time_out(self, concerns: Callable[[Transaction], bool]) -> None:
        for transaction in list(self._open.values()):
            if concerns(transaction):
                self._finish(transaction, Outcome.ABORTED)
                self._epochs[transaction.name] += 1

    def _arrive_late(self) -> None:
        """Commits that were under way reach the broker, which knows no transaction but the name's open one."""
        waiting, self._late = self._late, []
        for steps, name, epoch in waiting:
            if steps > 1:
                self._late.append((steps - 1, name, epoch))
            elif (transaction := self._open.get(name)) is not None and self.is_current(name, epoch):
                self._finish(transaction, Outcome.COMMITTED)

    # groups

    def group(self, name: str) -> Group:
        return self._groups.setdefault(name, Group())

    def join(self, name: str, slot: str) -> int:
        """A new incarnation of the slot: an old one is fenced, and its partitions are this one's at once."""
        group = self.group(name)
        if slot not in group.incarnations:
            group.generation += 1
        group.incarnations[slot] = incarnation = self.random.getrandbits(63)
        return incarnation

    def leave(self, name: str, slot: str) -> None:
        """The slot's session ended."""
        group = self.group(name)
        if group.incarnations.pop(slot, None) is not None:
            group.generation += 1

    def move(self, name: str) -> None:
        """A rebalance without a cause that the members see."""
        self.group(name).generation += 1

    def check_member(self, name: str, slot: str, incarnation: int) -> None:
        """Raises SlotTaken."""
        if self.group(name).incarnations.get(slot, incarnation) != incarnation:
            raise SlotTaken("another process has this slot")

    def assignment(
        self, name: str, slot: str, incarnation: int, topics: frozenset[str]
    ) -> tuple[int, set[TopicPartition]]:
        """The generation, and what it gives the slot: of each topic a range, in the order of slots."""
        group = self.group(name)
        if slot not in group.incarnations:  # its session had ended: it comes back
            group.incarnations[slot] = incarnation
            group.generation += 1
        if topics != group.topics:
            group.topics = topics
            group.generation += 1
        slots = sorted(group.incarnations)
        place = slots.index(slot)
        given: set[TopicPartition] = set()
        for topic in topics:
            partitions = self.partitions(topic)
            each, more = divmod(len(partitions), len(slots))
            start = each * place + min(place, more)
            given.update(partitions[start : start + each + (place < more)])
        return group.generation, given

    def chance(self, probability: float) -> bool:
        return probability > 0 and self.random.random() < probability
