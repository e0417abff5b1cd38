"""Lag judged by progress over a sliding window, as Burrow does it: nothing to tune, and a slow topic is no alarm. Pure.

The rules are Burrow's (LinkedIn, "Consumer Lag Evaluation Rules"), over samples of (committed, end) instead of commits:

1. Wherever in the window nothing waited, all is ok: the consumer had caught up.
2. If what is committed did not move while something waited all the time, the partition is stalled.
3. If it moved, but more waits at each sample than before, the consumer is too slow: warn.
4. If every partition of the group in which something waits is stalled, nobody commits anything: the group is stopped.

Taking samples, and keeping a transaction's marker from looking like a record, is sampling.py's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from .results import LAG_STATES, Lag, LagState, PartitionLag

WINDOW: Final = 10  # samples that are judged
FEWEST: Final = 3  # below, nothing is said about progress


class Point(NamedTuple):
    """One partition at one time. `end` is never before `committed`."""

    at_ms: int
    committed: int
    end: int

    @property
    def lag(self) -> int:
        return max(0, self.end - self.committed)


def judge(window: Sequence[Point]) -> LagState:
    """How one partition stands, from its samples, oldest first: ok, warn, stalled, or unknown if there are too few."""
    if any(point.lag == 0 for point in window):
        return "ok"
    if len(window) < FEWEST:
        return "unknown"
    if window[-1].committed <= window[0].committed:
        return "stalled"
    growing = all(later.lag >= earlier.lag for earlier, later in pairwise(window))
    return "warn" if growing and window[-1].lag > window[0].lag else "ok"


def waited_s(points: Sequence[Point], now_ms: int) -> float:
    """How long the first record that is not committed has been there at least, as far as the samples go back; 0 if none is.

    It was there once the end had passed it.
    """
    if not points or points[-1].lag == 0:
        return 0.0
    committed = points[-1].committed
    since_ms = next(point.at_ms for point in points if point.end > committed)
    return max(0, now_ms - since_ms) / 1000


def of_topic(group: str, topic: str, points: Mapping[int, Sequence[Point]], now_ms: int) -> Lag:
    """A group in one topic, from the samples of its partitions, oldest first: as bad as its worst partition."""
    rows = []
    for number, mine in sorted(points.items()):
        if mine:
            state, newest = judge(mine[-WINDOW:]), mine[-1]
            rows.append(PartitionLag(number, state, newest.committed, newest.end, waited_s(mine, now_ms)))
    states: list[LagState] = [row.state for row in rows]
    worst: LagState = max(states, key=LAG_STATES.index, default="unknown")
    records = sum(max(0, row.end - row.committed) for row in rows)
    return Lag(group, topic, worst, records, max((row.seconds for row in rows), default=0.0), tuple(rows))


def of_group(lags: Sequence[Lag]) -> list[Lag]:
    """The topics of one group: where something waits and nothing moves anywhere, the group is stopped, not a partition."""
    behind = [row for lag in lags for row in lag.partitions if row.end > row.committed]
    if not behind or any(row.state != "stalled" for row in behind):
        return list(lags)
    return [_stopped(lag) if lag.state == "stalled" else lag for lag in lags]


def _stopped(lag: Lag) -> Lag:
    rows = tuple(
        PartitionLag(row.partition, "stopped", row.committed, row.end, row.seconds) if row.state == "stalled" else row
        for row in lag.partitions
    )
    return Lag(lag.group, lag.topic, "stopped", lag.records, lag.seconds, rows)
