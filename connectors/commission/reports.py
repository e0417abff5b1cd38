"""Reports of the hotline and of the assistance register in, alerts out: each file by the mapping file that fits it.

A file whose first character is `{` is the form's JSON lines (form.yaml); of a table the headings tell whether it is the line's
register (hotline.yaml) or the assistance register (assistance.yaml). How bytes become records is connectors/generic's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from connectors.formats.tabular import Table, TableRefused
from connectors.generic.json_lines import JsonLinesOptions, JsonLinesSource
from connectors.generic.table import TableOptions, TableSource
from connectors.sdk import Alert, BadRecord, Cancel, Note, Read
from connectors.sdk.mapping import Mapping as MappingOfRecords
from connectors.sdk.mapping import load_mapping
from connectors.transports.files import Files

from .parts import parted, unparted

Kind = Literal["form", "hotline", "assistance"]
TABLES: Final[tuple[Kind, ...]] = ("hotline", "assistance")
CORRECTED: Final = ("correccion", "estado")  # of the form: one that replaces an earlier one
YES: Final = frozenset({"si", "sí", "true", "corregido"})
LOOKED_AT_BYTES: Final = 4096


def mapping_path(kind: Kind) -> Path:
    return Path(__file__).with_name(f"{kind}.yaml")


@cache
def mapping_of(kind: Kind) -> MappingOfRecords:
    return load_mapping(mapping_path(kind))


@dataclass(frozen=True)
class Report:
    """One record of a file, and of which kind."""

    kind: Kind
    values: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Report({self.kind})"


class ReportSource:
    """Reports of files, one alert each, or several where victims must stand apart (parts.py)."""

    def __init__(self, files: Files, folder: Path | None = None) -> None:
        self._files = files
        self._folder = folder

    def check(self) -> None:
        """Looks at the folder. Raises OSError."""
        if self._folder is not None:
            next(self._folder.iterdir(), None)

    def read(self, after: str | None) -> Iterator[Read[Report | None] | BadRecord]:
        for taken in self._files.taken(after):
            yield from self._files.troubles()
            number, name = 0, taken.path.name
            for number, item in enumerate(_records(taken.path), start=1):
                if number > taken.skip:
                    yield replace(item, position=taken.position(number), file=name)
            yield Read(None, taken.position(number, end=True), file=name, records=0, settle=True)
        yield from self._files.troubles()

    def alerts(self, native: Report | None) -> Iterable[Alert | Cancel | Note]:
        if native is None:
            return
        for each in mapping_of(native.kind).alerts(native.values):
            if isinstance(each, Alert):
                made = list(parted(each, _day(each)))
                yield from made
                if _is_corrected(native):
                    yield from unparted(each.key, made)
            else:
                yield each
                if isinstance(each, Cancel) and native.kind == "form":
                    yield from unparted(each.key, ())

    def settled(self, position: str) -> None:
        self._files.settled(position)


def _records(path: Path) -> Iterator[Read[Report | None] | BadRecord]:
    kind = kind_of(path)
    source: TableSource | JsonLinesSource
    if kind == "form":
        source = JsonLinesSource(JsonLinesOptions(mapping=mapping_path(kind), files=(path,)))
    else:
        source = TableSource(TableOptions(mapping=mapping_path(kind), files=(path,)))
    for item in source.read(None):
        if isinstance(item, BadRecord):
            yield item
        elif isinstance(item, Read) and item.native is not None:
            yield Read(Report(kind, item.native), "", item.file, item.line, original=item.original)


def kind_of(path: Path) -> Kind:
    """By what stands in it; what cannot be read is told by whoever reads it as the register of the line."""
    with path.open("rb") as stream:
        if stream.read(LOOKED_AT_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
            return "form"
        stream.seek(0)
        try:
            header = Table(stream).header
        except TableRefused:
            return "hotline"
    return min(TABLES, key=lambda kind: len(mapping_of(kind).absent(header)))


def _day(alert: Alert) -> date:
    """On which ages are reckoned, as the kit will."""
    moment = alert.draft.observed_ms
    return datetime.fromtimestamp(moment / 1000, UTC).date() if moment is not None else datetime.now(UTC).date()


def _is_corrected(report: Report) -> bool:
    return report.kind == "form" and any(str(report.values.get(name)).casefold() in YES for name in CORRECTED)
