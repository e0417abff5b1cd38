"""Commands where there is no cluster, or where a setting is wrong: one line, an exit code, and no trace."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from hub.bus import limits, offsets, schema_ids, topics
from hub.bus.limits import Limits
from hub.cli import seen
from tests.cli.command import Answer, enlace

LOOKS = [
    ("status",),
    ("topics",),
    ("topics", "check"),
    ("topics", "create"),
    ("quarantine", "list"),
    ("quarantine", "show", "alerts.customs/0/0"),
    ("quarantine", "replay", "alerts.customs/0/0", "--why", "x"),
    ("doctor",),
    ("router", "run"),
]


def one_line(answer: Answer, code: int) -> str:
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith("enlace: ") and answer.err.count("\n") == 1
    return answer.err


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def closed() -> Iterator[str]:
    """An address where nobody answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_a_command_that_needs_a_cluster_says_how_to_get_one(command: tuple[str, ...]) -> None:
    assert "enlace up" in one_line(enlace(*command), 2)


@pytest.mark.parametrize("command", [("status",), ("quarantine", "list"), ("topics",)], ids=" ".join)
def test_a_cluster_that_does_not_answer_is_one_line(
    command: tuple[str, ...], closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch)
    assert closed in one_line(enlace(*command, ENLACE_BOOTSTRAP_SERVERS=closed), 1)


def test_doctor_tells_that_the_cluster_does_not_answer_beside_what_is_well(
    closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch)
    answer = enlace("doctor", "--json", ENLACE_BOOTSTRAP_SERVERS=closed)
    assert answer.code == 1
    checks = {check["what"]: check for check in answer.json}
    assert checks["Python"]["well"] and checks["profile"]["well"]
    assert not checks["cluster"]["well"] and closed in checks["cluster"]["found"] and checks["cluster"]["advice"]


def shorten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits of commands, so that a test need not sit them out."""
    short = Limits(request_ms=400, delivery_ms=450, wait_ms=500)
    for room in (limits, offsets, schema_ids, topics, seen):
        monkeypatch.setattr(room, "Limits", lambda: short)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENLACE_PARTITIONS", "none"),
        ("ENLACE_PARTITIONS", "0"),
        ("ENLACE_SLOT", "Router 0"),
        ("ENLACE_LOG_LEVEL", "loud"),
        ("ENLACE_SECURITY_PROTOCOL", "SECRETVALUE"),
        ("ENLACE_SASL_MECHANISM", "SECRETVALUE"),
        ("ENLACE_BOOTSTRAP_SERVERS", ""),
    ],
)
def test_a_wrong_setting_is_named_in_one_line_and_its_value_is_not(name: str, value: str) -> None:
    settings = {"ENLACE_BOOTSTRAP_SERVERS": "127.0.0.1:1", name: value}
    line = one_line(enlace("router", "run", **settings), 2)
    assert f"setting {name}:" in line and "SECRETVALUE" not in line


@pytest.mark.parametrize("url", ["SECRETVALUE", "http://user:SECRETVALUE@registry"])
def test_a_wrong_registry_address_is_named_in_one_line(url: str, closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "create", lambda *_: [])
    monkeypatch.setattr(topics, "KafkaAdminClient", FakeAdmin)
    settings = {"ENLACE_BOOTSTRAP_SERVERS": closed, "ENLACE_SCHEMA_REGISTRY_URL": url}
    line = one_line(enlace("topics", "create", **settings), 2)
    assert "setting ENLACE_SCHEMA_REGISTRY_URL:" in line and "SECRETVALUE" not in line


class FakeAdmin:
    DEFAULT_CONFIG: ClassVar[dict[str, object]] = {}

    def __init__(self, **_: object) -> None: ...
    def close(self) -> None: ...


def test_the_connectors_that_are_installed_are_listed() -> None:
    listed = {row["name"]: row for row in enlace("connector", "list", "--json").json}
    assert listed["customs"]["directions"] == ["source", "sink"]
    assert listed["customs-seizures"]["directions"] == ["source"]
    assert listed["unodc-ropan"]["directions"] == ["sink"]
    shown = enlace("connector", "list").out
    assert all(name in shown for name in listed)


def test_a_connector_describes_its_options() -> None:
    schema = enlace("connector", "describe", "customs", "--json").json
    assert {"files", "folder", "watchlist", "database", "rules"} == set(schema["properties"])
    assert all(field["description"] for field in schema["properties"].values())
    assert "PAXLST" in enlace("connector", "describe", "customs").out
    assert "no connector" in one_line(enlace("connector", "describe", "nobody"), 2)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("table", "{}", "mapping: Field required"),
        ("attorney-general", "databas: x\ndatabase: x", "databas: Extra inputs are not permitted"),
        ("attorney-general", "{", "ParserError"),
        ("attorney-general", "- a", "valid"),
        ("customs", "folder: 5", "folder: "),
        ("nobody", "{}", "no connector nobody"),
    ],
)
def test_wrong_options_of_a_connector_are_one_line(tmp_path: Path, name: str, options: str, words: str) -> None:
    path = tmp_path / "options.yaml"
    path.write_text(options)
    answer = enlace("connector", "run", name, "--options", path, ENLACE_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert words in one_line(answer, 2)


def test_options_that_are_not_there_are_one_line(tmp_path: Path) -> None:
    answer = enlace("connector", "run", "customs", "--options", tmp_path / "o", ENLACE_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert "FileNotFoundError" in one_line(answer, 2)


@pytest.mark.parametrize("command", ["convert", "connector", "topics", "quarantine", "status", "doctor", "up", "demo"])
def test_every_command_explains_itself(command: str) -> None:
    answer = enlace(command, "--help")
    assert answer.code == 0 and "Usage" in answer.out
