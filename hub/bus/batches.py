"""The fast way out: whole batches in wire form, handed to kafka-python's sender. No future per record.

The library still gives a batch its producer id, epoch and sequence, sends it, retries it, and splits it if a broker finds
it too large. `ReadyRecords` and `BatchResult` stand in for the two parts of a batch that the library would have gathered
record by record; `stage` packs, and refuses what is too large before anything was sent.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from hub.bus import library
from hub.bus.bus import Indefinite, Outgoing, TooLarge, TopicPartition
from hub.bus.library import BatchFuture
from hub.bus.records import Body, Compression, Producer, pack_batch

MAX_BATCH_RECORDS = 16_384
_LOOK_S = 0.05  # between two looks at a batch that may have been split meanwhile


class Sizes(NamedTuple):
    """In bytes: what a batch is filled up to, and the largest record, its batch's header included."""

    batch_bytes: int
    record_bytes: int

    def check(self) -> Sizes:
        """Raises ValueError if a batch is filled up to more than what one record may have."""
        if self.batch_bytes > self.record_bytes:
            raise ValueError(f"batches of {self.batch_bytes} bytes are over the {self.record_bytes} of a record")
        return self


class ReadyRecords:
    """Stands in for kafka-python's MemoryRecordsBuilder: the part of it that accumulator and sender use."""

    producer_id = producer_epoch = base_sequence = -1

    def __init__(self, body: Body, timestamp_ms: int, compression: Compression) -> None:
        self._body = body
        self._timestamp_ms = timestamp_ms
        self._compression: Compression = compression
        self._transactional = False
        self._wire: bytearray | None = None

    def set_producer_state(self, producer_id: int, epoch: int, sequence: int, transactional: bool) -> None:
        self.producer_id, self.producer_epoch, self.base_sequence = producer_id, epoch, sequence
        self._transactional = transactional

    def close(self) -> None:
        """By the sender, once the producer's state is set. A retry closes again, and must send the same bytes."""
        if self._wire is None:
            producer = Producer(self.producer_id, self.producer_epoch, self.base_sequence, self._transactional)
            self._wire = pack_batch(self._body, producer, self._timestamp_ms, self._compression)
            self._body.clear()

    def append(self, *_record: object) -> None:
        """Nothing more fits, for whoever else would add to it."""

    def is_full(self) -> bool:
        return True  # hence sent at once, whatever linger_ms says

    def buffer(self) -> bytearray | None:
        return self._wire

    def size_in_bytes(self) -> int:
        return self._body.size_bytes if self._wire is None else len(self._wire)

    def next_offset(self) -> int:
        return self._body.count


class BatchResult:
    """Stands in for the list of a batch's record futures, and knows when all its records are written.

    When a broker finds a batch too large, kafka-python splits it, never completes the first batch's future, and calls
    rebind() once for each record with the future of its new batch. So this counts: all is written when the batches that
    are done hold all the records.
    """

    def __init__(self, future: BatchFuture, count: int) -> None:
        self._count = count
        self._lock = threading.Lock()  # rebind() is called by the sender's thread
        self._parts: Counter[BatchFuture] = Counter({future: count})

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, _index: int) -> BatchResult:
        return self

    def rebind(self, future: BatchFuture, _index: int) -> None:
        with self._lock:
            self._parts[future] += 1

    def wait(self, deadline: float) -> None:
        """Until all its records are written. Raises Indefinite if one was not, or not known to be by the deadline."""
        while True:
            with self._lock:
                parts = dict(self._parts)
            done = [future for future in parts if future.is_done]
            for future in done:
                _raise_failure(future)
            if sum(parts[future] for future in done) == self._count:
                return
            left = deadline - time.monotonic()
            if left <= 0:
                raise Indefinite("records were not acknowledged in time")
            next(future for future in parts if not future.is_done).wait(min(left, _LOOK_S))


def _raise_failure(future: BatchFuture) -> None:
    failure = future.value[2]  # a failed batch's future succeeds too: it failed if this is there
    if failure is not None:
        topic, partition = future.topic_partition
        raise Indefinite(f"{topic}-{partition}: not written: {type(failure(0)).__name__}")


class ReadyBatches:
    """The fast of the two ways out (the other: sends.py)."""

    def __init__(self, sizes: Sizes, compression: Compression) -> None:
        self._sizes = sizes.check()
        self._compression: Compression = compression

    def settings(self) -> dict[str, Any]:
        """For the producer. `batch_size` is what a batch that is split after all is made of."""
        return {"linger_ms": 0, "batch_size": self._sizes.batch_bytes}

    def stage(self, records: Sequence[Outgoing]) -> list[tuple[TopicPartition, Body]]:
        """Packs the records by partition, in order. Raises TooLarge; nothing was sent yet."""
        batch_bytes, largest = self._sizes
        staged: list[tuple[TopicPartition, Body]] = []
        filling: dict[tuple[str, int], Body] = {}
        for index, (topic, partition, key, value, headers) in enumerate(records):
            at = (topic, partition)
            body = filling.get(at)
            if body is not None and body.count < MAX_BATCH_RECORDS and body.add(key, value, headers, batch_bytes):
                continue
            body = filling[at] = Body()
            body.add(key, value, headers, batch_bytes)
            if body.size_bytes > largest:  # what is over a record's limit is over a batch's: it comes here
                raise TooLarge(f"{topic}-{partition}: a record of {body.size_bytes} bytes is over {largest}", index)
            staged.append((TopicPartition(topic, partition), body))
        return staged

    def targets(self, staged: list[tuple[TopicPartition, Body]]) -> set[TopicPartition]:
        """Where the records go."""
        return {at for at, _ in staged}

    def send(self, producer: library.Producer, staged: list[tuple[TopicPartition, Body]]) -> list[BatchResult]:
        """Hands the batches to the sender, within a transaction that has begun."""
        now_ms = int(time.time() * 1000)
        results = []
        for at, body in staged:
            ready = ReadyRecords(body, now_ms, self._compression)
            results.append(library.queue_batch(producer, at, ready, partial(BatchResult, count=body.count)))
        library.wake(producer)
        return results
