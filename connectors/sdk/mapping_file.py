"""A mapping file read and checked: every problem at once, each with file, line, column and the nearest known word.

Shapes are mapping_language.py's; here stands what a whole file must satisfy besides. What is read is compiled by mapping.py.
"""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from hub.guidelines.yaml12 import Document, NotYaml, Place, read

from .mapping_language import MappingFile
from .native_values import Order

MAX_PROBLEMS: Final = 100
PRUNINGS: Final = 4
Loc = tuple[str | int, ...]


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong, and where."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class BadMapping(ValueError):
    """A mapping file that cannot be used; `problems` has them all, in the file's order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems)[:MAX_PROBLEMS])
        super().__init__("\n".join(map(str, self.problems)))


class Written:
    """A mapping file as it was written: its values, and where each stands."""

    def __init__(self, name: str, document: Document) -> None:
        self.name = name
        self.document = document
        self.problems: list[Problem] = []
        self.pruned = False  # parts were left out, and what they use seems to be used by nobody

    def place(self, loc: Loc) -> Place:
        """Where something stands; numbers of lists that were written without one are skipped."""
        path: Loc = ()
        for part in loc:
            if (*path, part) in self.document.places:
                path = (*path, part)
        return self.document.place(path)

    def line(self, loc: Loc) -> int:
        return self.place(loc).line

    def problem(self, loc: Loc, message: str) -> None:
        place = self.place(loc)
        self.problems.append(Problem(self.name, place.line, place.column, message))

    def done(self) -> None:
        """Raises BadMapping if anything was wrong."""
        if self.problems:
            raise BadMapping(self.problems)


def read_mapping(data: bytes, name: str) -> tuple[MappingFile, Written]:
    """A mapping file's content in the shapes of the language. Raises BadMapping."""
    try:
        written = Written(name, read(data))
    except NotYaml as error:
        raise BadMapping([Problem(name, error.place.line, error.place.column, error.problem)]) from None
    for place, key in written.document.repeated:
        written.problems.append(Problem(name, place.line, place.column, f"{key}: stands twice"))
    mapping = _shaped(written)
    if mapping is None:
        written.done()
        raise AssertionError("what has no shape has a problem")
    return mapping, written


def _shaped(written: Written) -> MappingFile | None:
    """The file in the language's shapes. Where parts do not fit, they are told and left out, so that the rest can be checked
    as well; None if too little is left."""
    value = written.document.value
    for _ in range(PRUNINGS):
        try:
            return MappingFile.model_validate(value)
        except ValidationError as error:
            found = error.errors(include_url=False)
        inside = [each["loc"] for each in found]
        for each in found:
            at = each["loc"]
            if written.pruned and each["type"] == "missing":
                continue  # it was taken out
            if each["type"] != "too_short" or not any(other[: len(at)] == at != other for other in inside):
                written.problem(at, _words(each))
        cuts = {_cut(value, each["loc"]) for each in found}
        if () in cuts:
            return None
        value = copy.deepcopy(value)
        written.pruned = True
        for cut in sorted(cuts, key=len, reverse=True):
            _take_out(value, cut)
    return None


def _cut(value: Any, loc: Loc) -> Loc:
    """The deepest key on the way to a place; a list is taken out whole, since the places of its items are numbers."""
    found: Loc = ()
    path: Loc = ()
    for part in loc:
        if isinstance(value, dict) and part in value:
            path = (*path, part)
            found, value = path, value[part]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            path, value = (*path, part), value[part]
    return found


def _take_out(value: Any, cut: Loc) -> None:
    for part in cut[:-1]:
        value = value[part]
    value.pop(cut[-1], None)


def load_bytes(path: Path) -> bytes:
    """A mapping file's bytes. Raises BadMapping."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadMapping([Problem(path.name, 1, 1, f"cannot be read ({type(error).__name__})")]) from None


def nearest(word: str, known: Sequence[str]) -> str:
    """`; did you mean ...?` or the known words, if they are few."""
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if found:
        return f"; did you mean {found[0]}?"
    return f"; one of: {', '.join(sorted(known))}" if 0 < len(known) <= 15 else ""


def _words(error: Any) -> str:
    """A sentence for what pydantic found. The file is the author's own: what stands in it may be repeated."""
    loc: Loc = error["loc"]
    name = next((str(part) for part in reversed(loc) if isinstance(part, str)), "the file")
    kind = str(error["type"])
    if kind == "extra_forbidden":
        return f"{name}: not a word of the language here{nearest(name, _words_at(loc[:-1]))}"
    if kind == "missing":
        return f"{name}: must be said"
    if kind == "literal_error":
        given = str(error.get("input"))
        return f"{name}: {given[:60]} is not known{nearest(given, _literals(error))}"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}"


def _literals(error: Any) -> list[str]:
    return re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))


def _words_at(loc: Loc) -> list[str]:
    """The words that the language has in a place."""
    model: Any = MappingFile
    for part in loc:
        if isinstance(part, int):
            continue
        field = next((field for name, field in model.model_fields.items() if part in (name, field.alias)), None)
        if field is None:  # a key of the author's own, such as a column's name
            continue
        found = list(_models(field.annotation))
        if not found:
            return []
        model = found[0]
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for arg in get_args(annotation) for model in _models(arg)]


SHORT_YEARS: Final = tuple(order for order in get_args(Order) if order.endswith("2"))
