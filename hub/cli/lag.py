"""`enlace lag`: which consumers keep up, judged by progress (readmodel/lag.py)."""

from __future__ import annotations

import time
from dataclasses import asdict

from .output import JsonFlag, print_json, table
from .recorded import read_model
from .watching import WatchFlag, shown


def lag(watch: WatchFlag = False, as_json: JsonFlag = False) -> None:
    """Every consumer group and topic, worst first: is what waits being read, and for how long has it waited."""
    shown(lambda: _show(as_json), watch, as_json)


def _show(as_json: bool) -> None:
    from hub.readmodel.queries import lags

    with read_model() as connection:
        rows = lags(connection, time.time_ns() // 1_000_000)
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    columns = ("group", "topic", "state", "waiting", "for")
    table("Lag", columns, ((row.group, row.topic, row.state, row.records, _age(row.seconds)) for row in rows))


def _age(seconds: float) -> str:
    return "" if not seconds else f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"
