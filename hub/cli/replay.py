"""`enlace guidelines replay`: the recorded decisions taken again under a draft. Read-only; no data of an alert is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cluster import reached, schema_ids
from .output import BAD_INPUT, JsonFlag, fail, print_json
from .rules import bundle_of

if TYPE_CHECKING:
    from hub.bus.bus import Record
    from hub.bus.settings import Connection
    from hub.guidelines.replay import Change, Found, Replay

app = typer.Typer()
PROGRESS_EVERY = 500

WORDS = {
    "now-receives": "now also receives {alert_class}",
    "no-longer-receives": "no longer receives {alert_class}",
    "more": "receives more of {alert_class}",
    "less": "receives less of {alert_class}",
    "other": "receives other parts of {alert_class}",
}


@app.command()
def replay(
    draft: Annotated[Path, typer.Argument(metavar="DRAFT", help="A draft's or bundle's file, or a profile's folder.")],
    since: Annotated[str | None, typer.Option(help="Only decisions from this time on: 2026-11-24T09:30:00Z.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """How every recorded decision would be taken under a draft: which agencies would receive more, less, or at all."""
    from hub.guidelines.replay import Replay
    from hub.model.avro import unframe

    since_ms = _since_ms(since)
    found = Replay(bundle_of(draft))
    with reached() as connection:
        wanted = schema_ids(connection).by_name["Decision"]
        with _Bar(connection) as advance:
            for number, record in enumerate(_decisions(connection), start=1):
                if number % PROGRESS_EVERY == 0:
                    advance(PROGRESS_EVERY, found)
                schema_id, body = unframe(record.value or b"")
                if schema_id == wanted and record.timestamp_ms >= since_ms:
                    found.take(body, record.key)
    if as_json:
        print_json(_report(found))
        return
    for change, times in found.ordered():
        typer.echo(_sentence(change, times))
    for field, count in sorted(found.undecidable.items()):
        typer.echo(f"{count} could not be decided: {field} has a value that the draft does not know")
    if found.unreadable:
        typer.echo(f"{found.unreadable} records could not be read")
    typer.echo(f"{found.compared} decisions, {found.differing} differ")


def _since_ms(since: str | None) -> int:
    from hub.model.base import from_rfc3339

    try:
        return from_rfc3339(since) if since else 0
    except ValueError as error:
        fail(f"--since: {error}", BAD_INPUT)


def _decisions(connection: Connection) -> Iterator[Record]:
    from hub.bus.limits import Limits
    from hub.bus.restore import partitions_of, read_table
    from hub.bus.topics import DECISIONS

    limits = Limits()
    for _, record in read_table(connection, partitions_of(connection, DECISIONS, limits), limits):
        yield record


class _Bar:
    """A bar on standard error, of the decisions that the topic holds."""

    def __init__(self, connection: Connection) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=_count(connection))

    def __enter__(self) -> Callable[[int, Replay], None]:
        self._bar.start()
        return self._advance

    def __exit__(self, *_error: object) -> None:
        self._bar.stop()

    def _advance(self, by: int, found: Replay) -> None:
        self._bar.update(self._task, advance=by, description=f"{found.differing} differ")


def _count(connection: Connection) -> int:
    """How many records the topic holds, markers included: good enough for a bar."""
    from hub.bus.limits import Limits
    from hub.bus.offsets import spans
    from hub.bus.restore import partitions_of
    from hub.bus.topics import DECISIONS

    limits = Limits()
    first, end = spans(connection, partitions_of(connection, DECISIONS, limits), limits)
    return sum(end.values()) - sum(first.values())


def _sentence(change: Change, found: Found) -> str:
    parts = [f"{change.agency} {WORDS[change.what].format(alert_class=change.alert_class)}"]
    if change.gained:
        parts.append(f"with {', '.join(change.gained)}")
    if change.lost:
        parts.append(f"without {', '.join(change.lost)}")
    return f"{' '.join(parts)}: {found.times} decisions, as on {found.example}"


def _report(found: Replay) -> dict[str, Any]:
    return {
        "draft": found.draft.name,
        "compared": found.compared,
        "differing": found.differing,
        "unreadable": found.unreadable,
        "undecidable": dict(found.undecidable),
        "changes": [
            {
                "agency": change.agency,
                "class": change.alert_class,
                "what": change.what,
                "gained": list(change.gained),
                "lost": list(change.lost),
                "decisions": times.times,
                "example": times.example,
            }
            for change, times in found.ordered()
        ],
    }
