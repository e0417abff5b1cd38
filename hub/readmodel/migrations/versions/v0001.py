"""The tables as they were first made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0001"
down_revision = None

APPEND_ONLY = "audit"


def upgrade() -> None:
    """All tables; the audit log refuses changes."""
    _tables()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION {APPEND_ONLY}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit log is only added to'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {APPEND_ONLY}_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {APPEND_ONLY} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {APPEND_ONLY}_refuse()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {APPEND_ONLY}_no_{change.lower()} BEFORE {change} ON {APPEND_ONLY} "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END"
        )


def downgrade() -> None:
    """The first version has none before it."""
    raise CommandError("there is no version before the first: drop the database")


def _tables() -> None:
    op.create_table(
        "alarms",
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=249), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("kind", "topic", "partition", "offset"),
    )
    op.create_table(
        "alert_tags",
        sa.Column("value", sa.String(length=40), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("alert", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("value", "opened_ms", "alert"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("decided_ms", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("originator", sa.String(length=40), nullable=False),
        sa.Column("alert_class", sa.String(length=64), nullable=False),
        sa.Column("exercise", sa.String(length=64), nullable=False),
        sa.Column("tlp", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.Column("valid_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("alerts_by_class", "alerts", ["alert_class", "opened_ms", "id"], unique=False)
    op.create_index("alerts_by_state", "alerts", ["state", "opened_ms", "id"], unique=False)
    op.create_index("alerts_by_time", "alerts", ["opened_ms", "id"], unique=False)
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=500), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_by_person", "audit", ["who", "at_ms"], unique=False)
    op.create_index("audit_by_subject", "audit", ["subject", "at_ms"], unique=False)
    op.create_index("audit_by_time", "audit", ["at_ms"], unique=False)
    op.create_table(
        "bundles",
        sa.Column("serial", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("previous", sa.LargeBinary(length=32), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("log_ms", sa.BigInteger(), nullable=False),
        sa.Column("approvals", sa.Text(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("serial"),
    )
    op.create_table(
        "chain",
        sa.Column("topic", sa.String(length=249), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("previous", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", "previous"),
    )
    op.create_table(
        "decisions",
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("log_ms", sa.BigInteger(), nullable=False),
        sa.Column("source_topic", sa.String(length=249), nullable=False),
        sa.Column("source_partition", sa.Integer(), nullable=False),
        sa.Column("source_offset", sa.BigInteger(), nullable=False),
        sa.Column("source_previous", sa.BigInteger(), nullable=False),
        sa.Column("decided_ms", sa.BigInteger(), nullable=False),
        sa.Column("bundle", sa.LargeBinary(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("alert", sa.LargeBinary(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("label", sa.LargeBinary(length=16), nullable=False),
        sa.Column("countries", sa.String(length=500), nullable=False),
        sa.Column("present", sa.Text(), nullable=False),
        sa.Column("verdict", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("partition", "offset"),
    )
    op.create_index("decisions_by_alert", "decisions", ["alert", "revision"], unique=False)
    op.create_index(
        "decisions_by_order",
        "decisions",
        ["source_partition", "source_offset"],
        unique=False,
        sqlite_where=sa.text("source_topic = 'control'"),
        postgresql_where=sa.text("source_topic = 'control'"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("alert", sa.LargeBinary(length=16), nullable=False),
        sa.Column("recipient", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=True),
        sa.Column("authorised_ms", sa.BigInteger(), nullable=True),
        sa.Column("decision_partition", sa.Integer(), nullable=True),
        sa.Column("decision_offset", sa.BigInteger(), nullable=True),
        sa.Column("log_ms", sa.BigInteger(), nullable=True),
        sa.Column("partition", sa.Integer(), nullable=True),
        sa.Column("offset", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(length=64), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("decided_ms", sa.BigInteger(), nullable=True),
        sa.Column("bundle", sa.LargeBinary(length=32), nullable=True),
        sa.Column("terms", sa.LargeBinary(length=16), nullable=True),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn", sa.Text(), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=64), nullable=True),
        sa.Column("acknowledged_ms", sa.BigInteger(), nullable=True),
        sa.Column("receipt_reason", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("deliveries_by_alert", "deliveries", ["alert"], unique=False)
    op.create_index(
        "deliveries_due",
        "deliveries",
        ["recipient", "restricted", "due_ms"],
        unique=False,
        sqlite_where=sa.text("acknowledged_ms IS NULL AND due_ms IS NOT NULL"),
        postgresql_where=sa.text("acknowledged_ms IS NULL AND due_ms IS NOT NULL"),
    )
    op.create_index(
        "deliveries_missing",
        "deliveries",
        ["recipient", "authorised_ms"],
        unique=False,
        sqlite_where=sa.text("log_ms IS NULL"),
        postgresql_where=sa.text("log_ms IS NULL"),
    )
    op.create_index(
        "deliveries_open",
        "deliveries",
        ["recipient", "restricted", "log_ms"],
        unique=False,
        sqlite_where=sa.text("acknowledged_ms IS NULL AND log_ms IS NOT NULL"),
        postgresql_where=sa.text("acknowledged_ms IS NULL AND log_ms IS NOT NULL"),
    )
    op.create_index(
        "deliveries_unauthorised",
        "deliveries",
        ["recipient"],
        unique=False,
        sqlite_where=sa.text("authorised_ms IS NULL"),
        postgresql_where=sa.text("authorised_ms IS NULL"),
    )
    op.create_table(
        "fragments",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "health",
        sa.Column("agency", sa.String(length=40), nullable=False),
        sa.Column("connector", sa.String(length=64), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("log_ms", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("published", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.Column("set_aside", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("agency", "connector"),
    )
    op.create_table(
        "holds",
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("log_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.Column("set_by", sa.String(length=64), nullable=False),
        sa.Column("set_ms", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=True),
        sa.Column("asked_ms", sa.BigInteger(), nullable=True),
        sa.Column("lifted_by", sa.String(length=64), nullable=True),
        sa.Column("lifted_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("scope"),
    )
    op.create_table(
        "minutes",
        sa.Column("minute_ms", sa.BigInteger(), nullable=False),
        sa.Column("agency", sa.String(length=40), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute_ms", "agency", "what"),
    )
    op.create_table(
        "notes",
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("log_ms", sa.BigInteger(), nullable=False),
        sa.Column("source_partition", sa.Integer(), nullable=False),
        sa.Column("source_offset", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("partition", "offset"),
    )
    op.create_index("notes_by_order", "notes", ["source_partition", "source_offset"], unique=False)
    op.create_table(
        "orders",
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("log_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("original_topic", sa.String(length=249), nullable=False),
        sa.Column("original_partition", sa.Integer(), nullable=False),
        sa.Column("original_offset", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("partition", "offset"),
    )
    op.create_index(
        "orders_by_original", "orders", ["original_topic", "original_partition", "original_offset"], unique=False
    )
    op.create_table(
        "positions",
        sa.Column("topic", sa.String(length=249), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition"),
    )
    op.create_table(
        "quarantine",
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("log_ms", sa.BigInteger(), nullable=False),
        sa.Column("source_topic", sa.String(length=249), nullable=False),
        sa.Column("source_partition", sa.Integer(), nullable=False),
        sa.Column("source_offset", sa.BigInteger(), nullable=False),
        sa.Column("source_previous", sa.BigInteger(), nullable=False),
        sa.Column("recorded_ms", sa.BigInteger(), nullable=False),
        sa.Column("quarantined_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=500), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("agency", sa.String(length=40), nullable=True),
        sa.Column("original_topic", sa.String(length=249), nullable=False),
        sa.Column("original_partition", sa.Integer(), nullable=False),
        sa.Column("original_offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partition", "offset"),
    )
    op.create_index("quarantine_by_agency", "quarantine", ["agency", "log_ms"], unique=False)
    op.create_index("quarantine_by_reason", "quarantine", ["reason", "log_ms"], unique=False)
    op.create_index(
        "quarantine_by_source", "quarantine", ["source_topic", "source_partition", "source_offset"], unique=False
    )
    op.create_table(
        "receipts",
        sa.Column("topic", sa.String(length=249), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("log_ms", sa.BigInteger(), nullable=False),
        sa.Column("delivery", sa.LargeBinary(length=16), nullable=False),
        sa.Column("alert", sa.LargeBinary(length=16), nullable=False),
        sa.Column("recipient", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("topic", "partition", "offset"),
    )
    op.create_index("receipts_by_delivery", "receipts", ["delivery"], unique=False)
    op.create_table(
        "samples",
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("consumer_group", sa.String(length=249), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("at_ms", "consumer_group"),
    )
    op.create_table(
        "unmatched",
        sa.Column("delivery", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("delivery"),
    )
