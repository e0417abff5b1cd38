"""Passenger lists cut, damaged or made to do harm: everyone is a passenger or an error, and nothing raises or grows."""

import tracemalloc
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats import edifact, paxlst
from connectors.formats.passenger_list import FileNote, MessageEnd, Passenger
from connectors.formats.records import REASONS, BadRecord
from tests.connectors.formats.lists import (
    TODAY,
    Elements,
    Endless,
    Marks,
    bad,
    ends,
    interchange,
    message,
    note_codes,
    passengers,
    person,
    read,
    who,
    wrap,
)

PEOPLE = [person("PEREZ", "ANAMRS"), person("O'NEIL", "LUIS", None), person("MUÑOZ", "EVA", birth="000229")]
TEXT = interchange(message(PEOPLE))
RAW = TEXT.encode()

letters = st.text(st.characters(codec="utf-8", categories=("Lu", "Ll", "Nd")), min_size=1, max_size=8)
values = st.text(st.sampled_from("ABCÑé 'O+:?*$.,-#/"), min_size=1, max_size=12).map(str.strip).filter(bool)
people = st.lists(st.builds(person, values.map(lambda v: "N" + v), letters, values.map(lambda v: "D" + v)), max_size=4)
marks = st.permutations(list(":+?'*$#~^|!%")).map(lambda m: Marks(m[0], m[1], ".", m[2], " ", m[3]))


def assert_everyone_is_accounted_for(raw: bytes, people_sent: int) -> None:
    found = read(raw)
    for item in found:
        assert isinstance(item, Passenger | BadRecord | MessageEnd | FileNote)
    for record in bad(found):
        assert record.code in REASONS
        assert record.line >= 1
    assert len(passengers(found)) + len(bad(found)) >= people_sent


@given(people, marks, st.booleans())
def test_any_names_and_service_characters_give_the_same_passengers(
    sent: list[list[tuple[str, Elements]]], habits: Marks, una: bool
) -> None:
    usual = read(interchange(message(sent)))
    other = read(interchange(message(sent), habits, una=una or habits.release != "?"))

    assert bad(usual) == bad(other) == []
    assert who(usual) == who(other)
    assert len(passengers(usual)) == len(sent)


@given(people, marks, st.integers(1, 200), st.sampled_from(["\r\n", "\n", "\r"]))
def test_wrapping_at_any_column_changes_nothing(
    sent: list[list[tuple[str, Elements]]], habits: Marks, columns: int, ending: str
) -> None:
    text = interchange(message(sent), habits)

    wrapped = read("ADDRESS LINE\r\n" + wrap(text, columns, ending) + "\r\nsignature")

    assert who(wrapped) == who(read(text))
    assert bad(wrapped) == []


def test_cut_at_every_byte_a_file_gives_its_whole_passengers_and_is_reported() -> None:
    begins = [RAW.index(b"NAD", at) for at in (0, RAW.index(b"ANAMRS"), RAW.index(b"LUIS"))]
    ends_at = [*begins[1:], RAW.index(b"CNT")]
    expected = who(read(RAW))

    for cut in range(len(RAW)):
        found = read(RAW[:cut])
        whole = sum(1 for end in ends_at if end <= cut)
        begun = sum(1 for begin in begins if begin + 6 <= cut)
        assert who(found)[:whole] == expected[:whole], cut
        assert len(bad(found)) >= 1, cut
        assert len(passengers(found)) + len(bad(found)) >= begun, cut


def test_the_person_at_the_cut_is_screened_with_what_there_is() -> None:
    cut = RAW.index(b"NAT+2", RAW.index(b"MU")) + 4

    found = read(RAW[:cut])

    last = passengers(found)[-1]
    assert (last.surname, last.birth_date, last.nationalities) == ("MUÑOZ", "2000-02-29", ())
    assert "cut-short" in note_codes(last)
    assert [(b.code, b.tag) for b in bad(found)] == [("truncated", "NAT")]


def test_a_file_without_its_last_terminator_is_reported_as_cut() -> None:
    assert [b.code for b in bad(read(RAW[:-1]))] == ["truncated"]
    assert len(passengers(read(RAW[:-1]))) == 3


def test_an_interchange_that_another_cuts_off_is_reported_and_both_are_read() -> None:
    for second in (Marks(), Marks(element="*", terminator="$"), Marks(terminator="~")):
        for cut in (RAW.index(b"NAT+2", RAW.index(b"MU")) + 4, RAW.index(b"UNT")):
            found = read(RAW[:cut].decode() + "\r\n" + interchange(message([person("LAST")]), second))

            assert [p.surname for p in passengers(found)] == ["PEREZ", "O'NEIL", "MUÑOZ", "LAST"]
            assert len(bad(found)) >= 1
            assert passengers(found)[-1].notes == ()


@given(st.integers(0, len(RAW) - 1), st.integers(0, 255))
@settings(max_examples=300)
def test_one_damaged_byte_loses_nobody_silently(at: int, value: int) -> None:
    assert_everyone_is_accounted_for(RAW[:at] + bytes([value]) + RAW[at + 1 :], 3)


@pytest.mark.long
def test_no_flipped_bit_and_no_stray_separator_anywhere_loses_anyone_silently() -> None:
    for at, byte in enumerate(RAW):
        for value in {byte ^ (1 << bit) for bit in range(8)} | set(b"+:?' \r\0"):
            assert_everyone_is_accounted_for(RAW[:at] + bytes([value]) + RAW[at + 1 :], 3)


@given(st.integers(0, len(RAW) - 1), st.integers(1, 12))
@settings(max_examples=300)
def test_missing_bytes_raise_nothing(at: int, length: int) -> None:
    assert_everyone_is_accounted_for(RAW[:at] + RAW[at + length :], 0)


@given(
    st.lists(
        st.sampled_from(
            [b"UNA:+.? '", b"UNB+UNOA:4+A+B", b"'", b"+", b":", b"?", b"NAD+FL", b"\r\n", b"\0", b"UNH+1+PAXLST"]
        )
    )
)
def test_any_heap_of_pieces_raises_nothing(pieces: list[bytes]) -> None:
    assert_everyone_is_accounted_for(b"".join(pieces), 0)


@given(st.binary(max_size=300))
def test_any_bytes_raise_nothing(data: bytes) -> None:
    assert_everyone_is_accounted_for(data, 0)
    assert_everyone_is_accounted_for(b"UNA:+.? 'UNB+UNOA:4+A+B+1:1+1'" + data, 0)


def test_a_lost_terminator_before_a_person_hides_nobody() -> None:
    found = passengers(read(TEXT.replace("'NAD+FL+++O", "NAD+FL+++O")))

    assert [p.surname for p in found] == ["PEREZ", "O'NEIL", "MUÑOZ"]
    assert found[0].documents[0].issuer is not None
    assert found[0].documents[0].issuer.alpha2 == "CO"
    assert note_codes(found[1]) == ["terminator-lost"]


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ("NAT+FL+++O", "damaged-person"),
        ("NAD+FX+++O", "unknown-party"),
        ("NAD)FL+++O", "damaged-person"),
        ("+AD+FL+++O", "damaged-person"),
        ("NA?+FL+++O", "damaged-person"),
    ],
)
def test_a_person_whose_segment_is_damaged_is_an_error_and_gives_nothing_to_the_one_before(
    broken: str, code: str
) -> None:
    found = read(TEXT.replace("NAD+FL+++O", broken))

    assert [b.code for b in bad(found)] == [code]
    assert [p.surname for p in passengers(found)] == ["PEREZ", "MUÑOZ"]
    assert passengers(found)[0].notes == ()
    assert ends(found)[0].bad == 1


def test_persons_outside_any_readable_interchange_are_each_an_error() -> None:
    found = read("NAD+FL+++ONE:A'" + TEXT + "\nNAD*FM***TWO:B$NAD+DDU+++THREE:C'")

    assert [(b.code, b.line) for b in bad(found)] == [
        ("person-outside-interchange", 1),
        ("person-outside-interchange", 2),
        ("person-outside-interchange", 2),
    ]
    assert len(passengers(found)) == 3


@pytest.mark.parametrize("data", [b"", b"\0" * 1000, b"Dear all,\r\nno list today.", "no es EDIFACT".encode("utf-16")])
def test_a_file_without_an_interchange_is_an_error(data: bytes) -> None:
    assert [b.code for b in bad(read(data))] == ["no-interchange"]


def test_control_characters_inside_values_are_removed() -> None:
    assert who(read(RAW.replace(b"PEREZ", b"PE\0RE\x02Z").replace(b"NAD", b"\x03NAD"))) == who(read(RAW))


def test_a_segment_that_is_too_long_is_skipped_and_reported() -> None:
    long = TEXT.replace("RFF+AVF:TYR123'", "RFF+AVF:" + "A" * 20_000 + "'", 1)

    found = read(long)

    assert [(b.code, b.tag) for b in bad(found)] == [("segment-too-long", "RFF")]
    assert [p.surname for p in passengers(found)] == ["PEREZ", "O'NEIL", "MUÑOZ"]
    assert note_codes(passengers(found)[0]) == ["damaged-segment"]
    assert passengers(found)[0].documents[0].number == "X1234567"


def test_persons_swallowed_by_a_segment_that_is_too_long_are_each_an_error() -> None:
    start = TEXT.index("RFF")
    swallowed = TEXT[:start] + "FTX+BAG+" + "A" * 9_000 + TEXT[start:].replace("'", "|", 20)

    found = read(swallowed)

    assert [b.code for b in bad(found)] == [
        "segment-too-long",
        "person-outside-interchange",
        "person-outside-interchange",
    ]
    assert [p.surname for p in passengers(found)] == ["PEREZ"]


@pytest.mark.parametrize("separator", ["+", ":"])
def test_a_segment_of_too_many_parts_is_skipped(separator: str) -> None:
    found = read(TEXT.replace("BGM+745", "BGM+745" + separator * 1_000))

    assert [b.code for b in bad(found)] == ["segment-too-long"]
    assert len(passengers(found)) == 3


def test_persons_over_the_limit_of_a_message_are_each_an_error() -> None:
    found = read(TEXT, paxlst.Limits(passengers_per_message=1))

    assert [b.code for b in bad(found)] == ["too-many-passengers"] * 2
    assert len(passengers(found)) == 1


def test_items_over_the_limit_of_a_person_are_noted_and_dropped() -> None:
    many: list[tuple[str, Elements]] = [("RFF", (("AVF", f"A{i}"),)) for i in range(10)]

    (found,) = passengers(read(interchange(message([[*person()[:3], *many]])), paxlst.Limits(items_per_person=4)))

    assert len(found.references) == 4
    assert note_codes(found)[0] == "over-limit"


def test_a_file_over_its_limit_is_read_up_to_it_and_reported() -> None:
    limits = paxlst.Limits(syntax=edifact.Limits(file_bytes=len(RAW) - 40))

    found = read(RAW, limits)

    assert [b.code for b in bad(found)] == ["truncated", "file-too-large"] or "file-too-large" in [
        b.code for b in bad(found)
    ]
    assert len(passengers(found)) == 3


def peak_bytes(stream: Endless) -> tuple[int, int, int]:
    """Memory at its highest while the stream is read, and how many passengers and errors came."""
    tracemalloc.start()
    try:
        people = errors = 0
        for item in paxlst.read(cast(BinaryIO, stream), today=TODAY):
            people += isinstance(item, Passenger)
            errors += isinstance(item, BadRecord)
        return tracemalloc.get_traced_memory()[1], people, errors
    finally:
        tracemalloc.stop()


def one_person() -> bytes:
    return "".join(Marks().segment(tag, *elements) for tag, elements in person("ALFARO", "EVA")).encode()


HEAD = b"UNA:+.? 'UNB+UNOA:4+A+B+260930:1200+1'UNH+1+PAXLST:D:05B:UN:IATA'BGM+745'"


def test_five_thousand_passengers_take_no_more_memory_than_one() -> None:
    text = interchange(message([person(f"N{i:05}", birth="720907")[:3] for i in range(5_000)])).encode()

    peak, people, errors = peak_bytes(Endless(text, b" ", 0))

    assert (people, errors) == (5_000, 0)
    assert peak < 1_000_000  # holding them all takes more than three times as much


@pytest.mark.parametrize(
    "body",
    [b"A", b"+", b":", b"?", b"'", b"X+'", b"UNA:+.? '", b"?'", b"\0", b" \r\n", b"U", b"UNA:+.?", b"UNB+UNOA:4"],
)
def test_hostile_streams_take_bounded_memory_and_give_few_errors(body: bytes) -> None:
    for head in (HEAD + b"NAD+FL+++A:B'", b""):
        peak, people, errors = peak_bytes(Endless(head, body, 120_000))

        assert peak < 1_500_000
        assert people == (1 if head else 0)
        # One error for each segment that is too long, for each long run of segments, for each interchange that another
        # cuts off (up to the limit of interchanges).
        most = 10_002 if body.startswith(b"UNB") else 2 + 120_000 // 8_192 + 120_000 // len(body) // 10_000
        assert 1 <= errors <= most


def test_a_long_run_of_segments_that_give_nothing_is_heard_of_while_it_is_read() -> None:
    stream = Endless(HEAD, b"X+'", 120_000)

    first = next(iter(paxlst.read(cast(BinaryIO, stream), today=TODAY)))

    assert isinstance(first, BadRecord)
    assert first.code == "too-many-segments"


def test_a_long_list_takes_bounded_memory() -> None:
    size_bytes = 300_000
    peak, people, errors = peak_bytes(Endless(HEAD, one_person(), size_bytes))

    assert people > size_bytes // len(one_person()) - 600
    assert errors == 1  # it has no end
    assert peak < 1_500_000
