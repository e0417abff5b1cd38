"""What of an alert is derived from its sections: counts, countries, ages, consent, descriptions, circumstances."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.model import codes
from hub.model.core import Label, Reference, Routing
from hub.model.derive import Facts, MustSplit, age_band, age_years, circumstances, derive
from hub.model.sections import (
    Care,
    Circumstances,
    Contact,
    Content,
    Description,
    Identity,
    Image,
    Informant,
    Journey,
    Leg,
    MissingIdentity,
    Narrative,
    SuspectIdentity,
    Witness,
)
from tests.model import strategies as made

TODAY = date(2026, 11, 24)
LABEL = Label(class_="suspected-transit", purposes=("investigation",))


def derived(*contents: Content, on: date = TODAY, **facts: Any) -> tuple[Routing, dict[str, list[Any]]]:
    """The routing block, and the completed contents by category."""
    routing, completed = derive(LABEL, contents, Facts(**facts), on)
    by_category: dict[str, list[Any]] = {}
    for item in completed:
        by_category.setdefault(item.category, []).append(item.content)
    return routing, by_category


def victim(person: str = "v1", **fields: Any) -> Content:
    return Content("victim.identity", Identity(person=person, **fields))


def missing(person: str = "m1", **fields: Any) -> Content:
    return Content("missing.identity", MissingIdentity(person=person, **fields))


def suspect(person: str = "s1", **fields: Any) -> Content:
    return Content("suspect.identity", SuspectIdentity(person=person, **fields))


def described(person: str, age: str, category: str = "victim.description") -> Content:
    return Content(category, Description.model_validate({"person": person, "age_band": age}))


def test_persons_are_counted_once_however_many_sections_tell_of_them() -> None:
    routing, _ = derived(
        victim("v1"),
        Content("victim.contact", Contact(person="v1")),
        Content("victim.care", Care(person="v2")),
        Content("victim.image", Image(person="v3", jpeg=made.BARE_JPEG)),
        suspect("s1"),
        described("s1", "48+", "suspect.description"),
        missing("m1"),
    )
    assert (routing.victims, routing.suspects, routing.missing) == (3, 1, 1)


def test_witnesses_and_informants_are_not_counted() -> None:
    routing, completed = derived(
        Content("witness.identity", Witness(person="w1", birth_date="2015-01-01", nationalities=("CR",))),
        Content("informant", Informant(person="i1")),
    )
    assert (routing.victims, routing.suspects, routing.missing) == (0, 0, 0)
    assert (routing.minor, routing.nationality, routing.consent) == ("no", (), "not-applicable")
    assert set(completed) == {"witness.identity", "informant", "circumstances"}


def test_nationalities_are_those_of_victims_and_missing_persons_only() -> None:
    routing, completed = derived(
        suspect(nationalities=("US",)),
        victim(nationalities=("VE", "CO")),
        missing(nationalities=("CO", "PA")),
        Content("victim.description", Description(person="v2", nationalities=("HT",))),
        Content("witness.identity", Witness(person="w1", nationalities=("CR",))),
    )
    assert routing.nationality == ("CO", "HT", "PA", "VE")
    assert completed["circumstances"][0].nationality == routing.nationality


@pytest.mark.parametrize(
    ("contents", "minor"),
    [
        ([], "no"),
        ([victim(birth_date="2010-05-01")], "yes"),
        ([victim(birth_date="1990-05-01")], "no"),
        ([victim()], "unknown"),
        ([victim(birth_date="2008")], "unknown"),
        ([victim(birth_date="2008-11")], "unknown"),
        ([victim(birth_date="2008-12")], "yes"),
        ([victim(birth_date="2008-10")], "no"),
        ([victim(birth_date="2009")], "yes"),
        ([victim(birth_date="2027-01-01")], "unknown"),
        ([victim("v1", birth_date="1990"), victim("v2")], "unknown"),
        ([victim("v1", birth_date="1990"), victim("v2"), missing(birth_date="2015-01-01")], "yes"),
        ([missing(birth_date="2015-01-01")], "yes"),
        ([suspect(birth_date="2015-01-01")], "no"),
        ([described("v1", "9-17")], "yes"),
        ([described("v1", "18-20")], "no"),
        ([described("v1", "unknown")], "unknown"),
        ([victim(birth_date="2008"), described("v1", "18-20")], "no"),
        ([victim(birth_date="1990-01-01"), described("v1", "9-17")], "yes"),
        ([victim(birth_date="2015-01-01"), described("v1", "21-23")], "yes"),
        ([Content("victim.care", Care(person="v1"))], "unknown"),
    ],
)
def test_minor_is_yes_for_any_certain_child_and_unknown_where_one_may_be(contents: list[Content], minor: str) -> None:
    for order in (contents, contents[::-1]):
        assert derived(*order)[0].minor == minor


@pytest.mark.parametrize(
    ("birth_date", "on", "span"),
    [
        ("2008-11-24", date(2026, 11, 23), (17, 17)),
        ("2008-11-24", date(2026, 11, 24), (18, 18)),
        ("2008-02-29", date(2026, 2, 28), (17, 17)),
        ("2008-02-29", date(2026, 3, 1), (18, 18)),
        ("2008-02-29", date(2028, 2, 29), (20, 20)),
        ("2008", date(2026, 1, 1), (17, 18)),
        ("2008", date(2026, 12, 31), (18, 18)),
        ("2008-04", date(2026, 3, 31), (17, 17)),
        ("2008-04", date(2026, 4, 1), (17, 18)),
        ("2008-04", date(2026, 4, 30), (18, 18)),
        ("2008-02", date(2028, 2, 29), (20, 20)),
        ("2026", date(2026, 6, 1), (0, 0)),
        ("2026-11-25", date(2026, 11, 24), None),
        ("2027", date(2026, 11, 24), None),
    ],
)
def test_ages_are_full_years_on_the_day_and_a_span_where_the_date_is_partial(
    birth_date: str, on: date, span: tuple[int, int] | None
) -> None:
    assert age_years(birth_date, on) == span


@given(st.dates(date(1900, 1, 1), date(2026, 11, 24)), st.dates(date(2026, 11, 24), date(2050, 1, 1)))
def test_a_partial_date_leaves_every_age_that_the_whole_one_may_have(born: date, on: date) -> None:
    exact = age_years(born.isoformat(), on)
    assert exact is not None and exact[0] == exact[1]
    month, year = age_years(f"{born:%Y-%m}", on), age_years(f"{born:%Y}", on)
    assert month is not None and year is not None
    assert year[0] <= month[0] <= exact[0] <= month[1] <= year[1] <= year[0] + 1
    for partial in (f"{born:%Y-%m}", f"{born:%Y}"):
        assert age_band(partial, on) in ("unknown", age_band(born.isoformat(), on))


BANDS = {
    "0-8": (0, 8),
    "9-17": (9, 17),
    "18-20": (18, 20),
    "21-23": (21, 23),
    "24-26": (24, 26),
    "27-29": (27, 29),
    "30-38": (30, 38),
    "39-47": (39, 47),
    "48+": (48, 99),
}


@pytest.mark.parametrize(("age", "band"), [(age, band) for band, ages in BANDS.items() for age in ages])
def test_age_bands_are_those_of_the_counter_trafficking_data_collaborative(age: int, band: str) -> None:
    assert age_band(f"{2026 - age}-11-24", TODAY) == band


def test_a_description_never_tells_more_of_a_birth_date_than_a_band() -> None:
    _, completed = derived(victim(birth_date="2008"), suspect(birth_date="1980-02-03"), missing(birth_date="2030"))
    assert [item.age_band for item in completed["victim.description"]] == ["unknown"]
    assert [item.age_band for item in completed["suspect.description"]] == ["39-47"]
    assert [item.age_band for item in completed["missing.description"]] == ["unknown"]


def test_descriptions_are_made_for_whoever_has_none() -> None:
    given_description = Content("victim.description", Description(person="v1", age_band="30-38", role="passenger"))
    _, completed = derived(
        victim("v1", birth_date="1990-01-01", sex="female"),
        victim("v2", birth_date="2010-01-01", sex="male", nationalities=("CO",)),
        suspect("s1", sex="other"),
        missing("m1"),
        given_description,
    )
    assert completed["victim.description"] == [
        given_description.content,
        Description(person="v2", age_band="9-17", sex="male", nationalities=("CO",)),
    ]
    assert completed["suspect.description"] == [Description(person="s1", sex="other")]
    assert completed["missing.description"] == [Description(person="m1")]


@pytest.mark.parametrize(
    ("persons", "consents", "consent"),
    [
        (0, (), "not-applicable"),
        (1, (), "unknown"),
        (1, ("given",), "given"),
        (1, ("withheld",), "withheld"),
        (2, ("given",), "unknown"),
        (2, ("given", "given"), "given"),
        (2, ("given", "withheld"), "withheld"),
        (2, ("withheld",), "withheld"),
        (2, ("unknown", "withheld"), "withheld"),
        (1, ("given", "withheld"), "withheld"),
        (0, ("withheld",), "withheld"),
        (1, ("not-applicable",), "not-applicable"),
    ],
)
def test_consent_is_the_strictest_over_all_victims(persons: int, consents: tuple[str, ...], consent: str) -> None:
    victims = [victim(f"v{number}") for number in range(1, persons + 1)]
    assert derived(*victims, consents=consents)[0].consent == consent


def test_consent_is_not_asked_of_missing_persons_and_suspects() -> None:
    assert derived(missing(), suspect())[0].consent == "not-applicable"


SENSITIVE, ORDINARY = "G05", "G01"


@pytest.mark.parametrize(
    ("victims", "missing_persons", "shown"),
    [
        (0, 0, True),
        (1, 0, False),
        (0, 1, False),
        (2, 0, True),
        (0, 2, True),
        (1, 1, False),
        (1, 5, False),
        (2, 2, True),
    ],
)
def test_circumstances_keep_sensitive_indicators_back_where_they_tell_of_one_person(
    victims: int, missing_persons: int, shown: bool
) -> None:
    routing = Routing(label=LABEL, victims=victims, missing=missing_persons, indicators=(ORDINARY, SENSITIVE))
    assert circumstances(routing).indicators == ((ORDINARY, SENSITIVE) if shown else (ORDINARY,))


@settings(max_examples=50)
@given(made.routings())
def test_circumstances_tell_what_the_routing_block_says_and_never_enlaces_own_indicators(routing: Routing) -> None:
    routing = routing.model_copy(update={"indicators": (*routing.indicators, *sorted(codes.OWN_INDICATORS))})
    told = circumstances(routing)
    assert not codes.OWN_INDICATORS & set(told.indicators)
    for name in Circumstances.model_fields:
        if name != "indicators":
            assert getattr(told, name) == getattr(routing, name)


def test_circumstances_that_a_connector_gave_are_replaced_by_derived_ones() -> None:
    _, completed = derived(Content("circumstances", Circumstances(victims=9, indicators=("XEN-01",))), victim())
    assert completed["circumstances"] == [Circumstances(victims=1)]


def leg(departure: str | None, arrival: str | None) -> Leg:
    return Leg(departure_country=departure, arrival_country=arrival)


@pytest.mark.parametrize(
    ("legs", "origin", "transit", "destination"),
    [
        ([], (), (), ()),
        ([leg("CO", "PA")], ("CO",), (), ("PA",)),
        ([leg("VE", "CO"), leg("CO", "PA"), leg("PA", "US")], ("VE",), ("CO", "PA"), ("US",)),
        ([leg("PA", "CO"), leg("CO", "PA")], ("PA",), ("CO",), ("PA",)),
        ([leg(None, "PA"), leg("PA", "US")], (), ("PA",), ("US",)),
        ([leg("CO", "PA"), leg("PA", None)], ("CO",), ("PA",), ()),
        ([leg(None, None)], (), (), ()),
    ],
)
def test_countries_of_the_route_are_those_of_the_journeys_legs(
    legs: list[Leg], origin: tuple[str, ...], transit: tuple[str, ...], destination: tuple[str, ...]
) -> None:
    routing, completed = derived(Content("journey", Journey(legs=tuple(legs))))
    assert (routing.origin, routing.transit, routing.destination) == (origin, transit, destination)
    assert completed["circumstances"][0].transit == transit


def test_countries_that_the_connector_knows_are_added_to_those_of_the_journey() -> None:
    routing, _ = derived(Content("journey", Journey(legs=(leg("CO", "PA"),))), origin=("VE", "CO"), transit=("CR",))
    assert (routing.origin, routing.transit, routing.destination) == (("CO", "VE"), ("CR",), ("PA",))


@settings(max_examples=50)
@given(st.lists(made.any_contents, max_size=5), st.permutations(range(3)))
def test_the_order_of_facts_changes_no_byte_and_nothing_given_is_lost(
    contents: list[Content], order: list[int]
) -> None:
    references = [Reference(alert=uuid.UUID(int=9), revision=number) for number in (1, 2, 1)]
    indicators = ["G01", "C03", "G01"]
    one = derive(LABEL, contents, Facts(indicators=tuple(indicators), derived_from=tuple(references)), TODAY)
    shuffled = Facts(
        indicators=tuple(indicators[at] for at in order), derived_from=tuple(references[at] for at in order)
    )
    assert derive(LABEL, contents, shuffled, TODAY) == one
    routing, completed = one
    assert routing.label == LABEL and routing.indicators == ("C03", "G01")
    assert [item.revision for item in routing.derived_from] == [1, 2]
    assert [item.category for item in completed] == sorted(item.category for item in completed)
    for item in contents:
        assert item.category == "circumstances" or item in completed


def test_a_narrative_alone_counts_nobody() -> None:
    routing, completed = derived(Content("narrative", Narrative(text="algo pasó")))
    assert routing == Routing(label=LABEL, minor="no", consent="not-applicable")
    assert set(completed) == {"narrative", "circumstances"}


def test_an_adult_who_refused_and_a_child_do_not_stand_in_one_alert() -> None:
    adult = Content("victim.description", Description(person="v1", age_band="24-26"))
    child = Content("victim.description", Description(person="v2", age_band="9-17"))
    unknown = Content("victim.description", Description(person="v3"))
    for other in (child, unknown):
        with pytest.raises(MustSplit, match="two alerts"):
            derive(LABEL, [adult, other], Facts(consents=("withheld",)), TODAY)
    derive(LABEL, [adult], Facts(consents=("withheld",)), TODAY)
    derive(LABEL, [child, unknown], Facts(consents=("withheld",)), TODAY)
    derive(LABEL, [adult, child], Facts(consents=("given", "unknown")), TODAY)
