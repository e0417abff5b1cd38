"""Comisión Nacional contra la Trata de Personas: reports of the hotline and of assistance in, the victim unit's register out;
and, as a connector of its own, statistics out (statistics.py).

What is released to the Commission is released to its victim unit: whoever runs this gives the register to nobody else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from connectors.sdk import Connector, Deletion, Delivery, Effect, Transient
from connectors.sdk.effects import expired, once, open_engine, receipted
from connectors.transports.files import Files

from . import caveats, trial
from .options import CommissionOptions
from .register import Register
from .reports import ReportSource
from .statistics import StatisticsOptions, StatisticsSource


def report_source(options: CommissionOptions) -> ReportSource:
    """Raises NoFolder."""
    return ReportSource(Files(options.files, options.folder, options.quiet_s, options.complete), options.folder)


class RegisterSink:
    """Deliveries into the register; what may not be kept longer is taken out of it."""

    def __init__(self, options: CommissionOptions, now_ms: Callable[[], int] | None = None) -> None:
        """Raises ValueError for a bad address or file, Transient."""
        if options.database is None:
            raise ValueError("the register needs a database: give its address as `database`")
        self._now_ms = now_ms or _clock_ms
        self._engine: Engine = open_engine(options.database)
        words = caveats.load(options.caveats)
        try:
            self._register = Register(self._engine, words)
        except OperationalError as error:
            raise Transient(type(error).__name__) from None

    def check(self) -> None:
        """Reaches the database. Raises Transient."""
        try:
            self._engine.connect().close()
        except OperationalError as error:
            raise Transient(type(error).__name__) from None

    def deliver(self, delivery: Delivery) -> Effect:
        now_ms = self._now_ms()
        return once(
            self._engine, delivery, now_ms, lambda connection: self._register.take(connection, delivery, now_ms)
        )

    def housekeeping(self, now_ms: int) -> Sequence[Deletion]:
        """Takes out the cases whose retention has ended. Raises Transient."""
        return expired(self._engine, lambda connection: self._register.expire(connection, now_ms))

    def receipted(self, deletions: Sequence[Deletion]) -> None:
        """Raises Transient."""
        receipted(self._engine, deletions)

    def close(self) -> None:
        self._engine.dispose()


def _clock_ms() -> int:
    return time.time_ns() // 1_000_000


def _options_of_files(paths: Sequence[Path], watchlist: Path | None) -> CommissionOptions:
    _no_watch_list(watchlist)
    return CommissionOptions(files=tuple(paths))


def _statistics_of_files(paths: Sequence[Path], watchlist: Path | None) -> StatisticsOptions:
    """As a first release would be: nothing is remembered."""
    _no_watch_list(watchlist)
    return StatisticsOptions(files=tuple(paths), database="sqlite://")


def _no_watch_list(watchlist: Path | None) -> None:
    if watchlist is not None:
        raise ValueError("this connector screens nothing and takes no watch list")


CONNECTOR = Connector(
    name="commission",
    agency="commission",
    title="Comisión Nacional contra la Trata de Personas: reports (form, CSV, xlsx); victim unit's register (SQL)",
    options=CommissionOptions,
    source=report_source,
    sink=RegisterSink,
    files=_options_of_files,
    trial=trial.reports,
)
STATISTICS = Connector(
    name="commission-statistics",
    agency="commission",
    title="Comisión Nacional contra la Trata de Personas: statistics of closed cases, protected before release",
    options=StatisticsOptions,
    source=StatisticsSource,
    files=_statistics_of_files,
    trial=trial.statistics,
)
