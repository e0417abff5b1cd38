"""Pages of docs/ that are made from the code, so that they cannot fall behind it: `python -m hub.cli.pages` writes them.

A test compares each page with what this makes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

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
    from hub.bus.settings import Connection

    from .rules import StewardSettings
    from .settings import Settings

    lines = ["# Settings\n", MADE, "All are environment variables.\n"]
    rooms = (("The hub", Settings), ("Change control", StewardSettings), ("The Kafka cluster", Connection))
    for title, model in rooms:
        lines += [f"## {title}\n", "| variable | default | meaning |", "|---|---|---|", *_settings(model), ""]
    return "\n".join(lines)


def _settings(model: type[BaseSettings]) -> Iterable[str]:
    prefix = model.model_config.get("env_prefix", "")
    for name, field in model.model_fields.items():
        default = "(none)" if field.is_required() or field.default is None else f"`{field.default}`"
        yield f"| `{prefix}{name}`".upper() + f" | {default} | {field.description} |"


PAGES = {"commands.md": commands, "settings.md": settings}


def main() -> None:
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
