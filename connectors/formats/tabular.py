"""Tables (CSV, xlsx), bytes to rows by header: the generic format for agencies that export a spreadsheet.

The header is the first row with two values or more; titles above it are passed over and told as a note. Then every row of
the file comes out once, as a `Row` or a `BadRecord`, but for blank ones. Writing is in `tabular_write.py`, mapping to alerts
is the SDK's business.
"""

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Literal

from connectors.formats.records import BadRecord, Note
from connectors.formats.tabular_cells import BadCell, Cell, Cells, Limits, TableRefused, Value, column_name
from connectors.formats.tabular_csv import CsvRows, Encoding
from connectors.formats.xlsx import XlsxRows

__all__ = ["BadRecord", "Limits", "Options", "Row", "Table", "TableRefused", "Value", "read"]

_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_MARKUP: Final = (b"<html", b"<!doctype", b"<table", b"<?xml", b"%pdf", b"{\\rtf")
_HEAD_BYTES: Final = 64 * 1024
_MOST_TITLES: Final = 5


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a table; what is None is found out.

    `sheet`: name, or number from 1. `header_row`: the line of the header, from 1. `header_rows`: how many rows the header
    has; two are joined as `upper / lower`, an upper one holding for the columns to its right until the next.
    `short_rows`: whether a CSV row with fewer values than the header is one whose last cells are blank (some spreadsheets
    write them so), or an error, since a row broken in two looks the same. `shown` names the headers that errors may
    repeat; any other column is told by its letter, since a header may turn out to be somebody's name.
    """

    sheet: str | int | None = None
    header_row: int | None = None
    header_rows: int = 1
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    encoding: Encoding | None = None
    short_rows: Literal["error", "blank"] = "error"
    shown: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `line` is where it begins in its file (in a workbook the row's number), `record` counts from 1.

    `values` has every header; a blank cell is None. Texts are without the blanks around them.
    """

    line: int
    record: int
    values: Mapping[str, Value] = field(repr=False)


class Table:
    """A table whose header was read. Raises TableRefused if there is none, or if the file is no table.

    `kind`; `header`, the columns in order: a name that stands over several columns is numbered, `name#1` and `name#2`, so
    that nobody takes one for the other; `notes` on the header (`rows-before-header`, `header-repeated`). `stream` stays the
    caller's to close; a workbook is read where it lies if the stream can seek.
    """

    def __init__(self, stream: BinaryIO, options: Options | None = None) -> None:
        self._options = options = options or Options()
        self._source = source = open_cells(stream, options)
        self.kind: Literal["csv", "xlsx"] = "csv" if isinstance(source, CsvRows) else "xlsx"
        self._rows = iter(source)
        self._notes: list[Note] = []
        self._columns = self._read_header()

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(name for name in self._columns if name)

    @property
    def notes(self) -> tuple[Note, ...]:
        return tuple(self._notes)

    @property
    def encoding(self) -> str:
        """Of a CSV, as far as it was read: `ascii` until something else is known. Blank for a workbook."""
        return self._source.encoding if isinstance(self._source, CsvRows) else ""

    @property
    def delimiter(self) -> str:
        """Of a CSV. Blank for a workbook."""
        return self._source.delimiter if isinstance(self._source, CsvRows) else ""

    @property
    def base(self) -> Literal[1900, 1904]:
        """The year from which bare day numbers count (see `tabular_cells.date_of_serial`)."""
        return self._source.base

    def rows(self) -> Iterator[Row | BadRecord]:
        """Every row below the header, in order. Iterate once."""
        record = 0
        for cells in self._rows:
            if cells.blank:
                continue
            record += 1
            yield self._row(cells, record)

    def _row(self, cells: Cells, record: int) -> Row | BadRecord:
        if cells.problem:
            return BadRecord(cells.problem, line=cells.line, record=record)
        columns = self._columns
        if self.kind == "csv" and len(cells.cells) < len(columns) and self._options.short_rows == "error":
            return BadRecord("table-row-short", line=cells.line, record=record)
        values: dict[str, Value] = {name: None for name in columns if name}
        for index, cell in enumerate(cells.cells):
            name = columns[index] if index < len(columns) else ""
            if isinstance(cell, BadCell):
                return BadRecord(cell.code, line=cells.line, record=record, field=self._told(index))
            if name:
                values[name] = cell
            elif cell is not None:
                code = "table-value-without-header" if index < len(columns) else "table-row-long"
                return BadRecord(code, line=cells.line, record=record, field=self._told(index))
        return Row(cells.line, record, values)

    def _told(self, index: int) -> str:
        name = self._columns[index] if index < len(self._columns) else ""
        return name if name in self._options.shown else column_name(index)

    # The header

    def _read_header(self) -> tuple[str, ...]:
        rows = [self._first_row()]
        while len(rows) < self._options.header_rows:
            rows.append(self._next_row())
        names = _names([_texts(row) for row in rows])
        while names and not names[-1]:
            names.pop()
        if not any(names):
            raise TableRefused("table-no-header", rows[0].line)
        counts = Counter(names)
        seen: Counter[str] = Counter()
        for index, name in enumerate(names):
            if name and counts[name] > 1:
                seen[name] += 1
                names[index] = f"{name}#{seen[name]}"
                self._notes.append(Note("header-repeated", column_name(index)))
        return tuple(names)

    def _first_row(self) -> Cells:
        """The header's row. What was read and is none of it goes back to the rows."""
        if self._options.header_row is not None:
            passed = 0
            while (row := self._next_row()).line < self._options.header_row:
                passed += 1
            self._note_titles(passed)
            return row
        read: list[Cells] = []
        for row in self._rows:
            if row.problem:
                read.append(row)
                break
            if row.blank:
                continue
            read.append(row)
            if sum(cell is not None for cell in row.cells) > 1 or len(read) > _MOST_TITLES:
                break
        if not read:
            raise TableRefused("table-empty")
        wide = sum(cell is not None for cell in read[-1].cells) > 1
        at = len(read) - 1 if wide else 0
        self._rows = _chain(read[at + 1 :], self._rows)
        self._note_titles(at)
        if read[at].problem:
            raise TableRefused(read[at].problem, read[at].line)
        return read[at]

    def _next_row(self) -> Cells:
        for row in self._rows:
            if row.problem:
                raise TableRefused(row.problem, row.line)
            if not row.blank:
                return row
        raise TableRefused("table-empty")

    def _note_titles(self, count: int) -> None:
        if count:
            self._notes.append(Note("rows-before-header"))


def read(stream: BinaryIO, options: Options | None = None) -> Iterator[Row | BadRecord]:
    """The rows of a CSV or xlsx file; never raises for what the bytes are.

    A file that cannot be read at all gives one BadRecord. Memory is bounded, whatever the file's size.
    """
    try:
        table = Table(stream, options)
    except TableRefused as refused:
        yield BadRecord(refused.code, line=refused.line)
        return
    yield from table.rows()


def open_cells(stream: BinaryIO, options: Options) -> CsvRows | XlsxRows:
    """The rows as they stand, header and blank ones included, for formats with a header of their own.

    Raises TableRefused.
    """
    head = stream.read(_HEAD_BYTES)
    if head.startswith(_OLD_EXCEL):
        raise TableRefused("table-old-excel")
    if head.startswith(_ZIP):
        return XlsxRows(_seekable(head, stream, options.limits), sheet=options.sheet, limits=options.limits)
    if head.lstrip()[:20].lower().startswith(_MARKUP):
        raise TableRefused("table-other-format")
    return CsvRows(head, stream, delimiter=options.delimiter, encoding=options.encoding, limits=options.limits)


def _seekable(head: bytes, stream: BinaryIO, limits: Limits) -> BinaryIO:
    """A stream that begins with the package: the one given if it can go back, else a copy of bounded size."""
    if stream.seekable() and stream.tell() == len(head):
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        if size > limits.file_bytes:
            raise TableRefused("file-too-large")
        return stream
    data = head + stream.read(limits.copied_bytes + 1 - len(head))
    if len(data) > limits.copied_bytes:
        raise TableRefused("file-too-large")
    return io.BytesIO(data)


def _chain(first: Sequence[Cells], rest: Iterator[Cells]) -> Iterator[Cells]:
    yield from first
    yield from rest


def _texts(row: Cells) -> list[str]:
    return [_text(cell) for cell in row.cells]


def _text(cell: Cell) -> str:
    return "" if cell is None or isinstance(cell, BadCell) else " ".join(str(cell).split())


def _names(rows: Sequence[Sequence[str]]) -> list[str]:
    """One name a column. A name in an upper row holds to its right until the next, as merged cells do."""
    width = max(len(row) for row in rows)
    full = [[*row, *[""] * (width - len(row))] for row in rows]
    names = [""] * width
    for depth, row in enumerate(full):
        upper = ""
        for index, own in enumerate(row):
            upper = own or upper
            below = any(each[index] for each in full[depth + 1 :])
            word = upper if below else own
            if word:
                names[index] = f"{names[index]} / {word}" if names[index] else word
    return names
