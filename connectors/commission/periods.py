"""Months, quarters, years and spans of three years, as statistics are told by them. Pure.

On the wire a quarter is ISO 8601-2's sub-year grouping (33 to 36: `2026-33` is the first quarter of 2026), three years are
an interval (`2024/2026`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

Level = Literal["month", "quarter", "year", "three-years"]
LEVELS: Final[tuple[Level, ...]] = ("month", "quarter", "year", "three-years")
MONTHS: Final[dict[Level, int]] = {"month": 1, "quarter": 3, "year": 12, "three-years": 36}
FIRST_QUARTER: Final = 33


@dataclass(frozen=True, order=True)
class Period:
    """`months` months from the month `first` on; months are counted from January of the year 0."""

    first: int
    months: int

    @property
    def end(self) -> int:
        """The first month after it."""
        return self.first + self.months

    @property
    def level(self) -> Level:
        return next(level for level, months in MONTHS.items() if months == self.months)

    @property
    def code(self) -> str:
        year, month = divmod(self.first, 12)
        if self.months == 1:
            return f"{year:04d}-{month + 1:02d}"
        if self.months == 3:
            return f"{year:04d}-{FIRST_QUARTER + month // 3}"
        return f"{year:04d}" if self.months == 12 else f"{year:04d}/{year + 2:04d}"

    def overlaps(self, other: Period) -> bool:
        return self.first < other.end and other.first < self.end

    def holds(self, month: int) -> bool:
        return self.first <= month < self.end

    def cut(self, level: Level) -> Iterator[Period]:
        """The periods of a finer level that it consists of."""
        for first in range(self.first, self.end, MONTHS[level]):
            yield Period(first, MONTHS[level])


def month_of(day: date) -> int:
    return day.year * 12 + day.month - 1


def period_of(month: int, level: Level) -> Period:
    """The period of a level that a month stands in; spans of three years begin with years that three divides."""
    months = MONTHS[level]
    return Period(month - month % months, months)
