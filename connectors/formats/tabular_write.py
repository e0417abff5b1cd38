"""Tables written as CSV and xlsx, in which no text can become a formula.

A spreadsheet takes a text that begins with `=`, `+`, `-` or `@` (or a tab or line end before it) for a formula. In CSV such
a text gets an apostrophe, as OWASP ("CSV Injection") advises, which our reader takes off again; in a workbook it is written
as text and marked as such. What the rows mean is left to the formats.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, BinaryIO, Final

from openpyxl import Workbook
from openpyxl.cell import Cell

from connectors.formats.tabular_cells import CONTROL, FORMULA, Value, column_name

if TYPE_CHECKING:
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

_ESCAPE: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_LONGEST_TEXT: Final = 32_767  # of a workbook's cell
_EXACT: Final = 10**15  # a spreadsheet keeps fifteen digits of a number
_FIRST_DAY: Final = date(1900, 3, 1)  # before it, spreadsheets disagree about the number of a day
_FLUSH: Final = 256 * 1024


class Unwritable(ValueError):
    """A value that the file cannot hold: a control character, too long, or no number. Shows where, never what; `row` from 1."""

    def __init__(self, row: int, column: str) -> None:
        super().__init__(f"row {row}, {column}: a text with a control character, or one that is too long for a cell")
        self.row = row
        self.column = column


def write_csv(out: BinaryIO, rows: Iterable[Sequence[Value]], *, delimiter: str = ",") -> None:
    """Rows, the header first, to UTF-8 with a mark (by which Excel knows it), CR LF at line ends.

    Texts come back as they were but for blanks around them; numbers, dates (ISO 8601) and `true`/`false` come back as
    texts. Raises Unwritable.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    text.write("\ufeff")
    for number, row in enumerate(rows, 1):
        fields = [_csv_text(value, number, index) for index, value in enumerate(row)]
        if fields in ([], [""]):
            text.write('""\r\n')
        else:
            writer.writerow(fields)
        if text.tell() > _FLUSH:
            _flush(text, out)
    _flush(text, out)


def write_xlsx(out: BinaryIO, rows: Iterable[Sequence[Value]], *, sheet: str = "Sheet1") -> None:
    """Rows, the header first, to a workbook of one sheet.

    Every value comes back equal but blanks around texts; whole numbers of more than fifteen digits and days before March
    1900 come back as texts, since a spreadsheet would change them. openpyxl keeps the sheet in a temporary file, readable
    by this user only, until the workbook is written. Raises Unwritable.
    """
    book = Workbook(write_only=True)
    page: WriteOnlyWorksheet = book.create_sheet(sheet)
    try:
        for number, row in enumerate(rows, 1):
            page.append(list(_cells(page, row, number)))
    except BaseException:
        book.save(io.BytesIO())  # by which openpyxl takes its temporary file away
        raise
    book.save(out)


def _flush(text: io.StringIO, out: BinaryIO) -> None:
    out.write(text.getvalue().encode("utf-8"))
    text.seek(0)
    text.truncate()


def _csv_text(value: Value, row: int, index: int) -> str:
    if isinstance(value, str):
        _check(value, row, index)
        return f"'{value}" if FORMULA.match(value) else value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else repr(value)


def _cells(page: WriteOnlyWorksheet, row: Sequence[Value], number: int) -> Iterator[Cell | None]:
    for index, value in enumerate(row):
        yield None if value is None else _cell(page, _kept(value), number, index)


def _kept(value: str | float | date) -> str | float | date:
    """The value, or its text where a spreadsheet would keep another one."""
    if isinstance(value, date):
        day = value.date() if isinstance(value, datetime) else value
        return value if day >= _FIRST_DAY else value.isoformat()
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    return str(value) if not -_EXACT < value < _EXACT else value


def _cell(page: WriteOnlyWorksheet, value: str | float | date, number: int, index: int) -> Cell:
    cell = Cell(page, row=1, column=1)  # the sheet gives it its place
    if isinstance(value, float) and not math.isfinite(value):
        raise Unwritable(number, column_name(index))
    if not isinstance(value, str):
        cell.value = value
        if isinstance(value, date):
            cell.number_format = "yyyy-mm-dd hh:mm:ss" if isinstance(value, datetime) else "yyyy-mm-dd"
        return cell
    _check(value, number, index, _LONGEST_TEXT)
    cell.value = _ESCAPE.sub("_x005F_", value).replace("\r", "_x000D_")
    cell.data_type = "s"  # whatever it looks like
    if FORMULA.match(value):
        cell.quotePrefix = True
    return cell


def _check(text: str, row: int, index: int, longest: int = 100_000) -> None:
    if CONTROL.search(text) or len(text) > longest:
        raise Unwritable(row, column_name(index))
