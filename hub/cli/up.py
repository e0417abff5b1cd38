"""`enlace up`: a Kafka on this machine with its topics and the hub's services, until Ctrl-C."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from hub.bus.settings import Connection

from .children import Child
from .cluster import ADDRESS_FILE, connection, schema_ids
from .output import fail
from .router import SLOT_TAKEN, Stop
from .settings import load_bundle, profile_folder, settings

RESTART_PAUSE_S = 1.0
SecureFlag = Annotated[
    bool, typer.Option("--secure", help="Users with passwords, TLS, and nobody may do what was not allowed.")
]


class Cluster(NamedTuple):
    """A cluster that runs, as its administrator reaches it. `users`: the folder of its users' settings, if it is secured."""

    connection: Connection
    home: Path
    users: Path | None

    def environment(self, user: str) -> dict[str, str]:
        """What a process is told of the cluster: an agency's connector, or a service of the hub."""
        from hub.joining import environment

        mine = environment(self.users / f"{user}.env") if self.users else {}
        return {"ENLACE_BOOTSTRAP_SERVERS": self.connection.bootstrap_servers, **mine, "ENLACE_HOME": str(self.home)}


def up(
    folder: Annotated[Path | None, typer.Option(help="Where data and logs are kept; ENLACE_HOME otherwise.")] = None,
    port: Annotated[int | None, typer.Option(help="Kafka's port; a free one otherwise.")] = None,
    profile: Annotated[Path | None, typer.Option(help="The profile's folder.")] = None,
    secure: SecureFlag = False,
) -> None:
    """Run a local Kafka (or use ENLACE_BOOTSTRAP_SERVERS), make the topics, and run router, scheduler, recorder and
    console, until Ctrl-C. Whatever of these ends by itself is started again."""
    home = (folder or settings().home).absolute()
    with kafka(home, port, secure=secure) as cluster:
        make_topics(cluster, profile)
        stop = Stop()
        typer.echo(f"Kafka at {cluster.connection.bootstrap_servers}; data and logs in {home}. Ctrl-C stops all of it.")
        if cluster.users:
            typer.echo(f"Everybody's settings, with their passwords: {cluster.users}")
        services = start_services(cluster, profile)
        for name, child in services.items():
            typer.echo(f"{name}: {child.log_file}")
        try:
            while not stop():
                time.sleep(0.2)
                _restart(services, cluster, profile)
        finally:
            for child in services.values():
                child.stop()


def _restart(services: dict[str, Child], cluster: Cluster, profile: Path | None) -> None:
    for name, child in services.items():
        if child.ended is None:
            continue
        if child.ended == SLOT_TAKEN:  # another one is at work: coming back would end that one, and so on
            fail(f"another {name} took the place of this one: see {child.log_file}")
        typer.echo(f"the {name} ended (code {child.ended}) and is started again: see {child.log_file}")
        time.sleep(RESTART_PAUSE_S)
        services[name] = start(name, cluster, profile)


@contextmanager
def kafka(home: Path, port: int | None = None, *, secure: bool = False) -> Iterator[Cluster]:
    """A cluster: the one of the environment, or a local one that ends with this block."""
    if os.environ.get("ENLACE_BOOTSTRAP_SERVERS"):
        yield Cluster(connection(), home, None)
        return
    try:
        from hub.bus.folder import KafkaNotStarted
        from hub.bus.local import LocalKafka
    except ImportError:
        fail("a local Kafka needs the extra `hub`: pip install enlace[hub]")
    secure = secure or (home / "kafka" / "security").is_dir()
    broker = LocalKafka(home / "kafka", port=port, secured=secure)
    try:
        broker.start()
    except KafkaNotStarted as error:
        fail(str(error))
    address = home / ADDRESS_FILE
    try:
        address.write_text(broker.bootstrap_servers + "\n", encoding="utf-8")
        yield Cluster(broker.connection, home, home / "agencies" if secure else None)
    finally:
        address.unlink(missing_ok=True)
        broker.stop()


def make_topics(cluster: Cluster, profile: Path | None) -> None:
    """The topics of every agency of the profile, where they are missing, and the ids of their schemas; everybody's users."""
    from kafka.errors import KafkaError

    from hub import joining
    from hub.bus.access import SERVICES, AccessError
    from hub.bus.bus import BusError
    from hub.bus.topics import TopicError, administration, create

    chosen, bundle = settings(), load_bundle(profile)
    agencies = [agency.id for agency in bundle.agencies]
    try:
        with administration(cluster.connection) as admin:
            create(admin, agencies, chosen.partitions, chosen.replication)
        schema_ids(cluster.connection, hub=True)
        if cluster.users:
            for service in SERVICES:
                joining.add_service(cluster.connection, service, cluster.users)
            for agency in agencies:
                joining.add(
                    cluster.connection,
                    agency,
                    cluster.users,
                    partitions=chosen.partitions,
                    replication=chosen.replication,
                )
    except (TopicError, AccessError, BusError, KafkaError) as error:
        fail(f"the cluster at {cluster.connection.bootstrap_servers} cannot be used: {error}")


def start_services(cluster: Cluster, profile: Path | None, *, any_port: bool = False) -> dict[str, Child]:
    """The hub's processes: router, scheduler and recorder, and the console where it is installed. `any_port`: the console
    takes a free one."""
    names = ["router", "scheduler", "recorder"] + (["console"] if importlib.util.find_spec("uvicorn") else [])
    return {name: start(name, cluster, profile, any_port=any_port) for name in names}


def start(service: str, cluster: Cluster, profile: Path | None, *, any_port: bool = False) -> Child:
    """One of the hub's processes, as the user that it has on a secured cluster."""
    chosen = [] if service in ("recorder", "scheduler") else ["--profile", str(profile_folder(profile))]
    if service == "console" and any_port:
        chosen += ["--port", "0"]
    user = "operator" if service == "console" else service
    return Child(service, [service, "run", *chosen], cluster.home / "logs", cluster.environment(user))
