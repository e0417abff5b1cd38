"""A table or view of any database that SQLAlchemy knows, read incrementally by a column that grows with every change.

Rows come in the order (change marker, key), page by page, each page in a short transaction of its own, so that nothing is held
open in the agency's database while the bus is written. A transaction may commit after one that took a later marker: each turn
begins `overlap` before the highest marker that was published, and what was seen there before is not said again; after a
restart it is, and the kit, which knows every key and its content, makes nothing of it. `overlap` must be longer than the
longest transaction of the agency's system. What a row means is left to the mapping.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from pydantic import Field, SecretStr, model_validator
from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Engine,
    Select,
    and_,
    column,
    create_engine,
    event,
    func,
    inspect,
    make_url,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchTableError, SQLAlchemyError

from connectors.sdk import BadRecord, Credentials, Gap, Options, Read, Transient

from .sql_position import Marker, SqlPosition, before, is_future, is_key, key_text

FLUSH_ROWS: Final = 50  # of a server-side cursor: what is in memory while a page is read
PAGE_BYTES: Final = 8_000_000
SEEN_ROWS: Final = 200_000  # remembered of the overlap; beyond, rows are said again
NAMES: Final = 200
CONNECT_S: Final = 10
# What PostgreSQL says of a refused user when connecting, where the driver gives no code.
REFUSED: Final = ("authentication failed", "no pg_hba.conf entry", 'FATAL:  role "')


class SqlOptions(Options):
    """Every name comes from here and is quoted; nothing that was read ever becomes part of a statement."""

    database: SecretStr = Field(description="the database, as an SQLAlchemy URL")
    table: str = Field(min_length=1, max_length=NAMES, description="table or view")
    schema_name: str | None = Field(None, max_length=NAMES, description="the schema it stands in")
    columns: tuple[str, ...] = Field(min_length=1, max_length=500, description="columns to read")
    key: tuple[str, ...] = Field(min_length=1, max_length=8, description="columns that name a row for ever")
    changed: str = Field(description="the column that grows with every change: a time or a number")
    overlap: float = Field(
        300.0, ge=0, description="how far to look back for late commits: seconds, or steps of a number"
    )
    only: dict[str, str | int | bool] = Field(default_factory=dict, description="read rows where these columns are so")
    deleted: str | None = Field(None, description="the column that says a row was withdrawn")
    deleted_when: Literal["true", "set"] = Field(
        "true", description="withdrawn when the column is true (or 1, Y, S, T), or when anything stands in it"
    )
    page_rows: int = Field(500, ge=1, le=10_000, description="rows read in one transaction")
    row_bytes: int = Field(1_000_000, ge=1, le=16_000_000, description="the largest row that is read")
    statement_s: float = Field(60.0, gt=0, le=3600, description="seconds for one statement (PostgreSQL)")

    @model_validator(mode="after")
    def _names(self) -> SqlOptions:
        if any(not name or len(name) > NAMES or "\0" in name for name in self.all_columns()):
            raise ValueError("a column's name is empty or too long")
        return self

    def all_columns(self) -> list[str]:
        """Columns of the statement, each once."""
        deleted = (self.deleted,) if self.deleted else ()
        return list(dict.fromkeys((*self.columns, *self.key, self.changed, *deleted)))


@dataclass(frozen=True)
class SqlRow:
    """One row: `values` as the driver gives them, by column; `key` names it in its table for ever."""

    key: str = field(repr=False)
    values: Mapping[str, Any] = field(repr=False)
    deleted: bool = False


class BadTable(ValueError):
    """The settings and the database do not fit: says which column or table, and what to do."""


class LostPosition(Gap, ValueError):
    """The position is none of an SQL source: rewind the connector."""


class SqlTable:
    """Yields a table's rows as they change."""

    def __init__(self, options: SqlOptions, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Raises ValueError if `database` is no address of a database. Connects to nothing yet."""
        self._options = options
        self._now = now
        self._engine = _reading(options.database.get_secret_value())
        named: list[ColumnClause[Any]] = [column(name) for name in (*options.all_columns(), *options.only)]
        # Always with the table before them: SQLite takes a lone "name" that it does not know for a text.
        self._table = table(options.table, *named, schema=options.schema_name)
        self._seen: dict[str, tuple[Marker, bytes]] = {}
        self._last: str | None = None  # the position of what was yielded last
        self._checked = False

    def read(self, after: str | None) -> Iterator[Read[SqlRow] | BadRecord]:
        """The rows that changed after a position, in order, until there is none for now.

        Raises Transient when the database is not ready, Credentials, BadTable when a column is missing or its type does not
        do, and LostPosition.
        """
        try:
            if not self._checked:
                self._check_names()
                yield from self._never_read()
                self._checked = True
            yield from self._rows(_position(after))
        except SQLAlchemyError as error:
            raise _told(error, self._options) from None

    def standing(self) -> Iterator[Read[SqlRow] | BadRecord]:
        """Every row as it is now, whatever was read before; `read` goes on as if nobody had asked. Raises as `read`."""
        at: tuple[Any, ...] | None = None
        try:
            while page := self._page(None, at):
                for row in page:
                    at = self._place(row)
                    yield self._said(row, key_text(at[1:]), "", None)
        except SQLAlchemyError as error:
            raise _told(error, self._options) from None

    def check(self) -> None:
        """Tries the connection and every name. Raises as `read`."""
        try:
            self._check_names()
            with self._engine.connect() as connection:
                self._prepare(connection)
                connection.execute(self._select().limit(1)).all()
        except SQLAlchemyError as error:
            raise _told(error, self._options) from None

    def _check_names(self) -> None:
        options = self._options
        there = {each["name"] for each in inspect(self._engine).get_columns(options.table, options.schema_name)}
        missing = [name for name in (*options.all_columns(), *options.only) if name not in there]
        if missing:
            raise BadTable(f"{options.table}: the column {missing[0]} is missing, or may not be seen")

    def close(self) -> None:
        self._engine.dispose()

    def _rows(self, start: SqlPosition) -> Iterator[Read[SqlRow] | BadRecord]:
        if self._last is None or start.text() != self._last:
            self._seen.clear()  # what was yielded is not what was published: say it again rather than never
        high, count = start.marker, start.count
        since = before(high, self._options.overlap) if high is not None else None
        self._forget(since)
        at: tuple[Any, ...] | None = None
        while page := self._page(since, at):
            for row in page:
                at = self._place(row)
                marker: Marker = at[0]
                if high is not None and type(marker) is not type(high):
                    raise BadTable(f"{self._options.changed} has values of several types, which cannot be put in order")
                key, mark = key_text(at[1:]), _mark(row)
                if self._seen.get(key) == (marker, mark):
                    continue
                count += 1
                if not is_future(marker, self._now()):  # one clock gone wrong must not hide all that changes after it
                    high = marker if high is None else max(high, marker)
                position = SqlPosition(marker=high, count=count).text()
                self._last = position
                self._remember(key, marker, mark, high)
                yield self._said(row, key, position, count)

    def _place(self, row: dict[str, Any]) -> tuple[Any, ...]:
        """Where a row stands in the order: its change marker and its key. Raises BadTable."""
        at = (row[self._options.changed], *(row[name] for name in self._options.key))
        if not is_key(at):
            raise BadTable(f"{self._options.changed} or a key column has types that cannot be put in order")
        return at

    def _said(self, row: dict[str, Any], key: str, position: str, count: int | None) -> Read[SqlRow] | BadRecord:
        options = self._options
        if _size(row) > options.row_bytes:
            reason = f"the row is larger than {options.row_bytes} bytes"
            return BadRecord(options.table, reason, line=count, code="row-too-large", position=position)
        deleted = options.deleted is not None and _is_deleted(row[options.deleted], options.deleted_when)
        values = {name: row[name] for name in options.columns}
        return Read(SqlRow(key, values, deleted), position, file=options.table, line=count)

    def _page(self, since: Marker | None, at: tuple[Any, ...] | None) -> list[dict[str, Any]]:
        """The next rows in order after `at`, or from `since`; at most page_rows and about PAGE_BYTES."""
        options = self._options
        statement = self._select().limit(options.page_rows)
        order = [self._table.c[name] for name in (options.changed, *options.key)]
        if at is not None:
            statement = statement.where(_after(order, at))
        elif since is not None:
            statement = statement.where(order[0] >= since)
        rows: list[dict[str, Any]] = []
        size_bytes = 0
        with self._engine.connect() as connection:
            self._prepare(connection)
            streaming = connection.execution_options(stream_results=True, yield_per=FLUSH_ROWS)
            with streaming.execute(statement.order_by(*order)) as result:
                for row in result.mappings():
                    rows.append(dict(row))
                    size_bytes += _size(rows[-1])
                    if size_bytes > PAGE_BYTES:
                        break
        return rows

    def _select(self) -> Select[Any]:
        options = self._options
        statement = select(*(self._table.c[name] for name in options.all_columns()))
        ordered = (self._table.c[name].is_not(None) for name in (options.changed, *options.key))
        return statement.where(*self._wanted(), *ordered)

    def _wanted(self) -> list[ColumnElement[bool]]:
        return [self._table.c[name] == value for name, value in self._options.only.items()]

    def _never_read(self) -> Iterator[BadRecord]:
        """Rows without a marker or a key have no place in the order; they are told once, counted, not passed over."""
        options = self._options
        lacking = or_(*(self._table.c[name].is_(None) for name in (options.changed, *options.key)))
        with self._engine.connect() as connection:
            self._prepare(connection)
            count = connection.scalar(select(func.count()).select_from(self._table).where(lacking, *self._wanted()))
        if count:
            reason = f"{count} rows have no change marker or no key and are not read"
            yield BadRecord(options.table, reason, field=options.changed, code="row-without-marker")

    def _prepare(self, connection: Any) -> None:
        if connection.dialect.name == "postgresql":
            limit_ms = int(self._options.statement_s * 1000)
            connection.execute(text(f"SET LOCAL statement_timeout = {limit_ms}"))
            connection.execute(text("SET TRANSACTION READ ONLY"))

    def _remember(self, key: str, marker: Marker, mark: bytes, high: Marker | None) -> None:
        if len(self._seen) >= SEEN_ROWS and high is not None:
            self._forget(before(high, self._options.overlap))
        if len(self._seen) < SEEN_ROWS:
            self._seen[key] = marker, mark

    def _forget(self, since: Marker | None) -> None:
        """Keeps of the rows that were seen those that the next turn will read again."""
        if since is None:
            return
        self._seen = {key: seen for key, seen in self._seen.items() if seen[0] >= since}


def _reading(address: str) -> Engine:
    """An engine that only reads: a sink's settings of SQLite (a journal of its own) would change the agency's file.

    Raises ValueError."""
    try:
        url = make_url(address)
        waits = {"connect_timeout": CONNECT_S} if url.get_driver_name() == "psycopg" else {}
        arguments = {name: value for name, value in waits.items() if name not in url.query}
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=arguments)
    except (ArgumentError, ImportError) as error:
        raise ValueError(f"database: no SQLAlchemy URL whose driver is installed ({type(error).__name__})") from None
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _only_reads(connection: Any, _record: object) -> None:
            for pragma in ("query_only=ON", "busy_timeout=10000"):
                connection.execute(f"PRAGMA {pragma}")

    return engine


def _after(order: Sequence[ColumnElement[Any]], at: tuple[Any, ...]) -> ColumnElement[bool]:
    """(a, b, c) > (x, y, z), written out: not every database compares rows."""
    cases = []
    for place, name in enumerate(order):
        same = [each == value for each, value in zip(order[:place], at[:place], strict=True)]
        cases.append(and_(*same, name > at[place]))
    return or_(*cases)


def _position(text: str | None) -> SqlPosition:
    if text is None:
        return SqlPosition()
    try:
        return SqlPosition.parse(text)
    except ValueError:
        raise LostPosition("this is not a position of an SQL source: rewind the connector") from None


def _is_deleted(value: Any, when: Literal["true", "set"]) -> bool:
    """Flags as databases keep them: booleans, numbers, letters (S for sí)."""
    if value is None:
        return False
    if when == "set":
        return True
    if isinstance(value, str):
        return value.strip().lower() in ("1", "t", "true", "y", "yes", "s", "si", "sí")
    return bool(value)


def _size(row: Mapping[str, Any]) -> int:
    return sum(len(value) if isinstance(value, str | bytes | bytearray | memoryview) else 8 for value in row.values())


def _mark(row: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(repr(sorted(row.items())).encode("utf-8", "surrogatepass")).digest()[:16]


def _told(error: SQLAlchemyError, options: SqlOptions) -> Exception:
    """What went wrong, without the words of the driver: they name the user, the host, and values."""
    code = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    if code.startswith("42") or isinstance(error, NoSuchTableError):  # syntax error or access rule violation (SQL)
        return BadTable(f"{options.table}: the table, one of its columns or the right to read it is missing")
    words = str(getattr(error, "orig", ""))
    if code.startswith("28") or any(each in words for each in REFUSED):
        return Credentials("database: the user, its password or its right to connect is refused")
    if isinstance(error, DBAPIError):
        return Transient(f"database: {type(error).__name__}{' ' + code if code else ''}")
    return BadTable(f"{options.table}: cannot be read as configured ({type(error).__name__})")
