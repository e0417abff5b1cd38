"""`enlace topics`: the topics of the cluster, as they are and as they are declared."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from .cluster import reached, schema_ids
from .output import FAILURE, JsonFlag, print_json, table
from .settings import load_bundle, settings
from .watching import WatchFlag, busy, shown

app = typer.Typer(help="Topics: offsets, lag, settings.", invoke_without_command=True)
COORDINATOR_TIMEOUT_S = 20.0
ProfileOption = Annotated[Path | None, typer.Option(help="The profile's folder.")]


@app.callback()
def topics(context: typer.Context, watch: WatchFlag = False, as_json: JsonFlag = False) -> None:
    """Every topic of the hub: partitions, records, and how far the routers are behind."""
    if context.invoked_subcommand:
        return
    shown(lambda: _show(as_json), watch, as_json)


def _show(as_json: bool) -> None:
    rows = overview()
    if as_json:
        print_json(rows)
    else:
        cells = ((row["topic"], row["partitions"], row["first"], row["end"], row["lag"]) for row in rows)
        table("Topics", ("topic", "partitions", "first offsets", "end offsets", "routers' lag"), cells)


def overview() -> list[dict[str, Any]]:
    """Each topic's partitions, the sums of its first and end offsets, and the routers' lag where they read it."""
    from kafka.errors import CoordinatorNotAvailableError

    from hub.bus.offsets import topic_offsets
    from hub.router import GROUP

    with reached() as connection, busy("asking the cluster"):
        deadline_s = time.monotonic() + COORDINATOR_TIMEOUT_S
        while True:
            try:
                return [row._asdict() for row in topic_offsets(connection, GROUP)]
            except CoordinatorNotAvailableError:  # a new cluster makes its topic of groups when it is first asked
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(0.2)


@app.command()
def create(profile: ProfileOption = None) -> None:
    """Make the topics that are missing, for every agency of the profile, and settle where schema ids come from."""
    from hub.bus.topics import administration
    from hub.bus.topics import create as make

    chosen, bundle = settings(), load_bundle(profile)
    with reached() as connection:
        with administration(connection) as admin:
            made = make(admin, [agency.id for agency in bundle.agencies], chosen.partitions, chosen.replication)
        schema_ids(connection, hub=True)
    typer.echo(f"{len(made)} topics made")


@app.command()
def check(profile: ProfileOption = None, as_json: JsonFlag = False) -> None:
    """Compare the cluster's topics with the declaration. Exit code 1 if they differ."""
    from hub.bus.topics import administration
    from hub.bus.topics import check as compare

    chosen, bundle = settings(), load_bundle(profile)
    with reached() as connection, administration(connection) as admin:
        findings = compare(admin, [agency.id for agency in bundle.agencies], chosen.partitions, chosen.replication)
    if as_json:
        print_json([vars(finding) for finding in findings])
    else:
        for finding in findings:
            typer.echo(str(finding))
        typer.echo(f"{len(findings)} findings")
    if findings:
        raise typer.Exit(FAILURE)
