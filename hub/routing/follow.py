"""What follows from a decision: for each agency concerned a release, a withdrawal or nothing, as lifecycle.py has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from hub.bus.bus import NO_HEADERS, Outgoing
from hub.guidelines.outcome import Decision, Outcome
from hub.model import splice
from hub.model.splice import NO_ITEMS, Items, Position

from . import emit
from .holdings import NOTHING_SEEN, Held, Holding
from .lifecycle import DUES, WAITS_UNDER_HOLD, Due, stake
from .opening import Opened
from .prepared import FIRST, prepared
from .state import Routed, State

_new = tuple.__new__  # a NamedTuple's own constructor takes twice the time


def followed(
    source: Position,
    alert: Opened,
    known: Holding | None,
    decision: Decision,
    result: str,
    state: State,
    whom: frozenset[str] | None = None,
) -> Routed:
    """Deliveries, the decision and the holding of one decided or cancelled revision; for `whom` only, if given."""
    recipients = dict(known.recipients) if known else {}
    views = emit.Views(alert)
    outgoing: list[Outgoing] = []
    outcomes: list[bytes] = []
    concerned, others = _concerned(decision, recipients, result)
    for outcome in concerned:
        held = recipients.get(outcome.agency) or Held(outcome.agency)
        permitted = outcome.reason == "permitted"
        seen = views.seen(outcome) if permitted else NOTHING_SEEN
        due = DUES[stake(held, permitted, seen)]
        identifier = None
        if whom is not None and outcome.agency not in whom:
            due, held = Due.NOTHING, held._replace(owed=None)  # as it was, and what it is owed stays owed
        if due in WAITS_UNDER_HOLD and state.holds(outcome.agency):
            recipients[outcome.agency] = held._replace(owed=due.value)
        elif due is not Due.NOTHING:
            if due is Due.RELEASE:
                identifier, record, held = emit.release(source, alert, views, outcome, held, seen, state)
            else:
                identifier, record, held = emit.withdrawal(
                    source, alert.walked.id, alert.walked.revision, held, result, state
                )
            recipients[outcome.agency] = held
            outgoing.append(record)
        elif held.owed:
            recipients[outcome.agency] = held._replace(owed=None)
        outcomes.append(emit.outcome(outcome, identifier))
    held_now = [splice.held(*each) for _, each in sorted(recipients.items())]
    holding = emit.holding(source, alert, result, held_now, state)
    outgoing += (holding, emit.decision(source, alert, others.with_more(outcomes), result, state))
    return Routed(outgoing, {alert.walked.id: holding.value or b""}, result)


def released(source: Position, alert: Opened, decision: Decision, result: str, state: State) -> Routed:
    """The same for an alert that the lane does not know, while nothing is on hold: nearly all that a router does.

    followed() is the rule; a test holds the two to the same bytes. What is alike for many alerts was put together once.
    """
    views, recipients, others = prepared(decision)
    identifier, lane, frame = alert.walked.id, source.partition, state.ids.frames["Delivery"]
    revision = splice.long(alert.walked.revision)
    middle = b"".join((identifier, revision, splice.long(FIRST), state.stamp))
    shown = [emit.view(alert, categories) for categories in views]
    outgoing: list[Outgoing] = []
    held, outcomes = [], []
    for number, (topic, terms, outcome, numbered, addressed, closing, holder, categories) in recipients:
        view, seen_of = shown[number]
        delivery = sha256(identifier + numbered).digest()[:16]
        seen = sha256(seen_of + terms).digest()[:16]
        value = b"".join((frame, delivery, addressed, middle, closing, view))
        outgoing.append(_new(Outgoing, (topic, lane, identifier, value, NO_HEADERS)))
        held.append(b"".join((holder, revision, categories, seen, splice.NULL)))
        outcomes.append(outcome + splice.SOME + delivery)
    holding = emit.holding(source, alert, result, held, state)
    outgoing += (holding, emit.decision(source, alert, others.with_more(outcomes), result, state))
    return Routed(outgoing, {identifier: holding.value or b""}, result)


def _concerned(decision: Decision, recipients: Mapping[str, Held], result: str) -> tuple[Sequence[Outcome], Items]:
    """Whom something may follow for: the permitted, and whoever was sent or owed something. The others' outcomes, encoded."""
    if not recipients:
        return decision.permitted, prepared(decision).others
    concerned = [each for each in decision.outcomes if each.reason == "permitted" or each.agency in recipients]
    others = [emit.outcome(each, None) for each in decision.outcomes if each not in concerned]
    holders = {agency for agency, held in recipients.items() if held.revision or held.owed}
    gone = holders.difference(each.agency for each in decision.outcomes)
    return [*concerned, *(emit.departed(agency, result) for agency in sorted(gone))], NO_ITEMS.with_more(others)
