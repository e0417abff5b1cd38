"""The prosecutors' case inbox in SQL: what was delivered, what of it was withdrawn since, and what each delivery obliges to.

A withdrawal takes the sections out; that there was an alert, and why it went, stays.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from connectors.sdk import Content, Delivery, Effect
from connectors.sdk.effects import metadata
from connectors.sdk.terms import Words, terms
from hub.model.text import to_json

alerts = Table(
    "inbox_alert",
    metadata,
    Column("alert", String(36), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("originator", String(40)),
    Column("class", String(64)),
    Column("exercise", String(20)),
    Column("handling", String(20)),
    Column("core", Text),
    Column("obligation", Text),
    Column("terms", Text),  # what the reader must know, in Spanish and English
    Column("reason", String(64)),
    Column("received_ms", BigInteger, nullable=False),
)
sections = Table(
    "inbox_section",
    metadata,
    Column("alert", String(36), ForeignKey("inbox_alert.alert"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("category", String(64), nullable=False),
    Column("content", Text, nullable=False),
)


class Inbox:
    """Takes deliveries into the two tables, each in one transaction with its id (connectors.sdk.effects)."""

    def __init__(self, engine: Engine, words: Words | None = None) -> None:
        self._words = words or Words()
        metadata.create_all(engine)

    def take(self, connection: Connection, delivery: Delivery) -> Effect:
        """A release replaces what the inbox has of the alert; a withdrawal empties it.

        Feedback and requests are on alerts of one's own: they are noted, and change nothing that was received.
        """
        record = delivery.record
        reference = str(record.alert)
        if record.kind == "withdrawal":
            connection.execute(delete(sections).where(sections.c.alert == reference))
            gone = {"core": None, "obligation": None, "terms": None}
            self._put(connection, reference, state="withdrawn", reason=record.reason, **gone)
        elif record.kind == "release" and record.view is not None:
            core = record.view.core
            self._put(
                connection,
                reference,
                state="open",
                revision=record.revision,
                originator=core.originator,
                exercise=core.label.exercise,
                handling=" ".join(core.label.handling),
                core=_text(core),
                obligation=_text(record.obligation) if record.obligation else None,
                terms=self._told(delivery),
                received_ms=record.decided_ms,
                reason=None,
                **{"class": core.label.class_},
            )
            connection.execute(delete(sections).where(sections.c.alert == reference))
            for number, content in enumerate(delivery.contents):
                connection.execute(insert(sections).values(_row(reference, number, content)))
        elif not self._known(connection, reference):
            self._put(connection, reference, state=record.kind, reason=record.reason, received_ms=record.decided_ms)
        return Effect(reference=reference)

    def _told(self, delivery: Delivery) -> str:
        said = [{"code": each.code, "es": each.es, "en": each.en} for each in terms(delivery.record, self._words)]
        return json.dumps(said, ensure_ascii=False)

    @staticmethod
    def _known(connection: Connection, reference: str) -> bool:
        found = connection.execute(select(alerts.c.alert).where(alerts.c.alert == reference))
        return found.one_or_none() is not None

    def _put(self, connection: Connection, reference: str, **values: Any) -> None:
        if not self._known(connection, reference):
            defaults = {"revision": 0, "received_ms": 0}
            connection.execute(insert(alerts).values({"alert": reference, **defaults, **values}))
        else:
            connection.execute(update(alerts).where(alerts.c.alert == reference).values(values))


def _row(reference: str, number: int, content: Content) -> dict[str, Any]:
    return {"alert": reference, "number": number, "category": content.category, "content": _text(content.content)}


def _text(model: Any) -> str:
    return json.dumps(to_json(model), ensure_ascii=False, sort_keys=True)
