"""The pages Now and handover, one agency, the reconciliation: what is wrong, sorted by what is worst. See queries.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, ScalarSelect, exists, func, select

from .aside import quarantine, quarantine_groups, settled
from .auditlog import audit_log
from .lags import lags
from .lives import agencies_known, delivery_entry, fragments
from .outstanding import OPEN, Outstanding, outstanding
from .results import (
    COUNTED,
    NOTHING_WAITS,
    TROUBLES,
    AgencyDetail,
    AgencyRow,
    Connector,
    Handover,
    HoldState,
    Lag,
    Now,
    Rate,
    Reconciliation,
    Scope,
    Shift,
    Trouble,
    Waiting,
)
from .rules import alarms, bundles, holds, lifted_since
from .searching import UNCOMMON
from .tables import Alarm, Alert, Delivery, Health, Minute, Position, Quarantined
from .waiting import COUNT_LIMIT, visible

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
RECENT_MINUTES: Final = 5
SILENT_MS: Final = 5 * MINUTE_MS  # a connector tells its health far more often (connectors/sdk)
SETTLING_MS: Final = MINUTE_MS  # two records of one transaction may be read this far apart
OPEN_SHOWN: Final = 50
ACTS_SHOWN: Final = 200
ROUTER_GROUP: Final = "enlace-router"  # hub/router.py's
EVERYTHING: Final = "everything"
BEHIND: Final = ("stalled", "stopped")

Counts = Mapping[tuple[str, str], list[tuple[int, int]]]  # (agency, what) -> (minute_ms, count), oldest first


@dataclass(frozen=True)
class _Seen:
    """What is read once for all agencies."""

    now_ms: int
    outstanding: Mapping[str, Outstanding]
    counts: Counts
    lags: tuple[Lag, ...]
    connectors: tuple[Connector, ...]
    holds: tuple[HoldState, ...]
    quarantine: Mapping[str, Waiting]
    alarmed: frozenset[str]


def now(connection: Connection, scope: Scope, now_ms: int) -> Now:
    """Everything that an operator must see at once."""
    agencies = agencies_known(connection)
    seen = _seen(connection, agencies, scope, now_ms)
    rows = [_row(agency, seen) for agency in agencies]
    history = bundles(connection)
    return Now(
        now_ms,
        tuple(sorted(rows, key=_worst_first)),
        reconciliation(connection, now_ms, seen.lags),
        history[0] if history else None,
        seen.holds,
        alarms(connection),
    )


def agency_detail(connection: Connection, scope: Scope, agency: str, now_ms: int) -> AgencyDetail | None:
    """One agency; None if nothing was ever heard of it."""
    if agency not in agencies_known(connection):
        return None
    seen = _seen(connection, (agency,), scope, now_ms)
    rows = _open_rows(connection, scope, agency)
    bodies = fragments(connection, {row.terms for row in rows if row.terms})
    return AgencyDetail(
        _row(agency, seen),
        tuple(delivery_entry(row, bodies) for row in rows),
        quarantine(connection, agency=agency, limit=OPEN_SHOWN).records,
        {what: tuple(seen.counts.get((agency, what), ())) for what in COUNTED},
    )


def _open_rows(connection: Connection, scope: Scope, agency: str) -> list[Any]:
    """The oldest open deliveries to an agency. Restricted ones are asked for by themselves: each is one piece of an index."""
    mine = select(Delivery.__table__).where(Delivery.recipient == agency, OPEN)
    wanted = mine.order_by(Delivery.log_ms, Delivery.id).limit(OPEN_SHOWN)
    rows = list(connection.execute(wanted.where(Delivery.restricted.is_(False))))
    if scope.agencies:
        party = exists().where(Alert.id == Delivery.alert, visible(scope))
        rows += connection.execute(wanted.where(Delivery.restricted.is_(True), party))
    return sorted(rows, key=lambda row: (row.log_ms, bytes(row.id)))[:OPEN_SHOWN]


def connectors(connection: Connection, now_ms: int) -> tuple[Connector, ...]:
    """The newest word of every connector."""
    rows = connection.execute(select(Health.__table__).order_by(Health.agency, Health.connector))
    return tuple(
        Connector(
            row.agency,
            row.connector,
            row.state,
            row.at_ms,
            row.published,
            row.delivered,
            row.set_aside,
            row.error,
            row.state != "stopped" and row.log_ms < now_ms - SILENT_MS,
        )
        for row in rows
    )


def reconciliation(connection: Connection, now_ms: int, sampled: Sequence[Lag] | None = None) -> Reconciliation:
    """Does everything add up, by what is recorded. `missing` and `unauthorised` take in restricted alerts too: both are
    faults of the hub, and are zero; whose they are is told to nobody here. `enlace audit reconcile` reads the topics."""
    sampled = lags(connection, now_ms) if sampled is None else sampled
    of_router = [lag.records for lag in sampled if lag.group == ROUTER_GROUP]
    settled_ms = now_ms - SETTLING_MS
    missing = select(Delivery.id).where(Delivery.log_ms.is_(None), Delivery.authorised_ms < settled_ms)
    unauthorised = select(Delivery.id).where(
        Delivery.authorised_ms.is_(None), Delivery.kind != "feedback", Delivery.log_ms < settled_ms
    )
    broken = select(Alarm.topic, Alarm.partition).where(Alarm.kind == "break").distinct()
    recorded = select(func.max(Position.next_offset)).where(Position.topic == "decisions")
    found = connection.execute(  # at once: the top of every page shows it
        select(
            _count(select(Quarantined.offset).where(~settled())).label("quarantined"),
            _count(missing).label("missing"),
            _count(unauthorised).label("unauthorised"),
            _count(broken).label("broken"),
            _count(select(Alarm.kind)).label("alarms"),
            recorded.scalar_subquery().label("recorded"),
            select(func.max(Minute.minute_ms)).scalar_subquery().label("minute_ms"),
        )
    ).one()
    return Reconciliation(
        undecided=sum(of_router) if of_router else None,
        quarantined=found.quarantined,
        missing=found.missing,
        unauthorised=found.unauthorised,
        broken=found.broken,
        alarms=found.alarms,
        recorded_ms=found.minute_ms if found.recorded else None,
    )


def handover(connection: Connection, scope: Scope, since_ms: int, now_ms: int) -> Handover:
    """What happened since, agency by agency, and what waits now."""
    sums: dict[tuple[str, str], int] = {
        (agency, what): count
        for agency, what, count in connection.execute(
            select(Minute.agency, Minute.what, func.sum(Minute.count))
            .where(Minute.minute_ms >= since_ms - since_ms % MINUTE_MS)
            .group_by(Minute.agency, Minute.what)
        )
    }
    nobody = select(Alert.id).where(Alert.state == "nobody", UNCOMMON, Alert.opened_ms >= since_ms, visible(scope))
    agencies = agencies_known(connection)
    waits = outstanding(connection, agencies, scope, now_ms)
    return Handover(
        since_ms,
        now_ms,
        tuple(_shift(agency, sums, waits[agency]) for agency in agencies),
        quarantine_groups(connection),
        holds(connection),
        lifted_since(connection, since_ms),
        tuple(each for each in bundles(connection) if each.at_ms >= since_ms),
        alarms(connection),
        connection.execute(select(_count(nobody))).scalar_one(),
        audit_log(connection, since_ms=since_ms, limit=ACTS_SHOWN).entries,
    )


def _shift(agency: str, sums: Mapping[tuple[str, str], int], waits: Outstanding) -> Shift:
    def since(what: str) -> int:
        return int(sums.get((agency, what), 0))

    return Shift(
        agency,
        decided=since("decided"),
        delivered=since("delivered"),
        acknowledged=since("acknowledged"),
        rejected=since("rejected"),
        quarantined=since("quarantined"),
        unacknowledged=waits.unacknowledged,
        overdue=waits.overdue,
    )


def _seen(connection: Connection, agencies: Sequence[str], scope: Scope, now_ms: int) -> _Seen:
    topics = connection.execute(select(Alarm.topic).where(Alarm.kind.in_(("break", "repeat"))).distinct()).scalars()
    return _Seen(
        now_ms,
        outstanding(connection, agencies, scope, now_ms),
        _counts(connection, now_ms),
        lags(connection, now_ms),
        connectors(connection, now_ms),
        holds(connection),
        _quarantine(connection),
        frozenset(topic.partition(".")[2] for topic in topics),
    )


def _counts(connection: Connection, now_ms: int) -> Counts:
    """The last full hour, by the minute."""
    end_ms = now_ms - now_ms % MINUTE_MS
    rows = connection.execute(
        select(Minute.agency, Minute.what, Minute.minute_ms, Minute.count)
        .where(Minute.minute_ms >= end_ms - HOUR_MS, Minute.minute_ms < end_ms)
        .order_by(Minute.minute_ms)
    )
    found: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for agency, what, minute_ms, count in rows:
        found[agency, what].append((minute_ms, count))
    return found


def _rate(seen: _Seen, agency: str, what: str) -> Rate:
    counts = seen.counts.get((agency, what), [])
    from_ms = seen.now_ms - seen.now_ms % MINUTE_MS - RECENT_MINUTES * MINUTE_MS
    recent = sum(count for minute_ms, count in counts if minute_ms >= from_ms)
    return Rate(recent / RECENT_MINUTES, sum(count for _, count in counts) / 60)


def _quarantine(connection: Connection) -> dict[str, Waiting]:
    rows = connection.execute(
        select(Quarantined.agency, func.count(), func.min(Quarantined.log_ms))
        .where(~settled())
        .group_by(Quarantined.agency)
    )
    return {agency or "": Waiting(count, oldest_ms) for agency, count, oldest_ms in rows}


def _row(agency: str, seen: _Seen) -> AgencyRow:
    by_topic = {(lag.topic, lag.group == ROUTER_GROUP): lag for lag in reversed(seen.lags)}  # the worst of several
    row = AgencyRow(
        agency,
        (),
        by_topic.get((f"alerts.{agency}", True)),
        by_topic.get((f"deliveries.{agency}", False)),
        _rate(seen, agency, "decided"),
        _rate(seen, agency, "delivered"),
        _rate(seen, agency, "acknowledged"),
        *seen.outstanding[agency],
        seen.quarantine.get(agency, NOTHING_WAITS),
        tuple(each for each in seen.connectors if each.agency == agency),
        tuple(each for each in seen.holds if each.scope == EVERYTHING or each.scope.partition("/")[2] == agency),
    )
    found = _troubles(row, seen)
    return AgencyRow(**{**row.__dict__, "troubles": found})


def _troubles(row: AgencyRow, seen: _Seen) -> tuple[Trouble, ...]:
    """What is wrong. An intake that somebody holds is not stalled; deliveries that wait under a hold are not late."""
    scopes = {each.scope for each in row.holds}
    intake_held = f"intake/{row.agency}" in scopes
    settling = row.undelivered.oldest_ms is not None and row.undelivered.oldest_ms < seen.now_ms - SETTLING_MS
    rejected = sum(count for _, count in seen.counts.get((row.agency, "rejected"), ()))
    wrong: dict[Trouble, bool] = {
        "alarm": row.agency in seen.alarmed,
        "missing-deliveries": settling,
        "intake-stalled": row.intake is not None and row.intake.state in BEHIND and not intake_held,
        "deliveries-stalled": row.deliveries is not None and row.deliveries.state in BEHIND,
        "connector-failed": any(each.state == "failed" for each in row.connectors),
        "connector-silent": any(each.silent for each in row.connectors),
        "overdue": row.overdue.count > 0,
        "quarantine": row.quarantine.count > 0,
        "rejected": rejected > 0,
        "held": bool(row.holds),
        "slow": any(lag is not None and lag.state == "warn" for lag in (row.intake, row.deliveries)),
    }
    return tuple(each for each in TROUBLES if wrong[each])


def _worst_first(row: AgencyRow) -> tuple[int, int, str]:
    worst = TROUBLES.index(row.troubles[0]) if row.troubles else len(TROUBLES)
    return worst, -len(row.troubles), row.agency


def _count(wanted: Any) -> ScalarSelect[int]:
    """How many, up to COUNT_LIMIT."""
    return select(func.count()).select_from(wanted.limit(COUNT_LIMIT).subquery()).scalar_subquery()
