"""The rows of a worksheet (xlsx), bytes to lines of cells: values only, in a stream, one bad cell at a time.

Source of the format: ECMA-376 part 1, chapter 18.3. openpyxl's read-only mode is not used for rows: it gives up a whole
sheet for one bad cell, cannot tell a blank cell from a formula whose value was never worked out, and makes rows as wide and
as many as the file claims. Its tables of formats and dates are. Hidden rows and columns are read like any other.
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import BinaryIO, Final, Literal

from connectors.formats.tabular_cells import BadCell, Cell, Cells, Limits, TableRefused, date_of_serial, text_cell
from connectors.formats.xlsx_package import Package, Sheet, Target, Workbook, unescape

_REFERENCE: Final = re.compile(r"([A-Z]{1,3})\d{1,7}", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?\d{1,40}", re.ASCII)
_LAST_ROW: Final = 1_048_576
_OTHER_SHEETS: Final = 20
_LOOKED_AT_BYTES: Final = 5_000_000  # of each of them, for a row


class XlsxRows:
    """The rows of one sheet, in order; rows without any cell do not come. Iterate once.

    `sheet` is a sheet's name, or its number from 1; without it, the first visible one is read, and rows in another visible
    sheet are told as a problem at the end. Raises TableRefused.
    """

    def __init__(self, stream: BinaryIO, *, sheet: str | int | None, limits: Limits) -> None:
        self._limits = limits
        self._package = Package(stream, limits)
        self._book = self._package.workbook()
        self._others: tuple[Sheet, ...] = ()
        self.sheet = self._chosen(sheet)

    @property
    def base(self) -> Literal[1900, 1904]:
        """The year from which the workbook counts its days: 1900 or 1904."""
        return self._book.base

    def _chosen(self, wanted: str | int | None) -> Sheet:
        sheets = self._book.sheets
        visible = [each for each in sheets if each.visible] or list(sheets)
        if wanted is None and visible:
            others = {each.part: each for each in visible if each.part != visible[0].part}
            self._others = tuple(others.values())[:_OTHER_SHEETS]
            return visible[0]
        if isinstance(wanted, int) and 1 <= wanted <= len(sheets):
            return sheets[wanted - 1]
        if isinstance(wanted, str):
            for each in sheets:
                if each.name.strip().casefold() == wanted.strip().casefold():
                    return each
        raise TableRefused("xlsx-no-such-sheet")

    def __iter__(self) -> Iterator[Cells]:
        last = 1
        try:
            for count, row in enumerate(self._rows(self.sheet, self._limits.quiet_bytes), 1):
                last = row.line
                if count > self._limits.rows:
                    yield Cells(row.line, (), "table-too-many-rows")
                    return
                yield row
        except TableRefused as refused:  # in the middle: what came before stands
            yield Cells(last, (), refused.code)
            return
        for other in self._others:
            if self._holds_rows(other):
                yield Cells(last, (), "xlsx-other-sheet")
                return

    def _holds_rows(self, sheet: Sheet) -> bool:
        """Whether the sheet has a row with a value, or so much without one that nobody knows."""
        try:
            return any(True for _ in self._rows(sheet, _LOOKED_AT_BYTES))
        except TableRefused:
            return True

    def _rows(self, sheet: Sheet, quiet_bytes: int) -> Iterator[Cells]:
        target = _SheetTarget(self._book, self._limits)
        quiet_since = 0
        for size in self._package.pieces(sheet.part, target, self._limits.sheet_bytes):
            rows = target.taken()
            if rows:
                quiet_since = size
            elif size - quiet_since > quiet_bytes:
                raise TableRefused("xlsx-unpacks-too-large")
            yield from rows


class _SheetTarget(Target):
    """Puts cells together from elements. Never raises for what a cell or row says."""

    def __init__(self, book: Workbook, limits: Limits) -> None:
        self._book, self._limits = book, limits
        self._rows: list[Cells] = []
        self._columns: dict[str, int] = {}
        self._line = 0
        self._row: dict[int, Cell] = {}
        self._problem = ""
        self._size = 0
        self._index = -1
        self._kind, self._style = "n", 0
        self._parts: list[str] = []
        self._taking = self._phonetic = self._formula = self._in_cell = False

    def taken(self) -> list[Cells]:
        rows, self._rows = self._rows, []
        return rows

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "c":
            self._start_cell(attributes)
        elif tag == "row":
            self._start_row(attributes.get("r", ""))
        elif tag in ("v", "t"):
            self._taking = self._in_cell and not self._phonetic
        elif tag == "f":
            self._formula = True
        elif tag == "rPh":
            self._phonetic = True

    def end(self, tag: str) -> None:
        if tag in ("v", "t"):
            self._taking = False
        elif tag == "c":
            self._end_cell()
        elif tag == "row":
            self._end_row()
        elif tag == "rPh":
            self._phonetic = False

    def data(self, text: str) -> None:
        if not self._taking:
            return
        self._size += len(text)
        if self._size > self._limits.row_characters:
            self._problem = self._problem or "table-row-too-long"
        else:
            self._parts.append(text)

    def _start_row(self, number: str) -> None:
        self._row, self._problem, self._size, self._index = {}, "", 0, -1
        following = self._line + 1
        self._line = int(number) if re.fullmatch(r"\d{1,7}", number, re.ASCII) else following
        if not following <= self._line <= _LAST_ROW:
            self._line, self._problem = following, "xlsx-row-number"

    def _end_row(self) -> None:
        if self._problem:
            self._rows.append(Cells(self._line, (), self._problem))
        elif self._row:
            width = max(self._row) + 1
            self._rows.append(Cells(self._line, tuple(self._row.get(index) for index in range(width))))

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        reference = attributes.get("r")
        self._index = self._index + 1 if reference is None else self._column(reference)
        self._kind = attributes.get("t", "n")
        style = attributes.get("s", "0")
        self._style = int(style) if style.isdecimal() and len(style) < 8 else 0
        self._parts, self._formula, self._in_cell = [], False, True

    def _end_cell(self) -> None:
        self._in_cell = False
        value = self._value("".join(self._parts))
        if value is None:
            return
        if self._index < 0 or self._index in self._row:
            self._problem = self._problem or "xlsx-cell-place"
        elif self._index >= self._limits.columns:
            self._problem = self._problem or "table-too-many-columns"
        else:
            self._row[self._index] = value

    def _column(self, reference: str) -> int:
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            return -1
        letters = match[1]
        found = self._columns.get(letters)
        if found is None:
            found = 0
            for letter in letters:
                found = found * 26 + ord(letter) - 64
            found -= 1
            self._columns[letters] = found  # at most 18,278 of them
        return found

    def _value(self, text: str) -> Cell:
        kind = self._kind
        if kind == "e":
            return BadCell("xlsx-cell-error")
        if self._formula and text == "" and kind != "str":
            return BadCell("xlsx-formula-without-value")
        if kind == "s":
            text = text.strip()
            try:
                found = self._book.texts[int(text)] if text.isdecimal() and len(text) < 10 else None
            except IndexError:
                found = None
            return BadCell("xlsx-cell-damaged") if found is None else text_cell(unescape(found), self._limits)
        if kind in ("str", "inlineStr"):
            return text_cell(unescape(text), self._limits)
        text = text.strip()
        if not text:
            return None
        if kind == "b":
            return {"0": False, "1": True, "false": False, "true": True}.get(text, BadCell("xlsx-cell-damaged"))
        if kind == "d":
            return _iso(text)
        return self._number(text) if kind == "n" else BadCell("xlsx-cell-damaged")

    def _number(self, text: str) -> Cell:
        if _NUMBER.fullmatch(text) is None:
            return BadCell("xlsx-cell-damaged")
        number = float(text)
        if not math.isfinite(number):
            return BadCell("xlsx-cell-damaged")
        if self._style in self._book.dates:
            found = date_of_serial(number, base=self._book.base, duration=self._style in self._book.durations)
            return BadCell("xlsx-date-impossible") if found is None else found
        if _INTEGER.fullmatch(text):
            return int(text)
        return (
            int(number) if number.is_integer() and abs(number) < 1e15 else number
        )  # 3 and 3.0 are the same to a spreadsheet


def _iso(text: str) -> Cell:
    """A cell of type `d`: ISO 8601, with or without a time of day."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return BadCell("xlsx-cell-damaged")
    bare = (found.hour, found.minute, found.second, found.microsecond) == (0, 0, 0, 0)
    return date(found.year, found.month, found.day) if bare else found.replace(tzinfo=None)
