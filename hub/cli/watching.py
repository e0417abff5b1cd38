"""A command that keeps fresh what it shows (`--watch`), and a sign of life on standard error while one takes its time."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

EVERY_S = 2.0

WatchFlag = Annotated[bool, typer.Option("--watch", help="Keep it fresh until Ctrl-C.")]


def pause() -> None:
    time.sleep(EVERY_S)


def shown(show: Callable[[], None], watch: bool, as_json: bool) -> None:
    """Calls `show`, which prints: once, or again and again in one place until Ctrl-C; JSON goes on line by line."""
    if not watch:
        show()
        return
    try:
        if as_json:
            while True:
                show()
                pause()
        with Live(console=Console(), auto_refresh=False) as live:
            while True:
                live.update(Text(_printed(show)), refresh=True)
                pause()
    except KeyboardInterrupt:
        return


def _printed(show: Callable[[], None]) -> str:
    """What `show` prints. Before it printed anything the old picture stays."""
    out = io.StringIO()
    with redirect_stdout(out):
        show()
    return out.getvalue()


@contextmanager
def busy(words: str) -> Iterator[None]:
    """A spinner with some words while the block lasts, where standard error is a terminal."""
    with Console(stderr=True).status(words):
        yield
