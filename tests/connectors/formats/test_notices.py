"""INTERPOL's public notices, field by field, and files that are damaged or made to do harm. All persons are invented."""

import json
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.formats import notices, strict_json
from connectors.formats.notices import Notice
from connectors.formats.records import REASONS, BadRecord, Note

HOST = "https://notices.example.test/notices/v1"
RED: dict[str, Any] = {
    "entity_id": "2021/1010",
    "forename": "EVA",
    "name": "ALFARO MUÑOZ",
    "date_of_birth": "1979/01/17",
    "nationalities": ["CO", "PA"],
    "sex_id": "F",
    "place_of_birth": "CALI",
    "country_of_birth_id": "CO",
    "languages_spoken_ids": ["SPA", "ENG"],
    "height": 1.65,
    "weight": 58,
    "eyes_colors_id": ["BRO"],
    "hairs_id": ["BLA"],
    "distinguishing_marks": "SCAR",
    "arrest_warrants": [
        {"issuing_country_id": "PA", "charge": "TRATA DE PERSONAS", "charge_translation": "TRAFFICKING IN PERSONS"},
        {"issuing_country_id": None, "charge": None, "charge_translation": None},
    ],
    "_links": {"self": {"href": f"{HOST}/red/2021-1010"}},
}
YELLOW: dict[str, Any] = {
    "entity_id": "2022/77",
    "forename": "LUZ",
    "name": "BATISTA",
    "date_of_birth": "2009/05",
    "nationalities": ["PA"],
    "sex_id": "U",
    "height": 0,
    "weight": 0,
    "date_of_event": "2022/03/04",
    "place": "DAVID",
    "country": "PA",
    "father_forename": "JUAN",
    "father_name": "BATISTA",
    "mother_forename": "ROSA",
    "mother_name": "MENA",
    "_links": {"self": {"href": f"{HOST}/yellow/2022-77"}},
}


def read(value: object, limits: notices.Limits | None = None) -> list[Notice | BadRecord]:
    data = value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()
    return list(notices.read(BytesIO(data), limits=limits))


def one(**changes: object) -> Notice:
    (found,) = read({**RED, **changes})
    assert isinstance(found, Notice)
    return found


def refused(value: object) -> list[tuple[str, int, str]]:
    return [(r.code, r.line, r.field) for r in read(value) if isinstance(r, BadRecord)]


def answer(*items: object) -> dict[str, object]:
    page = {"page": 1, "resultPerPage": 20}
    return {"total": len(items), "query": page, "_embedded": {"notices": list(items)}, "_links": {}}


def test_a_red_notice_in_detail_is_read_field_by_field() -> None:
    (found,) = read(RED)

    assert isinstance(found, Notice)
    assert (found.kind, found.entity_id, found.record, found.line) == ("red", "2021/1010", 1, 1)
    assert (found.name, found.forename, found.birth_date) == ("ALFARO MUÑOZ", "EVA", "1979-01-17")
    assert [n.alpha2 for n in found.nationalities] == ["CO", "PA"]
    assert (found.sex, found.birth_place) == ("F", "CALI")
    assert found.birth_country is not None
    assert found.birth_country.alpha2 == "CO"
    assert found.languages == ("SPA", "ENG")
    assert (found.height_m, found.weight_kg) == (1.65, 58.0)
    assert (found.eyes, found.hair, found.distinguishing_marks) == (("BRO",), ("BLA",), "SCAR")
    first, second = found.warrants
    assert first.issuing_country is not None
    assert first.issuing_country.alpha2 == "PA"
    assert (first.charge, first.charge_translation) == ("TRATA DE PERSONAS", "TRAFFICKING IN PERSONS")
    assert (second.issuing_country, second.charge, second.charge_translation) == (None, None, None)
    assert (found.event_date, found.event_place, found.event_country) == (None, None, None)
    assert found.notes == ()


def test_a_yellow_notice_is_read_field_by_field_and_zero_measures_are_unknown() -> None:
    (found,) = read(YELLOW)

    assert isinstance(found, Notice)
    assert (found.kind, found.entity_id) == ("yellow", "2022/77")
    assert (found.name, found.forename, found.birth_date) == ("BATISTA", "LUZ", "2009-05")
    assert (found.sex, found.height_m, found.weight_kg) == (None, None, None)
    assert (found.event_date, found.event_place) == ("2022-03-04", "DAVID")
    assert found.event_country is not None
    assert found.event_country.alpha2 == "PA"
    assert (found.father_forename, found.father_name) == ("JUAN", "BATISTA")
    assert (found.mother_forename, found.mother_name) == ("ROSA", "MENA")
    assert (found.warrants, found.languages, found.notes) == ((), (), ())


@pytest.mark.parametrize("missing", [None, "absent"])
def test_everything_but_the_identifier_may_be_missing_or_null(missing: str | None) -> None:
    links = {"_links": RED["_links"], "entity_id": "2021/1010"}
    bare = links if missing else {**dict.fromkeys({**RED, **YELLOW}), **links}

    (found,) = read(bare)

    assert isinstance(found, Notice)
    assert (found.kind, found.name, found.forename, found.birth_date) == ("red", None, None, None)
    assert (found.nationalities, found.warrants, found.notes) == ((), (), ())


@pytest.mark.parametrize("blank", ["", "  "])
def test_blank_texts_are_missing(blank: str) -> None:
    assert (one(name=blank).name, one(date_of_birth=blank).birth_date) == (None, None)


@pytest.mark.parametrize(
    ("sent", "kept", "notes"),
    [
        ("1979/01/17", "1979-01-17", ()),
        ("1979/01", "1979-01", ()),
        ("1979", "1979", ()),
        ("03/04/1979", "1979", (Note("date-order-unknown", "date_of_birth"),)),
        ("1979/02/30", None, (Note("date-invalid", "date_of_birth"),)),
    ],
)
def test_birth_dates_keep_their_precision(sent: str, kept: str | None, notes: tuple[Note, ...]) -> None:
    assert (one(date_of_birth=sent).birth_date, one(date_of_birth=sent).notes) == (kept, notes)


@pytest.mark.parametrize(
    ("href", "kind"),
    [
        (f"{HOST}/red/2021-1", "red"),
        (f"{HOST}/yellow/2021-1", "yellow"),
        (f"{HOST}/un/persons/110", "un"),
        ("https://mirror.example.test/red/2021-1", "red"),
        (f"{HOST}/silver/2025-1", "silver"),
        (f"{HOST}/magenta/2025-1", "other"),
    ],
)
def test_the_kind_is_in_the_notices_own_address(href: str, kind: str) -> None:
    found = one(_links={"self": {"href": href}})

    assert found.kind == kind
    assert bool(found.notes) == (kind not in {"red", "yellow", "un"})


@pytest.mark.parametrize("links", [None, {}, {"self": None}, {"self": {"href": None}}, {"self": {"href": 7}}, [], "x"])
def test_without_an_address_the_fields_tell_the_kind(links: object) -> None:
    (red,) = read({**RED, "_links": links})
    (yellow,) = read({**YELLOW, "_links": links})

    assert isinstance(red, Notice)
    assert isinstance(yellow, Notice)
    assert (red.kind, yellow.kind) == ("red", "yellow")
    assert [n.code for n in red.notes] == ["kind-inferred"]


def test_a_notice_whose_kind_cannot_be_told_is_an_error() -> None:
    both = {**RED, **YELLOW, "_links": None}
    neither = {"entity_id": "2021/1", "name": "ALFARO"}

    assert refused([both, neither]) == [("notice-kind-unknown", 1, "_links.self.href")] * 2


def test_countries_that_do_not_exist_are_noted() -> None:
    found = one(nationalities=["ZZ", "PA", None])

    assert [(n.sent, n.alpha2) for n in found.nationalities] == [("ZZ", None), ("PA", "PA")]
    assert found.notes == (Note("country-unknown", "nationalities"),)


@pytest.mark.parametrize("value", [-1, 4.2, 1e300])
def test_impossible_measures_are_unknown_and_noted(value: float) -> None:
    assert (one(height=value).height_m, one(height=value).notes) == (None, (Note("measure-out-of-range", "height"),))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 7),
        ("entity_id", 20211010),
        ("date_of_birth", 1979),
        ("nationalities", {"CO": 1}),
        ("nationalities", [["CO"]]),
        ("height", "tall"),
        ("height", True),
        ("arrest_warrants", "none"),
        ("arrest_warrants", ["none"]),
        ("arrest_warrants", [{}] * 1_000),
    ],
)
def test_a_field_of_another_type_sets_the_notice_aside(field: str, value: object) -> None:
    assert refused([{**RED, field: value}, YELLOW]) == [("notice-field-type", 1, field)]


@pytest.mark.parametrize("text", [None, "", " "])
def test_a_notice_without_identifier_is_an_error(text: str | None) -> None:
    assert refused({**RED, "entity_id": text}) == [("notice-without-id", 1, "entity_id")]


def test_answers_single_notices_arrays_and_lines_all_give_their_notices() -> None:
    files: list[object] = [
        answer(RED, YELLOW),
        [RED, YELLOW],
        [answer(RED), answer(YELLOW)],
        json.dumps(RED) + "\n" + json.dumps(YELLOW) + "\n",
        json.dumps(RED) + json.dumps(YELLOW, indent=2),
        "\ufeff" + json.dumps(answer(RED, YELLOW), indent=4),
    ]
    for file in files:
        found = read(file)
        assert [(n.record, n.entity_id) for n in found if isinstance(n, Notice)] == [(1, "2021/1010"), (2, "2022/77")]
        assert len(found) == 2
    assert read([]) == []
    assert read(answer()) == []


def test_records_know_the_line_they_begin_in() -> None:
    found = read(json.dumps([RED, YELLOW], indent=1))

    assert [n.line for n in found] == [2, json.dumps([RED], indent=1).count("\n") + 1]


BAD = [
    ('{"entity_id": "2021/1", "name": "A", "name": "B"}', "json-duplicate-key", "name"),
    (
        '{"entity_id": "2021/1", "arrest_warrants": [{"charge": "A", "charge": "B"}]}',
        "json-duplicate-key",
        "arrest_warrants[0].charge",
    ),
    ('{"entity_id": "2021/1", "height": NaN}', "json-not-finite", "height"),
    ('{"entity_id": "2021/1", "height": -Infinity}', "json-not-finite", "height"),
    ('{"entity_id": "2021/1", "height": 1e999}', "json-not-finite", "height"),
    ('{"entity_id": "2021/1", "name": "\\ud800"}', "json-lone-surrogate", "name"),
    ('{"entity_id": "2021/1", "weight": ' + "9" * 5_000 + "}", "json-number-too-long", "weight"),
    ('{"entity_id": "2021/1", "name": ' + "[" * 100 + "]" * 100 + "}", "json-too-deep", ""),
    ('{"entity_id": "2021/1", "name": [' + "1," * 30_000 + "1]}", "json-too-many-items", ""),
    ('{"entity_id": "2021/1", "name": "' + "A" * 1_100_000 + '"}', "json-too-large", ""),
    ('{"entity_id": "2021/1", "name" "A"}', "json-syntax", ""),
    ('{"entity_id": "2021/1", "name": 01}', "json-syntax", ""),
    ("null", "notice-not-an-object", ""),
    ('"text"', "notice-not-an-object", ""),
]


@pytest.mark.parametrize(("record", "code", "field"), BAD)
def test_a_bad_record_is_set_aside_whole_with_its_line_and_field_and_the_rest_goes_on(
    record: str, code: str, field: str
) -> None:
    good = json.dumps(YELLOW)
    lines = f"{good}\n{record}\n{good}\n{good}"
    for file in (
        f"[{good},\n{record},\n{good},\n{good}]",
        lines,
        f'{{"_embedded": {{"notices": [{good},\n{record},\n{good}]}}}}',
    ):
        found = read(file)
        assert refused(file) == [(code, 2, field)]
        assert sum(isinstance(n, Notice) for n in found) == len(found) - 1 >= 2
        assert next(n.record for n in found if isinstance(n, BadRecord)) == 2


def test_bytes_that_are_not_utf8_spoil_their_record_only() -> None:
    latin = json.dumps(RED, ensure_ascii=False).encode("latin-1")

    found = read(b"[" + json.dumps(YELLOW).encode() + b",\n" + latin + b"]")

    assert [type(n) for n in found] == [Notice, BadRecord]
    assert refused(b"[" + latin + b"]") == [("json-lone-surrogate", 1, "name")]


def test_a_line_that_does_not_close_spoils_itself_only() -> None:
    good = json.dumps(YELLOW)

    assert refused(f'{good}\n{{"entity_id": "2021/1"\n{good}\n{good}') == [("json-syntax", 2, "")]


@pytest.mark.parametrize("wrapped", [[RED, YELLOW], answer(RED, YELLOW)])
def test_a_truncated_file_gives_its_whole_notices_and_an_error(wrapped: object) -> None:
    text = json.dumps(wrapped)
    whole = [text.index("2022-77") - 2, len(text)]
    for cut in range(1, len(text) - 1):
        found = read(text[:cut])
        codes = [r.code for r in found if isinstance(r, BadRecord)]
        assert codes, cut
        assert set(codes) <= set(REASONS)
        if whole[0] < cut:
            assert isinstance(found[0], Notice)


@pytest.mark.parametrize("data", [b"", b"  \n", b"no es JSON", b"\xff\xfe[\x00]\x00", b"]]]]", b'"', b'"\\'])
def test_what_is_not_json_is_an_error(data: bytes) -> None:
    found = read(data)

    assert found
    assert all(isinstance(r, BadRecord) for r in found)


def test_limits_of_file_and_notices_are_kept() -> None:
    small = notices.Limits(json=strict_json.Limits(document_bytes=10))
    few = notices.Limits(notices=2)

    assert [r.code for r in read([RED], small) if isinstance(r, BadRecord)] == ["file-too-large"]
    assert [type(r) for r in read([RED] * 5, few)] == [Notice, Notice, BadRecord]
    assert len(read("]" * 1_000, few)) == 1  # one trouble a line
    assert len(read("\n\n1" * 1_000, few)) == 3


def test_nothing_yielded_shows_a_personal_value() -> None:
    secret = "ZZSECRETZZ"
    texts = {key: secret for key, value in {**RED, **YELLOW}.items() if isinstance(value, str)}
    lists = {key: [secret] for key, value in RED.items() if isinstance(value, list)}
    warrants = [{"issuing_country_id": secret, "charge": secret, "charge_translation": secret}]
    full = {**RED, **YELLOW, **texts, **lists, "arrest_warrants": warrants, "entity_id": "2021/1"}
    hostile = [full, {**full, "name": [secret]}, {**full, secret: secret, "weight": secret}, f"{secret}"]
    text = json.dumps(hostile) + f'{{"{secret}": 1, "{secret}": 2}} {secret}'

    found = read(text)

    assert len(found) > 4
    for item in found:
        assert secret not in repr(item) + str(item)
        assert isinstance(item, Notice) or secret not in item.reason


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*RED, *YELLOW, "self", "href"]), inner, max_size=6)
    ),
    max_leaves=30,
)


@given(json_values)
def test_any_json_gives_notices_or_errors(value: object) -> None:
    for item in read(json.dumps(value)):
        assert isinstance(item, Notice | BadRecord)
        assert isinstance(item, Notice) or item.code in REASONS


@given(st.integers(0, len(json.dumps([RED, YELLOW]))), st.text(max_size=3))
def test_any_damage_gives_notices_or_errors(at: int, text: str) -> None:
    whole = json.dumps([RED, YELLOW])

    assert read((whole[:at] + text + whole[at + 1 :]).encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=200))
def test_any_bytes_give_notices_or_errors(data: bytes) -> None:
    for item in read(data):
        assert isinstance(item, Notice | BadRecord)


@given(json_values.filter(lambda v: "NaN" not in json.dumps(v) and "Infinity" not in json.dumps(v)))
def test_what_is_strictly_json_is_read_as_it_is(value: object) -> None:
    text = json.dumps(value)

    assert strict_json.loads(text, limits=strict_json.Limits(number_digits=400)) == json.loads(text)
