"""Procuraduría General de la Nación: deliveries into the case inbox (SQL)."""

from __future__ import annotations

import time

from pydantic import Field

from connectors.sdk import Connector, Delivery, Effect, Options
from connectors.sdk.effects import once, open_engine

from .inbox import Inbox


class InboxOptions(Options):
    database: str = Field(
        description="Where the case inbox is, as an SQLAlchemy URL, as in sqlite:///inbox.db or postgresql+psycopg://..."
    )


class InboxSink:
    def __init__(self, options: InboxOptions) -> None:
        self._engine = open_engine(options.database)
        self._inbox = Inbox(self._engine)

    def deliver(self, delivery: Delivery) -> Effect:
        now_ms = time.time_ns() // 1_000_000
        return once(self._engine, delivery, now_ms, lambda connection: self._inbox.take(connection, delivery))

    def close(self) -> None:
        self._engine.dispose()


CONNECTOR = Connector(
    name="attorney-general",
    agency="attorney-general",
    title="Procuraduría General de la Nación: case inbox (SQL)",
    options=InboxOptions,
    sink=InboxSink,
)
