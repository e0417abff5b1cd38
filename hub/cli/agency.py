"""`enlace agency`: an agency joins, is looked at, is stopped, and leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cluster import reached
from .output import BAD_INPUT, FAILURE, JsonFlag, fail, print_json, table
from .settings import load_bundle, settings

if TYPE_CHECKING:
    from hub.bus.settings import Connection
    from hub.joining import Joined

app = typer.Typer(help="Agencies: topics, users and access rules.", no_args_is_help=True)
Profile = Annotated[Path | None, typer.Option(help="The profile's folder.")]
Name = Annotated[str, typer.Argument(help="The agency's id, as in agencies.yaml.")]


@app.command()
def add(
    name: Name,
    folder: Annotated[Path | None, typer.Option(help="Where its settings file is written.")] = None,
    new_password: Annotated[bool, typer.Option("--new-password", help="Another password, if it has one.")] = False,
    profile: Profile = None,
) -> None:
    """Make an agency's topics, its user, what that may do, and the settings file for its connector. Repeat it freely."""
    from hub import joining

    chosen = settings()
    known = name in {agency.id for agency in load_bundle(profile).agencies}
    with _administered() as connection:
        joined = joining.add(
            connection,
            name,
            (folder or chosen.home / "agencies").absolute(),
            partitions=chosen.partitions,
            replication=chosen.replication,
            new_password=new_password,
        )
    typer.echo(f"{name}: {len(joined.made)} topics made, {_user(joined)}.")
    typer.echo(
        f"1. Give {joined.settings or 'the settings of the cluster'} to its operator, over a safe channel: "
        "its connector needs it."
    )
    typer.echo("2. There: set those settings, then `enlace connector check` and `enlace connector run`.")
    if known:
        typer.echo("3. The guidelines name it already: `enlace guidelines show` says what it may be sent.")
    else:
        typer.echo("3. The guidelines do not know it: until they do, its alerts wait in quarantine (agencies.yaml).")


@app.command()
def show(name: Name, as_json: JsonFlag = False) -> None:
    """What the cluster has of an agency: topics, user, and what that may do."""
    from hub import joining

    with _administered() as connection:
        found = joining.show(connection, name, settings().partitions)
    if as_json:
        print_json(found._asdict())
        return
    state = "suspended" if found.suspended else "may come in" if found.user else "none"
    rows = [
        ("topics", ", ".join(found.topics) or "none"),
        ("missing topics", ", ".join(found.missing) or "none"),
        ("user", state if found.secured else "the cluster is not secured: everybody may do everything"),
        *(("rule", rule) for rule in found.rules),
    ]
    table(name, ("what", "found"), rows)


@app.command()
def suspend(name: Name) -> None:
    """Let an agency's connectors reach nothing, at once; what waits for it stays. Sharing with it: `enlace hold set`."""
    from hub import joining

    with _administered() as connection:
        joining.suspend(connection, name)
    typer.echo(f"{name}: its connectors reach nothing now. `enlace agency resume {name}` takes that back.")


@app.command()
def resume(name: Name) -> None:
    """Take back a suspension."""
    from hub import joining

    with _administered() as connection:
        joining.resume(connection, name)
    typer.echo(f"{name}: its connectors may come in again.")


@app.command()
def remove(
    name: Name,
    topics: Annotated[bool, typer.Option("--topics", help="Delete its topics and all that is in them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    profile: Profile = None,
) -> None:
    """End an agency's user and rules. Its topics stay until they are deleted with --topics, once it holds no alert."""
    from hub import joining

    if topics and name in {agency.id for agency in load_bundle(profile).agencies}:
        fail(f"the guidelines still name {name}: a router would miss its topics; take it out of them first", BAD_INPUT)
    if topics and not yes:
        typer.confirm(f"Delete the topics of {name} and every alert and delivery in them?", abort=True)
    with _administered() as connection:
        if topics:
            _holds_nothing(connection, name)
        gone = joining.remove(connection, name, topics=topics, partitions=settings().partitions)
    typer.echo(f"{name}: its user is gone" + (f", and {len(gone)} topics" if topics else "; its topics stay") + ".")


def _holds_nothing(connection: Connection, name: str) -> None:
    """What an agency holds is withdrawn from it on its topic, at the latest at its end: a router could not go on without."""
    from hub import joining
    from hub.model.base import to_rfc3339

    held = joining.still_held(connection, name)
    if held.alerts:
        until = to_rfc3339(held.until_ms)
        fail(
            f"{name} holds {held.alerts} alerts, which end by {until} and are withdrawn then: its topics are needed",
            FAILURE,
        )


def _user(joined: Joined) -> str:
    if not joined.secured:
        return "no user, as the cluster is not secured"
    return "its user is new" if joined.settings else "its user had a password already (--new-password gives another)"


@contextmanager
def _administered() -> Iterator[Connection]:
    from hub.bus.access import AccessError

    try:
        with reached() as connection:
            yield connection
    except AccessError as error:
        fail(str(error))
