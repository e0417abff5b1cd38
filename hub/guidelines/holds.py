"""Holds: how an operator's stop goes on, as a table of states. Pure.

One person sets a hold, two lift it. Whatever is unclear holds: a hold only ever removes, so that is the safe side.
Which deliveries wait is routing/route.py's; that they go out again, routing's and lifting.py's; docs/holds.md is for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

from hub.model.publication import SCOPE_PATTERN, HoldOrder

EVERYTHING: Final = "everything"
INTAKE: Final = "intake/"
DELIVERIES: Final = "deliveries/"

HoldRefusal = Literal[
    "undecodable",  # not a hold order, or under another key than its scope's
    "deleted",  # the record was deleted: a hold is lifted by two, never deleted
    "not-asked",  # a lift that nobody asked for before
    "one-person",  # asked for and confirmed by the same person, or by somebody unnamed
]

# state before (None: nothing is known of the scope) -> states that may follow
FOLLOWS: Final = {
    None: {"held", "lift-asked", "lifted"},  # the topic keeps the newest record of a scope only
    "held": {"held", "lift-asked"},
    "lift-asked": {"held", "lift-asked", "lifted"},
    "lifted": {"held", "lifted"},
}


class NotAHold(Exception):
    """A hold order that changes nothing. `reason`: a code; `scope`: whose hold it was to be."""

    def __init__(self, reason: HoldRefusal, scope: str) -> None:
        super().__init__(f"{scope}: {reason}")
        self.reason: Final = reason
        self.scope = scope


class SamePerson(Exception):
    """Who asked for a hold to be lifted cannot also confirm it."""


class NoHold(Exception):
    """There is nothing to lift."""


def is_scope(text: str) -> bool:
    return re.fullmatch(SCOPE_PATTERN, text) is not None


def set_by(who: str, scope: str, why: str, now_ms: int) -> HoldOrder:
    """A new hold. It also takes back a lift that was asked for."""
    return HoldOrder(scope=scope, state="held", why=why, set_by=who, set_ms=now_ms)


def lifted_by(who: str, order: HoldOrder | None, now_ms: int) -> HoldOrder:
    """The next step of lifting a hold: the first person asks, a second one confirms. Raises NoHold and SamePerson."""
    if order is None or order.state == "lifted":
        raise NoHold
    if order.state == "held":
        return order.model_copy(update={"state": "lift-asked", "asked_by": who, "asked_ms": now_ms})
    if order.asked_by == who:
        raise SamePerson
    return order.model_copy(update={"state": "lifted", "lifted_by": who, "lifted_ms": now_ms})


def check(order: HoldOrder, before: HoldOrder | None) -> None:
    """Raises NotAHold unless `order` may follow `before`."""
    if order.state not in FOLLOWS[before.state if before else None]:
        raise NotAHold("not-asked", order.scope)
    if order.state == "lift-asked" and order.asked_by is None:
        raise NotAHold("one-person", order.scope)
    if order.state == "lifted":
        if order.asked_by is None or order.lifted_by is None or order.asked_by == order.lifted_by:
            raise NotAHold("one-person", order.scope)
        if before is not None and before.asked_by != order.asked_by:
            raise NotAHold("not-asked", order.scope)


def agencies(scopes: Iterable[str], kind: str) -> frozenset[str]:
    """The agencies whose intake or deliveries (`kind`) are held."""
    return frozenset(scope.removeprefix(kind) for scope in scopes if scope.startswith(kind))
