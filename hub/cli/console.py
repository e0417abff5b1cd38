"""`enlace console`: the web console and the people who may sign in to it."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cluster import connection, schema_ids
from .logs import configure
from .output import BAD_INPUT, FAILURE, JsonFlag, fail, print_json, table
from .recorded import now_ms
from .rules import keys_of_first
from .settings import load_bundle, settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from hub.console.settings import ConsoleSettings
    from hub.guidelines.bundle import Bundle

app = typer.Typer(help="The operators' web console.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(metavar="USER", help="The user's name: a-z, 0-9, dot, hyphen.")]
NEEDS_CONSOLE = "the console needs the extras `hub` and `console`: pip install enlace[hub,console]"
SAID = {
    "name": "a user's name has a-z, 0-9, dot, hyphen and underscore, and begins with a letter or digit",
    "role": "--role is operator, steward or auditor",
    "agency": "--agency is for auditors only",
    "password": "at least 12 characters, without the user's name",
    "exists": "there is a user of this name already",
    "unknown": "there is no user of this name: see `enlace console users`",
}


@app.command()
def run(
    port: Annotated[int | None, typer.Option(help="The port; ENLACE_CONSOLE_PORT otherwise.")] = None,
    profile: Annotated[Path | None, typer.Option(help="The profile that stands in while none was published.")] = None,
) -> None:
    """Serve the console until stopped. On loopback as it comes; it refuses any other address without TLS."""
    try:
        import uvicorn

        from hub.console.app import create_app
        from hub.console.settings import NotSafe
    except ImportError:
        fail(NEEDS_CONSOLE)
    chosen = _settings()
    if port is not None:
        chosen = chosen.model_copy(update={"port": port})
    try:
        chosen.check()
    except NotSafe as error:
        fail(str(error), BAD_INPUT)
    configure(settings().log_level)
    listening = _listening(chosen)
    bound = listening.getsockname()[1]
    house = _house(chosen, bound, profile)
    stop = threading.Event()
    threading.Thread(target=house.cluster.follow, args=(stop,), daemon=True).start()
    typer.echo(f"console at {chosen.origin or _address(chosen, bound)}")
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(house),
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=bool(chosen.trusted_proxy),
            forwarded_allow_ips=chosen.trusted_proxy or None,
            ssl_certfile=chosen.tls_certfile,
            ssl_keyfile=chosen.tls_keyfile,
            timeout_graceful_shutdown=5,
        )
    )
    try:
        server.run(sockets=[listening])
    finally:
        stop.set()


@app.command("add-user")
def add_user(
    name: NameArgument,
    role: Annotated[str, typer.Option(help="operator, steward or auditor.")],
    agency: Annotated[str | None, typer.Option(help="For an auditor: the agency that he audits for.")] = None,
) -> None:
    """Add a user. The password is asked for, twice; it is never an argument."""
    people, engine = _people()
    from hub.console.people import BadPerson

    password = _new_password()
    try:
        with _writing(engine) as db:
            people.add(db, name, role, agency, password, time.time_ns() // 1_000_000)
    except BadPerson as bad:
        fail(SAID[bad.problem], BAD_INPUT)
    typer.echo(f"{name} may sign in as {role}")


@app.command("set-password")
def set_password(name: NameArgument) -> None:
    """Give a user a new password, and end the user's sessions."""
    people, engine = _people()
    from hub.console.people import BadPerson
    from hub.console.sessions import end_all

    password = _new_password()
    try:
        with _writing(engine) as db:
            people.change_password(db, name, password)
            end_all(db, name)
    except BadPerson as bad:
        fail(SAID[bad.problem], BAD_INPUT)
    typer.echo(f"{name} has a new password")


@app.command("disable-user")
def disable_user(
    name: NameArgument,
    enable: Annotated[bool, typer.Option("--enable", help="Let the user in again.")] = False,
) -> None:
    """Shut a user out at once, or let one in again."""
    people, engine = _people()
    from hub.console.people import BadPerson
    from hub.console.sessions import end_all

    try:
        with _writing(engine) as db:
            people.set_active(db, name, enable)
            end_all(db, name)
    except BadPerson as bad:
        fail(SAID[bad.problem], BAD_INPUT)
    typer.echo(f"{name} {'may sign in' if enable else 'is shut out'}")


@app.command()
def users(as_json: JsonFlag = False) -> None:
    """Who may sign in, and as what."""
    people, engine = _people()
    with engine.connect() as db:
        rows = [
            {"user": each.name, "role": each.role, "agency": each.agency, "active": each.active}
            for each in people.all(db)
        ]
    if as_json:
        print_json(rows)
    else:
        table("Users", ("user", "role", "agency", "active"), (list(row.values()) for row in rows))


def _settings() -> ConsoleSettings:
    from pydantic import ValidationError

    from hub.console.settings import ConsoleSettings

    try:
        return ConsoleSettings()
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        fail(f"setting ENLACE_CONSOLE_{str(first['loc'][0]).upper()}: {first['msg']}", BAD_INPUT)


def _listening(chosen: ConsoleSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in chosen.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((chosen.host, chosen.port))
    except OSError as error:
        fail(f"{chosen.host} port {chosen.port} cannot be listened on: {error.strerror}", FAILURE)
    return listening


def _address(chosen: ConsoleSettings, port: int) -> str:
    host = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
    return f"{'https' if chosen.tls else 'http'}://{host}:{port}"


def _house(chosen: ConsoleSettings, port: int, profile: Path | None) -> Any:
    from kafka.errors import KafkaError

    from hub.bus.bus import BusError
    from hub.console.ask import House
    from hub.console.cluster import Unreachable
    from hub.console.kafka_cluster import KafkaCluster
    from hub.console.people import People
    from hub.console.sessions import lifetimes

    reached, hub = connection(), settings()
    try:
        ids = schema_ids(reached)
    except (KafkaError, BusError) as error:
        fail(f"the cluster at {reached.bootstrap_servers} cannot be used: {type(error).__name__}")
    local: Bundle | None = load_bundle(profile or hub.profile) if profile or hub.profile else None
    cluster = KafkaCluster(reached, ids, keys_of_first(), hub.partitions, hub.replication, now_ms, local)
    with suppress(Unreachable):  # it is shown on the pages
        cluster.standing()
    return House(
        engine=_engine(),
        cluster=cluster,
        settings=chosen,
        people=People(tries=chosen.sign_in_tries),
        sessions=lifetimes(chosen),
        clock=now_ms,
        port=port,
        profile=local,
    )


def _people() -> tuple[Any, Engine]:
    try:
        from hub.console.people import People
    except ImportError:
        fail(NEEDS_CONSOLE)
    return People(), _engine()


def _engine() -> Engine:
    """The read model's database, with the console's own tables in it."""
    from sqlalchemy.exc import SQLAlchemyError

    from hub.console import tables
    from hub.readmodel.database import DatabaseError, database_url, open_database, upgrade

    try:
        engine = open_database(database_url(settings().home))
        upgrade(engine)
        tables.make(engine)
    except DatabaseError as error:
        fail(str(error))
    except SQLAlchemyError as error:
        fail(f"the database cannot be used: {type(error).__name__}; see ENLACE_DATABASE_URL")
    return engine


def _writing(engine: Engine) -> Any:
    from hub.readmodel.database import writing

    return writing(engine)


def _new_password() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
