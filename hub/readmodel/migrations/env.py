"""Alembic's entry: it migrates over the connection that database.py hands it, in that connection's transaction."""

from __future__ import annotations

from alembic import context

from hub.readmodel.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, transactional_ddl=False)
context.run_migrations()
