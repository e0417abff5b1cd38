"""`enlace console`: users are added with a prompted password; it does not start where it would be reachable without TLS."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hub.cli import app
from hub.console.people import People
from hub.readmodel.database import FILE, open_database
from tests.console.world import PASSWORD


def enlace(home: Path, *arguments: str, typed: str = "", **settings: str) -> Result:
    unset = {name: None for name in os.environ if name.startswith("ENLACE_")}
    return CliRunner().invoke(app, arguments, input=typed, env={**unset, "ENLACE_HOME": str(home), **settings})


def twice(password: str) -> str:
    return f"{password}\n{password}\n"


def test_a_user_is_added_by_a_command_and_may_sign_in(tmp_path: Path) -> None:
    added = enlace(tmp_path, "console", "add-user", "olga", "--role", "operator", typed=twice(PASSWORD))
    assert added.exit_code == 0, added.output
    assert PASSWORD not in added.output
    enlace(tmp_path, "console", "add-user", "ariel", "--role", "auditor", "--agency", "iom", typed=twice(PASSWORD))
    users = json.loads(enlace(tmp_path, "console", "users", "--json").stdout)
    assert [(each["user"], each["role"], each["agency"], each["active"]) for each in users] == [
        ("ariel", "auditor", "iom", True),
        ("olga", "operator", None, True),
    ]
    engine = open_database(f"sqlite:///{tmp_path / FILE}")
    with engine.connect() as db:
        assert People().signs_in(db, "olga", PASSWORD) is not None
        assert People().signs_in(db, "olga", "another password") is None
    assert enlace(tmp_path, "console", "disable-user", "olga").exit_code == 0
    with engine.connect() as db:
        assert People().signs_in(db, "olga", PASSWORD) is None
    engine.dispose()


@pytest.mark.parametrize(("name", "options", "password", "said"), [
    ("Olga!", ("--role", "operator"), PASSWORD, "a user's name"),
    ("olga", ("--role", "king"), PASSWORD, "--role is"),
    ("olga", ("--role", "operator", "--agency", "iom"), PASSWORD, "for auditors only"),
    ("olga", ("--role", "operator"), "short", "at least 12"),
    ("olga", ("--role", "operator"), "olga is my name", "without the user's name"),
])  # fmt: skip
def test_what_is_no_user_is_said_in_one_line(
    tmp_path: Path, name: str, options: tuple[str, ...], password: str, said: str
) -> None:
    answer = enlace(tmp_path, "console", "add-user", name, *options, typed=twice(password))
    assert (answer.exit_code, said in answer.output) == (2, True), answer.output


@pytest.mark.parametrize("settings", [
    {"ENLACE_CONSOLE_HOST": "0.0.0.0"},
    {"ENLACE_CONSOLE_TRUSTED_PROXY": "10.0.0.1", "ENLACE_CONSOLE_HOST": "10.0.0.2"},
    {"ENLACE_CONSOLE_TLS_CERTFILE": "a.pem"},
])  # fmt: skip
def test_it_does_not_start_where_it_would_be_reachable_without_tls(tmp_path: Path, settings: dict[str, str]) -> None:
    answer = enlace(tmp_path, "console", "run", **settings)
    assert answer.exit_code == 2 and re.search("TLS|https://", answer.output), answer.output
