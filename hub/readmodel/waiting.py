"""What the queries share: who may know of what, counting to a limit, the keys of pages. Not for others: see queries.py."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, exists, or_
from sqlalchemy.orm import aliased

from .results import Scope
from .tables import Alert, Tag

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
