"""The ordinary way out: kafka-python's own send(), one future for each record. Same contract as batches.py, slower.

It writes what send() takes: a header without a value is refused (ValueError).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any

from kafka.errors import KafkaError

from hub.bus import library
from hub.bus.batches import Sizes
from hub.bus.bus import Indefinite, Outgoing, TooLarge, TopicPartition
from hub.bus.records import Compression, record_bytes, unpack_headers

_LINGER_MS = 50  # long enough to fill batches while a transaction is gathered; flush() ends it


class SendResult:
    """All records of a transaction: written when each one's own future says so."""

    def __init__(self, producer: library.Producer, futures: list[library.RecordFuture]) -> None:
        self._producer = producer
        self._futures = futures

    def wait(self, deadline: float) -> None:
        """Until all are written. Raises Indefinite if one was not, or not known to be by the deadline."""
        with contextlib.suppress(KafkaError):  # what flush() says is not enough, and after a split not even true
            self._producer.flush(max(0.0, deadline - time.monotonic()))
        for future in self._futures:
            try:
                future.get(max(0.0, deadline - time.monotonic()))
            except KafkaError as error:
                raise Indefinite(f"a record was not written: {type(error).__name__}") from error


class OrdinarySends:
    """The plain of the two ways out."""

    def __init__(self, sizes: Sizes, compression: Compression) -> None:
        self._sizes = sizes.check()
        self._compression: Compression = compression

    def settings(self) -> dict[str, Any]:
        """For the producer."""
        compression = None if self._compression == "none" else self._compression
        return {"linger_ms": _LINGER_MS, "batch_size": self._sizes.batch_bytes, "compression_type": compression}

    def stage(self, records: Sequence[Outgoing]) -> Sequence[Outgoing]:
        """Raises TooLarge; nothing was sent yet."""
        largest = self._sizes.record_bytes
        for index, (topic, partition, key, value, headers) in enumerate(records):
            bytes_ = record_bytes(key, value, headers)
            if bytes_ > largest:
                raise TooLarge(f"{topic}-{partition}: a record of {bytes_} bytes is over {largest}", index)
        return records

    def targets(self, staged: Sequence[Outgoing]) -> set[TopicPartition]:
        """Where the records go."""
        return {TopicPartition(record[0], record[1]) for record in staged}

    def send(self, producer: library.Producer, staged: Sequence[Outgoing]) -> list[SendResult]:
        """Sends record by record, within a transaction that has begun."""
        now_ms = int(time.time() * 1000)
        futures = [
            producer.send(topic, value, key, unpack_headers(headers), partition, now_ms)
            for topic, partition, key, value, headers in staged
        ]
        return [SendResult(producer, futures)]
