"""Decisions and their outcomes made ready: in bytes, as far as they are the same for many alerts, put together once.

The engine gives the same objects for the same question for as long as it remembers them: what is made of one is kept beside
it, so that an id is never that of another.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from hub.guidelines.outcome import Decision, Outcome
from hub.model import splice
from hub.model.splice import Items

DELIVERIES: Final = "deliveries."
FIRST: Final = 1  # the number of an agency's first delivery of an alert
REMEMBERED_OUTCOMES: Final = 16_384
REMEMBERED_DECISIONS: Final = 4_096


class Ready(NamedTuple):
    """One outcome, for every alert and for the first release of one. All but the topic is encoded."""

    topic: str
    terms: bytes
    outcome: bytes  # in a decision, but for the delivery's id
    numbered: bytes  # agency and number, as a delivery's id takes them in
    addressed: bytes  # kind and recipient of the delivery
    closing: bytes  # of the delivery: the terms, nothing withdrawn, no reason, a view
    holder: bytes  # of the holding: agency and number
    categories: bytes


class Prepared(NamedTuple):
    """A decision: the categories of each distinct view; each recipient with the number of its view; the others' outcomes."""

    views: tuple[tuple[str, ...], ...]
    recipients: tuple[tuple[int, Ready], ...]
    others: Items


_outcomes: Final[dict[int, tuple[Outcome, Ready]]] = {}
_decisions: Final[dict[int, tuple[Decision, Prepared]]] = {}


def ready(outcome: Outcome) -> Ready:
    known = _outcomes.get(id(outcome))
    if known is None:
        if len(_outcomes) >= REMEMBERED_OUTCOMES:
            _outcomes.clear()
        known = _outcomes[id(outcome)] = outcome, _ready(outcome)
    return known[1]


def prepared(decision: Decision) -> Prepared:
    known = _decisions.get(id(decision))
    if known is None:
        if len(_decisions) >= REMEMBERED_DECISIONS:
            _decisions.clear()
        known = _decisions[id(decision)] = decision, _prepared(decision)
    return known[1]


def numbered(agency: str, number: int) -> bytes:
    return agency.encode() + b"\0" + number.to_bytes(4, "big")


def _ready(outcome: Outcome) -> Ready:
    agency, terms = splice.string(outcome.agency), splice.obligation(outcome.obligation)
    return Ready(
        topic=DELIVERIES + outcome.agency,
        terms=terms,
        outcome=splice.outcome(outcome.agency, outcome.reason, outcome.released),
        numbered=numbered(outcome.agency, FIRST),
        addressed=splice.string("release") + agency,
        closing=splice.closing(terms, (), None) + splice.SOME,
        holder=agency + splice.long(FIRST),
        categories=splice.strings(outcome.released),
    )


def _prepared(decision: Decision) -> Prepared:
    views = tuple(dict.fromkeys(each.released for each in decision.permitted))
    recipients = tuple((views.index(each.released), ready(each)) for each in decision.permitted)
    others = [ready(each).outcome + splice.NULL for each in decision.outcomes if each.reason != "permitted"]
    return Prepared(views, recipients, splice.NO_ITEMS.with_more(others))
