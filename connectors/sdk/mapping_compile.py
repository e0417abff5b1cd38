"""A checked mapping file compiled: every value becomes a reader, every part a block of readers. Pure.

What is wrong with words, lists and columns is told here, all at once (mapping_file.py has the shapes). Applying what is
compiled to records is mapping.py's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hub.model import sections as say
from hub.model.base import Model
from hub.model.codes import AGE_BANDS, CLOSED, LIST_OF, MULTIPLE, STANDARD

from .mapping_file import SHORT_YEARS, Loc, Written, nearest
from .mapping_language import (
    ONLY_FOR,
    PERSON_MODELS,
    SECTIONS,
    FactsMapping,
    FullName,
    Kind,
    LabelMapping,
    Leafy,
    MappingFile,
    Shape,
    Test,
    Value,
    shape_of,
)
from .mapping_leaf import Condition, Context, Reader
from .native_values import folded

# What a decision depends on, though it stands in a section: derive.py reads it.
DECIDING_OF_PROTECTED: Final = frozenset({"birth_date", "age", "age_band", "sex", "nationalities", "consent"})
DECIDING_OF_LEGS: Final = frozenset({"departure_country", "arrival_country"})
PROTECTED: Final = ("victim", "missing")
ONLY_DESCRIBED: Final = frozenset({"sex", "nationalities"})  # of a person who is not identified by them


@dataclass(frozen=True)
class Block:
    """A part of an alert: the readers and parts of one model."""

    model: type[Model]
    shape: Shape
    readers: Mapping[str, Reader]
    parts: Mapping[str, tuple[Block, ...]]
    when: Condition | None
    each: str | None
    line: int
    name_split: str | None = None
    alias: bool = False


@dataclass(frozen=True)
class Person:
    """A person's part: its identity, and what stands beside it."""

    role: str
    identity: Block
    beside: Mapping[str, Block]  # contact, location, care
    own: Mapping[str, Reader]  # consent, age, age_band, description_role


@dataclass(frozen=True)
class Plan:
    """A whole mapping, ready to be applied."""

    file: MappingFile
    context: Context
    label: Mapping[str, Reader]
    facts: Mapping[str, Reader]
    observed: Reader | None
    caveats: Reader | None
    persons: tuple[Person, ...]
    sections: Mapping[str, tuple[Block, ...]]
    skip_when: Condition | None
    cancel_when: Condition | None
    columns: Mapping[str, int]  # every column that the mapping names, with the line where it does first
    key_line: int


def compiled(file: MappingFile, written: Written) -> Plan:
    """The plan of a mapping file. Raises BadMapping with all that is wrong."""
    return _Compiler(file, written).plan()


class _Compiler:
    def __init__(self, file: MappingFile, written: Written) -> None:
        self._file = file
        self._written = written
        self._columns: dict[str, int] = {}
        self._conditions: list[tuple[str, Condition]] = []
        self._used_lists: set[str] = set()
        self._tested: set[str] = set()

    def plan(self) -> Plan:
        file = self._file
        self._check_words()
        for column in file.key:
            self._column("", column, ("key",))
        context = Context(
            empty=frozenset(map(folded, file.empty)) | {""}, zone=self._zone(), first_year=file.two_digit_years_from
        )
        plan = Plan(
            file=file,
            context=context,
            label=self._named(file.label, ("label",), LabelMapping),
            facts=self._named(file.facts, ("facts",), FactsMapping),
            observed=self._leaf(file.observed, ("observed",), Leafy("moment"), False, ""),
            caveats=self._leaf(file.caveats, ("caveats",), Leafy("code", many=True), True, ""),
            persons=tuple(self._person(each, number) for number, each in enumerate(file.persons)),
            sections={
                name: self._blocks(getattr(file.sections, name), ("sections", name), say.CONTENTS[name], "", "")
                for name in SECTIONS
                if getattr(file.sections, name)
            },
            skip_when=self._condition(file.skip_when, ("skip_when",), ""),
            cancel_when=self._condition(file.cancel_when, ("cancel_when",), ""),
            columns=self._columns,
            key_line=self._written.line(("key",)),
        )
        self._know_values()
        self._check_ignored()
        if not self._written.pruned:
            self._check_used()
        self._written.done()
        return plan

    # --- parts

    def _named(self, group: Model, loc: Loc, model: type[Model]) -> dict[str, Reader]:
        """The readers of a group whose fields are attributes of the routing block."""
        found = {}
        for name, field in model.model_fields.items():
            alias = field.alias or name
            value = getattr(group, name)
            if value is not None:
                target = Leafy("country" if LIST_OF[alias] == "country" else "code", many=alias in MULTIPLE)
                reader = self._leaf(value, (*loc, alias), target, True, "", self._vocabulary(alias))
                assert reader is not None
                found[alias] = reader
        return found

    def _person(self, person: Any, number: int) -> Person:
        loc: Loc = ("persons", number)
        role = person.role
        for name, roles in ONLY_FOR.items():
            if getattr(person, name) is not None and role not in roles:
                self._written.problem((*loc, name), f"{name}: only for a person who is {' or '.join(roles)}")
        prefix = f"{person.each}." if person.each else ""
        deciding = DECIDING_OF_PROTECTED if role in PROTECTED else frozenset({"consent"})
        identity = self._block(person, loc, PERSON_MODELS[role], "", deciding)
        own_targets = {
            "consent": Leafy("choice", choices=tuple(CLOSED["consent"])),
            "age": Leafy("number"),
            "age_band": Leafy("choice", choices=AGE_BANDS),
            "description_role": Leafy("code"),
        }
        own = {
            name: reader
            for name, target in own_targets.items()
            if (reader := self._leaf(getattr(person, name), (*loc, name), target, name in deciding, prefix))
        }
        models: dict[str, type[Model]] = {"contact": say.Contact, "location": say.Location, "care": say.Care}
        beside = {
            name: self._block(getattr(person, name), (*loc, name), model, prefix, frozenset())
            for name, model in models.items()
            if getattr(person, name) is not None
        }
        return Person(role, identity, beside, own)

    def _blocks(self, specs: Any, loc: Loc, model: type[Model], prefix: str, _: str) -> tuple[Block, ...]:
        deciding = DECIDING_OF_LEGS if model is say.Leg else frozenset[str]()
        return tuple(self._block(spec, (*loc, number), model, prefix, deciding) for number, spec in enumerate(specs))

    def _block(self, spec: Any, loc: Loc, model: type[Model], prefix: str, deciding: frozenset[str]) -> Block:
        if spec.each:
            self._column(prefix, spec.each, (*loc, "each"))
        inner = f"{prefix}{spec.each}." if spec.each else prefix
        when = self._condition(spec.when, (*loc, "when"), inner)
        shape = shape_of(model)
        readers: dict[str, Reader] = {}
        parts: dict[str, tuple[Block, ...]] = {}
        for name, target in shape.items():
            value = getattr(spec, name, None)
            if value is None:
                continue
            if isinstance(target, Leafy):
                reader = self._leaf(value, (*loc, name), target, name in deciding, inner)
                assert reader is not None
                readers[name] = reader
            else:
                specs = value if target.many else (value,)
                parts[name] = self._blocks(specs, (*loc, name), target.model, inner, name)
        split = spec.full.parts if isinstance(getattr(spec, "full", None), FullName) else None
        if split and ("family" in readers or "given" in readers):
            self._written.problem((*loc, "full"), "full: with `parts` it gives family and given names itself")
        return Block(
            model,
            shape,
            readers,
            parts,
            when,
            spec.each,
            self._written.line(loc),
            name_split=split,
            alias=bool(getattr(spec, "alias", False)),
        )

    # --- values

    def _leaf(
        self,
        value: Value | None,
        loc: Loc,
        target: Leafy,
        deciding: bool,
        prefix: str,
        vocabulary: frozenset[str] | None = None,
    ) -> Reader | None:
        if value is None:
            return None
        for column in value.from_ or ():
            self._column(prefix, column, (*loc, "from"))
        self._check_value(value, loc, target)
        kind: Kind = target.kind
        choices = frozenset(target.choices) if target.choices else vocabulary
        line = self._written.line(loc)
        codes = self._codes(value, loc)
        closed = None if kind == "country" else choices
        reader = Reader(value, kind, many=target.many, line=line, deciding=deciding, choices=closed, codes=codes)
        reader.choose = tuple(
            (self._condition(choice.when, (*loc, "choose", number, "when"), prefix), choice.is_)  # type: ignore[misc]
            for number, choice in enumerate(value.choose or ())
        )
        self._check_constants(value, codes, reader, loc, closed, kind)
        return reader

    def _check_value(self, value: Value, loc: Loc, target: Leafy) -> None:
        name = str(loc[-1])
        dated = target.kind in ("date", "time", "moment")
        if value.dates and not dated:
            self._written.problem((*loc, "dates"), f"{name}: is no date, `dates` says nothing here")
        short = [order for order in value.dates or () if order in SHORT_YEARS]
        if short and self._file.two_digit_years_from is None:
            self._written.problem((*loc, "dates"), f"{short[0]} needs `two_digit_years_from`, as in 1930")
        if not target.many:
            if value.split:
                self._written.problem((*loc, "split"), f"{name}: takes one value, nothing is to be split")
            if value.constant and len(value.constant) > 1:
                self._written.problem(loc, f"{name}: takes one value")

    def _codes(self, value: Value, loc: Loc) -> Mapping[str, tuple[str, ...]]:
        codes, at = value.codes, (*loc, "codes")
        if value.code_list is not None:
            self._used_lists.add(value.code_list)
            known = self._file.code_lists
            if value.code_list not in known:
                hint = nearest(value.code_list, list(known))
                self._written.problem((*loc, "code_list"), f"{value.code_list}: no such list under `code_lists`{hint}")
                return {}
            codes, at = known[value.code_list], ("code_lists", value.code_list)
        seen: dict[str, str] = {}
        for text in codes:
            if folded(text) in seen:
                words = f"{text}: the same as {seen[folded(text)]} (case, accents and blanks are not told apart)"
                self._written.problem((*at, text), words)
            seen[folded(text)] = text
        return codes

    def _check_constants(
        self,
        value: Value,
        codes: Mapping[str, tuple[str, ...]],
        reader: Reader,
        loc: Loc,
        closed: frozenset[str] | None,
        kind: Kind,
    ) -> None:
        """Every code that the mapping itself gives must be sayable in its place."""
        lists = ("code_lists", value.code_list) if value.code_list else (*loc, "codes")
        places: list[tuple[Loc, tuple[str, ...]]] = [
            (loc, value.constant or ()),
            ((*loc, "default"), value.default or ()),
            *(((*lists, text), said) for text, said in codes.items()),
            *(((*loc, "choose", number, "is"), choice.is_) for number, choice in enumerate(value.choose or ())),
        ]
        for where, texts in places:
            for text in texts:
                if not reader.check_constant(text):
                    hint = nearest(text, sorted(closed)) if closed else ""
                    what = "country" if kind == "country" else loc[-1]
                    self._written.problem(where, f"{text[:60]}: cannot be said as {what}{hint}")

    def _condition(self, when: Mapping[str, Test] | None, loc: Loc, prefix: str) -> Condition | None:
        if when is None:
            return None
        for column in when:
            self._column(prefix, column, (*loc, column))
        condition = Condition(when, self._written.line(loc))
        self._conditions.append((prefix, condition))
        return condition

    # --- what holds for the whole file

    def _column(self, prefix: str, column: str, loc: Loc) -> None:
        self._columns.setdefault(f"{prefix}{column}", self._written.line(loc))

    def _zone(self) -> Any:
        if self._file.zone == "UTC":
            return UTC  # needs no database of zones
        try:
            return ZoneInfo(self._file.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._written.problem(("zone",), f"{self._file.zone}: no such time zone; write it as in America/Panama")
            return None

    def _vocabulary(self, attribute: str) -> frozenset[str] | None:
        """The standard list of an attribute with what the profile adds; None where the bundle alone knows."""
        name = LIST_OF[attribute]
        known = STANDARD.get(name)
        return known | frozenset(self._file.words.get(name, ())) if known is not None else None

    def _check_words(self) -> None:
        open_lists = [name for name in STANDARD if name not in CLOSED and name not in ("country", "category")]
        for name in self._file.words:
            if name not in open_lists:
                self._written.problem(("words", name), f"{name}: no list that grows{nearest(name, open_lists)}")

    def _know_values(self) -> None:
        """What all conditions on a column, and `known`, name together."""
        known: dict[str, set[str]] = {column: set(map(folded, values)) for column, values in self._file.known.items()}
        for prefix, condition in self._conditions:
            for column, values in condition.named().items():
                known.setdefault(f"{prefix}{column}", set()).update(values)
                self._tested.add(f"{prefix}{column}")
        for prefix, condition in self._conditions:
            condition.known = {column: frozenset(known.get(f"{prefix}{column}", ())) for column in condition.tests}

    def _check_ignored(self) -> None:
        for column in self._file.ignored:
            if column in self._columns:
                line = self._columns[column]
                self._written.problem(("ignored", column), f"{column}: is mapped in line {line}")

    def _check_used(self) -> None:
        """What is written and has no effect is a mistake somewhere."""
        for name in self._file.code_lists.keys() - self._used_lists:
            self._written.problem(("code_lists", name), f"{name}: no value uses this list")
        for column in self._file.known.keys() - self._tested:
            hint = nearest(column, list(self._tested))
            self._written.problem(("known", column), f"{column}: no condition tests it{hint}")
        for column in self._file.optional:
            if column not in self._columns:
                hint = nearest(column, list(self._columns))
                self._written.problem(("optional", column), f"{column}: is not mapped{hint}")


def uncovered(columns: Sequence[str], named: Mapping[str, int], ignored: Sequence[str]) -> list[str]:
    """The native columns that are neither mapped nor ignored, in their order."""
    exact = set(named) | {each for each in ignored if not each.endswith("*")}
    stars = tuple(each[:-1] for each in ignored if each.endswith("*"))
    return [
        column
        for column in dict.fromkeys(columns)
        if not (column.startswith(stars) if stars else False)
        and not any(column == each or column.startswith(f"{each}.") for each in exact)
    ]
