"""Victims of closed cases as counts: the dimensions, the tables that are told, and the sums that join them. Pure.

One table each by form of exploitation, sex, age band and country, sex by age band, and the total. Class and period are not
in it: each class and period is a table of its own. The tables join in a tree, so that nobody can draw more from the whole
than from its sums; another one crossed with both sex and age band would break that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple

from hub.model.codes import AGE_BANDS, EXPLOITATIONS, SEXES

from .disclosure import Relation

SEVERAL: Final = "several"  # forms of exploitation of one person, who is counted once
UNKNOWN: Final = "unknown"
OTHER_COUNTRY: Final = "ZZ"  # user-assigned in ISO 3166-1: any other country, several, none or unknown
FORMS: Final = (*EXPLOITATIONS, SEVERAL, UNKNOWN)
TABLES: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("exploitation",),
    ("sex",),
    ("age_band",),
    ("country",),
    ("sex", "age_band"),
)


class Where(NamedTuple):
    """A cell by what it is of; None is "all of them"."""

    exploitation: str | None = None
    sex: str | None = None
    age_band: str | None = None
    country: str | None = None


TOTAL: Final = Where()


@dataclass(frozen=True)
class Counted:
    """A victim of a closed case, as far as she is counted. `month` as in periods.py."""

    alert_class: str
    month: int
    exploitation: str
    sex: str
    age_band: str
    country: str


def domains(countries: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What each dimension may be; the same in every release, so that a cell's being there tells nothing."""
    named = (*dict.fromkeys(countries), OTHER_COUNTRY)
    return {"exploitation": FORMS, "sex": SEXES, "age_band": AGE_BANDS, "country": named}


def counts_of(persons: Iterable[Counted], countries: Sequence[str]) -> dict[Where, int]:
    """The count of every cell of every table, those of nobody too."""
    dims = domains(countries)
    found = {
        Where(**dict(zip(table, values, strict=True))): 0
        for table in TABLES
        for values in product(*(dims[dimension] for dimension in table))
    }
    for person, times in Counter(persons).items():
        for table in TABLES:
            found[Where(**{dimension: getattr(person, dimension) for dimension in table})] += times
    return found


def relations_of(countries: Sequence[str]) -> list[Relation[Where]]:
    """Every sum that holds between the cells."""
    dims = domains(countries)
    found = [
        Relation(TOTAL, tuple(Where(**{dimension: value}) for value in values)) for dimension, values in dims.items()
    ]
    for one, other in (("sex", "age_band"), ("age_band", "sex")):
        for value in dims[one]:
            parts = tuple(Where(**{one: value, other: each}) for each in dims[other])
            found.append(Relation(Where(**{one: value}), parts))
    return found


def told(counts: Mapping[Where, int], hidden: Iterable[Where]) -> dict[Where, int | None]:
    """What is told of each cell, None of the hidden."""
    absent = frozenset(hidden)
    return {where: None if where in absent else count for where, count in counts.items()}
