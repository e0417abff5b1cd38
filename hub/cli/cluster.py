"""How commands reach the cluster: the connection from the environment, one admin client, tables read whole. Bounded waits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from hub.bus.settings import Connection

from .output import BAD_INPUT, fail
from .settings import settings

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

    where = connection()
    try:
        yield where
    except (KafkaError, BusError) as error:
        fail(f"the cluster at {where.bootstrap_servers} cannot be used: {type(error).__name__}: {error}")
