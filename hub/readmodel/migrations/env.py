"""Alembic's entry: it migrates over the connection that database.py hands it, in that connection's transaction."""

from __future__ import annotations

from alembic import context

from hub.readmodel.tables import Base

given = context.config.attributes
context.configure(
    connection=given["connection"],
    version_table=given["version_table"],
    target_metadata=Base.metadata,
    transactional_ddl=False,
)
context.run_migrations()
