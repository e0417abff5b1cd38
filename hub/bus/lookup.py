"""Single records, read back from where they stand. What retention took is not there any more, and is left out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from hub.bus import library
from hub.bus.bus import Indefinite, Record, TopicPartition
from hub.bus.fetch import walk
from hub.bus.limits import FETCH_BYTES, Limits
from hub.bus.settings import Connection

_POLL_MS: Final = 200
_CLOSE_MS: Final = 2_000
_NEAR: Final = 500  # offsets: what lies closer is read over, not sought

Place = tuple[TopicPartition, int]


def read_records(
    connection: Connection, places: Iterable[Place], limits: Limits | None = None
) -> Iterator[tuple[Place, Record]]:
    """The committed records at `places` (partition, offset) that still exist, ordered by place.

    Raises Indefinite if a partition does not answer in time, and KafkaError.
    """
    limits = limits or Limits()
    consumer = library.open_consumer(connection, limits, group_id=None, max_partition_fetch_bytes=FETCH_BYTES)
    library.walk_with(consumer, walk(False))
    try:
        for at, wanted in groupby(sorted(set(places)), key=lambda place: place[0]):
            yield from _of_partition(consumer, at, [offset for _, offset in wanted], limits)
    finally:
        library.end_consumer(consumer, _CLOSE_MS)


def _of_partition(
    consumer: library.Consumer, at: TopicPartition, offsets: list[int], limits: Limits
) -> Iterator[tuple[Place, Record]]:
    theirs = library.partition(at)
    consumer.assign([theirs])
    first = library.first_offsets(consumer, [theirs], limits.wait_ms)[theirs]
    end = library.last_offsets(consumer, [theirs], limits.wait_ms)[theirs]
    left = [offset for offset in offsets if first <= offset < end]
    deadline = time.monotonic() + limits.wait_ms / 1000
    position = -1
    while left:
        if position < 0 or left[0] - position > _NEAR:
            consumer.seek(theirs, left[0])
            position = left[0]
        found = [record for records in consumer.poll(_POLL_MS, _NEAR).values() for record in records]
        for record in found:
            position = record.offset + 1
            if left and record.offset == left[0]:
                yield (at, record.offset), record
                left.pop(0)
            while left and left[0] < position:
                left.pop(0)  # taken by compaction, or never committed
        if found:
            deadline = time.monotonic() + limits.wait_ms / 1000
        elif (consumer.position(theirs, limits.wait_ms) or 0) >= end:
            return  # nothing but markers to the end
        elif time.monotonic() > deadline:
            raise Indefinite(f"{at.topic}-{at.partition} cannot be read at {left[0]}")
