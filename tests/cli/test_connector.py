"""`enlace connector`: what can be said without a cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.generic.json_lines import CONNECTOR
from connectors.generic.trials import GOOD, MAPPING, PLANTED
from connectors.sdk import registry
from hub.cli.connector import app
from tests.cli.command import enlace


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """A folder with the trial's feed, its mapping and options."""
    assert CONNECTOR.trial is not None
    CONNECTOR.trial(tmp_path)
    (tmp_path / "options.yaml").write_text(
        f"mapping: {tmp_path / 'mapping.yaml'}\nfiles: [{tmp_path / 'feed.jsonl'}]\n", encoding="utf-8"
    )
    return tmp_path


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the generic connector were installed, whether or not it is."""
    real = registry.find
    monkeypatch.setattr(registry, "find", lambda name: CONNECTOR if name == "json-lines" else real(name))


def test_a_new_connector_is_a_package_whose_test_passes(tmp_path: Path) -> None:
    made = enlace("connector", "new", "police-north", "--folder", tmp_path / "police")
    assert made.code == 0 and str(tmp_path / "police" / "pyproject.toml") in made.out.splitlines()
    # In a process of its own, as its author runs it; what it imports of ours is this checkout's.
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-W",
            "ignore",
            "-k",
            "every_alert or personal",
            ".",
        ],
        cwd=tmp_path / "police",
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr


def test_a_name_that_is_none_or_a_folder_that_is_full_is_refused(tmp_path: Path) -> None:
    for name in ("Police", "9", "a b", "../x", "a" * 41, ""):
        assert enlace("connector", "new", name, "--folder", tmp_path / "x").code == 2
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    answer = enlace("connector", "new", "police", "--folder", tmp_path / "full")
    assert answer.code == 2 and "nothing was changed" in answer.err
    assert not (tmp_path / "x").exists()


def test_the_contract_is_tried_on_a_connector_by_its_name(installed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from connectors.sdk import contract_run

    monkeypatch.setattr(contract_run, "find", lambda name: CONNECTOR)
    answer = enlace("connector", "test", "json-lines", "--json")
    assert answer.code == 0
    assert {each["passed"] for each in answer.json} == {True, None}


def test_what_cannot_be_tested_is_one_line(tmp_path: Path) -> None:
    for what in ("nothing-of-this-name", str(tmp_path), "interpol"):
        answer = enlace("connector", "test", what)
        assert answer.code in (1, 2) or what == "interpol"
        if answer.code == 2:
            assert answer.err.count("\n") == 1


def test_a_mapping_file_is_checked_with_every_problem_on_a_line(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(MAPPING, encoding="utf-8")
    good = enlace("connector", "mapping-check", path)
    assert good.code == 0 and "fits" in good.out
    path.write_text(MAPPING.replace("AMBER", "AMBRE").replace("CO", "CO").replace("F: female", "F: femal"))
    bad = enlace("connector", "mapping-check", path)
    assert bad.code == 2 and bad.out == "" and len(bad.err.splitlines()) == 2
    assert "did you mean AMBER?" in bad.err and "did you mean female?" in bad.err


def test_the_mapping_language_is_printed_as_a_json_schema() -> None:
    schema = enlace("connector", "mapping-schema").json
    assert "persons" in schema["properties"] and schema["additionalProperties"] is False


def test_a_connection_is_tried_and_its_trouble_is_one_line(feed: Path, installed: None) -> None:
    good = enlace("connector", "check", "json-lines", "--options", feed / "options.yaml")
    assert (good.code, good.out) == (0, "source: reached\n")
    (feed / "options.yaml").write_text(f"mapping: {feed / 'none.yaml'}\n", encoding="utf-8")
    bad = enlace("connector", "check", "json-lines", "--options", feed / "options.yaml")
    assert bad.code == 2 and "cannot be read" in bad.err and bad.err.count("\n") == 1


def test_pause_resume_and_rewind_need_a_connector_that_ran_here(tmp_path: Path) -> None:
    home = {"ENLACE_HOME": str(tmp_path)}
    for wish in ("pause", "resume", "rewind"):
        assert enlace("connector", wish, "book", **home).code == 2
    state = tmp_path / "connectors" / "book"
    state.mkdir(parents=True)
    assert enlace("connector", "pause", "book", **home).code == 0 and (state / "paused").exists()
    assert enlace("connector", "resume", "book", **home).code == 0 and not (state / "paused").exists()
    assert enlace("connector", "rewind", "book", "--to", "17", **home).code == 0
    assert json.loads((state / "rewind.json").read_text()) == {"position": "17"}


def test_a_connector_for_any_agency_must_be_told_for_which(feed: Path, installed: None) -> None:
    answer = enlace("connector", "run", "json-lines", "--options", feed / "options.yaml")
    assert answer.code == 2 and "--agency" in answer.err


def test_every_row_that_is_converted_is_an_alert_or_an_error_and_no_error_repeats_a_value(
    feed: Path, installed: None
) -> None:
    answer = enlace("convert", "json-lines", feed / "feed.jsonl", "--options", feed / "options.yaml")
    assert answer.code == 2 and len(answer.lines) == GOOD
    assert sum(trouble["level"] == "bad" for trouble in answer.troubles) == 4
    assert not any(value in answer.err for value in PLANTED)


def test_options_and_mappings_that_do_not_fit_end_conversion_in_lines_and_no_trace(feed: Path, installed: None) -> None:
    options = feed / "options.yaml"
    for text in ("nonsense: 1", "mapping: nowhere.yaml", "[1]", "\x00", "mapping: 3"):
        options.write_text(text, encoding="utf-8")
        answer = enlace("convert", "json-lines", feed / "feed.jsonl", "--options", options)
        assert (answer.code, answer.out) == (2, "") and "Traceback" not in answer.err
    answer = enlace("convert", "json-lines", feed / "feed.jsonl")
    assert answer.code == 2 and "--options" in answer.err


def test_a_fault_of_a_connector_ends_conversion_without_a_trace_and_without_its_words(
    feed: Path, installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors.generic.mapped import MappedFiles

    def fail(*_: object) -> None:
        raise KeyError(PLANTED[0])

    monkeypatch.setattr(MappedFiles, "alerts", fail)
    answer = enlace("convert", "json-lines", feed / "feed.jsonl", "--options", feed / "options.yaml")
    assert answer.code == 2 and "KeyError in " in answer.err and PLANTED[0] not in answer.err


def test_the_page_of_the_kit_has_every_command_metric_and_statement() -> None:
    from connectors.sdk.contract import STATEMENTS
    from connectors.sdk.status import Metrics, Status

    page = (Path(__file__).parents[2] / "docs" / "connectors" / "kit.md").read_text(encoding="utf-8")
    commands = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    assert [name for name in commands if name not in page] == []
    assert [each.name for each in Metrics(Status("a", "b"), lambda: 0).collect() if each.name not in page] == []
    assert [each.__name__ for each in STATEMENTS if each.__name__.replace("_", " ") not in page] == []
