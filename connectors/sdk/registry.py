"""Connectors found by entry point (`enlace.connectors`): an agency ships its own package, and nothing here knows its name."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, Final

from .kinds import Connector

GROUP: Final = "enlace.connectors"


class NoConnector(Exception):
    """There is no connector of this name, or its package cannot be loaded."""


def names() -> list[str]:
    """The names of all connectors that are installed, sorted."""
    return sorted(entry.name for entry in entry_points(group=GROUP))


def find(name: str) -> Connector[Any]:
    """The connector of this name. Raises NoConnector, which names those that there are."""
    for entry in entry_points(group=GROUP, name=name):
        try:
            connector = entry.load()
        except Exception as error:
            raise NoConnector(f"connector {name}: its package cannot be loaded ({type(error).__name__})") from error
        if isinstance(connector, Connector):
            return connector
        raise NoConnector(f"connector {name}: {entry.value} is not a connector")
    raise NoConnector(f"no connector {name}; installed are: {', '.join(names()) or 'none'}")
