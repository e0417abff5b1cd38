"""Which partitions are not read, and why: what an operator must know, said once. Pure, but for the clock it is given."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType

from hub.bus.bus import TopicPartition
from hub.bus.lanes import lanes, whole_lanes

Alarm = Callable[[str], None]

TRIES = 3  # of a partition that cannot be read
BROKEN_LANE_S = 30.0  # a new topic is noticed by all members well within this
ASK_ANEW_S = 12.0  # ... and by the one that assigns, who asks for topics every ten seconds
LONGEST_ASK_S = 300.0

_BROKEN = "its lane is not assigned whole"


def nobody(_alarm: str) -> None:
    """Nobody listens."""


class Stops:
    """The partitions of one member that stay paused while the others go on."""

    def __init__(self, on_alarm: Alarm, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._on_alarm = on_alarm
        self._clock_s = clock_s
        self._stopped: dict[TopicPartition, str] = {}
        self._alarmed: dict[TopicPartition, str] = {}
        self._failures: dict[TopicPartition, tuple[int, int]] = {}  # at which offset, how often
        self._broken_since_s: float | None = None
        self._ask_s: float | None = None  # when the group is to be asked for another assignment
        self._pause_s = ASK_ANEW_S

    @property
    def stopped(self) -> Mapping[TopicPartition, str]:
        return MappingProxyType(self._stopped)

    def stop(self, at: TopicPartition, why: str) -> None:
        """`at` is not read until it is assigned again, and whatever is wrong is mended."""
        self._stopped[at] = why
        if self._alarmed.get(at) != why:
            self._alarmed[at] = why
            self._on_alarm(f"{at.topic}-{at.partition} is not read: {why}")

    def failed(self, at: TopicPartition, offset: int, why: str) -> None:
        """Reading `at` failed at `offset`. The third time it stays stopped, as long as this process runs."""
        before, tries = self._failures.get(at, (offset, 0))
        tries = tries + 1 if before == offset else 1
        self._failures[at] = (offset, tries)
        if tries >= TRIES:
            self.stop(at, f"{why} (tried {tries} times)")

    def readable(self, assigned: AbstractSet[TopicPartition], topics: AbstractSet[str]) -> set[TopicPartition]:
        """What of a new assignment is to be read: whole lanes, without the partitions that failed for good."""
        failed = {at for at, (_, tries) in self._failures.items() if tries >= TRIES}
        whole = whole_lanes(assigned, topics)
        broken = {at for at in assigned if at.partition not in whole}
        self._stopped = {at: why for at, why in self._stopped.items() if at in failed & assigned}
        self._stopped |= dict.fromkeys(broken, _BROKEN)
        self._broken_since_s = (self._broken_since_s or self._clock_s()) if broken else None
        if not broken:
            self._ask_s, self._pause_s = None, ASK_ANEW_S
        elif self._ask_s is None:
            self._ask_s = self._clock_s() + self._pause_s
        return set(assigned) - broken - failed

    def remind(self) -> None:
        """An alarm once lanes have been broken for too long to be a new topic that is being taken in."""
        if self._broken_since_s is None or self._clock_s() - self._broken_since_s < BROKEN_LANE_S:
            return
        self._broken_since_s = self._clock_s()
        broken = lanes(at for at, why in self._stopped.items() if why == _BROKEN)
        self._on_alarm(
            f"lanes {broken} are not read: topics differ in their number of partitions, or a topic is left out"
        )

    def must_ask_anew(self) -> bool:
        """Whether the group should be asked to assign again: a lane stays broken. Now and then, later each time.

        A broker gives a member that starts again in its slot the assignment that the slot had, without asking who assigns. If
        a topic was left out of that one, since its metadata was not complete just then, nothing else would ever mend it.
        """
        if self._ask_s is None or self._clock_s() < self._ask_s:
            return False
        self._pause_s = min(2 * self._pause_s, LONGEST_ASK_S)
        self._ask_s = self._clock_s() + self._pause_s
        return True
