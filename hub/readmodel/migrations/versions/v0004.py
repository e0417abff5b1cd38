"""How alerts ended: by an order, withdrawn from whoever held them, or forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """A new table: nothing that is recorded by now has ended."""
    op.create_table(
        "ends",
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("log_ms", sa.BigInteger(), nullable=False),
        sa.Column("source_topic", sa.String(length=249), nullable=False),
        sa.Column("source_partition", sa.Integer(), nullable=False),
        sa.Column("source_offset", sa.BigInteger(), nullable=False),
        sa.Column("decided_ms", sa.BigInteger(), nullable=False),
        sa.Column("bundle", sa.LargeBinary(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("alert", sa.LargeBinary(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("partition", "offset"),
    )
    op.create_index("ends_by_alert", "ends", ["alert"])


def downgrade() -> None:
    """What is derived can be rebuilt into an older version's database."""
    raise CommandError("rebuild with the older version into a new database")
