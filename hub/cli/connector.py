"""`enlace connector`: list the connectors that are installed, describe one, run one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .output import BAD_INPUT, JsonFlag, fail, print_json, table

if TYPE_CHECKING:
    from connectors.sdk import Connector, Options

app = typer.Typer(help="Connectors: what plugs an agency's systems in.", no_args_is_help=True)


@app.command("list")
def list_connectors(as_json: JsonFlag = False) -> None:
    """The connectors that are installed."""
    from connectors.sdk.registry import NoConnector, find, names

    rows: list[dict[str, Any]] = []
    for name in names():
        try:
            found = find(name)
            directions = [word for word, part in (("source", found.source), ("sink", found.sink)) if part]
            rows.append({"name": name, "agency": found.agency, "directions": directions, "title": found.title})
        except NoConnector as error:
            rows.append({"name": name, "agency": None, "directions": [], "title": str(error)})
    if as_json:
        print_json(rows)
    else:
        shown = ((row["name"], row["agency"], ", ".join(row["directions"]), row["title"]) for row in rows)
        table("Connectors", ("name", "agency", "directions", "title"), shown)


@app.command()
def describe(name: str, as_json: JsonFlag = False) -> None:
    """A connector's options, with their meanings."""
    schema = _find(name).options.model_json_schema()
    if as_json:
        print_json(schema)
        return
    required = schema.get("required", ())
    rows = (
        (option, "yes" if option in required else "", field.get("default", ""), field.get("description", ""))
        for option, field in schema["properties"].items()
    )
    table(f"Options of {name}", ("option", "required", "default", "meaning"), rows)


@app.command()
def run(
    name: str,
    options: Annotated[Path, typer.Option(help="YAML file with the connector's options.")],
    state: Annotated[Path | None, typer.Option(help="Folder for its key and for what it set aside.")] = None,
    agency: Annotated[str | None, typer.Option(help="The agency it speaks for; the connector's own otherwise.")] = None,
    once: Annotated[bool, typer.Option("--once", help="End when there is nothing to do.")] = False,
) -> None:
    """Publish what the source has and take what is delivered, until stopped."""
    from sqlalchemy.exc import SQLAlchemyError

    from connectors.sdk.run import Place, Running
    from connectors.sdk.run import run as run_until
    from hub.bus.bus import SlotTaken

    from .cluster import reached, schema_ids
    from .logs import configure
    from .router import SLOT_TAKEN, Stop
    from .settings import settings

    chosen = settings()
    configure(chosen.log_level)
    found = _find(name)
    given = load_options(found, options)
    with reached() as connection:
        ids = schema_ids(connection)
    place = Place(connection, state or chosen.home / "connectors" / name, chosen.partitions, ids, agency)
    stop = Stop()
    try:
        running = Running(found, given, place)
        run_until(running, stop, once)
    except SlotTaken as taken:
        fail(f"another process runs this connector: {taken}", SLOT_TAKEN)
    except ValueError as error:
        fail(f"connector {name}: {error}", BAD_INPUT)
    except OSError as error:
        fail(f"connector {name}: {error.filename or ''}: {type(error).__name__}")
    except SQLAlchemyError as error:  # its words may hold values
        fail(f"connector {name}: its database cannot be used ({type(error).__name__})")


def load_options(connector: Connector[Any], path: Path) -> Options:
    """A connector's options from a YAML file; one line for what is wrong with them."""
    from pydantic import ValidationError
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        loaded = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")) or {}
        options: Options = connector.options.model_validate(loaded)
        return options
    except (OSError, YAMLError) as error:
        fail(f"{path}: {type(error).__name__}", BAD_INPUT)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        fail(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}", BAD_INPUT)


def _find(name: str) -> Connector[Any]:
    from connectors.sdk.registry import NoConnector, find

    try:
        return find(name)
    except NoConnector as error:
        fail(str(error), BAD_INPUT)
