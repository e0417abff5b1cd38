"""Which statistics are told, and that no release helps to take an earlier one apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.commission.cells import TOTAL, Counted, Where, counts_of, relations_of
from connectors.commission.periods import LEVELS, Period, month_of, period_of
from connectors.commission.releases import Choice, Held, Release, Terms, planned
from tests.connectors.commission.attackers import computed, sums_of_hidden

K = 11
COUNTRIES = ("CO", "VE")
NOW = month_of(date(2026, 11, 18))
SUMS = [(each.total, each.parts) for each in relations_of(COUNTRIES)]


def terms(level: Choice = "auto", k: int = K) -> Terms:
    return Terms(k, level, COUNTRIES)


def person(year: int, month: int = 5, **fields: str) -> Counted:
    made = Counted("victim-identified", year * 12 + month - 1, "forced-labour", "female", "21-23", "CO")
    return replace(made, **fields)  # type: ignore[arg-type]


def people(year: int, count: int, **fields: str) -> list[Counted]:
    """So many, over the months of a year."""
    return [person(year, number % 12 + 1, **fields) for number in range(count)]


def said(found: Sequence[Release | Held]) -> list[tuple[str, str]]:
    return [(each.period.code, each.why if isinstance(each, Held) else "told") for each in found]


def plan(
    persons: Sequence[Counted], before: Sequence[Release] = (), level: Choice = "auto", now: int = NOW
) -> list[Release | Held]:
    return list(planned(persons, before, terms(level), now))


def releases(found: Sequence[Release | Held]) -> list[Release]:
    return [each for each in found if isinstance(each, Release)]


# --- periods


@pytest.mark.parametrize(
    ("level", "code"), [("month", "2025-11"), ("quarter", "2025-36"), ("year", "2025"), ("three-years", "2025/2027")]
)
def test_a_period_has_the_code_of_its_standard(level: str, code: str) -> None:
    found = period_of(month_of(date(2025, 11, 3)), level)  # type: ignore[arg-type]
    assert (found.code, found.level) == (code, level)


def test_a_year_is_cut_into_its_quarters_and_months() -> None:
    year = period_of(month_of(date(2025, 1, 1)), "year")
    assert [each.code for each in year.cut("quarter")] == ["2025-33", "2025-34", "2025-35", "2025-36"]
    assert len(list(year.cut("month"))) == 12 and all(year.overlaps(each) for each in year.cut("month"))


# --- how long a period must be


def test_a_year_with_enough_cases_in_each_month_is_told_by_months() -> None:
    found = plan(people(2025, 12 * K))
    assert [each.period.level for each in releases(found)] == ["month"] * 12


def test_a_month_that_lacks_one_case_makes_the_whole_year_be_told_by_quarters() -> None:
    found = plan(people(2025, 12 * K - 1))
    assert [each.period.level for each in releases(found)] == ["quarter"] * 4


def test_at_sixteen_cases_a_year_only_years_are_told() -> None:
    assert said(plan(people(2024, 16) + people(2025, 16))) == [("2024", "told"), ("2025", "told")]


def test_at_six_cases_a_year_three_years_are_told_together_once_they_have_ended() -> None:
    few = people(2022, 6) + people(2023, 6) + people(2024, 6)
    assert said(plan(few, now=month_of(date(2024, 12, 31)))) == [("2022", "too-few"), ("2023", "too-few")]
    assert said(plan(few, now=month_of(date(2025, 1, 1)))) == [("2022/2024", "told")]


def test_a_lean_year_beside_told_ones_is_not_told_by_the_three_of_them() -> None:
    found = plan(people(2022, 16) + people(2023, 6) + people(2024, 16))
    assert said(found) == [("2022/2024", "overlaps"), ("2023", "too-few"), ("2022", "told"), ("2024", "told")]


def test_nothing_is_told_of_a_period_that_has_not_ended() -> None:
    assert plan(people(2026, 200)) == []


def test_a_chosen_level_tells_of_ended_periods_with_enough_cases_and_says_which_have_not() -> None:
    found = plan(people(2026, 6) + [person(2026, 2)] * K, level="month", now=month_of(date(2026, 4, 1)))
    assert said(found) == [("2026-01", "too-few"), ("2026-03", "too-few"), ("2026-02", "told")]


def test_a_period_that_the_wire_cannot_say_is_held_and_told_so() -> None:
    few = people(2022, 6) + people(2023, 6)
    cannot = replace(terms(), sayable=("month", "quarter", "year"))
    found = list(planned(few, (), cannot, NOW))
    assert ("2022/2024", "not-sayable") in said(found) and releases(found) == []


def test_what_was_told_by_quarters_is_never_told_by_the_year() -> None:
    cases = people(2025, 100)
    first = releases(plan(cases, level="quarter"))
    found = plan(cases, first, level="year")
    assert releases(found) == first
    assert ("2025", "overlaps") in said(found)


def test_classes_are_tables_of_their_own() -> None:
    found = plan(people(2025, 20) + people(2025, 10, alert_class="recruitment-offer"))
    assert [(each.alert_class, each.cells[TOTAL]) for each in releases(found)] == [("victim-identified", 20)]


# --- told again


def first_of(cases: Sequence[Counted]) -> Release:
    (found,) = releases(plan(cases, level="year"))
    return found


def test_the_same_cases_are_the_same_release() -> None:
    cases = people(2025, 40)
    first = first_of(cases)
    assert plan(list(reversed(cases)), [first], "year") == [first]


def test_one_case_more_is_not_told_and_the_earlier_release_stands() -> None:
    cases = people(2025, 40)
    first = first_of(cases)
    found = plan([*cases, person(2025)], [first], "year")
    assert releases(found) == [first] and said(found)[-1] == ("2025", "small-change")


def test_enough_new_cases_are_told_and_a_cell_that_grew_by_few_is_hidden() -> None:
    cases = people(2025, 40) + people(2025, 30, sex="male")
    first = first_of(cases)
    assert first.cells[Where(sex="male")] == 30
    (second,) = releases(plan([*cases, *people(2025, 20), *people(2025, 2, sex="male")], [first], "year"))
    assert second.number == 2 and second.cells[TOTAL] == 92
    assert second.cells[Where(sex="male")] is None
    assert second.cells[Where(sex="female")] is None  # or the change of the others would follow from the totals


def test_a_cell_that_was_hidden_stays_hidden_until_it_changed_by_many() -> None:
    cases = people(2025, 40) + people(2025, 10, sex="male") + people(2025, 10, sex="other")
    first = first_of(cases)
    assert first.cells[Where(sex="male")] is None
    more = [*cases, *people(2025, 20), *people(2025, 5, sex="male"), *people(2025, 15, sex="other")]
    (second,) = releases(plan(more, [first], "year"))
    assert second.counts[Where(sex="male")] == 15 and second.cells[Where(sex="male")] is None


def test_an_export_that_lost_most_of_its_cases_changes_nothing_that_was_told() -> None:
    first = first_of(people(2025, 40))
    found = plan(people(2025, 3), [first], "year")
    assert releases(found) == [first] and said(found)[-1] == ("2025", "small-change")


def test_a_change_is_measured_from_every_earlier_release_not_from_the_last_alone() -> None:
    cases = people(2025, 40)
    first = first_of(cases)
    (second,) = releases(plan([*cases, *people(2025, 15)], [first], "year"))
    found = plan([*cases, *people(2025, 2)], [first, second], "year")
    assert releases(found) == [second] and said(found)[-1] == ("2025", "small-change")


PERSON = st.builds(
    lambda form, sex, band, country: person(2025, exploitation=form, sex=sex, age_band=band, country=country),
    st.sampled_from(["forced-labour", "servitude"]),
    st.sampled_from(["female", "female", "male"]),
    st.sampled_from(["9-17", "18-20", "21-23"]),
    st.sampled_from(["CO", "VE", "ZZ"]),
)


@settings(max_examples=40)
@given(
    st.lists(PERSON, min_size=4, max_size=12),
    st.integers(4, 9),
    st.lists(st.tuples(PERSON, st.integers(1, 14)), max_size=4),
    st.integers(0, 12),
)
def test_two_releases_together_tell_of_no_few_persons(
    some: list[Counted], times: int, added: list[tuple[Counted, int]], lost: int
) -> None:
    cases = some * times
    first = releases(plan(cases))
    corrected = cases[lost:] + [each for each, count in added for _ in range(count)]
    for second in releases(plan(corrected, first)):
        if second in first:
            continue
        before = {each.period: each for each in first}[second.period]
        change = difference(before.cells, second.cells)
        assert all(count is None or count == 0 or abs(count) >= K for count in change.values())
        for value in computed(change, SUMS).values():
            assert value == 0 or abs(value) >= K
        for _, together in sums_of_hidden(change, SUMS):
            assert together == 0 or abs(together) >= K
        assert computed(second.cells, SUMS) == {}


def difference(before: Mapping[Where, int | None], after: Mapping[Where, int | None]) -> dict[Where, int | None]:
    """What a reader of both subtracts: None where one of them is hidden."""
    found: dict[Where, int | None] = {}
    for where, count in after.items():
        old = before[where]
        found[where] = None if count is None or old is None else count - old
    return found


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(2022, 2025), st.integers(1, 12), PERSON), max_size=30),
    st.integers(1, 8),
    st.lists(st.sampled_from(["auto", *LEVELS]), min_size=1, max_size=3),
)
def test_periods_of_a_class_never_overlap_whatever_level_is_asked_for_in_turn(
    some: list[tuple[int, int, Counted]], times: int, levels: list[Choice]
) -> None:
    cases = [replace(each, month=year * 12 + month - 1) for year, month, each in some * times]
    known: list[Release] = []
    for level in levels:
        known += [each for each in releases(plan(cases, known, level)) if each not in known]
    periods: list[Period] = [each.period for each in known]
    assert not any(one.overlaps(other) for number, one in enumerate(periods) for other in periods[:number])
    for each in known:
        assert each.counts == counts_of([case for case in cases if each.period.holds(case.month)], COUNTRIES)
        assert each.cells[TOTAL] is not None
