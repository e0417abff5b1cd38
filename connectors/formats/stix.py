"""STIX 2.1 (OASIS Standard, 10 June 2021): bytes to objects and units of exchange.

A file may be a bundle, one object, a bare list of either, or lines of them. Each object is read on its own: a bad one is one
error with its line and field, the others go on. Reading is tolerant where senders differ (no `spec_version`, unknown types,
properties of their own) and strict where a mistake would change what an alert says. The stix2 library is not used here: it
refuses a whole bundle for one bad object and drops or rewrites what it does not know; tests hold what we write against it.
Units are put together in `stix_units.py`, markings are read in `stix_markings.py`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Final

from pydantic import Secret

from connectors.formats import countries, strict_json
from connectors.formats.countries import Country
from connectors.formats.records import Note
from connectors.formats.stix_ids import ID
from connectors.formats.stix_markings import Definitions, Tlp, from_label, meaning, strictest
from connectors.formats.stix_record import BadObject, ExternalReference, StixObject, Unit
from connectors.formats.stix_units import Assembly, units
from connectors.formats.strict_json import JsonRefused, JsonValue, Span

_TIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})", re.ASCII | re.IGNORECASE
)
_YEARS: Final = range(1900, 2200)
_TYPE: Final = re.compile(r"[a-z][a-z0-9-]{1,248}[a-z0-9]")
_FIELD_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,40}")
_DEFINITIONS: Final = ("marking-definition", "extension-definition", "language-content")
# What an object's text is called, by type; everything else has a description.
_TEXTS: Final[Mapping[str, str]] = {"note": "content", "opinion": "explanation"}
_KINDS: Final = (
    "report_types",
    "threat_actor_types",
    "indicator_types",
    "infrastructure_types",
    "roles",
    "sectors",
    "context",
    "identity_class",
    "opinion",
    "relationship_type",
    "pattern_type",
)
_SEEN: Final = (("first_seen", "first_observed", "valid_from"), ("last_seen", "last_observed", "valid_until"))
_NOT_MEMBERS: Final = ("created_by_ref", "object_marking_refs")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may hold. `values` are its commas and opening brackets, which bound the time until the first
    answer; texts are counted in characters, `unit_members` over one unit; `steps` are
    references followed over all units, which may hold the same objects."""

    json: strict_json.Limits = field(default_factory=lambda: strict_json.Limits(document_bytes=32_000_000))
    values: int = 300_000
    objects: int = 50_000
    references: int = 5_000
    text: int = 100_000
    unit_members: int = 5_000
    steps: int = 2_000_000


def read(stream: BinaryIO, *, limits: Limits | None = None) -> Iterator[Unit | BadObject]:
    """Read a file to its units, in the order of their roots; every object is in a unit, a definition, or told as an error.

    Never raises for what the bytes are. A file over the limit of bytes gives one `BadObject` and nothing else. Errors of
    single objects come first, since a unit is whole only when the whole file was read.
    """
    limits = limits or Limits()
    data = stream.read(limits.json.document_bytes + 1)
    if len(data) > limits.json.document_bytes:
        yield BadObject("file-too-large", line=1)
        return
    text = strict_json.text_of(data)
    del data
    if text.count(",") + text.count("[") + text.count("{") > limits.values:
        yield BadObject("stix-too-many-values", line=1)
        return
    raw: list[_Raw] = []
    for found in _raw_objects(text, limits):
        if isinstance(found, BadObject):
            yield found
        else:
            raw.append(found)
    if not raw and not text.strip():
        yield BadObject("not-json", line=1)
    definitions = _definitions(raw)
    assembly = Assembly()
    for each in raw:
        item = _object(each, definitions, limits)
        if isinstance(item, BadObject):
            yield item
        elif item.type not in _DEFINITIONS and (conflict := assembly.add(item)):
            yield conflict
    yield from assembly.conflicts()
    yield from units(assembly, limits.unit_members, limits.steps)


# Objects of a file


@dataclass(frozen=True, slots=True)
class _Raw:
    record: int
    line: int
    value: dict[str, JsonValue] = field(repr=False)


def _raw_objects(text: str, limits: Limits) -> Iterator[_Raw | BadObject]:
    for number, span in enumerate(_spans(text), start=1):
        if number > limits.objects:
            yield BadObject("stix-too-many-objects", line=span.line, record=number)
            return
        yield _raw(text, span, number, limits)


def _raw(text: str, span: Span, number: int, limits: Limits) -> _Raw | BadObject:
    if not span.whole:
        return BadObject("json-truncated", line=span.line, record=number)
    try:
        value = strict_json.loads(text[span.start : span.end], span.line, limits.json)
    except JsonRefused as error:
        return BadObject(error.code, line=error.line, record=number, field=error.field)
    if not isinstance(value, dict):
        return BadObject("stix-not-an-object", line=span.line, record=number)
    if value.get("type") == "bundle":
        code = "stix-nested-bundle" if value.get("objects") else "stix-no-objects"
        return BadObject(code, line=span.line, record=number)
    return _Raw(number, span.line, value)


def _spans(text: str) -> Iterator[Span]:
    """Every object of the text: those of bundles, of a list (of bundles or objects), or the values themselves."""
    told = 0
    for span in strict_json.values(text):
        bare = text[span.start] not in "[{"
        if not bare or span.line != told:  # words that are no JSON: one trouble a line, not one for every word
            yield from _within(text, span, lists=True)
        told = span.line if bare else 0


def _within(text: str, span: Span, *, lists: bool) -> Iterator[Span]:
    if text[span.start] == "[" and lists:
        for item in strict_json.members(text, span):
            yield from _within(text, item, lists=False)
        yield from _ending(text, span)
    elif (objects := _bundled(text, span)) is not None:
        yield from strict_json.members(text, objects)
        yield from _ending(text, span)
    else:
        yield span


def _bundled(text: str, span: Span) -> Span | None:
    """The list of objects of a bundle that has any; None for everything else."""
    if text[span.start] != "{":
        return None
    is_bundle, objects = False, None
    for member in strict_json.members(text, span):
        if member.key == "type":
            is_bundle = text[member.start : member.end] == '"bundle"'
            if not is_bundle:
                return None
        elif member.key == "objects" and text[member.start] == "[":
            objects = member
    if not is_bundle or objects is None:
        return None
    return objects if next(strict_json.members(text, objects), None) else None


def _ending(text: str, container: Span) -> Iterator[Span]:
    """An empty, unfinished record in place of what is missing from a list or bundle that does not close."""
    if not container.whole:
        yield Span(len(text), len(text), container.line + text.count("\n", container.start), False)


def _definitions(raw: list[_Raw]) -> Definitions:
    found: dict[str, list[dict[str, JsonValue]]] = {}
    for each in raw:
        marking = each.value.get("id")
        if each.value.get("type") == "marking-definition" and isinstance(marking, str):
            found.setdefault(marking.lower(), []).append(each.value)
    return found


# Properties of an object


class _Unusable(Exception):
    def __init__(self, code: str, name: str) -> None:
        super().__init__(code)
        self.code = code
        self.field = name


def _object(raw: _Raw, definitions: Definitions, limits: Limits) -> StixObject | BadObject:
    try:
        return _Properties(raw.value, limits).object(raw, definitions)
    except _Unusable as error:
        return BadObject(error.code, line=raw.line, record=raw.record, field=error.field)


class _Properties:
    """Reads properties by name; a missing or null one is None, one of another type makes the object unusable."""

    def __init__(self, value: dict[str, JsonValue], limits: Limits) -> None:
        self._value = value
        self._limits = limits
        self._notes: list[Note] = []

    def object(self, raw: _Raw, definitions: Definitions) -> StixObject:
        kind, identifier = self._type(), self._id()
        created, modified = self._time("created"), self._time("modified")
        is_definition = kind in _DEFINITIONS
        if self._value.get("spec_version") != "2.1" and not is_definition:
            self._notes.append(Note("spec-version-missing", "spec_version"))
        observable = created is None and modified is None and self._value.get("spec_version") == "2.1"
        if modified is None and created is None and not observable:
            self._notes.append(Note("timestamp-missing", "modified"))
        text = self._text(_TEXTS.get(kind, "description"))
        first, last = (next(filter(None, map(self._time, names)), None) for names in _SEEN)
        return StixObject(
            record=raw.record,
            line=raw.line,
            type=kind,
            id=identifier,
            created=created,
            modified=modified or created,
            revoked=self._flag("revoked"),
            tlp=None if is_definition else self._tlp(definitions),
            creator=self._reference("created_by_ref"),
            refers=self._refers(),
            ends=self._ends(kind),
            name=self._secret(self._text("name") or (self._text("abstract") if kind == "note" else None)),
            text=self._secret(text),
            aliases=tuple(Secret(alias) for alias in self._texts("aliases")),
            kinds=tuple(code for name in _KINDS for code in self._texts(name)),
            labels=self._texts("labels"),
            language=self._text("lang"),
            confidence=self._confidence(),
            country=self._country(kind),
            pattern=self._secret(self._text("pattern") if kind == "indicator" else None),
            first_seen=first,
            last_seen=last,
            external=self._external(),
            content=Secret(self._value),
            notes=tuple(self._notes),
        )

    def _type(self) -> str:
        found = self._value.get("type")
        if not isinstance(found, str) or not _TYPE.fullmatch(found):
            raise _Unusable("stix-type", "type")
        return found

    def _id(self) -> str:
        found = self._value.get("id")
        match = ID.fullmatch(found.lower()) if isinstance(found, str) else None
        if match is None or match[1] != self._value.get("type"):
            raise _Unusable("stix-id", "id")
        return match[0]

    def _text(self, name: str) -> str | None:
        found = self._value.get(name)
        if found is None:
            return None
        if not isinstance(found, str):
            raise _Unusable("stix-field-type", name)
        if len(found) > self._limits.text:
            raise _Unusable("stix-text-too-long", name)
        return found.strip() or None

    def _texts(self, name: str) -> tuple[str, ...]:
        found = self._value.get(name)
        items = [found] if isinstance(found, str) else found
        if items is None:
            return ()
        if not isinstance(items, list) or len(items) > self._limits.references:
            raise _Unusable("stix-field-type", name)
        texts: list[str] = []
        for item in items:
            if not isinstance(item, str):
                raise _Unusable("stix-field-type", name)
            texts.append(item.strip())
        return tuple(text for text in texts if text)

    def _time(self, name: str) -> datetime | None:
        found = self._value.get(name)
        if found is None:
            return None
        if not isinstance(found, str) or not _TIME.fullmatch(found):
            raise _Unusable("stix-timestamp", name)
        try:
            moment = datetime.fromisoformat(found.upper())
        except ValueError:
            raise _Unusable("stix-timestamp", name) from None
        if moment.year not in _YEARS:
            raise _Unusable("stix-timestamp", name)
        return moment

    def _flag(self, name: str) -> bool:
        found = self._value.get(name)
        if found is not None and not isinstance(found, bool):
            raise _Unusable("stix-field-type", name)
        return bool(found)

    def _confidence(self) -> int | None:
        found = self._value.get("confidence")
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= 100:
            raise _Unusable("stix-field-type", "confidence")
        return found

    def _country(self, kind: str) -> Country | None:
        sent = self._text("country") if kind == "location" else None
        if sent is None:
            return None
        country = countries.resolve(sent)
        if country.kind == "unknown":
            self._notes.append(Note("country-unknown", "country"))
        return country

    def _reference(self, name: str) -> str | None:
        found = self._value.get(name)
        return None if found is None else self._checked(found, name)

    def _checked(self, found: JsonValue, name: str) -> str:
        if not isinstance(found, str) or not ID.fullmatch(found.lower()):
            raise _Unusable("stix-reference", name)
        return found.lower()

    def _refers(self) -> tuple[str, ...]:
        """The ids in all properties that are references by their names (`_ref`, `_refs`), each once, in order."""
        found: dict[str, None] = {}
        for name, value in self._value.items():
            if name in _NOT_MEMBERS or not name.endswith(("_ref", "_refs")):
                continue
            shown = name if _FIELD_NAME.fullmatch(name) else "?"
            if isinstance(value, list) and name.endswith("_refs"):
                found.update((self._checked(item, shown), None) for item in value)
            elif value is not None:
                found[self._checked(value, shown)] = None
            if len(found) > self._limits.references:
                raise _Unusable("stix-too-many-references", shown)
        return tuple(found)

    def _ends(self, kind: str) -> tuple[str, str] | None:
        if kind != "relationship":
            return None
        source, target = self._reference("source_ref"), self._reference("target_ref")
        if source is None or target is None:
            raise _Unusable("stix-reference", "target_ref" if source else "source_ref")
        return source, target

    def _external(self) -> tuple[ExternalReference, ...]:
        found = self._value.get("external_references")
        if found is None:
            return ()
        if not isinstance(found, list) or len(found) > self._limits.references:
            raise _Unusable("stix-field-type", "external_references")
        return tuple(self._one_external(item) for item in found)

    def _one_external(self, item: JsonValue) -> ExternalReference:
        if not isinstance(item, dict):
            raise _Unusable("stix-field-type", "external_references")
        inner = _Properties(item, self._limits)
        try:
            source = inner._text("source_name") or ""
            return ExternalReference(source, inner._text("external_id"), self._secret(inner._text("url")))
        except _Unusable as error:
            raise _Unusable(error.code, f"external_references.{error.field}") from None

    @staticmethod
    def _secret(text: str | None) -> Secret[str] | None:
        return None if text is None else Secret(text)

    def _tlp(self, definitions: Definitions) -> Tlp | None:
        """The strictest of all markings: of the object, of its single properties, and of labels that say TLP."""
        levels: list[Tlp] = []
        said = [(meaning(marking, definitions), name) for marking, name in self._markings()]
        said += [(from_label(label), "labels") for label in self._texts("labels")]
        for each, name in said:
            if each.problem == "tlp-unknown":
                raise _Unusable("stix-tlp-unknown", name)
            if each.problem and Note("marking-unknown", name) not in self._notes:
                self._notes.append(Note("marking-unknown", name))
            if each.tlp:
                levels.append(each.tlp)
        return strictest(levels)

    def _markings(self) -> Iterator[tuple[str, str]]:
        refs = self._value.get("object_marking_refs")
        granular = self._value.get("granular_markings")
        for name, found in (("object_marking_refs", refs), ("granular_markings", granular)):
            if found is not None and (not isinstance(found, list) or len(found) > self._limits.references):
                raise _Unusable("stix-field-type", name)
        for item in refs if isinstance(refs, list) else ():
            yield self._checked(item, "object_marking_refs"), "object_marking_refs"
        for item in granular if isinstance(granular, list) else ():
            if not isinstance(item, dict):
                raise _Unusable("stix-field-type", "granular_markings")
            if item.get("marking_ref") is not None:  # the others say a property's language
                yield self._checked(item["marking_ref"], "granular_markings.marking_ref"), "granular_markings"
