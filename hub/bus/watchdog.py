"""Ends a process that shows no sign of life: a restart is always safe, a hang is not."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

End = Callable[[int], None]

STUCK = 70  # exit code of a process that the watchdog ended
SLOT_TAKEN = 71  # exit code of one whose slot another process has; do not start it again

_LOOK_S = 0.5


class Watchdog:
    """Calls `end(STUCK)`, once, when beat() was not called for `patience_ms`. It cannot be held up by the main thread."""

    def __init__(self, patience_ms: int, end: End = os._exit) -> None:
        self._patience_s = patience_ms / 1000
        self._end = end
        self._beaten_s = time.monotonic()
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, daemon=True, name="enlace-watchdog").start()

    def beat(self) -> None:
        """A sign of life."""
        self._beaten_s = time.monotonic()

    def stop(self) -> None:
        """Watches no more."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(min(_LOOK_S, self._patience_s / 4)):
            if time.monotonic() - self._beaten_s > self._patience_s:
                self._end(STUCK)
                return
