"""The page *Now*: agencies sorted by what is wrong, each row ending in the action to take; and the shift's handover."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

import anyio
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from hub.readmodel import queries
from hub.readmodel.results import AgencyRow, Now, Trouble

from .. import audit
from ..ask import Ask, BadForm
from ..shown import shift_began

EVERY_S: Final = 5.0
MAX_STREAMS: Final = 200
MAX_SHIFT_MS: Final = 31 * 86_400_000
GRAVE: Final[frozenset[Trouble]] = frozenset(
    {"alarm", "missing-deliveries", "intake-stalled", "deliveries-stalled", "connector-failed"}
)


class Row(NamedTuple):
    """One agency. `level`: bad, warn, held or ok; `wrong`: sentences, worst first; `step`: what to do and where."""

    agency: AgencyRow
    level: str
    wrong: tuple[str, ...]
    step: str
    where: str


def now(ask: Ask) -> Response:
    return ask.page("now.html", **_values(ask))


def _values(ask: Ask) -> dict[str, Any]:
    with ask.reading() as db:
        found = queries.now(db, ask.scope, ask.now_ms)
    rows = [_row(ask, each) for each in found.agencies]
    wrong = sum(each.level in ("bad", "warn") for each in rows)
    return {"found": found, "rows": rows, "headline": _headline(ask, found, wrong), "wrong": wrong}


def _headline(ask: Ask, found: Now, wrong: int) -> str:
    if not found.agencies:
        return ask.say("now.empty")
    if not wrong:
        return ask.say("now.all-well" if found.reconciliation.sound else "now.look-at-sum")
    return ask.say("now.one-wrong") if wrong == 1 else ask.say("now.wrong", count=wrong)


def _row(ask: Ask, row: AgencyRow) -> Row:
    if not row.troubles:
        return Row(row, "ok", (), "", "")
    first = row.troubles[0]
    level = "bad" if first in GRAVE else "held" if first == "held" else "warn"
    wrong = tuple(_sentence(ask, row, each) for each in row.troubles)
    return Row(row, level, wrong, ask.say(f"now.do.{_step(row, first)}"), _where(row, first))


def _step(row: AgencyRow, trouble: Trouble) -> str:
    """A hold whose lifting was asked for waits for a second person."""
    asked = trouble == "held" and any(each.asked_by for each in row.holds)
    return "held-asked" if asked else trouble


def _sentence(ask: Ask, row: AgencyRow, trouble: Trouble) -> str:
    shown = ask.shown
    failed = next((each for each in row.connectors if each.state == "failed"), None)
    silent = min((each.at_ms for each in row.connectors if each.silent), default=None)
    since = {
        "intake-stalled": row.intake.seconds * 1_000 if row.intake else None,
        "deliveries-stalled": row.deliveries.seconds * 1_000 if row.deliveries else None,
        "connector-silent": ask.now_ms - silent if silent is not None else None,
        "overdue": ask.now_ms - row.overdue.oldest_ms if row.overdue.oldest_ms is not None else None,
        "quarantine": ask.now_ms - row.quarantine.oldest_ms if row.quarantine.oldest_ms is not None else None,
        "missing-deliveries": ask.now_ms - row.undelivered.oldest_ms if row.undelivered.oldest_ms is not None else None,
    }.get(trouble)
    count = {
        "intake-stalled": row.intake.records if row.intake else 0,
        "deliveries-stalled": row.deliveries.records if row.deliveries else row.unacknowledged.count,
        "slow": max((each.records for each in (row.intake, row.deliveries) if each), default=0),
        "overdue": row.overdue.count,
        "quarantine": row.quarantine.count,
        "missing-deliveries": row.undelivered.count,
    }.get(trouble, 0)
    scopes = ", ".join(scope_words(ask, each.scope) for each in row.holds)
    return ask.say(
        f"now.trouble.{trouble}",
        count=shown.number(count),
        since=shown.span(since),
        connector=failed.name if failed else "",
        scopes=scopes,
    )


def scope_words(ask: Ask, scope: str) -> str:
    kind, _, agency = scope.partition("/")
    return ask.say(f"scope.{kind}", agency=ask.agency_name(agency))


def _where(row: AgencyRow, trouble: Trouble) -> str:
    agency = quote(row.agency)
    return {
        "alarm": "/topics#alarms",
        "intake-stalled": f"/topics/alerts.{agency}",
        "slow": f"/topics/deliveries.{agency}",
        "quarantine": f"/quarantine?agency={agency}",
        "held": "/holds",
        "overdue": f"/agencies/{agency}#open",
        "missing-deliveries": f"/agencies/{agency}#open",
        "rejected": f"/agencies/{agency}#open",
    }.get(trouble, f"/agencies/{agency}#connectors")


async def _events(ask: Ask, every_s: float = EVERY_S) -> AsyncIterator[ServerSentEvent]:
    """The table anew, whenever it changed; it ends with the session."""
    metrics, shown = ask.house.metrics, ""
    metrics.stream(+1)
    try:
        while await run_in_threadpool(_goes_on, ask):
            fresh = await run_in_threadpool(lambda: ask.rendered("now-table.html", **_values(ask)))
            if fresh != shown:
                yield ServerSentEvent(data=fresh, event="fresh")
                shown = fresh
            await anyio.sleep(every_s)
        yield ServerSentEvent(data="", event="ended")
    finally:
        metrics.stream(-1)


def _goes_on(ask: Ask) -> bool:
    ask.now_ms = ask.house.clock()
    ask.__dict__.pop("shown", None)
    with ask.reading() as db:
        found = ask.house.sessions.find(db, ask.session, ask.now_ms)
        return found is not None and ask.house.people.find(db, found.name) == ask.person


def stream(ask: Ask) -> Response:
    if ask.house.metrics.open_streams >= MAX_STREAMS:
        return ask.page("error.html", 503, kind="busy")
    return EventSourceResponse(_events(ask), ping=30)


def handover(ask: Ask) -> Response:
    """What happened since the shift began, or since the local time that was asked for."""
    settings, since = ask.house.settings, ask.given("since", 16)
    begun = shift_began(ask.now_ms, settings.shift, settings.zone)
    if since:
        begun = local_ms(since, settings.zone)
    if not 0 <= ask.now_ms - begun <= MAX_SHIFT_MS:
        raise BadForm("handover.bad-time")
    with ask.reading() as db:
        found = queries.handover(db, ask.scope, begun, ask.now_ms)
        found = replace(found, acts=audit.orders(db, ask.scope, found.acts))
    local = f"{ask.shown.moment(begun):%Y-%m-%dT%H:%M}"
    return ask.page("handover.html", found=found, local=local, scope_words=lambda scope: scope_words(ask, scope))


def local_ms(text: str, zone: str) -> int:
    """A local time as forms write it (2026-11-24T22:00), in milliseconds since 1970. Raises BadForm."""
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1_000)
    except (ValueError, OverflowError):
        raise BadForm("handover.bad-time") from None
