"""Mapping files applied: a native record in, the alert it is out. Pure: convert, dry run, tests and publishing share it.

`load_mapping(path)` reads and checks a file; `Mapping.alerts(native)` yields the `Alert` or `Cancel` that a record is, and a
`Note` for what was less than it should be. The language is docs/connectors/mapping.md's.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from hub.model import sections as say
from hub.model.codes import AGE_BANDS
from hub.model.compose import DAY_MS, Draft
from hub.model.core import Label
from hub.model.derive import Facts
from hub.model.sections import Content

from .kinds import Alert, BadNative, Cancel, Note
from .mapping_compile import ONLY_DESCRIBED, Block, Person, Plan, compiled, uncovered
from .mapping_file import BadMapping, Problem, load_bytes, read_mapping
from .mapping_language import Leafy, MappingFile
from .mapping_leaf import Scope, Trouble, name_parts
from .native_values import MAX_VALUES, Native, at, columns_of

__all__ = ["BadMapping", "Mapping", "Problem", "load_mapping", "mapping_of"]

MAX_KEY: Final = 1_000
OLDEST: Final = 130
_LETTER: Final = {"victim": "v", "suspect": "s", "missing": "m", "witness": "w", "informant": "i"}
_NAME_OF_A_COLUMN: Final = re.compile(r"[^\W\d][\w .:/()#°º-]{0,79}")
_DIGITS_IN_A_ROW: Final = re.compile(r"\d{5}")


def load_mapping(path: Path) -> Mapping:
    """The mapping of a file. Raises BadMapping, which names every problem with file, line and column."""
    return mapping_of(load_bytes(path), path.name)


@lru_cache(maxsize=32)
def mapping_of(data: bytes, name: str) -> Mapping:
    """As load_mapping, of a file's bytes. A mapping is never changed, so the same bytes give the same one."""
    file, written = read_mapping(data, name)
    return Mapping(compiled(file, written), name)


class Mapping:
    """A mapping file, ready to be applied to native records."""

    def __init__(self, plan: Plan, name: str) -> None:
        self._plan = plan
        self.name = name

    @property
    def file(self) -> MappingFile:
        return self._plan.file

    def alerts(self, native: Native) -> Iterator[Alert | Cancel | Note]:
        """What one native record is. Raises BadNative if a value that a decision depends on cannot be said."""
        plan = self._plan
        scope = Scope(native, plan.context)
        key = self._key(scope)
        if plan.skip_when is not None and plan.skip_when.holds(scope):
            yield Note("left out, as the mapping says", plan.skip_when.columns[0], "left-out")
            return
        if plan.cancel_when is not None and plan.cancel_when.holds(scope):
            _no_trouble(scope)
            yield Cancel(key)
            return
        contents, consents = _Composer(scope).contents(plan)
        draft = self._draft(scope, tuple(consents))
        _no_trouble(scope)
        yield Alert(key, draft, tuple(contents), lasting=plan.file.lasting)
        for note in scope.notes:
            yield Note(note.sentence, note.column, note.code)

    def unmapped(self, columns: Iterable[str]) -> list[Note]:
        """A note for each native column that is neither mapped nor under `ignored`, by name.

        A heading that does not look like the name of a column is told by its number; so are all where the key's columns are
        missing: what stands there is no heading, it may be somebody's data.
        """
        listed = list(columns)
        trusted = set(self.file.key) <= set(listed)
        return [
            Note("this column is neither mapped nor under `ignored`", _shown(column, listed, trusted), "not-mapped")
            for column in uncovered(listed, self._plan.columns, self.file.ignored)
        ]

    def unmapped_of(self, native: Native) -> list[Note]:
        """As unmapped, of one record with nested values."""
        return self.unmapped(columns_of(native))

    def absent(self, columns: Iterable[str]) -> list[Trouble]:
        """The columns that a table must have for this mapping, and does not."""
        there = {*columns, *self.file.optional}
        return [
            Trouble(column, "the table has no such column", "no-column", line)
            for column, line in self._plan.columns.items()
            if column not in there
        ]

    def columns(self) -> frozenset[str]:
        """The native columns that the mapping names."""
        return frozenset(self._plan.columns)

    def key_of(self, native: Native) -> str:
        """What the record is known by, for ever. Raises BadNative if it has no such value."""
        return self._key(Scope(native, self._plan.context))

    def _key(self, scope: Scope) -> str:
        parts = []
        for column in self.file.key:
            try:
                texts = scope.texts(column)
            except ValueError as error:
                raise BadNative(f"{error} (mapping line {self._plan.key_line})", column) from None
            if len(texts) != 1:
                raise BadNative(f"has no value: the record has no key (mapping line {self._plan.key_line})", column)
            parts.append(texts[0])
        key = json.dumps([self.file.name, *parts], ensure_ascii=False)
        if len(key) > MAX_KEY:
            raise BadNative(f"is too long for a key (mapping line {self._plan.key_line})", self.file.key[0])
        return key

    def _draft(self, scope: Scope, consents: tuple[Any, ...]) -> Draft:
        plan = self._plan
        multiple = ("handling", "purposes")
        label: dict[str, Any] = {}
        for name, reader in plan.label.items():
            found = reader.read(scope)
            if found:
                label[name] = list(found) if name in multiple else found[0]
            elif name in ("class", "purposes") or reader.said_by_record:
                reason = "has no value, and the label needs one: map it or give a `default`"
                scope.tell(True, (reader.columns or (name,))[0], reason, "no-label", reader.line)
        _no_trouble(scope)
        if len(handling := label.get("handling", [])) > 1:
            label["handling"] = sorted(set(handling) - {"H0"})
        facts = {name: reader.read(scope) for name, reader in plan.facts.items()}
        return Draft(
            label=Label.model_validate(label),
            facts=Facts.model_validate({**facts, "consents": consents}),
            observed_ms=plan.observed.one(scope) if plan.observed else None,
            valid_ms=plan.file.valid_days * DAY_MS,
            caveats=plan.caveats.read(scope) if plan.caveats else (),
        )


def _shown(column: str, columns: Sequence[str], trusted: bool) -> str:
    named = trusted and _NAME_OF_A_COLUMN.fullmatch(column) and not _DIGITS_IN_A_ROW.search(column)
    return column if named else f"column {columns.index(column) + 1}"


def _no_trouble(scope: Scope) -> None:
    """Raises BadNative for the first trouble, and names the columns of the others."""
    if scope.troubles:
        first, *rest = scope.troubles
        others = ", ".join(dict.fromkeys(each.column for each in rest if each.column != first.column))
        raise BadNative(first.sentence + (f"; also: {others}" if others else ""), first.column)


class _Composer:
    """The sections of one record."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._numbers: Counter[str] = Counter()

    def contents(self, plan: Plan) -> tuple[list[Content], list[Any]]:
        """The contents, and the consents of victims."""
        found: list[Content] = []
        consents: list[Any] = []
        for person in plan.persons:
            for scope, stated in _occurrences(person.identity, self._scope):
                found += self._person(person, scope, stated, consents)
        for category, blocks in plan.sections.items():
            for block in blocks:
                for scope, _ in _occurrences(block, self._scope):
                    extra = {"person": self._next("informant")} if category == "informant" else {}
                    content = _built(block, scope, extra)
                    if content is not None:
                        found.append(Content(category, content))
        return found, consents

    def _next(self, role: str) -> str:
        self._numbers[role] += 1
        return f"{_LETTER[role]}{self._numbers[role]}"

    def _person(self, person: Person, scope: Scope, stated: bool, consents: list[Any]) -> list[Content]:
        fields = _fields(person.identity, scope)
        own = {name: next(iter(reader.said(scope)), None) for name, reader in person.own.items()}
        constants = {name for name, reader in person.own.items() if not reader.said_by_record}
        constants |= {name for name, reader in person.identity.readers.items() if not reader.said_by_record}
        beside = {name: list(_nested(block, scope)) for name, block in person.beside.items()}
        told = {name for name, value in {**fields, **own, **beside}.items() if value not in (None, (), [])}
        if not stated and not told - constants:
            return []
        fields |= _defaults(person.identity, fields, scope)
        own |= {name: reader.one(scope) for name, reader in person.own.items() if own[name] is None}
        reference = self._next(person.role)
        if person.role == "victim":
            consents.append(own.get("consent") or "unknown")
        made: list[Content] = []
        if person.role == "witness":
            return [Content("witness.identity", _model(person.identity, {**fields, "person": reference}, scope))]
        if set(fields) - ONLY_DESCRIBED:
            identity = _model(person.identity, {**fields, "person": reference}, scope)
            made.append(Content(f"{person.role}.identity", identity))
        if not made or own.get("age") is not None or own.get("age_band") or own.get("description_role"):
            made.append(self._description(person, reference, fields, own, scope))
        for name, several in beside.items():
            category = f"{person.role}.{name}"
            made += [Content(category, value.model_copy(update={"person": reference})) for value in several]
        return made

    def _description(
        self, person: Person, reference: str, fields: dict[str, Any], own: dict[str, Any], scope: Scope
    ) -> Content:
        band = own.get("age_band") or "unknown"
        if own.get("age") is not None:
            band = _band(own["age"])
            if band == "unknown":
                reader = person.own["age"]
                scope.tell(reader.deciding, reader.columns[0], "is no age of a person", "no-age", reader.line)
        said = {name: fields[name] for name in ONLY_DESCRIBED if name in fields}
        content = say.Description.model_validate(
            {"person": reference, "age_band": band, "role": own.get("description_role"), **said}
        )
        return Content(f"{person.role}.description", content)


def _band(age: Any) -> str:
    """The band of an age in full years."""
    if not isinstance(age, int) or not 0 <= age <= OLDEST:
        return "unknown"
    for band in AGE_BANDS:
        first, _, last = band.partition("-")
        if last and int(first) <= age <= int(last):
            return band
    return "48+"


def _occurrences(block: Block, scope: Scope) -> Iterator[tuple[Scope, bool]]:
    """The record as this block sees it, as often as it occurs, and whether a condition or a list says that it does."""
    if block.each is not None:
        items = _items(block, scope)
        for item in items:
            inside = scope.inside(item, block.each)
            if block.when is None or block.when.holds(inside):
                yield inside, True
    elif block.when is None:
        yield scope, False
    elif block.when.holds(scope):
        yield scope, True


def _items(block: Block, scope: Scope) -> list[Native]:
    assert block.each is not None
    found = at(scope.native, block.each)
    listed = found if isinstance(found, list) else [] if found is None else [found]
    items: list[Native] = [item for item in listed if isinstance(item, dict)]
    if len(items) < len(listed):
        scope.tell(True, block.each, "is not a list of objects", "no-list", block.line)
    if len(items) > MAX_VALUES:
        scope.tell(True, block.each, f"has more than {MAX_VALUES} objects", "too-many", block.line)
    return items[:MAX_VALUES]


def _fields(block: Block, scope: Scope) -> dict[str, Any]:
    """What a block says, without what it has no value for."""
    found: dict[str, Any] = {}
    for name, reader in block.readers.items():
        target = block.shape[name]
        assert isinstance(target, Leafy)
        values = reader.said(scope)
        if values:
            found[name] = values if target.many else values[0]
    if block.name_split and "full" in found:
        found["family"], found["given"] = name_parts(found.pop("full"), block.name_split)
        found = {name: value for name, value in found.items() if value != ""}
    for name, blocks in block.parts.items():
        shape = block.shape[name]
        made = [part for each in blocks for part in _nested(each, scope)]
        if made:
            found[name] = tuple(made) if not isinstance(shape, Leafy) and shape.many else made[0]
    if block.alias and found:
        found["kind"] = "alias"
    return found


def _defaults(block: Block, said: dict[str, Any], scope: Scope) -> dict[str, Any]:
    """What stands in a block for what the record has no value for; a default alone never makes one."""
    found: dict[str, Any] = {}
    for name, reader in block.readers.items():
        target = block.shape[name]
        assert isinstance(target, Leafy)
        cut = name == "full" and block.name_split  # said as family and given names
        if reader.has_default and name not in said and not cut and (values := reader.read(scope)):
            found[name] = values if target.many else values[0]
    return found


def _nested(block: Block, scope: Scope) -> Iterator[Any]:
    for inside, _ in _occurrences(block, scope):
        extra = {"person": "v1"} if "person" in block.model.model_fields else {}
        made = _built(block, inside, extra)
        if made is not None:
            yield made


def _built(block: Block, scope: Scope, extra: dict[str, Any]) -> Any:
    """The block's model, None if the record says nothing of it."""
    fields = _fields(block, scope)
    if not set(fields) & _from_record(block) and (block.when is None or not fields):
        return None
    return _model(block, {**fields, **_defaults(block, fields, scope), **extra}, scope, whole=False)


def _from_record(block: Block) -> set[str]:
    """The fields that a record must have said something of; all of them if the block has constants only."""
    named = {name for name, reader in block.readers.items() if reader.said_by_record} | set(block.parts)
    if block.name_split:
        named |= {"family", "given"}
    return named or set(block.readers)


def _model(block: Block, fields: dict[str, Any], scope: Scope, whole: bool = True) -> Any:
    """The model of the fields; what its own limits refuse is left out with a note, and what it cannot do without is not
    made at all."""
    kept = dict(fields)
    while True:
        try:
            return block.model.model_validate(kept)
        except ValidationError as error:
            refused = {str(each["loc"][0]) if each["loc"] else "" for each in error.errors(include_input=False)}
            for name in sorted(refused):
                reader = block.readers.get(name)
                line = reader.line if reader else block.line
                column = (reader.columns[0] if reader and reader.columns else "") or name
                gone = name not in kept
                reason = (
                    "is missing: this part was left out" if gone else "cannot be said in an alert, and was left out"
                )
                scope.tell(bool(reader and reader.deciding), column, reason, "left-out", line)
            if not refused & set(kept):
                if whole:
                    raise BadNative("a part of the record cannot be said") from None
                return None
            kept = {name: value for name, value in kept.items() if name not in refused}
            if not whole and not set(kept) & _from_record(block):
                return None
