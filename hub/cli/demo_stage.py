"""Playing a demonstration: what arrives at an agency's system, and waiting until everything that follows is settled."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hub.guidelines.bundle import Bundle
from hub.model.avro import SchemaIds

from . import demo_report
from .children import Child
from .demo_partners import Partners, post
from .output import fail
from .up import Cluster

SETTLE_TIMEOUT_S: Final = 120.0
LOOK_S: Final = 0.3
Taken = Callable[[], bool]


class Step(BaseModel):
    """What arrives at the connector `put`, and what that is, in words.

    `files` of demo/<folder>/ are put where the connector looks, posted to it as signed messages, or run as SQL on the
    agency's database (`how`); all of the folder if none is named.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    put: str
    how: Literal["files", "messages", "sql"] = "files"
    files: tuple[str, ...] = ()
    folder: str | None = None
    es: str
    en: str

    def paths(self, profile: Path) -> list[Path]:
        folder = profile / "demo" / (self.folder or self.put)
        return [folder / name for name in self.files] or sorted(path for path in folder.iterdir() if path.is_file())


class Demonstration(BaseModel):
    """demo.yaml: which connectors run with which options, what arrives in which order, which deliveries are shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: dict[str, str]
    connectors: dict[str, dict[str, Any]]
    steps: tuple[Step, ...]
    show: tuple[demo_report.Shown, ...]


class Stage:
    """A hub with its connectors, on which steps are played one after the other."""

    def __init__(
        self,
        cluster: Cluster,
        bundle: Bundle,
        ids: SchemaIds,
        plan: Demonstration,
        partners: Partners,
        children: Mapping[str, Child],
    ) -> None:
        self.ids = ids
        self.receiving = sorted({agency_of(name) for name in plan.connectors if _receives(name)})
        self._cluster = cluster
        self._bundle = bundle
        self._plan = plan
        self._partners = partners
        self._children = children

    def play(self, step: Step, profile: Path) -> Taken:
        """Has it arrive; the answer tells whether the connector has taken all of it."""
        paths = step.paths(profile)
        target = self._cluster.home / step.put
        if step.how == "files":
            return _put(paths, target)
        if step.how == "messages":
            listen = self._plan.connectors[step.put]["listen"]
            address = f"http://127.0.0.1:{listen['port']}/messages"
            for path in paths:  # an answer of 202 says that it is on the bus
                post(address, self._partners.secret, path)
            return lambda: True
        return self._run(paths, target / "system.db", step.put)

    def settle(self, taken: Taken) -> None:
        """Returns when what arrived is taken, every alert decided, every delivery received."""
        from .seen import balance

        deadline_s = time.monotonic() + SETTLE_TIMEOUT_S
        with spinner() as progress:
            task = progress.add_task("")
            while time.monotonic() < deadline_s:
                all_taken = taken()
                now = balance(self._cluster.connection, self.ids, self._bundle, self.receiving)
                progress.update(
                    task,
                    description=f"{now.published} alerts published, {now.decided} decided, "
                    f"{now.delivered} delivered, {now.received}/{now.expected} received",
                )
                if all_taken and now.settled:
                    return
                self._look_after()
                time.sleep(LOOK_S)
        fail(f"not settled after {SETTLE_TIMEOUT_S:.0f} s: see {shown(self._cluster.home / 'logs')}")

    def recorded(self) -> None:
        """Returns when the recorder has what stands on the topics now, so that the console knows what is told here."""
        from hub.bus.topics import CONNECTORS
        from hub.readmodel.database import database_url, open_database
        from hub.readmodel.reading import KafkaReading
        from hub.readmodel.writing import positions

        with closing(KafkaReading(self._cluster.connection)) as reading:
            places = sorted(at for at in reading.places() if not at.topic.startswith(CONNECTORS))  # these never end
            ends = reading.spans(places)[1]
        deadline_s = time.monotonic() + SETTLE_TIMEOUT_S
        with spinner() as progress, ExitStack() as stack:
            database = open_database(database_url(self._cluster.home))
            stack.callback(database.dispose)
            progress.add_task("the recorder reads to the end")
            while time.monotonic() < deadline_s:
                with database.connect() as rows:
                    reached = positions(rows)
                if all(reached.get(at, 0) >= end for at, end in ends.items()):
                    return
                self._look_after()
                time.sleep(LOOK_S)
        fail(f"not recorded after {SETTLE_TIMEOUT_S:.0f} s: see {shown(self._cluster.home / 'logs')}")

    def _look_after(self) -> None:
        for child in self._children.values():
            if child.ended is not None:
                fail(f"{child.name} ended (code {child.ended}): see {shown(child.log_file)}")

    def _run(self, scripts: list[Path], database: Path, connector: str) -> Taken:
        """What an agency's own system writes into its database."""
        from .seen import places

        topic = f"alerts.{agency_of(connector)}"
        before = len(places(self._cluster.connection, topic))
        with sqlite3.connect(database) as system:
            for statement in _played(scripts)[1]:
                system.execute(statement)
        return lambda: len(places(self._cluster.connection, topic)) > before


def prepare(plan: Demonstration, profile: Path, home: Path) -> None:
    """The databases that agencies have before anything is played: their tables, empty."""
    for step in plan.steps:
        if step.how == "sql":
            (home / step.put).mkdir(exist_ok=True)
            with sqlite3.connect(home / step.put / "system.db") as system:
                for statement in _played(step.paths(profile))[0]:
                    system.execute(statement)


def _played(scripts: list[Path]) -> tuple[list[str], list[str]]:
    """What makes the tables of some scripts, and what fills them."""
    with sqlite3.connect(":memory:") as played:
        for script in scripts:
            played.executescript(script.read_text(encoding="utf-8"))
        tables = [row[0] for row in played.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
        return tables, [line for line in played.iterdump() if line.startswith("INSERT")]


def agency_of(connector: str) -> str:
    """The agency that a connector speaks for."""
    from connectors.sdk.registry import find

    return find(connector).agency


def _receives(connector: str) -> bool:
    from connectors.sdk.registry import find

    return find(connector).sink is not None


def _put(paths: list[Path], target: Path) -> Taken:
    """The files as another system would put them: written aside, then renamed. A connector moves what it took to done/."""
    for path in paths:
        part = target / f"{path.name}.part"
        shutil.copyfile(path, part)
        part.rename(target / path.name)
    return lambda: all((target / "done" / path.name).exists() for path in paths)


def spinner() -> Progress:
    return Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), transient=True)


def shown(path: Path) -> str:
    """A path as a person here would type it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
