"""The tables as they were first made; those that stand there already, from before they had versions, are taken over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Keeps every row."""
    op.create_table(
        "console_people",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("agency", sa.String(40)),
        sa.Column("password", sa.String(200), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("language", sa.String(2)),
        sa.Column("theme", sa.String(5), nullable=False),
        sa.Column("made_ms", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "console_sessions",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("begun_ms", sa.BigInteger, nullable=False),
        sa.Column("used_ms", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "console_failed_sign_ins",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_console_sessions_name", "console_sessions", ["name"], if_not_exists=True)
    op.create_index("ix_console_failed_sign_ins_at_ms", "console_failed_sign_ins", ["at_ms"], if_not_exists=True)


def downgrade() -> None:
    """There is nothing before them."""
    raise CommandError("the first version of the tables")
