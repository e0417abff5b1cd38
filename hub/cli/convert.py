"""`enlace convert`: native input to alerts, one JSON a line, without Kafka."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .output import BAD_INPUT, fail, quiet_pipe

if TYPE_CHECKING:
    from connectors.sdk import Connector, Options

CONVERT_KEY = b"convert: these alerts are shown, not published"
SILENT_S = 1.0  # on a terminal, until it is told that work goes on
SILENT_ELSEWHERE_S = 15.0  # where a program reads
LOOK_S = 0.5


def convert(
    connector: Annotated[str, typer.Argument(help="A connector's name: see `enlace connector list`.")],
    files: Annotated[list[Path] | None, typer.Argument(help="Native files.")] = None,
    watchlist: Annotated[Path | None, typer.Option(help="CSV with the header document_number,name,birth_date.")] = None,
    options: Annotated[Path | None, typer.Option(help="YAML file with the connector's options.")] = None,
    agency: Annotated[str | None, typer.Option(help="The agency it speaks for; the connector's own otherwise.")] = None,
) -> None:
    """Native input to alerts on standard output, one JSON a line; what could not be used, on standard error.

    Bad records are reported with file, line or segment, field and reason, never the value, and skipped; exit code 2 if
    there were any. Lines of level `warning` say what was noted and used all the same; of level `progress`, that it goes on.
    """
    from connectors.sdk.registry import NoConnector, find

    try:
        found = find(connector)
    except NoConnector as error:
        fail(str(error), BAD_INPUT)
    if found.source is None:
        fail(f"connector {connector} reads no files: it has no source", BAD_INPUT)
    given = files or []
    missing = [path for path in (*given, *([watchlist] if watchlist else ())) if not _readable(path)]
    for path in missing:
        _tell({"level": "bad", "file": path.name, "reason": "the file cannot be read"})
    usable = [path for path in given if path not in missing]
    bad = len(missing)
    if (usable or not missing) and watchlist not in missing:
        try:
            source = found.source(_options(found, usable, watchlist, options))
        except ValueError as error:
            fail(str(error), BAD_INPUT)
        except Exception as error:
            fail(_unsayable(connector, error), BAD_INPUT)
        bad += _converted(connector, source, agency or found.agency or "agency")
    if bad:
        raise typer.Exit(BAD_INPUT)


def _options(found: Connector[Any], files: list[Path], watchlist: Path | None, options: Path | None) -> Options:
    """From the options' file with the files in their place; else from the files alone. Raises ValueError."""
    if options is not None:
        from .connector import load_options

        return load_options(found, options, {"files": [str(path) for path in files]} if files else {})
    if found.files is None:
        raise ValueError(f"connector {found.name} needs its options: name their file by --options")
    if not files:
        raise ValueError("name the files to convert")
    made: Options = found.files(files, watchlist)
    return made


def _converted(connector: str, source: Any, agency: str) -> int:
    """Prints what the source gives; how many bad records there were."""
    from connectors.sdk.convert import converted
    from hub.model.text import alert_to_json

    bad = 0
    with _progress() as progress:
        try:
            now_ms = time.time_ns() // 1_000_000
            for alert, trouble in converted(source, agency=agency, now_ms=now_ms, key=CONVERT_KEY):
                if alert is not None:
                    typer.echo(json.dumps(alert_to_json(alert), ensure_ascii=False))
                    progress.alerts += 1
                elif trouble is not None:
                    bad += trouble.level == "bad"
                    _tell(trouble.report())
                progress.spoken()
        except BrokenPipeError:
            quiet_pipe()
        except Exception as error:
            _tell({"level": "bad", "file": "", "reason": _unsayable(connector, error)})
            bad += 1
    return bad


def _unsayable(connector: str, error: Exception) -> str:
    from connectors.sdk.status import sayable, trouble_of

    said = sayable(error)
    words = f": {said}" if said != type(error).__name__ else ""
    return f"connector {connector} stopped: {trouble_of(error).words}{words}"


def _tell(report: dict[str, Any]) -> None:
    typer.echo(json.dumps(report, ensure_ascii=False), err=True)


class _Progress:
    """Says that work goes on when nothing was said for a while."""

    def __init__(self) -> None:
        self.alerts = 0
        self.ended = threading.Event()
        self._spoke_s = self._began_s = time.monotonic()
        self._silent_s = SILENT_S if sys.stderr.isatty() else SILENT_ELSEWHERE_S

    def spoken(self) -> None:
        self._spoke_s = time.monotonic()

    def watch(self) -> None:
        while not self.ended.wait(LOOK_S):
            now_s = time.monotonic()
            if now_s - self._spoke_s >= self._silent_s:
                self._spoke_s = now_s
                _tell({"level": "progress", "seconds": round(now_s - self._began_s), "alerts": self.alerts})


@contextmanager
def _progress() -> Iterator[_Progress]:
    progress = _Progress()
    thread = threading.Thread(target=progress.watch, daemon=True)
    thread.start()
    try:
        yield progress
    finally:
        progress.ended.set()
        thread.join(2)


def _readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False
