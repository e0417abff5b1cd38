"""Who is reached by what: classes and originators that reach nobody, agencies and categories that nothing reaches, and on
which ground a victim's identity leaves. What guidelines do to one another is analyse.py's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hub.model.codes import VICTIM_IDENTIFYING

from .check import CONSENTING
from .findings import Finding, finding
from .language import HANDLING, Guideline, Language
from .regions import ALONE, Feature
from .space import ORIGINATOR, Region
from .survey import Survey

_GROUND: Final[dict[str, dict[Language, str]]] = {
    "legal_duty": {"es": "un deber legal", "en": "a legal duty"},
    "vital_interest": {"es": "un interés vital", "en": "a vital interest"},
    "best_interests": {"es": "el interés superior del niño", "en": "a child's best interests"},
    "consent": {"es": "el consentimiento de otra persona", "en": "another's consent"},
}


# --- who and what


def reach(survey: Survey) -> Iterator[Finding]:
    """Classes and originators that reach nobody, agencies that nothing reaches; exercises do not count."""
    space = survey.space
    for code in space.codes["class"]:
        region = survey.in_earnest.meet(space.inside("class", [code]))
        assert region is not None
        yield from _reaches_nobody(survey, region, "class-reaches-nobody", code, "class")
    for agency in survey.bundle.agencies:
        region = survey.in_earnest.meet(space.inside(ORIGINATOR, [agency.id]))
        assert region is not None
        yield from _reaches_nobody(survey, region, "agency-reaches-nobody", agency.id, ORIGINATOR)
        yield from _never_receives(survey, agency.id, agency.status == "suspended")


def _reaches_nobody(survey: Survey, region: Region, code: str, about: str, field: str) -> Iterator[Finding]:
    if any(decision.permitted and fields[field] == about for fields, decision in survey.earnest):
        return
    sampled = None
    for permit in survey.in_force("permit"):
        answer = survey.given(permit, region=region)
        if answer.region is not None:
            survey.decide(survey.example(answer.region))
            return
        sampled = answer.sampled or sampled
    yield finding(code, about=[about], sampled=sampled, case=survey.shown_by(region, ()))


def _never_receives(survey: Survey, agency: str, suspended: bool) -> Iterator[Finding]:
    if any(each.agency == agency for _, decision in survey.earnest for each in decision.permitted):
        return
    sampled = None
    for permit in survey.side.addressed(agency, "permit"):
        answer = survey.given(permit, ALONE, [agency], survey.in_earnest)
        if answer.region is not None:
            survey.decide(survey.example(answer.region))
            return
        sampled = answer.sampled or sampled
    why: dict[Language, str] = {
        "es": ": su participación está suspendida" if suspended else "",
        "en": ": its part in the exchange is suspended" if suspended else "",
    }
    case = survey.shown_by(_meant_for(survey, agency), ())
    yield finding(
        "agency-never-receives",
        about=[agency],
        detail=why,
        level="note" if suspended else None,
        sampled=sampled,
        case=case,
    )


def _meant_for(survey: Survey, agency: str) -> Region:
    """Alerts that an agency might expect: for one of its purposes, and if possible under one of its permits."""
    party = survey.bundle.agency(agency)
    assert party is not None
    boxes = [*survey.side.boxes_of(survey.side.addressed(agency, "permit"))[:1], survey.side.eligible(party)[0]]
    region = survey.in_earnest
    for condition in (condition for box in boxes for condition in box):
        region = region.meet(condition) or region
    return region


def unreleased(survey: Survey) -> Iterator[Finding]:
    """Categories that no permit, or one alone, releases to anybody; exercises do not count."""
    for category in survey.bundle.vocabularies["category"]:
        if category == HANDLING:
            continue
        givers, examples, sampled = [], [], None
        for permit in survey.in_force("permit"):
            if category not in survey.side.categories(permit):
                continue
            answer = survey.given(permit, Feature("category", category), region=survey.in_earnest)
            sampled = answer.sampled or sampled
            if answer.region is not None:
                givers.append(permit.id)
                examples.append(answer.region)
        if len(givers) == 1 and sampled is None:
            yield finding("category-by-one", givers, [category], case=survey.shown_by(examples[0], [category]))
        elif not givers:
            region = _would_carry(survey, category)
            yield finding(
                "category-to-nobody", about=[category], sampled=sampled, case=survey.shown_by(region, [category])
            )


def _would_carry(survey: Survey, category: str) -> Region:
    """Alerts that reach somebody, so that it is seen that this category does not."""
    for permit in survey.in_force("permit"):
        answer = survey.given(permit, region=survey.in_earnest)
        if answer.region is not None:
            return answer.region
    return survey.in_earnest


# --- victims


def identity(survey: Survey) -> Iterator[Finding]:
    """What identifies a victim, and on which ground it leaves (DESIGN.md, rule 7)."""
    space = survey.space
    refused = survey.everything.meet(space.outside("consent", CONSENTING))
    unasked = survey.everything.within(
        [space.inside("consent", ["not-applicable"]), *space.test("victims", {"min": 1})]
    )
    child = survey.everything.meet(space.inside("minor", ["yes"]))
    assert refused is not None
    for permit in survey.in_force("permit"):
        named = sorted(survey.side.categories(permit) & VICTIM_IDENTIFYING)
        if not named or survey.everything.within(survey.side.boxes[permit.id]) is None:
            continue
        if refused.within(survey.side.boxes[permit.id]) is not None:
            ground = _GROUND[permit.ground or "consent"]
            yield from _names(survey, permit, named, refused, "identity-without-consent", ground)
            continue
        for region, code in ((unasked, "consent-not-applicable"), (child, "consent-of-a-child")):
            if region is not None:
                yield from _names(survey, permit, named, region, code, "")


def _names(
    survey: Survey, permit: Guideline, named: list[str], region: Region, code: str, detail: dict[Language, str] | str
) -> Iterator[Finding]:
    released, example = [], None
    for category in named:
        answer = survey.given(permit, Feature("category", category), region=region)
        if answer.region is not None:
            released.append(category)
            example = example or answer.region
    if example is not None:
        yield finding(code, [permit.id], released, detail, case=survey.shown_by(example, released))
