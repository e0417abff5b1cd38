"""`enlace guidelines check`, `diff`, `preview`, `show`, `schema`: what a steward sees."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hub.guidelines import yaml12
from hub.guidelines.profile import load_profile
from tests.cli.command import enlace

ROOT = Path(__file__).parents[2]
PANAMA = ROOT / "profiles" / "panama"
DAY = ("--on", "2026-11-24")


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """A copy of Panama's profile, to be changed."""
    return Path(shutil.copytree(PANAMA, tmp_path / "draft"))


def change(profile: Path, file: str, old: str, new: str) -> None:
    path = profile / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_check_reports_each_finding_with_what_to_do_and_an_example_and_counts_them() -> None:
    answer = enlace("guidelines", "check", PANAMA, *DAY)
    assert answer.code == 0
    assert "note category-to-nobody: The category victim.image is released to nobody." in answer.out
    assert '    example: {"originator": ' in answer.out
    last = answer.out.splitlines()[-1]
    assert re.fullmatch(r"9 agencies, 56 guidelines, bundle [0-9a-f]{64}: 0 errors, \d+ warnings?, \d+ notes?", last)


def test_check_speaks_spanish() -> None:
    answer = enlace("guidelines", "check", PANAMA, *DAY, "--language", "es")
    assert "La categoría victim.image no se entrega a nadie." in answer.out


def test_check_fails_on_the_level_that_is_asked_for() -> None:
    assert enlace("guidelines", "check", PANAMA, *DAY).code == 0
    assert enlace("guidelines", "check", PANAMA, *DAY, "--fail-on", "note").code == 1
    assert enlace("guidelines", "check", PANAMA, "--fail-on", "nothing").code == 2


def test_check_as_json_has_examples_that_are_cases() -> None:
    findings = enlace("guidelines", "check", PANAMA, *DAY, "--json").json
    (image,) = [each for each in findings if each["about"] == ["victim.image"] and each["code"] == "category-to-nobody"]
    assert image["level"] == "note"
    assert set(image["text"]) == {"es", "en"}
    assert {"id", "alert", "on", "receives", "because"} <= image["case"].keys()


def test_an_example_can_be_kept_as_a_case_and_passes(draft: Path) -> None:
    findings = enlace("guidelines", "check", draft, *DAY, "--json").json
    cases = [{**each["case"], "id": f"found-{number}"} for number, each in enumerate(findings) if each.get("case")]
    (draft / "cases" / "found.yaml").write_text(json.dumps({"cases": cases}), encoding="utf-8")
    answer = enlace("guidelines", "test", draft)
    assert answer.code == 0, answer.out
    assert answer.out.strip() == f"{188 + len(cases)} passed"


def test_check_reports_a_text_that_does_not_load_as_findings_with_their_places(draft: Path) -> None:
    change(draft, "guidelines/border.yaml", "suspects: {min: 1}", "suspects: {minimum: 1}")
    change(draft, "guidelines/international.yaml", "reliability: {any: [A, B, C]}", "reliability: {any: [A, B, X]}")
    change(draft, "guidelines/victim-protection.yaml", "    ground: best_interests\n", "")
    answer = enlace("guidelines", "check", draft, "--json")
    assert answer.code == 2
    found = {(each["code"], each["guidelines"][0]): each["text"]["en"] for each in answer.json}
    assert "guidelines/border.yaml:" in found["does-not-load", "PA-G15"]
    assert re.search(r"international\.yaml:\d+:\d+: PA-G12 when\.reliability\.any\.X", found["unknown-value", "PA-G12"])
    assert "needs a ground" in found["does-not-load", "PA-G10"]


def test_diff_tells_what_an_agency_now_also_receives_and_by_which_change(draft: Path) -> None:
    change(
        draft,
        "guidelines/missing-persons.yaml",
        "    release: [missing.description, journey]",
        "    release: [missing.description, missing.contact, journey]",
    )
    answer = enlace("guidelines", "diff", PANAMA, draft, *DAY)
    assert answer.code == 0
    assert "  guideline PA-G06m changed: release" in answer.out
    assert (
        "* National Commission against Trafficking in Persons (commission) now also receives missing.contact of alerts from "
        "anyone but commission, sica and unodc-ropan, where the alert is not an exercise, is of the class “missing person” "
        "and counts at least 1 missing person [PA-G06m, changed]." in answer.out
    )
    assert answer.out.splitlines()[-1] == "1 change"


def test_diff_of_the_same_is_empty_and_reads_bundles_too(tmp_path: Path) -> None:
    file = tmp_path / "bundle.json"
    file.write_bytes(load_profile(PANAMA).to_json())
    found = enlace("guidelines", "diff", PANAMA, file, *DAY, "--json").json
    assert (found["changes"], found["edits"]) == ([], [])
    assert found["old"] == found["new"]


def test_diff_says_in_one_line_what_is_no_bundle(tmp_path: Path) -> None:
    file = tmp_path / "bundle.json"
    file.write_text("{}")
    answer = enlace("guidelines", "diff", PANAMA, file)
    assert answer.code == 2
    assert answer.err.startswith("enlace: ")
    assert "Traceback" not in answer.err
    assert enlace("guidelines", "diff", PANAMA, tmp_path / "absent.json").code == 2


@pytest.fixture(scope="module")
def alert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A passenger-list hit as Customs' own connector makes it; all data in it are invented."""
    label = {
        "exercise": "none",
        "class": "suspected-transit",
        "tlp": "AMBER+STRICT",
        "handling": ["H0"],
        "purposes": ["investigation", "victim-assistance"],
        "reliability": "B",
        "credibility": "2",
    }
    fields: dict[str, Any] = {
        "routing": {"label": label, "minor": "no", "consent": "unknown", "victims": 1, "suspects": 1},
        "core": {
            "id": "01890000-0000-7000-8000-000000000001",
            "created_ms": "2026-11-24T09:00:00Z",
            "originator": "customs",
            "valid_until_ms": "2099-01-01T00:00:00Z",
        },
        "sections": [
            {"category": "narrative", "payload": {"text": "A story that nobody told."}},
            {"category": "victim.identity", "payload": {"person": "v1", "names": [{"full": "Iris Invented"}]}},
        ],
    }
    path = tmp_path_factory.mktemp("alerts") / "alert.json"
    path.write_text(json.dumps(fields), encoding="utf-8")
    return path


def test_preview_shows_each_recipient_exactly_what_it_would_see(alert: Path) -> None:
    answer = enlace("guidelines", "preview", alert, "--profile", PANAMA, "--json")
    assert answer.code == 0, answer.err
    seen = {each["agency"]: each for each in answer.json}
    sections = {agency: [each["category"] for each in view["sections"]] for agency, view in seen.items()}
    assert sections == {"attorney-general": ["narrative", "victim.identity"], "commission": [], "interpol": []}
    assert seen["attorney-general"]["sections"][0]["payload"]["text"] == "A story that nobody told."
    assert "story" not in json.dumps(seen["commission"])
    assert "Invented" not in json.dumps(seen["commission"])
    assert seen["commission"]["core"]["originator"] == "customs"
    assert "routing" not in seen["commission"]
    assert seen["commission"]["obligation"]["onward"] == "none"


def test_preview_reads_as_text(alert: Path) -> None:
    answer = enlace("guidelines", "preview", alert, "--profile", PANAMA)
    assert "Attorney General's Office (Public Ministry) (attorney-general) [PA-G01, PA-G02]" in answer.out
    assert answer.out.count("A story that nobody told.") == 1


def test_preview_of_what_is_no_alert_says_so_and_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text('{"routing": 1}')
    answer = enlace("guidelines", "preview", file, "--profile", PANAMA)
    assert answer.code == 2
    assert answer.troubles[0]["file"] == "bad.json"


def test_show_writes_the_document_in_both_forms_and_languages(tmp_path: Path) -> None:
    spanish = enlace("guidelines", "show", PANAMA)
    assert spanish.out.startswith("# Directrices para el intercambio de información\n")
    page = tmp_path / "guidelines.html"
    answer = enlace(
        "guidelines", "show", PANAMA, "--language", "en", "--format", "html", "--output", page, "--serial", "3"
    )
    assert (answer.code, answer.out) == (0, "")
    assert "<h1>Guidelines for the exchange of information</h1>" in page.read_text(encoding="utf-8")
    assert enlace("guidelines", "show", PANAMA, "--format", "pdf").code == 2


def test_the_schema_for_editors_is_kept_up_to_date() -> None:
    kept = (ROOT / "profiles" / "guidelines.schema.json").read_text(encoding="utf-8")
    assert enlace("guidelines", "schema").out == kept, (
        "run `enlace guidelines schema > profiles/guidelines.schema.json`"
    )


def files_of_guidelines() -> list[Path]:
    return [*sorted((PANAMA / "guidelines").glob("*.yaml")), PANAMA / "safeguards.yaml"]


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json.loads((ROOT / "profiles" / "guidelines.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("file", files_of_guidelines(), ids=lambda file: file.stem)
def test_the_schema_accepts_what_loads(validator: Any, file: Path) -> None:
    assert list(validator.iter_errors(yaml12.read(file.read_bytes()).value)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("suspects: {min: 1}", "suspects: {any: [1]}"),
        ("reliability: {any: [A, B, C]}", "reliability: {any: [A, B, X]}"),
        ("effect: permit", "effect: allow"),
        ("purposes: {any: [border-control]}", "purpose: {any: [border-control]}"),
        ("acknowledge_hours: 24", "acknowledge_days: 24"),
    ],
)
def test_the_schema_refuses_what_an_editor_can_see(validator: Any, old: str, new: str) -> None:
    text = (PANAMA / "guidelines" / "border.yaml").read_text(encoding="utf-8")
    assert old in text
    assert list(validator.iter_errors(yaml12.read(text.replace(old, new).encode()).value))
