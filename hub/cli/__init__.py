"""The `enlace` command: one file per noun. Commands import what they need when they run, so that each starts quickly."""

from __future__ import annotations

import typer

from . import (
    agency,
    audit,
    change,
    connector,
    console,
    guidelines,
    hold,
    quarantine,
    recorder,
    replay,
    router,
    scheduler,
    schemas,
    topics,
)
from .alert import alert
from .convert import convert
from .decide import decide
from .demo import demo
from .doctor import doctor
from .lag import lag
from .status import status
from .tail import tail
from .up import up

app = typer.Typer(
    name="enlace",
    help="The hub through which agencies exchange alerts on trafficking in persons.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(alert)
app.command()(convert)
app.command()(decide)
app.command()(demo)
app.command()(doctor)
app.command()(lag)
app.command()(status)
app.command()(tail)
app.command()(up)
app.add_typer(agency.app, name="agency")
app.add_typer(audit.app, name="audit")
app.add_typer(connector.app, name="connector")
app.add_typer(console.app, name="console")
guidelines.app.add_typer(change.app)
guidelines.app.add_typer(replay.app)
app.add_typer(guidelines.app, name="guidelines")
app.add_typer(hold.app, name="hold")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(recorder.app, name="recorder")
app.add_typer(router.app, name="router")
app.add_typer(scheduler.app, name="scheduler")
app.add_typer(schemas.app, name="schemas")
app.add_typer(topics.app, name="topics")


def main() -> None:
    """The entry point."""
    app()
