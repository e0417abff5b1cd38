"""What holds for every bundle and every alert."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hub.guidelines.bundle import Bundle
from hub.guidelines.decide import decide
from hub.guidelines.language import Guideline
from hub.guidelines.outcome import Decision, UnknownValue
from tests.guidelines.strategies import AGENCIES, CATEGORIES, UNKNOWN, bundle_of, cases, guidelines
from tests.reference import naive
from tests.reference.case import Case

some = settings(max_examples=20, database=None, suppress_health_check=list(HealthCheck))
Received = set[tuple[str, str]]  # (agency, category), the core being a category


def received(decision: Decision) -> Received:
    return {(outcome.agency, category) for outcome in decision.permitted for category in ("core", *outcome.released)}


def decided(case: Case, bundle: Bundle | None = None, **changes: Any) -> Decision:
    fields = {"routing": case.routing, "core": case.core, "grants": case.grants, **changes}
    try:
        return decide(
            fields["routing"], fields["core"], case.categories, bundle or case.bundle, case.now_ms, fields["grants"]
        )
    except UnknownValue:
        assume(False)
        raise


def with_guideline(bundle: Bundle, added: Guideline, effect: str, **changes: Any) -> Bundle:
    fields = {"release": None, "withhold": None, "ground": None, "obligations": None, "safeguard": False, **changes}
    return bundle_of(bundle.agencies, (*bundle.guidelines, added.model_copy(update={"effect": effect, **fields})))


@some
@given(cases(), guidelines(99))
def test_adding_a_forbid_never_adds_a_recipient_or_a_category(case: Case, added: Guideline) -> None:
    assert received(decided(case, with_guideline(case.bundle, added, "forbid"))) <= received(decided(case))


@some
@given(cases(), guidelines(99))
def test_adding_a_permit_never_removes_a_recipient_or_a_category(case: Case, added: Guideline) -> None:
    assume(added.effect == "permit")
    more = bundle_of(case.bundle.agencies, (*case.bundle.guidelines, added))
    assert received(decided(case, more)) >= received(decided(case))


@some
@given(cases(), guidelines(99))
def test_adding_a_withhold_neither_adds_anything_nor_shuts_anybody_out(case: Case, added: Guideline) -> None:
    assume(added.effect == "withhold")
    before = received(decided(case))
    after = received(decided(case, bundle_of(case.bundle.agencies, (*case.bundle.guidelines, added))))
    assert after <= before
    assert {agency for agency, _ in after} == {agency for agency, _ in before}


@some
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_guidelines_and_their_names_never_matter(case: Case, chance: random.Random) -> None:
    shuffled = list(case.bundle.guidelines)
    chance.shuffle(shuffled)
    assert bundle_of(case.bundle.agencies, tuple(shuffled)).digest == case.bundle.digest
    names = [each.id for each in case.bundle.guidelines]
    renamed = tuple(each.model_copy(update={"id": name}) for each, name in zip(shuffled, names, strict=True))
    after, before = decided(case, bundle_of(case.bundle.agencies, renamed)), decided(case)
    assert [each._replace(guidelines=()) for each in after.outcomes] == [
        each._replace(guidelines=()) for each in before.outcomes
    ]


@some
@given(cases())
def test_neither_the_originator_nor_a_suspended_agency_receives(case: Case) -> None:
    suspended = {agency.id for agency in case.bundle.agencies if agency.status == "suspended"}
    receivers = {outcome.agency for outcome in decided(case).permitted}
    assert not receivers & {case.core.originator, *suspended}


@some
@given(cases())
def test_no_release_exceeds_what_the_matching_permits_list(case: Case) -> None:
    values = naive.attributes(case.routing)
    for outcome in decided(case).permitted:
        agency = case.bundle.agency(outcome.agency)
        assert agency is not None
        listed = {
            category
            for each in case.bundle.guidelines
            if each.effect == "permit" and naive.matches(each, agency, values, case.core, case.bundle, case.now_ms)
            for category in naive.listed(each.release, case.bundle)
        }
        assert set(outcome.released) <= listed | {"handling"}


@some
@given(cases(), guidelines(99))
def test_a_safeguard_wins_over_everything_a_grant_included(case: Case, added: Guideline) -> None:
    assume(added.effect == "withhold")
    guarded = with_guideline(case.bundle, added, "withhold", withhold=added.withhold, safeguard=True)
    everything = {agency: frozenset(CATEGORIES) for agency in AGENCIES}
    values = naive.attributes(case.routing)
    for outcome in decided(case, guarded, grants=everything).permitted:
        agency = case.bundle.agency(outcome.agency)
        assert agency is not None
        if naive.matches(added, agency, values, case.core, case.bundle, case.now_ms):
            assert not set(outcome.released) & naive.listed(added.withhold, case.bundle)


@some
@given(cases())
def test_a_grant_never_adds_a_recipient_and_never_removes_a_category(case: Case) -> None:
    with_grants, without = received(decided(case)), received(decided(case, grants={}))
    assert with_grants >= without
    assert {agency for agency, _ in with_grants} == {agency for agency, _ in without}


@some
@given(cases(), st.sampled_from(sorted(UNKNOWN)))
def test_an_unknown_value_never_leads_to_a_release(case: Case, attribute: str) -> None:
    routing = case.routing.model_copy(update={attribute: UNKNOWN[attribute]})
    try:
        decide(routing, case.core, case.categories, case.bundle, case.now_ms, case.grants)
    except UnknownValue:
        return
    raise AssertionError("decided in spite of an unknown value")


@some
@given(cases())
def test_an_unknown_age_decides_as_a_minors(case: Case) -> None:
    unknown, minor = (
        decided(case, routing=case.routing.model_copy(update={"minor": age})) for age in ("unknown", "yes")
    )
    assert unknown == minor


@some
@given(cases(), st.sampled_from(AGENCIES))
def test_excluding_an_agency_takes_it_out_and_changes_nobody_else(case: Case, agency: str) -> None:
    """For every agency but the excluded, unless a guideline itself tests who is excluded."""
    assume(not any("not_releasable_to" in each.when for each in case.bundle.guidelines))
    excluded = tuple({*case.routing.not_releasable_to, agency})
    after = decided(case, routing=case.routing.model_copy(update={"not_releasable_to": excluded}))
    assert {each for each in received(decided(case)) if each[0] != agency} == received(after)


@some
@given(cases())
def test_a_bundle_read_back_decides_alike(case: Case) -> None:
    again = Bundle.from_json(case.bundle.to_json())
    assert again == case.bundle
    assert decided(case, again) == decided(case)
