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
        address = running_here(settings().home)
        if address:
            return Connection(bootstrap_servers=address)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        fail(f"setting ENLACE_{str(first['loc'][0]).upper()}: {first['msg']}", BAD_INPUT)
    fail("no cluster: start one by `enlace up`, or set ENLACE_BOOTSTRAP_SERVERS", BAD_INPUT)


def running_here(home: Path) -> str | None:
    """The address of the local Kafka that `enlace up` keeps in this folder, if it wrote one."""
    path = home / ADDRESS_FILE
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


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
    from hub.bus.schema_ids import SchemaIdsDiffer, recorded

    try:
        settled = _settled(connection) if hub else recorded(connection)
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
