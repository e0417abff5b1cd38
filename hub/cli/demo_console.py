"""After a demonstration: the console stays, with two people who may sign in, until Ctrl-C."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Final

from .children import Child
from .output import console, fail
from .router import Stop
from .up import Cluster

PEOPLE: Final = {"olga": "operator", "saul": "steward", "ada": "auditor"}


def stay(cluster: Cluster, children: Mapping[str, Child]) -> None:
    """Says where the console is and who may come in; ends on Ctrl-C, or when the console ends."""
    password = secrets.token_urlsafe(12)
    child = children.get("console")
    if child is None or child.ended is not None:
        fail("the console does not run: it needs the extra `console`")
    _let_in(cluster, password)
    address = next(
        line for line in child.log_file.read_text(encoding="utf-8").splitlines() if line.startswith("console at ")
    )
    names = ", ".join(f"[bold]{name}[/] ({role})" for name, role in PEOPLE.items())
    console().print(f"\n[bold]{address}[/]: sign in as {names}; the password of each is [bold]{password}[/]")
    console().print("Ctrl-C ends all of it. / Ctrl-C lo termina todo.")
    stop = Stop()
    while not stop() and child.ended is None:
        time.sleep(0.2)


def _let_in(cluster: Cluster, password: str) -> None:
    """Two of them can lift a hold."""
    from hub.console import tables
    from hub.console.people import People
    from hub.readmodel.database import database_url, open_database, upgrade, writing

    engine = open_database(database_url(cluster.home))
    upgrade(engine)
    tables.make(engine)
    with writing(engine) as db:
        for name, role in PEOPLE.items():
            People().add(db, name, role, None, password, time.time_ns() // 1_000_000)
    engine.dispose()
