"""Persons compared by names, birth date and nationality: points, reasons, and that a name alone decides nothing."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.customs.errors import Group, measured, shown
from connectors.customs.likeness import FAMILY, GIVEN, NATIONALITY, Likeness, Named, Person, likeness, person
from connectors.customs.reasons import told
from connectors.customs.screening import Rules, compared, screen
from connectors.customs.watchlist import Entry, Matching, WatchList
from hub.model.sections import Narrative
from tests.connectors.customs.test_screening import entry, listed, traveller
from tests.connectors.deliveries import NOW_MS

BORN = "1990-05-17"
HIT = Matching().hit_points


def named(family: str | None, given: str | None = None, born: str | None = BORN, *nations: str) -> Person:
    return person([Named(family, given)], born, nations)


def points(one: Person, other: Person) -> int:
    found = likeness(one, other)
    return found.points if found else 0


def degrees(found: Likeness | None) -> dict[str, str]:
    assert found is not None
    return {part.name: part.degree for part in found.parts}


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        (("GARCIA", "ANA"), ("García López", "Ana")),
        (("GARCIA", "ANA MARIA"), ("García López", "Ana")),
        (("LOPEZ GARCIA", "ANA"), ("García López", "Ana")),
        (("DELACRUZ", "JOSE"), ("de la Cruz", "José")),
        (("CRUZ", "JOSE"), ("de la Cruz", "José")),
        (("DE LA CRUZ PEREZ", "MARIADELCARMEN"), ("Cruz Pérez", "María del Carmen")),
        (("NUNXXEZ", "LUZ"), ("Núñez", "Luz")),
        (("MUELLER", "JURGEN"), ("Müller", "Jürgen")),
        (("GONSALES", "JIMENA"), ("González", "Ximena")),
        (("BALDES", "YOVANI"), ("Valdez", "Llovani")),
        (("CLARKE", "MICHAEL"), ("Clark", "Michael")),
        (("CLARK", "MICHEAL MR"), ("Clark", "Michael")),
        (("CLARK", "MICHAELMR"), ("Clark", "Michael")),
        (("RODRIGUEZ PAZ", "J CARLOS"), ("Rodríguez Paz", "Juan Carlos")),
    ],
)
def test_ways_of_writing_one_name_are_a_hit_with_the_same_birth_date(
    sent: tuple[str, str], known: tuple[str, str]
) -> None:
    assert points(named(*sent), named(*known)) >= HIT
    assert points(named(*known), named(*sent)) >= HIT


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        (("GARCIA LOPEZ", "MARIA LUISA"), ("García López", "María Isabel")),
        (("GARCIA RUIZ", "ANA"), ("García López", "Ana")),
        (("GARCIA", "ANA"), ("Soto", "Ana")),
        (("GARCIA", "ANA"), ("García", "Eva")),
        (("LI", "WEI"), ("Lu", "Wei")),
        (("LOPEZ", "J"), ("López", "Juan")),
    ],
)
def test_relatives_and_others_are_no_hit_though_born_on_one_day(sent: tuple[str, str], known: tuple[str, str]) -> None:
    assert points(named(*sent, BORN, "CO"), named(*known, BORN, "CO")) < HIT


@pytest.mark.parametrize("born", [None, "1990", "1991-05-17", "1990-06", "1990-05-18"])
def test_a_name_alone_has_no_likeness_at_all(born: str | None) -> None:
    one, other = named("García López", "Ana María", BORN, "CO"), named("García López", "Ana María", born, "CO")
    assert likeness(one, other) is None and likeness(other, one) is None


def test_names_and_nationality_cannot_reach_the_lowest_threshold() -> None:
    with pytest.raises(ValueError, match="hit_points"):
        Matching(hit_points=FAMILY + GIVEN + NATIONALITY)


def test_a_month_or_an_exchanged_day_agrees_in_part() -> None:
    whole = named("García López", "Ana", "1990-05-07", "CO")
    assert points(whole, named("García López", "Ana", "1990-05", "CO")) >= HIT
    assert points(whole, named("García López", "Ana", "1990-05")) < HIT  # the nationality is needed then
    assert points(whole, named("García López", "Ana", "1990-07-05")) >= HIT
    assert degrees(likeness(whole, named("García", "Ana", "1990-07-05")))["birth-date"] == "similar"


def test_a_full_name_in_one_part_is_read_in_every_common_order() -> None:
    for full in ("Ana María García López", "García López Ana María", "GARCIA LOPEZ, ANA MARIA"):
        assert points(person([Named(full=full)], BORN), named("García López", "Ana María")) == 95


def test_the_reasons_name_parts_and_repeat_no_value() -> None:
    found = likeness(named("GARSIA", "ANA", "1990-05", "CO"), named("García López", "Ana", BORN, "VE"))
    assert degrees(found) == {
        "family-name-1": "similar",
        "family-name-2": "missing",
        "given-name": "same",
        "birth-date": "similar",
        "nationality": "differs",
    }
    words = told(found)
    assert "family name 1: similar" in words and "segundo apellido: falta en una parte" in words
    assert "birth date: agrees in part" in words
    assert not any(value in words.upper() for value in ("GARSIA", "GARCÍA", "LÓPEZ", "ANA", "1990"))
    assert "GARC" not in repr(named("García", "Ana")).upper() + repr(Named("García"))


def test_a_hit_by_likeness_is_doubtful_until_it_is_likely_and_says_why() -> None:
    def hit(family: str, *nations: str) -> tuple[str, str]:
        known = entry(names=(Named(family, "Michael"),), birth_date="1972-09-07", nationalities=frozenset(nations))
        (alert,) = screen(listed([traveller(number=None)]), WatchList([known]), Rules(), NOW_MS)
        (narrative,) = [each.content for each in alert.contents if isinstance(each.content, Narrative)]
        return alert.draft.label.credibility, narrative.text.get_secret_value()

    assert hit("Clarke")[0] == "4"
    credibility, words = hit("Clarke", "CO")
    assert credibility == "3" and "Points: 93 of 100" in words and "nationality: same" in words
    assert "CLARK" not in words.upper()


def test_the_profile_sets_from_how_many_points_there_is_a_hit() -> None:
    known = [entry(names=(Named("Clarke", "Michael"),), birth_date="1972-09-07")]
    people = listed([traveller(number=None)])
    assert len(list(screen(people, WatchList(known), Rules(), NOW_MS))) == 1
    assert list(screen(people, WatchList(known, Matching(hit_points=95)), Rules(), NOW_MS)) == []


letters = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
dates = st.sampled_from([None, "1990", "1990-05", BORN, "1990-12-05", "1990-05-12"])


@given(letters, letters, dates, letters, letters, dates)
def test_likeness_is_the_same_from_both_sides_and_at_most_100(
    family: str, given_name: str, born: str | None, other_family: str, other_given: str, other_born: str | None
) -> None:
    one, other = named(family, given_name, born), named(other_family, other_given, other_born)
    assert points(one, other) == points(other, one) <= 100


@given(st.lists(st.tuples(st.sampled_from(["Núñez", "Nunez", "Gómez", "de la O"]), dates), max_size=8))
def test_blocks_hide_nobody_who_would_be_a_hit(known: list[tuple[str, str | None]]) -> None:
    entries = [
        Entry(f"e{n}", "suspect", birth_date=born, names=(Named(family, "Ana"),))
        for n, (family, born) in enumerate(known)
    ]
    watch = WatchList(entries)
    for born in (BORN, "1990-05", "1990-12-05"):
        someone = named("NUNEZ", "ANA", born)
        found = {match.entry.id for match in watch.matches([], frozenset(), born, NOW_MS, someone)}
        assert found == {each.id for each in entries if points(someone, each.person) >= HIT}


FAMILIES = (
    "García",
    "López",
    "Pérez",
    "Rodríguez",
    "Gómez",
    "Núñez",
    "Vega",
    "Soto",
    "Cruz",
    "Castillo",
    "Muñoz",
    "Chen",
)
GIVENS = ("Ana", "Luz", "María", "José", "Juan", "Carlos", "Luis", "Elena", "Rosa", "Marta", "Iván", "Pedro", "Eva")


def many(count: int, seed: int) -> list[Any]:
    chosen = random.Random(seed)
    return [
        (
            f"{chosen.choice(FAMILIES)} {chosen.choice(FAMILIES)}",
            f"{chosen.choice(GIVENS)} {chosen.choice(GIVENS)}",
            f"{chosen.randint(1950, 2010)}-{chosen.randint(1, 12):02d}-{chosen.randint(1, 28):02d}",
        )
        for _ in range(count)
    ]


def test_each_of_five_thousand_travellers_is_compared_with_a_handful_of_ten_thousand_entries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from connectors.customs import watchlist

    comparisons = 0

    def counted(one: Person, other: Person) -> Likeness | None:
        nonlocal comparisons
        comparisons += 1
        return likeness(one, other)

    monkeypatch.setattr(watchlist, "likeness", counted)
    entries = [
        Entry(f"e{number}", "suspect", birth_date=born, names=(Named(family, given_name),))
        for number, (family, given_name, born) in enumerate(many(10_000, 1))
    ]
    watch = WatchList(entries)
    sought = [named(each.names[0].family, each.names[0].given, each.birth_date) for each in entries[:100]]
    travellers = [named(*each) for each in many(4_900, 2)]
    found = [watch.matches([], frozenset(), each.birth_date, NOW_MS, each) for each in (*sought, *travellers)]
    assert all(found[:100])
    assert comparisons < 5 * 5_000


def test_errors_are_counted_by_nationality_and_sex_and_name_nobody() -> None:
    known = entry(names=(Named("Clark", "Michael"),), birth_date="1972-09-07")
    people = listed(
        [
            traveller("CLARKE", "MICHAEL", None),  # found by mistake, as it is said
            traveller("CLARK", "MICHAEL", None),
            traveller("KLARK", "MAIKEL", None, birth="720908"),  # missed
            *(traveller("NOBODY", f"KNOWN{letter}", None) for letter in "ABC"),
        ]
    )
    truth = {("CLARK", "MICHAEL"), ("KLARK", "MAIKEL")}
    (errors,) = measured([people], WatchList([known]), lambda each: (each.surname, each.given_names) in truth, NOW_MS)
    assert errors.group == Group("CO", "M")
    assert (errors.screened, errors.sought, errors.missed, errors.mistaken) == (6, 2, 1, 1)
    assert list(shown([errors])) == [] and list(shown([errors], least=6)) == [errors]


def test_a_traveller_without_a_family_name_is_compared_by_what_there_is() -> None:
    (passenger,) = listed([traveller("", "ANA GARCIA", None, birth="900517")]).passengers
    assert points(compared(passenger), named("García", "Ana")) >= HIT
