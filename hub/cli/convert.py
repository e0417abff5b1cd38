"""`enlace convert`: native input to alerts, one JSON a line, without Kafka."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from .output import BAD_INPUT, fail, quiet_pipe

CONVERT_KEY = b"convert: these alerts are shown, not published"


def convert(
    connector: Annotated[str, typer.Argument(help="A connector's name: see `enlace connector list`.")],
    files: Annotated[list[Path], typer.Argument(help="Native files.")],
    watchlist: Annotated[Path | None, typer.Option(help="CSV with the header document_number,name,birth_date.")] = None,
) -> None:
    """Native input to alerts on standard output, one JSON a line; what could not be used, on standard error.

    Bad records are reported with file, line or segment, field and reason, never the value, and skipped; exit code 2 if
    there were any. Lines of level `warning` say what was noted and used all the same.
    """
    from connectors.sdk.convert import converted
    from connectors.sdk.registry import NoConnector, find
    from hub.model.text import alert_to_json

    try:
        found = find(connector)
    except NoConnector as error:
        fail(str(error), BAD_INPUT)
    if found.source is None or found.files is None:
        fail(f"connector {connector} reads no files", BAD_INPUT)
    missing = [path for path in (*files, *([watchlist] if watchlist else ())) if not _readable(path)]
    for path in missing:
        typer.echo(json.dumps({"level": "bad", "file": path.name, "reason": "the file cannot be read"}), err=True)
    usable = [path for path in files if path not in missing]
    bad = len(missing)
    if (usable or not missing) and watchlist not in missing:
        try:
            source = found.source(found.files(usable, watchlist))
        except ValueError as error:
            fail(str(error), BAD_INPUT)
        for alert, trouble in converted(
            source, agency=found.agency, now_ms=time.time_ns() // 1_000_000, key=CONVERT_KEY
        ):
            try:
                if alert is not None:
                    typer.echo(json.dumps(alert_to_json(alert), ensure_ascii=False))
                elif trouble is not None:
                    bad += trouble.level == "bad"
                    typer.echo(json.dumps(trouble.report(), ensure_ascii=False), err=True)
            except BrokenPipeError:
                quiet_pipe()
    if bad:
        raise typer.Exit(BAD_INPUT)


def _readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False
