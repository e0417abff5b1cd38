"""Reading a profile's folder into a bundle: the one place of this package that reads files.

A profile is `agencies.yaml`, `guidelines/*.yaml`, `safeguards.yaml`, `caveats.yaml`, `legal_basis.yaml` and, where
lists grow, `vocabularies.yaml`. Every problem of every file is reported at once, with its file, line, column, entry and
field. An entry that is not right in one field is still read in its others, so that nobody mends a file twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from hub.model.base import Model
from hub.model.codes import CLOSED, STANDARD

from . import yaml12
from .bundle import MAX_AGENCIES, MAX_GUIDELINES, Bundle, known_words, standard_vocabularies
from .check import OWN_LISTS, Finding, check, nearest
from .language import Agency, Caveat, Guideline, Instrument, Term

M = TypeVar("M", bound=Model)

AGENCIES: Final = "agencies.yaml"
SAFEGUARDS: Final = "safeguards.yaml"
GUIDELINES: Final = "guidelines"
CAVEATS: Final = "caveats.yaml"
LEGAL_BASIS: Final = "legal_basis.yaml"
VOCABULARIES: Final = "vocabularies.yaml"
MAX_FILES: Final = 500


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to mend. `entry`: the id of the guideline, agency or the like; `field`: the path inside it."""

    file: str
    line: int
    column: int
    entry: str
    field: str
    message: str

    def __str__(self) -> str:
        where = " ".join(part for part in (self.entry, self.field) if part)
        return f"{self.file}:{self.line}:{self.column}: {where + ': ' if where else ''}{self.message}"


class ProfileError(Exception):
    """The profile is not a bundle. `problems` are all that were found, in the order of files and lines."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True)
class _Origin:
    """Where an entry is written: its file, and its path in there."""

    file: str
    document: yaml12.Document
    path: yaml12.Path

    def problem(self, entry: str, inside: yaml12.Path, message: str) -> Problem:
        place = self.document.place((*self.path, *_as_written(self.document, self.path, inside)))
        field_name = ".".join(str(part) for part in inside)
        return Problem(self.file, place.line, place.column, entry, field_name, message)


@dataclass
class _Reading:
    """What has been read so far."""

    folder: Path
    problems: list[Problem] = field(default_factory=list)
    origins: dict[tuple[str, str], _Origin] = field(default_factory=dict)  # (kind, id) -> where
    agencies: list[Agency] = field(default_factory=list)  # those that are not right, as far as they can be read
    guidelines: list[Guideline] = field(default_factory=list)  # likewise


def load_profile(folder: Path) -> Bundle:
    """The bundle of a profile. Raises ProfileError with every problem found."""
    reading = _Reading(folder)
    agencies = _read(reading, AGENCIES, "agencies", Agency, MAX_AGENCIES)
    caveats = _read(reading, CAVEATS, "caveats", Caveat, MAX_GUIDELINES)
    legal_basis = _read(reading, LEGAL_BASIS, "legal_basis", Instrument, MAX_GUIDELINES)
    guidelines = _read(reading, SAFEGUARDS, "guidelines", Guideline, MAX_GUIDELINES)
    for guideline in guidelines:
        if not guideline.safeguard:
            path = ("guidelines", guideline.id, "safeguard")
            _note(reading, Finding(path, "what stands here must say `safeguard: true`"))
    files = sorted((folder / GUIDELINES).glob("*.yaml"))[:MAX_FILES]
    for file in files:
        name = f"{GUIDELINES}/{file.name}"
        guidelines.extend(_read(reading, name, "guidelines", Guideline, MAX_GUIDELINES))
    vocabularies, terms = _vocabularies(reading)
    known = known_words(
        [*agencies, *reading.agencies],
        vocabularies,
        [caveat.id for caveat in caveats],
        [instrument.id for instrument in legal_basis],
    )
    for finding in check(agencies, guidelines, known):
        _note(reading, finding)
    for finding in check((), reading.guidelines, known):
        if len(finding.path) > 3:  # of a guideline that is not whole, only its words can be judged
            _note(reading, finding)
    if reading.problems:
        raise ProfileError(reading.problems)
    return Bundle(
        agencies=tuple(agencies),
        guidelines=tuple(guidelines),
        vocabularies=vocabularies,
        terms=terms,
        caveats=tuple(caveats),
        legal_basis=tuple(legal_basis),
    )


def read_entries(folder: Path, files: Iterable[str], key: str, model: type[M]) -> list[tuple[str, M]]:
    """The entries of other files of a profile (its cases), each with the name of its file, ids unique over all of them.

    Raises ProfileError with every problem found.
    """
    reading = _Reading(folder)
    entries = [(name, entry) for name in files for entry in _read(reading, name, key, model, MAX_GUIDELINES)]
    if reading.problems:
        raise ProfileError(reading.problems)
    return entries


def _note(reading: _Reading, finding: Finding) -> None:
    kind, entry = (str(part) for part in finding.path[:2])
    origin = reading.origins.get((kind, entry))
    if origin is None:
        reading.problems.append(Problem(AGENCIES, 1, 1, entry, kind, finding.message))
    else:
        reading.problems.append(origin.problem(entry, finding.path[2:], finding.message))


def _document(reading: _Reading, name: str) -> yaml12.Document | None:
    path = reading.folder / name
    try:
        if path.stat().st_size > yaml12.MAX_BYTES:
            raise yaml12.NotYaml(yaml12.Place(1, 1), f"the file is larger than {yaml12.MAX_BYTES} bytes")
        document = yaml12.read(path.read_bytes())
    except OSError as error:
        reading.problems.append(Problem(name, 1, 1, "", "", f"cannot be read: {error.strerror}"))
        return None
    except yaml12.NotYaml as error:
        reading.problems.append(Problem(name, error.place.line, error.place.column, "", "", error.problem))
        return None
    for place, key in document.repeated:
        message = f"the key `{key[:60]}` stands a second time in the same place"
        reading.problems.append(Problem(name, place.line, place.column, "", "", message))
    return document


def _read(reading: _Reading, name: str, key: str, model: type[M], limit: int) -> list[M]:
    """The entries of one file, `key: [...]`; those that are not right are noted and left out."""
    document = _document(reading, name)
    if document is None:
        return []
    value = document.value
    if not isinstance(value, dict) or set(value) != {key} or not isinstance(value[key], list):
        reading.problems.append(Problem(name, 1, 1, "", "", f"a list under the one key `{key}:` is expected"))
        return []
    if len(value[key]) > limit:
        reading.problems.append(Problem(name, 1, 1, "", key, f"{len(value[key])} entries; the limit is {limit}"))
        return []
    entries = [
        _entry(reading, _Origin(name, document, (key, index)), key, model, raw) for index, raw in enumerate(value[key])
    ]
    return [entry for entry in entries if entry is not None]


def _entry(reading: _Reading, origin: _Origin, kind: str, model: type[M], raw: Any) -> M | None:
    entry_id = str(raw.get("id", "")) if isinstance(raw, dict) else ""
    twice = reading.origins.setdefault((kind, entry_id), origin) if entry_id else origin
    if twice is not origin:
        place = twice.document.place(twice.path)
        message = f"`{entry_id}` stands also in {twice.file}:{place.line}"
        reading.problems.append(origin.problem(entry_id, ("id",), message))
        return None
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        reading.problems.extend(_shape_problems(error, model, origin, entry_id))
        if isinstance(raw, dict):
            _salvage(reading, model, raw, {each["loc"][0] for each in error.errors() if each["loc"]})
        return None


def _shape_problems(error: ValidationError, model: type[Model], origin: _Origin, entry_id: str) -> Iterator[Problem]:
    for each in error.errors(include_input=False, include_url=False):
        inside = tuple(each["loc"])
        yield origin.problem(entry_id, inside, _in_words(each["type"], each["msg"], inside, model))


def _in_words(kind: str, message: str, inside: yaml12.Path, model: type[Model]) -> str:
    if kind == "extra_forbidden":
        names = _field_names(model, inside[:-1])
        return f"there is no field `{str(inside[-1])[:60]}` here{nearest(str(inside[-1]), names)}"
    if kind == "missing":
        return "this field is missing"
    if kind in ("model_type", "model_attributes_type"):
        return "fields (`name: value`) are expected here"
    return message.removeprefix("Value error, ")


def _field_names(model: Any, path: yaml12.Path) -> list[str]:
    """The fields that may stand at `path` inside a model, as the JSON Schema made from it tells."""
    schema = TypeAdapter(model).json_schema()
    node = schema
    for part in path:
        node = _resolved(schema, node)
        node = node.get("properties", {}).get(part) or node.get("additionalProperties") or node.get("items") or {}
    return sorted(_resolved(schema, node).get("properties", {}))


def _resolved(schema: dict[str, Any], node: Any) -> dict[str, Any]:
    """The object that a schema node means, through references and alternatives."""
    if not isinstance(node, dict):
        return {}
    if "$ref" in node:
        return _resolved(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
    for option in node.get("anyOf", ()):
        found = _resolved(schema, option)
        if "properties" in found:
            return found
    return node


def _as_written(document: yaml12.Document, base: yaml12.Path, inside: yaml12.Path) -> yaml12.Path:
    """A model's path as the file has it: `to: [x]` is read as `to: {any: [x]}`, so `any` may not be written."""
    path: yaml12.Path = ()
    for part in inside:
        if (*base, *path, part) in document.places:
            path = (*path, part)
    return path


# What stands in for a field that cannot be read, so that the others can be judged.
_STAND_INS: Final[dict[str, Any]] = {
    "name": {"es": "-", "en": "-"},
    "title": {"es": "-", "en": "-"},
    "rationale": {"es": "-", "en": "-"},
    "type": "unknown",
    "max_tlp": "CLEAR",
    "legal_basis": [],
    "effect": "permit",
    "from": "all",
    "to": "all",
}


def _salvage(reading: _Reading, model: type[M], raw: dict[str, Any], wrong: set[str | int]) -> None:
    """Keeps what can be read of an entry that is not right: an agency is known then, a guideline's words are judged."""
    fields = {**_STAND_INS, **{name: value for name, value in raw.items() if name not in wrong}}
    fields = {name: value for name, value in fields.items() if name in _field_names(model, ())}
    if model is Guideline and fields.get("legal_basis") == []:
        fields["legal_basis"] = sorted(entry for kind, entry in reading.origins if kind == "legal_basis")[:1] or ["-"]
    try:
        entry = model.model_validate(fields)
    except ValidationError:
        return
    if isinstance(entry, Agency):
        reading.agencies.append(entry)
    elif isinstance(entry, Guideline):
        reading.guidelines.append(entry)


def _vocabularies(reading: _Reading) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[Term, ...]]]:
    """The standard lists with what the profile adds to them, and what people call the codes."""
    lists = standard_vocabularies()
    terms: dict[str, tuple[Term, ...]] = {}
    if not (reading.folder / VOCABULARIES).exists():
        return lists, terms
    document = _document(reading, VOCABULARIES)
    value = document.value.get("vocabularies") if document and isinstance(document.value, dict) else None
    if document is None or not isinstance(value, dict):
        if document:
            message = "lists under the one key `vocabularies:` are expected"
            reading.problems.append(Problem(VOCABULARIES, 1, 1, "", "", message))
        return lists, terms
    for name, raw_terms in value.items():
        reading.origins["vocabularies", name] = _Origin(VOCABULARIES, document, ("vocabularies", name))
        added = [
            term
            for index, raw in enumerate(raw_terms if isinstance(raw_terms, list) else [raw_terms])
            if (term := _term(reading, document, name, index, raw)) is not None
        ]
        lists[name] = tuple(sorted({*lists.get(name, ()), *(term.id for term in added)}))
        terms[name] = tuple(term for term in added if term.text)
    return lists, terms


def _term(reading: _Reading, document: yaml12.Document, name: str, index: int, raw: Any) -> Term | None:
    """`code`, or `{id: code, text: {es, en}}`."""
    origin = _Origin(VOCABULARIES, document, ("vocabularies", name, index))
    raw = raw if isinstance(raw, dict) else {"id": raw}
    return _entry(reading, origin, f"vocabularies.{name}", Term, raw)


def json_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schemas (2020-12) of a profile's files for editors, by the name or pattern of the file."""
    known = {
        AGENCIES: ("agencies", Agency),
        CAVEATS: ("caveats", Caveat),
        LEGAL_BASIS: ("legal_basis", Instrument),
        SAFEGUARDS: ("guidelines", Guideline),
        f"{GUIDELINES}/*.yaml": ("guidelines", Guideline),
    }
    return {
        **{name: _file_schema(key, list[model]) for name, (key, model) in known.items()},  # type: ignore[valid-type]
        VOCABULARIES: _file_schema("vocabularies", dict[_ListName, list[str | Term]]),
    }


# The lists that a profile may add to.
_ListName = Annotated[str, Field(pattern=f"^({'|'.join(sorted({*STANDARD, *OWN_LISTS} - set(CLOSED)))})$")]


def _file_schema(key: str, content: Any) -> dict[str, Any]:
    schema = TypeAdapter(content).json_schema(mode="validation")
    definitions = schema.pop("$defs", {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": definitions,
        "type": "object",
        "properties": {key: schema},
        "required": [key],
        "additionalProperties": False,
    }
