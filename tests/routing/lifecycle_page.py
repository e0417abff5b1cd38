"""docs/lifecycle.md, made from the tables of hub/routing/lifecycle.py: `python -m tests.routing.lifecycle_page` writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path

from hub.routing.lifecycle import DUES, STEPS, WAITS_UNDER_HOLD, Due, Stake, Standing, Step

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


def page() -> str:
    waiting = " or ".join(f"a {due.value}" for due in Due if due in WAITS_UNDER_HOLD)
    parts = (INTRODUCTION, REVISIONS, _diagram(_steps()), RECIPIENTS, _diagram(_dues()), HOLDS.format(waiting=waiting))
    return "\n".join(parts)


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


def _name(item: Enum) -> str:
    return f"{type(item).__name__.lower()}_{item.name.lower()}"


def _node(item: Enum, text: str) -> str:
    return f'{_name(item)}["{text}"]'


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
