"""What is wrong with a mapping file is told all at once, with its place and the nearest known word."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk.mapping import BadMapping, load_mapping, mapping_of
from connectors.sdk.mapping_language import MappingFile
from hub.guidelines.yaml12 import read
from tests.connectors.sdk.mappings import PAGE, SMALL, problems

EVERYTHING_WRONG = """\
name: hotline
key: [id]
zone: America/Panam
label:
  class: victim-identifed
  purposes: [investgation]
persons:
  - role: suspect
    consent: given
    sex: {from: s, codes: {F: femal, f: male}}
    birth_date: {from: b, dates: [dmy2]}
    nationalities: {from: n, code_list: pais}
code_lists: {paises: {X: PA}}
ignored: [s]
known: {kind: [a]}
words: {purpose: [x]}
"""


def test_every_problem_is_told_at_once_where_it_stands() -> None:
    found = "\n".join(problems(EVERYTHING_WRONG))
    for line, words in (
        (3, "no such time zone"),
        (5, "did you mean victim-identified"),
        (6, "did you mean investigation"),
        (9, "only for a person who is victim"),
        (10, "did you mean female"),
        (10, "the same as F"),
        (11, "needs `two_digit_years_from`"),
        (12, "did you mean paises"),
        (13, "no value uses this list"),
        (14, "is mapped in line 10"),
        (15, "no condition tests it"),
        (16, "did you mean purposes"),
    ):
        assert re.search(rf"^{line}:\d+: .*{re.escape(words)}", found, re.MULTILINE), words


WRONG = {
    "an unknown word": ("persons: [{role: victim, sexo: F}]", "did you mean sex?"),
    "an unknown word deep inside": ("sections: {journey: {legs: {departure_contry: PA}}}", "departure_country"),
    "an unknown role": ("persons: [{role: victm}]", "did you mean victim?"),
    "an unknown order": ("observed: {from: d, dates: [dmyy]}", "did you mean dmy?"),
    "a constant that is no country": ("facts: {origin: Atlantis}", "cannot be said as country"),
    "a code that is no country": ("facts: {origin: {from: c, codes: {X: Atlantis}}}", "cannot be said as country"),
    "two origins": ("observed: {from: d, choose: [{when: {a: [b]}, is: x}]}", "a constant, or has one of"),
    "codes of nothing": ("observed: {codes: {a: b}}", "a constant, or has one of"),
    "a list and a name of one": ("facts: {act: {from: a, codes: {a: transfer}, code_list: x}}", "has both"),
    "a split where one is said": ("sections: {case: {number: {from: n, split: ;}}}", "takes one value"),
    "dates that are none": ("sections: {case: {number: {from: n, dates: [dmy]}}}", "is no date"),
    "a condition that says nothing": ("skip_when: {a: {}}", "needs any, none, present or absent"),
    "a key that stands twice": ("valid_days: 3\nvalid_days: 4", "stands twice"),
    "an anchor": ("zone: &a UTC", "anchors"),
    "a default that cannot be": ("facts: {act: {from: a, default: transfr}}", "did you mean transfer?"),
    "parts beside parts": (
        "persons: [{role: victim, names: {full: {from: n, parts: given family}, given: {from: g}}}]",
        "gives family and given names itself",
    ),
    "too long a validity": ("valid_days: 900", "valid_days"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_in_one_line(what: str) -> None:
    text, words = WRONG[what]
    found = problems(SMALL + text)
    assert any(words in problem for problem in found), found
    assert all(re.match(r"\d+:\d+: ", problem) for problem in found)


def test_words_of_a_profile_may_be_added_to_a_list_that_grows() -> None:
    assert problems(SMALL + "facts: {indicators: PA-01}\nwords: {indicators: [PA-01]}") == []


def test_a_file_that_is_not_there_or_not_yaml_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadMapping, match="cannot be read"):
        load_mapping(tmp_path / "none.yaml")
    for text in (b"\xff\xfe", b"a: [", b"- 1", b"", b"a: 1\n---\nb: 2"):
        with pytest.raises(BadMapping):
            mapping_of(text, "m.yaml")


def test_the_json_schema_holds_of_the_page_s_example_and_refuses_what_we_refuse() -> None:
    schema = MappingFile.model_json_schema(by_alias=True)
    found = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    jsonschema.validate(read(found[1].encode()).value, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(read((SMALL + "persons: [{role: victm}]").encode()).value, schema)


def test_the_page_explains_every_word_of_the_language_s_first_level() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in MappingFile.model_fields if f"{name}:" not in page] == []


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_whatever_the_text_is_it_is_a_mapping_or_a_list_of_problems(text: str) -> None:
    try:
        mapping_of(text.encode("utf-8", "surrogatepass"), "m.yaml")
    except BadMapping as bad:
        assert bad.problems


def test_what_is_wrong_in_shape_and_what_is_wrong_in_words_are_told_together() -> None:
    text = """\
name: a
key: [id]
label: {class: victim-identifed, purposes: [search]}
persons:
  - role: victim
    sexo: F
    consent: {from: c, code_list: yesno}
    names: {full: {from: n, parts: sideways}}
code_lists: {yes_no: {y: given}}
"""
    found = problems(text)
    assert [problem.split(":")[0] for problem in found] == ["3", "6", "7", "8"], found
