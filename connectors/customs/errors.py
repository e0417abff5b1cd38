"""Screening errors by nationality and sex: counts only, never a person. Pure.

Whoever answers for the rules gives lists whose truth is known (invented ones, or past ones that officers have judged) and says
which travellers were truly looked for. A group whose share of wrong hits or of misses stands out is a reason to change the
rules. Counts under `least` are not shown: a group of one is a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from connectors.formats.names import name_keys
from connectors.formats.passenger_list import Passenger

from .screening import PassengerList, compared
from .watchlist import WatchList

UNKNOWN: Final = "unknown"
LEAST: Final = 11  # as in statistics that are released


@dataclass(frozen=True)
class Group:
    """`nationality`: ISO alpha-2 or `unknown`; `sex`: M, F, X or `unknown`."""

    nationality: str
    sex: str


@dataclass(frozen=True)
class Errors:
    """Of one group: travellers screened, those truly looked for, those of them missed, and others found by mistake."""

    group: Group
    screened: int
    sought: int
    missed: int
    mistaken: int


def measured(
    lists: Iterable[PassengerList], watch: WatchList, is_sought: Callable[[Passenger], bool], now_ms: int
) -> list[Errors]:
    """The errors of each group, in order of its nationality and sex. Several entries that find one traveller are one hit."""
    counts: Counter[tuple[Group, bool, bool]] = Counter()
    for listed in lists:
        for passenger in listed.passengers:
            counts[_group(passenger), is_sought(passenger), _is_found(passenger, watch, now_ms)] += 1
    groups = sorted({group for group, _, _ in counts}, key=lambda group: (group.nationality, group.sex))
    return [_errors(group, counts) for group in groups]


def shown(errors: Iterable[Errors], least: int = LEAST) -> Iterator[Errors]:
    """The groups that may be told: those of whom at least so many were screened."""
    return (each for each in errors if each.screened >= least)


def _errors(group: Group, counts: Counter[tuple[Group, bool, bool]]) -> Errors:
    def number(sought: bool, found: bool) -> int:
        return counts[group, sought, found]

    sought = number(True, True) + number(True, False)
    others = number(False, True) + number(False, False)
    return Errors(group, sought + others, sought, number(True, False), number(False, True))


def _is_found(passenger: Passenger, watch: WatchList, now_ms: int) -> bool:
    numbers = [document.number for document in passenger.documents]
    names = name_keys(passenger.surname or passenger.given_names, passenger.given_names if passenger.surname else None)
    return bool(watch.matches(numbers, names, passenger.birth_date, now_ms, compared(passenger)))


def _group(passenger: Passenger) -> Group:
    nationality = passenger.nationality.alpha2 if passenger.nationality else None
    return Group(nationality or UNKNOWN, passenger.sex or UNKNOWN)
