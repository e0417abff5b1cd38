"""Many rows at once, the quick way of each database: one prepared statement in SQLite, arrays unnested in PostgreSQL.

The statement is the same but for where the rows come from; ON CONFLICT is understood by both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Connection, CursorResult, Integer, LargeBinary, Table

from .tables import Base

AT_ONCE: Final = 5_000  # ids of one look-up
KEEP: Final = "DO NOTHING"


def put(connection: Connection, model: type[Base], rows: Sequence[Sequence[Any]], conflict: str = KEEP) -> None:
    """Inserts rows, each with every column in the table's order. `conflict`: what follows ON CONFLICT, with its target if
    it updates; rows that are there already are kept as they are otherwise. No two rows may be of the same key then."""
    if not rows:
        return
    postgres = connection.dialect.name == "postgresql"
    statement = _statement(model, conflict, postgres)
    if postgres:
        connection.exec_driver_sql(statement, tuple([row[at] for row in rows] for at in range(len(rows[0]))))
    else:
        connection.exec_driver_sql(statement, [tuple(row) for row in rows])


@lru_cache(maxsize=128)
def _statement(model: type[Base], conflict: str, postgres: bool) -> str:
    table: Table = model.__table__  # type: ignore[assignment]
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    if postgres:
        arrays = ", ".join(f"%s::{_type(column.type)}[]" for column in table.columns)
        source = f"SELECT * FROM unnest({arrays})"  # noqa: S608 - our own names only
    else:
        source = f"VALUES ({', '.join('?' for _ in table.columns)})"
    return f'INSERT INTO "{table.name}" ({columns}) {source} ON CONFLICT {conflict}'


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
            yield connection.exec_driver_sql(f"{statement} = ANY(%s)", (some,))
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
