"""Routing block, descriptions and circumstances made from detailed sections: the same for every connector.

Generalising happens once, at the source. What sections do not tell (act, means, consent, named recipients ...) is said by
the connector in `Facts`. Pure: the day on which ages are reckoned is handed in.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date

from .base import Model
from .codes import (
    ADULT_YEARS,
    CONSENT_STRICTEST_FIRST,
    OWN_INDICATORS,
    SENSITIVE_INDICATORS,
    SUBJECTS,
    Consent,
    Minor,
)
from .core import Agencies, Codes, Countries, Label, Reference, Routing
from .sections import AgeBand, Circumstances, Content, Description, Identity, Journey


class Facts(Model):
    """What sections do not tell. `consents`: one for each victim, consent to share data; none given means not asked."""

    consents: tuple[Consent, ...] = ()
    releasable_to: Agencies = ()
    not_releasable_to: Agencies = ()
    origin: Countries = ()
    transit: Countries = ()
    destination: Countries = ()
    act: Codes = ()
    means: Codes = ()
    exploitation: Codes = ()
    indicators: Codes = ()
    legal_basis: Codes = ()
    derived_from: tuple[Reference, ...] = ()


def derive(label: Label, contents: Sequence[Content], facts: Facts, on: date) -> tuple[Routing, tuple[Content, ...]]:
    """The routing block, and the contents completed by descriptions and circumstances, sorted by category.

    `on` is the day on which ages are reckoned. Contents that this makes itself replace what was given. Raises MustSplit.
    """
    described = _with_descriptions(contents, on)
    _may_stand_together(described, facts, on)
    routing = _routing(label, described, facts, on)
    rest = [item for item in described if item.category != "circumstances"]
    completed = [*rest, Content("circumstances", circumstances(routing))]
    return routing, tuple(sorted(completed, key=lambda item: item.category))


class MustSplit(ValueError):
    """One alert cannot say this of several persons: `minor` and `consent` hold for the whole of it."""


def _may_stand_together(contents: Sequence[Content], facts: Facts, on: date) -> None:
    """A child opens releases whoever consents; in one alert with an adult who refused it would open them for the adult."""
    ages = set(_ages(contents, on).values())
    if "withheld" in facts.consents and "no" in ages and ages != {"no"}:
        raise MustSplit("an adult who withheld consent and a child (or a person of unknown age): make two alerts of it")


def circumstances(routing: Routing) -> Circumstances:
    """What of a routing block recipients may see. Sensitive indicators stay behind where they tell of one person."""
    one_person = 1 in (routing.victims, routing.missing)
    hidden = OWN_INDICATORS | (SENSITIVE_INDICATORS if one_person else frozenset())
    return Circumstances(
        **{name: getattr(routing, name) for name in Circumstances.model_fields if name != "indicators"},
        indicators=tuple(code for code in routing.indicators if code not in hidden),
    )


def age_years(birth_date: str, on: date) -> tuple[int, int] | None:
    """Youngest and oldest age on a day, of someone born on a date that may lack day or month; None if not yet born."""
    year, *rest = (int(part) for part in birth_date.split("-"))
    first_month, last_month = (rest[0], rest[0]) if rest else (1, 12)
    first_day, last_day = (rest[1], rest[1]) if len(rest) > 1 else (1, monthrange(year, last_month)[1])
    oldest = _age(date(year, first_month, first_day), on)
    youngest = _age(date(year, last_month, last_day), on)
    return None if oldest < 0 else (max(0, youngest), oldest)


def _age(born: date, on: date) -> int:
    """Full years. Someone born on 29 February grows older on 1 March where there is no such day."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def age_band(birth_date: str | None, on: date) -> AgeBand:
    """The band of someone's age, `unknown` where the date leaves more than one."""
    span = age_years(birth_date, on) if birth_date else None
    if span is None:
        return "unknown"
    youngest, oldest = (_band(age) for age in span)
    return youngest if youngest == oldest else "unknown"


def _band(age: int) -> AgeBand:
    bands: tuple[tuple[int, AgeBand], ...] = (
        (8, "0-8"),
        (17, "9-17"),
        (20, "18-20"),
        (23, "21-23"),
        (26, "24-26"),
        (29, "27-29"),
        (38, "30-38"),
        (47, "39-47"),
    )
    return next((band for last, band in bands if age <= last), "48+")


def _with_descriptions(contents: Sequence[Content], on: date) -> list[Content]:
    described = {(item.category, _person(item)) for item in contents if item.category.endswith(".description")}
    made: list[Content] = []
    for item in contents:
        subject = item.category.partition(".")[0]
        category = f"{subject}.description"
        if subject not in SUBJECTS or not isinstance(item.content, Identity):
            continue
        if (category, item.content.person) not in described:
            described.add((category, item.content.person))
            made.append(Content(category, _description(item.content, on)))
    return [*contents, *made]


def _description(identity: Identity, on: date) -> Description:
    return Description(
        person=identity.person,
        age_band=age_band(_birth_date(identity), on),
        sex=identity.sex,
        nationalities=identity.nationalities,
    )


def _routing(label: Label, contents: Sequence[Content], facts: Facts, on: date) -> Routing:
    victims, suspects, missing = (_persons(contents, subject) for subject in ("victim", "suspect", "missing"))
    origin, transit, destination = _route(contents)
    return Routing(
        label=label,
        minor=_minor(contents, on),
        consent=_consent(facts.consents, len(victims)),
        victims=len(victims),
        suspects=len(suspects),
        missing=len(missing),
        releasable_to=_sorted(facts.releasable_to),
        not_releasable_to=_sorted(facts.not_releasable_to),
        origin=_sorted(facts.origin, origin),
        transit=_sorted(facts.transit, transit),
        destination=_sorted(facts.destination, destination),
        nationality=_sorted(*_nationalities(contents)),
        act=_sorted(facts.act),
        means=_sorted(facts.means),
        exploitation=_sorted(facts.exploitation),
        indicators=_sorted(facts.indicators),
        legal_basis=_sorted(facts.legal_basis),
        derived_from=tuple(sorted(set(facts.derived_from), key=lambda item: (item.alert.bytes, item.revision))),
    )


def _sorted(*lists: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({code for codes in lists for code in codes}))


def _person(item: Content) -> str | None:
    return getattr(item.content, "person", None)


def _persons(contents: Sequence[Content], subject: str) -> set[str]:
    prefix = f"{subject}."
    return {person for item in contents if item.category.startswith(prefix) and (person := _person(item))}


def _about_protected(contents: Sequence[Content]) -> list[Content]:
    """What is said of victims and of missing persons: nationality and age in the routing block are theirs only."""
    return [item for item in contents if item.category.startswith(("victim.", "missing."))]


def _nationalities(contents: Sequence[Content]) -> list[tuple[str, ...]]:
    return [
        item.content.nationalities
        for item in _about_protected(contents)
        if isinstance(item.content, Identity | Description)
    ]


def _minor(contents: Sequence[Content], on: date) -> Minor:
    """`yes` if any victim or missing person is certainly a child, else `unknown` if any may be, else `no`."""
    verdicts = set(_ages(contents, on).values())
    return "yes" if "yes" in verdicts else "unknown" if "unknown" in verdicts else "no"


def _ages(contents: Sequence[Content], on: date) -> dict[str, Minor]:
    """For each victim and missing person, whether he or she is a child."""
    ages: dict[str, Minor] = {}
    for item in _about_protected(contents):
        person = _person(item)
        if person is None:
            continue
        found = _minor_by(item.content, on)
        known = ages.get(person, "unknown")
        # An exact birth date and a band may disagree: a child stays a child.
        ages[person] = "yes" if "yes" in (found, known) else found if known == "unknown" else known
    return ages


def _minor_by(content: Model, on: date) -> Minor:
    if isinstance(content, Identity) and (birth_date := _birth_date(content)):
        span = age_years(birth_date, on)
        if span is None:
            return "unknown"
        youngest, oldest = span
        return "yes" if oldest < ADULT_YEARS else "no" if youngest >= ADULT_YEARS else "unknown"
    if isinstance(content, Description) and content.age_band != "unknown":
        return "yes" if content.age_band in ("0-8", "9-17") else "no"
    return "unknown"


def _birth_date(identity: Identity) -> str | None:
    return identity.birth_date.get_secret_value() if identity.birth_date else None


def _consent(consents: Sequence[Consent], victims: int) -> Consent:
    """The strictest over all victims; a victim of whom nothing is said was not asked, one who refused always counts."""
    unasked: list[Consent] = ["unknown"] * (victims - len(consents))
    return min([*consents, *unasked], key=CONSENT_STRICTEST_FIRST.index, default="not-applicable")


def _route(contents: Sequence[Content]) -> tuple[set[str], set[str], set[str]]:
    """Countries of origin, transit and destination from the legs of journeys, in the order in which they were travelled."""
    origin, transit, destination = set[str](), set[str](), set[str]()
    for item in contents:
        if isinstance(item.content, Journey) and item.content.legs:
            stops = [country for leg in item.content.legs for country in (leg.departure_country, leg.arrival_country)]
            known = [country for country in stops if country]
            if stops[0]:
                origin.add(stops[0])
            if stops[-1]:
                destination.add(stops[-1])
            transit |= set(known) - {stops[0], stops[-1]}
    return origin, transit, destination
