"""The console's own tables, beside the read model in the same database: people, sessions, failed sign-ins. Their making and
upgrading is migrations/'s.

Secrets stand here hashed only: passwords by argon2id, session ids by SHA-256.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Engine, Integer, LargeBinary, MetaData, String, Table

from hub.readmodel.database import Revisions, upgrade

REVISIONS: Final = Revisions("hub.console", "console_version", "the console's tables")
METADATA = MetaData()
_BIG = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up an INTEGER key only

PEOPLE = Table(
    "console_people",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("agency", String(40)),  # whom an auditor audits for
    Column("password", String(200), nullable=False),
    Column("active", Boolean, nullable=False, default=True),
    Column("language", String(2)),
    Column("theme", String(5), nullable=False, default="auto"),
    Column("made_ms", BigInteger, nullable=False),
)
SESSIONS = Table(
    "console_sessions",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("name", String(64), nullable=False, index=True),
    Column("begun_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger, nullable=False),
)
FAILED = Table(
    "console_failed_sign_ins",
    METADATA,
    Column("id", _BIG, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("name", String(64), nullable=False),
    Column("address", String(64), nullable=False),
)


def make(engine: Engine) -> None:
    """Makes the tables, or brings them to this version. Raises NotUpgraded if they are of a newer one."""
    upgrade(engine, REVISIONS)
