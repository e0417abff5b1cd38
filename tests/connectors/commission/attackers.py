"""Readers of a released table who want to know what was hidden. They share no code with what hides it.

`possible_values` tries every table there is: for small tables. `computed` solves the sums by elimination: what it finds is
known exactly, whatever else is possible.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

Cell = TypeVar("Cell", bound=Hashable)
Sums = Sequence[tuple[Cell, tuple[Cell, ...]]]


def tables(rows: int, columns: int, most: int) -> Iterator[tuple[int, ...]]:
    """Every table of so many counts whose total is at most `most`."""

    def filled(cells: int, left: int) -> Iterator[tuple[int, ...]]:
        if cells == 0:
            yield ()
            return
        for count in range(left + 1):
            for rest in filled(cells - 1, left - count):
                yield (count, *rest)

    return filled(rows * columns, most)


def possible_values(told: Mapping[Cell, int | None], whole: Iterator[Mapping[Cell, int]]) -> dict[Cell, set[int]]:
    """For each hidden cell, its counts in all tables that agree with what is told."""
    found: dict[Cell, set[int]] = {cell: set() for cell, count in told.items() if count is None}
    for table in whole:
        if all(count is None or table[cell] == count for cell, count in told.items()):
            for cell, values in found.items():
                values.add(table[cell])
    return found


def computed(told: Mapping[Cell, int | None], sums: Sums[Cell]) -> dict[Cell, Fraction]:
    """The hidden cells that follow from sums and told cells alone."""
    unknown = [cell for cell, count in told.items() if count is None]
    place = {cell: number for number, cell in enumerate(unknown)}
    rows: list[list[Fraction]] = []
    for total, parts in sums:
        row = [Fraction(0)] * (len(unknown) + 1)
        for cell, sign in [*((part, 1) for part in parts), (total, -1)]:
            count = told[cell]
            if count is None:
                row[place[cell]] += sign
            else:
                row[-1] -= sign * count
        rows.append(row)
    return {unknown[number]: value for number, value in _solved(rows, len(unknown)).items()}


def _solved(rows: list[list[Fraction]], width: int) -> dict[int, Fraction]:
    """Unknowns that have one value only: rows of the reduced form with a single entry."""
    done = 0
    for column in range(width):
        pivot = next((number for number in range(done, len(rows)) if rows[number][column]), None)
        if pivot is None:
            continue
        rows[done], rows[pivot] = rows[pivot], rows[done]
        rows[done] = [value / rows[done][column] for value in rows[done]]
        for number, row in enumerate(rows):
            if number != done and row[column]:
                factor = row[column]
                rows[number] = [mine - factor * other for mine, other in zip(row, rows[done], strict=True)]
        done += 1
    found = {}
    for row in rows[:done]:
        (first, *others) = [column for column in range(width) if row[column]]
        if not others:
            found[first] = row[-1]
    return found


def sums_of_hidden(told: Mapping[Cell, int | None], sums: Sums[Cell]) -> Iterator[tuple[Collection[Cell], int]]:
    """What the hidden parts of each told total are together."""
    for total, parts in sums:
        whole = told[total]
        hidden = [part for part in parts if told[part] is None]
        if whole is not None and hidden:
            yield hidden, whole - sum(told[part] or 0 for part in parts)
