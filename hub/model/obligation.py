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
    """None before asking, asking before a channel, that before the label alone; two different channels are none."""
    words = set(onward)
    channels = words.difference(ONWARD_WORDS)
    if ONWARD_NONE in words or len(channels) > 1:
        return ONWARD_NONE
    if ONWARD_ASK in words:
        return ONWARD_ASK
    return channels.pop() if channels else ONWARD_AS_LABELLED


def _least(terms: Iterable[int | None]) -> int | None:
    return min((term for term in terms if term is not None), default=None)


def _union(codes: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({code for each in codes for code in each}))
