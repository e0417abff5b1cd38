"""What a set of agencies and guidelines must satisfy beyond each entry's shape: known words, whole effects, grounds.

All findings are gathered, none stops the others. Whether a set is *wise* (contradictions, gaps) is analyse.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from hub.model.codes import ATTRIBUTES, CLOSED, LIST_OF, STANDARD, VICTIM_IDENTIFYING
from hub.model.obligation import ONWARD_WORDS

from .language import (
    ALL,
    HANDLING,
    PARTY_KINDS,
    TESTS,
    Agency,
    Categories,
    Choice,
    Guideline,
    Terms,
    Test,
    categories_of,
    is_category,
)

# Lists that a bundle has besides the standard ones: what ends a retention, and by which channel data may go on.
OWN_LISTS: Final = ("event", "channel")
# With a test of consent that only these pass, a release rests on consent.
CONSENTING: Final = frozenset({"given", "not-applicable"})

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where: a path from `agencies` or `guidelines` over the entry's id to the field."""

    path: Path
    message: str


@dataclass(frozen=True)
class Known:
    """The words that a guideline may use."""

    agencies: frozenset[str]
    groups: frozenset[str]
    types: frozenset[str]
    lists: Mapping[str, frozenset[str]]
    caveats: frozenset[str]
    legal_basis: frozenset[str]

    def list_of(self, attribute: str) -> frozenset[str]:
        name = LIST_OF[attribute]
        if name == "agency":
            return self.agencies
        return self.legal_basis if name == "legal_basis" else self.lists.get(name, frozenset())


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a word that is not known: the nearest one, if there is one near."""
    candidates = sorted(known)
    lower = {candidate.lower(): candidate for candidate in reversed(candidates)}
    found = get_close_matches(word.lower(), list(lower), n=1, cutoff=0.6)
    if found:
        return f"; did you mean `{lower[found[0]]}`?"
    return f"; known: {', '.join(candidates)}" if 0 < len(candidates) <= 12 else ""


def check(agencies: Iterable[Agency], guidelines: Iterable[Guideline], known: Known) -> list[Finding]:
    """Everything that keeps these from being a bundle; empty if nothing does."""
    return [
        *_lists(known),
        *(finding for agency in agencies for finding in _agency(agency, known)),
        *(finding for guideline in guidelines for finding in _guideline(guideline, known)),
    ]


def _lists(known: Known) -> Iterator[Finding]:
    for name in sorted({*STANDARD, *OWN_LISTS} - set(known.lists)):
        yield Finding(("vocabularies", name), f"the list `{name}` is missing")
    for name in sorted(set(known.lists) - {*STANDARD, *OWN_LISTS}):
        yield Finding(("vocabularies", name), f"there is no list `{name}`{nearest(name, {*STANDARD, *OWN_LISTS})}")
    for name, codes in CLOSED.items():
        if known.lists.get(name, codes) != codes:
            yield Finding(("vocabularies", name), f"the list `{name}` is closed: it belongs to the format")
    if HANDLING not in known.lists.get("category", {HANDLING}):
        yield Finding(("vocabularies", "category"), "the category `handling` is missing")
    for channel in sorted(known.lists.get("channel", frozenset()) & set(ONWARD_WORDS)):
        yield Finding(("vocabularies", "channel", channel), f"`{channel}` has a meaning of its own; name the channel")


def _unknown(path: Path, what: str, words: Iterable[str], known: Iterable[str]) -> Iterator[Finding]:
    known = frozenset(known)
    for word in words:
        if word not in known:
            yield Finding((*path, word), f"`{word}` is no known {what}{nearest(word, known)}")


def _agency(agency: Agency, known: Known) -> Iterator[Finding]:
    path = ("agencies", agency.id)
    if agency.id == ALL:
        yield Finding((*path, "id"), "an agency cannot be called `all`")
    yield from _unknown((*path, "competences"), "purpose", agency.competences, known.lists.get("purposes", ()))
    for name in ("country", "seat"):
        code = getattr(agency, name)
        yield from _unknown((*path, name), "country", [code] if code else [], known.lists.get("country", ()))


def _guideline(guideline: Guideline, known: Known) -> Iterator[Finding]:
    path = ("guidelines", guideline.id)
    yield from _unknown((*path, "legal_basis"), "legal basis", guideline.legal_basis, known.legal_basis)
    yield from _parties((*path, "from"), guideline.from_, known)
    yield from _parties((*path, "to"), guideline.to, known)
    for attribute, test in guideline.when.items():
        yield from _test((*path, "when", attribute), attribute, test, known)
    yield from _effect(path, guideline)
    for name, categories in (("release", guideline.release), ("withhold", guideline.withhold)):
        if categories is not None:
            yield from _categories((*path, name), categories, known)
    if guideline.obligations:
        yield from _terms((*path, "obligations"), guideline.obligations, known)
    if guideline.valid.from_ and guideline.valid.until and guideline.valid.until < guideline.valid.from_:
        yield Finding((*path, "valid", "until"), "`until` is before `from`: it would never be in force")
    yield from _ground(path, guideline, known)


def _parties(path: Path, choice: Choice, known: Known) -> Iterator[Finding]:
    for field_name, words in (("any", choice.any), ("except", choice.except_)):
        for word in words:
            yield from _party((*path, field_name), word, known)


def _party(path: Path, word: str, known: Known) -> Iterator[Finding]:
    kind, colon, name = word.partition(":")
    if not colon:
        found = {*known.agencies, ALL}
        kinds = {f"group:{group}" for group in known.groups} | {f"type:{each}" for each in known.types}
        if word not in found:
            hint = nearest(word, found | kinds)
            also = f"; did you mean `group:{word}`?" if word in known.groups else hint
            yield Finding((*path, word), f"`{word}` is no known agency{also}")
    elif kind not in PARTY_KINDS:
        kinds = {f"{each}:" for each in PARTY_KINDS}
        yield Finding((*path, word), f"`{kind}:` is no kind of party{nearest(kind + ':', kinds)}")
    else:
        words = {"group": known.groups, "type": known.types, "country": known.lists.get("country", frozenset())}[kind]
        if name not in words:
            yield Finding((*path, word), f"`{name}` is no known {kind}{nearest(name, words)}")


def _test(path: Path, attribute: str, test: Test, known: Known) -> Iterator[Finding]:
    if attribute not in ATTRIBUTES:
        yield Finding(path, f"`{attribute}` is no attribute that can be tested{nearest(attribute, ATTRIBUTES)}")
        return
    written, allowed = test.words(), TESTS[attribute]
    if not written:
        yield Finding(path, f"`{attribute}` is not tested; write {', '.join(allowed)}")
    for word in written:
        if word not in allowed:
            yield Finding((*path, word), f"`{attribute}` cannot be tested by `{word}`; {_tests_of(attribute)}")
        elif word in ("any", "only", "none"):
            codes = getattr(test, word)
            what = f"value of `{attribute}`"
            yield from _unknown((*path, word), what, codes, known.list_of(attribute))
            if attribute == "minor" and "unknown" in codes and "yes" not in codes:
                yield Finding((*path, word, "unknown"), "an unknown age counts as a minor's: write `yes`")
    if test.absent and len(written) > 1:
        yield Finding((*path, "absent"), "what is absent passes no other test: this can never match")
    if test.min is not None and test.max is not None and test.max < test.min:
        yield Finding((*path, "max"), "`max` is below `min`: this can never match")


def _tests_of(attribute: str) -> str:
    allowed = TESTS[attribute]
    if allowed == ("min", "max"):
        return "it is a count, so use `min` or `max`"
    always = "" if "absent" in allowed else " (it is always present)"
    return f"use {', '.join(allowed)}{always}"


def _effect(path: Path, guideline: Guideline) -> Iterator[Finding]:
    """Each effect does one thing."""
    effect = guideline.effect
    if effect == "permit" and guideline.release is None:
        yield Finding((*path, "release"), "a permit needs `release`; write [] to give the core alone")
    if effect == "withhold" and (guideline.withhold is None or not guideline.withhold.any):
        yield Finding((*path, "withhold"), "a withhold needs `withhold`: the categories that it takes away")
    only_in = {"release": "permit", "withhold": "withhold", "ground": "permit", "obligations": "permit"}
    for name, its_effect in only_in.items():
        if getattr(guideline, name) is not None and effect != its_effect:
            yield Finding((*path, name), f"`{name}` belongs to a {its_effect}; this is a {effect}")
    if guideline.safeguard and effect == "permit":
        yield Finding((*path, "safeguard"), "a safeguard withholds or forbids; a permit cannot be one")


def _categories(path: Path, choice: Categories, known: Known) -> Iterator[Finding]:
    vocabulary = known.lists.get("category", frozenset())
    for field_name, words in (("any", choice.any), ("except", choice.except_)):
        for word in words:
            place = (*path, field_name, word)
            if word == HANDLING:
                yield Finding(place, "`handling` goes to every recipient: leave it out")
            elif word == "*" and path[-1] == "release":
                yield Finding(place, "a release names its categories: `*` would release those of tomorrow")
            elif not any(is_category(word, category) for category in vocabulary):
                yield Finding(place, f"`{word}` is no known category{nearest(word, vocabulary)}")


def _terms(path: Path, terms: Terms, known: Known) -> Iterator[Finding]:
    yield from _unknown((*path, "caveats"), "caveat", terms.caveats, known.caveats)
    channels = known.lists.get("channel", frozenset()) | set(ONWARD_WORDS)
    if terms.onward not in channels:
        hint = nearest(terms.onward, channels)
        yield Finding((*path, "onward"), f"`{terms.onward}` is no known channel{hint}")
    if terms.keep:
        yield from _unknown((*path, "keep", "event"), "event", terms.keep.events, known.lists.get("event", ()))


def _ground(path: Path, guideline: Guideline, known: Known) -> Iterator[Finding]:
    """DESIGN.md, rule 7: what identifies a victim leaves by consent or on a named ground."""
    if guideline.effect != "permit":
        return
    released = categories_of(guideline.release, known.lists.get("category", ())) & VICTIM_IDENTIFYING
    ground, consented = guideline.ground, _rests_on_consent(guideline.when.get("consent"))
    if ground == "consent" and not consented:
        yield Finding(
            (*path, "ground"), "the ground is consent, so test it: `consent: {any: [given]}` (or not-applicable)"
        )
    if ground == "best_interests" and not _names_recipients(guideline.when.get("releasable_to")):
        yield Finding(
            (*path, "ground"),
            "a decision on best interests shows in that the originator names the recipient: test `releasable_to`",
        )
    if released and ground is None and not consented:
        yield Finding(
            (*path, "release"),
            f"{', '.join(sorted(released))} needs a ground (legal_duty, vital_interest, best_interests) "
            "or a test that consent is given",
        )


def _rests_on_consent(test: Test | None) -> bool:
    """Whether nobody passes the test whose consent is withheld or unknown."""
    if test is None:
        return False
    passing = set(CLOSED["consent"])
    for words in (test.any, test.only):
        passing &= set(words) if words is not None else passing
    return passing - set(test.none or ()) <= CONSENTING


def _names_recipients(test: Test | None) -> bool:
    return test is not None and not test.absent
