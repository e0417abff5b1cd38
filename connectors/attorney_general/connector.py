"""Procuraduría General de la Nación: persons sought and outcomes from the case database; deliveries into the case inbox."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import Field
from sqlalchemy.exc import OperationalError

from connectors.sdk import Connector, Delivery, Effect, Options, Transient
from connectors.sdk.effects import once, open_engine
from connectors.sdk.terms import load_words

from . import trial
from .cases import CaseOptions, CaseSource
from .inbox import Inbox

SQLITE: Final = b"SQLite format 3\0"  # how such a file begins (https://www.sqlite.org/fileformat.html, 1.3)


class InboxOptions(Options):
    database: str | None = Field(
        None,
        description="Where the case inbox is, as an SQLAlchemy URL, as in sqlite:///inbox.db or postgresql+psycopg://...; "
        "needed to run",
    )
    profile: Path | None = Field(None, description="the profile's folder: the words of what a delivery obliges to")
    cases: CaseOptions | None = Field(None, description="the case database; without it nothing is published")


class InboxSink:
    def __init__(self, options: InboxOptions) -> None:
        """Raises ValueError for a bad address or profile."""
        if options.database is None:
            raise ValueError("the inbox needs a database: give its address as `database`")
        self._engine = open_engine(options.database)
        self._inbox = Inbox(self._engine, load_words(options.profile))

    def check(self) -> None:
        """Reaches the database. Raises Transient."""
        try:
            self._engine.connect().close()
        except OperationalError as error:
            raise Transient(type(error).__name__) from None

    def deliver(self, delivery: Delivery) -> Effect:
        now_ms = time.time_ns() // 1_000_000
        return once(self._engine, delivery, now_ms, lambda connection: self._inbox.take(connection, delivery))

    def close(self) -> None:
        self._engine.dispose()


def _source(options: InboxOptions) -> CaseSource:
    return CaseSource(options.cases)


def _options_of_files(paths: Sequence[Path], watchlist: Path | None) -> InboxOptions:
    """A case database in a file (SQLite)."""
    if watchlist is not None:
        raise ValueError("this connector screens nothing and takes no watch list")
    if len(paths) != 1 or not _is_sqlite(paths[0]):
        raise ValueError("this connector reads no files but one: a SQLite database with the view enlace_casos")
    return InboxOptions(cases=CaseOptions.model_validate({"database": f"sqlite:///{paths[0]}"}))


def _is_sqlite(path: Path) -> bool:
    """Looked at first: SQLite would make an empty database of a name that is not there."""
    try:
        with path.open("rb") as file:
            return file.read(len(SQLITE)) == SQLITE
    except OSError:
        return False


CONNECTOR = Connector(
    name="attorney-general",
    agency="attorney-general",
    title="Procuraduría General de la Nación: case database (SQL); case inbox (SQL)",
    options=InboxOptions,
    source=_source,
    sink=InboxSink,
    files=_options_of_files,
    trial=lambda folder: trial.cases(folder, InboxOptions),
)
