"""Any agency's messages by a mapping file: over signed HTTP, and from files where nothing listens."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.generic import intake, trials
from connectors.generic.messages import ByKind, MessageOptions
from connectors.sdk import BadNative, Trial
from connectors.sdk.contract import Statement
from connectors.sdk.contract_world import World
from connectors.sdk.mapping import mapping_of
from tests.connectors.generic.keeping import FOR_SOURCES, alerts, keep, told
from tests.connectors.generic.posting import listen, posting, waiting

ROW = {**trials.rows()[0], "id": "R-1", "name": "Ana Inventada", "account": "an account"}


@pytest.mark.parametrize("statement", FOR_SOURCES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("listens", [False, True])
def test_it_keeps_the_contract(listens: bool, statement: Statement, tmp_path: Path) -> None:
    def trying(folder: Path) -> Trial:
        assert intake.CONNECTOR.trial is not None
        made = intake.CONNECTOR.trial(folder)
        if not listens:
            return made
        assert isinstance(made.options, MessageOptions)
        lines = (folder / "messages.jsonl").read_bytes().splitlines()
        return Trial(waiting(folder, made.options, lines), made.alerts, made.set_aside, made.planted)

    keep(statement, intake.CONNECTOR, trying, tmp_path)


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "mapping.yaml"
    path.write_text(trials.MAPPING, encoding="utf-8")
    return path


def test_a_message_is_an_alert_when_it_is_answered_and_a_changed_one_the_next_revision(
    tmp_path: Path, mapping: Path
) -> None:
    with posting(intake.CONNECTOR, tmp_path, mapping=mapping) as there:
        assert there.post("m1", ROW).status_code == 202
        assert there.post("m1", ROW).status_code == 202
        assert there.post("m2", {**ROW, "account": "a changed account"}).status_code == 202
        found = alerts(there.world)
    assert [(alert.core.revision, told(alert)) for alert in found] == [(1, "an account"), (2, "a changed account")]
    assert found[0].core.id == found[1].core.id
    assert "evidence" in {section.category for section in found[0].sections}


def test_what_is_no_alert_is_refused_at_the_door_without_a_value(tmp_path: Path, mapping: Path) -> None:
    refused: list[tuple[object, str, str]] = [
        ({**ROW, "born": "ONCE-INVENTED"}, "born", "is not a date in one of its orders"),
        ({**ROW, "id": ""}, "id", "has no value"),
        ([ROW], "", "a message must be a JSON object"),
        (None, "", "a message must be a JSON object"),
        ({**ROW, "name": {"family": "ONCE-INVENTED"}}, "name", ""),
    ]
    with posting(intake.CONNECTOR, tmp_path, mapping=mapping) as there:
        for number, (message, field, reason) in enumerate(refused[:4]):
            answer = there.post(f"m{number}", message)
            assert answer.status_code == 400 and answer.json()["code"] == "bad-record"
            assert answer.json().get("field", "") == field and reason in answer.json()["reason"]
            assert "INVENTED" not in answer.text
        assert alerts(there.world) == [] and there.bad == []


def test_a_field_that_nobody_mapped_is_told_once_by_its_name(tmp_path: Path, mapping: Path) -> None:
    with posting(intake.CONNECTOR, tmp_path, mapping=mapping) as there:
        for number in range(3):
            assert there.post(f"m{number}", {**ROW, "id": f"{number}", "office": "x"}).status_code == 202
        assert [(bad.field, bad.level) for bad in there.bad] == [("office", "warning")]
        assert len(alerts(there.world)) == 3


def test_files_are_read_in_place_of_listening(tmp_path: Path, mapping: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(ROW) + "\n[]\n", encoding="utf-8")
    options = intake.IntakeOptions.model_validate(
        {"mapping": mapping, "listen": listen(tmp_path), "files": (tmp_path / "a.jsonl",)}
    )
    world = World(intake.CONNECTOR)
    world.published(Trial(options))
    assert len(alerts(world)) == 1
    assert [(bad.file, bad.line, bad.code) for bad in world.bad] == [("a.jsonl", 2, "json-not-an-object")]
    assert not (tmp_path / "spool.db").exists()


@pytest.mark.parametrize("fields", [{}, {"folder": ".", "listen": True}])
def test_there_is_one_way_in(fields: dict[str, Any], tmp_path: Path) -> None:
    given = {name: listen(tmp_path) if name == "listen" else value for name, value in fields.items()}
    with pytest.raises(ValidationError, match="one of `listen` and `folder`"):
        MessageOptions.model_validate(given)


def test_other_machines_are_heard_with_tls_only(tmp_path: Path, mapping: Path) -> None:
    with pytest.raises(ValidationError, match="with TLS only"):
        intake.IntakeOptions.model_validate({"mapping": mapping, "listen": {**listen(tmp_path), "host": "0.0.0.0"}})


def test_the_kind_of_a_message_says_which_mapping_it_has() -> None:
    other = trials.MAPPING.replace("name: trial", "name: other")
    said = {"one": trials.MAPPING + "ignored: [kind]\n", "two": other + "ignored: [kind]\n"}
    messages = ByKind("kind", {kind: mapping_of(text.encode(), "m.yaml") for kind, text in said.items()})
    (one, _), (two, _) = ([*messages.alerts({**ROW, "kind": kind}), None][:2] for kind in said)
    assert one != two and one.key != two.key  # type: ignore[union-attr]
    assert messages.unmapped_of({**ROW, "kind": "one"}) == []
    unknown: list[object] = ["three", None, ["one"], {}]
    for kind in unknown:
        with pytest.raises(BadNative, match="no kind of message"):
            list(messages.alerts({**ROW, "kind": kind}))
        assert messages.unmapped_of({**ROW, "kind": kind}) == []


BASE = """
import sys
for name in ("fastapi", "starlette", "uvicorn"):
    sys.modules[name] = None
from pathlib import Path
from connectors.generic import cap, intake, paged, sql, webhook
from connectors.foreign_affairs.connector import CONNECTOR as ministry
from connectors.embassy_canada.connector import CONNECTOR as embassy
from connectors.sdk.convert import converted
demo = Path("profiles/panama/demo")
for connector, file in ((ministry, "foreign-affairs/1-consular.jsonl"), (embassy, "embassy-canada/1-reports.jsonl")):
    source = connector.source(connector.files([demo / file], None))
    assert any(alert for alert, _ in converted(source, agency=connector.agency, now_ms=1_800_000_000_000, key=b"k"))
listen = {"secrets": ["whsec_" + "QUFB" * 8], "spool": "never.db"}
try:
    ministry.source(ministry.options.model_validate({"listen": listen}))
except ValueError as error:
    print(error)
"""


def test_without_the_extra_http_files_are_read_and_listening_says_what_it_needs() -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", BASE], cwd=root, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("listen: needs the extra `http` (fastapi, uvicorn)\n", 0), done.stderr
