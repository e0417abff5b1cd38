"""How alike two persons' names, birth dates and nationalities are: points of 100, with which parts agreed. Pure.

Family names count by their place, since most of Spanish America has two of them: one may be missing (airlines cut it), they
may stand in the other order, particles (de, de la, van) may be glued on, apart or missing. Words agree if they are the same
after ICAO 9303's transliterations, sound alike, or differ by a slip of the pen. An explanation names parts, never values.

A name alone is never enough: without a birth date that agrees at least by year and month there is no likeness at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

from rapidfuzz.distance import OSA

from connectors.formats.dates import precision
from connectors.formats.names import given_words, name_words, plain_letters, sound

Degree = Literal["same", "similar", "missing", "differs"]
PartName = Literal["family-name-1", "family-name-2", "given-name", "birth-date", "nationality"]

# What each part can add to the 100 points.
FAMILY: Final = 40
GIVEN: Final = 25
BIRTH: Final = 30
NATIONALITY: Final = 5
# What of it stays when the parts agree only so far.
SOUNDS_ALIKE: Final = 0.95
SLIP: Final = 0.8  # least likeness of two words (1 - edits / letters) that may be one word with a slip of the pen
SHORTEST_SLIP: Final = 4  # letters: in a shorter word, another letter makes another name
INITIAL: Final = 0.3
SECOND_MISSING: Final = 0.9
ONLY_SECOND: Final = 0.75
OTHER_ORDER: Final = 0.9
SECOND_DIFFERS: Final = 0.4
GIVEN_MISSING: Final = 0.9
GIVEN_DIFFERS: Final = 0.3
DAY_FOR_MONTH: Final = 0.7
NO_DAY: Final = 0.6

PARTICLES: Final = frozenset(
    {
        "A",
        "AL",
        "D",
        "DA",
        "DAS",
        "DE",
        "DEL",
        "DELA",
        "DELAS",
        "DELOS",
        "DEN",
        "DER",
        "DES",
        "DI",
        "DO",
        "DOS",
        "DU",
        "E",
    }
    | {"EL", "LA", "LAS", "LE", "LO", "LOS", "TEN", "TER", "VAN", "VDA", "VON", "Y", "Z", "ZU"}
)
MOST_WORDS: Final = 12
BLOCK_LETTERS: Final = 2


@dataclass(frozen=True)
class Named:
    """A name as it was written: in two parts, or in one (`full`)."""

    family: str | None = field(default=None, repr=False)
    given: str | None = field(default=None, repr=False)
    full: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a name with the particles before it: the word, all of it, and its sound."""

    core: str = field(repr=False)
    whole: str = field(repr=False)
    heard: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a name as family and given names."""

    family: tuple[Word, ...] = field(repr=False)
    given: tuple[Word, ...] = field(repr=False)


@dataclass(frozen=True)
class Part:
    """What came of one part of the comparison."""

    name: PartName
    degree: Degree


@dataclass(frozen=True)
class Likeness:
    """`points` of 100, and what agreed."""

    points: int
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Person:
    """A person as it is compared. `nationalities`: ISO alpha-2."""

    readings: tuple[Reading, ...] = field(repr=False)
    birth_date: str | None = field(repr=False)
    nationalities: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def blocks(self) -> frozenset[str]:
        """How the words begin, by sound: two persons of whom none is common are not compared."""
        words = (word for reading in self.readings for word in (*reading.family, *reading.given))
        return frozenset(word.heard[:BLOCK_LETTERS] for word in words)


def person(names: Iterable[Named], birth_date: str | None, nationalities: Iterable[str] = ()) -> Person:
    """A person with all the ways in which the names may be read."""
    found = dict.fromkeys(reading for name in names for reading in readings(name))
    return Person(tuple(found), birth_date, frozenset(nationalities))


def readings(name: Named) -> Iterator[Reading]:
    """Family and given names; of a name in one part, each way in which it is commonly written."""
    if name.family and name.given:
        family = _words(name_words(name.family))
        for given in given_words(name.given):
            if family and given:
                yield Reading(family, _words(given))
        return
    words = _words(name_words(name.full or name.family or name.given))
    for count in (2, 1):
        if len(words) > count:
            yield Reading(words[-count:], words[:-count])
            yield Reading(words[:count], words[count:])


def likeness(one: Person, other: Person) -> Likeness | None:
    """The points of the best reading; None if family name, given name or birth date do not agree at all."""
    born = _birth(one.birth_date, other.birth_date)
    if born is None:
        return None
    born_share, born_part = born
    best: tuple[float, tuple[Part, ...]] | None = None
    for mine in one.readings:
        for its in other.readings:
            found = _names(mine, its)
            if found is not None and (best is None or found[0] > best[0]):
                best = found
    if best is None:
        return None
    nation, nation_part = _nationality(one.nationalities, other.nationalities)
    points = best[0] + BIRTH * born_share + NATIONALITY * nation
    return Likeness(round(points), (*best[1], born_part, nation_part))


def date_keys(birth_date: str | None, *, entry: bool) -> list[str]:
    """Under which keys an entry is kept, or looked for, so that dates which agree meet. A year alone has none: one in sixty
    agrees."""
    if not birth_date or precision(birth_date) == "year":
        return []
    month = birth_date[:7]
    if precision(birth_date) == "month":
        return [f"month-only {month}"] if entry else [f"month-only {month}", f"month {month}"]
    if entry:
        return [birth_date, f"month {month}"]
    return list(dict.fromkeys([birth_date, _exchanged(birth_date), f"month-only {month}"]))


def _words(words: Sequence[str]) -> tuple[Word, ...]:
    """Particles go with the word behind them; those at the end with the last."""
    found: list[Word] = []
    before: list[str] = []
    for word in words[:MOST_WORDS]:
        if word in PARTICLES:
            before.append(word)
        else:
            found.append(_word("".join(before), word))
            before = []
    if before and not found:  # a name that looks like a particle
        found.append(_word("", "".join(before)))
    return tuple(found)


@lru_cache(maxsize=50_000)
def _word(before: str, word: str) -> Word:
    return Word(plain_letters(word), plain_letters(before + word), sound(word))


def _names(one: Reading, other: Reading) -> tuple[float, tuple[Part, ...]] | None:
    family, family_parts = _family(one.family, other.family)
    if not family:
        return None
    given, given_part = _given(one.given, other.given)
    if not given:
        return None
    return FAMILY * family + GIVEN * given, (*family_parts, given_part)


def _family(one: Sequence[Word], other: Sequence[Word]) -> tuple[float, tuple[Part, ...]]:
    if _glued(one) == _glued(other):
        both = len(one) > 1 and len(other) > 1
        return 1.0, (_part("family-name-1", 1.0), *([_part("family-name-2", 1.0)] if both else []))
    first = _alike(one[0], other[0])
    if len(one) == 1 and len(other) == 1:
        return first, (_part("family-name-1", first),)
    if len(one) > 1 and len(other) > 1:
        return _both_families(one, other, first)
    single, double = (one[0], other) if len(one) == 1 else (other[0], one)
    second = _alike(single, double[1])
    if first * SECOND_MISSING >= second * ONLY_SECOND:
        return first * SECOND_MISSING, (_part("family-name-1", first), Part("family-name-2", "missing"))
    return second * ONLY_SECOND, (Part("family-name-1", "missing"), _part("family-name-2", second))


def _both_families(one: Sequence[Word], other: Sequence[Word], first: float) -> tuple[float, tuple[Part, ...]]:
    second = _alike(one[1], other[1])
    straight = (first + second) / 2 if first and second else first * SECOND_DIFFERS
    crossed = [_alike(one[0], other[1]), _alike(one[1], other[0])]
    turned = sum(crossed) / 2 * OTHER_ORDER if all(crossed) else 0.0
    if turned > straight:
        return turned, (_part("family-name-1", crossed[0]), _part("family-name-2", crossed[1]))
    return straight, (_part("family-name-1", first), _part("family-name-2", second))


def _given(one: Sequence[Word], other: Sequence[Word]) -> tuple[float, Part]:
    """The shorter list's names must all be found in the longer; a first name alone that agrees is little."""
    if not one or not other:
        return 0.0, Part("given-name", "missing")
    if _glued(one) == _glued(other):
        return 1.0, _part("given-name", 1.0)
    few, many = (one, other) if len(one) <= len(other) else (other, one)
    best = [max(_alike(word, each, initials=True) for each in many) for word in few]
    if all(best):
        share = sum(best) / len(best) * (1.0 if len(few) == len(many) else GIVEN_MISSING)
        return share, Part("given-name", "same" if share == 1.0 else "similar")
    first = _alike(one[0], other[0], initials=True)
    return first * GIVEN_DIFFERS, Part("given-name", "similar" if first else "differs")


def _alike(one: Word, other: Word, *, initials: bool = False) -> float:
    """From 0, other names, to 1, the same."""
    if one.core == other.core or one.whole == other.whole:
        return 1.0
    if one.heard and one.heard == other.heard:
        return SOUNDS_ALIKE
    shorter = min(len(one.core), len(other.core))
    if initials and shorter == 1 and one.core[:1] == other.core[:1]:
        return INITIAL
    if shorter < SHORTEST_SLIP:
        return 0.0
    whole = OSA.normalized_similarity(one.whole, other.whole, score_cutoff=SLIP)
    return max(whole, OSA.normalized_similarity(one.core, other.core, score_cutoff=SLIP))


def _glued(words: Sequence[Word]) -> str:
    return "".join(word.whole for word in words)


def _part(name: PartName, share: float) -> Part:
    return Part(name, "same" if share == 1.0 else "similar" if share else "differs")


def _birth(one: str | None, other: str | None) -> tuple[float, Part] | None:
    if not one or not other or "year" in (precision(one), precision(other)) or one[:4] != other[:4]:
        return None
    if one == other and precision(one) == "day":
        return 1.0, Part("birth-date", "same")
    if "month" in (precision(one), precision(other)):
        return (NO_DAY, Part("birth-date", "similar")) if one[:7] == other[:7] else None
    return (DAY_FOR_MONTH, Part("birth-date", "similar")) if _exchanged(one) == other else None


def _exchanged(date: str) -> str:
    """A whole date with day and month exchanged, as some write them."""
    year, month, day = date.split("-")
    return f"{year}-{day}-{month}"


def _nationality(one: frozenset[str], other: frozenset[str]) -> tuple[float, Part]:
    """Agreement speaks a little for a likeness; another nationality not against it: many have two."""
    if not one or not other:
        return 0.0, Part("nationality", "missing")
    return (1.0, Part("nationality", "same")) if one & other else (0.0, Part("nationality", "differs"))
