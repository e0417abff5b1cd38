"""Any agency's table or view in a database, each row an alert by a mapping file: a connector without code.

Reading is connectors/transports/sql.py's, what a row means the mapping's (docs/connectors/mapping.md). A row that was withdrawn
(`deleted`) ends its alert.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any

import rfc8785
from pydantic import Field
from sqlalchemy import create_engine, text

from connectors.sdk import Alert, BadRecord, Cancel, Connector, Note, Original, Read, Trial
from connectors.sdk.mapping import load_mapping
from connectors.sdk.native_values import Unreadable, text_of
from connectors.transports.sql import SqlOptions, SqlRow, SqlTable

from .trials import GOOD, MAPPING, PLANTED, rows


class SqlFeedOptions(SqlOptions):
    mapping: Path = Field(description="the mapping file: docs/connectors/mapping.md")
    columns: tuple[str, ...] = Field((), max_length=500, description="columns to read besides those of the mapping")


class SqlSource:
    """Rows by a mapping. What names a row for ever is the mapping's `key`; `key` of the options only puts rows in order."""

    def __init__(self, options: SqlFeedOptions) -> None:
        """Raises BadMapping; ValueError if `database` is no address of a database."""
        self.mapping = load_mapping(options.mapping)
        self._ask = self.mapping.file.original
        self._name, self._changed = options.table, options.changed
        self._columns = tuple(dict.fromkeys((*sorted(self.mapping.columns()), *options.columns)))
        columns = tuple(dict.fromkeys((*self._columns, options.changed)))
        self._table = SqlTable(options.model_copy(update={"columns": columns}))

    def read(self, after: str | None) -> Iterator[Read[SqlRow] | BadRecord]:
        return map(self._as_mapped, self._table.read(after))

    def standing(self) -> Iterator[Read[SqlRow] | BadRecord]:
        """Every row as it is now."""
        return map(self._as_mapped, self._table.standing())

    def alerts(self, native: SqlRow) -> Iterable[Alert | Cancel | Note]:
        """Raises BadNative."""
        if native.deleted:
            return [Cancel(self.mapping.key_of(native.values))]
        return self.mapping.alerts(native.values)

    def settled(self, position: str) -> None:
        """The position is all that there is to know."""

    def check(self) -> None:
        """Tries the connection and every name. Raises as SqlTable.check."""
        self._table.check()

    def close(self) -> None:
        self._table.close()

    def _as_mapped(self, item: Read[SqlRow] | BadRecord) -> Read[SqlRow] | BadRecord:
        """A row with the columns of the mapping, its place in words and its original."""
        if isinstance(item, BadRecord):
            return item
        values = {name: _plain(item.native.values[name]) for name in self._columns}
        row = replace(item.native, values=values)
        return Read(row, item.position, self._place(item.native), original=self._original(values))

    def _place(self, row: SqlRow) -> str:
        """The table and when the row changed: a row has no line, and its key may be somebody's document."""
        changed = row.values[self._changed]
        return f"{self._name}, {self._changed} {changed}" if _is_moment_or_number(changed) else self._name

    def _original(self, values: Mapping[str, Any]) -> Original | None:
        """The row's digest is of its columns' texts, as RFC 8785 JSON: a row has no bytes of its own."""
        if self._ask is None:
            return None
        data = rfc8785.dumps({name: _digestible(value) for name, value in values.items()})
        return Original(data, self._ask.media_type, self._ask.ask)


def _plain(value: Any) -> Any:
    """What drivers give beside texts, numbers and times, as text."""
    return str(value) if isinstance(value, uuid.UUID | time) else value


def _is_moment_or_number(value: Any) -> bool:
    """A marker that is another text might say anything."""
    try:
        return not isinstance(value, str) or bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _digestible(value: Any) -> str:
    try:
        return text_of(value)
    except Unreadable:  # bytes, lists: no mapping says them
        return repr(bytes(value) if isinstance(value, bytes | bytearray | memoryview) else value)


def _trial(folder: Path) -> Trial:
    """The rows of the trial feed, in an order of change that is not theirs; one has no key."""
    (folder / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    url = f"sqlite:///{folder / 'feed.db'}"
    fields = {"mapping": folder / "mapping.yaml", "database": url, "table": "feed", "key": ("number",)}
    engine = create_engine(url, hide_parameters=True)
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE feed (number INTEGER PRIMARY KEY, changed INTEGER, id TEXT, name TEXT, born TEXT,"
                " sex TEXT, nationality TEXT, passport TEXT, account TEXT)"
            )
        )
        statement = text(
            "INSERT INTO feed VALUES (:number, :changed, :id, :name, :born, :sex, :nationality, :passport, :account)"
        )
        for number, row in enumerate(rows()):
            connection.execute(statement, {**row, "number": number, "changed": 1_000 - number})
    engine.dispose()
    options = SqlFeedOptions.model_validate({**fields, "changed": "changed", "overlap": 0, "page_rows": 5})
    return Trial(options, alerts=GOOD, set_aside=3, planted=PLANTED)


CONNECTOR = Connector(
    name="sql",
    agency="",
    title="Any agency's database table by a mapping file",
    options=SqlFeedOptions,
    source=SqlSource,
    trial=_trial,
)
