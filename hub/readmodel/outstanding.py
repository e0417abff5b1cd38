"""What deliveries every agency has outstanding: ordered and not sent, sent and not acknowledged, overdue. See queries.py.

All agencies are asked about in one statement, since on a busy machine each statement waits for its turn: as many as there are
agencies took several times as long as what they asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, and_, exists, func, literal, select, union_all

from .results import NOTHING_WAITS, Scope, Waiting
from .tables import Alert, Delivery
from .waiting import COUNT_LIMIT, visible

OPEN: Final = and_(Delivery.acknowledged_ms.is_(None), Delivery.log_ms.is_not(None))
_UNSENT: Final = and_(Delivery.log_ms.is_(None), Delivery.authorised_ms.is_not(None))


class Outstanding(NamedTuple):
    """One agency's. `overdue` are those of `unacknowledged` whose time has passed."""

    undelivered: Waiting
    unacknowledged: Waiting
    overdue: Waiting


def outstanding(
    connection: Connection, agencies: Sequence[str], scope: Scope, now_ms: int
) -> Mapping[str, Outstanding]:
    """Of each of these agencies, counted up to COUNT_LIMIT, and since when the oldest is."""
    if not agencies:
        return {}
    found = _asked(connection, agencies, now_ms, Delivery.restricted.is_(False))
    if not scope.agencies:
        return found
    party = exists().where(Alert.id == Delivery.alert, visible(scope))
    more = _asked(connection, agencies, now_ms, and_(Delivery.restricted.is_(True), party))
    return {agency: Outstanding(*map(_together, found[agency], more[agency])) for agency in agencies}


def _asked(
    connection: Connection, agencies: Sequence[str], now_ms: int, which: ColumnElement[bool]
) -> dict[str, Outstanding]:
    of = union_all(*(select(literal(agency).label("agency")) for agency in agencies)).subquery("of")
    overdue = and_(Delivery.acknowledged_ms.is_(None), Delivery.due_ms < now_ms)
    wanted: list[ScalarSelect[int]] = []
    for condition, since in (
        (_UNSENT, Delivery.authorised_ms),
        (OPEN, Delivery.log_ms),
        (overdue, Delivery.due_ms),
    ):
        mine = select(since).where(Delivery.recipient == of.c.agency, condition, which).correlate(of)
        some = mine.limit(COUNT_LIMIT).subquery()
        wanted.append(select(func.count()).select_from(some).scalar_subquery())
        wanted.append(mine.with_only_columns(func.min(since)).scalar_subquery())
    return {row[0]: _outstanding(row) for row in connection.execute(select(of.c.agency, *wanted))}


def _outstanding(row: Row[Any]) -> Outstanding:
    return Outstanding(*(Waiting(row[at], row[at + 1]) if row[at] else NOTHING_WAITS for at in (1, 3, 5)))


def _together(found: Waiting, more: Waiting) -> Waiting:
    oldest = [each.oldest_ms for each in (found, more) if each.oldest_ms is not None]
    return Waiting(min(COUNT_LIMIT, found.count + more.count), min(oldest, default=None))
