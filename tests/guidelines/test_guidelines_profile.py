"""A profile's folder becomes a bundle, or every problem is told with its file, line, column, entry and field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hub.guidelines import yaml12
from hub.guidelines.profile import ProfileError, json_schemas, load_profile

FILES = {
    "agencies.yaml": """
agencies:
  - {id: customs, name: {es: a, en: a}, type: customs, country: PA, groups: [national], competences: [search], max_tlp: RED}
  - {id: norway, name: {es: a, en: a}, type: embassy, country: NO, competences: [search], max_tlp: RED}
""",
    "caveats.yaml": "caveats: [{id: C1, text: {es: a, en: a}}]",
    "legal_basis.yaml": "legal_basis: [{id: L1, title: {es: a, en: a}, mark: checked, source: read}]",
    "safeguards.yaml": """
guidelines:
  - id: S1
    title: {es: a, en: a}
    rationale: {es: a, en: a}
    legal_basis: [L1]
    effect: withhold
    from: all
    to: {any: all, except: [customs]}
    withhold: {any: "*", except: [circumstances, statistics]}
    safeguard: true
""",
    "guidelines/one.yaml": """
guidelines:
  - id: G1
    title: {es: a, en: a}
    rationale: {es: a, en: a}
    legal_basis: [L1]
    effect: permit
    from: customs
    to: [norway]
    when:
      minor: {any: [no]}
      nationality: {only: [NO]}
      credibility: {any: [1, 2]}
      exercise: {any: [none]}
    release: [victim.description]
    obligations: {acknowledge_hours: 4, keep: {event: case-closed}, onward: courier, caveats: [C1]}
    valid: {from: 2026-01-01, until: null}
""",
    "vocabularies.yaml": """
vocabularies:
  event: [case-closed]
  channel: [{id: courier, text: {es: por valija, en: by courier}}]
""",
}


def written(folder: Path, **changes: str) -> Path:
    """The profile of FILES, with other texts for some files (`one` is guidelines/one.yaml)."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(changes.get(path.stem, text))
    return folder


def problems(folder: Path, **changes: str) -> list[str]:
    with pytest.raises(ProfileError) as error:
        load_profile(written(folder, **changes))
    return [str(problem) for problem in error.value.problems]


def test_a_profile_is_read_as_it_is_written(tmp_path: Path) -> None:
    bundle = load_profile(written(tmp_path))
    guideline = bundle.guideline("G1")
    assert guideline is not None and guideline.obligations is not None
    assert guideline.when["nationality"].only == ("NO",)  # a country, not a truth value
    assert guideline.when["minor"].any == ("no",)
    assert guideline.when["credibility"].any == ("1", "2")
    assert guideline.when["exercise"].any == ("none",)
    assert bundle.vocabularies["event"] == ("case-closed",)
    assert [term.id for term in bundle.terms["channel"]] == ["courier"]
    safeguard = bundle.guideline("S1")
    assert safeguard is not None
    assert bundle.recipients_of(safeguard) == {"norway"}
    assert "circumstances" not in bundle.categories_of(safeguard)
    assert "victim.identity" in bundle.categories_of(safeguard)


def test_all_problems_of_all_files_are_told_at_once_with_their_places(tmp_path: Path) -> None:
    agencies = FILES["agencies.yaml"].replace("[search]", "[serch]", 1)
    one = (
        FILES["guidelines/one.yaml"]
        .replace("[norway]", "[norwey]")
        .replace("effect: permit", "efect: permit")
        .replace("acknowledge_hours: 4", "acknowledge_hours: 0")
        .replace("[victim.description]", "[victim.descripton]")
    )
    found = problems(tmp_path, agencies=agencies, one=one)
    assert found == [
        "agencies.yaml:3:103: customs competences.serch: `serch` is no known purpose; did you mean `search`?",
        "guidelines/one.yaml:3:5: G1 effect: this field is missing",
        "guidelines/one.yaml:7:5: G1 efect: there is no field `efect` here; did you mean `effect`?",
        "guidelines/one.yaml:9:10: G1 to.any.norwey: `norwey` is no known agency; did you mean `norway`?",
        "guidelines/one.yaml:15:15: G1 release.any.victim.descripton: `victim.descripton` is no known category; "
        "did you mean `victim.description`?",
        "guidelines/one.yaml:16:19: G1 obligations.acknowledge_hours: Input should be greater than or equal to 1",
    ]


def test_an_agency_with_a_problem_is_still_known_to_guidelines(tmp_path: Path) -> None:
    agencies = FILES["agencies.yaml"].replace("max_tlp: RED", "max_tlp: PINK", 1)
    found = problems(tmp_path, agencies=agencies)
    assert len(found) == 1 and "customs max_tlp" in found[0]


@pytest.mark.parametrize(
    ("stem", "old", "new", "message"),
    [
        ("one", "guidelines:", "guideline:", "one.yaml:1:1: a list under the one key `guidelines:` is expected"),
        ("one", "  - id: G1", "  - id: G1\n    id: G2", "one.yaml:4:5: the key `id` stands a second time"),
        ("one", "  - id: G1", "  - id: S1", "`S1` stands also in safeguards.yaml:3"),
        ("one", "{es: a, en: a}", "{es: a}", "one.yaml:4:5: G1 title.en: this field is missing"),
        ("one", "[norway]", "[norway", "one.yaml:10:"),
        ("one", "[norway]", "&x [norway]", "anchors (&name) are not used here"),
        ("one", "to: [norway]", "to: *x", "aliases (*name) are not used here"),
        ("one", "4,", "!!int 4,", "tags (!name) are not used here"),
        ("one", "2026-01-01", "2026-1-1", "a day is written YYYY-MM-DD"),
        ("one", "[victim.description]", "[victim.identity]", "needs a ground"),
        ("one", "onward: courier", "onward: curier", "did you mean `courier`"),
        ("safeguards", "safeguard: true", "safeguard: false", "must say `safeguard: true`"),
        ("vocabularies", "  event:", "  events:", "there is no list `events`; did you mean `event`"),
        ("caveats", "text:", "txt:", "there is no field `txt` here; did you mean `text`"),
    ],
)
def test_a_problem_is_told_in_words_that_help(tmp_path: Path, stem: str, old: str, new: str, message: str) -> None:
    text = next(each for name, each in FILES.items() if Path(name).stem == stem)
    found = problems(tmp_path, **{stem: text.replace(old, new, 1)})
    assert any(message in each for each in found), found


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "caveats.yaml").unlink()
    with pytest.raises(ProfileError, match=r"caveats.yaml:1:1: cannot be read"):
        load_profile(tmp_path)


# --- YAML 1.2 and its limits


def test_words_that_older_yaml_took_for_truth_values_stay_words() -> None:
    text = b"[no, NO, yes, on, off, y, n, ~, null, true, 1, 1.5, 2026-01-01, '1', 0x1F, 1_000, 12:30]"
    assert yaml12.read(text).value == [
        *("no", "NO", "yes", "on", "off", "y", "n"),
        *(None, None, True, 1, 1.5, "2026-01-01", "1", "0x1F", "1_000", "12:30"),
    ]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"[" * 100_000, "nested deeper"),
        (b"a: [" * 50, "mapping values|nested deeper"),
        (b"a" * (yaml12.MAX_SCALAR + 1), "a text of"),
        (b" " * (yaml12.MAX_BYTES + 1), "the file has"),
        (b"a: \xff", "not UTF-8"),
        (b"a: 1\n---\nb: 2\n", "second document"),
        (b"? [a]\n: b", "a key must be a word"),
        (b"a: \x00", "not YAML|allowed"),
    ],
)
def test_what_is_over_the_limits_or_not_yaml_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(yaml12.NotYaml, match=problem):
        yaml12.read(data)


def test_the_number_of_values_in_a_file_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml12, "MAX_NODES", 100)
    yaml12.read(b"- a\n" * 99)
    with pytest.raises(yaml12.NotYaml, match="more than 100 values"):
        yaml12.read(b"- a\n" * 100)


# --- the schema for editors


def test_the_schema_for_editors_accepts_what_loads_and_refuses_a_wrong_word() -> None:
    schemas = json_schemas()
    for name, text in FILES.items():
        schema: dict[str, Any] = schemas["guidelines/*.yaml" if name.startswith("guidelines") else name]
        jsonschema.Draft202012Validator.check_schema(schema)
        value = yaml12.read(text.encode()).value
        jsonschema.validate(value, schema)
        wrong = yaml12.read(text.replace("id:", "ident:", 1).replace("event:", "evnt:").encode()).value
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
