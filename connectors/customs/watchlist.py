"""Whom the border looks for: entries with an end date, from deliveries (SQL) or from a list of one's own (CSV).

An entry is found by document number, by full name and birth date together, both exact after normalisation
(connectors/formats/names.py), or by how alike names and birth date are (likeness.py). A name alone never finds anybody.
"""

from __future__ import annotations

import csv
import hashlib
import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field
from sqlalchemy import BigInteger, Column, Connection, Engine, LargeBinary, String, Table, Text, delete, insert, select

from connectors.formats.dates import precision
from connectors.formats.names import document_key, name_keys
from connectors.sdk import BadRecord, Deletion, Label, Provenance, Reference
from connectors.sdk.effects import metadata
from hub.model.base import Model, partial_date

from .likeness import Likeness, Named, Person, date_keys, likeness, person

Sought = Literal["suspect", "missing", "listed"]
By = Literal["document", "name-and-birth-date", "likeness"]

CSV_HEADER = ("document_number", "name", "birth_date")
CSV_MAX_ROWS = 1_000_000
CSV_MAX_BYTES = 256 << 20
UNREADABLE = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Entry:
    """One person looked for. `sought`: suspect or missing, as the alert says; listed, if the list is our own.

    `name_keys` and `documents` are normalised; `provenance` is the delivered alert that the entry rests on. `names` and
    `nationalities` (ISO alpha-2) are what likeness is judged by.
    """

    id: str
    sought: Sought
    name_keys: frozenset[str] = field(default=frozenset(), repr=False)
    birth_date: str | None = field(default=None, repr=False)
    documents: frozenset[str] = field(default=frozenset(), repr=False)
    until_ms: int | None = None
    provenance: Provenance | None = None
    names: tuple[Named, ...] = field(default=(), repr=False)
    nationalities: frozenset[str] = field(default=frozenset(), repr=False)

    @cached_property
    def person(self) -> Person:
        return person(self.names, self.birth_date, self.nationalities)


@dataclass(frozen=True)
class Match:
    """Why a person was found, and how alike the two are, if names and birth dates could be compared."""

    entry: Entry
    by: By
    likeness: Likeness | None = None


class Matching(Model):
    """From how many points of 100 (likeness.py) a likeness is a hit, and from how many a likely one.

    Names alone reach 65, names and nationality 70: no threshold may be so low that they would do.
    """

    hit_points: Annotated[int, Field(ge=75, le=100)] = 85
    likely_points: Annotated[int, Field(ge=75, le=100)] = 93


class WatchList:
    """Entries found by their keys, in memory: a passenger list is screened against what stood there when it began.

    Persons are compared only if their birth dates may agree and one of their words begins alike: of ten thousand entries,
    a passenger meets a handful.
    """

    def __init__(self, entries: Iterable[Entry], matching: Matching | None = None) -> None:
        self._matching = matching or Matching()
        self._by_document: dict[str, list[Entry]] = defaultdict(list)
        self._by_name: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._by_block: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in entries:
            for date_key in date_keys(entry.birth_date, entry=True):
                for block in entry.person.blocks:
                    self._by_block[date_key, block].append(entry)
            for document in entry.documents:
                self._by_document[document].append(entry)
            if entry.birth_date and precision(entry.birth_date) == "day":
                for key in entry.name_keys:
                    self._by_name[key, entry.birth_date].append(entry)

    def matches(
        self,
        documents: Iterable[str | None],
        names: frozenset[str],
        birth_date: str | None,
        now_ms: int,
        traveller: Person | None = None,
    ) -> list[Match]:
        """Every entry that is this person, or is like `traveller`, and has not ended, each once, by document first."""
        found: dict[str, Match] = {}
        for number in documents:
            for entry in self._by_document.get(document_key(number) or "", ()):
                found.setdefault(entry.id, self._match(entry, "document", traveller))
        if birth_date and precision(birth_date) == "day":
            for key in names:
                for entry in self._by_name.get((key, birth_date), ()):
                    found.setdefault(entry.id, self._match(entry, "name-and-birth-date", traveller))
        for match in self._alike(traveller) if traveller else ():
            found.setdefault(match.entry.id, match)
        return [
            match for _, match in sorted(found.items()) if match.entry.until_ms is None or match.entry.until_ms > now_ms
        ]

    def is_likely(self, match: Match) -> bool:
        """Whether a hit by likeness is more than a possible one."""
        return match.likeness is not None and match.likeness.points >= self._matching.likely_points

    def _match(self, entry: Entry, by: By, traveller: Person | None) -> Match:
        return Match(entry, by, likeness(traveller, entry.person) if traveller else None)

    def _alike(self, traveller: Person) -> Iterator[Match]:
        blocks, met = traveller.blocks, set[str]()
        for date_key in date_keys(traveller.birth_date, entry=False):
            for block in blocks:
                for entry in self._by_block.get((date_key, block), ()):
                    if entry.id not in met:
                        met.add(entry.id)
                        match = self._match(entry, "likeness", traveller)
                        if match.likeness is not None and match.likeness.points >= self._matching.hit_points:
                            yield match


entries = Table(
    "watch_entry",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("alert", String(36), nullable=False, index=True),
    Column("revision", BigInteger, nullable=False),
    Column("sought", String(10), nullable=False),
    Column("name_keys", Text, nullable=False),
    Column("birth_date", String(10)),
    Column("documents", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("label", Text, nullable=False),
    Column("releasable_to", Text, nullable=False),
    Column("names", Text, nullable=False),
    Column("nationalities", Text, nullable=False),
)

# One row for each alert with entries: the delivery that brought them, and until when all of them are kept.
listings = Table(
    "watch_listing",
    metadata,
    Column("alert", String(36), primary_key=True),
    Column("delivery", LargeBinary(16), nullable=False),
    Column("until_ms", BigInteger, nullable=False, index=True),
)
EXPIRED_AT_ONCE: Final = 500


def replace(connection: Connection, alert: str, delivery: bytes, new: Iterable[Entry]) -> int:
    """All entries of an alert, in place of those that it had; how many there are now."""
    for table in (entries, listings):
        connection.execute(delete(table).where(table.c.alert == alert))
    rows = [_row(entry) for entry in new]
    if rows:
        connection.execute(insert(entries), rows)
        until_ms = max(row["until_ms"] for row in rows)
        connection.execute(insert(listings).values(alert=alert, delivery=delivery, until_ms=until_ms))
    return len(rows)


def expire(connection: Connection, now_ms: int) -> list[Deletion]:
    """Deletes the entries that have ended; tells of EXPIRED_AT_ONCE alerts, of the others when it is called again."""
    connection.execute(delete(entries).where(entries.c.until_ms <= now_ms))
    ended = select(listings.c.alert, listings.c.delivery).where(listings.c.until_ms <= now_ms)
    found = connection.execute(ended.order_by(listings.c.until_ms).limit(EXPIRED_AT_ONCE)).all()
    for alert, _ in found:
        connection.execute(delete(listings).where(listings.c.alert == alert))
    return [Deletion(bytes(delivery), uuid.UUID(alert), now_ms) for alert, delivery in found]


def load(engine: Engine, now_ms: int) -> Iterator[Entry]:
    """The entries that have not ended."""
    with engine.connect() as connection:
        for row in connection.execute(select(entries).where(entries.c.until_ms > now_ms)):
            reference = Reference(alert=row.alert, revision=row.revision)
            yield Entry(
                id=row.id,
                sought=row.sought,
                name_keys=frozenset(row.name_keys.split("\n")) - {""},
                birth_date=row.birth_date,
                documents=frozenset(row.documents.split("\n")) - {""},
                until_ms=row.until_ms,
                provenance=Provenance(
                    reference, Label.model_validate_json(row.label), tuple(row.releasable_to.split())
                ),
                names=tuple(Named(*parts) for parts in json.loads(row.names)),
                nationalities=frozenset(row.nationalities.split()),
            )


def _row(entry: Entry) -> dict[str, Any]:
    assert entry.provenance is not None and entry.until_ms is not None
    return {
        "id": entry.id,
        "alert": str(entry.provenance.reference.alert),
        "revision": entry.provenance.reference.revision,
        "sought": entry.sought,
        "name_keys": "\n".join(sorted(entry.name_keys)),
        "birth_date": entry.birth_date,
        "documents": "\n".join(sorted(entry.documents)),
        "until_ms": entry.until_ms,
        "label": entry.provenance.label.model_dump_json(by_alias=True),
        "releasable_to": " ".join(entry.provenance.releasable_to),
        "names": json.dumps([(name.family, name.given, name.full) for name in entry.names], ensure_ascii=False),
        "nationalities": " ".join(sorted(entry.nationalities)),
    }


def read_csv(path: Path) -> Iterator[Entry | BadRecord]:
    """A list of one's own: UTF-8 CSV with the header `document_number,name,birth_date` (YYYY-MM-DD).

    A row needs a document number, or a name with a whole birth date; every other row is a BadRecord. Raises OSError.
    """
    if path.stat().st_size > CSV_MAX_BYTES:
        yield BadRecord(path.name, f"the list is over {CSV_MAX_BYTES} bytes: it was not read")
        return
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file)
        header = tuple(cell.strip().lower() for cell in next(reader, ()))
        if header[: len(CSV_HEADER)] != CSV_HEADER:
            yield BadRecord(path.name, f"the header must be {','.join(CSV_HEADER)}", line=1)
            return
        rows = enumerate(reader, start=2)
        while True:
            try:
                number, row = next(rows)
            except StopIteration:
                return
            except csv.Error:
                yield BadRecord(path.name, "not a row of CSV", line=reader.line_num)
                continue
            if number > CSV_MAX_ROWS:
                yield BadRecord(path.name, f"more than {CSV_MAX_ROWS} rows: the rest was not read", line=number)
                return
            if any(cell.strip() for cell in row):
                yield _csv_entry(path.name, reader.line_num, row)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _csv_entry(file: str, line: int, row: list[str]) -> Entry | BadRecord:
    number, name, birth_date = ([cell.strip() for cell in row] + ["", "", ""])[:3]
    if any("\n" in cell or "\r" in cell for cell in row):
        return BadRecord(file, "a line break stands inside a value: is a quote not closed?", line=line)
    if any(UNREADABLE in cell for cell in row):
        return BadRecord(file, "not UTF-8: save the list as UTF-8", line=line)
    try:
        whole = bool(birth_date) and precision(partial_date(birth_date)) == "day"
    except ValueError:
        return BadRecord(file, "a birth date is written YYYY-MM-DD, YYYY-MM or YYYY", line=line, field="birth_date")
    document, keys = document_key(number or None), name_keys(name or None)
    if document is None and not (keys and whole):
        return BadRecord(file, "an entry needs a document number, or a name and a whole birth date", line=line)
    return Entry(
        id=f"own/{_digest(document or '', *sorted(keys), birth_date)}",  # a row keeps it wherever it stands
        sought="listed",
        name_keys=keys,
        birth_date=birth_date or None,
        documents=frozenset({document} if document else ()),
        names=(Named(full=name),) if name else (),
    )
