"""What a command shows is kept fresh until Ctrl-C."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import pytest
import typer

from hub.cli import watching
from hub.readmodel.database import FILE, open_database, upgrade
from tests.cli.command import enlace


@pytest.fixture
def three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever watches presses Ctrl-C in the third pause."""
    pauses = iter((None, None, KeyboardInterrupt))

    def pause() -> None:
        if (raised := next(pauses)) is not None:
            raise raised

    monkeypatch.setattr(watching, "pause", pause)


@pytest.mark.usefixtures("three_times")
def test_json_comes_line_by_line_until_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = count()
    watching.shown(lambda: typer.echo(json.dumps(next(numbers))), watch=True, as_json=True)
    assert capsys.readouterr().out.split() == ["0", "1", "2"]


@pytest.mark.usefixtures("three_times")
def test_tables_are_drawn_anew_until_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = count(7)
    watching.shown(lambda: typer.echo(f"picture {next(numbers)}"), watch=True, as_json=False)
    assert "picture 9" in capsys.readouterr().out and next(numbers) == 10


def test_without_watch_it_is_shown_once() -> None:
    called: list[int] = []
    watching.shown(lambda: called.append(1), watch=False, as_json=False)
    assert called == [1]


@pytest.mark.usefixtures("three_times")
@pytest.mark.parametrize("command", ["status", "lag"])
def test_a_command_that_watches_the_read_model_ends_well_on_ctrl_c(command: str, tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / FILE}")
    upgrade(engine)
    engine.dispose()
    answer = enlace(command, "--watch", "--json", ENLACE_HOME=str(tmp_path))
    assert (answer.code, answer.lines) == (0, [[], [], []])


@pytest.mark.usefixtures("three_times")
def test_what_goes_wrong_while_watching_ends_it_with_one_line(tmp_path: Path) -> None:
    answer = enlace("lag", "--watch", ENLACE_HOME=str(tmp_path))
    assert answer.code == 2 and answer.err.count("\n") == 1
