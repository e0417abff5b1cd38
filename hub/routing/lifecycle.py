"""An alert's life as tables: what follows from what arrives and from what is held. Everything else looks it up here.

docs/lifecycle.md shows these tables as a diagram, made from them.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal, NamedTuple

from hub.model.compose import DAY_MS

from .holdings import Held, Holding


class Row(Enum):
    """A row of a table. It hashes by identity: Enum's own hash is a call in Python for every look-up."""

    __hash__ = object.__hash__


class Standing(Row):
    """How a revision stands to the one that the lane knows."""

    NEW = "the first that is seen of this alert"
    HIGHER = "a higher revision"
    SAME = "the same revision with the same content"
    CONTRADICTING = "the same revision with other content"
    OLDER = "a lower revision"
    FOREIGN = "an id that another originator used first"


class Step(Row):
    """What is done with a revision."""

    DECIDE = "decided"
    CANCEL = "cancelled"
    REPEAT = "duplicate"
    OUTDATED = "superseded"
    REFUSE_CONTENT = "same-revision-other-content"
    REFUSE_ORIGIN = "foreign-id"


class Stake(Row):
    """How an agency stands to a decided revision. A cancel permits nobody, so whoever holds something is leaving then,
    whatever today's guidelines say."""

    OUTSIDE = "holds nothing and is not permitted"
    JOINING = "holds nothing and is permitted"
    LEAVING = "holds something and is no longer permitted"
    SETTLED = "holds all that it may see"
    BEHIND = "would see something else than it holds"


class Due(Row):
    """What one recipient is sent."""

    RELEASE = "release"
    WITHDRAWAL = "withdrawal"
    NOTHING = "nothing"


class Rest(Row):
    """What is left of an alert once its validity has passed."""

    HELD = "somebody holds it or is owed something"
    NOBODYS = "nobody holds it or is owed anything"


class End(NamedTuple):
    """The order that ends an alert, when it is due after the end of its validity, and what follows from it."""

    order: Literal["expire", "forget"]
    after_ms: int
    follows: str


# (standing, kind) -> step
STEPS: Final = {
    (Standing.NEW, "alert"): Step.DECIDE,
    (Standing.NEW, "cancel"): Step.CANCEL,
    (Standing.HIGHER, "alert"): Step.DECIDE,
    (Standing.HIGHER, "cancel"): Step.CANCEL,
    (Standing.SAME, "alert"): Step.REPEAT,
    (Standing.SAME, "cancel"): Step.REPEAT,
    (Standing.CONTRADICTING, "alert"): Step.REFUSE_CONTENT,
    (Standing.CONTRADICTING, "cancel"): Step.REFUSE_CONTENT,
    (Standing.OLDER, "alert"): Step.OUTDATED,
    (Standing.OLDER, "cancel"): Step.OUTDATED,
    (Standing.FOREIGN, "alert"): Step.REFUSE_ORIGIN,
    (Standing.FOREIGN, "cancel"): Step.REFUSE_ORIGIN,
}

# How a recipient stands -> what it is sent.
DUES: Final = {
    Stake.OUTSIDE: Due.NOTHING,
    Stake.JOINING: Due.RELEASE,
    Stake.LEAVING: Due.WITHDRAWAL,
    Stake.SETTLED: Due.NOTHING,
    Stake.BEHIND: Due.RELEASE,
}
# Under a hold these wait; a withdrawal passes, since a hold only ever removes.
WAITS_UNDER_HOLD: Final = frozenset({Due.RELEASE})

# What is left of an alert -> how it goes on ending. Both are due once: the first leads to the second, the second to nothing.
FORGOTTEN_AFTER_MS: Final = 90 * DAY_MS
ENDS: Final = {
    Rest.HELD: End("expire", 0, "a withdrawal for whoever holds something; nothing is owed any more"),
    Rest.NOBODYS: End("forget", FORGOTTEN_AFTER_MS, "the holding ends: its id would count as new"),
}


def standing(held: Holding | None, originator: str, revision: int, content: bytes) -> Standing:
    """How a revision stands to what the lane knows of the alert."""
    if held is None:
        return Standing.NEW
    if held.originator != originator:
        return Standing.FOREIGN
    if revision != held.revision:
        return Standing.HIGHER if revision > held.revision else Standing.OLDER
    return Standing.SAME if content == held.content else Standing.CONTRADICTING


def stake(held: Held, permitted: bool, seen: bytes) -> Stake:
    """How an agency stands; `seen`: the digest of what it would be shown if it is permitted."""
    if not held.revision:
        return Stake.JOINING if permitted else Stake.OUTSIDE
    if not permitted:
        return Stake.LEAVING
    return Stake.SETTLED if seen == held.seen else Stake.BEHIND


def rest(held: Holding) -> Rest:
    """What is left of an alert."""
    left = any(each.revision or each.owed for each in held.recipients.values())
    return Rest.HELD if left else Rest.NOBODYS
