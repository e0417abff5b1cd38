"""Files of records, each an alert by a mapping file: what the connectors that need configuration alone have in common.

How bytes become records is handed in (table.py, json_lines.py); what they mean is the mapping's (docs/connectors/mapping.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, Protocol

from pydantic import Field

from connectors.sdk import Alert, BadNative, BadRecord, Cancel, Listed, Note, Options, Original, Read
from connectors.sdk.mapping import Mapping as MappingOfRecords
from connectors.sdk.mapping import load_mapping
from connectors.transports.files import Files, Taken

MAX_LISTED: Final = 1_000_000  # records in a listing


class MappedOptions(Options):
    """Where the files are, and what stands in them."""

    mapping: Path = Field(description="the mapping file: docs/connectors/mapping.md")
    files: tuple[Path, ...] = Field((), description="files to read")
    folder: Path | None = Field(None, description="a folder into which such files are put")
    complete: Literal["quiet", "marker"] = Field(
        "quiet", description="when a file in the folder is complete: not written to for a while, or NAME.done beside it"
    )
    quiet_s: float = Field(2.0, ge=0, le=3600, description="seconds without writing after which a file is complete")
    listing: bool = Field(
        False, description="every file has all records there are: one that is missing in a later file is withdrawn"
    )


@dataclass(frozen=True)
class Line:
    """A record of a file: its values by column, where it begins, and its bytes as the digest is made of them."""

    values: Mapping[str, Any] = field(repr=False)
    line: int
    data: bytes = field(repr=False)


class Lines(Protocol):
    def __call__(self, stream: BinaryIO, file: str, mapping: MappingOfRecords, /) -> Iterator[Line | BadRecord]:
        """The records of one file, in order, and the same ones when it is read again."""


class MappedFiles:
    """A source of files by a mapping."""

    def __init__(self, options: MappedOptions, lines: Lines) -> None:
        """Raises BadMapping, and NoFolder."""
        self._options = options
        self._lines = lines
        self.mapping = load_mapping(options.mapping)
        self._files = Files(options.files, options.folder, options.quiet_s, options.complete)

    def check(self) -> None:
        """Looks at the folder. Raises OSError."""
        if self._options.folder is not None:
            next(self._options.folder.iterdir(), None)

    def read(self, after: str | None) -> Iterator[Read[Mapping[str, Any] | None] | BadRecord | Listed]:
        for taken in self._files.taken(after):
            yield from self._files.troubles()
            with taken.path.open("rb") as stream:
                yield from self._of_file(taken, stream)
        yield from self._files.troubles()

    def alerts(self, native: Mapping[str, Any] | None) -> Iterable[Alert | Cancel | Note]:
        return self.mapping.alerts(native) if native is not None else ()

    def settled(self, position: str) -> None:
        self._files.settled(position)

    def _of_file(self, taken: Taken, stream: BinaryIO) -> Iterator[Read[Mapping[str, Any] | None] | BadRecord | Listed]:
        name, number = taken.path.name, 0
        keys: set[str] = set()
        whole = True  # whether every record's key is known
        for number, item in enumerate(self._lines(stream, name, self.mapping), start=1):
            if self._options.listing:
                whole &= self._listed(item, keys)
            if number <= taken.skip:
                continue
            position = taken.position(number)
            if isinstance(item, BadRecord):
                yield BadRecord(**{**vars(item), "position": position})
            else:
                yield Read(item.values, position, name, item.line, original=self._original(item))
        end = taken.position(number, end=True)
        if self._options.listing and whole:
            yield Listed(frozenset(keys), end, name)
        elif self._options.listing:
            reason = "a record of this listing has no key that can be read: nothing was withdrawn"
            yield BadRecord(name, reason, code="listing-not-whole", level="warning")
        yield Read(None, end, file=name, records=0, settle=True)

    def _listed(self, item: Line | BadRecord, keys: set[str]) -> bool:
        if isinstance(item, BadRecord):
            return item.level == "warning"
        try:
            keys.add(self.mapping.key_of(item.values))
        except BadNative:
            return False
        return len(keys) <= MAX_LISTED

    def _original(self, item: Line) -> Original | None:
        said = self.mapping.file.original
        return Original(item.data, said.media_type, said.ask) if said is not None else None


def told_of_columns(mapping: MappingOfRecords, file: str, columns: Sequence[str], line: int) -> Iterator[BadRecord]:
    """What a table's header is told of: columns that it lacks (each bad) and columns that nobody mapped (each a warning)."""
    for trouble in mapping.absent(columns):
        yield BadRecord(
            file, f"{trouble.sentence}: nothing of it was read", line=line, field=trouble.column, code=trouble.code
        )
    for note in mapping.unmapped(columns):
        yield BadRecord(file, note.reason, line=line, field=note.field, code=note.code, level="warning")
