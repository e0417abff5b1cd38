"""Many rows at once, the quick way of each database: one prepared statement in SQLite, COPY in PostgreSQL.

The statement is the same but for where the rows come from; ON CONFLICT is understood by both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import psycopg
from sqlalchemy import BigInteger, Boolean, Connection, CursorResult, Integer, LargeBinary, Table
from sqlalchemy.exc import DBAPIError

from .tables import Base

AT_ONCE: Final = 5_000  # ids of one look-up
KEEP: Final = "DO NOTHING"
COPIED_FROM: Final = 50  # rows; fewer are given as arrays, which saves two statements


def put(connection: Connection, model: type[Base], rows: Sequence[Sequence[Any]], conflict: str = KEEP) -> None:
    """Inserts rows, each with every column in the table's order. `conflict`: what follows ON CONFLICT, with its target if
    it updates; rows that are there already are kept as they are otherwise. No two rows may be of the same key then."""
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        connection.exec_driver_sql(_statement(model, conflict, _values(model)), [tuple(row) for row in rows])
    elif len(rows) < COPIED_FROM:
        columns = tuple([row[at] for row in rows] for at in range(len(rows[0])))
        connection.exec_driver_sql(_statement(model, conflict, _arrays(model)), columns)
    else:
        beside = _copy(connection, model, rows)
        connection.exec_driver_sql(_statement(model, conflict, f"SELECT * FROM {beside}"))  # noqa: S608


def _copy(connection: Connection, model: type[Base], rows: Sequence[Sequence[Any]]) -> str:
    """Rows beside their table, by PostgreSQL's COPY, which knows no conflicts; the name of where they are."""
    table: Table = model.__table__  # type: ignore[assignment]
    beside = f'"new_{table.name}"'
    connection.exec_driver_sql(
        f'CREATE TEMPORARY TABLE IF NOT EXISTS {beside} (LIKE "{table.name}") ON COMMIT DELETE ROWS'
    )
    connection.exec_driver_sql(f"TRUNCATE {beside}")
    statement = f"COPY {beside} FROM STDIN (FORMAT BINARY)"
    raw: Any = connection.connection.driver_connection
    try:
        with raw.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(_types(model))
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(statement, None, error, psycopg.Error, hide_parameters=True) from error
    return beside


@lru_cache(maxsize=128)
def _statement(model: type[Base], conflict: str, source: str) -> str:
    table: Table = model.__table__  # type: ignore[assignment]
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    return f'INSERT INTO "{table.name}" ({columns}) {source} ON CONFLICT {conflict}'


@lru_cache(maxsize=64)
def _values(model: type[Base]) -> str:
    return f"VALUES ({', '.join('?' for _ in model.__table__.columns)})"


@lru_cache(maxsize=64)
def _types(model: type[Base]) -> tuple[str, ...]:
    return tuple(_type(column.type) for column in model.__table__.columns)


@lru_cache(maxsize=64)
def _arrays(model: type[Base]) -> str:
    return f"SELECT * FROM unnest({', '.join(f'%s::{each}[]' for each in _types(model))})"  # noqa: S608 - our own names only


def _type(column: Any) -> str:
    for kind, name in (
        (BigInteger, "bigint"),
        (Integer, "integer"),
        (Boolean, "boolean"),
        (LargeBinary, "bytea"),
    ):
        if isinstance(column, kind):
            return name
    return "text"


def change(connection: Connection, model: type[Base], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """New values of some columns: each row has them in order, and then the id of the row that they are of."""
    if not rows:
        return
    table: Table = model.__table__  # type: ignore[assignment]
    if connection.dialect.name == "postgresql":
        given = ", ".join(f"%b::{_type(table.columns[name].type)}[]" for name in (*columns, "id"))
        names = ", ".join(f'"{name}"' for name in (*columns, "id"))
        news = ", ".join(f'"{name}" = new."{name}"' for name in columns)
        source = f"unnest({given}) AS new({names})"
        statement = f'UPDATE "{table.name}" SET {news} FROM {source} WHERE "{table.name}".id = new.id'  # noqa: S608
        connection.exec_driver_sql(statement, tuple([row[at] for row in rows] for at in range(len(rows[0]))))
        return
    news = ", ".join(f'"{name}" = ?' for name in columns)
    connection.exec_driver_sql(f'UPDATE "{table.name}" SET {news} WHERE id = ?', [tuple(row) for row in rows])  # noqa: S608


def by_ids(connection: Connection, columns: Sequence[Any], key: Any, ids: Iterable[bytes]) -> list[Any]:
    """The rows of one table whose `key` is one of `ids`."""
    names = ", ".join(f'"{column.name}"' for column in columns)
    found: list[Any] = []
    for rows in _of_ids(connection, f'SELECT {names} FROM "{key.table.name}" WHERE "{key.name}"', ids):  # noqa: S608
        found += rows.all()
    return found


def drop(connection: Connection, key: Any, ids: Iterable[bytes]) -> None:
    """Deletes the rows whose `key` is one of `ids`."""
    for _ in _of_ids(connection, f'DELETE FROM "{key.table.name}" WHERE "{key.name}"', ids):  # noqa: S608
        pass


def _of_ids(connection: Connection, statement: str, ids: Iterable[bytes]) -> Iterator[CursorResult[Any]]:
    wanted = list(ids)
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        if connection.dialect.name == "postgresql":
            yield connection.exec_driver_sql(f"{statement} = ANY(%b)", (some,))
        else:
            yield connection.exec_driver_sql(f"{statement} IN ({','.join('?' * len(some))})", tuple(some))


def replacing(key: str, columns: Iterable[str]) -> str:
    """ON CONFLICT: the new values of these columns in place of the old."""
    return f"({key}) DO UPDATE SET " + ", ".join(f'"{name}" = excluded."{name}"' for name in columns)


def newer(table: str, key: str, columns: Iterable[str]) -> str:
    """ON CONFLICT: the new values in place of the old, if they are of a later record."""
    return f'{replacing(key, columns)} WHERE excluded."offset" >= "{table}"."offset"'


def filling(table: str, key: str, columns: Iterable[str]) -> str:
    """ON CONFLICT: what is known now is added to what was known."""
    return f"({key}) DO UPDATE SET " + ", ".join(
        f'"{name}" = COALESCE(excluded."{name}", "{table}"."{name}")' for name in columns
    )
