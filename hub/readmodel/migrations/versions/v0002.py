"""Fewer and smaller trees to write: tables kept by their keys in SQLite, an index of few states, receipts by their alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0002"
down_revision = "0001"

BY_KEY = ("alerts", "decisions", "receipts", "minutes")
UNCOMMON = sa.text("state <> 'released'")


def upgrade() -> None:
    """Keeps every row."""
    op.drop_index("alerts_by_state", "alerts")
    op.drop_index("receipts_by_delivery", "receipts")
    if op.get_bind().dialect.name == "sqlite":
        for table in BY_KEY:
            _by_key(table)
    op.create_index(
        "alerts_by_state",
        "alerts",
        ["state", "opened_ms", "id"],
        sqlite_where=UNCOMMON,
        postgresql_where=UNCOMMON,
    )
    op.create_index("receipts_by_alert", "receipts", ["alert"])
    op.create_table(
        "agencies", sa.Column("agency", sa.String(length=40), nullable=False), sa.PrimaryKeyConstraint("agency")
    )
    op.execute("INSERT INTO agencies SELECT agency FROM minutes UNION SELECT agency FROM health")


def downgrade() -> None:
    """What is derived can be rebuilt into an older version's database."""
    raise CommandError("rebuild with the older version into a new database")


def _by_key(table: str) -> None:
    """SQLite makes a table without row numbers only anew."""
    of_table = "FROM sqlite_master WHERE tbl_name = :name AND type = :kind AND sql IS NOT NULL"
    named = sa.text(f"SELECT name, sql {of_table}")
    (made,) = op.get_bind().execute(named, {"name": table, "kind": "table"}).all()
    indices = op.get_bind().execute(named, {"name": table, "kind": "index"}).all()
    for index in indices:
        op.execute(f"DROP INDEX {index.name}")
    op.execute(f"ALTER TABLE {table} RENAME TO {table}_before")
    op.execute(f"{made.sql} WITHOUT ROWID")
    op.execute(f"INSERT INTO {table} SELECT * FROM {table}_before")  # noqa: S608 - our own names only
    op.execute(f"DROP TABLE {table}_before")
    for index in indices:
        op.execute(index.sql)
