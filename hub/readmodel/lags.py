"""How consumer groups stand, from the recorder's samples. The judging is lag.py's. See queries.py."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Final

from sqlalchemy import Connection, select

from .lag import Point, of_group, of_topic
from .results import LAG_STATES, Lag
from .tables import Sample

LOOK_BACK_MS: Final = 1_800_000  # how far back the age of what waits is looked for
ROWS_MAX: Final = 8_000


def lags(connection: Connection, now_ms: int) -> tuple[Lag, ...]:
    """Every group in every topic that it reads, worst first."""
    rows = connection.execute(
        select(Sample.at_ms, Sample.consumer_group, Sample.body)
        .where(Sample.at_ms > now_ms - LOOK_BACK_MS, Sample.at_ms <= now_ms)
        .order_by(Sample.at_ms.desc())
        .limit(ROWS_MAX)
    ).all()
    points: dict[str, dict[str, dict[int, list[Point]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for at_ms, group, body in reversed(rows):
        for topic, partitions in json.loads(body).items():
            for number, (committed, end) in partitions.items():
                points[group][topic][int(number)].append(Point(at_ms, committed, end))
    found = []
    for group, topics in points.items():
        found += of_group([of_topic(group, topic, mine, now_ms) for topic, mine in topics.items()])
    return tuple(sorted(found, key=lambda lag: (-LAG_STATES.index(lag.state), -lag.seconds, lag.topic, lag.group)))
