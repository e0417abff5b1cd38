"""Consume, transform, produce as kafka-python's documentation has it, without the rules of KAFKA.md: what the rig is for.

It keeps the letter of the Bus contract so that the same Router can run on it, and loses and doubles records where the bus
of the hub does not. Only tests use it; test_plain_loop.py shows the rig finding what it does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, cast

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from hub.bus.bus import Batch, Indefinite, Outgoing, Record, TopicPartition
from hub.bus.limits import HUB_RECORD_BYTES, Limits
from hub.bus.records import pack_headers, unpack_headers
from hub.bus.restore import read_table
from hub.bus.settings import Connection
from hub.router import Lanes
from hub.routing.holdings import Lane, TornState


class PlainLanes(Lanes):
    """State as the topic has it; whether it fits the offsets is not asked."""

    def restore(self, offsets: Mapping[TopicPartition, int], table: Iterator[tuple[TopicPartition, Record]]) -> None:
        lanes = {at.partition: Lane() for at in offsets}
        for at, record in table:
            with contextlib.suppress(TornState):
                lanes[at.partition].restore(record.key, record.value)
        self._lanes = lanes


class PlainBus:
    """A `Bus`, nearly: poll, send, send_offsets_to_transaction, commit_transaction; abort_transaction on an error."""

    def __init__(
        self,
        connection: Connection,
        group: str,
        slot: str,
        pattern: str,
        lanes: Lanes,
        limits: Limits,
        *,
        flushing: bool = False,
    ) -> None:
        self._flushing = flushing
        self._connection, self._lanes, self._limits = connection, lanes, limits
        times = {"request_timeout_ms": limits.request_ms, "bootstrap_timeout_ms": limits.wait_ms}
        self._consumer: Any = cast(Any, KafkaConsumer)(
            **connection.client(),
            **times,
            group_id=group,
            group_instance_id=slot,
            session_timeout_ms=limits.session_ms,
            heartbeat_interval_ms=limits.heartbeat_ms,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        self._consumer.subscribe(pattern=pattern)
        self._producer: Any = cast(Any, KafkaProducer)(
            **connection.client(),
            **times,
            transactional_id=f"{group}-{slot}",
            transaction_timeout_ms=limits.transaction_ms,
            delivery_timeout_ms=limits.delivery_ms,
            max_block_ms=limits.wait_ms,
            max_request_size=HUB_RECORD_BYTES,
            retry_backoff_ms=10,
        )
        self._producer.init_transactions()
        self._assigned: set[TopicPartition] = set()
        self.stopped: Mapping[TopicPartition, str] = {}

    def read(self, limit: int, wait_ms: int) -> Batch:
        try:
            found = self._consumer.poll(wait_ms, max_records=limit)
            if self._consumer.assignment() != self._assigned:
                self._take_over()
                return Batch({})
        except KafkaError as error:
            raise Indefinite(str(error)) from error
        records = {
            TopicPartition(*at): [
                Record(each.offset, each.timestamp, each.key, each.value, pack_headers(each.headers)) for each in some
            ]
            for at, some in found.items()
        }
        return Batch(records)

    def commit(self, batch: Batch, records: Sequence[Outgoing]) -> None:
        ends = {at: found[-1].offset + 1 for at, found in batch.records.items()}
        try:
            self._producer.begin_transaction()
            for topic, partition, key, value, headers in records:
                self._producer.send(topic, value, key=key, headers=unpack_headers(headers), partition=partition)
            if self._flushing:
                self._producer.flush(self._limits.wait_ms / 1000)
            offsets = {cast(Any, at): OffsetAndMetadata(end, "", -1) for at, end in _theirs(ends).items()}
            self._producer.send_offsets_to_transaction(offsets, self._consumer.group_metadata())
            self._producer.commit_transaction()
        except KafkaError as error:
            with contextlib.suppress(Exception):
                self._producer.abort_transaction()
            self._assigned = set()  # from the committed offsets again
            raise Indefinite(str(error)) from error

    def beat(self) -> None:
        """Nobody watches."""

    def hold(self, topics: AbstractSet[str]) -> None:
        """Not known here."""

    def close(self) -> None:
        self._consumer.close(autocommit=False)

    def _take_over(self) -> None:
        self._assigned = set(self._consumer.assignment())
        offsets = {at: self._consumer.committed(at) or 0 for at in self._assigned}
        lanes = sorted({at.partition for at in self._assigned})
        table = read_table(self._connection, [TopicPartition("holdings", lane) for lane in lanes], self._limits)
        self._lanes.restore(offsets, table)
        for at, offset in offsets.items():
            self._consumer.seek(at, offset)


def _theirs(ends: Mapping[TopicPartition, int]) -> Mapping[Any, int]:
    from kafka.structs import TopicPartition as LibraryPartition

    return {LibraryPartition(*at): end for at, end in ends.items()}
