"""Opening the read model's database: SQLite by default, PostgreSQL in production; upgraded at start under a lock.

What the tables are is tables.py's, how they came to be so is migrations/'s. The console keeps tables of its own beside them,
and has revisions of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

FILE: Final = "readmodel.sqlite"
BUSY_MS: Final = 10_000
PAGES_KIB: Final = 64 * 1024  # of SQLite's cache: indices by delivery id are random
CONNECT_S: Final = 10
UPGRADE_LOCK: Final = 0x656E6C616365  # PostgreSQL's advisory lock: "enlace"


class DatabaseError(Exception):
    """The database cannot be used. The message says why and what to do, never a password."""


class NotUpgraded(DatabaseError):
    """The tables are those of another version of this software."""


class DatabaseSettings(BaseSettings):
    """Where the read model is, from the environment."""

    model_config = SettingsConfigDict(env_prefix="ENLACE_", extra="ignore", hide_input_in_errors=True)

    database_url: SecretStr | None = Field(
        None, description="SQLAlchemy URL of the read model; else a SQLite file in ENLACE_HOME"
    )


def database_url(home: Path) -> str:
    """The URL of ENLACE_DATABASE_URL, or of the SQLite file in `home`."""
    given = DatabaseSettings().database_url
    return given.get_secret_value() if given is not None else f"sqlite:///{home / FILE}"


def open_database(url: str) -> Engine:
    """The database behind a URL; nothing is connected yet. Raises DatabaseError for a URL that is none.

    A connection opened with execution option `writing` begins its transactions as a writer's (SQLite's BEGIN IMMEDIATE).
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseError("ENLACE_DATABASE_URL is no URL such as postgresql://user@host/database") from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    if parsed.get_backend_name() == "postgresql":
        chosen = parsed.set(drivername="postgresql+psycopg")
        return create_engine(chosen, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_S})
    raise DatabaseError(f"the read model is kept in SQLite or PostgreSQL, not in {parsed.get_backend_name()}")


def _sqlite(url: URL) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(raw: Any, _record: object) -> None:
        raw.isolation_level = None  # transactions are begun below, not by the driver's guess
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "wal_autocheckpoint=8000",
            f"cache_size=-{PAGES_KIB}",
        ):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: committed at the end, rolled back if anything is raised."""
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        yield connection


@dataclass(frozen=True)
class Revisions:
    """Alembic's revisions of some tables in the database. `room`: the package in whose migrations/ they stand; `table`: where
    the database says which one it is at; `whose`: what errors call the tables."""

    room: str
    table: str
    whose: str


READMODEL: Final = Revisions("hub.readmodel", "alembic_version", "the read model")


def upgrade(engine: Engine, of: Revisions = READMODEL) -> None:
    """Brings the tables to this version; does nothing if they are. Two that start at once do it one after the other.

    Raises NotUpgraded if the tables are newer than this software.
    """
    script = ScriptDirectory.from_config(_alembic(of))
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
        found = _found(connection, of)
        if found == set(script.get_heads()):
            return
        if any(_unknown(script, revision) for revision in found):
            raise NotUpgraded(f"the database has {of.whose} of a newer version: use that, or another database")
        command.upgrade(_alembic(of, connection), "heads")


def check_version(engine: Engine) -> None:
    """Raises NotUpgraded unless the read model's tables are of this version."""
    script = ScriptDirectory.from_config(_alembic(READMODEL))
    with engine.connect() as connection:
        found = _found(connection, READMODEL)
    if found != set(script.get_heads()):
        raise NotUpgraded("the read model is not there, or of another version: run `enlace recorder migrate`")


def _found(connection: Connection, of: Revisions) -> set[str]:
    return set(MigrationContext.configure(connection, opts={"version_table": of.table}).get_current_heads())


def _unknown(script: ScriptDirectory, revision: str) -> bool:
    return all(each.revision != revision for each in script.walk_revisions())


def _alembic(of: Revisions, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files(of.room) / "migrations"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = of.table
    return config
