"""A history recorded to its end, and the rows that came of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from sqlalchemy import Engine, select

from hub.readmodel.tables import DERIVED
from hub.recorder import Recorder
from tests.guidelines.published import FIRST_KEYS
from tests.readmodel.history import History, MemoryReading


def recorder_of(
    history: History, engine: Engine, *, chunk: int = 1_000, order: Sequence[str] = (), batch_records: int = 10_000
) -> Recorder:
    """A recorder whose clock goes on by two seconds each time that it is asked."""
    clock = count(0, 2)
    return Recorder(
        lambda: MemoryReading(history, chunk, order),
        engine,
        keys_of_first=FIRST_KEYS,
        batch_records=batch_records,
        clock_s=lambda: float(next(clock)),
    )


def record_all(history: History, engine: Engine, **options: Any) -> Recorder:
    """Records to the end, and looks at what is missing as often as it takes to be sure."""
    recorder = recorder_of(history, engine, **options)
    while recorder.step(0):
        pass
    for _ in range(3):
        recorder.step(0)
    recorder.close()
    return recorder


def rows_of(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of what stands on the topics, by table, in one order."""
    with engine.connect() as connection:
        return {
            table.__tablename__: sorted(
                (
                    tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
                    for row in connection.execute(select(table.__table__))
                ),
                key=repr,
            )
            for table in DERIVED
        }
