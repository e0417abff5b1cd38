"""Reading a table: all committed records of some partitions, up to now.

The end is what a read-uncommitted client sees, asked for after the committed offsets: the markers of one transaction
land at different times, so the end that a read-committed client is told may be too early (KAFKA.md, rule 9). Reading up
to it waits for every transaction that was open.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from kafka.errors import LeaderNotAvailableError, UnknownTopicOrPartitionError, for_code

from hub.bus import library
from hub.bus.bus import Beat, Indefinite, Record, TopicPartition
from hub.bus.fetch import walk
from hub.bus.limits import Limits
from hub.bus.settings import Connection
from hub.bus.topics import Admin, TopicError, administration

_POLL_MS = 200
_LOOK_MS = 20
_NOT_YET = (0, UnknownTopicOrPartitionError.errno, LeaderNotAvailableError.errno)
_AT_ONCE = 2_000  # records
_FETCH_BYTES = 2 * 1024 * 1024  # of one partition, and of all: a larger batch comes by itself all the same
_CLOSE_MS = 2_000


def no_beat() -> None:
    """Nobody needs a sign of life."""


def read_table(
    connection: Connection,
    partitions: Sequence[TopicPartition],
    limits: Limits,
    *,
    ordinary: bool = False,
    beat: Beat = no_beat,
) -> Iterator[tuple[TopicPartition, Record]]:
    """All committed records of `partitions`, each partition in order. `beat` is called as reading goes on.

    Raises Indefinite if nothing came for longer than a transaction may be open, and KafkaError.
    """
    if not partitions:
        return
    wanted = [library.partition(at) for at in partitions]
    with ExitStack() as closing:
        end = _ends(connection, limits, wanted, closing)
        beat()
        reader = _open(connection, limits, "read_committed", closing)
        library.walk_with(reader, walk(ordinary))
        reader.assign(wanted)
        reader.seek_to_beginning(*wanted)
        patience_s = (limits.wait_ms + limits.transaction_ms) / 1000
        deadline = time.monotonic() + patience_s
        missing = [at for at in wanted if end[at] > 0]
        while missing:
            if time.monotonic() > deadline:
                late = ", ".join(f"{at.topic}-{at.partition} before {end[at]}" for at in missing)
                raise Indefinite(f"a transaction stays open: {late} cannot be read (enlace doctor)")
            for at, records in reader.poll(_POLL_MS, _AT_ONCE).items():
                deadline = time.monotonic() + patience_s
                beat()
                ours = TopicPartition(*at)
                for record in records:
                    yield ours, record
            beat()
            # a position may not be known in time (None): not there yet
            missing = [at for at in missing if (reader.position(at, limits.wait_ms) or 0) < end[at]]


def partitions_of(connection: Connection, topic: str, limits: Limits) -> list[TopicPartition]:
    """All partitions of a topic, in order. Raises Indefinite if it is not known in time."""
    return partitions_of_all(connection, [topic], limits)


def partitions_of_all(connection: Connection, topics: Sequence[str], limits: Limits) -> list[TopicPartition]:
    """All partitions of some topics, in order. Raises Indefinite if one of them is not known in time, and KafkaError."""
    deadline = time.monotonic() + limits.wait_ms / 1000
    try:
        with administration(connection, limits) as admin:
            while missing := set(topics).difference(found := _described(admin, topics)):
                if time.monotonic() > deadline:
                    raise Indefinite(f"no topic {min(missing)} was found in time")
                time.sleep(_LOOK_MS / 1000)
    except TopicError as error:
        raise Indefinite(str(error)) from error
    return sorted(TopicPartition(name, number) for name in topics for number in found[name])


def _described(admin: Admin, topics: Sequence[str]) -> dict[str, list[int]]:
    """The partitions of those topics that the cluster knows. Raises what else it says of one (KafkaError)."""
    described = admin.describe_topics(list(topics))
    for topic in described:
        if topic["error_code"] not in _NOT_YET:
            raise for_code(topic["error_code"])(topic["name"])  # type: ignore[no-untyped-call]
    return {
        topic["name"]: [each["partition_index"] for each in topic["partitions"]]
        for topic in described
        if not topic["error_code"] and topic["partitions"]
    }


def _ends(
    connection: Connection, limits: Limits, partitions: Sequence[TopicPartition], closing: ExitStack
) -> dict[TopicPartition, int]:
    return library.last_offsets(_open(connection, limits, "read_uncommitted", closing), partitions, limits.wait_ms)


def _open(connection: Connection, limits: Limits, isolation: str, closing: ExitStack) -> library.Consumer:
    """It fetches little at a time: what is under way, packed and unpacked, is what restoring needs beside the state."""
    consumer = library.open_consumer(
        connection,
        limits,
        group_id=None,
        isolation_level=isolation,
        max_partition_fetch_bytes=_FETCH_BYTES,
        fetch_max_bytes=_FETCH_BYTES,
    )
    library.hurry(consumer)
    closing.callback(library.end_consumer, consumer, _CLOSE_MS)
    return consumer
