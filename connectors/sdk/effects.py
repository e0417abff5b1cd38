"""A sink's memory in SQL: each delivery's id with what it brought about, in the transaction of the effect itself; and the
receipts that are owed for copies that were deleted, in the transaction of the deletion."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    insert,
    select,
)
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError

from .kinds import Deletion, Delivery, Effect, Transient

OWED_AT_ONCE: Final = 500

metadata = MetaData()
# One row for each delivery that had its effect; `reference` is the recipient system's own word for it.
effects = Table(
    "enlace_effects",
    metadata,
    Column("delivery", LargeBinary(16), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("reference", String(200)),
    Column("reason", String(64)),
    Column("at_ms", BigInteger, nullable=False),
)
# One row for each copy that was deleted, until its receipt is on the bus.
deletions = Table(
    "enlace_deletions",
    metadata,
    Column("delivery", LargeBinary(16), primary_key=True),
    Column("alert", String(36), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("reason", String(64), nullable=False),
)


def open_engine(url: str) -> Engine:
    """An engine for a local or remote database. SQLite waits for its lock and keeps a journal that readers do not block.

    Raises ValueError if this is no address of a database, or its driver is not installed.
    """
    try:
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)  # its errors would show personal data
    except (ArgumentError, ImportError) as error:
        raise ValueError(
            f"database: not an SQLAlchemy URL whose driver is installed ({type(error).__name__})"
        ) from None
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _pragmas(connection: object, _record: object) -> None:
            cursor = connection.cursor()  # type: ignore[attr-defined]
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA busy_timeout=10000")
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.close()

    return engine


def once(engine: Engine, delivery: Delivery, now_ms: int, make: Callable[[Connection], Effect]) -> Effect:
    """Runs `make` and remembers the delivery in one transaction; if it had its effect before, returns that one.

    Raises Transient when the database is not ready.
    """
    try:
        with engine.begin() as connection:
            known = connection.execute(select(effects).where(effects.c.delivery == delivery.id)).one_or_none()
            if known is not None:
                return Effect(known.state, known.reference, known.reason)
            effect = make(connection)
            row = {"state": effect.state, "reference": effect.reference, "reason": effect.reason, "at_ms": now_ms}
            connection.execute(insert(effects).values(delivery=delivery.id, **row))
            return effect
    except (OperationalError, IntegrityError) as error:
        raise Transient(type(error).__name__) from None


def expired(engine: Engine, take_out: Callable[[Connection], Iterable[Deletion]]) -> Sequence[Deletion]:
    """Runs `take_out`, which deletes what must go, and notes in the same transaction that its receipts are owed; all that are
    owed now, at most OWED_AT_ONCE. Raises Transient when the database is not ready."""
    try:
        with engine.begin() as connection:
            for each in take_out(connection):
                row = {"delivery": each.delivery, "alert": str(each.alert), "at_ms": each.at_ms, "reason": each.reason}
                connection.execute(insert(deletions).values(row))
            found = connection.execute(select(deletions).order_by(deletions.c.at_ms).limit(OWED_AT_ONCE)).all()
            return [Deletion(bytes(row.delivery), uuid.UUID(row.alert), row.at_ms, row.reason) for row in found]
    except (OperationalError, IntegrityError) as error:
        raise Transient(type(error).__name__) from None


def receipted(engine: Engine, told: Iterable[Deletion]) -> None:
    """The receipts are on the bus: nothing is owed for these. Raises Transient when the database is not ready."""
    try:
        with engine.begin() as connection:
            for each in told:
                connection.execute(delete(deletions).where(deletions.c.delivery == each.delivery))
    except OperationalError as error:
        raise Transient(type(error).__name__) from None
