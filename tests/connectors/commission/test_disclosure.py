"""No count under the threshold is told, and none can be computed: two attackers try, who share no code with the hiding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.commission.cells import FORMS, TOTAL, Counted, Where, counts_of, relations_of, told
from connectors.commission.disclosure import Relation, bounds, hidden_cells
from connectors.commission.feasible import Feasible, Impossible, Sum
from hub.model.codes import AGE_BANDS, SEXES
from tests.connectors.commission.attackers import computed, possible_values, sums_of_hidden, tables

COUNTRIES = ("CO", "NI", "VE")
Name = tuple[int | None, int | None]


# --- a small table of rows and columns, with all its sums


def relations(rows: int, columns: int) -> list[Relation[Name]]:
    by_row = [Relation[Name]((row, None), tuple((row, column) for column in range(columns))) for row in range(rows)]
    by_column = [
        Relation[Name]((None, column), tuple((row, column) for row in range(rows))) for column in range(columns)
    ]
    whole: list[Relation[Name]] = [
        Relation((None, None), tuple((row, None) for row in range(rows))),
        Relation((None, None), tuple((None, column) for column in range(columns))),
    ]
    return [*by_row, *by_column, *whole]


def summed(rows: int, columns: int, counts: tuple[int, ...]) -> dict[Name, int]:
    found: dict[Name, int] = dict(zip(product(range(rows), range(columns)), counts, strict=True))
    for row in range(rows):
        found[row, None] = sum(found[row, column] for column in range(columns))
    for column in range(columns):
        found[None, column] = sum(found[row, column] for row in range(rows))
    found[None, None] = sum(counts)
    return found


def all_tables(rows: int, columns: int, most: int) -> Iterator[Mapping[Name, int]]:
    return (summed(rows, columns, counts) for counts in tables(rows, columns, most))


SMALL = st.sampled_from([(2, 2), (2, 3), (3, 2)]).flatmap(
    lambda size: st.tuples(
        st.just(size), st.lists(st.integers(0, 4), min_size=size[0] * size[1], max_size=size[0] * size[1])
    )
)


@settings(max_examples=40)
@given(SMALL, st.integers(2, 4))
def test_who_tries_every_table_finds_k_values_for_each_hidden_cell(
    made: tuple[tuple[int, int], list[int]], k: int
) -> None:
    (rows, columns), counts = made
    table, sums = summed(rows, columns, tuple(counts)), relations(rows, columns)
    hidden = hidden_cells(table, sums, k)
    shown = {cell: None if cell in hidden else count for cell, count in table.items()}
    assert all(count is None or count == 0 or count >= k for count in shown.values())
    most = min(table[None, None], 9) if (None, None) not in hidden else min(table[None, None] + k, 9)
    if table[None, None] > 9:
        return  # too many tables to try; the elimination below has larger ones
    for values in possible_values(shown, all_tables(rows, columns, most)).values():
        assert len(values) >= k


@settings(max_examples=40)
@given(SMALL, st.sets(st.integers(0, 8)))
def test_bounds_are_what_trying_every_table_finds(made: tuple[tuple[int, int], list[int]], chosen: set[int]) -> None:
    (rows, columns), counts = made
    table, sums = summed(rows, columns, tuple(counts)), relations(rows, columns)
    if table[None, None] > 8:
        return
    cells = [cell for cell in table if cell != (None, None)]
    hidden = {cells[number % len(cells)] for number in chosen}
    shown = {cell: None if cell in hidden else count for cell, count in table.items()}
    tried = possible_values(shown, all_tables(rows, columns, table[None, None]))
    assert bounds(table, sums, hidden) == {cell: (min(values), max(values)) for cell, values in tried.items()}


def test_hiding_the_small_counts_alone_would_be_found_out() -> None:
    table, sums = summed(2, 2, (3, 20, 20, 20)), relations(2, 2)
    small = {cell for cell, count in table.items() if count < 11}
    shown = {cell: None if cell in small else count for cell, count in table.items()}
    assert computed(shown, [(each.total, each.parts) for each in sums]) == {(0, 0): 3}
    assert bounds(table, sums, small) == {(0, 0): (3, 3)}
    hidden = hidden_cells(table, sums, 11)
    assert hidden > small
    shown = {cell: None if cell in hidden else count for cell, count in table.items()}
    assert computed(shown, [(each.total, each.parts) for each in sums]) == {}


def test_a_hidden_cell_is_not_left_with_a_narrow_span_that_no_elimination_finds() -> None:
    """0 + x = 12 of two cells in a cycle of four: never unique, and yet only between 0 and the smallest of them."""
    table, sums = summed(2, 2, (1, 30, 30, 2)), relations(2, 2)
    cycle = {(0, 0), (0, 1), (1, 0), (1, 1)}
    shown = {cell: None if cell in cycle else count for cell, count in table.items()}
    assert computed(shown, [(each.total, each.parts) for each in sums]) == {}
    assert bounds(table, sums, cycle)[0, 0] == (0, 31)
    tight = summed(2, 2, (1, 40, 0, 2))
    assert bounds(tight, sums, cycle)[1, 0] == (0, 1)
    hidden = hidden_cells(tight, sums, 11)
    assert (None, 0) in hidden and (1, None) in hidden


def test_a_sum_that_only_one_category_fills_is_hidden_since_it_tells_that_the_others_are_nobody() -> None:
    table = {"all": 20, "female": 20, "male": 0, "other": 0}
    assert hidden_cells(table, [Relation("all", ("female", "male", "other"))], 11) == {"female", "male", "other"}


def test_that_nobody_is_in_a_cell_is_told_beside_two_kinds_of_persons_that_are_many() -> None:
    table = {"all": 40, "female": 25, "male": 15, "other": 0}
    assert hidden_cells(table, [Relation("all", ("female", "male", "other"))], 11) == frozenset()
    one_more = {**table, "all": 41, "other": 1}
    assert hidden_cells(one_more, [Relation("all", ("female", "male", "other"))], 11) == {"male", "other"}


def test_what_is_large_enough_in_every_sum_is_told() -> None:
    table = {"all": 40, "female": 25, "male": 15}
    assert hidden_cells(table, [Relation("all", ("female", "male"))], 11) == frozenset()


def test_a_named_cell_is_hidden_however_large_and_protected_as_a_small_one() -> None:
    table = {"all": 90, "a": 30, "b": 25, "c": 35}
    assert hidden_cells(table, [Relation("all", ("a", "b", "c"))], 11, {"a"}) == {"a", "b"}


def test_sums_that_nothing_fulfils_are_told_as_such() -> None:
    with pytest.raises(Impossible):
        Feasible(["a", "b"], [Sum({"a": 1, "b": 1}, 3), Sum({"a": 1}, 5)])


def test_an_unknown_that_no_sum_limits_has_no_most() -> None:
    system = Feasible(["a", "b"], [Sum({"a": 1, "b": -1}, 3)])
    assert system.most("a") is None and system.least("a") == 3


def test_sums_that_divide_have_their_exact_fractions() -> None:
    system = Feasible(["a", "b"], [Sum({"a": 2, "b": 3}, 7)])
    assert (2 * (system.most("a") or 0), system.least("b")) == (7, 0)


# --- the Commission's tables


PERSON = st.builds(
    Counted,
    alert_class=st.just("victim-identified"),
    month=st.just(24_000),
    exploitation=st.sampled_from(FORMS[:3]),
    sex=st.sampled_from((*SEXES[:2], SEXES[0], SEXES[0])),
    age_band=st.sampled_from(AGE_BANDS[1:6]),
    country=st.sampled_from((*COUNTRIES, "ZZ")),
)


@settings(max_examples=25)
@given(st.lists(PERSON, max_size=25), st.integers(1, 12), st.sampled_from([3, 5, 11]))
def test_nothing_hidden_of_the_commissions_tables_can_be_computed(persons: list[Counted], times: int, k: int) -> None:
    counts, sums = counts_of(persons * times, COUNTRIES), relations_of(COUNTRIES)
    hidden = hidden_cells(counts, sums, k)
    shown = told(counts, hidden)
    plain = [(each.total, each.parts) for each in sums]
    assert all(count is None or count == 0 or count >= k for count in shown.values())
    assert computed(shown, plain) == {}
    assert (shown[TOTAL] is None) == (counts[TOTAL] < k)
    for _, together in sums_of_hidden(shown, plain):
        assert together >= k
    for least, most in bounds(counts, sums, hidden).values():
        assert most is None or most - least + 1 >= k


def test_the_tables_have_the_same_cells_whoever_is_counted() -> None:
    nobody = counts_of([], COUNTRIES)
    assert set(nobody.values()) == {0} and len(nobody) == 1 + 10 + 4 + 10 + 4 + 40
    one = counts_of([Counted("x", 1, FORMS[0], "female", "9-17", "CO")], COUNTRIES)
    assert list(one) == list(nobody) and one[TOTAL] == one[Where(sex="female", age_band="9-17")] == 1


@pytest.mark.parametrize("sex", SEXES)
@pytest.mark.parametrize("band", AGE_BANDS)
def test_cases_that_are_all_alike_keep_their_total_whatever_they_are(sex: str, band: str) -> None:
    counts = counts_of([Counted("x", 1, FORMS[-1], sex, band, "ZZ")] * 12, COUNTRIES)
    shown = told(counts, hidden_cells(counts, relations_of(COUNTRIES), 11))
    assert {where for where, count in shown.items() if count is not None} == {TOTAL}


def test_every_sum_of_the_tables_holds() -> None:
    persons = [
        Counted("x", 1, form, sex, band, "CO")
        for number, (form, sex, band) in enumerate(product(FORMS, SEXES, AGE_BANDS))
        for _ in range(number % 3)
    ]
    counts = counts_of(persons, COUNTRIES)
    for relation in relations_of(COUNTRIES):
        assert counts[relation.total] == sum(counts[part] for part in relation.parts)
