"""`enlace decide`: who would receive an alert, what of it, and why the others would not. Nothing is sent."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .output import BAD_INPUT, JsonFlag, fail, print_json, table
from .settings import load_bundle

if TYPE_CHECKING:
    from hub.guidelines.bundle import Bundle
    from hub.guidelines.explain import Explanation
    from hub.model.core import Alert

MAX_BYTES = 64 << 20


def decide(
    alerts: Annotated[
        list[Path], typer.Argument(help="Alerts as `convert` prints them: JSON, one or several; - is input.")
    ],
    profile: Annotated[Path | None, typer.Option(help="The profile's folder.")] = None,
    recipient: Annotated[str | None, typer.Option(help="Only this agency.")] = None,
    language: Annotated[str, typer.Option(help="es or en.")] = "en",
    as_json: JsonFlag = False,
) -> None:
    """The decision for every agency: released and withheld categories, obligations, deciding guidelines, and for a denial
    the nearest permit and what it lacked. With --json one array an alert, a line each. Exit code 2 if one cannot be decided."""
    bundle = load_bundle(profile)
    if recipient is not None and bundle.agency(recipient) is None:
        fail(
            f"no agency {recipient} in this profile; it has {', '.join(each.id for each in bundle.agencies)}", BAD_INPUT
        )
    if language not in ("es", "en"):
        fail("--language is es or en", BAD_INPUT)
    agencies = [recipient] if recipient else [agency.id for agency in bundle.agencies]
    bad = 0
    for place, read in alerts_of(alerts):
        try:
            alert = alert_of(read)
            explained = [_explained(alert, bundle, agency, language) for agency in agencies]
        except CannotDecide as error:
            typer.echo(json.dumps({"level": "bad", "file": place, "reason": str(error)}, ensure_ascii=False), err=True)
            bad += 1
            continue
        if as_json:
            print_json([_row(each, alert) for each in explained])
        else:
            _print(alert, explained)
    if bad:
        raise typer.Exit(BAD_INPUT)


class CannotDecide(Exception):
    """What stands there is no alert, or one that would wait in quarantine. Names the field, never the value."""


def alerts_of(paths: list[Path]) -> Iterator[tuple[str, Any]]:
    """Each file as one JSON value, or else each of its lines as one; with its place."""
    for path in paths:
        name = "standard input" if str(path) == "-" else path.name
        try:
            text = sys.stdin.read(MAX_BYTES) if str(path) == "-" else _text(path)
        except (OSError, UnicodeDecodeError) as error:
            yield name, CannotDecide(f"the file cannot be read ({type(error).__name__})")
            continue
        try:
            whole = json.loads(text)
        except (ValueError, RecursionError):
            for number, line in enumerate(text.splitlines(), start=1):
                if line.strip():
                    yield f"{name}:{number}", _parsed(line)
            continue
        yield from ((name, each) for each in (whole if isinstance(whole, list) else [whole]))


def _text(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.read(MAX_BYTES)


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return CannotDecide("not JSON")


def alert_of(read: Any) -> Alert:
    from hub.model.text import BadJson, alert_from_json

    if isinstance(read, CannotDecide):
        raise read
    try:
        return alert_from_json(read)
    except BadJson as error:
        raise CannotDecide(str(error)) from None


def _explained(alert: Alert, bundle: Bundle, agency: str, language: Any) -> Explanation:
    from hub.guidelines.explain import explain
    from hub.guidelines.outcome import UnknownValue
    from hub.model.core import categories

    now_ms = time.time_ns() // 1_000_000
    try:
        return explain(alert.routing, alert.core, categories(alert.sections), bundle, now_ms, agency, language)
    except UnknownValue as unknown:
        raise CannotDecide(f"{unknown}: it would wait in quarantine") from None


def _row(explained: Explanation, alert: Alert) -> dict[str, Any]:
    """One agency's part, as FORMATS has it, with the reasons in words beside."""
    from hub.model.core import categories
    from hub.model.text import to_json

    permitted = explained.outcome == "permitted"
    return {
        "agency": explained.agency,
        "outcome": "permitted" if permitted else "denied",
        "reason": explained.outcome,
        "released": list(explained.released),
        "withheld": sorted(set(categories(alert.sections)).difference(explained.released)),
        "obligations": to_json(explained.obligation) if explained.obligation else None,
        "guidelines": [each.id for each in explained.guidelines],
        "nearest": [{"id": each.id, "title": each.title, "lacked": list(each.failed)} for each in explained.nearest],
        "text": explained.text,
        "why_withheld": {each.category: each.text for each in explained.withheld},
        "why_obliged": [{"text": each.text, "sources": list(each.sources)} for each in explained.obligations],
    }


def _print(alert: Alert, explained: list[Explanation]) -> None:
    core = alert.core
    title = f"Alert {core.id} · {core.label.class_} · from {core.originator} · TLP:{core.label.tlp}"
    rows = []
    for each in explained:
        if each.outcome == "permitted":
            shown = ", ".join(each.released) or "core only"
            rows.append(
                (each.agency, "permitted", shown, ", ".join(item.category for item in each.withheld), _why(each))
            )
        else:
            rows.append((each.agency, "denied", "", "", _why(each)))
    table(title, ("agency", "outcome", "released", "withheld", "why"), rows)


def _why(each: Explanation) -> str:
    """Permitted: the guidelines and duties. Denied: the sentence, and the nearest permit with what it lacked."""
    if each.outcome == "permitted":
        duties = "; ".join(duty.text for duty in each.obligations)
        return " ".join(guideline.id for guideline in each.guidelines) + (f"\n{duties}" if duties else "")
    lines = [each.text]
    lines += [f"{permit.id} lacked: {'; '.join(permit.failed)}" for permit in each.nearest[:1] if permit.failed]
    return "\n".join(lines)
