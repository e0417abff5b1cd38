"""Where two bundles decide differently: for each agency, what it gains and loses, and for which alerts.

Exact over all alerts from a day on, with any value that one of the bundles knows; a bundle decides no alert that has a
value unknown to it. Work begins at the guidelines and agencies that differ, so that large bundles with few changes are
compared quickly. How it is told to a person is changes.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from hub.model.obligation import ONWARD_AS_LABELLED, ONWARD_NONE

from .bundle import Bundle
from .language import Guideline
from .regions import ALONE, Feature, Side, rivals, sets, terms, way_of
from .space import Box, Budget, Region, Space, without

STEPS: Final = 5_000_000  # boxes held against regions


class Differing(NamedTuple):
    """In the whole region, `agency` has the feature under one of the bundles only. `gained`: under the second one.

    `causes`: the guidelines that make the difference, those that give first; none if the agency itself differs.
    """

    agency: str
    feature: Feature
    gained: bool
    causes: tuple[str, ...]
    region: Region
    start: Region  # what `causes` speak of, before anything was taken away
    bars: tuple[Box, ...]  # what takes it away under both


class Pair:
    """Two bundles in one space."""

    def __init__(self, old: Bundle, new: Bundle, on: date, steps: int = STEPS) -> None:
        self.space = Space(old, new)
        self.old = Side(old, self.space)
        self.new = Side(new, self.space)
        self.on = on
        self.everything = self.space.everything(on)
        self.budget = Budget(steps)
        self.agencies = sorted(old.known.agencies | new.known.agencies)

    def differing(self) -> Iterator[Differing]:
        """Every difference; regions of one agency and feature may overlap. Ends early when the budget is spent."""
        for agency in self.agencies:
            for gained in (True, False):
                giver, other = (self.new, self.old) if gained else (self.old, self.new)
                one_way = _OneWay(self, agency, gained, giver, other)
                yield from one_way.released()
                yield from one_way.obliged()


class _OneWay:
    """What one agency has by the bundle `giver` and not by the bundle `other`."""

    def __init__(self, pair: Pair, agency: str, gained: bool, giver: Side, other: Side) -> None:
        self.pair = pair
        self.agency = agency
        self.gained = gained
        self.giver = giver
        self.other = other
        self.candidate = giver.candidate(agency)
        self.candidate_too = other.candidate(agency)

    def released(self) -> Iterator[Differing]:
        permits = self.giver.addressed(self.agency, "permit")
        categories = sorted({each for permit in permits for each in self.giver.categories(permit)})
        yield from self._feature(ALONE)
        for category in categories:
            yield from self._feature(Feature("category", category))
            liftable = [
                box
                for side in (self.giver, self.other)
                for each in side.addressed(self.agency, "withhold")
                if category in side.categories(each) and not each.safeguard
                for box in (side.boxes[each.id],)
            ]
            # A grant matters only where there is something to lift.
            for box in dict.fromkeys(liftable):
                yield from self._feature(Feature("category", category, granted=True), box)

    def _feature(self, feature: Feature, within: Box = ()) -> Iterator[Differing]:
        taken, taken_too = self.giver.blockers(self.agency, feature), self.other.blockers(self.agency, feature)
        givers_too = self.other.providers(self.agency, feature)
        takers = self._new_of(taken_too, taken)
        fresh = {each.id for each in self._new_of(self.giver.providers(self.agency, feature), givers_too)}
        unlike = self.candidate != self.candidate_too
        if not (takers or fresh or unlike):
            return
        less, nobody = self.giver.boxes_of(taken), self.other.boxes_of(givers_too)
        for permit in self.giver.providers(self.agency, feature):
            if not (takers or unlike or permit.id in fresh):
                continue
            for start in self._starts([permit], within):
                if permit.id in fresh:
                    yield from self._found(feature, [permit.id], start, [*less, *nobody], less)
                for taker in takers:
                    inside = start.within(self.other.boxes[taker.id])
                    if inside is not None:
                        yield from self._found(feature, [permit.id, taker.id], inside, less, less)
                if unlike:
                    yield from self._found(feature, [], start, [*less, *self.candidate_too], less)

    def _new_of(self, some: list[Guideline], others: list[Guideline]) -> list[Guideline]:
        """Those that the other side has not among `others`, with the same conditions."""
        ids = {each.id for each in others}
        return [
            each
            for each in some
            if each.id not in ids or self.giver.boxes.get(each.id) != self.other.boxes.get(each.id)
        ]

    def obliged(self) -> Iterator[Differing]:
        """Terms that the agency has by `giver` and not by `other`, where both permit."""
        mine, theirs = self.giver.addressed(self.agency, "permit"), self.other.addressed(self.agency, "permit")
        fresh = {each.id for each in self._new_of(mine, theirs)}
        new_ways = {
            each.id for each in mine if each.id in fresh or not self._sets_too(each, Feature("onward", way_of(each)))
        }
        for permit in mine:
            for feature in terms(permit):
                new = permit.id in fresh or not self._sets_too(permit, feature)
                if feature.kind == "onward":
                    yield from self._onward(permit, feature, theirs, new_ways)
                elif new:
                    lighter = [each for each in theirs if sets(each, feature)]
                    yield from self._both(feature, [permit], theirs, self.other.boxes_of(lighter))

    def _sets_too(self, permit: Guideline, feature: Feature) -> bool:
        too = self.other.bundle.guideline(permit.id)
        return too is not None and sets(too, feature)

    def _both(
        self, feature: Feature, givers: list[Guideline], permits: list[Guideline], less: Iterable[Box], within: Box = ()
    ) -> Iterator[Differing]:
        forbids = [
            *self.giver.boxes_of(self.giver.addressed(self.agency, "forbid")),
            *self.other.boxes_of(self.other.addressed(self.agency, "forbid")),
        ]
        for start in self._starts(givers, within):
            for box in self.candidate_too:
                for permit in permits:
                    both = start.within((*box, *self.other.boxes[permit.id]))
                    if both is not None:
                        ids = list(dict.fromkeys(each.id for each in givers))
                        yield from self._found(feature, ids, both, [*forbids, *less], forbids)

    def _onward(
        self, permit: Guideline, feature: Feature, permits: list[Guideline], new_ways: set[str]
    ) -> Iterator[Differing]:
        """Where the way of passing on is another one by `other`. `new_ways`: the permits whose way `other` has not."""
        way, ways = way_of(permit), [way_of(each) for each in permits]
        if permit.id in new_ways:
            for case in rivals(self.pair.space, way, ways):
                strict = [each for each in permits if way_of(each) not in case.others]
                less = [*self.other.boxes_of(strict), *case.without]
                yield from self._both(feature, [permit], permits, less, case.start)
        for second in self.giver.addressed(self.agency, "permit") if new_ways and way != ONWARD_NONE else ():
            new = permit.id in new_ways or second.id in new_ways
            if new and way_of(second) > way and way_of(second) not in (ONWARD_NONE, ONWARD_AS_LABELLED):
                yield from self._two_ways(permit, second, permits)

    def _two_ways(self, one: Guideline, second: Guideline, permits: list[Guideline]) -> Iterator[Differing]:
        """Where two permits of `giver` differ, which leaves none, and those of `other` do not."""
        for case in rivals(self.pair.space, ONWARD_NONE, [way_of(each) for each in permits]):
            strict = [each for each in permits if way_of(each) not in case.others]
            less = [*self.other.boxes_of(strict), *case.without]
            yield from self._both(Feature("onward", ONWARD_NONE), [one, second], permits, less, case.start)

    def _starts(self, permits: Iterable[Guideline], within: Box = ()) -> Iterator[Region]:
        conditions = [condition for each in permits for condition in self.giver.boxes[each.id]]
        for box in self.candidate:
            region = self.pair.everything.within((*box, *conditions, *within))
            if region is not None:
                yield region

    def _found(
        self, feature: Feature, causes: Iterable[str], start: Region, less: Sequence[Box], bars: Iterable[Box]
    ) -> Iterator[Differing]:
        ids, both = tuple(causes), tuple(bars)
        for region in without(start, less, self.pair.budget):
            yield Differing(self.agency, feature, self.gained, ids, region, start, both)
