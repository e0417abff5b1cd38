"""One alert's life, one delivery, and which agencies there are. See queries.py."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, exists, select

from .results import (
    AgencyVerdict,
    AlertLife,
    DecisionEntry,
    DeliveryEntry,
    EndEntry,
    ReceiptEntry,
    Scope,
    SectionSize,
)
from .searching import alert_by_id
from .tables import Agency, Alert, Decision, Delivery, End, Fragment, Position, Receipt
from .waiting import visible

ENTRIES_MAX = 5_000  # of one kind, of one alert
DELIVERIES = "deliveries."
KINDS = ("alerts.", DELIVERIES, "receipts.", "connectors.")


def alert_life(connection: Connection, scope: Scope, alert: uuid.UUID) -> AlertLife | None:
    """Everything that is recorded of an alert, or None: it is not there, or not for this viewer."""
    row = alert_by_id(connection, scope, alert)
    if row is None:
        return None
    decided = connection.execute(
        select(Decision.__table__)
        .where(Decision.alert == alert.bytes)
        .order_by(Decision.log_ms, Decision.partition, Decision.offset)
        .limit(ENTRIES_MAX)
    ).all()
    ended = connection.execute(
        select(End.__table__)
        .where(End.alert == alert.bytes)
        .order_by(End.log_ms, End.partition, End.offset)
        .limit(ENTRIES_MAX)
    ).all()
    sent = connection.execute(
        select(Delivery.__table__)
        .where(Delivery.alert == alert.bytes, Delivery.restricted.is_not(None))
        .order_by(Delivery.authorised_ms, Delivery.recipient, Delivery.number)
        .limit(ENTRIES_MAX)
    ).all()
    heard = connection.execute(
        select(Receipt.log_ms, Receipt.delivery, Receipt.recipient, Receipt.state, Receipt.reason)
        .where(Receipt.delivery.in_([each.id for each in sent]), Receipt.alert == alert.bytes)
        .order_by(Receipt.log_ms, Receipt.topic, Receipt.offset)
        .limit(ENTRIES_MAX)
    ).all()
    wanted = {each.label for each in decided} | {each.verdict for each in (*decided, *ended)}
    bodies = fragments(connection, wanted | {each.terms for each in sent if each.terms})
    ids = {(each.decision_partition, each.decision_offset, each.recipient): bytes(each.id).hex() for each in sent}
    return AlertLife(
        row,
        tuple(_decision(each, bodies, ids) for each in decided),
        tuple(_end(each, bodies, ids) for each in ended),
        tuple(delivery_entry(each, bodies) for each in sent),
        tuple(ReceiptEntry(each.log_ms, bytes(each.delivery).hex(), *each[2:]) for each in heard),
    )


def delivery(connection: Connection, scope: Scope, delivery_id: str) -> DeliveryEntry | None:
    """One delivery by its id in hexadecimal, or None: it is not there, or not for this viewer."""
    try:
        wanted = bytes.fromhex(delivery_id)
    except ValueError:
        return None
    party = exists().where(Alert.id == Delivery.alert, visible(scope))
    known = Delivery.restricted.is_not(None) & party
    feedback = Delivery.kind == "feedback"
    row = connection.execute(select(Delivery.__table__).where(Delivery.id == wanted, known | feedback)).one_or_none()
    return None if row is None else delivery_entry(row, fragments(connection, {row.terms} if row.terms else set()))


def agencies_known(connection: Connection) -> tuple[str, ...]:
    """Every agency with a topic that is recorded, or that anything was heard of."""
    found = set(connection.execute(select(Agency.agency)).scalars())
    for (topic,) in connection.execute(select(Position.topic).distinct()):
        kind, dot, agency = topic.partition(".")
        if kind + dot in KINDS:
            found.add(agency)
    return tuple(sorted(found))


def fragments(connection: Connection, wanted: Iterable[bytes]) -> dict[bytes, Any]:
    """The shared pieces of JSON, by their ids."""
    rows = connection.execute(select(Fragment.id, Fragment.body).where(Fragment.id.in_(list(wanted))))
    return {bytes(row.id): json.loads(row.body) for row in rows}


def delivery_entry(row: Any, bodies: dict[bytes, Any]) -> DeliveryEntry:
    """A whole row of the table."""
    place = None if row.partition is None else (DELIVERIES + row.recipient, row.partition, row.offset)
    return DeliveryEntry(
        id=bytes(row.id).hex(),
        alert=uuid.UUID(bytes=bytes(row.alert)),
        recipient=row.recipient,
        revision=row.revision,
        kind=row.kind,
        number=row.number,
        authorised_ms=row.authorised_ms,
        at_ms=row.log_ms,
        due_ms=row.due_ms,
        place=place,
        bundle=None if row.bundle is None else bytes(row.bundle).hex(),
        terms=bodies.get(bytes(row.terms), {}) if row.terms else {},
        withdrawn=tuple((row.withdrawn or "").split()),
        reason=row.reason,
        state=row.state,
        acknowledged_ms=row.acknowledged_ms,
        receipt_reason=row.receipt_reason,
    )


def _decision(row: Any, bodies: dict[bytes, Any], ids: dict[tuple[int, int, str], str]) -> DecisionEntry:
    return DecisionEntry(
        at_ms=row.log_ms,
        decided_ms=row.decided_ms,
        revision=row.revision,
        kind=row.kind,
        outcome=row.outcome,
        bundle=bytes(row.bundle).hex(),
        source=(row.source_topic, row.source_partition, row.source_offset),
        place=(row.partition, row.offset),
        label=bodies[bytes(row.label)],
        countries=tuple(row.countries.split()),
        present=tuple(SectionSize(*each) for each in json.loads(row.present)),
        verdicts=_verdicts(row, bodies, ids),
    )


def _end(row: Any, bodies: dict[bytes, Any], ids: dict[tuple[int, int, str], str]) -> EndEntry:
    return EndEntry(
        at_ms=row.log_ms,
        decided_ms=row.decided_ms,
        revision=row.revision,
        outcome=row.outcome,
        bundle=bytes(row.bundle).hex(),
        source=(row.source_topic, row.source_partition, row.source_offset),
        place=(row.partition, row.offset),
        verdicts=_verdicts(row, bodies, ids),
    )


def _verdicts(row: Any, bodies: dict[bytes, Any], ids: dict[tuple[int, int, str], str]) -> tuple[AgencyVerdict, ...]:
    return tuple(
        AgencyVerdict(agency, reason, tuple(categories), ids.get((row.partition, row.offset, agency)))
        for agency, reason, categories in bodies[bytes(row.verdict)]
    )
