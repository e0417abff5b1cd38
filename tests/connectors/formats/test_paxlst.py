"""Passenger lists as senders really make them: habits, wrong values, messages of other kinds."""

from io import BytesIO

import pytest

from connectors.formats import paxlst
from connectors.formats.passenger_list import Passenger
from tests.connectors.formats.lists import (
    TODAY,
    Elements,
    Marks,
    bad,
    ends,
    file_notes,
    interchange,
    message,
    note_codes,
    passengers,
    person,
    read,
    who,
    wrap,
)

MARKS = [
    Marks(reserved="*"),
    Marks(element="*", terminator="$"),
    Marks(component="-", element="*", terminator="#", release="\\"),
    Marks(component="\x1f", element="\x1d", terminator="\x1c", release="?"),
    Marks(decimal=",", release="!", terminator="~"),
    Marks(terminator="\n"),
]


def one(*segments: tuple[str, Elements]) -> Passenger:
    """The one passenger of a list whose person has these segments after its NAD."""
    nad: tuple[str, Elements] = ("NAD", ("FL", "", "", ("CLARK", "MICHAEL")))
    (found,) = passengers(read(interchange(message([[nad, *segments]]))))
    return found


@pytest.mark.parametrize("marks", MARKS)
def test_other_service_characters_give_the_same_passengers(marks: Marks) -> None:
    people = [person(), person("O'NEIL+SON", "ANA?", None)]
    expected = who(read(interchange(message(people))))

    found = read(interchange(message(people), marks))

    assert who(found) == expected
    assert bad(found) == []
    assert len(expected) == 2


@pytest.mark.parametrize("marks", [Marks(), *MARKS[:3]])
def test_without_una_the_service_characters_are_learned_from_the_interchange_itself(marks: Marks) -> None:
    text = interchange(message([person()]), marks, una=False)
    if marks.release != "?":
        text = text.replace(marks.release, "?")

    assert who(read(text)) == who(read(interchange(message([person()]))))


def test_a_telegram_with_other_service_characters_is_read() -> None:
    text = interchange(message([person(), person("PEREZ", "LUISMR", "A-99")]), Marks(element="*", terminator="$"))
    telegram = "QP PTYAPCM\r\n.HDQRMCM 301200\r\n" + wrap(text, 64) + "\r\n\r\n 30SEP26 1200Z *3872\r\n"

    found = read(telegram)

    assert who(found) == who(read(text))
    assert [p.surname for p in passengers(found)] == ["CLARK", "PEREZ"]
    assert bad(found) == []


def test_mail_text_around_and_between_interchanges_is_passed_over() -> None:
    mail = "From: ops@example.test\r\nSubject: APIS UNA list\r\n\r\nDear UNB colleagues,\r\n"
    text = mail + interchange(message([person("ONE")])) + "\r\n-- \r\nUNSUBSCRIBE\r\n"
    text += interchange(message([person("TWO")]), Marks(element="*", terminator="$")) + "\r\nregards"

    found = read(text)

    assert [p.surname for p in passengers(found)] == ["ONE", "TWO"]
    assert [p.position.interchange for p in passengers(found)] == [1, 2]
    assert bad(found) == []


def test_stray_spaces_in_tags_and_at_segment_starts_do_no_harm() -> None:
    text = interchange(message([person()]))
    spaced = (
        text.replace("NAD+FL", " N AD + FL").replace("DTM+329:720907", "\n  DT M+329 : 720907 ").replace("UNH", "U NH")
    )

    assert who(read(spaced)) == who(read(text))


def test_groups_and_several_messages_are_counted_without_dropping_anyone() -> None:
    group: list[tuple[str, Elements]] = [
        ("UNG", ("PAXLST", "CM", "PAAPIS", ("260930", "1200"), "G1", "UN", ("D", "05B"))),
        *message([person("ONE")]),
        *message([person("TWO"), person("THREE")]),
        ("UNE", ("7", "G1")),
    ]

    found = read(interchange(group))

    assert [(p.surname, p.position.message, p.position.person) for p in passengers(found)] == [
        ("ONE", 1, 1),
        ("TWO", 2, 1),
        ("THREE", 2, 2),
    ]
    assert file_notes(found) == ["message-count-differs"]
    assert [e.notes for e in ends(found)] == [(), ()]
    assert bad(found) == []


def test_wrong_control_counts_are_notes() -> None:
    text = interchange(message([person()])).replace("CNT+42:1", "CNT+42:47").replace("UNT+19+M1", "UNT+99+OTHER")

    (end,) = ends(read(text))

    assert {n.code for n in end.notes} == {"person-count-differs", "segment-count-differs", "reference-differs"}
    assert (end.passengers, end.declared) == (1, 47)
    assert bad(read(text)) == []


@pytest.mark.parametrize(
    ("bgm", "action"),
    [
        (("745",), "list"),
        (("745", "CP"), "change"),
        (("745", "XR"), "cancel"),
        (("745", "RP"), "reduction"),
        (("745", "", "1"), "cancel"),
        (("250", "C"), "list"),
        (("266", "CLOB"), "flight-close"),
        (("266", "XF"), "flight-cancel"),
        (("999",), "unknown"),
    ],
)
def test_what_a_message_does_is_told_by_its_document_and_function(bgm: Elements, action: str) -> None:
    found = read(interchange(message([person()], bgm)))

    assert passengers(found)[0].message.action == action
    assert ends(found)[0].message.action == action


def test_an_unknown_function_is_noted() -> None:
    (end,) = ends(read(interchange(message([], ("745", "ZZ")))))

    assert [n.code for n in end.message.notes] == ["function-unknown"]
    assert end.message.action == "list"


@pytest.mark.parametrize("role", ["FL", "FM", "DDU", "DDT"])
def test_passengers_crew_and_those_in_transit_keep_their_role(role: str) -> None:
    (found,) = passengers(read(interchange(message([person(role=role)]))))

    assert found.role == role
    assert found.is_crew == (role in {"FM", "DDT"})


def test_a_reporting_party_among_the_persons_ends_the_person_before() -> None:
    party: list[tuple[str, Elements]] = [("NAD", ("MS", "", "", "HELP DESK")), ("DTM", (("329", "800101"),))]

    found = read(interchange(message([person("ONE"), party, person("TWO")])))

    assert [(p.surname, p.birth_date) for p in passengers(found)] == [("ONE", "1972-09-07"), ("TWO", "1972-09-07")]


def test_a_person_with_several_documents_keeps_each_with_its_own_issuer_and_expiry() -> None:
    found = one(
        ("DTM", (("329", "710718"),)),
        ("DOC", (("P", "110", "111"), "S20624269")),
        ("DTM", (("36", "281015"),)),
        ("LOC", ("91", "D")),
        ("DOC", ("L", "6713")),
        ("LOC", ("91", "PAN")),
    )

    assert [(d.code, d.number, d.issuer and d.issuer.alpha2, d.expiry) for d in found.documents] == [
        ("P", "S20624269", "DE", "2028-10-15"),
        ("L", "6713", "PA", None),
    ]
    assert found.notes == ()


def test_crew_who_share_one_document_are_each_a_person() -> None:
    crew = [person(f"CREW{letter}", number="SHARED1", role="FM") for letter in "ABC"]

    found = passengers(read(interchange(message(crew))))

    assert [p.documents[0].number for p in found] == ["SHARED1"] * 3


def test_a_person_without_name_but_with_a_document_is_screened_all_the_same() -> None:
    nameless: list[tuple[str, Elements]] = [("NAD", ("FL",)), ("DOC", ("P", "X7"))]

    (found,) = passengers(read(interchange(message([nameless]))))

    assert (found.surname, found.given_names, found.documents[0].number) == (None, None, "X7")
    assert note_codes(found) == ["name-missing", "birth-date-missing"]


def test_a_person_with_neither_name_nor_document_number_is_an_error() -> None:
    nobody: list[tuple[str, Elements]] = [("NAD", ("FL",)), ("DOC", ("P", "NULL"))]

    found = read(interchange(message([nobody, person()])))

    assert [b.code for b in bad(found)] == ["person-without-identity"]
    assert (bad(found)[0].tag, bad(found)[0].segment) == ("NAD", 9)
    assert len(passengers(found)) == 1
    assert (ends(found)[0].passengers, ends(found)[0].bad) == (1, 1)


@pytest.mark.parametrize(
    ("name", "surname", "given", "parts"),
    [
        (("CLARK", "MICHAEL", "JOHN"), "CLARK", "MICHAEL JOHN", ("CLARK", "MICHAEL", "JOHN")),
        ("CLARK/MICHAEL MR", "CLARK", "MICHAEL MR", ("CLARK/MICHAEL MR",)),
        ("CLARK MICHAEL", "CLARK MICHAEL", None, ("CLARK MICHAEL",)),
        (("", "MICHAEL"), "MICHAEL", None, ("MICHAEL",)),
    ],
)
def test_names_come_in_several_shapes(
    name: str | tuple[str, ...], surname: str, given: str | None, parts: tuple[str, ...]
) -> None:
    (found,) = passengers(read(interchange(message([[("NAD", ("FL", "", "", name))]]))))

    assert (found.surname, found.given_names, found.name_parts) == (surname, given, parts)


def test_the_address_of_a_crew_member_is_kept_and_is_no_part_of_the_name() -> None:
    nad: Elements = ("FM", "", "", ("KETI", "OZCAN"), "ULUDAG CAD", "ISTANBUL", "", "", "TUR")

    (found,) = passengers(read(interchange(message([[("NAD", nad)]]))))

    assert found.name_parts == ("KETI", "OZCAN")
    assert found.address == ("ULUDAG CAD", "ISTANBUL", "TUR")


@pytest.mark.parametrize(
    ("sent", "expected", "notes"),
    [
        ("930408", "1993-04-08", []),
        ("270101", "1927-01-01", []),  # 27 is above today's 26: the last century
        ("261002", "1926-10-02", []),  # the day after today
        ("261001", "2026-10-01", []),
        ("000101", "2000-01-01", []),
        ("19300408", "1930-04-08", []),
        ("730400", "1973-04", []),
        ("730000", "1973", []),
        ("73XXXX", "1973", []),
        ("07SEP72", "1972-09-07", []),
        ("000000", None, []),
        ("930231", None, ["birth-date-invalid"]),
        ("20300101", None, ["birth-date-invalid"]),
        ("GARBAGE", None, ["birth-date-invalid"]),
        ("03/04/1990", "1990", ["birth-date-order-unknown"]),
    ],
)
def test_birth_dates_keep_what_they_have_and_gain_nothing(sent: str, expected: str | None, notes: list[str]) -> None:
    found = one(("DTM", (("329", sent),)))

    assert found.birth_date == expected
    assert note_codes(found) == notes


@pytest.mark.parametrize(
    ("sent", "expected"), [("250101", "2025-01-01"), ("270101", "2027-01-01"), ("610218", "2061-02-18")]
)
def test_expiries_are_of_this_century(sent: str, expected: str) -> None:
    found = one(("DTM", (("329", "720907"),)), ("DOC", ("P", "X7")), ("DTM", (("36", sent),)))

    assert found.documents[0].expiry == expected


@pytest.mark.parametrize(
    ("code", "sex", "notes"),
    [("M", "M", []), ("F", "F", []), ("X", "X", []), ("U", None, []), ("9", None, ["sex-unknown-code"])],
)
def test_an_unknown_sex_code_is_noted(code: str, sex: str | None, notes: list[str]) -> None:
    found = one(("ATT", ("2", "", code)), ("DTM", (("329", "720907"),)))

    assert (found.sex, note_codes(found)) == (sex, notes)


@pytest.mark.parametrize(
    ("sent", "alpha2", "kind"),
    [
        ("D", "DE", "state"),
        ("GBD", "GB", "state"),
        ("RKS", "XK", "state"),
        ("PAN", "PA", "state"),
        ("PA", "PA", "state"),
        ("XXA", None, "stateless"),
        ("XXB", None, "refugee"),
        ("XXX", None, "unspecified"),
        ("ABC", None, "unknown"),
    ],
)
def test_nationalities_follow_the_rules_of_travel_documents(sent: str, alpha2: str | None, kind: str) -> None:
    found = one(("DTM", (("329", "720907"),)), ("NAT", ("2", sent)))

    assert found.nationality is not None
    assert (found.nationality.sent, found.nationality.alpha2, found.nationality.kind) == (sent, alpha2, kind)
    assert note_codes(found) == (["country-unknown"] if kind == "unknown" else [])


@pytest.mark.parametrize(
    ("loc", "country", "name"),
    [
        (("180", ("PAN", "", "", "BAKIRKOY")), "PA", "BAKIRKOY"),
        (("180", ("", "", "", "Hartford USA")), None, "Hartford USA"),
        (("180", "CIUDAD DE PANAMA"), None, "CIUDAD DE PANAMA"),
        (("180", "COSTA RICA"), "CR", "COSTA RICA"),
        (("180", ("PAN", "162", "5")), "PA", None),
    ],
)
def test_a_place_of_birth_is_a_code_or_text(loc: Elements, country: str | None, name: str | None) -> None:
    place = one(("LOC", loc)).birth_place

    assert place is not None
    assert (place.country and place.country.alpha2, place.name) == (country, name)


def test_bags_tags_seats_and_verification_are_read() -> None:
    found = one(
        ("DTM", (("329", "720907"),)),
        ("MEA", ("CT", "", ("", "2"))),
        ("FTX", ("BAG", "", "", "CM123456")),
        ("GEI", ("4", "173")),
        ("RFF", (("SEA", "12D"),)),
    )

    assert (found.bags, found.bag_tags, found.verified, found.reference("SEA")) == (2, ("CM123456",), True, "12D")


def test_a_value_sent_twice_keeps_the_first_and_says_so() -> None:
    found = one(
        ("DTM", (("329", "720907"),)), ("DTM", (("329", "800101"),)), ("ATT", ("2", "", "M")), ("ATT", ("2", "", "F"))
    )

    assert (found.birth_date, found.sex) == ("1972-09-07", "M")
    assert [(n.code, n.field) for n in found.notes] == [("repeated-value", "birth_date"), ("repeated-value", "sex")]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("syntax", ["UNOA", "UNOB", "UNOC", "UNOY"])
def test_letters_beyond_ascii_are_read_in_either_encoding(encoding: str, syntax: str) -> None:
    text = interchange(message([person("MUÑOZ", "JOSÉ")]), syntax=syntax)

    (found,) = passengers(read(text.encode(encoding)))

    assert (found.surname, found.given_names) == ("MUÑOZ", "JOSÉ")


def test_a_declared_character_set_is_used_where_the_bytes_are_not_utf8() -> None:
    text = interchange(message([person("ИВАНОВ")]), syntax="UNOE")

    (found,) = passengers(read(text.encode("iso8859-5")))

    assert found.surname == "ИВАНОВ"


def test_a_letter_of_two_bytes_may_be_wrapped_in_its_middle() -> None:
    raw = interchange(message([person("MUÑOZ")])).encode()
    cut = raw.index("Ñ".encode()) + 1

    (found,) = passengers(read(raw[:cut] + b"\r\n" + raw[cut:]))

    assert found.surname == "MUÑOZ"


def test_a_message_of_another_type_is_reported_and_its_persons_are_read_all_the_same() -> None:
    text = interchange(message([person()])).replace("PAXLST", "PAXXST")

    found = read(text)

    assert [b.code for b in bad(found)] == ["not-a-passenger-list"]
    assert len(passengers(found)) == 1


def test_flights_after_persons_are_those_of_the_next_persons() -> None:
    second = message([person("TWO")])[2:-2]  # the message header and the document were lost

    found = passengers(read(interchange([*message([person("ONE")])[:-2], *second])))

    assert [(p.surname, len(p.message.legs)) for p in found] == [("ONE", 1), ("TWO", 1)]


def test_no_personal_value_shows_in_the_repr_of_anything_yielded() -> None:
    secret = "ZZSECRETZZ"
    segments: list[tuple[str, Elements]] = [
        ("NAD", ("FL", secret, secret, (secret, secret), secret, secret, secret, secret, secret)),
        ("ATT", ("2", "", secret)),
        ("DTM", (("329", secret),)),
        ("LOC", ("174", secret)),
        ("LOC", ("178", secret)),
        ("LOC", ("180", (secret, "", "", secret))),
        ("NAT", ("2", secret)),
        ("RFF", (("AVF", secret),)),
        ("FTX", ("BAG", "", "", secret)),
        ("DOC", ("P", secret)),
        ("DTM", (("36", secret),)),
        ("LOC", ("91", secret)),
        (secret, (secret,)),
    ]
    text = interchange(message([segments, [("NAD", (secret, "", "", secret))], [(secret, ("FL", secret, secret))]]))

    found = read(text + f"NAD+FL+++{secret}:{secret}'")
    found += read(text[: text.rindex(secret) + 3])

    assert len(bad(found)) > 3
    for item in found:
        assert secret not in repr(item)
        assert secret not in str(item)
    for record in bad(found):
        assert secret not in record.reason


def test_passengers_come_before_the_file_was_read_to_its_end() -> None:
    stream = BytesIO(interchange(message([person(f"N{i}") for i in range(3_000)])).encode())

    next(iter(paxlst.read(stream, today=TODAY)))

    assert stream.tell() < len(stream.getvalue()) / 2
