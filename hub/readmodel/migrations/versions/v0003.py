"""What agencies write of receipts and errors stands in the tables only as far as it is of a closed list."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

from hub.model.receipt import ERROR_KINDS, OTHER, RECEIPT_REASONS

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Before this, whatever looked like a code was recorded."""
    for table, column in (("receipts", "reason"), ("deliveries", "receipt_reason")):
        reason = sa.column(column, sa.String)
        changed = sa.table(table, reason)
        op.execute(sa.update(changed).where(reason.not_in(RECEIPT_REASONS)).values({column: OTHER}))
    error = sa.column("error", sa.String)
    kinds = [(error.startswith(f"{kind}:"), kind) for kind in ERROR_KINDS]
    told = sa.table("health", error)
    op.execute(sa.update(told).where(error.is_not(None)).values(error=sa.case(*kinds, else_=OTHER)))


def downgrade() -> None:
    """What an agency wrote is on its topics still."""
    raise CommandError("rebuild with the older version into a new database")
