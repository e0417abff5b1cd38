"""`enlace connector`: list, describe, check, run; pause, resume, rewind one that runs; make and test a new one."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .output import BAD_INPUT, JsonFlag, fail, print_json, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.sdk import Connector, Options
    from connectors.sdk.run import Place

app = typer.Typer(help="Connectors: what plugs an agency's systems in.", no_args_is_help=True)

OptionsFile = Annotated[Path, typer.Option("--options", help="YAML file with the connector's options.")]
State = Annotated[Path | None, typer.Option(help="Folder for its key and for what it set aside.")]
AgencyFlag = Annotated[str | None, typer.Option(help="The agency it speaks for; the connector's own otherwise.")]


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
        for option, field in schema.get("properties", {}).items()
    )
    table(f"Options of {name}", ("option", "required", "default", "meaning"), rows)


@app.command()
def check(name: str, options: OptionsFile) -> None:
    """Try the connection to the agency's own system, both ways: reads no record, delivers nothing."""
    found = _find(name)
    given = load_options(found, options)
    for direction, make in (("source", found.source), ("sink", found.sink)):
        if make is not None:
            with _told(name):
                part = make(given)
                tried = getattr(part, "check", None)
                if tried is not None:
                    tried()
                close = getattr(part, "close", None)
                if close is not None:
                    close()
            typer.echo(f"{direction}: {'reached' if tried else 'its options fit; it has nothing to try'}")


@app.command()
def run(
    name: str,
    options: OptionsFile,
    state: State = None,
    agency: AgencyFlag = None,
    own_name: Annotated[str | None, typer.Option("--as", help="Its name here, if an agency runs it twice.")] = None,
    once: Annotated[bool, typer.Option("--once", help="End when there is nothing to do.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be published; publish nothing.")] = False,
    metrics_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Answer Prometheus on this port.")] = None,
    metrics_host: Annotated[str, typer.Option(help="Where to answer Prometheus.")] = "127.0.0.1",
) -> None:
    """Publish what the source has and take what is delivered, until stopped.

    After a failure it starts again by itself. Ends with code 71, and must not be restarted, when another process runs it."""
    from connectors.sdk.control import Control
    from connectors.sdk.run import Failed, Running, Supervision, now_ms, reporter_of
    from connectors.sdk.status import Status, serve_metrics
    from hub.bus.bus import SlotTaken

    from .logs import configure
    from .router import SLOT_TAKEN, Stop
    from .settings import settings

    configure(settings().log_level)
    found = _find(name)
    given = load_options(found, options)
    if not (agency or found.agency):
        fail(f"connector {name} speaks for any agency: say for which one by --agency", BAD_INPUT)
    place = _place(own_name or name, state, agency)
    if dry_run:
        _dry_run(found, given, place)
        return
    stop = Stop()
    status = Status(own_name or name, agency or found.agency)
    reporter = reporter_of(found, place)
    try:
        end_metrics = serve_metrics(status, now_ms, metrics_port, metrics_host) if metrics_port else _nothing
    except OSError as error:
        fail(f"connector {name}: cannot answer on {metrics_host}, port {metrics_port}: {error.strerror}", BAD_INPUT)
    try:
        from collections import Counter

        faults: Counter[bytes] = Counter()
        supervision = Supervision(
            lambda: Running(found, given, place, faults), Control(place.folder), status, reporter.tell
        )
        with _told(name):
            supervision.run(stop, once)
    except SlotTaken as taken:
        fail(f"another process runs this connector: {taken}", SLOT_TAKEN)
    except Failed as failed:
        fail(f"connector {name}: {failed}", BAD_INPUT if failed.trouble.kind == "fault" else 1)
    finally:
        reporter.close()
        end_metrics()


def _nothing() -> None: ...


def _dry_run(found: Connector[Any], given: Options, place: Place) -> None:
    from connectors.sdk.dry_run import dry_run, on_kafka
    from connectors.sdk.run import identity_of, now_ms
    from hub.model.text import alert_to_json

    if found.source is None:
        fail(f"connector {found.name} publishes nothing: it has no source", BAD_INPUT)
    with _told(found.name):
        counts = dry_run(
            found.source(given),
            identity_of(found, place),
            on_kafka(place.connection),
            now_ms,
            lambda alert: typer.echo(json.dumps(alert_to_json(alert), ensure_ascii=False)),
            lambda bad: typer.echo(json.dumps(bad.report(), ensure_ascii=False), err=True),
        )
    typer.echo(
        f"would publish {counts.published}, cancel {counts.cancelled}, leave {counts.unchanged} as they are, "
        f"set aside {counts.set_aside}",
        err=True,
    )


@app.command()
def pause(name: str, state: State = None) -> None:
    """Stop a connector that runs after its current batch; it goes on running, and does nothing until `resume`."""
    _control(name, state).pause()
    typer.echo(f"{name}: paused; `enlace connector resume {name}` lets it go on")


@app.command()
def resume(name: str, state: State = None) -> None:
    """Let a paused connector go on."""
    _control(name, state).resume()
    typer.echo(f"{name}: goes on")


@app.command()
def rewind(
    name: str,
    to: Annotated[str | None, typer.Option(help="A position in the source's words; its beginning otherwise.")] = None,
    state: State = None,
) -> None:
    """Make a connector read its source again, now or at its next start. What was published before is not published again."""
    try:
        _control(name, state).ask_rewind(to)
    except ValueError as error:
        fail(str(error), BAD_INPUT)
    typer.echo(f"{name}: reads its source again from {'its beginning' if to is None else 'that position'}")


@app.command("mapping-schema")
def mapping_schema() -> None:
    """The JSON Schema of mapping files, for editors: docs/connectors/mapping.md explains the language."""
    from connectors.sdk.mapping_language import MappingFile

    typer.echo(json.dumps(MappingFile.model_json_schema(by_alias=True), ensure_ascii=False, indent=2))


@app.command("mapping-check")
def mapping_check(file: Path) -> None:
    """Check a mapping file: every problem with its line, and nothing else."""
    from connectors.sdk.mapping import BadMapping, load_mapping

    try:
        mapping = load_mapping(file)
    except BadMapping as bad:
        for problem in bad.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(BAD_INPUT) from None
    typer.echo(f"{file}: fits; it names {len(mapping.columns())} columns")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The connector's name: small letters, digits and hyphens.")],
    folder: Annotated[Path | None, typer.Option(help="Where to make it; a folder of its name otherwise.")] = None,
) -> None:
    """Make a package of a connector with a passing test, to begin from."""
    from connectors.sdk.scaffold import CannotMake, scaffold

    try:
        made = scaffold(name, folder or Path(name))
    except CannotMake as error:
        fail(str(error), BAD_INPUT)
    for path in made:
        typer.echo(str(path))


@app.command()
def test(
    what: Annotated[str, typer.Argument(help="A connector's name, or the folder of its package.")],
    as_json: JsonFlag = False,
) -> None:
    """Run the kit's contract suite on a connector, on a simulated bus: it needs no cluster."""
    from connectors.sdk.contract_run import CannotTest, examined

    try:
        findings = examined(what)
    except CannotTest as error:
        fail(str(error), BAD_INPUT)
    if as_json:
        print_json([{"test": each.test, "passed": each.passed, "reason": each.reason} for each in findings])
    else:
        rows = ((each.test, each.word, each.reason) for each in findings)
        table(f"Contract of {what}", ("statement", "", "reason"), rows)
    if any(each.passed is False for each in findings):
        raise typer.Exit(1)


@contextmanager
def _told(name: str) -> Iterator[None]:
    """What a connector's options or systems raise ends in one line that repeats no value."""
    from sqlalchemy.exc import SQLAlchemyError

    from connectors.sdk import Credentials, Transient
    from connectors.sdk.status import sayable
    from hub.bus.bus import SlotTaken

    try:
        yield
    except SlotTaken:
        raise
    except ValueError as error:
        fail(f"connector {name}: {error}", BAD_INPUT)
    except Credentials as error:
        fail(f"connector {name}: credentials refused: {sayable(error)}")
    except Transient as error:
        fail(f"connector {name}: not ready: {sayable(error)}")
    except OSError as error:
        fail(f"connector {name}: {error.filename or ''}: {type(error).__name__}")
    except SQLAlchemyError as error:  # its words may hold values
        fail(f"connector {name}: its database cannot be used ({type(error).__name__})")


def _place(name: str, state: Path | None, agency: str | None) -> Place:
    from connectors.sdk.run import Place

    from .cluster import reached, schema_ids
    from .settings import settings

    chosen = settings()
    with reached() as connection:
        ids = schema_ids(connection)
    return Place(connection, _folder(name, state), chosen.partitions, ids, agency, name)


def _folder(name: str, state: Path | None) -> Path:
    from .settings import settings

    return state or settings().home / "connectors" / name


def _control(name: str, state: Path | None) -> Any:
    from connectors.sdk.control import Control

    folder = _folder(name, state)
    if not folder.is_dir():
        fail(f"{name}: never ran here ({folder} is not there); name its folder by --state", BAD_INPUT)
    return Control(folder)


def load_options(connector: Connector[Any], path: Path, over: dict[str, Any] | None = None) -> Options:
    """A connector's options from a YAML file, with what is set over them; one line for what is wrong with them."""
    from pydantic import ValidationError
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        loaded = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")) or {}
        if over and isinstance(loaded, dict):
            loaded = {**loaded, **over}
            loaded.pop("folder", None)
        options: Options = connector.options.model_validate(loaded)
        return options
    except (OSError, UnicodeDecodeError, YAMLError) as error:
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
