"""`enlace status`: is everything decided, delivered and received, agency by agency."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .cluster import reached, schema_ids
from .output import JsonFlag, print_json, table
from .settings import load_bundle


def status(
    profile: Annotated[Path | None, typer.Option(help="The profile's folder.")] = None, as_json: JsonFlag = False
) -> None:
    """What each agency published and the topic still has, what was decided and quarantined of all that it ever published,
    what waits, and what it was delivered and has received."""
    rows = _rows(profile)
    if as_json:
        print_json(rows)
        return
    columns = ("agency", "published", "decided", "quarantined", "waiting", "delivered", "received")
    table("Status", columns, ([row[name] for name in columns] for row in rows))


def _rows(profile: Path | None) -> list[dict[str, Any]]:
    from .seen import decided, places, quarantined, records

    bundle = load_bundle(profile)
    rows = []
    with reached() as connection:
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
