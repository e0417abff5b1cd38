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
        read = [at for at in mine if at in committed]
        lag = sum(end[at] - committed[at] for at in read) + sum(
            end[at] - first[at] for at in mine if at not in committed
        )
        shown = lag if read else None
        rows.append(TopicOffsets(name, len(mine), sum(first[at] for at in mine), sum(end[at] for at in mine), shown))
    return rows


def spans(
    connection: Connection, places: list[TopicPartition], limits: Limits
) -> tuple[Mapping[TopicPartition, int], Mapping[TopicPartition, int]]:
    """First and end offsets of partitions."""
    consumer = library.open_consumer(connection, limits, isolation_level="read_uncommitted")
    try:
        theirs = [library.partition(at) for at in places]
        first = consumer.beginning_offsets(theirs, timeout_ms=limits.wait_ms)
        end = consumer.end_offsets(theirs, timeout_ms=limits.wait_ms)
    finally:
        consumer.close()
    return first, end


def group_offsets(admin: Admin, group: str) -> dict[TopicPartition, int]:
    """The committed offsets of a group, as an admin sees them; empty if the group does not exist."""
    answer = cast(Any, admin).list_group_offsets(group)
    found = answer.get(group, answer) if isinstance(answer, dict) else {}
    return {TopicPartition(at.topic, at.partition): meta.offset for at, meta in found.items() if meta.offset >= 0}
