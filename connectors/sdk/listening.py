"""Everything that code says while somebody listens: structured logs, the logging module, warnings, both standard streams."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

import structlog


class Overheard:
    """What was said, as one text."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        return "\n".join(self._parts)

    def add(self, *parts: str) -> None:
        self._parts += parts


class _Ear(logging.Handler):
    def __init__(self, heard: Overheard) -> None:
        super().__init__(logging.DEBUG)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        self._heard.add(record.getMessage(), trace)


@contextlib.contextmanager
def overhearing() -> Iterator[Overheard]:
    """Listens to this process; what an error raised out of it would say is heard too."""
    heard = Overheard()
    ear, root = _Ear(heard), logging.getLogger()
    out, level = io.StringIO(), root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        with (
            structlog.testing.capture_logs() as logs,
            warnings.catch_warnings(record=True) as warned,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(out),
        ):
            try:
                yield heard
            except Exception as error:
                heard.add(str(error), repr(error))
                raise
            finally:
                heard.add(out.getvalue(), repr(logs), *(str(each.message) for each in warned))
    finally:
        root.removeHandler(ear)
        root.setLevel(level)
