"""Who may do what in the console: one table. Pure.

A mutual-legal-assistance alert exists for the auditors of its two parties only; for everybody else it is as if there were
none of that id. Sessions and passwords are sessions.py's and people.py's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

Role = Literal["operator", "steward", "auditor"]
ROLES: Final[tuple[Role, ...]] = ("operator", "steward", "auditor")
EVERYBODY: Final = frozenset(ROLES)
OPERATOR: Final[frozenset[Role]] = frozenset({"operator"})
AUDITOR: Final[frozenset[Role]] = frozenset({"auditor"})

Action = Literal[
    "see-now",
    "see-topics",
    "browse-records",
    "see-alerts",
    "explain",
    "see-quarantine",
    "order-quarantine",
    "see-guidelines",
    "preview",
    "see-agencies",
    "set-hold",
    "lift-hold",
    "see-audit",
    "recompute",
    "export",
    "own-account",
]
ALLOWED: Final[dict[Action, frozenset[Role]]] = {
    "see-now": EVERYBODY,
    "see-topics": EVERYBODY,
    "browse-records": frozenset({"operator", "auditor"}),
    "see-alerts": EVERYBODY,
    "explain": EVERYBODY,
    "see-quarantine": EVERYBODY,
    "order-quarantine": OPERATOR,
    "see-guidelines": EVERYBODY,
    "preview": frozenset({"operator", "steward"}),
    "see-agencies": EVERYBODY,
    "set-hold": OPERATOR,
    "lift-hold": frozenset({"operator", "steward"}),
    "see-audit": AUDITOR,
    "recompute": AUDITOR,
    "export": AUDITOR,
    "own-account": EVERYBODY,
}
RESTRICTED: Final = "mutual-legal-assistance"


@dataclass(frozen=True)
class Person:
    """Somebody who signed in. `agency`: whom an auditor audits for; None for everybody else, and for the hub's auditor."""

    name: str
    role: Role
    agency: str | None = None
    language: str | None = None
    theme: str = "auto"


def may(person: Person, action: Action) -> bool:
    return person.role in ALLOWED[action]


def may_see(person: Person, alert_class: str, parties: Collection[str]) -> bool:
    """Whether this alert exists for the person. `parties`: the originator and those that received it."""
    if alert_class != RESTRICTED:
        return True
    return person.role == "auditor" and person.agency is not None and person.agency in parties
