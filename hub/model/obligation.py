"""What a recipient must do with a delivery, and how several obligations become one: the strictest (DESIGN.md, rule 8).

Which guideline or label an obligation comes from is guidelines/explain.py's, not this file's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Final

from pydantic import Field

from .base import Code, Model, Slug

# How far a recipient may pass something on. Any other value is the one channel (a code of the bundle) by which it may.
ONWARD_NONE: Final = "none"
ONWARD_ASK: Final = "ask"  # the originator's permission first
ONWARD_AS_LABELLED: Final = "as-labelled"  # no guideline limits it: the TLP label alone does
ONWARD_WORDS: Final = (ONWARD_NONE, ONWARD_ASK, ONWARD_AS_LABELLED)

Hours = Annotated[int, Field(ge=1, le=8_760)]
Days = Annotated[int, Field(ge=1, le=36_500)]


class Obligation(Model):
    """One set of terms. A recipient keeps the data until `keep_days` have passed or the first of `keep_events` occurs,
    whichever comes first, and reviews the need every `review_days`. `onward_to`: agencies among which it may circulate
    because the originator named them (RED, H2); empty if nobody was named. `caveats` are shown to every reader.
    """

    acknowledge_hours: Hours | None = None
    keep_days: Days | None = None
    keep_events: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    review_days: Days | None = None
    onward: Code = ONWARD_AS_LABELLED
    onward_to: Annotated[tuple[Slug, ...], Field(max_length=200)] = ()
    caveats: Annotated[tuple[Code, ...], Field(max_length=200)] = ()


def merge(obligations: Sequence[Obligation]) -> Obligation:
    """The strictest of all: earliest deadline, shortest retention, narrowest onward sharing, all events and caveats.

    The order does not matter. Of nothing, it is the obligation without terms.
    """
    named = [frozenset(item.onward_to) for item in obligations if item.onward_to]
    return Obligation(
        acknowledge_hours=_least(item.acknowledge_hours for item in obligations),
        keep_days=_least(item.keep_days for item in obligations),
        keep_events=_union(item.keep_events for item in obligations),
        review_days=_least(item.review_days for item in obligations),
        onward=narrowest({item.onward for item in obligations}),
        onward_to=tuple(sorted(frozenset.intersection(*named))) if named else (),
        caveats=_union(item.caveats for item in obligations),
    )


def narrowest(onward: Iterable[str]) -> str:
    """What is allowed by all: nothing, where two ways differ (two channels, or a channel and asking first).

    So it makes no difference which are merged first: were asking to win over a channel, it would.
    """
    ways = set(onward) - {ONWARD_AS_LABELLED}
    if len(ways) > 1:
        return ONWARD_NONE
    return ways.pop() if ways else ONWARD_AS_LABELLED


def _least(terms: Iterable[int | None]) -> int | None:
    return min((term for term in terms if term is not None), default=None)


def _union(codes: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({code for each in codes for code in each}))
