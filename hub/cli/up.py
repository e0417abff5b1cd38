"""`enlace up`: a Kafka on this machine with its topics and the hub's services, until Ctrl-C."""

from __future__ import annotations

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
    """Run a local Kafka (or use ENLACE_BOOTSTRAP_SERVERS), make the topics and run the router, until Ctrl-C."""
    from .router import Stop

    home = (folder or settings().home).absolute()
    with kafka(home, port, secure=secure) as cluster:
        make_topics(cluster, profile)
        stop = Stop()
        typer.echo(f"Kafka at {cluster.connection.bootstrap_servers}; data and logs in {home}. Ctrl-C stops all of it.")
        if cluster.users:
            typer.echo(f"Everybody's settings, with their passwords: {cluster.users}")
        router = start_router(cluster, profile)
        try:
            while not stop():
                time.sleep(0.2)
                if router.ended is not None:
                    if router.ended == 71:  # another router has the slot: coming back would fence it
                        fail(f"the router's slot was taken: see {router.log_file}")
                    typer.echo(f"the router ended (code {router.ended}) and is started again: see {router.log_file}")
                    time.sleep(RESTART_PAUSE_S)
                    router = start_router(cluster, profile)
        finally:
            router.stop()


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


def start_router(cluster: Cluster, profile: Path | None) -> Child:
    arguments = ["router", "run", "--profile", str(profile_folder(profile))]
    return Child("router", arguments, cluster.home / "logs", cluster.environment("router"))
