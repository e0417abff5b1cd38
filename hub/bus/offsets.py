"""What a cluster's topics hold and how far a group has come, for operators' eyes.

Read-uncommitted ends and an admin's view of committed offsets: good enough to look at, not to resume from (membership.py
asks for those itself).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from hub.bus import library
from hub.bus.bus import TopicPartition
from hub.bus.limits import Limits
from hub.bus.settings import Connection
from hub.bus.topics import Admin, administration

COUNTED: Final = 1_000  # offsets up to which records are counted one by one
LOOKS: Final = 10  # a transaction that is open ends the counting, not us
LOOK_MS: Final = 200


class TopicOffsets(NamedTuple):
    """One topic: sums over its partitions. `lag` is None for a topic that the group does not read."""

    topic: str
    partitions: int
    first: int
    end: int
    lag: int | None


def topic_offsets(connection: Connection, group: str, limits: Limits | None = None) -> list[TopicOffsets]:
    """Every topic of the hub by name. Raises KafkaError or TopicError if the cluster does not answer in time."""
    limits = limits or Limits()
    with administration(connection, limits) as admin:
        described = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
        names = sorted(name for name in described if not name.startswith("__"))
        committed = group_offsets(admin, group)
    places = [TopicPartition(name, number) for name in names for number in range(described[name])]
    first, end = spans(connection, places, limits)
    rows = []
    for name in names:
        mine = [at for at in places if at.topic == name]
        starts = {at: committed.get(at, first[at]) for at in mine}
        lag = records_after(connection, starts, end, limits) if any(at in committed for at in mine) else None
        rows.append(TopicOffsets(name, len(mine), sum(first[at] for at in mine), sum(end[at] for at in mine), lag))
    return rows


def records_after(
    connection: Connection, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int], limits: Limits
) -> int:
    """How many records stand between two offsets. A transaction's marker takes an offset and is none, so up to COUNTED
    offsets are looked at one by one; where there are more, their number is near enough."""
    behind = {at: start for at, start in starts.items() if ends[at] > start}
    offsets = sum(ends[at] - start for at, start in behind.items())
    if not behind or offsets > COUNTED:
        return offsets
    consumer = library.open_consumer(connection, limits)
    try:
        theirs = {at: library.partition(at) for at in behind}
        consumer.assign(list(theirs.values()))
        for at, start in behind.items():
            consumer.seek(theirs[at], start)
        found = 0
        for _ in range(LOOKS):
            found += sum(map(len, consumer.poll(LOOK_MS, max_records=COUNTED).values()))
            if all((consumer.position(theirs[at], timeout_ms=limits.wait_ms) or 0) >= ends[at] for at in behind):
                break
        return found
    finally:
        consumer.close()


def spans(
    connection: Connection, places: list[TopicPartition], limits: Limits
) -> tuple[Mapping[TopicPartition, int], Mapping[TopicPartition, int]]:
    """First and end offsets of partitions."""
    consumer = library.open_consumer(connection, limits, isolation_level="read_uncommitted")
    try:
        theirs = [library.partition(at) for at in places]
        first = library.first_offsets(consumer, theirs, timeout_ms=limits.wait_ms)
        end = library.last_offsets(consumer, theirs, timeout_ms=limits.wait_ms)
    finally:
        consumer.close()
    return first, end


def group_offsets(admin: Admin, group: str) -> dict[TopicPartition, int]:
    """The committed offsets of a group, as an admin sees them; empty if the group does not exist."""
    answer = cast(Any, admin).list_group_offsets(group)
    found = answer.get(group, answer) if isinstance(answer, dict) else {}
    return {TopicPartition(at.topic, at.partition): meta.offset for at, meta in found.items() if meta.offset >= 0}
