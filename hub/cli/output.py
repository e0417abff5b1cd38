"""What every command prints alike: JSON or a plain table on standard output, one line of trouble on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

BAD_INPUT = 2
FAILURE = 1

JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on standard output instead of tables.")]


def console() -> Console:
    """Standard output; as wide as it needs to be when it is not a terminal, so that nothing is cut."""
    return Console(width=None if sys.stdout.isatty() else 200, highlight=False, soft_wrap=False)


def print_json(value: Any) -> None:
    """One JSON value on one line."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A plain table; cells are text."""
    shown = Table(*columns, title=title, title_justify="left", title_style="bold", show_lines=False)
    for row in rows:
        shown.add_row(*("" if cell is None else str(cell) for cell in row))
    console().print(shown, markup=False)


def fail(message: str, code: int = FAILURE) -> NoReturn:
    """One line that says what is wrong and what to do; no trace."""
    typer.echo(f"enlace: {message}", err=True)
    raise typer.Exit(code)


def quiet_pipe() -> None:
    """The reader of our output went away: nothing is wrong, and nothing more is to be said."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(0)
