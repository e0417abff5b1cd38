"""A passenger list screened: hits by document or by name and birth date, and three indicators."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.customs.connector import BadOptions, CustomsOptions, CustomsSource, load_rules
from connectors.customs.screening import KNOWN_ROUTE, NOT_RELATED, UNACCOMPANIED, PassengerList, Rules, screen
from connectors.customs.watchlist import Entry, WatchList
from connectors.formats.names import document_key, name_keys
from connectors.sdk import Alert, BadRecord, Cancel, Label, Provenance, Read, Reference
from connectors.sdk.convert import converted
from hub.model.sections import Identity, Journey
from hub.model.text import to_json
from tests.connectors.deliveries import ALERT, KEY, NOW_MS
from tests.connectors.formats import lists

WANTED = Label.model_validate(
    {"class": "wanted-person", "purposes": ["investigation"], "tlp": "RED", "handling": ["H1", "H2"]}
)
Segments = list[tuple[str, lists.Elements]]


def traveller(
    surname: str = "CLARK",
    given: str = "MICHAEL",
    number: str | None = "X1234567",
    birth: str = "720907",
    role: str = "FL",
    booking: str | None = "TYR123",
    places: tuple[str, str] = ("BOG", "PTY"),
) -> Segments:
    """A person of a list, in a booking of its own if it has none in common."""
    segments: Segments = []
    for tag, elements in lists.person(surname, given, number, birth, role):
        if tag == "RFF":
            if booking is not None:
                segments.append(("RFF", (("AVF", booking),)))
        elif tag == "LOC" and elements[0] in ("178", "179"):
            segments.append((tag, (elements[0], places[elements[0] == "179"])))
        else:
            segments.append((tag, elements))
    return segments


def listed(people: Iterable[Segments], bgm: lists.Elements = ("745",)) -> PassengerList:
    items = lists.read(lists.interchange(lists.message(people, bgm)))
    found = lists.passengers(items)
    return PassengerList(found[0].message, tuple(found))


def entry(identifier: str = "e1", **fields: Any) -> Entry:
    given: dict[str, Any] = {"sought": "suspect", "provenance": Provenance(Reference(alert=ALERT, revision=3), WANTED)}
    return Entry(identifier, **{**given, **fields})


def screened(
    people: Iterable[Segments], *entries: Entry, rules: Rules | None = None, now_ms: int = NOW_MS
) -> list[Alert]:
    return list(screen(listed(people), WatchList(entries), rules or Rules(), now_ms))


def persons(alert: Alert, category: str) -> list[str]:
    found = []
    for each in alert.contents:
        if each.category == category:
            assert isinstance(each.content, Identity)
            found += [name.given.get_secret_value() for name in each.content.names if name.given]
    return found


BY_DOCUMENT = entry(documents=frozenset({"X1234567"}))
BY_NAME = entry(name_keys=name_keys("Clark", "Michael"), birth_date="1972-09-07")
CHILD: dict[str, Any] = {"birth": "150310"}


def test_a_document_number_finds_its_holder_however_it_is_written() -> None:
    for written in ("X1234567", "x1234567", "X 1234567", "X-123.4567"):
        (alert,) = screened([traveller("OTHER", "NAME", written)], BY_DOCUMENT)
        assert alert.draft.label.class_ == "wanted-person"
        assert alert.draft.label.credibility == "2"


def test_a_full_name_and_birth_date_find_a_person_without_document() -> None:
    (alert,) = screened([traveller(number=None)], BY_NAME)
    assert alert.draft.label.credibility == "3"
    assert persons(alert, "suspect.identity") == ["MICHAEL"]


@pytest.mark.parametrize(
    "near",
    [
        {"birth": "720908"},
        {"birth": "7209"},
        {"birth": "1972"},
        {"surname": "CLARKE"},
        {"given": "MICHEL"},
        {"given": "MICHAEL JOHN"},
        {"surname": "", "given": "CLARK"},
    ],
)
def test_what_is_only_near_is_not_found_by_keys(near: dict[str, Any]) -> None:
    assert screened([traveller(number="Y9", **near)], BY_NAME) == []


def test_one_person_by_both_keys_is_one_hit_by_document() -> None:
    both = entry(documents=BY_DOCUMENT.documents, name_keys=BY_NAME.name_keys, birth_date=BY_NAME.birth_date)
    (alert,) = screened([traveller()], both)
    assert alert.draft.label.credibility == "2"


def test_a_hit_names_the_delivery_it_rests_on_and_inherits_its_limits() -> None:
    provenance = Provenance(Reference(alert=ALERT, revision=3), WANTED, ("attorney-general", "customs"))
    people, watch = listed([traveller()]), WatchList([entry(documents=BY_DOCUMENT.documents, provenance=provenance)])

    class Screened:
        def read(self, after: str | None) -> Iterable[Read[PassengerList]]:
            return [Read(people, "")]

        def alerts(self, native: PassengerList) -> Iterable[Alert]:
            return screen(native, watch, Rules(), NOW_MS)

        def settled(self, position: str) -> None: ...

    ((made, _),) = converted(Screened(), agency="customs", now_ms=NOW_MS, key=KEY)  # type: ignore[arg-type]
    assert made is not None
    assert made.core.label.tlp == "RED" and made.core.label.handling == ("H1", "H2")
    assert made.routing.derived_from == (Reference(alert=ALERT, revision=3),)
    assert made.routing.releasable_to == ("attorney-general", "customs")


def test_an_entry_that_has_ended_finds_nobody() -> None:
    ended = entry(documents=BY_DOCUMENT.documents, until_ms=NOW_MS)
    assert screened([traveller()], ended) == []


def test_a_missing_person_is_found_as_one_who_is_missing_not_as_a_suspect() -> None:
    (alert,) = screened([traveller()], entry(sought="missing", documents=BY_DOCUMENT.documents))
    assert alert.draft.label.class_ == "missing-person"
    assert "search" in alert.draft.label.purposes
    assert [each.category for each in alert.contents if each.category.endswith("identity")] == ["missing.identity"]


def test_crew_that_share_a_document_are_found_each_for_himself() -> None:
    crew = [traveller("ONE", "A", "CREW77", role="FM"), traveller("TWO", "B", "CREW77", role="FM")]
    found = screened(crew, entry(documents=frozenset({"CREW77"})))
    assert [persons(alert, "suspect.identity") for alert in found] == [["A"], ["B"]]
    assert len({alert.key for alert in found}) == 2


def test_the_same_person_on_the_same_flight_keeps_the_key_though_the_name_is_written_anew() -> None:
    (first,) = screened([traveller("CLARK", "MICHAEL")], BY_DOCUMENT)
    (second,) = screened([traveller("CLARK", "MICHAELMR"), traveller("X", "Y", "Z1")], BY_DOCUMENT)
    assert first.key == second.key


def test_a_child_alone_is_a_question_about_a_child_who_may_be_a_victim() -> None:
    (alert,) = screened([traveller("ROE", "KID", booking="B1", **CHILD), traveller(booking="B2")])
    assert alert.draft.facts.indicators == (UNACCOMPANIED,)
    assert persons(alert, "victim.identity") == ["KID"]
    assert (alert.draft.label.reliability, alert.draft.label.credibility) == ("F", "6")


@pytest.mark.parametrize(
    "adult",
    [
        {"surname": "ROE", "booking": "B2"},
        {"surname": "DOE ROE", "booking": "B2"},
        {"surname": "DOE-ROE", "booking": "B2"},
        {"surname": "CLARK", "booking": "B1"},
        {"surname": "ROE", "booking": None},
    ],
)
def test_a_child_with_an_adult_of_its_name_or_booking_is_not_alone(adult: dict[str, Any]) -> None:
    assert screened([traveller("ROE", "KID", booking="B1", **CHILD), traveller(number="A2", **adult)]) == []


def test_somebody_whose_age_is_unknown_counts_as_the_adult_and_never_as_the_child() -> None:
    child, unknown = traveller("ROE", "KID", booking="B1", **CHILD), traveller(booking="B1", birth="000000")
    assert screened([child, unknown]) == []
    assert screened([unknown]) == []


def test_a_year_that_leaves_both_open_is_no_child() -> None:
    turning = datetime.fromtimestamp(NOW_MS / 1000, UTC).year - 18
    assert screened([traveller("ROE", "KID", booking="B1", birth=f"{turning}0000")]) == []


def test_crew_are_neither_children_alone_nor_their_adults() -> None:
    assert screened([traveller("ROE", "KID", booking="B1", role="FM", **CHILD)]) == []
    (alert,) = screened(
        [traveller("ROE", "KID", booking="B1", **CHILD), traveller("ROE", "OLD", role="FM", booking="B1")]
    )
    assert alert.draft.facts.indicators == (UNACCOMPANIED,)


def children(count: int, surname: str = "ROE") -> list[Segments]:
    return [traveller(surname, f"KID{n}", f"K{n}9", booking="B1", **CHILD) for n in range(count)]


@pytest.mark.parametrize(
    ("count", "surname", "found"), [(1, "ROE", 0), (2, "ROE", 1), (2, "CLARK", 0), (3, "CLARK", 1)]
)
def test_several_children_with_one_adult_are_a_question_sooner_if_they_do_not_share_the_name(
    count: int, surname: str, found: int
) -> None:
    alerts = screened([*children(count, surname), traveller(booking="B1")])
    assert len(alerts) == found
    for alert in alerts:
        assert alert.draft.facts.indicators == (NOT_RELATED,)
        assert len(persons(alert, "victim.identity")) == count
        assert persons(alert, "suspect.identity") == ["MICHAEL"]


def test_several_children_with_two_adults_are_no_question() -> None:
    adults = [traveller(booking="B1"), traveller("STONE", "JO", "S12", booking="B1")]
    assert screened([*children(4), *adults]) == []


def test_the_numbers_of_children_are_the_rules() -> None:
    people = [*children(2), traveller(booking="B1")]
    assert screened(people, rules=Rules(unrelated_children_with_one_adult=3)) == []


def route(*places: str) -> Rules:
    return Rules.model_validate({"routes": [{"id": "R9", "places": places}]})


@pytest.mark.parametrize("places", [("BOG", "PTY"), ("CO", "PA"), ("CO", "PTY"), ("BOG",)])
def test_a_named_route_is_found_by_airport_and_by_country_and_names_nobody(places: tuple[str, ...]) -> None:
    (alert,) = screened([traveller(), traveller("STONE", "JO", "S12")], rules=route(*places))
    assert alert.draft.facts.indicators == (KNOWN_ROUTE,)
    assert not [each for each in alert.contents if "identity" in each.category]
    text = json.dumps([to_json(each.content) for each in alert.contents])
    assert "CLARK" not in text and "STONE" not in text and "2 viajeros" in text


@pytest.mark.parametrize("places", [("PTY", "BOG"), ("BOG", "MIA"), ("BOG", "PTY", "PTY")])
def test_another_order_or_another_place_is_not_the_route(places: tuple[str, ...]) -> None:
    assert screened([traveller()], rules=route(*places)) == []


def test_a_profile_names_no_routes_by_default() -> None:
    assert load_rules(None).routes == ()


@pytest.mark.parametrize("text", ["routes: 5", "[", "unknown_rule: 1"])
def test_rules_that_are_none_are_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises(BadOptions, match=r"rules\.yaml: not screening rules"):
        load_rules(path)
    with pytest.raises(BadOptions):
        load_rules(tmp_path / "missing.yaml")


def test_a_list_of_those_who_do_not_travel_cancels_what_it_would_have_raised(tmp_path: Path) -> None:
    csv = tmp_path / "own.csv"
    csv.write_text("document_number,name,birth_date\nX1234567,,\n")
    keys = []
    for bgm, kind in ((("745",), Alert), (("745", "XR"), Cancel)):
        path = tmp_path / "list.edi"
        path.write_text(lists.interchange(lists.message([traveller()], bgm)))
        source = CustomsSource(CustomsOptions(files=(path,), watchlist=csv))
        read = [each for each in source.read(None) if isinstance(each, Read) and each.native]
        (found,) = source.alerts(read[0].native)
        assert isinstance(found, kind)
        keys.append(found.key)
    assert keys[0] == keys[1]


def test_the_own_list_is_read_again_when_it_was_written_again(tmp_path: Path) -> None:
    csv, path = tmp_path / "own.csv", tmp_path / "list.edi"
    path.write_text(lists.interchange(lists.message([traveller()])))
    csv.write_text("document_number,name,birth_date\nOTHER99,,\nbad,,1\n")
    source = CustomsSource(CustomsOptions(files=(path,), watchlist=csv))

    def hits() -> tuple[int, int]:
        read = list(source.read(None))
        alerts = [alert for each in read if isinstance(each, Read) for alert in source.alerts(each.native)]
        return len(alerts), sum(isinstance(each, BadRecord) and each.level == "bad" for each in read)

    assert hits() == (0, 1)
    assert hits() == (0, 0)
    csv.write_text("document_number,name,birth_date\nX1234567,,\n")
    assert hits() == (1, 0)
    csv.unlink()
    with pytest.raises(BadOptions, match="cannot be read"):
        hits()


hostile = st.text(st.characters(exclude_characters="+:'?\r\n", exclude_categories=["Cs"]), max_size=300)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(hostile, hostile, hostile, hostile, hostile, st.sampled_from(["150310", "720907", "99", "000000", "31129"]))
def test_whatever_an_airline_writes_nobody_of_the_list_is_lost(
    tmp_path: Path, surname: str, given_names: str, number: str, booking: str, place: str, birth: str
) -> None:
    odd = traveller(surname, given_names, number, birth, "FL", booking, (place, "PTY"))
    path = tmp_path / "list.edi"
    path.write_bytes(lists.interchange(lists.message([odd, traveller()]), syntax="UNOY").encode())
    csv = tmp_path / "own.csv"
    csv.write_text(f"document_number,name,birth_date\nX1234567,,\n{document_key(number) or 'Q1'},,\n")
    source = CustomsSource(CustomsOptions(files=(path,), watchlist=csv))
    alerts, bad = [], []
    for alert, trouble in converted(source, agency="customs", now_ms=NOW_MS, key=KEY):
        if alert is not None:
            alerts.append(alert)
        elif trouble is not None and trouble.level == "bad":
            bad.append(trouble)
    assert [alert for alert in alerts if alert.core.label.class_ == "suspected-transit"]
    assert all("cannot be said" not in each.reason for each in bad)


def test_a_journey_keeps_the_legs_that_the_traveller_flies() -> None:
    (alert,) = screened([traveller()], BY_DOCUMENT)
    journeys = [each.content for each in alert.contents if isinstance(each.content, Journey)]
    (leg,) = journeys[0].legs
    assert (leg.departure_place, leg.departure_country, leg.arrival_place) == ("BOG", "CO", "PTY")
