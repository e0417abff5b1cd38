"""Finding alerts, page by page, newest first. See queries.py."""

from __future__ import annotations

import uuid
from typing import Any, Final

from sqlalchemy import Connection, exists, select, tuple_
from sqlalchemy.orm import aliased

from .results import AlertRow, Found, Scope, Wanted
from .tables import Alert, Tag
from .waiting import BadPage, page_size, visible

COMMON_STATE: Final = "released"  # most alerts are: not what to look by
COLUMNS = (
    Alert.id,
    Alert.opened_ms,
    Alert.decided_ms,
    Alert.revision,
    Alert.originator,
    Alert.alert_class,
    Alert.exercise,
    Alert.tlp,
    Alert.state,
    Alert.recipients,
)


Key = tuple[int, bytes]  # of an alert in the order of pages: when it was opened, its id

# How many candidates are looked at, step by step: so a search for what is rare ends, whatever is asked. Each step is a
# part of an index in the order of the page; a planner left to itself may join whole tables instead.
STEPS: Final = (500, 2_000, 8_000, 8_000, 8_000)


def search(connection: Connection, scope: Scope, wanted: Wanted, after: str | None = None, limit: int = 50) -> Found:
    """One page of the alerts that the viewer may know of, newest first. Raises BadPage for an `after` that is no page's
    `next`.

    A page may be short, or even empty, and still have a `next`: it looked far enough for now, and the search goes on there.
    """
    size = page_size(limit)
    alerts: list[AlertRow] = []
    key = _place(after) if after is not None else None
    for step in STEPS if wanted.alert is None else STEPS[:1]:
        candidates = _candidates(wanted, key).limit(step)
        rows = connection.execute(_chosen(scope, wanted, candidates).limit(size + 1 - len(alerts)))
        alerts += [_alert_row(row) for row in rows]
        if len(alerts) > size:
            last = alerts[size - 1]
            return Found(tuple(alerts[:size]), _text((last.opened_ms, last.id.bytes)))
        end = connection.execute(candidates.offset(step - 1).limit(1)).one_or_none()
        if end is None:
            return Found(tuple(alerts), None)
        key = int(end[0]), bytes(end[1])
    return Found(tuple(alerts), _text(key) if key is not None else None)


def alert_by_id(connection: Connection, scope: Scope, alert: uuid.UUID) -> AlertRow | None:
    """One alert, if it is there and the viewer may know of it."""
    row = connection.execute(select(*COLUMNS).where(Alert.id == alert.bytes, visible(scope))).one_or_none()
    return None if row is None else _alert_row(row)


def _candidates(wanted: Wanted, before: Key | None) -> Any:
    """Times and ids of alerts in the order of the page, by one index: a country's, an agency's, a state's, a class's."""
    leading = wanted.country or wanted.agency
    time, alert = (Tag.opened_ms, Tag.alert) if leading else (Alert.opened_ms, Alert.id)
    chosen = select(time, alert).order_by(time.desc(), alert.desc())
    if leading:
        chosen = chosen.where(Tag.value == leading)
    elif wanted.alert is not None:
        chosen = chosen.where(Alert.id == wanted.alert.bytes)
    elif wanted.state is not None and wanted.state != COMMON_STATE:
        chosen = chosen.where(Alert.state == wanted.state)
    elif wanted.alert_class is not None:
        chosen = chosen.where(Alert.alert_class == wanted.alert_class)
    if wanted.from_ms is not None:
        chosen = chosen.where(time >= wanted.from_ms)
    if wanted.until_ms is not None:
        chosen = chosen.where(time < wanted.until_ms)
    if before is not None:
        chosen = chosen.where(tuple_(time, alert) < tuple_(*before))
    return chosen


def _chosen(scope: Scope, wanted: Wanted, candidates: Any) -> Any:
    """Of the candidates, those that meet everything that is asked."""
    some = candidates.subquery("some")
    time, alert = some.c
    chosen = select(*COLUMNS).join_from(some, Alert, Alert.id == alert).where(visible(scope))
    if wanted.country is not None and wanted.agency is not None:
        other = aliased(Tag)
        tagged = exists().where(other.value == wanted.agency, other.opened_ms == time, other.alert == alert)
        chosen = chosen.where(tagged)
    conditions: tuple[tuple[Any, object], ...] = (
        (Alert.id, wanted.alert.bytes if wanted.alert else None),
        (Alert.alert_class, wanted.alert_class),
        (Alert.state, wanted.state),
        (Alert.exercise, wanted.exercise),
    )
    for column, value in conditions:
        if value is not None:
            chosen = chosen.where(column == value)
    return chosen.order_by(time.desc(), alert.desc())


def _alert_row(row: Any) -> AlertRow:
    return AlertRow(uuid.UUID(bytes=bytes(row[0])), *row[1:])


def _text(key: Key) -> str:
    return f"{key[0]}.{key[1].hex()}"


def _place(key: str) -> Key:
    opened, _, alert = key.partition(".")
    try:
        return int(opened), uuid.UUID(alert).bytes
    except ValueError:
        raise BadPage("this is not the key of a page") from None
