"""What waits in quarantine: by reason, by page, one. Never a key, a value or a header. See queries.py."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, tuple_

from .results import QuarantineGroup, QuarantinePage, QuarantineRow
from .tables import Decision, Note, Order, Quarantined
from .waiting import key_of, numbers_of, page_size

SOURCES = 3  # parts of a place: topic, partition, offset
_ABOUT = and_(  # an order about a record asks for its next attempt (cli/quarantine.py)
    Order.original_topic == Quarantined.original_topic,
    Order.original_partition == Quarantined.original_partition,
    Order.original_offset == Quarantined.original_offset,
    Order.attempt == Quarantined.attempt + 1,
    Order.kind.in_(("replay", "return")),
)


def _carried_out() -> ColumnElement[bool]:
    """Whether the router has said what came of an order: a decision, a note, or quarantine again."""
    decided = exists().where(
        Decision.source_topic == "control",
        Decision.source_partition == Order.partition,
        Decision.source_offset == Order.offset,
    )
    noted = exists().where(Note.source_partition == Order.partition, Note.source_offset == Order.offset)
    again = Quarantined.__table__.alias("again")
    set_aside = exists().where(
        again.c.source_topic == "control",
        again.c.source_partition == Order.partition,
        again.c.source_offset == Order.offset,
    )
    return or_(decided, noted, set_aside)


def settled() -> ColumnElement[bool]:
    """A record about which an order was carried out: it waits no more."""
    return exists().where(_ABOUT, _carried_out()).correlate(Quarantined)


def quarantine_groups(connection: Connection) -> tuple[QuarantineGroup, ...]:
    """What waits, by reason, most first."""
    rows = connection.execute(
        select(
            Quarantined.reason,
            Quarantined.agency,
            func.count(),
            func.min(Quarantined.log_ms),
            func.max(Quarantined.log_ms),
        )
        .where(~settled())
        .group_by(Quarantined.reason, Quarantined.agency)
    )
    by_reason: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_reason[row[0]].append(row)
    groups = [
        QuarantineGroup(
            reason,
            sum(row[2] for row in mine),
            tuple(sorted(((row[1] or "", row[2]) for row in mine), key=lambda each: (-each[1], each[0]))),
            min(row[3] for row in mine),
            max(row[4] for row in mine),
        )
        for reason, mine in by_reason.items()
    ]
    return tuple(sorted(groups, key=lambda group: (-group.count, group.reason)))


def quarantine(
    connection: Connection,
    reason: str | None = None,
    agency: str | None = None,
    waiting: bool = True,
    after: str | None = None,
    limit: int = 50,
) -> QuarantinePage:
    """Records that were set aside, newest first; `waiting`: only those that still wait. Raises BadPage."""
    size = page_size(limit)
    conditions: list[ColumnElement[bool]] = [~settled()] if waiting else []
    if reason is not None:
        conditions.append(Quarantined.reason == reason)
    if agency is not None:
        conditions.append(Quarantined.agency == agency)
    place = tuple_(Quarantined.log_ms, Quarantined.partition, Quarantined.offset)
    if after is not None:
        conditions.append(place < tuple_(*numbers_of(after, SOURCES)))
    rows = _rows(connection, conditions, size + 1)
    more = len(rows) > size
    last = rows[size - 1] if more else None
    key = key_of(last.log_ms, last.partition, last.offset) if last is not None else None
    return QuarantinePage(tuple(_row(row) for row in rows[:size]), key)


def quarantine_record(connection: Connection, place: str) -> QuarantineRow | None:
    """One record by its place, `<topic>/<partition>/<offset>`; None if nothing was set aside there."""
    topic, *numbers = place.split("/")
    if len(numbers) != SOURCES - 1 or not all(number.isdigit() and len(number) < 19 for number in numbers):
        return None
    at = (
        Quarantined.source_topic == topic,
        Quarantined.source_partition == int(numbers[0]),
        Quarantined.source_offset == int(numbers[1]),
    )
    rows = _rows(connection, at, 1)
    return _row(rows[0]) if rows else None


def _rows(connection: Connection, conditions: Any, limit: int) -> list[Any]:
    ordered = select(Order.kind).where(_ABOUT).order_by(Order.log_ms.desc(), Order.offset.desc()).limit(1)
    ordered_by = select(Order.who).where(_ABOUT).order_by(Order.log_ms.desc(), Order.offset.desc()).limit(1)
    wanted = (
        select(
            *Quarantined.__table__.columns,
            ordered.correlate(Quarantined).scalar_subquery().label("ordered"),
            ordered_by.correlate(Quarantined).scalar_subquery().label("ordered_by"),
            settled().label("settled"),
        )
        .where(*conditions)
        .order_by(Quarantined.log_ms.desc(), Quarantined.partition.desc(), Quarantined.offset.desc())
        .limit(limit)
    )
    return list(connection.execute(wanted))


def _row(row: Any) -> QuarantineRow:
    return QuarantineRow(
        place=f"{row.source_topic}/{row.source_partition}/{row.source_offset}",
        agency=row.agency,
        reason=row.reason,
        field=row.field,
        attempt=row.attempt,
        size_bytes=row.size_bytes,
        recorded_ms=row.recorded_ms,
        quarantined_ms=row.quarantined_ms,
        ordered=row.ordered,
        ordered_by=row.ordered_by,
        settled=bool(row.settled),
    )
