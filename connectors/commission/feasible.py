"""What a sum leaves open: the smallest and largest value of each unknown of a system of sums, all unknowns 0 or more. Pure.

The simplex method (Dantzig) in exact numbers with Bland's rule, so that it ends and no rounding hides a disclosure: whole
numbers, as nearly all sums of counts give, and fractions where a division leaves something. What may be told of a table is
disclosure.py's.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)
Number = int | Fraction


@dataclass(frozen=True)
class Sum(Generic[Name]):
    """A weighted sum of unknowns that has a known value."""

    weights: Mapping[Name, int]
    value: int


class Impossible(ValueError):
    """No values of 0 or more fulfil the sums."""


class Feasible(Generic[Name]):
    """All solutions of some sums. `point` is one of them, another after each question."""

    def __init__(self, names: Sequence[Name], sums: Sequence[Sum[Name]]) -> None:
        """Raises Impossible."""
        self._names = list(names)
        self._columns = {name: column for column, name in enumerate(self._names)}
        self._rows: list[list[Number]] = []
        for each in sums:
            sign = -1 if each.value < 0 else 1
            row: list[Number] = [0] * (len(self._names) + 1)
            for name, weight in each.weights.items():
                row[self._columns[name]] += sign * weight
            row[-1] = sign * each.value
            self._rows.append(row)
        self._basis = [-1] * len(self._rows)  # the unknown that each row solves for; none yet
        self._find_a_corner()

    @property
    def point(self) -> dict[Name, Number]:
        found: dict[Name, Number] = dict.fromkeys(self._names, 0)
        for row, column in zip(self._rows, self._basis, strict=True):
            found[self._names[column]] = row[-1]
        return found

    def most(self, name: Name) -> Number | None:
        """The largest value of an unknown, None if there is no limit. `point` has it then."""
        return self._pushed(self._columns[name], -1)

    def least(self, name: Name) -> Number:
        """The smallest value of an unknown. `point` has it then."""
        found = self._pushed(self._columns[name], 1)
        assert found is not None
        return found

    def _pushed(self, target: int, sign: int) -> Number | None:
        if target not in self._basis and sign < 0 and not self._enter(target):
            return None
        while target in self._basis:
            row = self._rows[self._basis.index(target)]
            entering = next((c for c, weight in enumerate(row[:-1]) if c != target and sign * weight > 0), None)
            if entering is None:
                return row[-1]
            if not self._enter(entering):
                return None
        return 0

    def _enter(self, column: int) -> bool:
        """Makes an unknown one that is solved for; False if it can grow without limit."""
        limits = [
            (_over(row[-1], row[column]), self._basis[number], number)
            for number, row in enumerate(self._rows)
            if row[column] > 0
        ]
        if not limits:
            return False
        self._pivot(min(limits)[2], column)
        return True

    def _find_a_corner(self) -> None:
        """Every row gets its unknown: first phase, in which what is still owed falls to nothing."""
        while (owed := [row for row, column in zip(self._rows, self._basis, strict=True) if column < 0]) and any(
            row[-1] for row in owed
        ):
            gains = (sum(row[column] for row in owed) for column in range(len(self._names)))
            entering = next((column for column, gain in enumerate(gains) if gain > 0), None)
            if entering is None or not self._enter(entering):
                raise Impossible("no counts fulfil these sums")
        for number in reversed(
            range(len(self._rows))
        ):  # what is owed is nothing: any unknown will do, or the row says nothing
            if self._basis[number] < 0:
                column = next((c for c, weight in enumerate(self._rows[number][:-1]) if weight), None)
                if column is None:
                    del self._rows[number], self._basis[number]
                else:
                    self._pivot(number, column)

    def _pivot(self, number: int, column: int) -> None:
        row = self._rows[number]
        divisor = row[column]
        if divisor != 1:
            row[:] = [_over(weight, divisor) if weight else weight for weight in row]
        told = [(place, weight) for place, weight in enumerate(row) if weight]
        for other, each in enumerate(self._rows):
            factor = each[column]
            if other != number and factor:
                for place, weight in told:
                    each[place] -= factor * weight
        self._basis[number] = column


def _over(one: Number, other: Number) -> Number:
    if other == 1:
        return one
    found = Fraction(one) / Fraction(other)
    return found.numerator if found.denominator == 1 else found
