"""The contract suite on a connector that is named, or that stands in the folder of its package: `enlace connector test`."""

from __future__ import annotations

import importlib
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from .contract import Finding, examine
from .kinds import Connector
from .registry import GROUP, NoConnector, find


class CannotTest(ValueError):
    """There is no connector of this name or in this folder, or it has no trial. One line."""


def examined(what: str) -> list[Finding]:
    """The findings on every statement. Raises CannotTest."""
    connector = _in_folder(Path(what)) if Path(what).is_dir() else _named(what)
    if connector.trial is None:
        raise CannotTest(f"connector {connector.name} has no trial: give its Connector one (docs/connectors/kit.md)")
    with tempfile.TemporaryDirectory() as folder:
        return list(examine(connector, connector.trial, Path(folder)))


def _named(name: str) -> Connector[Any]:
    try:
        return find(name)
    except NoConnector as error:
        raise CannotTest(str(error)) from None


def _in_folder(folder: Path) -> Connector[Any]:
    """The connector of the entry point in a package's pyproject.toml; the package need not be installed."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        points = dict(project["project"]["entry-points"][GROUP])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError):
        raise CannotTest(f"{folder}: no pyproject.toml with an entry point of {GROUP}") from None
    if len(points) != 1:
        raise CannotTest(f"{folder}: has {len(points)} connectors; name one that is installed")
    module, _, attribute = str(next(iter(points.values()))).partition(":")
    sys.path[:0] = [str(folder.resolve()), str((folder / "src").resolve())]
    try:
        found = getattr(importlib.import_module(module), attribute)
    except Exception as error:
        raise CannotTest(f"{folder}: {module} cannot be loaded ({type(error).__name__})") from error
    if not isinstance(found, Connector):
        raise CannotTest(f"{folder}: {module}:{attribute} is not a connector")
    return found
