"""docs/lifecycle.md, made from the tables of hub/routing/lifecycle.py: `python -m tests.routing.lifecycle_page` writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path

from hub.model.compose import DAY_MS
from hub.routing.lifecycle import DUES, ENDS, STEPS, WAITS_UNDER_HOLD, Due, End, Rest, Stake, Standing, Step

PAGE = Path(__file__).parents[2] / "docs" / "lifecycle.md"

INTRODUCTION = """\
# An alert's life

This page is made from the tables in `hub/routing/lifecycle.py`; a test fails when the two differ. To make it anew:
`python -m tests.routing.lifecycle_page`.

A revision is the whole alert. Revisions count up, the highest wins, gaps are fine. Two questions are asked of each: how
does it stand to what the lane knows of the alert, and, once it is decided, how does each agency stand to it.
"""
REVISIONS = """\
## What is done with a revision

`decided` asks the guidelines. `cancelled` permits nobody, so everyone who holds something loses it, whatever today's
guidelines say. From `duplicate` and `superseded` nothing follows but a record of them. The other two wait in quarantine.
"""
RECIPIENTS = """\
## What each agency is sent

An agency sees something else when the core (but for revision and time of making), the sections released to it or its
obligations changed; another routing block alone, or a section that it may not see, is nothing to it. A release names the
categories that are no longer in it as withdrawn. A withdrawal carries no data. When the alert has expired on its way,
nobody is permitted.
"""
HOLDS = """\
Under an operator's hold {waiting} waits: the holding notes that it is owed, and where the alert stands. Everything else
passes a hold, since a hold only ever removes.
"""

ENDING = """\
## How an alert ends

Once an alert's validity has passed, it is released to nobody any more. Who holds it may keep it for as long as the
guidelines let him, and the hub goes on knowing who does: a cancel, or a revision to which nobody consents any more, calls
every copy back. `ENLACE_WITHDRAW_AFTER_DAYS` later (365: as long as any guideline of the profile lets a recipient keep
something) the scheduler (`enlace scheduler run`) orders the end of what is held still. An order names the alert and
carries nothing of it, since the log may not have its bytes any more: what follows is decided from the holding alone,
whatever today's guidelines say, and a withdrawal passes a hold. An order that comes too early, a second time, or for an
alert that a higher revision renewed meanwhile is noted, and changes nothing. An alert that is renewed after its end is
released again.
"""
FORGETTING = """\
A forgotten id means nothing to the hub any more: a later record with that id counts as the first that is seen of this alert.
No copy of an earlier revision can come back by it, since the log keeps no record that long, and a copy that somebody kept
has expired. But deliveries would be counted from one again, and a recipient that remembers the ids of the first ones would take
new ones for repeats. So nobody uses an id again that long after its end: a connector of the kit gives what comes up again
two months after the end of its alert a new one, and cancels the old one, so that no copy of it is left.
"""


def page() -> str:
    waiting = " or ".join(f"a {due.value}" for due in Due if due in WAITS_UNDER_HOLD)
    revisions = REVISIONS, _diagram(_steps())
    recipients = RECIPIENTS, _diagram(_dues()), HOLDS.format(waiting=waiting)
    return "\n".join((INTRODUCTION, *revisions, *recipients, ENDING, _diagram(_ends()), FORGETTING))


def _diagram(lines: Iterable[str]) -> str:
    return "\n".join(("```mermaid", "flowchart LR", *(f"    {line}" for line in lines), "```", ""))


def _steps() -> Iterator[str]:
    yield 'revision(["a revision arrives"])'
    for standing in Standing:
        yield f"revision --> {_node(standing, standing.value)}"
        kinds: dict[Step, list[str]] = {}
        for (each, kind), step in STEPS.items():
            if each is standing:
                kinds.setdefault(step, []).append(kind)
        for step, which in kinds.items():
            yield f"{_name(standing)} -- {' or '.join(which)} --> {_name(step)}"
    for step in Step:
        waits = step in (Step.REFUSE_CONTENT, Step.REFUSE_ORIGIN)
        yield f'{_name(step)}[["{"quarantine: " if waits else ""}{step.value}"]]'


def _dues() -> Iterator[str]:
    yield 'agency(["an agency"])'
    for stake in Stake:
        yield f"agency --> {_node(stake, stake.value)}"
        yield f"{_name(stake)} --> {_name(DUES[stake])}"
    for due in Due:
        yield f'{_name(due)}[["{due.value}"]]'


def _ends() -> Iterator[str]:
    yield 'past(["an alert whose validity has passed"])'
    for rest, end in ENDS.items():
        yield f"past --> {_node(rest, rest.value)}"
        yield f'{_name(rest)} -- "{end.order}, {_when(end)}" --> {end.order}[["{end.follows}"]]'
    yield f"{ENDS[Rest.HELD].order} --> {_name(Rest.NOBODYS)}"


def _when(end: End) -> str:
    return f"{end.after_ms // DAY_MS} days later" if end.after_ms else "at once"


def _name(item: Enum) -> str:
    return f"{type(item).__name__.lower()}_{item.name.lower()}"


def _node(item: Enum, text: str) -> str:
    return f'{_name(item)}["{text}"]'


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
