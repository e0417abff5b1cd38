"""Who saw or did what in the console, written to and read from the read model's audit log.

That somebody looked at a restricted alert is known to all auditors; at which one, to its two parties' auditors only.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, select

from hub.readmodel import queries
from hub.readmodel.results import AuditEntry, AuditPage, Scope
from hub.readmodel.tables import Alert, Tag

from .access import Person

# What is noted. Each has its words: `audit.<action>`.
ACTIONS: Final = (
    "session.begun",
    "session.refused",
    "session.ended",
    "password.changed",
    "page.refused",
    "alert.seen",
    "alert.searched",
    "alert.explained",
    "records.browsed",
    "guidelines.previewed",
    "quarantine.tried",
    "quarantine.replay",
    "quarantine.return",
    "hold.set",
    "hold.asked",
    "hold.lifted",
    "delivery.recomputed",
    "audit.seen",
    "audit.exported",
)
CHANGING: Final = ("hold.", "quarantine.re", "guidelines.publish", "agency.")
HIDDEN: Final = "***"


def note(
    db: Connection,
    now_ms: int,
    person: Person | None,
    action: str,
    subject: str = "",
    detail: str = "",
    *,
    name: str = "",
    outcome: str = "done",
) -> None:
    """Adds an entry. `name`: of somebody who is not known."""
    if action not in ACTIONS:
        raise AssertionError(f"{action} has no words in the audit log")
    who, role = (person.name, person.role) if person else (name or "-", "nobody")
    queries.note_act(db, who[:64], role, action, subject[:500], outcome, detail[:500], now_ms=now_ms)


def entries(
    db: Connection,
    scope: Scope,
    *,
    who: str | None,
    action: str | None,
    subject: str | None,
    since_ms: int | None,
    after: str | None,
    limit: int,
) -> AuditPage:
    """The newest first, as this reader may know them."""
    page = queries.audit_log(db, who, action, subject, since_ms, after, limit)
    return replace(page, entries=tuple(_readable(db, scope, page.entries, asked_for=subject)))


def orders(db: Connection, scope: Scope, found: Sequence[AuditEntry]) -> tuple[AuditEntry, ...]:
    """Of these entries those that changed something, as this reader may know them: for the shift's handover."""
    changed = [each for each in found if each.action.startswith(CHANGING) and each.outcome == "done"]
    return tuple(_readable(db, scope, changed, asked_for=None))


def _readable(db: Connection, scope: Scope, found: Sequence[AuditEntry], asked_for: str | None) -> Iterable[AuditEntry]:
    unseen = hidden(db, scope, {each.subject for each in found})
    for entry in found:
        if entry.subject not in unseen:
            yield entry
        elif not asked_for:  # else that there is an entry would tell
            yield replace(entry, subject=HIDDEN, detail="")


def hidden(db: Connection, scope: Scope, subjects: Iterable[str]) -> frozenset[str]:
    """Those that are ids of restricted alerts none of whose parties the reader audits."""
    ids = {identifier.bytes: subject for subject in subjects if (identifier := alert_id(subject)) is not None}
    if not ids:
        return frozenset()
    restricted = set(db.scalars(select(Alert.id).where(Alert.id.in_(ids), Alert.restricted)))
    if restricted and scope.agencies:
        known = select(Tag.alert).where(Tag.alert.in_(restricted), Tag.value.in_(scope.agencies))
        restricted -= set(db.scalars(known))
    return frozenset(ids[each] for each in restricted)


def alert_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
