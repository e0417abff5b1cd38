"""Pages of docs/ that are made from the code, so that they cannot fall behind it: `python -m hub.cli.pages` writes them.

A test compares each page with what this makes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import typer.main
from pydantic_settings import BaseSettings

DOCS = Path(__file__).parents[2] / "docs"
MADE = "*Made from the code by `make docs`: change it there.*\n"


def commands() -> str:
    """docs/commands.md: every command with its arguments and options."""
    from . import app

    lines = ["# Commands\n", MADE]
    root = typer.main.get_command(app)
    for path, command in _walk(root, ("enlace",)):
        help_text = " ".join((command.help or "").split())
        lines += [f"## `{' '.join(path)}`\n", help_text + "\n"]
        rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            lines += ["| argument or option | meaning |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def _walk(command: Any, path: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", None)
    if children is None or getattr(command, "invoke_without_command", False):
        yield path, command
    for name, child in sorted((children or {}).items()):
        yield from _walk(child, (*path, name))


def _parameter(parameter: Any) -> str:
    names = getattr(parameter, "opts", [])
    shown = ", ".join(names) if names and names[0].startswith("-") else (getattr(parameter, "name", "") or "").upper()
    required = " (required)" if getattr(parameter, "required", False) else ""
    meaning = " ".join((getattr(parameter, "help", None) or "").split())
    return f"| `{shown}` | {meaning}{required} |"


def settings() -> str:
    """docs/settings.md: every setting that is read from the environment."""
    lines = ["# Settings\n", MADE, "All are environment variables.\n"]
    for title, model in rooms().items():
        lines += [f"## {title}\n", "| variable | default | meaning |", "|---|---|---|", *_settings(model), ""]
    lines += ["## A local Kafka\n", "| variable | default | meaning |", "|---|---|---|", CACHE, ""]
    return "\n".join(lines)


CACHE = "| `ENLACE_CACHE_DIR` | `.cache` of the checkout, or the user's cache folder | where Kafka's files are kept |"


def rooms() -> dict[str, type[BaseSettings]]:
    """Every class of settings, by its heading."""
    from hub.bus.registry import RegistrySettings
    from hub.bus.settings import Connection
    from hub.console.settings import ConsoleSettings
    from hub.readmodel.database import DatabaseSettings

    from .rules import StewardSettings
    from .settings import Settings

    return {
        "The hub": Settings,
        "Change control": StewardSettings,
        "The read model": DatabaseSettings,
        "The console": ConsoleSettings,
        "The schema registry": RegistrySettings,
        "The Kafka cluster": Connection,
    }


def _settings(model: type[BaseSettings]) -> Iterable[str]:
    prefix = model.model_config.get("env_prefix", "")
    for name, field in model.model_fields.items():
        default = "(none)" if field.is_required() or field.default is None else f"`{field.default}`"
        yield f"| `{prefix}{name}`".upper() + f" | {default} | {field.description} |"


class Told(NamedTuple):
    """One metric as Prometheus sees it: `name` without the endings that its kind adds."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str

    @property
    def series(self) -> tuple[str, ...]:
        """The names that a rule may use."""
        if self.kind == "counter":
            return (f"{self.name}_total",)
        if self.kind == "histogram":
            return tuple(self.name + ending for ending in ("_bucket", "_count", "_sum"))
        return (self.name,)

    @property
    def all_labels(self) -> tuple[str, ...]:
        return (*self.labels, "le") if self.kind == "histogram" else self.labels


def told() -> dict[str, list[Told]]:
    """Every metric there is, by who tells it."""
    from connectors.sdk.status import Metrics as ConnectorMetrics
    from connectors.sdk.status import Status, Trouble
    from hub.console.metrics import Metrics as ConsoleMetrics
    from hub.metrics import RecorderMetrics, RouterMetrics, SchedulerMetrics

    ailing = Status("x", "x", trouble=Trouble("fault", "x"))
    return {
        "The router": _of(RouterMetrics().registry),
        "The scheduler": _of(SchedulerMetrics().registry),
        "The recorder": _of(RecorderMetrics().registry),
        "The console": _of(ConsoleMetrics().registry),
        "A connector": [_told(family, ()) for family in ConnectorMetrics(ailing, lambda: 0).collect()],
    }


def _of(registry: Any) -> list[Told]:
    """What is registered; the names of labels are known before there is a sample."""
    collectors = list(dict.fromkeys(registry._names_to_collectors.values()))
    return [_told(family, getattr(each, "_labelnames", ())) for each in collectors for family in each.describe()]


def _told(family: Any, labels: Iterable[str]) -> Told:
    seen = {name for sample in family.samples for name in sample.labels} - {"le"}
    return Told(family.name, family.type, tuple(labels) or tuple(sorted(seen)), family.documentation)


def metrics() -> str:
    """docs/metrics.md: every metric with its labels."""
    lines = ["# Metrics\n", MADE, METRICS_WORDS]
    for title, found in told().items():
        lines += [f"## {title}\n", "| metric | kind | labels | meaning |", "|---|---|---|---|"]
        for each in found:
            name = each.series[0] if each.kind == "counter" else each.name
            labels = ", ".join(f"`{label}`" for label in each.labels)
            lines.append(f"| `{name}` | {each.kind} | {labels} | {each.meaning.rstrip('.')} |")
        lines.append("")
    return "\n".join(lines)


METRICS_WORDS = """Router, scheduler and recorder answer `/metrics`, `/health` and `/ready` when `ENLACE_METRICS_PORT`
is set, on the loopback address unless `ENLACE_METRICS_HOST` says otherwise; a connector by its option `--metrics-port`; the
console on its own port, to the addresses of `ENLACE_CONSOLE_METRICS_FROM`. Healthy means that the loop made progress within
30 seconds, not that a process is there. No label is an alert's id or a value of an alert. Rules for alerts:
[alert-rules.yaml](alert-rules.yaml), with what to do in [operations.md](operations.md).
"""


def topics() -> str:
    """docs/topics.md: every topic as it is declared."""
    from hub.bus.topics import KINDS, declared

    lines = ["# Topics\n", MADE, TOPICS_WORDS, "| topic | writer | readers | lanes | kept |", "|---|---|---|---|---|"]
    of_one = {spec.name.replace(".x", "."): spec for spec in declared(["x"])}
    for kind in KINDS:
        spec = of_one[kind.name]
        name = f"{kind.name}<agency>" if kind.name.endswith(".") else kind.name
        days = int(spec.settings.get("retention.ms", 0)) // 86_400_000
        kept = f"{days} days" if days else "compacted: the newest of each key"
        lanes = "yes" if spec.routed else "one partition"
        lines.append(f"| `{name}` | {spec.writer} | {', '.join(spec.readers)} | {lanes} | {kept} |")
    lines += ["", "| topic | setting | value |", "|---|---|---|"]
    for kind in KINDS:
        for setting, value in sorted(of_one[kind.name].settings.items()):
            lines.append(f"| `{kind.name}` | `{setting}` | {value} |")
    return "\n".join([*lines, ""])


TOPICS_WORDS = """`enlace topics create` makes them, `enlace topics check` compares a cluster with this. An agency's topics
end in its id. Topics with lanes all have the same number of partitions (`ENLACE_PARTITIONS`), for life; `min.insync.replicas`
is 2 where there are three copies (`ENLACE_REPLICATION`).
"""

PAGES = {"commands.md": commands, "settings.md": settings, "metrics.md": metrics, "topics.md": topics}


def main() -> None:
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
