"""Which counts of a table must be hidden so that no small one is told, not even by subtraction. Pure.

1. Hidden first: every count under the threshold k, and what the caller names. That nobody is in a cell is told only where the
   others of its sum are two or more and each k persons or more: else it would tell something of each person who is known to be
   counted (that all of them are of one kind).
2. In a sum that is told, what is hidden must be two cells or more and k persons or more together, else the smallest told cell
   is hidden too.
3. Each hidden cell must have k possible values or more, for somebody who knows every told count, every sum, and that no count
   is negative (feasible.py, exact). Where it has fewer, the smallest told cell beside it is hidden, and again from 2.

It ends: each step hides one cell more, and of a table that is hidden whole nothing can be computed. Counts of different
periods or releases are releases.py's.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from .feasible import Feasible, Number, Sum

Cell = TypeVar("Cell", bound=Hashable)


@dataclass(frozen=True)
class Relation(Generic[Cell]):
    """A count that is the sum of others. Whoever reads the table knows it."""

    total: Cell
    parts: tuple[Cell, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        return (*self.parts, self.total)


def hidden_cells(
    counts: Mapping[Cell, int], relations: Sequence[Relation[Cell]], k: int, named: Collection[Cell] = ()
) -> frozenset[Cell]:
    """The cells to hide. `named` are hidden whatever they count."""
    empty = _told_to_be_empty(counts, relations, k)
    hidden = set(named) | {cell for cell, count in counts.items() if count < k and cell not in empty}
    while True:
        more = _by_sums(counts, relations, k, hidden)
        if more is None:
            more = _by_bounds(counts, relations, k, hidden)
        if more is None:
            return frozenset(hidden)
        hidden.add(more)


def bounds(
    counts: Mapping[Cell, int], relations: Sequence[Relation[Cell]], hidden: Collection[Cell]
) -> dict[Cell, tuple[int, int | None]]:
    """What a reader can compute of each hidden cell: least and most; None is no limit."""
    found: dict[Cell, tuple[int, int | None]] = {}
    for cells, sums in _systems(counts, relations, hidden):
        system = Feasible(cells, sums)
        for cell in cells:
            most = system.most(cell)
            found[cell] = math.ceil(system.least(cell)), None if most is None else math.floor(most)
    return found


def _told_to_be_empty(counts: Mapping[Cell, int], relations: Sequence[Relation[Cell]], k: int) -> set[Cell]:
    """The cells of nobody that may be told, with all their parts."""
    found: set[Cell] = set()
    for relation in relations:
        others = [counts[part] for part in relation.parts if counts[part]]
        if len(others) >= 2 and min(others) >= k:
            found |= {part for part in relation.parts if not counts[part]}
    for relation in relations:  # a part of nobody follows from its total
        if relation.total in found:
            found |= set(relation.parts)
    return found


def _by_sums(
    counts: Mapping[Cell, int], relations: Sequence[Relation[Cell]], k: int, hidden: Collection[Cell]
) -> Cell | None:
    """A cell that must be hidden because of one sum alone."""
    for relation in relations:
        absent = [part for part in relation.parts if part in hidden]
        told = [part for part in relation.parts if part not in hidden]
        if not told:
            continue
        if relation.total in hidden:
            if not absent:
                return _smallest(counts, told)
        elif absent and (len(absent) < 2 or sum(counts[part] for part in absent) < k):
            return _smallest(counts, told)
    return None


def _by_bounds(
    counts: Mapping[Cell, int], relations: Sequence[Relation[Cell]], k: int, hidden: Collection[Cell]
) -> Cell | None:
    """A cell that must be hidden because all sums together tell too much of another."""
    for cells, sums in _systems(counts, relations, hidden):
        weak = _weak(cells, sums, counts, k)
        if weak is None:
            continue
        beside = [relation for relation in relations if weak in relation.cells]
        around = [relation for relation in relations if set(cells) & set(relation.cells)]
        parts = [[part for each in near for part in each.parts if part not in hidden] for near in (beside, around)]
        totals = [[each.total for each in near if each.total not in hidden] for near in (beside, around)]
        for told in (*parts, *totals):  # a total goes last: the most is lost with it
            if told:
                return _smallest(counts, told)
        raise AssertionError("what is told of nothing has no bounds")
    return None


def _weak(cells: Sequence[Cell], sums: Sequence[Sum[Cell]], counts: Mapping[Cell, int], k: int) -> Cell | None:
    """A cell with fewer than k possible values. Every solution that is met on the way shows values of all cells."""
    least: dict[Cell, Number] = {cell: counts[cell] for cell in cells}
    most = dict(least)
    system = Feasible(cells, sums)

    def seen() -> None:
        for cell, value in system.point.items():
            least[cell], most[cell] = min(least[cell], value), max(most[cell], value)

    def wide(cell: Cell) -> bool:
        return math.floor(most[cell]) - math.ceil(least[cell]) + 1 >= k

    seen()
    for cell in cells:
        if wide(cell):
            continue
        if system.most(cell) is None:
            continue
        seen()
        if wide(cell):
            continue
        system.least(cell)
        seen()
        if not wide(cell):
            return cell
    return None


def _systems(
    counts: Mapping[Cell, int], relations: Sequence[Relation[Cell]], hidden: Collection[Cell]
) -> Iterator[tuple[list[Cell], list[Sum[Cell]]]]:
    """The hidden cells in groups that no sum joins, each with its sums."""
    left = [relation for relation in relations if any(cell in hidden for cell in relation.cells)]
    waiting = dict.fromkeys(cell for cell in counts if cell in hidden)
    while waiting:
        group = [next(iter(waiting))]
        joined: list[Relation[Cell]] = []
        for cell in group:  # grows while it is walked
            waiting.pop(cell, None)
            for relation in [each for each in left if cell in each.cells]:
                left.remove(relation)
                joined.append(relation)
                group += [each for each in relation.cells if each in hidden and each not in group]
        yield group, [_sum(counts, relation, hidden) for relation in joined]


def _sum(counts: Mapping[Cell, int], relation: Relation[Cell], hidden: Collection[Cell]) -> Sum[Cell]:
    weights = {part: 1 for part in relation.parts if part in hidden}
    value = -sum(counts[part] for part in relation.parts if part not in hidden)
    if relation.total in hidden:
        weights[relation.total] = -1
    else:
        value += counts[relation.total]
    return Sum(weights, value)


def _smallest(counts: Mapping[Cell, int], cells: Sequence[Cell]) -> Cell:
    return min(cells, key=lambda cell: (counts[cell] == 0, counts[cell], repr(cell)))  # nobody protects nobody
