"""Generated bundles and alerts, dense on purpose: few values, so that guidelines match, overlap and collide often."""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any

from hypothesis import strategies as st

from hub.guidelines.bundle import Bundle, standard_vocabularies
from hub.guidelines.check import CONSENTING
from hub.guidelines.language import TESTS, Agency, Caveat, Guideline, Instrument, Words, categories_of
from hub.model.codes import CLOSED, COUNTS, LIST_OF, MULTIPLE, VICTIM_IDENTIFYING
from hub.model.core import Core, Label, Reference, Routing
from tests.reference.case import Case

WORDS = Words(es="x", en="x")
AGENCIES = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot")
GROUPS = ("national", "police")
TYPES = ("customs", "embassy")
COUNTRIES = ("PA", "CA")
CATEGORIES = ("circumstances", "narrative", "victim.description", "victim.identity", "victim.care", "suspect.identity")
PATTERNS = (*CATEGORIES, "victim.*", "suspect.*")
CAVEATS = ("C1", "C2")
INSTRUMENTS = ("L1", "L2")
EVENTS = ("case-closed", "found")
CHANNELS = ("channel-a", "channel-b")
PURPOSES = ("investigation", "victim-assistance", "search")
# The values that alerts have and guidelines test, few for each attribute.
VALUES: dict[str, tuple[str, ...]] = {
    **{name: tuple(sorted(CLOSED[name])) for name in CLOSED},
    "reliability": ("A", "F"),
    "credibility": ("1", "6"),
    "class": ("suspected-transit", "victim-identified"),
    "purposes": PURPOSES,
    "releasable_to": AGENCIES,
    "not_releasable_to": AGENCIES,
    "act": ("recruitment", "transfer"),
    "means": ("force", "fraud"),
    "exploitation": ("slavery", "servitude"),
    "indicators": ("G01", "XEN-01", "XEN-02"),
    "legal_basis": INSTRUMENTS,
    **dict.fromkeys(("origin", "transit", "destination", "nationality"), COUNTRIES),
}
DAY_MS = 86_400_000
NOW_MS = 20_600 * DAY_MS  # 2026-05-27
DAYS = ("2026-05-26", "2026-05-27", "2026-05-28")


@cache  # making a strategy costs more than drawing from it
def subsets(values: tuple[str, ...], least: int = 0, most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=most, unique=True).map(tuple)


@cache
def one(values: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


@cache
def choices() -> st.SearchStrategy[dict[str, Any]]:
    words = ("all", *AGENCIES, *(f"group:{each}" for each in GROUPS), *(f"type:{each}" for each in TYPES), "country:CA")
    return st.fixed_dictionaries(
        {
            "any": st.one_of(st.just(("all",)), some(words, ("all",), 1)),
            "except": st.one_of(st.just(()), some(words[1:], (), 0)),
        }
    )


@cache
def some(values: tuple[str, ...], often: tuple[str, ...], least: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.one_of(st.just(often), subsets(values, least))


@cache
@st.composite
def agencies(draw: st.DrawFn, agency_id: str) -> Agency:
    return Agency(
        id=agency_id,
        name=WORDS,
        type=draw(one(TYPES)),
        country=draw(one((None, *COUNTRIES))),
        groups=draw(subsets(GROUPS)),
        competences=draw(some(PURPOSES, PURPOSES, 0)),
        max_tlp=draw(one(("RED",) * 6 + ("AMBER", "GREEN"))),
        status=draw(one(("active",) * 14 + ("suspended",))),
    )


@cache
@st.composite
def tests(draw: st.DrawFn, attribute: str) -> dict[str, Any]:
    if attribute in COUNTS:
        least, most = sorted((draw(one((0, 1, 2, 3))), draw(one((0, 1, 2, 3)))))
        both = {"min": least, "max": most}
        return {word: both[word] for word in draw(subsets(("min", "max"), 1))}
    words = draw(st.lists(st.sampled_from(TESTS[attribute]), min_size=1, max_size=2, unique=True))
    if "absent" in words:
        return {"absent": True}
    values = VALUES.get(attribute, ())
    if attribute == "minor":
        values = ("yes", "no")
    return {word: True if word == "present" else draw(subsets(values, 1)) for word in words}


# So that these matter as often as they do in real guidelines.
TESTED_OFTEN = ("minor", "consent", "victims", "nationality", "indicators")


@cache
@st.composite
def whens(draw: st.DrawFn) -> dict[str, Any]:
    names = {*draw(some(tuple(sorted(TESTS)), (), 0)), *draw(some(TESTED_OFTEN, (), 1))}
    return {name: draw(tests(name)) for name in sorted(names)}


@cache
@st.composite
def terms(draw: st.DrawFn) -> dict[str, Any]:
    keep = {
        "days": draw(one((None, 30, 90))),
        "event": draw(subsets(EVENTS)),
        "review_days": draw(one((7, 14))),
    }
    return {
        "acknowledge_hours": draw(one((None, 1, 24))),
        "keep": keep if draw(one((False, True))) else None,
        "onward": draw(one(("none", "ask", "as-labelled", *CHANNELS))),
        "caveats": draw(subsets(CAVEATS)),
    }


maybe_terms = st.one_of(st.none(), terms())


def grounded(fields: dict[str, Any]) -> dict[str, Any]:
    """The same guideline with a ground, where DESIGN.md's rule 7 wants one."""
    guideline = Guideline.model_validate(fields)
    named = categories_of(guideline.release, standard_vocabularies()["category"]) & VICTIM_IDENTIFYING
    consent = fields["when"].get("consent", {})
    consented = set(consent.get("any", ())) <= CONSENTING if "any" in consent else False
    return {**fields, "ground": "legal_duty"} if named and not consented else fields


@cache
@st.composite
def guidelines(draw: st.DrawFn, number: int) -> Guideline:
    effect = draw(one(("permit", "permit", "permit", "withhold", "withhold", "forbid")))
    fields: dict[str, Any] = {
        "id": f"G{number:02d}",
        "title": WORDS,
        "rationale": WORDS,
        "legal_basis": ["L1"],
        "effect": effect,
        "from": draw(choices()),
        "to": draw(choices()),
        "when": draw(whens()) if draw(one((False, True))) or effect == "forbid" else {},
        "valid": {
            "from": draw(one((None, None, None, *DAYS))),
            "until": draw(one((None, None, None, "2026-05-28", "2026-05-29"))),
        },
    }
    if effect == "permit":
        fields["release"] = {"any": draw(some(PATTERNS, CATEGORIES, 0)), "except": draw(some(CATEGORIES, (), 0))}
        fields["obligations"] = draw(maybe_terms)
        return Guideline.model_validate(grounded(fields))
    fields["safeguard"] = draw(one((False, True)))
    if effect == "withhold":
        words = draw(some(PATTERNS, ("*",), 1))
        fields["withhold"] = {"any": words, "except": draw(some(CATEGORIES, (), 0))}
    return Guideline.model_validate(fields)


def bundle_of(some_agencies: tuple[Agency, ...], some_guidelines: tuple[Guideline, ...]) -> Bundle:
    return Bundle(
        agencies=some_agencies,
        guidelines=some_guidelines,
        vocabularies={**standard_vocabularies(), "event": EVENTS, "channel": CHANNELS},
        caveats=tuple(Caveat(id=each, text=WORDS) for each in CAVEATS),
        legal_basis=tuple(Instrument(id=each, title=WORDS) for each in INSTRUMENTS),
    )


@st.composite
def bundles(draw: st.DrawFn, most: int = 10) -> Bundle:
    first, second, *others = (draw(agencies(each)) for each in AGENCIES)
    # Groups and types that guidelines name must exist.
    first = first.model_copy(update={"groups": GROUPS, "type": TYPES[0]})
    parties = (first, second.model_copy(update={"type": TYPES[1]}), *others)
    count = draw(one((0, 1, 2, 4, *(most,) * 6)))
    return bundle_of(parties, tuple(draw(guidelines(number)) for number in range(count)))


UNKNOWN: dict[str, Any] = {
    "nationality": ("ZZ",),
    "indicators": ("G01", "G99"),
    "releasable_to": ("nobody",),
    "legal_basis": ("L9",),
    "exploitation": ("none",),
}


@cache
@st.composite
def routings(draw: st.DrawFn) -> Routing:
    few = {name: () for name in MULTIPLE if name in LIST_OF and name not in ("handling", "purposes")}
    names = draw(subsets(tuple(sorted(few)), 0, 4))
    lists = {**few, **{name: draw(subsets(VALUES[name], 1)) for name in names}}
    tlp = draw(one(("RED", "AMBER+STRICT", "AMBER", "AMBER", "GREEN", "CLEAR")))
    handling = draw(one((("H0",), ("H0",), ("H1",), ("H2",), ("H1", "H2"))))
    if tlp == "RED" or "H2" in handling:  # otherwise nearly always nobody receives
        lists["releasable_to"] = draw(some(AGENCIES, AGENCIES, 0))
    if draw(one(tuple(range(20)))) == 19:
        lists.update([draw(one(tuple(sorted(UNKNOWN.items()))))])
    label = Label.model_validate(
        {
            "exercise": draw(one(("none", "none", "exercise"))),
            "class": draw(one(VALUES["class"])),
            "tlp": tlp,
            "handling": handling,
            "purposes": draw(subsets(PURPOSES, 1)),
            "reliability": draw(one(VALUES["reliability"])),
            "credibility": draw(one(VALUES["credibility"])),
        }
    )
    return Routing(
        label=label,
        minor=draw(one(("yes", "no", "unknown"))),
        consent=draw(one(VALUES["consent"])),
        victims=draw(one((0, 1, 2, 3))),
        suspects=draw(one((0, 1, 2, 3))),
        missing=draw(one((0, 0, 1))),
        derived_from=draw(one(((), (Reference(alert=uuid.UUID(int=1), revision=1),)))),
        **lists,
    )


def core_of(routing: Routing, originator: str, valid_until_ms: int, caveats: tuple[str, ...]) -> Core:
    return Core(
        id=uuid.UUID(int=1),
        created_ms=0,
        originator=originator,
        valid_until_ms=valid_until_ms,
        label=routing.label,
        caveats=caveats,
    )


@cache
@st.composite
def alerts(draw: st.DrawFn) -> tuple[Routing, Core, tuple[str, ...], int, dict[str, frozenset[str]]]:
    """Routing block, core, categories present, time, grants."""
    routing = draw(routings())
    now_ms = NOW_MS + draw(one((0, -1, 1, DAY_MS, 2 * DAY_MS)))
    caveats = draw(one(((), (), ("C1",), ("C2", "C1"), ("C9",))))
    until_ms = now_ms + draw(one((1,) * 10 + (DAY_MS, 0)))
    core = core_of(routing, draw(one(AGENCIES)), until_ms, caveats)
    present = (*CATEGORIES, "handling", "tomorrow")
    categories = draw(some(present, present, 0))
    grants = {agency: frozenset(draw(some(CATEGORIES, CATEGORIES, 1))) for agency in draw(some(AGENCIES, AGENCIES, 0))}
    return routing, core, tuple(sorted(categories)), now_ms, grants


def cases(most: int = 10) -> st.SearchStrategy[Case]:
    return st.builds(lambda bundle, alert: Case(bundle, *alert), bundles(most), alerts())
