"""Autoridad Nacional de Aduanas: passenger lists in, screened; deliveries on wanted and missing persons to the watch list.

Lists that do not hit never leave this process: nothing of them is published, logged or kept.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import Field
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from sqlalchemy import Connection

from connectors.formats import paxlst
from connectors.formats.passenger_list import FileNote, Item, Message, MessageEnd, Passenger
from connectors.formats.records import REASONS
from connectors.formats.records import BadRecord as Damage
from connectors.sdk import Alert, BadRecord, Cancel, Connector, Deletion, Delivery, Effect, Options, Read
from connectors.sdk.effects import expired, metadata, once, open_engine, receipted
from connectors.transports.files import Files

from . import listing, trial, watchlist
from .screening import PassengerList, Rules, screen

DAY_MS: Final = 86_400_000
NOT_TRAVELLING: Final = ("cancel", "reduction", "flight-cancel")


class CustomsOptions(Options):
    files: tuple[Path, ...] = Field((), description="PAXLST files")
    folder: Path | None = Field(None, description="a folder into which such files are put")
    watchlist: Path | None = Field(None, description="a list of one's own: CSV document_number,name,birth_date")
    database: str | None = Field(None, description="the watch list's database, as an SQLAlchemy URL")
    rules: Path | None = Field(None, description="the profile's screening rules (YAML)")


class BadOptions(ValueError):
    """An option's file cannot be used."""


class CustomsSource:
    """Passenger lists of files, each screened as a whole against the watch list as it stands when the list is read."""

    def __init__(self, options: CustomsOptions) -> None:
        self._options = options
        self._files = Files(options.files, options.folder)
        self._rules = load_rules(options.rules)
        self._own: list[watchlist.Entry] = []
        self._own_mark = ""
        self._watch = watchlist.WatchList((), self._rules.matching)
        self._engine = open_engine(options.database) if options.database else None
        if self._engine is not None:
            metadata.create_all(self._engine)

    def read(self, after: str | None) -> Iterator[Read[PassengerList | None] | BadRecord]:
        yield from self._own_list()
        today = datetime.now(UTC).date()
        for taken in self._files.taken(after):
            yield from self._own_list()
            self._watch = watchlist.WatchList([*self._own, *self._delivered()], self._rules.matching)
            number = 0
            with taken.path.open("rb") as stream:
                for number, item in enumerate(self._lists(paxlst.read(stream, today=today), taken.path.name), start=1):
                    if number <= taken.skip:
                        continue
                    yield _at(item, taken.position(number))
            yield Read(None, taken.position(number, end=True), file=taken.path.name, records=0, settle=True)

    def alerts(self, native: PassengerList | None) -> Iterable[Alert | Cancel]:
        if native is None:
            return
        now_ms = time.time_ns() // 1_000_000
        for alert in screen(native, self._watch, self._rules, now_ms):
            yield Cancel(alert.key) if native.message.action in NOT_TRAVELLING else alert

    def settled(self, position: str) -> None:
        self._files.settled(position)

    def _own_list(self) -> Iterator[BadRecord]:
        """Reads the agency's own list, if it was written since."""
        path = self._options.watchlist
        if path is None:
            return
        try:
            found = path.stat()
            mark = f"{found.st_size}-{found.st_mtime_ns}"
            if mark == self._own_mark:
                return
            read = list(watchlist.read_csv(path))
        except OSError:  # without it everybody would pass
            raise BadOptions(f"{path.name}: the watch list cannot be read") from None
        self._own = [entry for entry in read if isinstance(entry, watchlist.Entry)]
        self._own_mark = mark
        yield from (entry for entry in read if isinstance(entry, BadRecord))

    def _delivered(self) -> Iterable[watchlist.Entry]:
        return watchlist.load(self._engine, time.time_ns() // 1_000_000) if self._engine else ()

    def _lists(self, items: Iterable[Item], file: str) -> Iterator[Read[PassengerList | None] | BadRecord]:
        """Persons gathered by message. What is bad or noted passes in its place."""
        gathered: list[Passenger] = []
        for item in items:
            match item:
                case Passenger():
                    gathered.append(item)
                    yield from _noted(item, file)
                case MessageEnd(message=message):
                    yield from _message_noted(message, item, file)
                    yield _list(message, gathered, file)
                    gathered = []
                case Damage():
                    yield _damaged(item, file)
                case FileNote(note=note, line=line):
                    yield _warning(file, note.code, note.field, line, note.segment)
        if gathered:
            yield _list(gathered[0].message, gathered, file)


def _list(message: Message, passengers: Sequence[Passenger], file: str) -> Read[PassengerList | None]:
    return Read(PassengerList(message, tuple(passengers)), "", file=file, records=len(passengers))


def _at(item: Read[PassengerList | None] | BadRecord, position: str) -> Read[PassengerList | None] | BadRecord:
    if isinstance(item, BadRecord):
        return BadRecord(**{**vars(item), "position": position})
    return Read(item.native, position, item.file, item.line, item.segment, item.records)


def _damaged(damage: Damage, file: str) -> BadRecord:
    field = damage.field or damage.tag
    return BadRecord(file, damage.reason, line=damage.line, segment=damage.segment, field=field, code=damage.code)


def _noted(passenger: Passenger, file: str) -> Iterator[BadRecord]:
    for note in passenger.notes:
        yield _warning(file, note.code, note.field, passenger.position.line, note.segment or passenger.position.segment)


def _message_noted(message: Message, end: MessageEnd, file: str) -> Iterator[BadRecord]:
    for note in (*message.notes, *end.notes):
        if note.code not in REASONS:  # those are reported as bad where they stand
            yield _warning(file, note.code, note.field, None, note.segment)


def _warning(file: str, code: str, field: str, line: int | None, segment: int | None) -> BadRecord:
    return BadRecord(file, code.replace("-", " "), line=line, segment=segment, field=field, code=code, level="warning")


def load_rules(path: Path | None) -> Rules:
    """The profile's screening rules; without a file, the defaults and no routes. Raises BadOptions."""
    if path is None:
        return Rules()
    try:
        return Rules.model_validate(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, YAMLError) as error:
        raise BadOptions(f"{path.name}: not screening rules ({type(error).__name__})") from None


class WatchListSink:
    """Deliveries become entries, updates replace them, withdrawals and their end take them away."""

    def __init__(self, options: CustomsOptions) -> None:
        if options.database is None:
            raise BadOptions("the watch list needs a database")
        self._engine = open_engine(options.database)
        metadata.create_all(self._engine)

    def deliver(self, delivery: Delivery) -> Effect:
        now_ms = time.time_ns() // 1_000_000

        def take(connection: Connection) -> Effect:
            return listing.take(connection, delivery)

        return once(self._engine, delivery, now_ms, take)

    def housekeeping(self, now_ms: int) -> Sequence[Deletion]:
        """Deletes the entries that have ended. Raises Transient."""
        return expired(self._engine, lambda connection: watchlist.expire(connection, now_ms))

    def receipted(self, deletions: Sequence[Deletion]) -> None:
        """Raises Transient."""
        receipted(self._engine, deletions)

    def close(self) -> None:
        self._engine.dispose()


def _options_of_files(paths: Sequence[Path], own_list: Path | None) -> CustomsOptions:
    return CustomsOptions(files=tuple(paths), watchlist=own_list)


CONNECTOR = Connector(
    name="customs",
    agency="customs",
    title="Autoridad Nacional de Aduanas: passenger lists (PAXLST) screened; watch list (SQL)",
    options=CustomsOptions,
    source=CustomsSource,
    sink=WatchListSink,
    files=_options_of_files,
    trial=lambda folder: trial.lists(folder, CustomsOptions),
)
