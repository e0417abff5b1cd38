"""Which decisions differ between two bundles: none is missed, none is invented."""

from __future__ import annotations

import os
from datetime import date
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hub.guidelines.bundle import Bundle
from hub.guidelines.changes import diff
from hub.guidelines.diff import Differing, Pair
from hub.guidelines.outcome import Outcome, UnknownValue
from hub.guidelines.regions import Feature
from hub.guidelines.witness import day_of, fields_of
from hub.model.core import Core, Routing
from tests.guidelines.points import decided_naively, lies_in
from tests.guidelines.strategies import AGENCIES, DAYS, alerts, bundle_of, bundles, guidelines
from tests.reference import naive

FROM = date.fromisoformat(DAYS[0])
MANY = settings(
    max_examples=int(os.environ.get("DIFF_EXAMPLES", "20")),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Bundle, Bundle]:
    """A bundle, and the same with some guidelines and agencies put in place of others."""
    old = draw(bundles(7))
    kept = [each for each in old.guidelines if draw(st.integers(0, 3))]
    fresh = [draw(guidelines(number)) for number in range(90, 90 + draw(st.integers(0, 2)))]
    altered = []
    for each in kept:
        if draw(st.integers(0, 4)) == 0:
            number = int(each.id[1:])
            altered.append(draw(guidelines(number)))
        else:
            altered.append(each)
    agencies = draw(bundles(0)).agencies if draw(st.integers(0, 3)) == 0 else old.agencies
    return old, bundle_of(agencies, (*altered, *fresh))


def outcome(bundle: Bundle, alert: Any, agency: str) -> Outcome | None:
    routing, core, categories, now_ms, grants = alert
    try:
        return naive.decide(routing, core, categories, bundle, now_ms, grants).of(agency)
    except UnknownValue:
        return None


def features(found: Outcome | None) -> set[tuple[str, Any]]:
    if found is None or found.reason != "permitted":
        return set()
    return {("core", ""), *(("category", each) for each in found.released if each != "handling")}


@MANY
@given(pairs(), st.lists(alerts(), min_size=4, max_size=4))
def test_every_difference_of_a_sampled_alert_lies_in_a_region_found(
    pair: tuple[Bundle, Bundle], sampled: list[Any]
) -> None:
    old, new = pair
    compared = Pair(old, new, FROM)
    found = list(compared.differing())
    assert not compared.budget.spent
    for routing, core, categories, now_ms, grants in sampled:
        if core.valid_until_ms <= now_ms or now_ms // 86_400_000 + 719_163 < FROM.toordinal():
            continue
        present = tuple(each for each in categories if each != "tomorrow")
        alert = (routing, core, present, now_ms, grants)
        for agency in AGENCIES:
            before, after = outcome(old, alert, agency), outcome(new, alert, agency)
            here = _here(compared, found, agency, routing, core, now_ms)
            granted = grants.get(agency, frozenset())
            for kind, value in features(before) ^ features(after):
                gained = (kind, value) in features(after)
                wanted = Feature(kind, value, granted=value in granted)
                plain = Feature(kind, value)
                assert any(each.gained is gained and each.feature in (wanted, plain) for each in here), (agency, wanted)
            if before and after and before.obligation and after.obligation and before.obligation != after.obligation:
                assert any(each.feature.kind not in ("core", "category") for each in here), (agency, before, after)


def _here(
    pair: Pair, found: list[Differing], agency: str, routing: Routing, core: Core, now_ms: int
) -> list[Differing]:
    try:
        return [
            each for each in found if each.agency == agency and lies_in(pair.space, each.region, routing, core, now_ms)
        ]
    except KeyError:
        return []


@MANY
@given(pairs())
def test_every_region_found_has_an_alert_on_which_the_bundles_differ(pair: tuple[Bundle, Bundle]) -> None:
    old, new = pair
    compared = Pair(old, new, FROM)
    found = list(compared.differing())
    for each in found[:: len(found) // 25 + 1]:
        categories = [str(each.feature.value)] if each.feature.kind == "category" else []
        case: dict[str, Any] = {
            "id": "x",
            "title": {"es": "-", "en": "-"},
            "because": {"es": "-", "en": "-"},
            "alert": fields_of(compared.space, each.region, categories),
            "on": day_of(each.region).isoformat(),
            "grants": {each.agency: categories} if each.feature.granted else {},
            "receives": {},
        }
        before, after = (decided_naively(bundle, case).of(each.agency) for bundle in pair)
        assert before is not None
        assert after is not None
        if each.feature.kind in ("core", "category"):
            wanted = (each.feature.kind, each.feature.value)
            assert (wanted in features(before), wanted in features(after)) == (not each.gained, each.gained)
        else:
            assert before.reason == after.reason == "permitted"
            assert before.obligation != after.obligation


@settings(MANY, max_examples=12)
@given(pairs())
def test_what_is_told_holds_of_its_examples(pair: tuple[Bundle, Bundle]) -> None:
    old, new = pair
    told = diff(old, new, FROM)
    assert told.sampled is None
    for change in told.changes[:: len(told.changes) // 15 + 1]:
        before, after = (decided_naively(bundle, change.case).of(change.agency) for bundle in pair)
        assert before is not None
        assert after is not None
        assert (before.reason, before.released) == (change.before.reason, change.before.released)
        assert (after.reason, after.released) == (change.after.reason, change.after.released)
        gained, lost = features(after) - features(before), features(before) - features(after)
        categories = {("category", each) for each in change.categories}
        if change.kind in ("receives", "also-receives"):
            assert categories <= gained
            assert change.kind != "receives" or ("core", "") in gained
        elif change.kind == "obligation":
            assert before.obligation != after.obligation
        else:
            assert categories <= lost
            assert change.kind != "no-longer-receives" or ("core", "") in lost


@settings(MANY, max_examples=10)
@given(bundles(7))
def test_a_bundle_does_not_differ_from_itself(bundle: Bundle) -> None:
    told = diff(bundle, Bundle.from_json(bundle.to_json()), FROM)
    assert told.changes == ()
    assert told.edits == ()
