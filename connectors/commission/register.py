"""The victim unit's register in SQL: cases, the persons in them by category received, what each obliges to, and the proof of
what was taken out again.

A release replaces all that the register has of its alert. A withdrawal takes it out, and so does the end of its retention; that
there was a case, and what was taken out when and why, stays in `register_removal`, without data. The unit's officers read; to
acknowledge they set `acknowledged_ms`, which is theirs alone.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

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
    and_,
    delete,
    insert,
    select,
    update,
)

from connectors.sdk import Content, Deletion, Delivery, Effect
from connectors.sdk.effects import metadata
from connectors.sdk.terms import acknowledge_by_ms, caveats, keep_until_ms, review_by_ms
from hub.model.core import Core
from hub.model.delivery import Delivery as DeliveryRecord
from hub.model.obligation import Obligation
from hub.model.receipt import KEPT_UNTIL
from hub.model.text import to_json

from .caveats import Words, words

EXPIRED_AT_ONCE: Final = 500  # cases taken out in one transaction

cases = Table(
    "register_case",
    metadata,
    Column("alert", String(36), primary_key=True),
    Column("state", String(20), nullable=False),  # open, withdrawn, deleted, request, feedback
    Column("revision", Integer, nullable=False),
    Column("originator", String(40)),
    Column("class", String(64)),
    Column("exercise", String(20)),
    Column("tlp", String(20)),
    Column("handling", String(20)),
    Column("purposes", Text),
    Column("core", Text),
    Column("delivery", String(32)),  # the one that brought what is there, hexadecimal
    Column("received_ms", BigInteger, nullable=False),
    Column("acknowledge_by_ms", BigInteger),
    Column("acknowledged_ms", BigInteger),
    Column("keep_until_ms", BigInteger, index=True),
    Column("keep_events", Text),
    Column("review_by_ms", BigInteger),
    Column("onward", String(64)),
    Column("onward_to", Text),
    Column("caveats", Text),
    Column("caveats_es", Text),
    Column("caveats_en", Text),
    Column("reason", String(64)),
)
persons = Table(
    "register_person",
    metadata,
    Column("alert", String(36), ForeignKey("register_case.alert"), primary_key=True),
    Column("person", String(8), primary_key=True),  # within the alert: v1, m1, ...
    Column("subject", String(20), nullable=False),  # victim, missing, suspect, witness, informant
    Column("categories", Text, nullable=False),
)
entries = Table(
    "register_entry",
    metadata,
    Column("alert", String(36), ForeignKey("register_case.alert"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("person", String(8)),  # nothing, for what is of no person in particular
    Column("category", String(64), nullable=False),
    Column("content", Text, nullable=False),
)
removals = Table(
    "register_removal",
    metadata,
    Column("alert", String(36), ForeignKey("register_case.alert"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("why", String(20), nullable=False),  # withdrawn, no-longer-released, kept-until
    Column("reason", String(64)),
    Column("delivery", String(32)),  # hexadecimal; nothing where no delivery asked for it
    Column("categories", Text, nullable=False),  # JSON: category to how many entries went
    Column("at_ms", BigInteger, nullable=False),
)


class Register:
    """Takes deliveries in, each in the transaction that remembers it (connectors.sdk.effects)."""

    def __init__(self, engine: Engine, worded: Mapping[str, Words]) -> None:
        """`worded`: the words of caveats by code."""
        metadata.create_all(engine)
        self._worded = worded

    def take(self, connection: Connection, delivery: Delivery, now_ms: int) -> Effect:
        """The effect of one delivery. Requests and feedback are on alerts of one's own: they are noted, and cover nothing."""
        record = delivery.record
        alert = str(record.alert)
        if record.kind == "withdrawal":
            _put(connection, alert, {"state": "withdrawn", "reason": record.reason, **EMPTY})
            _remove(connection, alert, "withdrawn", now_ms, record.id.hex(), record.reason)
        elif record.kind == "release" and record.view is not None:
            self._release(connection, delivery, record.view.core, now_ms)
        elif not _known(connection, alert):
            _put(
                connection,
                alert,
                {"state": record.kind, "reason": record.reason, "received_ms": record.decided_ms},
            )
        return Effect(reference=alert)

    def expire(self, connection: Connection, now_ms: int) -> list[Deletion]:
        """Takes out cases whose retention has ended, at most EXPIRED_AT_ONCE."""
        ended = and_(cases.c.keep_until_ms <= now_ms, cases.c.state == "open")
        statement = select(cases.c.alert, cases.c.delivery).where(ended).order_by(cases.c.keep_until_ms)
        gone = []
        for alert, delivery in connection.execute(statement.limit(EXPIRED_AT_ONCE)).all():
            _put(connection, alert, {"state": "deleted", "reason": KEPT_UNTIL, **EMPTY})
            _remove(connection, alert, KEPT_UNTIL, now_ms, None, None)
            gone.append(Deletion(bytes.fromhex(delivery), uuid.UUID(alert), now_ms))
        return gone

    def _release(self, connection: Connection, delivery: Delivery, core: Core, now_ms: int) -> None:
        record = delivery.record
        alert = str(record.alert)
        values = {
            "state": "open",
            "revision": record.revision,
            "originator": core.originator,
            "class": core.label.class_,
            "exercise": core.label.exercise,
            "tlp": core.label.tlp,
            "handling": " ".join(core.label.handling),
            "purposes": " ".join(core.label.purposes),
            "core": _text(core),
            "delivery": record.id.hex(),
            "received_ms": record.decided_ms,
            "reason": None,
            "acknowledged_ms": None,
            **self._terms(record),
        }
        _put(connection, alert, values)
        had = _categories(connection, alert)
        _clear(connection, alert)
        for number, content in enumerate(delivery.contents):
            row = {"alert": alert, "number": number, "category": content.category, "content": _text(content.content)}
            connection.execute(insert(entries).values(person=_person(content), **row))
        for person, subject, categories in _persons(delivery.contents):
            row = {"alert": alert, "person": person, "subject": subject, "categories": " ".join(categories)}
            connection.execute(insert(persons).values(row))
        gone = {name: count for name, count in had.items() if name in record.withdrawn}
        if gone:
            _prove(connection, alert, "no-longer-released", gone, now_ms, record.id.hex(), record.reason)

    def _terms(self, record: DeliveryRecord) -> dict[str, object]:
        """What the release obliges to, as days and words that an officer can act on."""
        terms = record.obligation or Obligation()
        codes = caveats(record)
        return {
            "acknowledge_by_ms": acknowledge_by_ms(record),
            "keep_until_ms": keep_until_ms(record),
            "keep_events": " ".join(terms.keep_events),
            "review_by_ms": review_by_ms(record),
            "onward": terms.onward,
            "onward_to": " ".join(terms.onward_to),
            "caveats": " ".join(codes),
            "caveats_es": words(codes, self._worded, "es"),
            "caveats_en": words(codes, self._worded, "en"),
        }


DATED: Final = ("acknowledge_by_ms", "keep_until_ms", "review_by_ms")
EMPTY: Final[dict[str, object]] = dict.fromkeys(("core", "keep_events", "purposes", "handling", *DATED))


def _known(connection: Connection, alert: str) -> bool:
    return connection.execute(select(cases.c.alert).where(cases.c.alert == alert)).one_or_none() is not None


def _put(connection: Connection, alert: str, values: Mapping[str, Any]) -> None:
    if _known(connection, alert):
        connection.execute(update(cases).where(cases.c.alert == alert).values(dict(values)))
    else:
        connection.execute(insert(cases).values({"alert": alert, "revision": 0, "received_ms": 0, **values}))


def _categories(connection: Connection, alert: str) -> Counter[str]:
    return Counter(connection.execute(select(entries.c.category).where(entries.c.alert == alert)).scalars())


def _clear(connection: Connection, alert: str) -> None:
    for table in (entries, persons):
        connection.execute(delete(table).where(table.c.alert == alert))


def _remove(
    connection: Connection, alert: str, why: str, now_ms: int, delivery: str | None, reason: str | None
) -> None:
    """All data of a case, with the proof that they went."""
    had = _categories(connection, alert)
    _clear(connection, alert)
    _prove(connection, alert, why, had, now_ms, delivery, reason)


def _prove(
    connection: Connection,
    alert: str,
    why: str,
    gone: Mapping[str, int],
    now_ms: int,
    delivery: str | None,
    reason: str | None,
) -> None:
    before = connection.execute(select(removals.c.number).where(removals.c.alert == alert)).scalars().all()
    connection.execute(
        insert(removals).values(
            alert=alert,
            number=len(before) + 1,
            why=why,
            reason=reason,
            delivery=delivery,
            categories=json.dumps(dict(sorted(gone.items()))),
            at_ms=now_ms,
        )
    )


def _person(content: Content) -> str | None:
    return getattr(content.content, "person", None)


def _persons(contents: Sequence[Content]) -> Iterator[tuple[str, str, list[str]]]:
    """Each person, what he or she is in the case, and what was received of the person."""
    found: dict[str, list[str]] = {}
    for content in contents:
        if person := _person(content):
            found.setdefault(person, []).append(content.category)
    for person, categories in found.items():
        yield person, categories[0].partition(".")[0], sorted(set(categories))


def _text(model: Any) -> str:
    return json.dumps(to_json(model), ensure_ascii=False, sort_keys=True)
