"""How commands reach the cluster: the connection from the environment, and the schema ids that hold there. Bounded waits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from hub.bus.settings import Connection

from .output import BAD_INPUT, fail
from .settings import settings

if TYPE_CHECKING:
    from hub.bus.schema_ids import Settled
    from hub.model.avro import SchemaIds

ADDRESS_FILE = "bootstrap-servers"


def connection() -> Connection:
    """The cluster of ENLACE_BOOTSTRAP_SERVERS, or the one that `enlace up` or `enlace demo` left running here."""
    try:
        if "ENLACE_BOOTSTRAP_SERVERS" in os.environ:
            return Connection()
        home = settings().home
        address = running_here(home)
        if address:
            return local_connection(home, address)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        fail(f"setting ENLACE_{str(first['loc'][0]).upper()}: {first['msg']}", BAD_INPUT)
    fail("no cluster: start one by `enlace up`, or set ENLACE_BOOTSTRAP_SERVERS", BAD_INPUT)


def running_here(home: Path) -> str | None:
    """The address of the local Kafka that `enlace up` keeps in this folder, if it wrote one."""
    path = home / ADDRESS_FILE
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


def local_connection(home: Path, address: str) -> Connection:
    """The administrator's connection to the Kafka of this folder, secured or not."""
    if (home / "kafka" / "security").is_dir():
        from hub.bus.secured import Security

        return Security(home / "kafka").connection(address)
    return Connection(bootstrap_servers=address)


@contextmanager
def reached() -> Iterator[Connection]:
    """A connection whose failures end in one line."""
    from kafka.errors import KafkaError

    from hub.bus.bus import BusError
    from hub.bus.topics import TopicError

    where = connection()
    try:
        yield where
    except TopicError as error:
        fail(str(error))
    except (KafkaError, BusError) as error:
        fail(f"the cluster at {where.bootstrap_servers} cannot be used: {type(error).__name__}: {error}")


def schema_ids(connection: Connection, *, hub: bool = False) -> SchemaIds:
    """The ids of this cluster's schemas, as its hub settled them at its first start (hub/bus/schema_ids.py).

    `hub`: this is the hub, which asks the lock or the registry, and settles it. Raises BusError.
    """
    from hub.bus.access import agency_of_user
    from hub.bus.schema_ids import SchemaIdsDiffer, recorded
    from hub.bus.topics import CONNECTORS, GUIDELINES

    agency = agency_of_user(connection.sasl_plain_username)
    try:
        if hub:
            settled: Settled | None = _settled(connection)
        else:
            settled = recorded(connection, topic=CONNECTORS + agency if agency else GUIDELINES)
        if settled is None:
            fail(
                "no hub was started on this cluster yet: `enlace topics create` makes its topics and settles schema ids"
            )
        return settled.current()
    except SchemaIdsDiffer as error:
        fail(str(error))


def _settled(connection: Connection) -> Settled:
    from hub.bus.schema_ids import REGISTRY_SETTING, asked, local, settle

    if not os.environ.get(REGISTRY_SETTING):
        return settle(connection, local())
    try:
        from hub.bus.registry import RegistryError
    except ImportError:
        fail("a schema registry needs the extra `hub`: pip install enlace[hub]")
    try:
        return settle(connection, asked())
    except RegistryError as error:
        fail(f"schema registry {error}")
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        fail(f"setting ENLACE_SCHEMA_REGISTRY_{str(first['loc'][0]).upper()}: {first['msg']}", BAD_INPUT)
