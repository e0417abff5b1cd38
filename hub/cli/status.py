"""`enlace status`: is everything decided, delivered and received, agency by agency."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from .cluster import reached
from .output import JsonFlag, print_json, table
from .settings import load_bundle


def status(
    profile: Annotated[Path | None, typer.Option(help="The profile's folder.")] = None, as_json: JsonFlag = False
) -> None:
    """What each agency published, what was decided and quarantined of it, and what it was delivered and has received."""
    rows = _rows(profile)
    if as_json:
        print_json(rows)
        return
    columns = ("agency", "published", "decided", "quarantined", "waiting", "delivered", "received")
    table("Status", columns, ([row[name] for name in columns] for row in rows))


def _rows(profile: Path | None) -> list[dict[str, Any]]:
    from hub.model.avro import LOCAL_IDS, decode, unframe

    from .seen import records

    bundle = load_bundle(profile)
    rows = []
    with reached() as connection:
        sources = Counter[str]()
        for record in records(connection, "decisions"):
            schema_id, body = unframe(record.value or b"")
            if schema_id == LOCAL_IDS.by_name["Decision"]:
                sources[decode("Decision", body)["core"]["originator"]] += 1
        quarantined = Counter(
            decode("Quarantined", unframe(record.value or b"")[1])["topic"]
            for record in records(connection, "quarantine")
        )
        for agency in bundle.agencies:
            published = len(records(connection, f"alerts.{agency.id}"))
            aside = quarantined[f"alerts.{agency.id}"]
            rows.append(
                {
                    "agency": agency.id,
                    "published": published,
                    "decided": sources[agency.id],
                    "quarantined": aside,
                    "waiting": max(0, published - sources[agency.id] - aside),
                    "delivered": len(records(connection, f"deliveries.{agency.id}")),
                    "received": len(records(connection, f"receipts.{agency.id}")),
                }
            )
    return rows
