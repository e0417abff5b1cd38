"""What the bus takes from kafka-python without being promised it: one test for each private name, and fingerprints.

When the pinned version changes, these fail first. Read each function whose fingerprint differs against the reasoning in
hub/bus (library.py, fetch.py, batches.py), then write the file anew: `python -m tests.bus.test_kafka_python`.
"""

from __future__ import annotations

import hashlib
import inspect
import itertools
import json
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from kafka import errors
from kafka.cluster import ClusterMetadata
from kafka.consumer.fetcher import Fetcher
from kafka.consumer.group import KafkaConsumer
from kafka.consumer.subscription_state import SubscriptionState, TopicPartitionState
from kafka.coordinator.base import BaseCoordinator
from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.producer import transaction_manager
from kafka.producer.future import FutureProduceResult, FutureRecordMetadata
from kafka.producer.kafka import KafkaProducer
from kafka.producer.producer_batch import ProducerBatch
from kafka.producer.record_accumulator import RecordAccumulator
from kafka.producer.sender import Sender
from kafka.producer.transaction_manager import ProducerIdAndEpoch, TransactionManager, TransactionState
from kafka.protocol.consumer import IsolationLevel
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from kafka.record.util import calc_crc32c
from kafka.structs import TopicPartition as LibraryPartition
from kafka.version import __version__

from hub.bus import library
from hub.bus.batches import BatchResult, ReadyBatches, ReadyRecords, Sizes
from hub.bus.bus import Indefinite, Outgoing, Record, TopicPartition
from hub.bus.fetch import Journal, LightRecords, OrdinaryRecords, Unreadable
from hub.bus.records import CODECS, Compression, pack_headers, unpack_headers

FINGERPRINTS = Path(__file__).with_name("kafka_python_fingerprints.json")
AT = TopicPartition("t", 0)
LIBRARY_AT = cast(TopicPartition, LibraryPartition("t", 0))

WATCHED = [
    # reading
    Fetcher.PartitionRecords,
    Fetcher._parse_fetched_data,
    Fetcher.fetched_records,
    Fetcher._append,
    DefaultRecordBatch,
    KafkaConsumer.poll,
    KafkaConsumer._poll_once,
    KafkaConsumer.position,
    KafkaConsumer.group_metadata,
    KafkaConsumer.close,
    SubscriptionState.assign_from_subscribed,
    TopicPartitionState.seek,
    TopicPartitionState.is_fetchable,
    # the group
    BaseCoordinator.group_metadata,
    BaseCoordinator.join_group_async,
    BaseCoordinator._heartbeat_loop,
    BaseCoordinator._do_heartbeat,
    BaseCoordinator.need_rejoin,
    BaseCoordinator.request_rejoin,
    BaseCoordinator.stable,
    ConsumerCoordinator.need_rejoin,
    ConsumerCoordinator.poll,
    ConsumerCoordinator.fetch_committed_offsets,
    ConsumerCoordinator.fetch_committed_offsets_async,
    ConsumerCoordinator._send_offset_fetch_request,
    ConsumerCoordinator._on_join_prepare_async,
    ConsumerCoordinator._on_join_complete_async,
    ConsumerCoordinator._handle_metadata_update,
    # writing
    ProducerBatch,
    FutureProduceResult,
    FutureRecordMetadata,
    RecordAccumulator,
    TransactionManager,
    transaction_manager.TransactionalRequestResult,
    transaction_manager.TxnRequestHandler,
    transaction_manager.InitProducerIdHandler,
    transaction_manager.AddPartitionsToTxnHandler,
    transaction_manager.EndTxnHandler,
    transaction_manager.AddOffsetsToTxnHandler,
    transaction_manager.TxnOffsetCommitHandler,
    Sender.run,
    Sender.run_once,
    Sender._maybe_send_pending_request,
    Sender._send_producer_data,
    Sender._complete_batch,
    Sender._dispatch_error,
    Sender._can_retry,
    Sender._can_split,
    Sender._maybe_abort_batches,
    Sender.add_topic,
    Sender.force_close,
    Sender.wakeup,
    KafkaProducer.send,
    KafkaProducer.flush,
    KafkaProducer.close,
    KafkaProducer.__del__,
    KafkaProducer._unregister_cleanup,
    KafkaProducer.init_transactions,
    KafkaProducer.begin_transaction,
    KafkaProducer.partitions_for,
    KafkaProducer._wait_on_metadata,
    ClusterMetadata.add_topic,
    ClusterMetadata.ttl,
]

Row = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]
ROWS: list[Row] = [
    (
        None if number % 5 == 0 else b"k%d" % number,
        None if number % 7 == 3 else b"v" * (number * 37 % 4000),
        [("h", None), ("ñ", b"x")] if number % 3 else [],
    )
    for number in range(300)
]
OUTGOING = [Outgoing("t", 0, key, value, pack_headers(headers)) for key, value, headers in ROWS]


def fingerprints() -> dict[str, str]:
    """Of each watched function or class: the start of its source's SHA-256."""
    return {
        f"{watched.__module__}:{watched.__qualname__}": hashlib.sha256(inspect.getsource(watched).encode()).hexdigest()[
            :16
        ]
        for watched in WATCHED
    }


def test_the_version_is_the_one_that_was_read() -> None:
    assert __version__ == library.VERSION, "read hub/bus against the new version, see this file's head"


def test_the_functions_that_the_bus_reasons_about_are_those_that_were_read() -> None:
    was, now = json.loads(FINGERPRINTS.read_text()), fingerprints()
    assert sorted(was) == sorted(now)
    assert [name for name in now if now[name] != was[name]] == []


# out: whole batches on the accumulator


class Asked:
    """Notes which names of a batch's records the library asks for."""

    def __init__(self, records: ReadyRecords) -> None:
        self._records = records
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.names.add(name)
        return getattr(self._records, name)


class Cluster:
    def leader_for_partition(self, _at: TopicPartition) -> int:
        return 1

    def partitions_for_broker(self, _node: int) -> set[TopicPartition]:
        return {LIBRARY_AT}


class Out:
    """A producer of the library's own parts, but for the network."""

    def __init__(self) -> None:
        self._transaction_manager: Any = cast(Any, TransactionManager)(transactional_id="x", api_version=(4, 0))
        self._transaction_manager.set_producer_id_and_epoch(cast(Any, ProducerIdAndEpoch)(7, 3))
        self._transaction_manager._current_state = TransactionState.IN_TRANSACTION
        self._transaction_manager._partitions_in_transaction.add(LIBRARY_AT)
        self._accumulator: Any = cast(Any, RecordAccumulator)(
            transaction_manager=self._transaction_manager,
            batch_size=16_384,
            linger_ms=9_000,
            request_timeout_ms=1_000,
            delivery_timeout_ms=20_000,
        )
        self._sender = self
        self.woken = 0

    def wakeup(self) -> None:
        self.woken += 1

    def queue(self, compression: Compression = "none") -> BatchResult:
        way = ReadyBatches(Sizes(900_000, 1_000_000), compression)
        [result] = way.send(cast(library.Producer, self), way.stage(OUTGOING))
        return result

    def drained(self) -> tuple[Any, Asked]:
        batch = self._accumulator._batches[LIBRARY_AT][0]
        batch.records = asked = Asked(batch.records)
        ready, _, unknown = self._accumulator.ready(Cluster())
        assert ready == {1}, "sent at once, whatever linger_ms says"
        assert not unknown
        [sent] = self._accumulator.drain(Cluster(), ready, 10 << 20)[1]
        assert sent is batch
        return sent, asked


def soon() -> float:
    return time.monotonic() + 0.2


@pytest.mark.parametrize("compression", list(CODECS))
def test_a_queued_batch_is_sent_as_the_library_would_have_built_it(compression: Compression) -> None:
    out = Out()
    out.queue(compression)
    batch, asked = out.drained()
    first = cast(Any, MemoryRecords)(batch.records.buffer()).next_batch()
    assert first.validate_crc()
    assert (first.producer_id, first.producer_epoch, first.base_sequence, first.is_transactional) == (7, 3, 0, True)
    assert [(record.key, record.value, list(record.headers)) for record in first] == ROWS
    assert out._transaction_manager.sequence_number(LIBRARY_AT) == len(ROWS)
    assert out.woken == 1
    assert asked.names <= {name for name in dir(ReadyRecords) if not name.startswith("_")}


def test_an_expired_and_an_aborted_batch_are_asked_for_nothing_else() -> None:
    out = Out()
    out.queue()
    batch, asked = out.drained()
    wire = bytes(batch.records.buffer())
    out._accumulator.reenqueue(batch)
    assert bytes(batch.records.buffer()) == wire, "a retry sends the same bytes"
    out._accumulator.abort_batches(errors.KafkaError("x"))
    assert asked.names <= {name for name in dir(ReadyRecords) if not name.startswith("_")}


def test_nobody_else_adds_to_a_queued_batch() -> None:
    out = Out()
    out.queue()
    out._accumulator.append(LIBRARY_AT, None, b"k", b"v", [])
    assert [batch.record_count for batch in out._accumulator._batches[LIBRARY_AT]] == [len(ROWS), 1]


def _complete(batch: Any) -> None:
    batch.complete(5, -1)


def _expire(batch: Any) -> None:
    batch.complete_exceptionally(errors.KafkaTimeoutError("late"), lambda _: errors.KafkaTimeoutError("late"))


def _abort(batch: Any) -> None:
    batch.abort(errors.KafkaError("closed"))


def test_a_result_waits_until_its_batch_is_written() -> None:
    out = Out()
    result = out.queue()
    batch, _ = out.drained()
    with pytest.raises(Indefinite):
        result.wait(time.monotonic())
    _complete(batch)
    result.wait(soon())


@pytest.mark.parametrize("fail", [_expire, _abort])
def test_a_failed_batch_fails_its_result_although_its_future_succeeds(fail: Callable[[Any], None]) -> None:
    out = Out()
    result = out.queue()
    batch, _ = out.drained()
    fail(batch)
    assert batch.produce_future.succeeded()
    with pytest.raises(Indefinite):
        result.wait(soon())


@pytest.mark.parametrize("fails", [False, True])
def test_a_batch_that_is_split_twice_is_written_when_all_its_parts_are(fails: bool) -> None:
    out = Out()
    result = out.queue()
    batch, _ = out.drained()
    out._accumulator.split_and_reenqueue(batch)
    parts = out._accumulator._batches[LIBRARY_AT]
    assert sum(part.record_count for part in parts) == len(ROWS)
    large = parts.popleft()
    large.records.set_producer_state(7, 3, 0, True)
    large.records.close()
    out._accumulator.split_and_reenqueue(large)
    *early, last = parts
    for part in early:
        _complete(part)
    with pytest.raises(Indefinite):
        result.wait(time.monotonic())
    (_abort if fails else _complete)(last)
    if fails:
        with pytest.raises(Indefinite):
            result.wait(soon())
    else:
        result.wait(soon())


# in: the walk over what was fetched


class Aborted:
    producer_id = 9
    first_offset = 600


def wire(rows: Sequence[Row], base: int, compression: int = 0, producer: int = -1) -> bytearray:
    builder: Any = cast(Any, MemoryRecordsBuilder)(
        2,
        compression,
        1 << 22,
        transactional=producer >= 0,
        producer_id=producer,
        producer_epoch=0 if producer >= 0 else -1,
        base_sequence=0 if producer >= 0 else -1,
    )
    for number, (key, value, headers) in enumerate(rows):
        builder.append(1_000 + number, key, value, headers)
    builder.close()
    data = bytearray(builder.buffer())
    struct.pack_into(">q", data, 0, base)
    return data


def marker(base: int, producer: int, commit: bool) -> bytearray:
    data = wire([(struct.pack(">hh", 0, int(commit)), struct.pack(">hi", 0, 0), [])], base, producer=producer)
    attributes = struct.unpack_from(">h", data, 21)[0] | DefaultRecordBatch.CONTROL_MASK
    struct.pack_into(">h", data, 21, attributes)
    struct.pack_into(">I", data, 17, cast(Any, calc_crc32c)(memoryview(data)[21:]))
    return data


def walked(walk: Callable[..., Any], data: bytes, start: int = 0) -> list[Any]:
    records = cast(Any, MemoryRecords)(data)
    return list(
        walk(
            start,
            LIBRARY_AT,
            records,
            isolation_level=IsolationLevel.READ_COMMITTED,
            aborted_transactions=[Aborted()],
        ).record_iterator
    )


LOG = b"".join(
    [
        wire(ROWS, 0),
        wire(ROWS, 300, compression=1, producer=8),
        wire(ROWS, 600, compression=3, producer=9),
        marker(900, 9, commit=False),
        marker(901, 8, commit=True),
        wire(ROWS, 902, compression=3, producer=9),
    ]
)


@pytest.mark.parametrize("start", [0, 250, 700, 1_000])
@pytest.mark.parametrize("walk", [LightRecords, OrdinaryRecords])
def test_a_walk_gives_what_the_librarys_own_walk_gives(walk: type, start: int) -> None:
    theirs = walked(Fetcher.PartitionRecords, LOG, start)
    ours: list[Record] = walked(lambda *given, **options: walk(None, *given, **options), LOG, start)
    assert [(r.offset, r.timestamp, r.key, r.value, r.headers) for r in theirs] == [
        (r.offset, r.timestamp_ms, r.key, r.value, unpack_headers(r.headers)) for r in ours
    ]
    assert (len(theirs) < 900) is (start > 0)


@pytest.mark.parametrize("walk", [LightRecords, OrdinaryRecords])
@pytest.mark.parametrize("place", [30, 200])
def test_damage_names_its_partition(walk: type, place: int) -> None:
    data = bytearray(LOG)
    data[place] ^= 1
    with pytest.raises(Unreadable, match="t-0 at offset 0"):
        walked(lambda *given, **options: walk(None, *given, **options), bytes(data))


def test_a_walk_that_starts_where_nobody_asked_for_is_refused() -> None:
    journal = Journal()
    journal.start(AT, 0)

    def walk(start: int) -> Iterator[Any]:
        records = cast(Any, MemoryRecords)(bytes(wire(ROWS, 0)))
        return cast(Iterator[Any], LightRecords(journal, start, LIBRARY_AT, records).record_iterator)

    first = walk(0)
    assert [record.offset for record in itertools.islice(first, 10)] == list(range(10))
    for elsewhere in (9, 11, 0, 300):
        with pytest.raises(Unreadable, match="expected to go on at 10"):
            walk(elsewhere)
    assert next(walk(10)).offset == 10


def test_a_walk_that_stands_where_we_seek_may_be_read_on_and_one_that_was_begun_may_not() -> None:
    """The library keeps what it has fetched of the offset that is sought; of any other it does not."""
    journal = Journal()

    def walk(start: int) -> Iterator[Any]:
        records = cast(Any, MemoryRecords)(bytes(wire(ROWS, 0)))
        return cast(Iterator[Any], LightRecords(journal, start, LIBRARY_AT, records).record_iterator)

    journal.start(AT, 0)
    kept = walk(0)
    journal.start(AT, 0)
    assert len(list(itertools.islice(kept, 10))) == 10
    assert next(walk(10)).offset == 10
    journal.start(AT, 0)
    with pytest.raises(Unreadable, match="expected to go on at 0"):
        walk(11)
    assert next(walk(0)).offset == 0


def test_the_fetcher_looks_its_walk_up_on_itself() -> None:
    assert "self.PartitionRecords(" in inspect.getsource(Fetcher._parse_fetched_data)


# the transaction's states


def test_a_transaction_goes_through_the_states_that_the_bus_asks_for() -> None:
    out = Out()
    producer = cast(library.Producer, out)
    manager = out._transaction_manager
    assert library.is_in_transaction(producer)
    answer = library.begin_commit(producer)
    assert not library.is_in_transaction(producer)
    assert answer.wait(timeout_ms=1) is False
    cast(Any, answer).done()
    assert answer.wait(timeout_ms=1) is True
    manager._complete_transaction()
    assert library.is_ready(producer)
    library.bump_epoch(producer)
    assert library.is_bumping(producer)
    manager._complete_epoch_bump()
    assert library.is_ready(producer)
    assert not library.is_fenced(producer)
    manager.transition_to_fatal_error(errors.ProducerFencedError())
    assert library.is_fenced(producer)


def test_an_answer_raises_what_the_broker_said() -> None:
    answer = library.begin_commit(cast(library.Producer, Out()))
    cast(Any, answer).done(error=errors.FencedInstanceIdError())
    with pytest.raises(errors.FencedInstanceIdError):
        answer.wait(timeout_ms=1)


if __name__ == "__main__":
    FINGERPRINTS.write_text(json.dumps(fingerprints(), indent=1, sort_keys=True) + "\n")
