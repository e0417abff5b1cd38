"""One bundle read as regions: which alerts a guideline speaks of, and which of them can reach an agency at all.

The same semantics as decide.py (rules 1 to 6), for all alerts at once; space.py has the algebra. Used by analyse.py and
diff.py, which ask, for an agency, where something is released and where it is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain
from typing import Final, NamedTuple

from hub.model.codes import TLP_NARROWEST_FIRST
from hub.model.obligation import ONWARD_AS_LABELLED, ONWARD_ASK, ONWARD_NONE

from .bundle import Bundle
from .language import Agency, Guideline
from .space import ORIGINATOR, Box, Budget, Region, Space, without

CORE: Final = "core"


class Feature(NamedTuple):
    """Something that an agency gets or must do: the core, a category, or one term of an obligation.

    `granted`: as it is where the originator has lifted what can be lifted from this category.
    """

    kind: str  # core, category, acknowledge_hours, keep_days, review_days, keep_events, caveats, onward
    value: str | int = ""
    granted: bool = False


ALONE: Final = Feature(CORE)


class Side:
    """A bundle in a space that it may share with another one. Everything is for one agency, by its id."""

    def __init__(self, bundle: Bundle, space: Space) -> None:
        self.bundle = bundle
        self.space = space
        self.boxes: dict[str, Box] = {each.id: self._box(each) for each in bundle.guidelines}
        self._recipients = {each.id: bundle.recipients_of(each) for each in bundle.guidelines}
        self._categories = {each.id: bundle.categories_of(each) for each in bundle.guidelines}

    def _box(self, guideline: Guideline) -> Box:
        space = self.space
        tests = (
            space.test(name, {word: getattr(test, word) for word in test.words()})
            for name, test in sorted(guideline.when.items(), key=lambda each: (each[0] != "class", each[0]))
        )
        origin = space.inside(ORIGINATOR, self.bundle.originators_of(guideline))
        # What tells guidelines apart stands first: most searches end there.
        return (origin, *chain.from_iterable(tests), *space.days(guideline.valid.from_, guideline.valid.until))

    @cached_property
    def known(self) -> Box:
        """The alerts of which this bundle knows every value; it decides no others."""
        alone, space = Space(self.bundle), self.space
        return tuple(
            space.inside(name, alone.codes[name]) for name in space.codes if alone.codes[name] != space.codes[name]
        )

    def candidate(self, agency: str) -> tuple[Box, ...]:
        """Rules 1 and 2 as boxes that do not overlap; none for an agency that is unknown or suspended."""
        party = self.bundle.agency(agency)
        return () if party is None or party.status != "active" else self.eligible(party)

    def eligible(self, party: Agency) -> tuple[Box, ...]:
        """The same, were it active."""
        space = self.space
        narrowest = TLP_NARROWEST_FIRST.index(party.max_tlp)
        common = (
            *self.known,
            space.outside(ORIGINATOR, [party.id]),
            space.outside("not_releasable_to", [party.id]),
            space.inside("tlp", TLP_NARROWEST_FIRST[narrowest:]),
            space.hits("purposes", party.competences),
        )
        unnamed = (space.inside("releasable_to", ()), space.outside("tlp", ["RED"]), space.outside("handling", ["H2"]))
        return ((*common, *unnamed), (*common, space.hits("releasable_to", [party.id])))

    def addressed(self, agency: str, effect: str) -> list[Guideline]:
        return list(self._addressed.get((agency, effect), ()))

    @cached_property
    def _addressed(self) -> dict[tuple[str, str], list[Guideline]]:
        found: dict[tuple[str, str], list[Guideline]] = defaultdict(list)
        for each in self.bundle.guidelines:
            for agency in self._recipients[each.id]:
                found[agency, each.effect].append(each)
        return dict(found)

    def recipients(self, guideline: Guideline) -> frozenset[str]:
        return self._recipients[guideline.id]

    def categories(self, guideline: Guideline) -> frozenset[str]:
        return self._categories[guideline.id]

    def providers(self, agency: str, feature: Feature) -> list[Guideline]:
        """The permits that give it."""
        return [each for each in self.addressed(agency, "permit") if self.gives(each, feature)]

    def gives(self, permit: Guideline, feature: Feature) -> bool:
        if feature.kind == CORE:
            return True
        if feature.kind == "category":
            return feature.value in self._categories[permit.id]
        return sets(permit, feature)

    def blockers(self, agency: str, feature: Feature) -> list[Guideline]:
        """What takes it away where it matches: forbids, and for a category the withholds."""
        found = self.addressed(agency, "forbid")
        if feature.kind == "category":
            found += [
                each
                for each in self.addressed(agency, "withhold")
                if feature.value in self._categories[each.id] and (each.safeguard or not feature.granted)
            ]
        return found

    def boxes_of(self, guidelines: Iterable[Guideline]) -> list[Box]:
        return [self.boxes[each.id] for each in guidelines]

    def given(
        self, region: Region, agency: str, permit: Guideline, feature: Feature, budget: Budget, also: Iterable[Box] = ()
    ) -> Iterator[Region]:
        """Where, in the region, `permit` gives the agency the feature and nothing takes it, outside of the boxes `also`."""
        taken = [*self.boxes_of(self.blockers(agency, feature)), *also]
        for box in self.candidate(agency):
            start = region.within((*box, *self.boxes[permit.id]))
            if start is not None:
                yield from without(start, taken, budget)


def sets(permit: Guideline, feature: Feature) -> bool:
    """Whether the permit's own terms are at least as strict in this one."""
    if permit.obligations is None:
        return False
    value = getattr(permit.obligations.obligation(), feature.kind)
    if isinstance(value, tuple):
        return feature.value in value
    if isinstance(feature.value, int):
        return value is not None and value <= feature.value
    return bool(value == feature.value)


def terms(permit: Guideline) -> list[Feature]:
    """The terms that the permit sets."""
    if permit.obligations is None:
        return []
    own = permit.obligations.obligation()
    numbers = ("acknowledge_hours", "keep_days", "review_days")
    found = [Feature(kind, value) for kind in numbers if (value := getattr(own, kind))]
    found += [Feature(kind, value) for kind in ("keep_events", "caveats") for value in getattr(own, kind)]
    return [*found, Feature("onward", own.onward)] if own.onward != ONWARD_AS_LABELLED else found


class Rivals(NamedTuple):
    """Where one permit's way of passing on makes the whole another one: within `start`, outside of `without`, and where the
    other permits say nothing or one of `others`."""

    start: Box
    without: list[Box]
    others: frozenset[str]


def rivals(space: Space, way: str, ways: Iterable[str]) -> Iterator[Rivals]:
    """Two ways that differ leave none (obligation.narrowest), so a way counts where the others have at most one, another
    one, that is not none. RED leaves none by itself, and H2 is a way too: asking. `ways`: those of the other permits."""
    red: Box = (space.inside("tlp", ["RED"]),)
    asking: Box = (space.hits("handling", ["H2"]),)
    for other in sorted(set(ways).difference((ONWARD_NONE, ONWARD_AS_LABELLED, way))) or [ONWARD_AS_LABELLED]:
        yield Rivals((), [red, asking], frozenset((ONWARD_AS_LABELLED, other)))
    if way != ONWARD_ASK:
        yield Rivals(asking, [red], frozenset((ONWARD_AS_LABELLED, ONWARD_ASK)))


def way_of(permit: Guideline) -> str:
    """How far a permit lets its recipients pass on."""
    return permit.obligations.onward if permit.obligations else ONWARD_AS_LABELLED
