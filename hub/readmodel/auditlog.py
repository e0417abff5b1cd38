"""Who saw or did what: written by console and commands, read by auditors. Rows are added only. See queries.py."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, insert, select

from .results import AuditEntry, AuditPage
from .tables import Audit
from .waiting import numbers_of, page_size

_LIMITS = {"who": 64, "role": 64, "action": 64, "subject": 500, "outcome": 64, "detail": 500}


def note_act(
    connection: Connection,
    who: str,
    role: str,
    action: str,
    subject: str,
    outcome: str = "done",
    detail: str = "",
    *,
    now_ms: int,
) -> None:
    """Adds one row; too long texts are cut. The caller commits, best in the transaction of what was done."""
    values = {"who": who, "role": role, "action": action, "subject": subject, "outcome": outcome, "detail": detail}
    kept = {name: value.replace("\0", "")[: _LIMITS[name]] for name, value in values.items()}
    connection.execute(insert(Audit).values(at_ms=now_ms, **kept))


def audit_log(
    connection: Connection,
    who: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    since_ms: int | None = None,
    after: str | None = None,
    limit: int = 100,
) -> AuditPage:
    """Newest first. `action`: a code or, ending in a dot, the beginning of one. Raises BadPage."""
    size = page_size(limit)
    conditions: list[ColumnElement[bool]] = []
    if who is not None:
        conditions.append(Audit.who == who)
    if action is not None:
        conditions.append(
            Audit.action.startswith(action, autoescape=True) if action.endswith(".") else Audit.action == action
        )
    if subject is not None:
        conditions.append(Audit.subject == subject)
    if since_ms is not None:
        conditions.append(Audit.at_ms >= since_ms)
    if after is not None:
        conditions.append(Audit.id < numbers_of(after, 1)[0])
    rows = connection.execute(
        select(Audit.id, Audit.at_ms, Audit.who, Audit.role, Audit.action, Audit.subject, Audit.outcome, Audit.detail)
        .where(*conditions)
        .order_by(Audit.id.desc())
        .limit(size + 1)
    ).all()
    entries = tuple(AuditEntry(*row) for row in rows[:size])
    return AuditPage(entries, str(entries[-1].id) if len(rows) > size else None)
