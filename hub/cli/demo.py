"""`enlace demo`: a profile's own demonstration on a real Kafka: native files in, each agency's deliveries out.

What is played stands in the profile's demo/demo.yaml; this file starts the processes, puts the files where the agencies'
systems would put them, and waits until everything that follows is settled.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ConfigDict
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from . import demo_report
from .children import Child
from .cluster import schema_ids
from .output import console, fail
from .settings import load_bundle, profile_folder, settings
from .up import Cluster, SecureFlag, kafka, make_topics, start_router

SETTLE_TIMEOUT_S = 90.0
LOOK_S = 0.3
T = TypeVar("T")


class Step(BaseModel):
    """Files of demo/<put>/ that arrive at the connector `put`, and what that is, in words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    put: str
    es: str
    en: str


class Demonstration(BaseModel):
    """demo.yaml: which connectors run with which options, what arrives in which order, which deliveries are shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: dict[str, str]
    connectors: dict[str, dict[str, Any]]
    steps: tuple[Step, ...]
    show: tuple[demo_report.Shown, ...]


def demo(
    folder: Annotated[Path | None, typer.Option(help="Where its data and logs are kept.")] = None,
    profile: Annotated[Path | None, typer.Option(help="The profile's folder.")] = None,
    secure: SecureFlag = False,
) -> None:
    """Real files of two agencies become alerts, are decided upon, and reach, reduced, the right recipients."""
    home = ((folder or settings().home) / "demo").absolute()
    played = profile_folder(profile)
    bundle = load_bundle(profile)
    plan = load(played / "demo" / "demo.yaml")
    shutil.rmtree(home, ignore_errors=True)  # each demonstration begins with an empty hub
    home.mkdir(parents=True)
    say = console().print
    say(f"[bold]{plan.title['en']}[/]\n{plan.title['es']}\n")
    started_s = time.monotonic()
    with ExitStack() as stack:
        cluster = stack.enter_context(_waiting("Kafka starts", kafka(home, secure=secure)))
        make_topics(cluster, profile)
        children = [start_router(cluster, profile), *_connectors(plan, cluster, played)]
        for child in children:
            stack.callback(child.stop)
        connection = cluster.connection
        ids = schema_ids(connection)
        receiving = [name for name in plan.connectors if _receives(name)]
        for step in plan.steps:
            say(f"[bold]>[/] {step.en}\n  [dim]{step.es}[/]")
            arrived = _arrive(played / "demo" / step.put, home / step.put)
            _settle(connection, ids, bundle, receiving, home / step.put, arrived, children)
        demo_report.report(connection, ids, bundle, receiving, plan.show, home)
    say(f"\n{time.monotonic() - started_s:.0f} s. Logs, inbox and watch list: {_shown(home)}")


def load(path: Path) -> Demonstration:
    try:
        return Demonstration.model_validate(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, YAMLError) as error:
        fail(f"{path.name}: no demonstration ({type(error).__name__})")


def _connectors(plan: Demonstration, cluster: Cluster, profile: Path) -> Iterator[Child]:
    """Each connector as a process of its own, with its options written where an agency would write them."""
    from connectors.sdk.registry import find

    home = cluster.home
    for name, options in plan.connectors.items():
        (home / name).mkdir(exist_ok=True)
        filled = {key: value.format(home=home, profile=profile) for key, value in options.items()}
        path = home / f"{name}.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML(typ="safe", pure=True).dump(filled, file)
        arguments = ["connector", "run", name, "--options", str(path), "--state", str(home / "connectors" / name)]
        yield Child(name, arguments, home / "logs", cluster.environment(find(name).agency))


def _receives(name: str) -> bool:
    from connectors.sdk.registry import find

    return find(name).sink is not None


def _arrive(source: Path, target: Path) -> list[str]:
    """The files as another system would put them: written aside, then renamed."""
    names = []
    for path in sorted(source.iterdir()):
        part = target / f"{path.name}.part"
        shutil.copyfile(path, part)
        part.rename(target / path.name)
        names.append(path.name)
    return names


def _settle(
    connection: Any, ids: Any, bundle: Any, receiving: list[str], folder: Path, names: list[str], children: list[Child]
) -> None:
    """Returns when every file is taken, every alert decided, every delivery received."""
    from .seen import balance

    deadline_s = time.monotonic() + SETTLE_TIMEOUT_S
    with _spinner() as progress:
        task = progress.add_task("")
        while time.monotonic() < deadline_s:
            taken = sum((folder / "done" / name).exists() for name in names)
            now = balance(connection, ids, bundle, receiving)
            progress.update(
                task,
                description=f"{taken}/{len(names)} files, {now.published} alerts published, {now.decided} decided, "
                f"{now.delivered} delivered, {now.received}/{now.expected} received",
            )
            if taken == len(names) and now.settled:
                return
            for child in children:
                if child.ended is not None:
                    fail(f"{child.name} ended (code {child.ended}): see {_shown(child.log_file)}")
            time.sleep(LOOK_S)
    fail(f"not settled after {SETTLE_TIMEOUT_S:.0f} s: see {_shown(children[0].log_file.parent)}")


@contextmanager
def _waiting(what: str, block: AbstractContextManager[T]) -> Iterator[T]:
    with _spinner() as progress, ExitStack() as stack:
        progress.add_task(what)
        value = stack.enter_context(block)
        stack_of_block = stack.pop_all()
    with stack_of_block:
        yield value


def _spinner() -> Progress:
    return Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), transient=True)


def _shown(path: Path) -> str:
    """A path as a person here would type it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
