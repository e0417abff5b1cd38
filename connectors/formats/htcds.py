"""HTCDS 2.0 (xlsx by the official template, and CSV), bytes to native cases and back.

Source of the format: IOM, Human Trafficking Case Data Standard 2.0 and its case data template (CC BY 4.0). A row that
cannot be read is set aside with its line and field; a value that the standard does not have stays in `Case.unlisted`, with
a note that names its field. What a case becomes is the connector's business.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO, Final

from connectors.formats import htcds_layout, htcds_standard, tabular, tabular_write
from connectors.formats.htcds_case import Case, Unlisted
from connectors.formats.htcds_layout import MISSPELT, TEMPLATE, Layout, Rewindable, told
from connectors.formats.records import BadRecord, Note
from connectors.formats.tabular import Options, TableRefused
from connectors.formats.tabular_cells import BadCell, Cell, Cells, Value, column_name
from connectors.formats.tabular_csv import CsvRows
from connectors.formats.xlsx import XlsxRows

__all__ = ["Case", "Options", "Unlisted", "read", "write_csv", "write_xlsx"]


def _places() -> Iterator[tuple[str, tuple[str, str]]]:
    """For each field of the standard, the section of `Case` that holds it (blank for the case itself), and its name."""
    for outer in dataclasses.fields(Case):
        if "htcds" in outer.metadata:
            yield outer.metadata["htcds"], ("", outer.name)
        elif dataclasses.is_dataclass(outer.default_factory):
            for inner in dataclasses.fields(outer.default_factory):
                yield inner.metadata["htcds"], (outer.name, inner.name)


PLACES: Final[Mapping[str, tuple[str, str]]] = dict(_places())
_ORDER: Final[Mapping[str, int]] = {name: index for index, name in enumerate(PLACES)}
_SECTIONS: Final[Mapping[str, Any]] = {
    each.name: each.default_factory
    for each in dataclasses.fields(Case)
    if dataclasses.is_dataclass(each.default_factory)
}


# Reading


def read(stream: BinaryIO, options: Options | None = None) -> Iterator[Case | BadRecord]:
    """The cases of a file, in order; never raises for what the bytes are. Memory is bounded, whatever the file's size.

    Rows that hold nothing but a running number are no records. Of `options`, those about headers do not apply.
    """
    options = options or Options()
    try:
        source = tabular.open_cells(stream, options)
        rows = Rewindable(source)
        layout = htcds_layout.find(rows)
    except TableRefused as refused:
        yield BadRecord(refused.code, line=refused.line)
        return
    reader = _Reader(layout, source, short_is_bad=isinstance(source, CsvRows) and options.short_rows == "error")
    yield from reader.cases(rows)


class _Reader:
    def __init__(self, layout: Layout, source: CsvRows | XlsxRows, *, short_is_bad: bool) -> None:
        self._layout = layout
        self._base = source.base
        self._short_is_bad = short_is_bad
        self._fields = htcds_standard.fields()
        self._width = max((i + 1 for i, name in enumerate(layout.names) if name), default=0)
        self._first = next(i for i, name in enumerate(layout.names) if name)

    def cases(self, rows: Iterator[Cells]) -> Iterator[Case | BadRecord]:
        record = 0
        for row in rows:
            if row.blank or (not row.problem and self._only_numbered(row.cells)):
                continue
            record += 1
            yield self._case(row, record)

    def _only_numbered(self, cells: Sequence[Cell]) -> bool:
        return all(cell is None or (i < self._first and _is_number(cell)) for i, cell in enumerate(cells))

    def _case(self, row: Cells, record: int) -> Case | BadRecord:
        code, index = self._fault(row)
        if code:
            name = self._layout.field_of(index, "codes") if index >= 0 else ""
            return BadRecord(code, line=row.line, record=record, field=told(index, name) if index >= 0 else "")
        side = self._layout.side(row.cells)
        notes: list[Note] = [Note("address-columns-unclear", "prs_MailingCountry")] if side == "unclear" else []
        unlisted: list[Unlisted] = []
        extra: dict[str, Value] = {}
        values: dict[str, dict[str, object]] = {section: {} for section in ("", *_SECTIONS)}
        for index, cell in enumerate(row.cells):
            if cell is None or isinstance(cell, BadCell):
                continue
            name = self._layout.field_of(index, side)
            if not name:
                if index in self._layout.unknown or not (index < self._first and _is_number(cell)):
                    notes.append(Note("unknown-column", told(index, "")))
                    extra[self._layout.header_of(index) or column_name(index)] = cell
                continue
            reading = htcds_standard.read(self._fields[name], cell, self._base)
            section, attribute = PLACES[name]
            values[section][attribute] = reading.value
            unlisted += [Unlisted(name, text) for text in reading.unlisted]
            if reading.problem is not None:
                notes.append(Note(reading.problem, name))
        return replace(_built(values, unlisted), extra=extra, line=row.line, record=record, notes=tuple(notes))

    def _fault(self, row: Cells) -> tuple[str, int]:
        """Why the row is no case, and the column (-1 if none)."""
        if row.problem:
            return row.problem, -1
        if self._layout.is_header(row.cells):
            return "htcds-header-again", -1
        if self._short_is_bad and len(row.cells) < self._width:
            return "table-row-short", -1
        for index, cell in enumerate(row.cells):
            if isinstance(cell, BadCell) and index >= self._first:
                return cell.code, index
            if self._short_is_bad and cell is not None and index >= len(self._layout.header[0]):
                return "table-row-long", index
        given = [
            i for i, cell in enumerate(row.cells) if cell is not None and not (i < self._first and _is_number(cell))
        ]
        named = any(self._layout.field_of(index, "codes") for index in given)
        return ("", -1) if named else ("htcds-value-without-column", given[0])


def _built(values: Mapping[str, Mapping[str, object]], unlisted: list[Unlisted]) -> Case:
    sections = {name: make(**values[name]) for name, make in _SECTIONS.items()}
    own: Mapping[str, Any] = values[""]
    return Case(**sections, **own, unlisted=tuple(sorted(unlisted, key=lambda each: _ORDER[each.name])))


def _is_number(cell: Cell) -> bool:
    if isinstance(cell, str):
        return cell.rstrip(".").isdecimal()
    return isinstance(cell, BadCell | int | float)  # a number worked out by a formula is one too


# Writing


def write_xlsx(out: BinaryIO, cases: Iterable[Case]) -> None:
    """Cases to a workbook as the template lays it out: two header rows, rows numbered in column A.

    Codes are the template's, with the missing one put in; the labels of the address columns are set to agree with their
    codes. Fields that the template lacks and a case has follow at the right. A case without any value is left out: its row
    would be an empty one. Raises Unwritable.
    """
    written = [case for case in cases if _any_value(case)]
    names = _columns(written)
    codes = [None, *(MISSPELT.get(name, name) for name in names)]
    labels = [None, *(htcds_standard.fields()[name].label for name in names)]
    rows = ([number, *_cells(case, names)] for number, case in enumerate(written, 1))
    tabular_write.write_xlsx(out, _after([codes, labels], rows))


def write_csv(out: BinaryIO, cases: Iterable[Case]) -> None:
    """Cases to CSV: one header row of the standard's codes, the template's columns first. See `write_xlsx`."""
    written = [case for case in cases if _any_value(case)]
    names = _columns(written)
    tabular_write.write_csv(out, _after([list(names)], (_cells(case, names) for case in written)))


def _after(header: Sequence[Sequence[Value]], rows: Iterable[Sequence[Value]]) -> Iterator[Sequence[Value]]:
    yield from header
    yield from rows


def _columns(cases: Sequence[Case]) -> tuple[str, ...]:
    """The template's fields and, in the standard's order, every other one that a case has a value for."""
    others = (name for name in PLACES if name not in TEMPLATE)
    return (*TEMPLATE, *(name for name in others if any(_cell(case, name) is not None for case in cases)))


def _any_value(case: Case) -> bool:
    return any(_cell(case, name) is not None for name in PLACES)


def _cells(case: Case, names: Sequence[str]) -> list[Value]:
    return [_cell(case, name) for name in names]


def _cell(case: Case, name: str) -> Value:
    section, attribute = PLACES[name]
    value = getattr(getattr(case, section) if section else case, attribute)
    unlisted = tuple(each.text for each in case.unlisted if each.name == name)
    return htcds_standard.write(htcds_standard.fields()[name], value, unlisted)
