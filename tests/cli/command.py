"""The `enlace` command as a person types it: in a process of its own, or within this one, which is quicker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from typer.testing import CliRunner

from hub.cli import app, logs, router

ENLACE = (sys.executable, "-P", "-m", "hub.cli")
TIMEOUT_S = 240


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Standard output, one JSON value a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def troubles(self) -> list[Any]:
        """Standard error, one JSON object a line."""
        return [json.loads(line) for line in self.err.splitlines()]


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's, without the hub's settings and with those that are given."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("ENLACE_")}, **settings}


def enlace(*arguments: str | Path, **settings: str | None) -> Answer:
    """What the command says, within this process, whose logs and signals stay as they are.

    An exception is no answer, whatever was asked.
    """
    unset = {name: None for name in os.environ if name.startswith("ENLACE_")}
    with patch.object(logs, "configure"), patch.object(router, "configure"), patch.object(signal, "signal"):
        done = CliRunner().invoke(app, [*map(str, arguments)], env={**unset, **settings})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Answer(done.exit_code, done.stdout, done.stderr)


def enlace_process(*arguments: str | Path, cwd: Path, **settings: str) -> Answer:
    """What the command says as a process. A trace is no answer."""
    done = subprocess.run(
        [*ENLACE, *map(str, arguments)],
        cwd=cwd,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)
