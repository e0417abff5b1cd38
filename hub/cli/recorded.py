"""How commands reach the read model: its address from the environment, failures in one line. Not a command."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .output import BAD_INPUT, fail
from .settings import settings

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

URL_SETTING = "ENLACE_DATABASE_URL"
NEEDS_HUB = "the read model needs the extra `hub`: pip install enlace[hub]"


def engine() -> Engine:
    """The read model's database, whatever is in it."""
    try:
        from hub.readmodel.database import DatabaseError, database_url, open_database
    except ImportError:
        fail(NEEDS_HUB)
    try:
        return open_database(database_url(settings().home))
    except DatabaseError as error:
        fail(str(error), BAD_INPUT)


def is_there() -> bool:
    """Whether there is a read model here: an address is set, or the file is there."""
    try:
        from hub.readmodel.database import FILE
    except ImportError:
        return False
    return URL_SETTING in os.environ or (settings().home / FILE).is_file()


@contextmanager
def read_model() -> Iterator[Connection]:
    """An open connection to a read model of this version."""
    from sqlalchemy.exc import DBAPIError

    from hub.readmodel.database import DatabaseError, check_version

    if not is_there():
        fail("nothing is recorded here: start `enlace recorder run`, or set ENLACE_DATABASE_URL", BAD_INPUT)
    database = engine()
    try:
        check_version(database)
        with database.connect() as connection:
            yield connection
    except DatabaseError as error:
        fail(str(error))
    except DBAPIError as error:
        fail(f"the read model cannot be used ({type(error.orig).__name__}): is the database running?")
    finally:
        database.dispose()


def note(action: str, subject: str, outcome: str, detail: str) -> None:
    """Writes to the audit log what the user of this machine saw or did."""
    from sqlalchemy.exc import DBAPIError

    from hub.readmodel.database import writing
    from hub.readmodel.queries import note_act

    database = engine()
    try:
        with writing(database) as connection:
            note_act(connection, getpass.getuser(), "command", action, subject, outcome, detail, now_ms=now_ms())
    except DBAPIError as error:
        fail(f"the audit log cannot be written ({type(error.orig).__name__}): nothing is shown")
    finally:
        database.dispose()


def now_ms() -> int:
    return time.time_ns() // 1_000_000
