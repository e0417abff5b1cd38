"""Cedar, a second and foreign oracle, agrees on who is permitted. `make test-long` compares more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.guidelines.bundle import Bundle
from hub.guidelines.outcome import UnknownValue
from tests.guidelines.samples import alert, bundle, permit
from tests.guidelines.strategies import NOW_MS, alerts, bundles
from tests.reference import cedar
from tests.reference.case import Case
from tests.reference.evaluators import by_values


def agree(case: Case) -> int:
    """Compares the candidates of one case; returns how many there were."""
    try:
        decision = by_values(case)
    except UnknownValue:
        return 0
    candidates = {
        outcome.agency: outcome.reason == "permitted"
        for outcome in decision.outcomes
        if outcome.reason in ("permitted", "forbidden", "no-permit")
    }
    if candidates:
        assert cedar.permitted(case, candidates) == candidates
    return len(candidates)


def compare(examples: int) -> int:
    compared = 0

    @settings(max_examples=examples, database=None, suppress_health_check=list(HealthCheck))
    @given(bundles(), st.lists(alerts(), min_size=10, max_size=10))
    def run(some_bundle: Bundle, some_alerts: list[Any]) -> None:
        nonlocal compared
        compared += sum(agree(Case(some_bundle, *each)) for each in some_alerts)

    run()
    return compared


@pytest.mark.long
def test_cedar_agrees_on_who_is_permitted() -> None:
    assert compare(250) > 3_000


def test_cedar_agrees_on_a_few() -> None:
    assert compare(5) > 0


def test_a_policy_that_errs_fails_the_comparison() -> None:
    routing, core = alert()
    case = Case(bundle(permit()), routing, core, (), NOW_MS)
    broken = cedar.policies(case.bundle).replace("true", "context.nothing == 1", 1)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(cedar.CedarErred):
        patch.setattr(cedar, "policies", lambda _: broken)
        cedar.permitted(case, ["prosecutor"])
