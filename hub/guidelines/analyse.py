"""Whether a bundle is wise: what never matches, is overridden or implied, contradicts, reaches nobody, expires; what names a
victim and on which ground.

Every finding is exact over all alerts of one day with values that the bundle knows and without grants, unless it says
`sampled`. Its example alert is decided by decide.py. What keeps a bundle from loading at all is check.py's; the words of
the findings are findings.py's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import combinations
from typing import Final

from hub.model.obligation import ONWARD_AS_LABELLED, ONWARD_NONE

from . import phrases
from .bundle import Bundle
from .findings import LEVELS, Finding, finding
from .language import Guideline, Language
from .reach import identity, reach, unreleased
from .regions import ALONE, Feature, rivals, terms, way_of
from .space import AXES, ORIGINATOR, Box, Budget, Region, without
from .survey import ALL_STEPS, STEPS, Answer, Search, Survey
from .witness import matching

EXPIRES_DAYS: Final = 30
_UNLESS_GRANTED: Final[dict[Language, str]] = {
    "es": ", salvo que el originador lo conceda",
    "en": ", unless the originator grants it",
}


def analyse(bundle: Bundle, on: date, steps: int = STEPS, all_steps: int = ALL_STEPS) -> tuple[Finding, ...]:
    """All findings, gravest first. `on`: the day that is looked at. `steps`: how far one question may be searched."""
    survey = Survey(bundle, on, steps, all_steps)
    found = [
        *_validity(bundle, on),
        *(each for guideline in survey.in_force() for each in _guideline(survey, guideline)),
        *_contradictions(survey),
        *_onward(survey),
        *reach(survey),
        *unreleased(survey),
        *identity(survey),
    ]
    return tuple(sorted(found, key=lambda each: (LEVELS.index(each.level), each.code, each.guidelines, each.about)))


def _validity(bundle: Bundle, on: date) -> Iterator[Finding]:
    for guideline in bundle.guidelines:
        begins, ends = guideline.valid.from_, guideline.valid.until
        if ends and ends < on:
            yield finding("expired", [guideline.id], detail=ends.isoformat())
        elif begins and begins > on:
            yield finding("not-yet", [guideline.id], detail=begins.isoformat())
        elif ends and (ends - on).days <= EXPIRES_DAYS:
            yield finding("expires", [guideline.id], detail=ends.isoformat())


# --- one guideline


def _guideline(survey: Survey, guideline: Guideline) -> Iterator[Finding]:
    never = _never_matches(survey, guideline)
    if never:
        yield never
    elif guideline.effect == "permit":
        yield from _permit(survey, guideline)
    else:
        yield from _bar(survey, guideline)


def _never_matches(survey: Survey, guideline: Guideline) -> Finding | None:
    """Suspension passes, so it is not counted here."""
    for agency in sorted(survey.side.recipients(guideline)):
        party = survey.bundle.agency(agency)
        assert party is not None
        for box in survey.side.eligible(party):
            if survey.everything.within((*survey.side.boxes[guideline.id], *box)) is not None:
                return None
    nearest, failed = _nearest(survey, guideline)
    why = _why_never(survey, guideline, failed)
    case = survey.shown_by(nearest, survey.side.categories(guideline))
    return finding("never-matches", [guideline.id], detail=why, case=case)


def _nearest(survey: Survey, guideline: Guideline) -> tuple[Region, list[str]]:
    """The alerts that meet as many of the conditions as can be met together, and the attributes of the others."""
    boxes: list[Box] = [survey.side.boxes[guideline.id]]
    for agency in sorted(survey.side.recipients(guideline))[:1]:
        party = survey.bundle.agency(agency)
        assert party is not None
        boxes.append(survey.side.eligible(party)[-1 if "releasable_to" in guideline.when else 0])
    region, failed = survey.everything, []
    for condition in (condition for box in boxes for condition in box):
        met = region.meet(condition)
        if met is None:
            failed.append(AXES[condition.axis])
        region = met or region
    return region, failed


def _why_never(survey: Survey, guideline: Guideline, failed: list[str]) -> dict[Language, str]:
    if not survey.side.recipients(guideline):
        return {"es": "no se dirige a nadie", "en": "it is addressed to nobody"}
    if not survey.bundle.originators_of(guideline):
        return {"es": "nadie puede originar lo que describe", "en": "nobody is named by its `from`"}
    alone = survey.everything.within(survey.side.boxes[guideline.id]) is None
    es = " y ".join(_attribute(each, "es") for each in dict.fromkeys(failed))
    en = " and ".join(_attribute(each, "en") for each in dict.fromkeys(failed))
    if alone:
        return {
            "es": f"ningún valor cumple lo que exige de {es}",
            "en": f"no value meets what it wants of {en}",
        }
    return {
        "es": f"lo que exige deja fuera a todos sus destinatarios, por {es}",
        "en": f"what it wants keeps out every recipient that it names, by {en}",
    }


def _attribute(name: str, language: Language) -> str:
    if name == ORIGINATOR:
        return {"es": "quien la origina", "en": "who sends it"}[language]
    return phrases.ATTRIBUTE[name][language]


def _permit(survey: Survey, permit: Guideline) -> Iterator[Finding]:
    answer = survey.given(permit)
    if answer.region is None:
        yield from _overridden(survey, permit, answer)
        return
    survey.decide(survey.example(answer.region, survey.side.categories(permit)))
    withheld = [
        category for category in sorted(survey.side.categories(permit)) if not _released(survey, permit, category)
    ]
    if withheld:
        yield from _withheld(survey, permit, withheld, answer.region)
    yield from _implied(survey, permit, answer.region)


def _overridden(survey: Survey, permit: Guideline, answer: Answer) -> Iterator[Finding]:
    for agency in sorted(survey.side.recipients(permit)):
        for box in survey.side.candidate(agency):
            region = survey.everything.within((*survey.side.boxes[permit.id], *box))
            if region is not None:
                fields = survey.example(region, survey.side.categories(permit))
                outcome = survey.decide(fields).of(agency)
                assert outcome is not None
                ids = [permit.id, *outcome.guidelines]
                yield finding("always-forbidden", ids, [agency], sampled=answer.sampled, case=survey.case(fields))
                return


def _released(survey: Survey, permit: Guideline, category: str) -> bool:
    agencies = survey.side.recipients(permit)
    if any((permit.id, agency, category) in survey.shown for agency in agencies):
        return True
    answer = survey.given(permit, Feature("category", category))
    if answer.region is None:
        return answer.sampled is not None  # when in doubt, nothing is said
    survey.decide(survey.example(answer.region, survey.side.categories(permit)))
    return True


def _withheld(survey: Survey, permit: Guideline, categories: list[str], region: Region) -> Iterator[Finding]:
    fields = survey.example(region, survey.side.categories(permit))
    outcomes = [each for each in survey.decide(fields).permitted if permit.id in each.guidelines]
    takers = [
        each
        for each in survey.in_force("withhold")
        if any(each.id in outcome.guidelines for outcome in outcomes)
        and survey.side.categories(each).intersection(categories)
    ]
    lifted = "" if all(each.safeguard for each in takers) else _UNLESS_GRANTED
    ids = [permit.id, *(each.id for each in takers)]
    yield finding("always-withheld", ids, categories, lifted, case=survey.case(fields))


def _implied(survey: Survey, permit: Guideline, region: Region) -> Iterator[Finding]:
    answer = _needed(survey, permit)
    if answer.region is not None:
        return
    fields = survey.example(region, survey.side.categories(permit))
    outcomes = [each for each in survey.decide(fields).permitted if permit.id in each.guidelines]
    others = sorted({each for outcome in outcomes for each in outcome.guidelines if each != permit.id})
    yield finding(
        "implied",
        [permit.id, *others],
        detail=_by(others),
        sampled=answer.sampled,
        case=survey.case(fields),
    )


def _by(others: list[str]) -> dict[Language, str]:
    names = ", ".join(others)
    return {"es": f" ({names}, en el ejemplo)" if names else "", "en": f" ({names}, in the example)" if names else ""}


def _needed(survey: Survey, permit: Guideline) -> Answer:
    """Where a decision would be another one without this permit, be it with a grant of the originator."""

    def others(agency: str, feature: Feature) -> list[Box]:
        return survey.side.boxes_of(each for each in survey.side.providers(agency, feature) if each.id != permit.id)

    def where(agency: str, feature: Feature, also: list[Box], start: Region = survey.everything) -> Search:
        return lambda budget: survey.side.given(start, agency, permit, feature, budget, also)

    def searches() -> Iterator[Search]:
        recipients = sorted(survey.side.recipients(permit))
        features = [
            ALONE,
            *(Feature("category", each, granted=True) for each in sorted(survey.side.categories(permit))),
        ]
        for feature in [*features, *(each for each in terms(permit) if each.kind != "onward")]:
            for agency in recipients:
                yield where(agency, feature, others(agency, feature))
        if way_of(permit) != ONWARD_AS_LABELLED:
            for agency in recipients:
                for start, also in _ways(survey, permit, agency):
                    yield where(agency, ALONE, also, start)

    return survey.ask(searches())


def _ways(survey: Survey, permit: Guideline, agency: str) -> Iterator[tuple[Region, list[Box]]]:
    """Where, and outside of which boxes, the permit's own way of passing on makes the whole another one."""
    others = [each for each in survey.side.addressed(agency, "permit") if each.id != permit.id]
    for case in rivals(survey.space, way_of(permit), map(way_of, others)):
        start = survey.everything.within(case.start)
        if start is not None:
            strict = [each for each in others if way_of(each) not in case.others]
            yield start, [*survey.side.boxes_of(strict), *case.without]


def _bar(survey: Survey, bar: Guideline) -> Iterator[Finding]:
    """A withhold or a forbid."""
    what = {"withhold": "nothing-to-withhold", "forbid": "nothing-to-forbid"}[bar.effect]
    answer = _adds(survey, bar)
    region = answer.region or _anywhere(survey, bar)
    if region is None:
        return  # all its recipients are suspended
    if answer.region is None:
        others = _also_barring(survey, bar, region)
        case = survey.shown_by(region, survey.side.categories(bar))
        yield finding("implied-bar", [bar.id, *others], detail=_by(others), sampled=answer.sampled, case=case)
        return
    hit = _takes(survey, bar)
    if hit.region is None:
        yield finding(what, [bar.id], sampled=hit.sampled, case=survey.shown_by(region, survey.side.categories(bar)))


def _anywhere(survey: Survey, guideline: Guideline) -> Region | None:
    for agency in sorted(survey.side.recipients(guideline)):
        for box in survey.side.candidate(agency):
            region = survey.everything.within((*survey.side.boxes[guideline.id], *box))
            if region is not None:
                return region
    return None


def _adds(survey: Survey, bar: Guideline) -> Answer:
    """Where it bars something that no other guideline bars."""

    def search(agency: str, others: list[Box]) -> Search:
        def found(budget: Budget) -> Iterator[Region]:
            for box in survey.side.candidate(agency):
                region = survey.everything.within((*survey.side.boxes[bar.id], *box))
                if region is not None:
                    yield from without(region, others, budget)

        return found

    def searches() -> Iterator[Search]:
        for agency in sorted(survey.side.recipients(bar)):
            others = [
                each
                for each in survey.side.addressed(agency, bar.effect)
                if each.id != bar.id and (each.safeguard or not bar.safeguard or bar.effect == "forbid")
            ]
            for category in sorted(survey.side.categories(bar)) or [""]:
                same = [each for each in others if not category or category in survey.side.categories(each)]
                yield search(agency, survey.side.boxes_of(same))

    return survey.ask(searches())


def _also_barring(survey: Survey, bar: Guideline, region: Region) -> list[str]:
    """The other guidelines that bar, in the example, something that this one bars."""
    matched = matching(survey.bundle, survey.example(region), survey.on)
    others = [each for each in survey.in_force(bar.effect) if each.id in matched and each.id != bar.id]
    recipients, taken = survey.side.recipients(bar), survey.side.categories(bar)
    return [
        each.id
        for each in others
        if survey.side.recipients(each) & recipients and (not taken or survey.side.categories(each) & taken)
    ]


def _takes(survey: Survey, bar: Guideline) -> Answer:
    """Where it takes away something that a permit gives and nothing forbids."""

    def search(agency: str, permit: Guideline, forbids: list[Box]) -> Search:
        def found(budget: Budget) -> Iterator[Region]:
            for box in survey.side.candidate(agency):
                both = (*survey.side.boxes[bar.id], *survey.side.boxes[permit.id], *box)
                region = survey.everything.within(both)
                if region is not None:
                    yield from without(region, forbids, budget)

        return found

    def searches() -> Iterator[Search]:
        for agency in sorted(survey.side.recipients(bar)):
            forbids = [] if bar.effect == "forbid" else survey.side.boxes_of(survey.side.addressed(agency, "forbid"))
            for permit in survey.side.addressed(agency, "permit"):
                if bar.effect == "forbid" or survey.side.categories(bar) & survey.side.categories(permit):
                    yield search(agency, permit, forbids)

    return survey.ask(searches())


# --- two guidelines


def _contradictions(survey: Survey) -> Iterator[Finding]:
    """A permit and a forbid that is no safeguard, of which neither lies within the other."""
    side = survey.side
    for forbid in survey.in_force("forbid"):
        if forbid.safeguard:
            continue
        for permit in survey.in_force("permit"):
            agencies, example = [], None
            for agency in sorted(side.recipients(forbid) & side.recipients(permit)):
                region = _crossing(survey, agency, permit, forbid)
                if region is not None:
                    agencies.append(agency)
                    example = example or region
            if example is not None:
                case = survey.shown_by(example, survey.side.categories(permit))
                yield finding("contradiction", [permit.id, forbid.id], agencies, case=case)


def _crossing(survey: Survey, agency: str, permit: Guideline, forbid: Guideline) -> Region | None:
    permitted, forbidden = survey.side.boxes[permit.id], survey.side.boxes[forbid.id]
    found, permit_alone, forbid_alone = None, False, False
    for box in survey.side.candidate(agency):
        one, other = survey.everything.within((*permitted, *box)), survey.everything.within((*forbidden, *box))
        permit_alone = permit_alone or (one is not None and one.open(forbidden) != [])
        forbid_alone = forbid_alone or (other is not None and other.open(permitted) != [])
        found = found or (one.within(forbidden) if one else None)
    return found if permit_alone and forbid_alone else None


def _onward(survey: Survey) -> Iterator[Finding]:
    """Two permits that say differently how the same agency may pass the same alert on."""
    saying: dict[str, list[Guideline]] = defaultdict(list)
    for permit in survey.in_force("permit"):
        if way_of(permit) not in (ONWARD_NONE, ONWARD_AS_LABELLED):
            for agency in survey.side.recipients(permit):
                saying[agency].append(permit)
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    examples: dict[tuple[str, str], tuple[Region, str]] = {}
    for agency, permits in sorted(saying.items()):
        for one, other in combinations(permits, 2):
            region = _together(survey, agency, one, other) if way_of(one) != way_of(other) else None
            if region is not None:
                found[one.id, other.id].append(agency)
                examples.setdefault((one.id, other.id), (region, f"{way_of(one)}, {way_of(other)}"))
    for pair, agencies in found.items():
        region, ways = examples[pair]
        yield finding("onward-conflict", pair, agencies, ways, case=survey.shown_by(region, ()))


def _together(survey: Survey, agency: str, one: Guideline, other: Guideline) -> Region | None:
    """Where both permit, nothing forbids, and neither a permit nor the alert itself narrows it already."""
    start = survey.everything.within(survey.side.boxes[other.id])
    if start is None:
        return None
    nobody = [each for each in survey.side.addressed(agency, "permit") if way_of(each) == ONWARD_NONE]
    narrow: list[Box] = [(survey.space.inside("tlp", ["RED"]),), (survey.space.hits("handling", ["H2"]),)]
    also = [*survey.side.boxes_of(nobody), *narrow]
    return survey.given(one, ALONE, [agency], start, lambda _: also).region
