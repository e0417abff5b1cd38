"""Reading one YAML 1.2 text with the place of everything in it. What the values mean is for others.

`no` and `NO` are strings (Norway is a country), dates stay text, and a guideline reads by itself: tags, anchors and
aliases are refused, as are several documents and texts over the limits; duplicate keys are listed. Syntax:
yaml.org/spec/1.2.2, core schema (10.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

MAX_BYTES: Final = 2_000_000
MAX_DEPTH: Final = 20
MAX_NODES = 50_000
MAX_SCALAR: Final = 20_000  # characters

_NULL: Final = re.compile(r"(null|Null|NULL|~|)\Z")
_BOOL: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT: Final = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT: Final = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\Z")

Path = tuple[str | int, ...]


@dataclass(frozen=True, order=True)
class Place:
    """Line and column, counted from 1 as editors do."""

    line: int
    column: int


@dataclass
class Document:
    """The value, and the place of every key and item by its path. An item of a list that is text stands under its
    index and under its text, so that a place is found after lists were sorted."""

    value: Any = None
    places: dict[Path, Place] = field(default_factory=dict)
    repeated: list[tuple[Place, str]] = field(default_factory=list)  # keys that stand twice: each is an error

    def place(self, path: Path) -> Place:
        """Where `path` stands, or the nearest thing around it that is written."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(1, 1))


class NotYaml(Exception):
    """The text cannot be read. `place` is where, `problem` what, in words; neither repeats the text."""

    def __init__(self, place: Place, problem: str) -> None:
        super().__init__(f"line {place.line}, column {place.column}: {problem}")
        self.place = place
        self.problem = problem


def read(data: bytes) -> Document:
    """One document. Raises NotYaml for everything that is not plain YAML 1.2 within the limits."""
    if len(data) > MAX_BYTES:
        raise NotYaml(Place(1, 1), f"the file has {len(data)} bytes; the limit is {MAX_BYTES}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotYaml(Place(line, 1), "the file is not UTF-8") from None
    document = Document()
    builder = _Builder(document)
    try:
        for event in _events(text):
            builder.take(event)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        raise NotYaml(place, error.problem or "not YAML") from None
    except (YAMLError, RecursionError, ValueError) as error:
        raise NotYaml(Place(1, 1), f"not YAML ({type(error).__name__})") from None
    return document


def _events(text: str) -> Iterator[Any]:
    return iter(YAML(typ="safe", pure=True).parse(text))


class _Builder:
    """Builds the value from parser events on a stack of its own, so that depth is bounded before anything nests."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.open: list[tuple[Any, Path]] = []  # the containers around the current place
        self.keys: list[str | None] = []  # the key that waits for its value, for each open container
        self.nodes = 0
        self.documents = 0

    def take(self, event: Any) -> None:
        if isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise NotYaml(_place(event), "a second document begins here; a file holds one")
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self.open.pop()
            self.keys.pop()
        elif isinstance(event, AliasEvent):
            raise NotYaml(_place(event), "aliases (*name) are not used here; write the value out")
        elif isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent):
            self._node(event)

    def _node(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise NotYaml(_place(event), f"more than {MAX_NODES} values in one file")
        if event.anchor is not None:
            raise NotYaml(_place(event), "anchors (&name) are not used here; write the value out")
        if event.tag is not None:
            raise NotYaml(_place(event), "tags (!name) are not used here")
        if isinstance(event, ScalarEvent):
            if len(event.value) > MAX_SCALAR:
                raise NotYaml(_place(event), f"a text of {len(event.value)} characters; the limit is {MAX_SCALAR}")
            self._add(_scalar(event), event)
            return
        path = self._add({} if isinstance(event, MappingStartEvent) else [], event)
        if len(self.open) >= MAX_DEPTH:
            raise NotYaml(_place(event), f"nested deeper than {MAX_DEPTH} levels")
        self.open.append((self._value_at(path), path))
        self.keys.append(None)

    def _add(self, value: Any, event: Any) -> Path:
        """Puts a value where the parser stands, and notes its place. A key's place is the key's, not its value's."""
        places = self.document.places
        if not self.open:
            self.document.value = value
            places[()] = _place(event)
            return ()
        container, path = self.open[-1]
        if isinstance(container, list):
            container.append(value)
            places[(*path, len(container) - 1)] = _place(event)
            if isinstance(value, str | int):
                places.setdefault((*path, str(value)), _place(event))
            return (*path, len(container) - 1)
        key = self.keys[-1]
        if key is None:
            self._key(container, path, value, event)
            return path
        container[key] = value
        self.keys[-1] = None
        return (*path, key)

    def _key(self, container: dict[str, Any], path: Path, value: Any, event: Any) -> None:
        if not isinstance(event, ScalarEvent):
            raise NotYaml(_place(event), "a key must be a word")
        key = str(event.value)
        if key in container:
            self.document.repeated.append((_place(event), key))
        self.document.places[(*path, key)] = _place(event)
        self.keys[-1] = key

    def _value_at(self, path: Path) -> Any:
        if not self.open:
            return self.document.value
        container, _ = self.open[-1]
        return container[path[-1]]


def _scalar(event: Any) -> Any:
    text = str(event.value)
    if not event.implicit[0]:  # quoted: text, whatever it looks like
        return text
    if _NULL.match(text):
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)
