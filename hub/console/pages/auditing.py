"""The auditors' pages: who saw or did what, one delivery decided anew, and the log as a file without personal data."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from hub.bus.topics import CONTROL
from hub.guidelines.outcome import UnknownValue
from hub.model.avro import Undecodable, decode_as, unframe
from hub.model.base import to_rfc3339
from hub.model.core import Alert
from hub.model.decision import Control
from hub.model.delivery import Delivery
from hub.readmodel import queries
from hub.readmodel.evidence import Compared, compared, compared_end
from hub.readmodel.results import AuditEntry, AuditPage, DecisionEntry, DeliveryEntry, EndEntry

from .. import audit
from ..ask import Ask, BadForm, NoSuchThing
from ..bundles import bundle_of
from .now import local_ms

PAGE: Final = 100
EXPORTED: Final = 10_000  # entries of a file
COLUMNS: Final = ("at", "who", "role", "action", "subject", "outcome", "detail")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def log(ask: Ask) -> Response:
    criteria = {name: ask.given(name, 64) for name in ("who", "action", "subject", "since")}
    with ask.writing() as db:
        page = _entries(ask, db, criteria, ask.given("after") or None, PAGE)
        ask.note(db, "audit.seen", "", " ".join(f"{name}={value}" for name, value in criteria.items() if value))
    return ask.page("audit.html", page=page, criteria=criteria, actions=audit.ACTIONS, hidden=audit.HIDDEN)


def _entries(ask: Ask, db: Connection, criteria: dict[str, str], after: str | None, limit: int) -> AuditPage:
    since = local_ms(criteria["since"], ask.house.settings.zone) if criteria["since"] else None
    return audit.entries(
        db,
        ask.scope,
        who=criteria["who"] or None,
        action=criteria["action"] or None,
        subject=criteria["subject"] or None,
        since_ms=since,
        after=after,
        limit=limit,
    )


def export(ask: Ask) -> Response:
    """The log as CSV or JSON, newest first. Reasons that people wrote are left out: they may name somebody."""
    form = ask.given("form", 4)
    if form not in ("csv", "json"):
        raise BadForm("error.input")
    criteria = {name: ask.given(name, 64) for name in ("who", "action", "subject", "since")}
    rows: list[dict[str, str]] = []
    after = None
    with ask.writing() as db:
        while len(rows) < EXPORTED:
            page = _entries(ask, db, criteria, after, PAGE)
            rows += [_row(each) for each in page.entries]
            after = page.next
            if after is None:
                break
        ask.note(db, "audit.exported", form, str(len(rows)))
    body = json.dumps(rows, ensure_ascii=False, indent=1) if form == "json" else to_csv(rows)
    media = "application/json" if form == "json" else "text/csv; charset=utf-8"
    return Response(body, media_type=media, headers={"content-disposition": f'attachment; filename="audit.{form}"'})


def _row(entry: AuditEntry) -> dict[str, str]:
    return {
        "at": to_rfc3339(entry.at_ms),
        "who": entry.who,
        "role": entry.role,
        "action": entry.action,
        "subject": entry.subject,
        "outcome": entry.outcome,
    }


def to_csv(rows: Iterable[dict[str, str]]) -> str:
    """CSV (RFC 4180) in which no cell is a formula: a spreadsheet shows what begins like one as text (OWASP)."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS[:-1])
    for row in rows:
        writer.writerow([_harmless(row[name]) for name in COLUMNS[:-1]])
    return out.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def recompute(ask: Ask) -> Response:
    """One delivery, made again from its alert's own bytes under its own bundle, beside what was delivered."""
    identifier = ask.given("id", 40).lower().replace("-", "")
    if not identifier:
        return ask.page("recompute.html", identifier="", found=None, rows=(), same=None, trouble="")
    with ask.reading() as db:
        found = queries.delivery(db, ask.scope, identifier) if _is_id(identifier) else None
        life = queries.alert_life(db, ask.scope, found.alert) if found else None
    if found is None or life is None:
        raise NoSuchThing
    ask.noted("delivery.recomputed", str(found.alert), found.id)
    entry = _ordering((*life.decisions, *life.ends), found)
    rows = _compared(ask, entry, found) if entry else None
    return ask.page(
        "recompute.html",
        identifier=identifier,
        found=found,
        rows=rows or (),
        same=all(each.same for each in rows) if rows else None,
        trouble="" if rows else "recompute.gone",
    )


def _is_id(text: str) -> bool:
    return len(text) == 32 and all(each in "0123456789abcdef" for each in text)


def _ordering(entries: Iterable[DecisionEntry | EndEntry], delivery: DeliveryEntry) -> DecisionEntry | EndEntry | None:
    """The decision, or the alert's end, that ordered a delivery."""
    for entry in entries:
        if any(each.delivery == delivery.id for each in entry.verdicts):
            return entry
    return None


def _compared(ask: Ask, entry: DecisionEntry | EndEntry, found: DeliveryEntry) -> list[Compared] | None:
    """Part by part; None if that cannot be done any more."""
    value = _value(ask, found.place)
    if value is None:
        return None
    try:
        if isinstance(entry, EndEntry):
            return compared_end(decode_as(Delivery, unframe(value)[1]), entry)
        bundle, source = bundle_of(ask, entry.bundle), _value(ask, entry.source)
        if bundle is None or source is None:
            return None
        if entry.source[0] == CONTROL:  # it came back by an order, which carries it
            source = decode_as(Control, unframe(source)[1]).value or b""
        return compared(decode_as(Delivery, unframe(value)[1]), decode_as(Alert, unframe(source)[1]), bundle)
    except (Undecodable, UnknownValue):
        return None


def _value(ask: Ask, place: tuple[str, int, int] | None) -> bytes | None:
    """What stands at a place, if it is kept still."""
    if place is None:
        return None
    for record in ask.house.cluster.records(*place, 1):
        if record.offset == place[2]:
            return record.value
    return None
