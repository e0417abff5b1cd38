"""Obligations merge to the strictest, whatever their order (DESIGN.md, "Guidelines: semantics", rule 8)."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.model.obligation import Obligation, merge, narrowest

counts = st.none() | st.integers(1, 400)
obligations = st.builds(
    Obligation,
    acknowledge_hours=counts,
    keep_days=counts,
    keep_events=st.lists(st.sampled_from(("case-closed", "found")), unique=True).map(tuple),
    review_days=counts,
    onward=st.sampled_from(("none", "ask", "as-labelled", "channel-a", "channel-b")),
    caveats=st.lists(st.sampled_from(("C1", "C2")), unique=True).map(tuple),
)


@pytest.mark.parametrize(
    ("onward", "expected"),
    [
        ([], "as-labelled"),
        (["as-labelled", "channel-a"], "channel-a"),
        (["channel-a", "channel-a"], "channel-a"),
        (["channel-a", "channel-b"], "none"),
        (["ask", "channel-a"], "none"),
        (["ask", "as-labelled", "ask"], "ask"),
        (["ask", "channel-a", "channel-b"], "none"),
        (["ask", "none"], "none"),
    ],
)
def test_two_ways_of_onward_sharing_that_differ_leave_none(onward: list[str], expected: str) -> None:
    assert narrowest(onward) == expected
    assert narrowest(reversed(onward)) == expected


@given(st.lists(obligations, max_size=4))
@example([Obligation(onward=each) for each in ("channel-a", "ask", "channel-b")])
def test_merging_is_one_whatever_the_order_and_the_grouping(some: list[Obligation]) -> None:
    whole = merge(some)
    assert merge([*reversed(some)]) == whole
    for at in range(len(some)):
        assert merge([merge(some[:at]), merge(some[at:])]) == whole
    assert merge([whole, whole]) == whole


@given(obligations, obligations)
def test_nothing_becomes_laxer_by_merging(one: Obligation, other: Obligation) -> None:
    merged = merge([one, other])
    for term in ("acknowledge_hours", "keep_days", "review_days"):
        values = [value for each in (one, other) if (value := getattr(each, term)) is not None]
        assert getattr(merged, term) == min(values, default=None)
    assert set(merged.keep_events) == {*one.keep_events, *other.keep_events}
    assert set(merged.caveats) == {*one.caveats, *other.caveats}


def test_circulation_is_among_those_that_every_list_names() -> None:
    lists = (("a", "b"), ("b", "c"), ())
    assert merge([Obligation(onward_to=each) for each in lists]).onward_to == ("b",)
