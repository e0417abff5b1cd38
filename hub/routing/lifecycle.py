"""An alert's life as tables: what follows from what arrives and from what is held. Everything else looks it up here.

docs/lifecycle.md shows these tables as a diagram, made from them.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from .holdings import Holding


class Standing(Enum):
    """How a revision stands to the one that the lane knows."""

    NEW = "the first that is seen of this alert"
    HIGHER = "a higher revision"
    SAME = "the same revision with the same content"
    CONTRADICTING = "the same revision with other content"
    OLDER = "a lower revision"
    FOREIGN = "an id that another originator used first"


class Step(Enum):
    """What is done with a revision."""

    DECIDE = "decided"
    CANCEL = "cancelled"
    REPEAT = "duplicate"
    OUTDATED = "superseded"
    REFUSE_CONTENT = "same-revision-other-content"
    REFUSE_ORIGIN = "foreign-id"


class Due(Enum):
    """What one recipient is sent."""

    RELEASE = "release"
    WITHDRAWAL = "withdrawal"
    NOTHING = "nothing"


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

# (holds something, is permitted, would see something else than it holds) -> what it is sent.
# A cancel permits nobody, so it withdraws from every holder whatever today's guidelines say.
DUES: Final = {
    (False, False, False): Due.NOTHING,
    (False, False, True): Due.NOTHING,
    (False, True, False): Due.RELEASE,
    (False, True, True): Due.RELEASE,
    (True, False, False): Due.WITHDRAWAL,
    (True, False, True): Due.WITHDRAWAL,
    (True, True, False): Due.NOTHING,
    (True, True, True): Due.RELEASE,
}
# Under a hold these wait; a withdrawal passes, since a hold only ever removes.
WAITS_UNDER_HOLD: Final = frozenset({Due.RELEASE})


def standing(held: Holding | None, originator: str, revision: int, content: bytes) -> Standing:
    """How a revision stands to what the lane knows of the alert."""
    if held is None:
        return Standing.NEW
    if held.originator != originator:
        return Standing.FOREIGN
    if revision != held.revision:
        return Standing.HIGHER if revision > held.revision else Standing.OLDER
    return Standing.SAME if content == held.content else Standing.CONTRADICTING
