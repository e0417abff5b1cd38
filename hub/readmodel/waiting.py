"""What the queries share: who may know of what, counting to a limit, the keys of pages. Not for others: see queries.py."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from .results import NOTHING_WAITS, Scope, Waiting
from .tables import Alert, Delivery, Tag

COUNT_LIMIT: Final = 10_000
PAGE_MAX: Final = 500


class BadPage(Exception):
    """The key of a page is none that a page before it gave."""


def visible(scope: Scope) -> ColumnElement[bool]:
    """Alerts that the viewer may know of: all but restricted ones, and those if he audits a party."""
    if not scope.agencies:
        return ~Alert.restricted
    parties = aliased(Tag)  # the query itself may look for tags
    party = exists().where(
        parties.value.in_(sorted(scope.agencies)), parties.opened_ms == Alert.opened_ms, parties.alert == Alert.id
    )
    return or_(~Alert.restricted, party)


def waiting(connection: Connection, condition: ColumnElement[bool], since: ColumnElement[int], scope: Scope) -> Waiting:
    """How many deliveries meet a condition, up to COUNT_LIMIT, and the least of `since` among them."""
    found = _waiting(connection, select(since).where(condition, Delivery.restricted.is_(False)))
    if not scope.agencies:
        return found
    party = exists().where(Alert.id == Delivery.alert, visible(scope))
    more = _waiting(connection, select(since).where(condition, Delivery.restricted.is_(True), party))
    oldest = [each.oldest_ms for each in (found, more) if each.oldest_ms is not None]
    return Waiting(min(COUNT_LIMIT, found.count + more.count), min(oldest, default=None))


def _waiting(connection: Connection, wanted: Select[int]) -> Waiting:
    """Oldest first, so that the limit cuts off the newest."""
    column = wanted.selected_columns[0]
    some = wanted.order_by(column).limit(COUNT_LIMIT).subquery()
    count, oldest_ms = connection.execute(select(func.count(), func.min(some.c[0]))).one()
    return Waiting(count, oldest_ms) if count else NOTHING_WAITS


def open_of(agency: str) -> ColumnElement[bool]:
    """Deliveries to an agency that it has not acknowledged."""
    return and_(Delivery.recipient == agency, Delivery.acknowledged_ms.is_(None), Delivery.log_ms.is_not(None))


def key_of(*parts: int | str) -> str:
    return ".".join(str(part) for part in parts)


def numbers_of(key: str, count: int) -> list[int]:
    """The numbers of a page's key. Raises BadPage."""
    parts = key.split(".")
    if len(parts) != count or not all(part.lstrip("-").isdigit() and len(part) < 20 for part in parts):
        raise BadPage("this is not the key of a page")
    return [int(part) for part in parts]


def page_size(limit: int) -> int:
    return max(1, min(limit, PAGE_MAX))
