"""What is found in generated bundles holds of generated alerts, by the naive reading."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hub.guidelines.analyse import analyse
from hub.guidelines.bundle import Bundle
from hub.guidelines.findings import Finding
from hub.guidelines.outcome import Decision, UnknownValue
from hub.model.core import Core, Routing
from tests.guidelines.points import decided_naively
from tests.guidelines.strategies import NOW_MS, alerts, bundle_of, bundles
from tests.reference import naive

TODAY = datetime.fromtimestamp(NOW_MS / 1000, UTC).date()
SOME = settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],  # to explain would be slow
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def contradicts(bundle: Bundle, finding: Finding, routing: Routing, core: Core, found: Decision, present: Any) -> bool:
    """Whether this alert of today shows that the finding is wrong."""
    one = finding.guidelines[0] if finding.guidelines else ""
    about = set(finding.about)
    earnest = routing.label.exercise == "none"
    got = [each for each in found.permitted if one in each.guidelines]
    if finding.code == "never-matches":
        return matches_a_candidate(bundle, one, routing, core, found)
    if finding.code == "always-forbidden":
        return bool(got)
    if finding.code == "always-withheld":
        return any(about & set(each.released) for each in got)
    if finding.code in ("nothing-to-withhold", "nothing-to-forbid"):
        return any(one in each.guidelines for each in found.outcomes) and finding.code == "nothing-to-withhold"
    if finding.code == "class-reaches-nobody":
        return earnest and routing.label.class_ in about and bool(found.permitted)
    if finding.code == "agency-reaches-nobody":
        return earnest and core.originator in about and bool(found.permitted)
    if finding.code == "agency-never-receives":
        return earnest and any(each.agency in about for each in found.permitted)
    if finding.code == "category-to-nobody":
        return earnest and any(about & set(each.released) for each in found.permitted)
    return False


def matches_a_candidate(bundle: Bundle, guideline_id: str, routing: Routing, core: Core, found: Decision) -> bool:
    alert, guideline = naive.attributes(routing), bundle.guideline(guideline_id)
    assert guideline is not None
    candidates = {each.agency for each in found.outcomes if each.reason in ("forbidden", "no-permit", "permitted")}
    return any(
        agency.id in candidates and naive.matches(guideline, agency, alert, core, bundle, NOW_MS)
        for agency in bundle.agencies
    )


def without(bundle: Bundle, guideline_id: str) -> Bundle:
    return bundle_of(bundle.agencies, tuple(each for each in bundle.guidelines if each.id != guideline_id))


@SOME
@given(bundles(7), st.lists(alerts(), min_size=6, max_size=6))
def test_no_alert_shows_a_finding_to_be_wrong(bundle: Bundle, sampled: list[Any]) -> None:
    findings = analyse(bundle, TODAY)
    assert all(each.sampled is None for each in findings)
    for routing, sent, categories, _, grants in sampled:
        core = sent.model_copy(update={"valid_until_ms": NOW_MS + 1})
        try:
            decision = naive.decide(routing, core, categories, bundle, NOW_MS)
            lifted = naive.decide(routing, core, categories, bundle, NOW_MS, grants)
        except UnknownValue:
            continue
        for finding in findings:
            assert not contradicts(bundle, finding, routing, core, decision, categories), finding
            if finding.code in ("implied", "implied-bar"):
                less = naive.decide(routing, core, categories, without(bundle, finding.guidelines[0]), NOW_MS, grants)
                assert [each[:4] for each in less.outcomes] == [each[:4] for each in lifted.outcomes], finding


@SOME
@given(bundles(7))
def test_every_example_is_decided_by_the_naive_reading_as_it_says(bundle: Bundle) -> None:
    for finding in analyse(bundle, TODAY):
        if finding.case is not None:
            received = {each.agency: list(each.released) for each in decided_naively(bundle, finding.case).permitted}
            assert received == finding.case["receives"]


@SOME
@given(bundles(6), st.lists(alerts(), min_size=6, max_size=6))
def test_what_decides_a_sampled_alert_is_not_found_idle(bundle: Bundle, sampled: list[Any]) -> None:
    """A permit that changes a decision is never called implied, overridden or never matching."""
    idle = {
        each.guidelines[0]
        for each in analyse(bundle, TODAY)
        if each.code in ("never-matches", "always-forbidden", "implied")
    }
    for routing, sent, categories, _, grants in sampled:
        core = sent.model_copy(update={"valid_until_ms": NOW_MS + 1})
        for permit in (each for each in bundle.guidelines if each.effect == "permit"):
            try:
                whole = naive.decide(routing, core, categories, bundle, NOW_MS, grants)
                less = naive.decide(routing, core, categories, without(bundle, permit.id), NOW_MS, grants)
            except UnknownValue:
                continue
            if [each[:4] for each in whole.outcomes] != [each[:4] for each in less.outcomes]:
                assert permit.id not in idle
