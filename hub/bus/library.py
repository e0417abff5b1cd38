"""kafka-python 3.0.12 as the bus uses it, with types: what it promises, and what it does not, each such name in one place.

The protocols list the methods that are public. The functions below them reach for private names; so do the two classes
that take the place of one of the library's own (fetch.py, batches.py), and nothing else in the project.
tests/bus/test_kafka_python.py and test_kafka_python_live.py have a test for every private name, and fingerprints of the
functions that the bus's reasoning rests on: another version of the library is read before it is used.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from kafka import KafkaConsumer, KafkaProducer, errors
from kafka.admin import AbortTransactionSpec
from kafka.errors import KafkaTimeoutError
from kafka.net.compat import KafkaNetClient
from kafka.producer.producer_batch import ProducerBatch
from kafka.producer.transaction_manager import TransactionState
from kafka.structs import ConsumerGroupMetadata, OffsetAndMetadata
from kafka.structs import TopicPartition as LibraryPartition

from hub.bus.bus import TopicPartition
from hub.bus.limits import Limits
from hub.bus.settings import Connection

VERSION = "3.0.12"

_METADATA_RETRY_MS = 10

Partitions = Iterable[TopicPartition]
R = TypeVar("R")


class Snapshot(Protocol):
    """A member's place in its group (ConsumerGroupMetadata): the broker refuses offsets that come with an old one."""

    @property
    def generation_id(self) -> int: ...
    @property
    def member_id(self) -> str: ...


class Consumer(Protocol):
    def subscribe(self, topics: Sequence[str] = (), pattern: str | None = None, listener: object = None) -> None: ...
    def subscription(self) -> set[str] | None: ...
    def assign(self, partitions: Sequence[TopicPartition]) -> None: ...
    def assignment(self) -> set[TopicPartition]: ...
    def poll(self, timeout_ms: int, max_records: int) -> Mapping[TopicPartition, list[Any]]: ...
    def group_metadata(self) -> Snapshot: ...
    def pause(self, *partitions: TopicPartition) -> None: ...
    def resume(self, *partitions: TopicPartition) -> None: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    def seek_to_beginning(self, *partitions: TopicPartition) -> None: ...
    def position(self, partition: TopicPartition, timeout_ms: int) -> int | None: ...
    def beginning_offsets(self, partitions: Partitions, timeout_ms: int) -> dict[TopicPartition, int]: ...
    def end_offsets(self, partitions: Partitions, timeout_ms: int) -> dict[TopicPartition, int]: ...
    def close(self, autocommit: bool = True, timeout_ms: int | None = None) -> None: ...


class RecordFuture(Protocol):
    def get(self, timeout: float | None = None) -> object: ...


class Producer(Protocol):
    def init_transactions(self) -> None: ...
    def begin_transaction(self) -> None: ...
    def partitions_for(self, topic: str) -> set[int]: ...
    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        headers: list[tuple[str, bytes | None]],
        partition: int,
        timestamp_ms: int,
    ) -> RecordFuture: ...
    def flush(self, timeout: float | None = None) -> None: ...


class Answer(Protocol):
    """What a transactional request will have come to (TransactionalRequestResult)."""

    def wait(self, timeout_ms: int) -> bool:
        """False: no answer in time. Raises what the broker said."""


class BatchFuture(Protocol):
    """A batch's own result. It "succeeds" for a failed batch too: that failed if the third part of `value` is not None."""

    @property
    def topic_partition(self) -> TopicPartition: ...
    @property
    def is_done(self) -> bool: ...
    @property
    def value(self) -> tuple[int, int, Callable[[int], Exception] | None]: ...
    def wait(self, timeout: float) -> bool: ...


def partition(at: TopicPartition) -> TopicPartition:
    """The library's own type, which it insists on; equal to ours, and hashes alike."""
    return cast(TopicPartition, LibraryPartition(at.topic, at.partition))


# opening and closing


def open_consumer(connection: Connection, limits: Limits, **settings: Any) -> Consumer:
    """A consumer without the defaults that hurt. Raises KafkaError if the cluster does not answer in time."""
    common = {"enable_auto_commit": False, "auto_offset_reset": "earliest", "isolation_level": "read_committed"}
    return cast(Consumer, _open(KafkaConsumer, connection, limits, {**common, **settings}))


def hurry(consumer: Consumer) -> None:
    """It asks for its topics at once, and not after 100 ms: the library gives its metadata no settings.

    Only for one that is assigned its partitions, and so asks again until it knows them. One that subscribes asks once, and
    loses that if another request is on its way.
    """
    cast(Any, consumer)._cluster.config["retry_backoff_ms"] = _METADATA_RETRY_MS


def open_producer(connection: Connection, limits: Limits, **settings: Any) -> Producer:
    """A producer whose waits have a limit. Raises KafkaError if the cluster does not answer in time."""
    common = {"acks": "all", "delivery_timeout_ms": limits.delivery_ms, "max_block_ms": limits.wait_ms}
    return cast(Producer, _open(KafkaProducer, connection, limits, {**common, **settings}))


def _open(kind: Callable[..., Any], connection: Connection, limits: Limits, settings: dict[str, Any]) -> Any:
    quiet()
    return started(
        kind,
        **connection.client(),
        **settings,
        request_timeout_ms=limits.request_ms,
        bootstrap_timeout_ms=limits.wait_ms,
        reconnect_backoff_max_ms=1_000,
        metrics_enabled=False,
    )


def started(kind: Callable[..., R], **settings: Any) -> R:
    """A consumer, producer or admin client. One that finds no cluster leaves nothing behind. Raises KafkaError."""
    clients: list[Any] = []

    def client(**options: Any) -> Any:
        clients.append(cast(Any, KafkaNetClient)(**options))
        return clients[-1]

    try:
        return kind(**settings, kafka_client=client)
    except BaseException:
        for made in clients:  # else its thread and sockets stay: one set for every try while the cluster is away
            made.close()
        raise


def quiet() -> None:
    """At DEBUG the library logs keys and values: never. And it warns of each epoch bump, which here is the rule."""
    everything = logging.getLogger("kafka")
    everything.setLevel(max(everything.level, logging.INFO) if everything.level else logging.WARNING)
    logger = logging.getLogger("kafka.producer.transaction_manager")
    if _not_a_bump not in logger.filters:
        logger.addFilter(_not_a_bump)


def _not_a_bump(entry: logging.LogRecord) -> bool:
    return not str(entry.msg).startswith("Bumping producer epoch")


def reason(error: Exception) -> str:
    """What an error says, for a message: only its class if it is not the library's, as its text may hold a value."""
    return str(error) if isinstance(error, errors.KafkaError) else type(error).__name__


def end_consumer(consumer: Consumer, within_ms: int) -> None:
    """Closes it, in a thread of its own as that may hang. A static member does not leave its group by this."""
    closing = threading.Thread(
        target=_close_quietly, args=(consumer, within_ms), daemon=True, name="enlace-closing-consumer"
    )
    closing.start()
    closing.join(within_ms / 1000 + 1)


def _close_quietly(consumer: Consumer, within_ms: int) -> None:
    with contextlib.suppress(Exception):
        consumer.close(autocommit=False, timeout_ms=within_ms)


def end_producer(producer: Producer) -> None:
    """Ends it without a word to the broker. Its close() may wait for ever, also at exit and in __del__: never again."""
    discarded = cast(Any, producer)
    discarded._unregister_cleanup()
    discarded._sender.force_close()
    discarded._closed = True


# the consumer


def walk_with(consumer: Consumer, walk: Callable[..., object]) -> None:
    """Has fetched data read by `walk`, a subclass of Fetcher.PartitionRecords."""
    cast(Any, consumer)._fetcher.PartitionRecords = walk


def slot_was_taken(consumer: Consumer) -> bool:
    """Whether the heartbeat was told that another process has this slot: it stops then, and tells nobody."""
    return has_place(consumer) and not cast(Any, consumer)._coordinator._heartbeat_enabled


def has_place(consumer: Consumer) -> bool:
    """Whether it has a place in its group, as far as it knows, and sees no reason to join again."""
    group = cast(Any, consumer)._coordinator
    return bool(group.stable() and not group.need_rejoin())


def join_again(consumer: Consumer) -> None:
    """Joins its group again in the next poll(), and so has a rebalance that has begun go on, whatever it began for.

    A rebalance that a leader begins because topics changed is forgotten if poll() runs out of time between its two
    requests: the library sees no reason to rejoin any more, and sends no heartbeat either. Safe on the I/O thread.
    """
    cast(Any, consumer)._coordinator.request_rejoin()


def first_offsets(consumer: Consumer, partitions: Partitions, timeout_ms: int) -> dict[TopicPartition, int]:
    """The first offset that each partition still has. Raises KafkaError."""
    return _told(consumer.beginning_offsets, partitions, timeout_ms)


def last_offsets(consumer: Consumer, partitions: Partitions, timeout_ms: int) -> dict[TopicPartition, int]:
    """The end of each partition, as the consumer's isolation sees it. Raises KafkaError."""
    return _told(consumer.end_offsets, partitions, timeout_ms)


def _told(
    ask: Callable[[Partitions, int], dict[TopicPartition, int]], partitions: Partitions, timeout_ms: int
) -> dict[TopicPartition, int]:
    """The library answers with a KeyError where the time was enough for some of the partitions only."""
    try:
        return ask(partitions, timeout_ms)
    except KeyError as error:
        raise KafkaTimeoutError(f"no offset was told of {error.args[0]}") from error


def committed_offsets(consumer: Consumer, partitions: Partitions, timeout_ms: int) -> dict[TopicPartition, int]:
    """The group's committed offsets, in one request; those that have none are left out.

    Under read_committed it asks for stable offsets, so it waits for a transaction that may still commit one.
    """
    wanted = [partition(at) for at in partitions]
    found = cast(Any, consumer)._coordinator.fetch_committed_offsets(wanted, timeout_ms=timeout_ms)
    return {TopicPartition(*at): offset.offset for at, offset in found.items()}


# the producer and its transaction


def _manager(producer: Producer) -> Any:
    return cast(Any, producer)._transaction_manager


def learn(producer: Producer, topics: Iterable[str]) -> None:
    """Has the partitions of all `topics` asked for at once. One by one each would take the time of a backoff."""
    for topic in topics:
        cast(Any, producer)._sender.add_topic(topic)


def wake(producer: Producer) -> None:
    """Has the sender look at once at what is to be sent."""
    cast(Any, producer)._sender.wakeup()


def is_ready(producer: Producer) -> bool:
    """Whether a transaction may begin."""
    return bool(_manager(producer)._current_state is TransactionState.READY)


def is_bumping(producer: Producer) -> bool:
    """Whether the new epoch is still on its way."""
    return bool(_manager(producer)._current_state is TransactionState.BUMPING_PRODUCER_EPOCH)


def is_in_transaction(producer: Producer) -> bool:
    """Whether the transaction that was begun can still be committed, as far as this client was told."""
    return bool(_manager(producer)._current_state is TransactionState.IN_TRANSACTION)


def is_fenced(producer: Producer) -> bool:
    """Whether the broker said that this producer's name has a newer producer, or that its transaction timed out."""
    return isinstance(_manager(producer).last_error, errors.ProducerFencedError)


def bump_epoch(producer: Producer) -> None:
    """Starts taking a new epoch: whatever of the last transaction is still under way to a broker is then refused."""
    _manager(producer).bump_producer_id_and_epoch()
    wake(producer)


def send_offsets(producer: Producer, offsets: Mapping[TopicPartition, int], member: Snapshot) -> Answer:
    """Adds the group's next offsets to the transaction. The public call would wait without a limit."""
    wanted = {partition(at): OffsetAndMetadata(offset, "", -1) for at, offset in offsets.items()}
    answer = _manager(producer).send_offsets_to_transaction(wanted, cast(ConsumerGroupMetadata, member))
    wake(producer)
    return cast(Answer, answer)


def begin_commit(producer: Producer) -> Answer:
    """Asks for the commit. The public call would wait without a limit."""
    answer = _manager(producer).begin_commit()
    wake(producer)
    return cast(Answer, answer)


def queue_batch(producer: Producer, at: TopicPartition, records: object, result: Callable[[BatchFuture], R]) -> R:
    """Puts a whole batch where send() would have gathered one: the library numbers, sends, retries and splits it.

    `records` stands in for a MemoryRecordsBuilder; `result`, made from the batch's own future, for the list of its
    records' futures. wake() the producer when all are queued: their partitions are then added in one request.
    """
    at = partition(at)
    _manager(producer).maybe_add_partition_to_transaction(at)  # first, as send() does: no batch is sent before it
    batch = cast(Any, ProducerBatch)(at, records)
    batch._record_futures = stand_in = result(batch.produce_future)
    accumulator = cast(Any, producer)._accumulator
    with accumulator._tp_lock(at):
        accumulator._batches[at].append(batch)
        accumulator._incomplete.add(batch)
    return stand_in


# the administrator


def write_marker(
    admin: object,
    at: TopicPartition,
    producer_id: int,
    producer_epoch: int,
    coordinator_epoch: int,
    *,
    commit: bool,
) -> None:
    """Writes the marker that ends a transaction in one partition, at its leader. The public call can only abort.

    Raises KafkaError: the leader compares epochs, and refuses a marker that is too old.
    """
    client = cast(Any, admin)
    marked = AbortTransactionSpec(
        LibraryPartition(at.topic, at.partition), producer_id, producer_epoch, coordinator_epoch
    )

    async def send() -> None:
        (leader,) = await client._async_get_leader_for_partitions([marked.topic_partition])
        request = client._abort_transaction_request(marked)
        request.markers[0].transaction_result = commit
        client._abort_transaction_process_response(await client._manager.send(request, node_id=leader), marked)

    client._manager.run(send)
