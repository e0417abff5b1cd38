"""`enlace up`: a Kafka on this machine with its topics and the hub's services, until Ctrl-C."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from .children import Child
from .cluster import ADDRESS_FILE, schema_ids
from .output import fail
from .settings import load_bundle, profile_folder, settings

RESTART_PAUSE_S = 1.0


def up(
    folder: Annotated[Path | None, typer.Option(help="Where data and logs are kept; ENLACE_HOME otherwise.")] = None,
    port: Annotated[int | None, typer.Option(help="Kafka's port; a free one otherwise.")] = None,
    profile: Annotated[Path | None, typer.Option(help="The profile's folder.")] = None,
) -> None:
    """Run a local Kafka (or use ENLACE_BOOTSTRAP_SERVERS), make the topics and run the router, until Ctrl-C."""
    from .router import Stop

    home = (folder or settings().home).absolute()
    with kafka(home, port) as address:
        environment = {"ENLACE_BOOTSTRAP_SERVERS": address, "ENLACE_HOME": str(home)}
        make_topics(address, profile)
        stop = Stop()
        typer.echo(f"Kafka at {address}; data and logs in {home}. Ctrl-C stops all of it.")
        router = start_router(home, environment, profile)
        try:
            while not stop():
                time.sleep(0.2)
                if router.ended is not None:
                    if router.ended == 71:  # another router has the slot: coming back would fence it
                        fail(f"the router's slot was taken: see {router.log_file}")
                    typer.echo(f"the router ended (code {router.ended}) and is started again: see {router.log_file}")
                    time.sleep(RESTART_PAUSE_S)
                    router = start_router(home, environment, profile)
        finally:
            router.stop()


@contextmanager
def kafka(home: Path, port: int | None = None) -> Iterator[str]:
    """The address of a cluster: the one of the environment, or a local one that ends with this block."""
    given = os.environ.get("ENLACE_BOOTSTRAP_SERVERS")
    if given:
        yield given
        return
    try:
        from hub.bus.folder import KafkaNotStarted
        from hub.bus.local import LocalKafka
    except ImportError:
        fail("a local Kafka needs the extra `hub`: pip install enlace[hub]")
    broker = LocalKafka(home / "kafka", port=port)
    try:
        broker.start()
    except KafkaNotStarted as error:
        fail(str(error))
    address = home / ADDRESS_FILE
    try:
        address.write_text(broker.bootstrap_servers + "\n", encoding="utf-8")
        yield broker.bootstrap_servers
    finally:
        address.unlink(missing_ok=True)
        broker.stop()


def make_topics(address: str, profile: Path | None) -> None:
    """The topics of every agency of the profile, where they are missing, and the ids of their schemas."""
    from kafka.errors import KafkaError

    from hub.bus.bus import BusError
    from hub.bus.settings import Connection
    from hub.bus.topics import TopicError, administration, create

    chosen, bundle = settings(), load_bundle(profile)
    connection = Connection(bootstrap_servers=address)
    try:
        with administration(connection) as admin:
            create(admin, [agency.id for agency in bundle.agencies], chosen.partitions, chosen.replication)
        schema_ids(connection, hub=True)
    except (TopicError, BusError, KafkaError) as error:
        fail(f"the cluster at {address} cannot be used: {error}")


def start_router(home: Path, environment: dict[str, str], profile: Path | None) -> Child:
    arguments = ["router", "run", "--profile", str(profile_folder(profile))]
    return Child("router", arguments, home / "logs", environment)
