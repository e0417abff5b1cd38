"""A sink's memory in SQL: each delivery's id with what it brought about, in the transaction of the effect itself."""

from __future__ import annotations

from collections.abc import Callable

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
    event,
    insert,
    select,
)
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError

from .kinds import Delivery, Effect, Transient

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
