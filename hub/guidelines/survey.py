"""Asking one bundle about all alerts of one day: is there one for which ...? Every answer comes with an example or is a no.

An example that answers one question is decided in full, and what it shows answers others without a search. What is asked
is analyse.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any, Final, NamedTuple

from .bundle import Bundle
from .language import Guideline
from .outcome import Decision
from .regions import ALONE, Feature, Side
from .space import Box, Budget, Region, Space
from .witness import case_of, decided, fields_of

STEPS: Final = 100_000  # of one question, in boxes held against regions
ALL_STEPS: Final = 10_000_000  # of all questions together
LEAST_STEPS: Final = 100  # of a question when those are used up

TITLE: Final = {"es": "Ejemplo de un hallazgo", "en": "Example of a finding"}

Search = Callable[[Budget], Iterator[Region]]


class Answer(NamedTuple):
    """`region`: where it is so, or None. `sampled`: none if None means no; else how many regions were looked at."""

    region: Region | None
    sampled: int | None = None


class Survey:
    """One bundle on one day."""

    def __init__(self, bundle: Bundle, on: date, steps: int = STEPS, all_steps: int = ALL_STEPS) -> None:
        self.bundle = bundle
        self.on = on
        self.space = Space(bundle)
        self.side = Side(bundle, self.space)
        self.everything = self.space.everything(on, on)
        in_earnest = self.everything.meet(self.space.inside("exercise", ["none"]))
        assert in_earnest is not None
        self.in_earnest = in_earnest
        self.steps = steps
        self.left = all_steps
        self.shown: set[tuple[str, str, str]] = set()  # (permit, agency, category): a released example was seen
        self.reached: set[tuple[str, str]] = set()  # (permit, agency): likewise, whatever it releases
        self.earnest: list[tuple[dict[str, Any], Decision]] = []  # the examples that are no exercise

    def in_force(self, effect: str = "") -> list[Guideline]:
        day = self.on.toordinal()
        return [
            each
            for each in self.bundle.guidelines
            if (not effect or each.effect == effect)
            and (each.valid.from_ is None or each.valid.from_.toordinal() <= day)
            and (each.valid.until is None or day <= each.valid.until.toordinal())
        ]

    def ask(self, searches: Iterable[Search]) -> Answer:
        """The first region that any of the searches finds."""
        sampled = None
        for search in searches:
            budget = Budget(max(LEAST_STEPS, min(self.steps, self.left)))
            region = next(search(budget), None)
            self.left -= budget.used
            if region is not None:
                return Answer(region)
            if budget.spent:
                sampled = (sampled or 0) + budget.regions
        return Answer(None, sampled)

    def given(
        self,
        permit: Guideline,
        feature: Feature = ALONE,
        agencies: Iterable[str] | None = None,
        region: Region | None = None,
        also: Callable[[str], Iterable[Box]] | None = None,
    ) -> Answer:
        """Whether the permit gives any of the agencies this feature, outside of the boxes that `also` names for it."""
        start = region or self.everything

        def search(agency: str) -> Search:
            boxes = list(also(agency)) if also else []
            return lambda budget: self.side.given(start, agency, permit, feature, budget, boxes)

        return self.ask(map(search, sorted(self.side.recipients(permit) if agencies is None else agencies)))

    def example(self, region: Region, categories: Iterable[str] = ()) -> dict[str, Any]:
        return fields_of(self.space, region, categories)

    def decide(self, fields: dict[str, Any]) -> Decision:
        """Decides an example and remembers what it shows."""
        decision = decided(self.bundle, fields, self.on)
        for outcome in decision.permitted:
            for guideline_id in outcome.guidelines:
                permit = self.bundle.guideline(guideline_id)
                if permit and permit.effect == "permit":
                    self.reached.add((permit.id, outcome.agency))
                    shared = self.side.categories(permit).intersection(outcome.released)
                    self.shown.update((permit.id, outcome.agency, category) for category in shared)
        if "exercise" not in fields:
            self.earnest.append((fields, decision))
        return decision

    def case(self, fields: dict[str, Any]) -> dict[str, Any]:
        """An example as an entry of `cases/*.yaml`."""
        return case_of(self.bundle, fields, self.on, TITLE)

    def shown_by(self, region: Region, categories: Iterable[str]) -> dict[str, Any]:
        """The example of a region, decided, as a case."""
        fields = self.example(region, categories)
        self.decide(fields)
        return self.case(fields)
