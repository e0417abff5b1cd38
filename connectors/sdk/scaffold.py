"""A new connector's package from the template beside this file: `enlace connector new NAME`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Final

SUFFIX: Final = ".template"
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
LONGEST: Final = 40


class CannotMake(ValueError):
    """The name is none, or something stands in the way. One line."""


def scaffold(name: str, folder: Path) -> list[Path]:
    """Writes the package into a folder that is not there, or empty; the files that were made. Raises CannotMake."""
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        raise CannotMake(f"a name is of small letters, digits and hyphens, at most {LONGEST}, and begins with a letter")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CannotMake(f"{folder}: is there already; nothing was changed")
    package = f"enlace_{name.replace('-', '_')}"
    words = {
        "name": name,
        "agency": name,
        "package": package,
        "distribution": f"enlace-{name}",
        "title": "".join(part.capitalize() for part in name.split("-")),
    }
    made = []
    try:
        for parts, text in _templates(files(__package__).joinpath("template"), ()):
            path = folder.joinpath(*(package if part == "package" else part for part in parts))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(text).substitute(words), encoding="utf-8")
            made.append(path)
    except OSError as error:
        raise CannotMake(f"{error.filename or folder}: {error.strerror}") from None
    return sorted(made)


def _templates(folder: Traversable, parts: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _templates(entry, (*parts, entry.name))
        elif entry.name.endswith(SUFFIX):
            yield (*parts, entry.name.removesuffix(SUFFIX)), entry.read_text(encoding="utf-8")
