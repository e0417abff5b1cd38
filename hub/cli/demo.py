"""`enlace demo`: a profile's own demonstration on a real Kafka: native inputs in, each agency's deliveries out.

What is played stands in the profile's demo/demo.yaml; this file starts the processes, demo_stage.py has things arrive and
waits, demo_partners.py is the systems on the other side, demo_report.py says what came of it, demo_console.py stays.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from . import demo_console, demo_report
from .children import Child
from .cluster import schema_ids
from .demo_partners import partners
from .demo_stage import Demonstration, Stage, agency_of, prepare, shown, spinner
from .output import console, fail
from .settings import load_bundle, profile_folder, settings
from .up import Cluster, SecureFlag, kafka, make_topics, start_services

T = TypeVar("T")


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
        others = stack.enter_context(partners(home))
        words = {**others.words, "home": home, "profile": played}
        plan = plan.model_copy(update={"connectors": _filled(plan.connectors, words)})
        prepare(plan, played, home)
        children = {**start_services(cluster, profile, any_port=True), **_connectors(plan, cluster)}
        for child in children.values():
            stack.callback(child.stop)
        stage = Stage(cluster, bundle, schema_ids(cluster.connection), plan, others, children)
        for step in plan.steps:
            say(f"[bold]>[/] {step.en}\n  [dim]{step.es}[/]")
            stage.settle(stage.play(step, played))
        stage.recorded()
        demo_report.report(cluster.connection, stage.ids, bundle, stage.receiving, plan.show, home)
        say(f"\n{time.monotonic() - started_s:.0f} s. Logs, and what each agency's system has now: {shown(home)}")
        if sys.stdout.isatty():
            demo_console.stay(cluster, children)


def load(path: Path) -> Demonstration:
    try:
        return Demonstration.model_validate(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, YAMLError) as error:
        fail(f"{path.name}: no demonstration ({type(error).__name__})")


def _connectors(plan: Demonstration, cluster: Cluster) -> dict[str, Child]:
    """Each connector as a process of its own, with its options written where an agency would write them."""
    home = cluster.home
    started = {}
    for name, options in plan.connectors.items():
        (home / name).mkdir(exist_ok=True)
        path = home / f"{name}.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML(typ="safe", pure=True).dump(options, file)
        arguments = ["connector", "run", name, "--options", str(path), "--state", str(home / "connectors" / name)]
        started[name] = Child(name, arguments, home / "logs", cluster.environment(agency_of(name)))
    return started


def _filled(value: Any, words: Mapping[str, object]) -> Any:
    """Options with the demonstration's words in place of {home} and so on."""
    if isinstance(value, dict):
        return {name: _filled(each, words) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, words) for each in value]
    return value.format_map(words) if isinstance(value, str) else value


@contextmanager
def _waiting(what: str, block: AbstractContextManager[T]) -> Iterator[T]:
    with spinner() as progress, ExitStack() as stack:
        progress.add_task(what)
        value = stack.enter_context(block)
        stack_of_block = stack.pop_all()
    with stack_of_block:
        yield value
