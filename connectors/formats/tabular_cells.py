"""The shapes that CSV and xlsx share below the header: a line of cells, what a cell may be, limits, refusal.

How bytes become cells is `tabular_csv.py`'s and `xlsx.py`'s business; what the cells mean is `tabular.py`'s.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal

from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

Value = str | int | float | bool | date | None
"""A cell's value. A `datetime` is a `date`; a time of day or a duration is text (`HH:MM:SS`); a blank cell is None."""

_BLANKS: Final = " \t\r\n\x0b\x0c\xa0\u200b\ufeff"
CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]|[\ud800-\udfff]")

# What a spreadsheet may take for a formula, with or without the apostrophes that keep it from doing so.
FORMULA: Final = re.compile(r"\s*'*[=+\-@\t\r\n＝＋－＠]")


@dataclass(frozen=True, slots=True)
class BadCell:
    """In place of a value that cannot be used; `code` is a key of `records.REASONS`."""

    code: str


Cell = Value | BadCell


@dataclass(frozen=True, slots=True)
class Cells:
    """One row as it stands in its file, header or not. `line` counts from 1 (in a workbook it is the row's number).

    `problem`: a code for a row that could not be read at all, whose cells then mean nothing.
    """

    line: int
    cells: tuple[Cell, ...] = field(repr=False)
    problem: str = ""

    @property
    def blank(self) -> bool:
        return not self.problem and all(cell is None for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a table may hold. Sizes are bytes of the file or of a member of the package; texts are counted in characters.

    A row or cell over its limit is one bad record; a file over its limit is refused or read up to it, and told.
    """

    file_bytes: int = 500_000_000
    copied_bytes: int = 120_000_000  # of a workbook from a stream that cannot go back: it is held in memory
    rows: int = 2_000_000
    columns: int = 1_000
    cell_characters: int = 100_000
    row_characters: int = 1_000_000
    row_lines: int = 10_000  # of the file in one row, by line breaks within quotes
    package_members: int = 2_000
    package_bytes: int = 4_000_000_000  # unpacked, all members
    sheet_bytes: int = 2_000_000_000  # unpacked
    strings_bytes: int = 150_000_000  # unpacked, the workbook's table of texts: it is held in memory
    part_bytes: int = 8_000_000  # unpacked, every other part that is read
    ratio: int = 250  # unpacked to packed, for members of more than a megabyte
    quiet_bytes: int = 50_000_000  # of a sheet without any row with a value


class TableRefused(ValueError):
    """The file as a whole cannot be read. `code` is a key of `records.REASONS`; `line` counts from 1."""

    def __init__(self, code: str, line: int = 1) -> None:
        super().__init__(f"{code} in line {line}")
        self.code = code
        self.line = line


def text_cell(text: str, limits: Limits, *, clean: bool = False) -> Cell:
    """Text without the blanks around it; None if nothing is left. `clean`: it is known to hold no control character."""
    text = text.strip(_BLANKS)
    if not text:
        return None
    if len(text) > limits.cell_characters:
        return BadCell("table-cell-too-long")
    return BadCell("table-control-character") if not clean and CONTROL.search(text) else text


def date_of_serial(serial: float, *, base: Literal[1900, 1904] = 1900, duration: bool = False) -> Value:
    """What Excel means by a number in a cell formatted as a date: a date, a `datetime` (if it has a time of day), or
    text for a time or duration. None if Excel has no such date."""
    try:
        found = from_excel(serial, WINDOWS_EPOCH if base == 1900 else MAC_EPOCH, timedelta=duration)
    except (OverflowError, ValueError):
        return None
    if isinstance(found, datetime):
        whole = found.date() if (found.hour, found.minute, found.second, found.microsecond) == (0, 0, 0, 0) else found
        return whole if 1900 <= found.year <= 9999 else None
    if isinstance(found, timedelta):
        minutes, seconds = divmod(int(found.total_seconds()), 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
    return None if found is None else found.isoformat("seconds")


def column_name(index: int) -> str:
    """`column A` for 0: what an error says where a header must not be repeated."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return f"column {letters}"
