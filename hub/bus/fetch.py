"""What was fetched, record by record: kafka-python's walk over the batches of a partition, ending in our Records.

Checksums, aborted transactions and control batches are judged as the library does. Two things are added: an error names
its partition, and a walk that starts where nobody asked for is refused. `LightRecords` is the fast walk, `OrdinaryRecords`
the library's own; both give the same records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError, KafkaError
from kafka.protocol.consumer import IsolationLevel

from hub.bus.bus import Record, TopicPartition
from hub.bus.library import reason
from hub.bus.records import Times, pack_headers, unpack_records

_LOG_APPEND_TIME = 1
_MAGIC = 2


class Unreadable(KafkaError):
    """A partition cannot be read on from `offset`: damaged, of an unknown codec or format, or moved under our feet."""

    def __init__(self, at: TopicPartition, offset: int, reason: str) -> None:
        super().__init__(f"{at.topic}-{at.partition} at offset {offset}: {reason}")
        self.at = TopicPartition(*at)
        self.offset = offset


class Journal:
    """Where the reading of each partition must go on.

    An offset out of range makes the library go to the log's beginning by itself, forward over records that were never
    read or back over some that were (KAFKA.md, rules 17 and 23); so does a log that was cut. Both show here.
    """

    def __init__(self) -> None:
        self._sought: dict[TopicPartition, int] = {}
        self._walks: dict[TopicPartition, _Walk] = {}

    def start(self, at: TopicPartition, offset: int) -> None:
        """The next walk over `at` starts at `offset`, as we sought it.

        A walk that stands there already may still be read on: the library keeps what it has fetched of that offset.
        """
        self._sought[at] = offset
        before = self._walks.get(at)
        if before is not None and before.next_fetch_offset != offset:
            del self._walks[at]

    def enter(self, at: TopicPartition, offset: int, walk: _Walk) -> None:
        """A walk starts at `offset`. Raises Unreadable unless we sought it there, or the one before ended there."""
        before = self._walks.get(at)
        sought = self._sought.get(at)
        expected = sought if before is None else before.next_fetch_offset
        if offset not in (sought, expected):
            raise Unreadable(at, offset, f"expected to go on at {expected}")
        self._sought.pop(at, None)
        self._walks[at] = walk


class _Walk(Fetcher.PartitionRecords):
    """A walk over what one fetch brought of one partition."""

    next_fetch_offset: int

    def __init__(
        self, journal: Journal | None, fetch_offset: int, tp: TopicPartition, records: Any, **options: Any
    ) -> None:
        library: Any = super()
        library.__init__(fetch_offset, tp, records, **options)
        if journal is not None:
            journal.enter(tp, fetch_offset, self)

    def _unpack_records(self, tp: TopicPartition, records: Any, *_deserializers: None) -> Iterator[Record]:
        try:
            yield from self._records(tp, records)
        except Exception as error:
            raise Unreadable(tp, self.next_fetch_offset, reason(error)) from error

    def _records(self, tp: TopicPartition, records: Any) -> Iterator[Record]:
        raise NotImplementedError


class LightRecords(_Walk):
    """The fast walk: whole batches unpacked at once, headers left packed."""

    def _records(self, tp: TopicPartition, records: Any) -> Iterator[Record]:
        library: Any = self
        while (batch := records.next_batch()) is not None:
            if batch.magic != _MAGIC:
                raise CorruptRecordError(f"message format {batch.magic}")
            if self.check_crcs and not batch.validate_crc():
                raise CorruptRecordError("wrong checksum")
            self.leader_epoch = batch.leader_epoch
            if not self._skipped(batch):
                for record in _unpacked(batch):
                    self.records_read += 1
                    self.next_fetch_offset = record[0] + 1
                    yield record
            self.bytes_read += batch.size_in_bytes
            self.next_fetch_offset = batch.next_offset  # a batch may end in records that compaction took
        library.drain()

    def _skipped(self, batch: Any) -> bool:
        """Whether the batch is a transaction's marker, or of one that was aborted."""
        if self.isolation_level == IsolationLevel.READ_COMMITTED and batch.has_producer_id():
            library: Any = self
            library._consume_aborted_transactions_up_to(batch.last_offset)
            if library._contains_abort_marker(batch):
                self.aborted_producer_ids.discard(batch.producer_id)
            elif library._is_batch_aborted(batch):
                return True
        return bool(batch.is_control_batch)


def _unpacked(batch: Any) -> list[Record]:
    batch._maybe_uncompress()
    append_ms = batch.max_timestamp if batch.timestamp_type == _LOG_APPEND_TIME else None
    times = Times(batch.first_timestamp, append_ms)
    return unpack_records(bytes(batch._buffer), batch._pos, batch.records_count, batch.base_offset, times)


class OrdinaryRecords(_Walk):
    """The library's own walk."""

    def _records(self, tp: TopicPartition, records: Any) -> Iterator[Record]:
        library: Any = Fetcher.PartitionRecords
        for found in library._unpack_records(self, tp, records, None, None):
            yield Record(found.offset, found.timestamp, found.key, found.value, pack_headers(found.headers))


def walk(ordinary: bool, journal: Journal | None = None) -> Callable[..., object]:
    """How a consumer's fetched data is to be read (library.walk_with)."""
    return partial(OrdinaryRecords if ordinary else LightRecords, journal)
