"""Which statistics are told: of each class the finest periods that have enough cases, and nothing that an earlier release
would help to take apart. Pure; what was told is handed in, memory.py keeps it.

- A period is told when it has ended, and only if its total reaches the threshold k.
- Periods of one class never overlap: what was told by quarters is never told by the year as well, from which the missing
  quarter could be computed.
- Told again (the cases were corrected), a cell is hidden if it changed by less than k since any earlier release, and so is one
  that was hidden and changed by less than k. If the total would be hidden so, the earlier release stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from .cells import TOTAL, Counted, Where, counts_of, relations_of, told
from .disclosure import Relation, hidden_cells
from .periods import LEVELS, Level, Period, period_of

Choice = Literal["auto", "month", "quarter", "year", "three-years"]
Why = Literal["too-few", "overlaps", "small-change", "not-sayable"]
REASONS: Final[Mapping[Why, str]] = {
    "too-few": "fewer cases than the threshold: nothing is told of this period; a longer one may have enough",
    "overlaps": "part of this period was told already by shorter or longer ones: telling both would tell the difference",
    "small-change": "the total changed by less than the threshold since it was told: the earlier release stands",
    "not-sayable": "the section `statistics` has no word for a period of this length: nothing is told of it",
}


@dataclass(frozen=True)
class Release:
    """What is told of one class and period: `cells` by where, None where hidden. `counts`: the true ones, which stay here."""

    alert_class: str
    period: Period
    k: int
    number: int
    cells: Mapping[Where, int | None]
    counts: Mapping[Where, int] = field(repr=False)

    @property
    def suppressed(self) -> int:
        return sum(count is None for count in self.cells.values())


@dataclass(frozen=True)
class Held:
    """A period of a class of which nothing is told, or nothing new."""

    alert_class: str
    period: Period
    why: Why


@dataclass(frozen=True)
class Terms:
    """`sayable`: the levels that can be written down; `countries`: told one by one."""

    k: int
    level: Choice
    countries: tuple[str, ...]
    sayable: tuple[Level, ...] = LEVELS


def planned(
    persons: Sequence[Counted], before: Sequence[Release], terms: Terms, this_month: int
) -> Iterator[Release | Held]:
    """Every release that stands or is new, and every period that is held, by class and time.

    `before`: all earlier releases; `this_month` has not ended.
    """
    classes = sorted({each.alert_class for each in persons} | {each.alert_class for each in before})
    for alert_class in classes:
        mine = [each for each in persons if each.alert_class == alert_class]
        earlier = [each for each in before if each.alert_class == alert_class]
        yield from _of_class(alert_class, mine, earlier, terms, this_month)


def _of_class(
    alert_class: str, persons: Sequence[Counted], before: Sequence[Release], terms: Terms, this_month: int
) -> Iterator[Release | Held]:
    known = {each.period for each in before}
    wanted, held = _periods(persons, known, terms, this_month)
    for each in sorted(held, key=lambda one: one[0]):
        yield Held(alert_class, *each)
    for period in sorted(known | set(wanted)):
        earlier = sorted((each for each in before if each.period == period), key=lambda each: each.number)
        inside = [person for person in persons if period.holds(person.month)]
        yield from _release(alert_class, period, inside, earlier, terms)


def _release(
    alert_class: str, period: Period, persons: Sequence[Counted], earlier: Sequence[Release], terms: Terms
) -> Iterator[Release | Held]:
    counts = counts_of(persons, terms.countries)
    if earlier and counts == earlier[-1].counts:
        yield earlier[-1]
        return
    hidden = _hidden(counts, earlier, terms)
    if TOTAL in hidden:
        yield from earlier[-1:]
        yield Held(alert_class, period, "small-change" if earlier else "too-few")
        return
    cells = told(counts, hidden)
    if earlier and cells == earlier[-1].cells:
        yield earlier[-1]
    else:
        yield Release(alert_class, period, terms.k, len(earlier) + 1, cells, counts)


def _hidden(counts: Mapping[Where, int], earlier: Sequence[Release], terms: Terms) -> frozenset[Where]:
    """What must be hidden for the table itself, and for its differences from earlier releases."""
    relations = relations_of(terms.countries)
    named = _changed_a_little(counts, earlier, terms.k)
    while True:
        hidden = hidden_cells(counts, relations, terms.k, named)
        more = next(
            (cell for each in earlier if (cell := _tells_a_change(counts, hidden, each, relations, terms.k))), None
        )
        if more is None:
            return hidden
        named |= {*hidden, more}


def _tells_a_change(
    counts: Mapping[Where, int], hidden: frozenset[Where], before: Release, relations: Sequence[Relation[Where]], k: int
) -> Where | None:
    """A cell to hide since a sum of this release less the same sum of an earlier one tells how little the hidden cells of it
    changed together."""

    def in_both(where: Where) -> bool:
        return where not in hidden and before.cells.get(where) is not None

    def change(where: Where) -> int:
        return counts[where] - before.counts.get(where, 0)

    for relation in relations:
        shown = [part for part in relation.parts if in_both(part)]
        if not in_both(relation.total) or len(shown) == len(relation.parts):
            continue
        rest = change(relation.total) - sum(map(change, shown))
        changed = [part for part in shown if change(part)]
        if 0 < abs(rest) < k and changed:
            return min(changed, key=lambda part: (counts[part], repr(part)))
    return None


def _changed_a_little(counts: Mapping[Where, int], earlier: Sequence[Release], k: int) -> set[Where]:
    """Cells whose change since an earlier release would tell of fewer than k persons."""
    found = set()
    for release in earlier:
        for where, count in counts.items():
            change = abs(count - release.counts.get(where, 0))
            if change < k and (change or release.cells.get(where) is None):
                found.add(where)
    return found


def _periods(
    persons: Sequence[Counted], known: set[Period], terms: Terms, this_month: int
) -> tuple[list[Period], list[tuple[Period, Why]]]:
    """The periods to tell that were not told before, and those that are held with the reason."""
    wanted: list[Period] = []
    held: list[tuple[Period, Why]] = []
    spans = sorted({period_of(person.month, "three-years") for person in persons})
    for span in spans:
        if terms.level == "auto":
            new, not_new = _chosen(span, persons, known, terms, this_month)
        else:
            new, not_new = _fixed(span, terms.level, persons, known, terms, this_month)
        wanted += new
        held += not_new
    return wanted, held


def _fixed(
    span: Period, level: Level, persons: Sequence[Counted], known: set[Period], terms: Terms, this_month: int
) -> tuple[list[Period], list[tuple[Period, Why]]]:
    """The periods of one level."""
    wanted: list[Period] = []
    held: list[tuple[Period, Why]] = []
    for period in span.cut(level):
        if period.end > this_month or period in known or not _total(persons, period):
            continue
        why = _why_not(period, persons, known, terms)
        if why is None:
            wanted.append(period)
        else:
            held.append((period, why))
    return wanted, held


def _chosen(
    span: Period, persons: Sequence[Counted], known: set[Period], terms: Terms, this_month: int
) -> tuple[list[Period], list[tuple[Period, Why]]]:
    """Of three years: each year that has ended by the finest level at which every period has enough; if there is no such
    level for a year, it waits for the three of them."""
    wanted: list[Period] = []
    held: list[tuple[Period, Why]] = []
    for year in span.cut("year"):
        if year.end > this_month or not _total(persons, year) or any(year.overlaps(each) for each in known):
            continue
        for level in terms.sayable:
            if level != "three-years" and all(_total(persons, each) >= terms.k for each in year.cut(level)):
                wanted += list(year.cut(level))
                break
        else:
            held.append((year, "too-few"))
    if held and span.end <= this_month:
        why = "overlaps" if wanted else _why_not(span, persons, known, terms)
        return (wanted, [*held, (span, why)]) if why else ([span], [])
    return wanted, held


def _why_not(period: Period, persons: Sequence[Counted], known: set[Period], terms: Terms) -> Why | None:
    if any(period.overlaps(each) for each in known):
        return "overlaps"
    if _total(persons, period) < terms.k:
        return "too-few"
    return None if period.level in terms.sayable else "not-sayable"


def _total(persons: Sequence[Counted], period: Period) -> int:
    return sum(period.holds(person.month) for person in persons)
