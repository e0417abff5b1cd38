"""What follows from a decision: for each agency concerned a release, a withdrawal or nothing, as lifecycle.py has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.bus.bus import Outgoing
from hub.guidelines.outcome import Decision, Outcome
from hub.model.splice import Position

from . import emit
from .holdings import NOTHING_SEEN, Held, Holding
from .lifecycle import DUES, WAITS_UNDER_HOLD, Due, stake
from .opening import Opened
from .state import Routed, State


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
    concerned, outcomes = _concerned(decision, recipients, result)
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
                sent, held = emit.release(source, alert, views, outcome, held, seen, state)
            else:
                sent, held = emit.withdrawal(source, alert, outcome.agency, held, result, state)
            recipients[outcome.agency] = held
            outgoing.append(sent)
            identifier = emit.delivery_id(alert.walked.id, outcome.agency, held.number)
        elif held.owed:
            recipients[outcome.agency] = held._replace(owed=None)
        outcomes.append(emit.outcome(outcome, identifier))
    holding = emit.holding(source, alert, result, recipients, state)
    outgoing += (holding, emit.decision(source, alert, outcomes, result, state))
    return Routed(outgoing, {alert.walked.id: holding.value or b""}, result)


def _concerned(
    decision: Decision, recipients: Mapping[str, Held], result: str
) -> tuple[Sequence[Outcome], list[bytes]]:
    """Whom something may follow for: the permitted, and whoever was sent or owed something. The others' outcomes, encoded."""
    if not recipients:
        return decision.permitted, list(emit.denied(decision))
    concerned = [each for each in decision.outcomes if each.reason == "permitted" or each.agency in recipients]
    others = [emit.outcome(each, None) for each in decision.outcomes if each not in concerned]
    holders = {agency for agency, held in recipients.items() if held.revision or held.owed}
    gone = holders.difference(each.agency for each in decision.outcomes)
    return [*concerned, *(emit.departed(agency, result) for agency in sorted(gone))], others
