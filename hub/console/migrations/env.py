"""Alembic's entry: it migrates over the connection that readmodel/database.py hands it, in that connection's transaction."""

from __future__ import annotations

from alembic import context

from hub.console.tables import METADATA

given = context.config.attributes
context.configure(
    connection=given["connection"],
    version_table=given["version_table"],
    target_metadata=METADATA,
    transactional_ddl=False,
)
context.run_migrations()
