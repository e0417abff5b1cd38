"""The processes that `up` and `demo` start: each on a leash, so that none outlives this one; ended in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hub.bus import leash

STOP_TIMEOUT_S = 15.0


class Child:
    """An `enlace` command as a process of its own, with its log in a file."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.log_file = folder / f"{name}.log"
        with self.log_file.open("ab") as log:
            self._leash, self.pid = leash.spawn(
                # -P: a folder `connectors` or `hub` where the command was typed must not take the place of ours
                [sys.executable, "-P", "-m", "hub.cli", *arguments],
                grace_s=STOP_TIMEOUT_S,
                cwd=Path.cwd(),
                env={**os.environ, **environment},
                log=log,
            )

    @property
    def ended(self) -> int | None:
        """Its exit code, if it has ended."""
        return self._leash.poll()

    def stop(self) -> None:
        """Asks it to end, and kills it after a while."""
        if self._leash.poll() is None:
            self._leash.send_signal(signal.SIGTERM)
            try:
                self._leash.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._leash.kill()
                self._leash.wait()
