"""UNODC ROPAN: statistics out, as files for the regional office; no record of a person, ever.

A delivery that carries anything but statistics is refused whole, whatever the guidelines said: here is the last place where a
mistake of theirs can be stopped. So is a count under the threshold that the statistics themselves name.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, Final

from sqlalchemy import Column, Connection, MetaData, String, Table, delete, insert, select
from sqlalchemy.exc import OperationalError

from connectors.formats.tabular_write import Unwritable
from connectors.sdk import Connector, Delivery, Effect, Rejected, Transient
from connectors.sdk.effects import effects, once, open_engine
from hub.model.core import Core
from hub.model.sections import Statistics

from . import table, trial
from .options import UnodcOptions

MEMORY: Final = ".received.db"
MAX_DESCRIPTION_BYTES: Final = 1 << 20
metadata = MetaData()
files = Table(
    "statistics_file",
    metadata,
    Column("name", String(300), primary_key=True),
    Column("alert", String(36), nullable=False, index=True),  # the one whose figures stand in it
)


class StatisticsSink:
    """Releases become files, withdrawals put a notice in their place."""

    def __init__(self, options: UnodcOptions) -> None:
        """Raises ValueError if there is no such folder."""
        if not options.folder.is_dir():
            raise ValueError(f"{options.folder}: no such folder")
        self._options = options
        self._engine = open_engine(f"sqlite:///{options.folder / MEMORY}")
        try:
            effects.create(self._engine, checkfirst=True)
            metadata.create_all(self._engine)
        except OperationalError as error:
            raise Transient(type(error).__name__) from None

    def check(self) -> None:
        """Whether the folder can be written. Raises Transient."""
        if not os.access(self._options.folder, os.W_OK):
            raise Transient("the folder cannot be written")

    def deliver(self, delivery: Delivery) -> Effect:
        """Raises Rejected for whatever is not statistics, Transient if the folder cannot be written."""
        now_ms = time.time_ns() // 1_000_000
        return once(self._engine, delivery, now_ms, lambda connection: self._take(connection, delivery))

    def close(self) -> None:
        self._engine.dispose()

    def _take(self, connection: Connection, delivery: Delivery) -> Effect:
        record = delivery.record
        alert = str(record.alert)
        if record.kind == "withdrawal":
            names = connection.execute(select(files.c.name).where(files.c.alert == alert)).scalars().all()
            for name in names:
                self._write(table.withdrawn(name, self._described(name), delivery))
            connection.execute(delete(files).where(files.c.alert == alert))
            return Effect(reference=f"{len(names)} withdrawn")
        if record.kind != "release" or record.view is None:
            return Effect(reference="noted")
        core = record.view.core
        found = acceptable(delivery, core, self._options.least_k)
        try:
            made = table.released(delivery, core, found)
        except Unwritable:
            raise Rejected("cannot-be-written") from None
        former = select(files.c.name).where(files.c.alert == alert, files.c.name != made.name)
        for name in connection.execute(former).scalars().all():  # the alert told of another period before
            self._write(table.withdrawn(name, self._described(name), delivery))
        self._write(made)
        connection.execute(delete(files).where((files.c.alert == alert) | (files.c.name == made.name)))
        connection.execute(insert(files).values(name=made.name, alert=alert))
        return Effect(reference=made.name)

    def _write(self, made: table.Files) -> None:
        """Each file whole or not at all; written again after a crash, it is the same file. The table comes last, so that
        nobody takes figures by a description that is not theirs for longer than a moment."""
        try:
            for ending, data in ((".json", made.description), (".csv", made.table)):
                part = self._options.folder / f".{made.name}{ending}.part"
                with part.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(self._options.folder / f"{made.name}{ending}")
        except OSError as error:
            raise Transient(type(error).__name__) from None

    def _described(self, name: str) -> dict[str, Any]:
        """What stands beside a table; nothing if somebody took it away."""
        try:
            with (self._options.folder / f"{name}.json").open("rb") as file:
                found = json.loads(file.read(MAX_DESCRIPTION_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def acceptable(delivery: Delivery, core: Core, least_k: int) -> list[Statistics]:
    """The statistics of a release. Raises Rejected if it carries anything else, or less than it may."""
    if any(content.category != "statistics" for content in delivery.contents):
        raise Rejected("not-statistics-only")
    found = [each.content for each in delivery.contents if isinstance(each.content, Statistics)]
    if not found:
        raise Rejected("no-statistics")
    if core.label.exercise != "none":
        raise Rejected("exercise")
    if "statistics" not in core.label.purposes:
        raise Rejected("not-for-statistics")
    if any(each.threshold < least_k for each in found):
        raise Rejected("threshold-too-low")
    if any(cell.count and cell.count < each.threshold for each in found for cell in each.cells):
        raise Rejected("under-threshold")
    return found


CONNECTOR = Connector(
    name="unodc-ropan",
    agency="unodc-ropan",
    title="UNODC ROPAN: statistics (CSV with a description), no record of a person",
    options=UnodcOptions,
    sink=StatisticsSink,
    trial=trial.folder_of_files,
)
