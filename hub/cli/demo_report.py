"""What a demonstration ends in: who received what, and why the others did not; two deliveries as their recipients see them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from rich.table import Table
from ruamel.yaml import YAML

from hub.bus.settings import Connection
from hub.guidelines.bundle import Bundle
from hub.model.avro import SchemaIds
from hub.model.delivery import Delivery
from hub.model.text import section_to_json, to_json

from .output import console
from .seen import Decided, balance, decisions, deliveries


class Shown(BaseModel):
    """A delivery to show: the last one to `agency` of that originator and class."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agency: str
    originator: str
    class_: str

    def __init__(self, **fields: str) -> None:
        super().__init__(**{"class_" if name == "class" else name: value for name, value in fields.items()})


def report(
    connection: Connection, ids: SchemaIds, bundle: Bundle, receiving: list[str], shown: Sequence[Shown], home: Path
) -> None:
    """Prints all of it."""
    decided = decisions(connection, ids, bundle)
    for each in shown:
        _show(each, deliveries(connection, each.agency))
    _set_aside(home)
    _matrix(decided, bundle)
    _reasons(decided)
    now = balance(connection, ids, bundle, receiving)
    console().print(
        f"\n[bold]{now.published}[/] alerts published, [bold]{now.decided}[/] decided, {now.quarantined} in quarantine; "
        f"[bold]{now.delivered}[/] deliveries, {now.received} of {now.expected} received by the connectors that run here."
    )


def _matrix(decided: Iterable[Decided], bundle: Bundle) -> None:
    """Alerts by recipients: how many categories each received of those that there were, or why none."""
    agencies = [agency.id for agency in bundle.agencies]
    shown = Table(
        title="Who received what / Quién recibió qué", title_justify="left", title_style="bold", pad_edge=False
    )
    for heading in ("alert", "from", "class"):
        shown.add_column(heading, overflow="fold")
    for agency in agencies:
        shown.add_column(agency, justify="center", overflow="fold")
    for each in decided:
        by_agency = {outcome.agency: outcome for outcome in each.outcomes}
        core = each.decision.core
        cells = []
        for agency in agencies:
            outcome = by_agency[agency]
            received = f"[bold green]{len(outcome.released)}/{len(each.present)}[/]"
            cells.append(received if outcome.reason == "permitted" else f"[dim]{outcome.reason}[/]")
        shown.add_row(_short(each), core.originator, core.label.class_, *cells)
    console().print(shown)


def _reasons(decided: Iterable[Decided]) -> None:
    """For each release: the guidelines that permit it, and what was withheld."""
    shown = Table(title="Why / Por qué", title_justify="left", title_style="bold", pad_edge=False)
    for heading in ("alert", "recipient", "guidelines", "released", "withheld"):
        shown.add_column(heading, overflow="fold")
    for each in decided:
        for outcome in each.outcomes:
            if outcome.reason == "permitted":
                released, withheld = (
                    ", ".join(outcome.released) or "core only",
                    ", ".join(outcome.withheld(each.present)),
                )
                shown.add_row(
                    _short(each), outcome.agency, " ".join(outcome.guidelines), released, withheld or "nothing"
                )
    console().print(shown)


def _short(each: Decided) -> str:
    """The last characters of an id: the first are the time, alike for all."""
    return f"…{str(each.decision.core.id)[-6:]}"


def _show(wanted: Shown, found: Sequence[Delivery]) -> None:
    for delivery in reversed(found):
        view = delivery.view
        if view and view.core.originator == wanted.originator and view.core.label.class_ == wanted.class_:
            fields = to_json(delivery)
            fields["view"] = {
                "core": to_json(view.core),
                "sections": [{section.category: section_to_json(section)["payload"]} for section in view.sections],
            }
            title = f"A delivery to {wanted.agency}: {len(view.sections)} of {len(view.core.digests)} sections"
            console().print(f"[bold]{title}[/]")
            console().print(_readable(_said(fields)), markup=False)
            return


def _readable(fields: Any) -> str:
    """JSON values as YAML, short lists on one line: for reading, not for machines."""
    text = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = None
    writer.width = 160
    writer.dump(fields, text)
    return text.getvalue()


def _said(value: Any) -> Any:
    """A payload without what it does not say, for reading."""
    if isinstance(value, dict):
        return {name: _said(each) for name, each in value.items() if each not in (None, [], "unknown")}
    return [_said(each) for each in value] if isinstance(value, list) else value


def _set_aside(home: Path) -> None:
    """What the connectors could not use: where and why, never what it said."""
    shown = Table(title="Set aside / Apartado", title_justify="left", title_style="bold", pad_edge=False)
    for heading in ("connector", "file", "line", "segment", "reason"):
        shown.add_column(heading)
    for path in sorted(home.glob("connectors/*/set-aside.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            bad = json.loads(line)
            if bad["level"] == "bad":
                place = (str(bad.get("line", "")), str(bad.get("segment", "")))
                shown.add_row(path.parent.name, bad["file"], *place, bad["reason"])
    console().print(shown)
