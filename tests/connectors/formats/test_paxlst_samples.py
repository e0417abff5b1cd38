"""The three real shapes of `samples/`, field by field. Sources and licences: samples/SOURCES.md."""

from datetime import date
from pathlib import Path

import pytest

from connectors.formats import paxlst
from connectors.formats.passenger_list import FileNote, Item, Leg, Message, MessageEnd, Passenger, Position
from connectors.formats.records import Note

SAMPLES = Path(__file__).parent / "samples"
TODAY = date(2026, 10, 1)


def items(name: str) -> list[Item]:
    with (SAMPLES / name).open("rb") as stream:
        return list(paxlst.read(stream, today=TODAY))


def document(passenger: Passenger, index: int = 0) -> tuple[str | None, ...]:
    found = passenger.documents[index]
    issuer = (found.issuer.sent, found.issuer.alpha2) if found.issuer else (None, None)
    return found.code, found.number, *issuer, found.expiry


def references(passenger: Passenger) -> dict[str, str]:
    return {r.qualifier: r.value for r in passenger.references}


def test_the_telegram_gives_its_passenger_in_spite_of_address_lines_wraps_and_signature() -> None:
    passenger, end = items("typeb_telegram.txt")

    assert isinstance(passenger, Passenger)
    assert passenger.position == Position(interchange=1, message=1, person=1, segment=12, line=9, byte_offset=369)
    assert (passenger.role, passenger.is_crew) == ("FL", False)
    assert (passenger.surname, passenger.given_names) == ("DJEMFISJER", "REDJAE")
    assert passenger.name_parts == ("DJEMFISJER", "REDJAE")
    assert (passenger.sex, passenger.birth_date) == ("M", "1993-04-08")
    assert [(n.sent, n.alpha2, n.kind) for n in passenger.nationalities] == [("ABC", None, "unknown")]
    assert len(passenger.documents) == 1
    assert document(passenger) == ("P", "3DEJ2ED3E", "LIM", None, "2028-09-07")
    assert (passenger.clearance, passenger.embarkation, passenger.debarkation) == ("VIE", "TBS", "VIE")
    assert references(passenger) == {"AVF": "ABC123", "SEA": "9F"}
    assert passenger.reference("AVF") == "ABC123"
    assert (passenger.bags, passenger.bag_tags) == (0, ())
    assert (passenger.birth_place, passenger.residence, passenger.address) == (None, None, ())
    assert passenger.verified is None
    # Countries that do not exist are noted and stop nothing.
    assert passenger.notes == (Note("country-unknown", "nationality", 20), Note("country-unknown", "issuer", 25))

    assert passenger.message == Message(
        interchange=1,
        number=1,
        reference="PAX001",
        directory="D.05B",
        document_code="745",
        function="",
        action="list",
        sender="CICA-A9",
        own_reference=None,
        part="02",
        legs=(Leg("20", "A92707", "A9", "VIE", "2021-07-13T11:00", "VIE", "2021-07-13T12:00"),),
        notes=(),
    )
    assert isinstance(end, MessageEnd)
    assert (end.passengers, end.bad, end.declared) == (1, 0, 47)
    assert {n.code for n in end.notes} == {"segment-count-differs", "person-count-differs"}


def test_the_list_of_two_legs_gives_both_legs_and_passengers_without_document_or_nationality() -> None:
    michael, cheryl, end = items("two_legs.edi")

    assert isinstance(michael, Passenger)
    assert isinstance(cheryl, Passenger)
    assert michael.message.legs == (
        Leg("20", "AA123", "AA", "ATL", "2007-02-19T15:40", "ORD", "2007-02-19T17:40"),
        Leg("20", "AA124", "AA", "ORD", "2007-02-19T18:40", "JFK", "2007-02-19T19:55"),
    )
    assert michael.message is cheryl.message
    assert michael.message.own_reference == "AJYTR1070219"
    assert (michael.message.sender, michael.message.reference) == ("AIR1", "PAX001")
    assert (michael.message.document_code, michael.message.action) == ("745", "list")

    assert (michael.surname, michael.given_names, michael.sex) == ("CLARK", "MICHAEL", "M")
    assert (michael.birth_date, michael.embarkation, michael.debarkation) == ("1972-09-07", "ATL", "JFK")
    assert references(michael) == {"AVF": "TYR123", "ABO": "ABC123", "AEA": "1234567890ABC", "CR": "20060907NY123"}
    assert (cheryl.surname, cheryl.given_names, cheryl.sex) == ("CLARK", "CHERYL", "F")
    assert (cheryl.birth_date, cheryl.embarkation, cheryl.debarkation) == ("1973-04-07", "ORD", "JFK")
    assert references(cheryl) == {"AVF": "TYR123", "ABO": "TYL009"}
    for passenger in (michael, cheryl):
        assert (passenger.nationalities, passenger.nationality, passenger.documents) == ((), None, ())
        assert (passenger.clearance, passenger.bags, passenger.notes) == (None, None, ())
    assert [(p.position.person, p.position.line) for p in (michael, cheryl)] == [(1, 14), (2, 23)]

    assert isinstance(end, MessageEnd)
    assert (end.passengers, end.bad, end.declared, end.notes) == (2, 0, 2, ())


CREW = [
    ("Steur", "Andrea Pat", "F", "1978-07-06"),
    ("Adomat", "Julie Pat", "F", "1978-07-07"),
    ("Nalek", "Clifton Pat", "M", "1978-07-08"),
    ("Meissener", "Costa Pat", "M", "1978-07-09"),
    ("Pelzing", "Melissa Pat", "F", "1978-07-10"),
    ("Merfort", "Kevin Pat", "M", "1978-07-11"),
    ("Sautter", "Kari Pat", "F", "1978-07-12"),
    ("Zschieschak", "Jaclyn Pat", "F", "1978-07-13"),
]


@pytest.mark.parametrize("index", range(len(CREW)))
def test_the_grouped_interchange_gives_each_of_its_crew(index: int) -> None:
    member = items("grouped_interchange.edi")[index]

    assert isinstance(member, Passenger)
    assert (member.role, member.is_crew) == ("FM", True)
    assert (member.surname, member.given_names, member.sex, member.birth_date) == CREW[index]
    assert [(n.sent, n.alpha2) for n in member.nationalities] == [("GBR", "GB")]
    assert len(member.documents) == 1
    # The crew shares one document number; its expiry's year 61 is still to come.
    assert document(member) == ("P", "123456789", "GBR", "GB", "2061-02-18")
    assert member.residence is not None
    assert member.residence.alpha2 == "GB"
    assert (member.clearance, member.embarkation, member.debarkation) == ("IAD", "FRA", "IAD")
    assert member.birth_place is not None
    assert (member.birth_place.name, member.birth_place.country) == ("Hartford USA", None)
    assert (member.references, member.bags, member.notes) == ((), None, ())
    assert member.position.person == index + 1


def test_the_grouped_interchange_gives_its_flight_and_wrong_control_values_as_notes() -> None:
    found = items("grouped_interchange.edi")

    end, *notes = found[len(CREW) :]
    assert isinstance(end, MessageEnd)
    assert end.message.legs == (Leg("20", "UA0989", "UA", "FRA", "2017-01-27T17:25", "IAD", "2017-01-28T07:10"),)
    assert (end.message.document_code, end.message.function, end.message.action) == ("250", "C", "list")
    assert (end.message.directory, end.message.reference) == ("D.02B", "1402010600")
    assert end.message.sender == "APIS*C3K"
    assert (end.passengers, end.bad, end.declared) == (8, 0, 8)
    assert [n.code for n in end.notes] == ["segment-count-differs"]
    assert [(n.note.code, n.note.field, n.line) for n in notes if isinstance(n, FileNote)] == [
        ("reference-differs", "UNE", 1),
        ("reference-differs", "UNZ", 1),
    ]
