"""On which alerts a difference is, in words: regions merged where that is exact, and what they ask of an alert.

That nothing else bars what is released is understood, and not said. The sentences around it are changes.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from hub.model.codes import ATTRIBUTES, COUNTS, MULTIPLE

from .bundle import Bundle
from .diff import Differing, Pair
from .language import Language
from .sentences import condition, counted, joined
from .space import DAY, LAST_DAY, MOST, ORIGINATOR, Budget, Codes, Condition, Numbers, Region, Space, without

LANGUAGES: Final[tuple[Language, ...]] = ("es", "en")
_OR: Final[dict[Language, str]] = {"es": " o ", "en": " or "}
_WHERE: Final[dict[Language, str]] = {"es": ", si la alerta {clauses}", "en": ", where the alert {clauses}"}


def merge(regions: Iterable[Region]) -> list[Region]:
    """The same alerts in fewer regions: two that differ in one attribute become one where that is exact."""
    merged = list(dict.fromkeys(regions))
    found = True
    while found and len(merged) <= 200:
        found = False
        for number, one in enumerate(merged):
            for other in merged[number + 1 :]:
                both = _union(one, other)
                if both is not None:
                    merged = [each for each in merged if each not in (one, other)]
                    merged.insert(number, both)
                    found = True
                    break
            if found:
                break
    return merged


def _union(one: Region, other: Region) -> Region | None:
    differing = [n for n, (a, b) in enumerate(zip(one.values, other.values, strict=True)) if a != b]
    if len(differing) != 1:
        return None
    at = differing[0]
    mine, theirs = one.values[at], other.values[at]
    if isinstance(mine, Codes) and isinstance(theirs, Codes) and mine.one:
        return one._replace(
            values=(*one.values[:at], Codes(mine.allowed | theirs.allowed, (), True), *one.values[at + 1 :])
        )
    if (
        isinstance(mine, Numbers)
        and isinstance(theirs, Numbers)
        and (mine.least <= theirs.most + 1 and theirs.least <= mine.most + 1)
    ):
        both = Numbers(min(mine.least, theirs.least), max(mine.most, theirs.most))
        return one._replace(values=(*one.values[:at], both, *one.values[at + 1 :]))
    return None


def described(pair: Pair, agency: str, gained: bool, found: list[Differing]) -> tuple[tuple[str, str], ...]:
    """On which alerts, in Spanish and English. That nothing else bars them is understood, and not said."""
    side = pair.new if gained else pair.old
    bases = [base for box in side.candidate(agency) if (base := pair.everything.within(box)) is not None]
    regions = merge(_plain(each) for each in found)
    described = {
        tuple(words(side.bundle, pair.space, each, bases, language) for language in LANGUAGES) for each in regions
    }
    return tuple(sorted((each[0], each[1]) for each in described))


def _plain(found: Differing) -> Region:
    """The region without what it leaves out only because it is barred under both bundles."""
    region = found.region
    for axis, (mine, whole) in enumerate(zip(found.region.values, found.start.values, strict=True)):
        if mine == whole or not isinstance(mine, Codes) or not isinstance(whole, Codes):
            continue
        wide = region._replace(values=(*region.values[:axis], whole, *region.values[axis + 1 :]))
        rest = wide.meet(Condition(axis, "hits", ~mine.allowed))
        budget = Budget(2_000)
        if mine.hits == whole.hits and (rest is None or next(without(rest, found.bars, budget), None) is None):
            region = region if budget.spent else wide
    return region


def words(bundle: Bundle, space: Space, region: Region, bases: list[Region], language: Language) -> str:
    """What the region asks of an alert beyond what one of `bases` asks: ` from ..., that ... and ...`."""
    clauses: list[str] = []
    origin = ""
    for name in (ORIGINATOR, *ATTRIBUTES, DAY):
        values = region.of(name)
        if any(values == base.of(name) for base in bases):
            continue
        if isinstance(values, Numbers):
            clauses.extend(_number(name, values, bases, language))
        elif name == ORIGINATOR:
            origin = _origin(space, values, language)
        else:
            clauses.extend(_codes(bundle, space, name, values, language))
    return f"{origin}{_WHERE[language].format(clauses=joined(clauses, language))}" if clauses else origin


def _origin(space: Space, values: Codes, language: Language) -> str:
    names = space.names(ORIGINATOR, values.allowed)
    others = space.names(ORIGINATOR, space.all(ORIGINATOR) & ~values.allowed)
    if len(others) < len(names):
        return {"es": " de cualquiera menos ", "en": " from anyone but "}[language] + joined(others, language)
    return {"es": " de ", "en": " from "}[language] + joined(names, language, _OR)


def _number(name: str, values: Numbers, bases: list[Region], language: Language) -> Iterator[str]:
    least, most = values
    if name in COUNTS:
        yield counted(name, least or None, None if most >= MOST else most, language)
        return
    starts = {base.of(DAY) for base in bases}
    if not any(isinstance(each, Numbers) and each.least == least for each in starts):
        day = date.fromordinal(least).isoformat()
        yield {"es": f"desde el {day}", "en": f"from {day} on"}[language]
    if most < LAST_DAY:
        day = date.fromordinal(most).isoformat()
        yield {"es": f"hasta el {day}", "en": f"until {day}"}[language]


def _codes(bundle: Bundle, space: Space, name: str, values: Codes, language: Language) -> Iterator[str]:
    every = space.all(name)
    few = bin(values.allowed).count("1") * 2 <= len(space.codes[name]) or bin(values.allowed).count("1") <= 6
    if name not in MULTIPLE:
        word, bits = ("any", values.allowed) if few else ("none", every & ~values.allowed)
        yield condition(bundle, name, word, space.names(name, bits), language)
        return
    if not values.allowed:
        yield condition(bundle, name, "absent", (), language)
        return
    for hit in values.hits:
        if hit == every:
            if name not in ("handling", "purposes"):
                yield condition(bundle, name, "present", (), language)
        elif hit != values.allowed or values.allowed == every:
            yield condition(bundle, name, "any", space.names(name, hit), language)
    if values.allowed != every:
        word, bits = ("only", values.allowed) if few else ("none", every & ~values.allowed)
        yield condition(bundle, name, word, space.names(name, bits), language, if_any=not values.hits)
