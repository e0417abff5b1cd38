"""Native records by a mapping file: what they say in an alert, and what is told of what they cannot say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sdk import Alert, BadNative, Cancel, Note
from connectors.sdk.convert import composed
from connectors.sdk.mapping import mapping_of
from hub.model.base import new_alert_id
from hub.model.text import alert_to_json
from tests.connectors.deliveries import KEY, NOW_MS
from tests.connectors.sdk.mappings import RECORD, categories, mapped, page, problems, said, small


def without(*names: str, **values: Any) -> dict[str, Any]:
    return {name: value for name, value in {**RECORD, **values}.items() if name not in names}


def test_the_page_s_example_says_everything_that_the_record_holds() -> None:
    alert, notes = mapped(page(), RECORD)
    assert notes == []
    assert alert.draft.label.class_ == "victim-identified" and alert.draft.label.reliability == "B"
    assert alert.draft.facts.exploitation == ("forced-labour", "other-sexual-exploitation")
    assert alert.draft.facts.consents == ("given",)
    identity = said(alert, "victim.identity")
    (name,) = identity.names
    assert (name.given.get_secret_value(), name.family.get_secret_value()) == ("Ana María", "Inventada de la Nada")
    assert identity.birth_date.get_secret_value() == "1995-02-05" and identity.sex == "female"
    assert set(identity.nationalities) == {"CO", "VE"}
    assert [phone.get_secret_value() for phone in said(alert, "victim.contact").phones] == ["555-0100"]
    assert len(said(alert, "victim.care").needs) == 2
    assert said(alert, "journey").legs[0].departure_country == "CO"


def test_what_is_mapped_can_be_published() -> None:
    alert, _ = mapped(page(), RECORD)
    whole = composed(alert, agency="a", alert_id=new_alert_id(), revision=1, now_ms=NOW_MS, key=KEY)
    routing = alert_to_json(whole)["routing"]
    assert (routing["minor"], routing["consent"], routing["victims"]) == ("no", "given", 1)
    assert routing["nationality"] == ["CO", "VE"] and routing["destination"] == ["PA"]


DECIDING = {
    "kind": "something else",
    "from_country": "Atlantis",
    "exploitation": "laboral; unheard of",
    "born": "45/45/1990",
    "sex": "Q",
    "nationality": "CO; Atlantis",
    "consents": "perhaps",
    "report_no": " ",
    "age": "grown up",
}


@pytest.mark.parametrize("column", DECIDING)
def test_a_value_without_a_mapping_sets_the_record_aside_where_a_decision_depends_on_it(column: str) -> None:
    with pytest.raises(BadNative) as bad:
        list(page().alerts({**RECORD, column: DECIDING[column]}))
    assert bad.value.field == column and "mapping line" in bad.value.reason
    assert DECIDING[column].strip() == "" or DECIDING[column] not in str(bad.value)


def test_all_troubles_of_a_record_are_named_at_once() -> None:
    with pytest.raises(BadNative) as bad:
        list(page().alerts({**RECORD, "sex": "Q", "consents": "perhaps"}))
    assert "also: consents" in bad.value.reason or "also: sex" in bad.value.reason


def test_a_value_without_a_mapping_is_a_note_where_no_decision_depends_on_it() -> None:
    text = """
persons:
  - role: suspect
    names: {full: {from: name}}
    sex: {from: sex, codes: {F: female}}
    birth_date: {from: born}
    physical: {height_cm: {from: height}}
"""
    alert, notes = mapped(small(text), {"id": 1, "name": "Invented", "sex": "Q", "born": "soon", "height": 900})
    assert {note.field for note in notes} == {"sex", "born", "height"}
    identity = said(alert, "suspect.identity")
    assert (identity.sex, identity.birth_date, identity.physical) == ("unknown", None, None)


def test_a_text_that_is_too_long_is_cut_and_told() -> None:
    alert, notes = mapped(small("sections: {case: {authority: {from: a}}}"), {"id": 1, "a": "x" * 500})
    assert len(said(alert, "case").authority) == 200
    assert [note.code for note in notes] == ["cut"]


def test_a_stateless_person_is_noted_and_not_refused() -> None:
    alert, notes = mapped(page(), {**RECORD, "nationality": "XXA"})
    assert said(alert, "victim.identity").nationalities == ()
    assert {note.code for note in notes} == {"no-country"}


def test_an_empty_column_says_nothing_and_is_no_trouble() -> None:
    alert, notes = mapped(page(), without("passport", "issued_by", sex="N/A", born="", consents=None, phone="-"))
    identity = said(alert, "victim.identity")
    assert notes == [] and (identity.sex, identity.birth_date, identity.documents) == ("unknown", None, ())
    assert alert.draft.facts.consents == ("unknown",) and "victim.contact" not in categories(alert)


def test_a_label_that_the_record_leaves_empty_needs_a_default() -> None:
    text = SMALL_LABEL.format(more="")
    assert problems(text) == []
    with pytest.raises(BadNative, match="the label needs one"):
        list(mapping_of(text.encode(), "m").alerts({"id": "1"}))
    alert, _ = mapped(mapping_of(SMALL_LABEL.format(more=", default: seizure").encode(), "m"), {"id": "1"})
    assert alert.draft.label.class_ == "seizure"


SMALL_LABEL = """
name: small
key: [id]
label:
  class: {{from: kind, codes: {{a: wanted-person}}{more}}}
  purposes: search
"""


def test_a_default_stands_for_an_absent_value_and_never_for_an_unknown_one() -> None:
    text = "facts: {exploitation: {from: how, codes: {x: slavery, y: }, default: servitude}}"
    for value, exploitation in (("x", "slavery"), (None, "servitude"), ("", "servitude"), ("y", "servitude")):
        alert, notes = mapped(small(text), {"id": 1, "how": value})
        assert (alert.draft.facts.exploitation, notes) == ((exploitation,), [])
    with pytest.raises(BadNative, match="the code list does not name") as bad:
        list(small(text).alerts({"id": 1, "how": "z"}))
    assert bad.value.field == "how"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("facts: {origin: {from: c, default: PA}}", "Atlantis"),
        ("caveats: {from: c, codes: {y: C5}, default: C4}", "z"),
        (
            "persons: [{role: victim, names: {full: {from: id}}, consent: {from: c, codes: {y: given}, default: given}}]",
            "z",
        ),
        ("persons: [{role: victim, birth_date: {from: c, default: '1990'}}]", "long ago"),
        ("persons: [{role: victim, names: {full: {from: id}}, nationalities: {from: c, default: PA}}]", "Atlantis"),
    ],
)
def test_a_value_that_a_decision_depends_on_is_never_replaced_by_a_default(place: str, value: str) -> None:
    with pytest.raises(BadNative) as bad:
        list(small(place).alerts({"id": 1, "c": value}))
    assert bad.value.field == "c" and value not in str(bad.value)


def test_a_label_in_words_that_nobody_knows_is_no_default() -> None:
    drill = mapping_of(SMALL_LABEL.format(more=", default: seizure").encode(), "m")
    with pytest.raises(BadNative, match="the code list does not name"):
        list(drill.alerts({"id": "1", "kind": "b"}))


def test_where_no_decision_depends_on_it_an_unknown_value_is_left_out_with_a_note_and_not_replaced() -> None:
    text = (
        "persons: [{role: suspect, names: {full: {from: name}}, sex: {from: sex, codes: {v: male}, default: female}}]"
    )
    alert, notes = mapped(small(text), {"id": 1, "name": "A", "sex": "?"})
    assert said(alert, "suspect.identity").sex == "unknown" and [note.code for note in notes] == ["no-code"]
    alert, notes = mapped(small(text), {"id": 1, "name": "A"})
    assert said(alert, "suspect.identity").sex == "female" and notes == []


def test_a_stateless_person_is_of_no_country_by_default_either() -> None:
    text = "persons: [{role: suspect, names: {full: {from: name}}, nationalities: {from: c, default: PA}}]"
    alert, notes = mapped(small(text), {"id": 1, "name": "A", "c": "XXA"})
    assert said(alert, "suspect.identity").nationalities == () and [note.code for note in notes] == ["no-country"]


def test_a_default_makes_no_part_of_which_the_record_says_nothing() -> None:
    text = """
persons: [{role: suspect, names: {full: {from: name, parts: given family}}, sex: {from: sex, default: male}}]
sections: {journey: {legs: {mode: {from: mode, default: air}, number: {from: flight}}}}
"""
    alert, _ = mapped(small(text), {"id": 1})
    assert alert.contents == ()
    alert, _ = mapped(small(text), {"id": 1, "name": "A B", "flight": "XX 1"})
    identity = said(alert, "suspect.identity")
    assert identity.sex == "male" and identity.names[0].family.get_secret_value() == "B"
    assert said(alert, "journey").legs[0].mode == "air"


def test_a_person_of_whom_no_column_says_anything_is_not_there() -> None:
    text = "persons: [{role: suspect, names: {full: {from: name}}, nationalities: PA}]"
    alert, _ = mapped(small(text), {"id": 1, "name": " "})
    assert alert.contents == ()


def test_a_person_whose_condition_holds_is_there_though_nothing_is_known() -> None:
    text = "persons: [{role: victim, when: {kind: [v]}, names: {full: {from: name}}}]"
    alert, _ = mapped(small(text), {"id": 1, "kind": "v"})
    assert categories(alert) == ["victim.description"] and alert.draft.facts.consents == ("unknown",)


def test_an_age_makes_the_description_and_no_identity() -> None:
    text = "persons: [{role: victim, age: {from: age}, sex: {from: sex}}]"
    for age, band in ((0, "0-8"), ("9", "9-17"), (17, "9-17"), (18, "18-20"), (48, "48+"), (101, "48+")):
        alert, _ = mapped(small(text), {"id": 1, "age": age, "sex": "female"})
        assert categories(alert) == ["victim.description"]
        assert said(alert, "victim.description").age_band == band
    with pytest.raises(BadNative):
        list(small(text).alerts({"id": 1, "age": 200}))


def test_objects_of_a_list_are_persons_and_items_of_their_own() -> None:
    text = """
persons:
  - role: victim
    each: people
    when: {as: [victim]}
    names: {family: {from: name.last}, given: {from: name.first}}
    consent: {from: ok, codes: {true: given, false: withheld}}
  - role: suspect
    each: people
    when: {as: [suspect]}
    names: {family: {from: name.last}}
sections:
  goods: {items: {each: seized, description: {from: what}, quantity: {from: n}}}
"""
    record = {
        "id": 1,
        "people": [
            {"as": "victim", "name": {"last": "A", "first": "B"}, "ok": True},
            {"as": "victim", "name": {"last": "C"}, "ok": False},
            {"as": "suspect", "name": {"last": "D"}},
        ],
        "seized": [{"what": "passports", "n": 3}, {"what": "cash"}],
    }
    alert, _ = mapped(small(text), record)
    assert categories(alert) == ["goods", "suspect.identity", "victim.identity", "victim.identity"]
    assert alert.draft.facts.consents == ("given", "withheld")
    assert [item.quantity for item in said(alert, "goods").items] == [3, None]
    record["people"] = [{"as": "witness"}]
    with pytest.raises(BadNative, match="no condition names") as bad:
        list(small(text).alerts(record))
    assert bad.value.field == "people.as"


def test_a_choice_takes_the_first_condition_that_holds() -> None:
    text = """
facts:
  means:
    choose:
      - {when: {threat: [x], debt: {present: true}}, is: [threat, coercion]}
      - {when: {threat: [x]}, is: threat}
    default: deception
"""
    for record, means in (
        ({"threat": "x", "debt": "9"}, ("threat", "coercion")),
        ({"threat": "x"}, ("threat",)),
        ({}, ("deception",)),
    ):
        alert, _ = mapped(small(text), {"id": 1, **record})
        assert alert.draft.facts.means == means


def test_a_record_that_is_not_exchanged_is_noted_and_one_that_ended_is_cancelled() -> None:
    (note,) = page().alerts({**RECORD, "kind": "Consulta"})
    assert isinstance(note, Note) and note.code == "left-out"
    (cancel,) = page().alerts({**RECORD, "status": "anulada"})
    (alert, *_) = [each for each in page().alerts(RECORD) if isinstance(each, Alert)]
    assert isinstance(cancel, Cancel) and cancel.key == alert.key


def test_the_key_tells_records_apart_and_nothing_else_does() -> None:
    first, _ = mapped(page(), RECORD)
    same, _ = mapped(page(), {**RECORD, "account": "another account"})
    other, _ = mapped(page(), {**RECORD, "report_no": "R-2"})
    assert first.key == same.key != other.key


def test_columns_that_nobody_mapped_are_told_by_name_and_data_in_their_place_by_number() -> None:
    mapping = page()
    assert mapping.unmapped([*RECORD, "internal.note", "internal.x"]) == [] == mapping.unmapped_of(RECORD)
    told = mapping.unmapped([*RECORD, "Fecha de cierre", "+507 6000-0000", "8-123-45678"])
    assert [note.field for note in told] == [
        "Fecha de cierre",
        f"column {len(RECORD) + 2}",
        f"column {len(RECORD) + 3}",
    ]
    assert {trouble.column for trouble in mapping.absent(["report_no"])} >= {"kind", "name", "born"}


def test_a_nested_value_where_text_is_needed_is_told() -> None:
    with pytest.raises(BadNative, match="not a plain value"):
        list(page().alerts({**RECORD, "sex": {"code": "F"}}))
    alert, notes = mapped(page(), {**RECORD, "account": [{"text": "x"}]})
    assert "narrative" not in categories(alert) and notes[0].code == "not-plain"


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=30)
anything = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
PLANTED = "ZQXJPLANTEDZQXJ"


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from([*RECORD, "internal.x"]), anything, max_size=len(RECORD)))
def test_whatever_a_record_holds_it_is_an_alert_or_an_error(changes: dict[str, Any]) -> None:
    try:
        for each in page().alerts({**RECORD, **changes}):
            if isinstance(each, Alert):
                composed(each, agency="a", alert_id=new_alert_id(), revision=1, now_ms=NOW_MS, key=KEY)
    except BadNative:
        pass


@given(st.sets(st.sampled_from(list(RECORD)), min_size=1))
def test_no_error_note_or_representation_repeats_a_value(columns: set[str]) -> None:
    record = {**RECORD, **dict.fromkeys(columns, PLANTED)}
    try:
        told = repr(list(page().alerts(record)))
    except BadNative as bad:
        told = repr(bad) + str(bad) + json.dumps(vars(bad))
    assert PLANTED not in told
