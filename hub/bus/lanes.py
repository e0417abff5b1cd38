"""Lanes: a router reads a partition number of all routed topics, or of none. Pure; for every Bus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set

from hub.bus.bus import Indefinite, Record, Restore, TopicPartition, Torn

Offsets = Mapping[TopicPartition, int]
Table = Iterator[tuple[TopicPartition, Record]]


def whole_lanes(assigned: Iterable[TopicPartition], topics: Set[str]) -> set[int]:
    """The partition numbers that are assigned of each of `topics`.

    While a new topic is taken in, members that have not heard of it yet leave all of it to those that have. So a lane
    may be broken for a moment: it waits for the next assignment. One that stays broken is a mistake in the set-up.
    """
    of_lane: dict[int, set[str]] = {}
    for topic, partition in assigned:
        of_lane.setdefault(partition, set()).add(topic)
    return {lane for lane, found in of_lane.items() if found >= topics}


def lanes(partitions: Iterable[TopicPartition]) -> list[int]:
    """The partition numbers that occur, in order."""
    return sorted({at.partition for at in partitions})


def restore_whole(
    partitions: Set[TopicPartition],
    next_offsets: Callable[[Set[TopicPartition]], Offsets],
    table: Callable[[list[int]], Table],
    restore: Restore,
    stop: Callable[[TopicPartition, str], None],
) -> Offsets:
    """Restores the lanes of `partitions` until offsets and state fit. Returns where each is to be read on.

    The offsets are read first, then the state. What is torn is read again, both parts of it; a lane that is torn in the
    same way twice is stopped, each of its partitions, and the others go on without it. Raises Indefinite if offsets and
    state keep moving.
    """
    wanted = set(partitions)
    tears: dict[int | None, str] = {}
    for _ in range(2 * len(lanes(partitions)) + 4):
        offsets = next_offsets(wanted)
        try:
            restore(offsets, table(lanes(offsets)))
        except Torn as tear:
            if tears.get(tear.lane) == str(tear):
                torn = {at for at in wanted if tear.lane in (None, at.partition)}
                for at in sorted(torn):
                    stop(at, str(tear))
                wanted -= torn
            tears[tear.lane] = str(tear)
        else:
            return offsets
    raise Indefinite("offsets and state keep moving: another owner is at work")


def nothing_to_restore(_offsets: Offsets, _table: Table, /) -> None:
    """For a bus without state."""
