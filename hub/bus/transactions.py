"""The transactional producer: one transaction at a time, in the one order that is safe, every wait with a limit.

KAFKA.md's rules 1, 2 and 6 in one place. What the library would do by itself and must not: commit after a batch that
reached its delivery timeout, wait for ever, send a commit again into the next transaction.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from kafka.errors import FencedInstanceIdError

from hub.bus import library
from hub.bus.batches import ReadyBatches, Sizes
from hub.bus.bus import Beat, BusError, Indefinite, Outgoing, SlotTaken, TopicPartition
from hub.bus.library import Answer, Snapshot
from hub.bus.limits import REQUEST_BYTES, Limits
from hub.bus.records import Compression
from hub.bus.sends import OrdinarySends
from hub.bus.settings import Connection

Mark = Callable[[str], None]
Offsets = Mapping[TopicPartition, int]

MARKS = ("commit:staged", "commit:flushed", "commit:offsets", "commit:committed", "commit:bumped")

_BACKOFF_MS = 10  # at the default of 100 each transaction waits that long for the markers of the one before
_LOOK_S = 0.0003  # while the epoch is bumped, which takes about a millisecond


def unmarked(_point: str) -> None:
    """No crash point is of interest."""


class Result(Protocol):
    def wait(self, deadline: float) -> None: ...


Staged = TypeVar("Staged")


class Way(Protocol[Staged]):
    """A way out: whole batches (batches.py) or single sends (sends.py)."""

    def settings(self) -> dict[str, Any]: ...
    def stage(self, records: Sequence[Outgoing]) -> Staged: ...
    def targets(self, staged: Staged) -> set[TopicPartition]: ...
    def send(self, producer: library.Producer, staged: Staged) -> Sequence[Result]: ...


def way_out(ordinary: bool, sizes: Sizes, compression: Compression) -> Way[Any]:
    """The fast way, or the ordinary one."""
    return OrdinarySends(sizes, compression) if ordinary else ReadyBatches(sizes, compression)


class Transactions:
    """A producer under a stable name. Opening it aborts what a predecessor of that name left open, and fences it."""

    def __init__(
        self,
        connection: Connection,
        name: str,
        limits: Limits,
        way: Way[Any],
        *,
        beat: Beat,
        mark: Mark = unmarked,
        alone: bool = False,
    ) -> None:
        """`alone`: no group tells whether the name is still ours, so being fenced does (SlotTaken)."""
        self._connection = connection
        self._name = name
        self._limits = limits
        self._way = way
        self._beat = beat
        self._mark = mark
        self._alone = alone
        self._producer: library.Producer | None = None
        self._begun_s: float | None = None

    @property
    def is_open(self) -> bool:
        return self._producer is not None

    def open(self) -> None:
        """Raises what kafka-python raises; then nothing is open."""
        producer = library.open_producer(
            self._connection,
            self._limits,
            transactional_id=self._name,
            transaction_timeout_ms=self._limits.transaction_ms,
            retry_backoff_ms=_BACKOFF_MS,
            max_request_size=REQUEST_BYTES,
            **self._way.settings(),
        )
        self._beat()
        try:
            producer.init_transactions()
        except BaseException:
            library.end_producer(producer)
            raise
        self._producer = producer
        self._beat()

    def end(self) -> None:
        """Ends the producer; a transaction that is open stays so until open() or its timeout aborts it."""
        self._begun_s = None
        producer, self._producer = self._producer, None
        if producer is not None:
            library.end_producer(producer)

    def close(self) -> None:
        """Ends the producer in order: the epoch of its last transaction is fenced before."""
        with contextlib.suppress(Exception):
            self._await_epoch(self._limits.request_ms)
        self.end()

    def commit(self, records: Sequence[Outgoing], offsets: Offsets, member: Snapshot | None) -> None:
        """Writes `records`, and `offsets` for the group of `member`, in one transaction.

        1. pack the records; TooLarge and unknown partitions are found here, before anything is written
        2. wait for the new epoch, begin, hand the batches to the sender    -> commit:staged
        3. wait for each batch's own result; the transaction must still stand -> commit:flushed
        4. add the offsets                                                  -> commit:offsets
        5. commit                                                           -> commit:committed
        6. ask for a new epoch, so that no straggler enters the next one    -> commit:bumped

        Raises TooLarge and BusError (nothing was written), SlotTaken, and anything else once the outcome may be unknown.
        """
        try:
            self._commit(records, offsets, member)
        except Exception as error:
            self._raise_if_fenced(error)
            raise

    def _commit(self, records: Sequence[Outgoing], offsets: Offsets, member: Snapshot | None) -> None:
        staged = self._way.stage(records)
        producer = self._ready_producer()
        self._check_partitions(producer, self._way.targets(staged))
        self._begun_s = time.monotonic()
        producer.begin_transaction()
        results = self._way.send(producer, staged)
        self._mark("commit:staged")

        self._flush(producer, results)
        self._mark("commit:flushed")

        if offsets and member is not None:
            self._await(library.send_offsets(producer, offsets, member))
        self._mark("commit:offsets")

        self._await(library.begin_commit(producer))
        self._begun_s = None
        self._mark("commit:committed")

        with contextlib.suppress(Exception):  # committed: nothing may undo that; _ready_producer() sees what went wrong
            library.bump_epoch(producer)
        self._mark("commit:bumped")

    def _raise_if_fenced(self, cause: Exception | None = None) -> None:
        """SlotTaken if a newer producer of this name is at work: fenced, and not because a transaction took too long."""
        producer, begun_s = self._producer, self._begun_s
        if not self._alone or producer is None or not library.is_fenced(producer):
            return
        if begun_s is None or (time.monotonic() - begun_s) * 1000 < self._limits.transaction_ms:
            raise SlotTaken(f"another process publishes as {self._name}") from cause

    def _ready_producer(self) -> library.Producer:
        """Waits for the new epoch; in its place, a producer made anew. Nothing is staged in either yet."""
        self._await_epoch(self._limits.wait_ms)
        self._raise_if_fenced()
        if self._producer is None or not library.is_ready(self._producer):
            self.end()
            self.open()
        self._beat()
        assert self._producer is not None
        return self._producer

    def _await_epoch(self, within_ms: int) -> None:
        deadline = time.monotonic() + within_ms / 1000
        while self._producer is not None and library.is_bumping(self._producer) and time.monotonic() < deadline:
            time.sleep(_LOOK_S)

    def _check_partitions(self, producer: library.Producer, targets: set[TopicPartition]) -> None:
        written: dict[str, set[int]] = {}
        for topic, partition in targets:
            written.setdefault(topic, set()).add(partition)
        library.learn(producer, written)
        for topic, partitions in written.items():
            for partition in partitions - producer.partitions_for(topic):
                raise BusError(f"{topic} has no partition {partition}: create its topics alike (enlace topics)")
        self._beat()

    def _flush(self, producer: library.Producer, results: Sequence[Result]) -> None:
        deadline = time.monotonic() + self._limits.wait_ms / 1000
        for result in results:
            result.wait(deadline)
        if not library.is_in_transaction(producer):
            raise Indefinite("the transaction was given up by the broker")
        self._beat()

    def _await(self, answer: Answer) -> None:
        try:
            answered = answer.wait(timeout_ms=self._limits.wait_ms)
        except FencedInstanceIdError as error:  # the heartbeat keeps it to itself, so it may show only here
            raise SlotTaken("another process has this slot") from error
        if not answered:
            raise Indefinite("no answer to a transactional request in time")
        self._beat()
