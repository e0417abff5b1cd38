"""Any agency's table (CSV, xlsx) by a mapping file: a connector without code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import rfc8785
from pydantic import Field

from connectors.formats import tabular
from connectors.formats.records import BadRecord as Damage
from connectors.formats.tabular import Row, Table, TableRefused
from connectors.formats.tabular_csv import Encoding
from connectors.sdk import BadRecord, Connector, Trial
from connectors.sdk.mapping import Mapping
from connectors.sdk.native_values import text_of

from .mapped import Line, MappedFiles, MappedOptions, told_of_columns
from .trials import table_trial


class TableOptions(MappedOptions):
    sheet: str | int | None = Field(None, description="the workbook's sheet, by name or number; the first otherwise")
    header_row: int | None = Field(None, ge=1, le=1000, description="the line of the header; found otherwise")
    delimiter: Literal[",", ";", "\t", "|"] | None = Field(None, description="of a CSV; found out otherwise")
    encoding: Encoding | None = Field(None, description="of a CSV; found out otherwise")
    short_rows: Literal["error", "blank"] = Field(
        "error", description="a row with fewer cells than the header: an error, or its last cells are blank"
    )


class TableSource(MappedFiles):
    """Rows of tables, one alert each."""

    def __init__(self, options: TableOptions) -> None:
        self._table_options = options
        super().__init__(options, self._rows)

    def _rows(self, stream: BinaryIO, file: str, mapping: Mapping, /) -> Iterator[Line | BadRecord]:
        chosen = self._table_options
        try:
            table = Table(
                stream,
                tabular.Options(
                    sheet=chosen.sheet,
                    header_row=chosen.header_row,
                    delimiter=chosen.delimiter,
                    encoding=chosen.encoding,
                    short_rows=chosen.short_rows,
                    shown=mapping.columns(),
                ),
            )
        except TableRefused as refused:
            yield _damaged(file, Damage(refused.code, line=refused.line))
            return
        told = list(told_of_columns(mapping, file, table.header, 1))
        for note in table.notes:
            words = note.code.replace("-", " ")
            told.append(BadRecord(file, words, field=note.field, code=note.code, level="warning"))
        yield from told
        if any(each.level == "bad" for each in told):
            return
        for row in table.rows():
            yield _line(row) if isinstance(row, Row) else _damaged(file, row)


def _line(row: Row) -> Line:
    """A row; its digest is of its cells' texts by heading, as RFC 8785 JSON: a table has no bytes for a row."""
    return Line(row.values, row.line, rfc8785.dumps({name: text_of(value) for name, value in row.values.items()}))


def _damaged(file: str, damage: Damage) -> BadRecord:
    return BadRecord(file, damage.reason, line=damage.line, field=damage.field, code=damage.code)


def _trial(folder: Path) -> Trial:
    return table_trial(folder, TableOptions)


CONNECTOR = Connector(
    name="table",
    agency="",
    title="Any agency's tables (CSV, xlsx) by a mapping file",
    options=TableOptions,
    source=TableSource,
    trial=_trial,
)
