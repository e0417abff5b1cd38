"""`enlace status`: is everything decided, delivered and received, agency by agency."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cluster import reached, schema_ids
from .output import JsonFlag, print_json, table
from .recorded import is_there, now_ms, read_model
from .settings import load_bundle
from .watching import WatchFlag, busy, shown

if TYPE_CHECKING:
    from hub.readmodel.results import AgencyRow, Now

COUNTED = ("agency", "published", "decided", "quarantined", "waiting", "delivered", "received")
JUDGED = (
    "agency",
    "wrong",
    "decided_per_min",
    "delivered_per_min",
    "intake",
    "unacknowledged",
    "overdue",
    "quarantined",
)


def status(
    profile: Annotated[Path | None, typer.Option(help="The profile's folder.")] = None,
    counted: Annotated[bool, typer.Option("--count", help="Count on the topics, though a read model is here.")] = False,
    watch: WatchFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """What is wrong, agency by agency, by the read model; where none is recorded, or with --count, what each agency
    published, what was decided and quarantined of that, what waits, and what it was delivered and has received, counted on
    the topics, which takes as long as they are."""
    if counted or not is_there():
        shown(lambda: _print(_counted(profile), COUNTED, as_json), watch, as_json)
    else:
        shown(lambda: _judge(as_json), watch, as_json)


def _judge(as_json: bool) -> None:
    from hub.readmodel.queries import now
    from hub.readmodel.results import NOBODY

    with read_model() as connection:
        found = now(connection, NOBODY, now_ms())
    _print([_row(each) for each in found.agencies], JUDGED, as_json)
    if not as_json:
        typer.echo(_summary(found))


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        print_json(rows)
    else:
        table("Status", columns, ([row[name] for name in columns] for row in rows))


def _row(each: AgencyRow) -> dict[str, Any]:
    return {
        "agency": each.agency,
        "wrong": ", ".join(each.troubles),
        "decided_per_min": each.decided.recent,
        "delivered_per_min": each.delivered.recent,
        "intake": each.intake.state if each.intake else "",
        "unacknowledged": each.unacknowledged.count,
        "overdue": each.overdue.count,
        "quarantined": each.quarantine.count,
    }


def _summary(found: Now) -> str:
    sums = found.reconciliation
    state = "everything adds up" if sums.sound else "IT DOES NOT ADD UP: enlace audit reconcile"
    pending = "unknown" if sums.undecided is None else str(sums.undecided)
    return (
        f"{state}: {pending} undecided, {sums.quarantined} in quarantine, {sums.missing} deliveries missing, "
        f"{sums.unauthorised} unauthorised, {sums.alarms} alarms"
    )


def _counted(profile: Path | None) -> list[dict[str, Any]]:
    from .seen import decided, places, quarantined, records

    bundle = load_bundle(profile)
    rows = []
    with reached() as connection, busy("counting on the topics"):
        # By where a record stood: what was replayed came by `control`, and counts with the alert that was set aside.
        ids = schema_ids(connection)
        settled = {(each.source.topic, each.source.partition, each.source.offset) for each in decided(connection, ids)}
        aside = {(each.topic, each.partition, each.offset) for each in quarantined(connection)}
        for agency in bundle.agencies:
            topic = f"alerts.{agency.id}"
            published = places(connection, topic)
            rows.append(
                {
                    "agency": agency.id,
                    "published": len(published),
                    "decided": sum(place[0] == topic for place in settled),
                    "quarantined": sum(place[0] == topic for place in aside),
                    "waiting": len(published - settled - aside),
                    "delivered": len(records(connection, f"deliveries.{agency.id}")),
                    "received": len(records(connection, f"receipts.{agency.id}")),
                }
            )
    return rows
