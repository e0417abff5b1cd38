"""Finding alerts, page by page, newest first. See queries.py."""

from __future__ import annotations

import uuid
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Connection, exists, func, select, text, tuple_
from sqlalchemy.orm import aliased

from .results import AlertRow, Found, Scope, Wanted
from .tables import Alert, Tag
from .waiting import BadPage, page_size, visible

COMMON_STATE: Final = "released"  # most alerts are: not what to look by
UNCOMMON: Final = text("alerts.state <> 'released'")  # in these words an index is of those only
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


class Lead(NamedTuple):
    """What candidates are found by: tag, state, class, time (whatever is newest) or id."""

    by: Literal["tag", "state", "class", "time", "id"]
    value: str


Key = tuple[int, bytes]  # of an alert in the order of pages: when it was opened, its id

# How many candidates are looked at, step by step: so a search for what is rare ends, whatever is asked. Each step is a
# part of an index in the order of the page; a planner left to itself may join whole tables instead.
STEPS: Final = (500, 2_000, 4_000, 4_000)
PROBED: Final = 2_000  # how far each index is counted, to look by the one that has least


def search(connection: Connection, scope: Scope, wanted: Wanted, after: str | None = None, limit: int = 50) -> Found:
    """One page of the alerts that the viewer may know of, newest first. Raises BadPage for an `after` that is no page's
    `next`.

    A page may be short, or even empty, and still have a `next`: it looked far enough for now, and the search goes on there.
    """
    size = page_size(limit)
    alerts: list[AlertRow] = []
    key = _place(after) if after is not None else None
    lead = _least(connection, wanted, key)
    for step in STEPS if wanted.alert is None else STEPS[:1]:
        candidates = _candidates(wanted, lead, key).limit(step)
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


def _leads(wanted: Wanted) -> list[Lead]:
    """What candidates may be found by, each by an index of its own; the best guess first."""
    found: list[Lead] = [Lead("tag", value) for value in (wanted.country, wanted.agency) if value is not None]
    if wanted.state is not None and wanted.state != COMMON_STATE:
        found.append(Lead("state", wanted.state))
    if wanted.alert_class is not None:
        found.append(Lead("class", wanted.alert_class))
    return found


def _least(connection: Connection, wanted: Wanted, before: Key | None) -> Lead:
    """What has the fewest candidates, as far as is counted."""
    if wanted.alert is not None:
        return Lead("id", "")
    leads = _leads(wanted) or [Lead("time", "")]
    if len(leads) == 1:
        return leads[0]
    counts = []
    for lead in leads:
        some = _candidates(wanted, lead, before).order_by(None).limit(PROBED).subquery()
        counts.append(int(connection.execute(select(func.count()).select_from(some)).scalar_one()))
    return leads[counts.index(min(counts))]


def _candidates(wanted: Wanted, lead: Lead, before: Key | None) -> Any:
    """Times and ids of alerts in the order of the page, by one index."""
    time, alert = (Tag.opened_ms, Tag.alert) if lead.by == "tag" else (Alert.opened_ms, Alert.id)
    chosen = select(time, alert).order_by(time.desc(), alert.desc())
    if lead.by == "tag":
        chosen = chosen.where(Tag.value == lead.value)
    elif lead.by == "id" and wanted.alert is not None:
        chosen = chosen.where(Alert.id == wanted.alert.bytes)
    elif lead.by == "state":
        chosen = chosen.where(Alert.state == lead.value, UNCOMMON)
    elif lead.by == "class":
        chosen = chosen.where(Alert.alert_class == lead.value)
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
    for tag in (wanted.country, wanted.agency):
        if tag is not None:
            other = aliased(Tag)
            chosen = chosen.where(exists().where(other.value == tag, other.opened_ms == time, other.alert == alert))
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
