"""INTERPOL's public notices (JSON), bytes to native records.

Source of the format: INTERPOL's published interface for red, yellow and UN notices: list answers, single notices in short
or in detail, and files of them (arrays, JSON lines). Every field but `entity_id` may be null or missing. A bad notice is
set aside whole with its line and field, the others go on. What a notice becomes is the connector's business.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO, Final, Literal

from connectors.formats import countries, dates, strict_json
from connectors.formats.countries import Country
from connectors.formats.records import BadRecord, Note
from connectors.formats.strict_json import JsonRefused, JsonValue, Span

Kind = Literal["red", "yellow", "un", "blue", "green", "black", "orange", "purple", "silver", "other"]

_KINDS: Final[Mapping[str, Kind]] = {
    "red": "red",
    "yellow": "yellow",
    "un": "un",
    "blue": "blue",
    "green": "green",
    "black": "black",
    "orange": "orange",
    "purple": "purple",
    "silver": "silver",
}
_PUBLISHED: Final = ("red", "yellow", "un")  # the others are not published: their fields may differ
# .../notices/v1/red/2021-1010, .../notices/v1/un/persons/123
_PATH: Final = re.compile(rf"/notices/(?:v\d+/)?([a-z]+)(?:/|$|\?)|/({'|'.join(_KINDS)})/", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_LINE: Final = re.compile(r"\S[^\n]*")
_TALLEST_METRES: Final = 3.0
_HEAVIEST_KG: Final = 700.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may hold."""

    json: strict_json.Limits = field(default_factory=strict_json.Limits)
    notices: int = 200_000
    list_items: int = 200


@dataclass(frozen=True, slots=True)
class Warrant:
    """An arrest warrant: who issued it, the charge as written, and its translation."""

    issuing_country: Country | None
    charge: str | None = field(repr=False)
    charge_translation: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice. `entity_id` is INTERPOL's (`2021/1010`); personal values are hidden in repr.

    Dates are partial ISO texts (see `dates.py`); zero height and weight are unknown, so None. `kind` is `other` for a
    colour that this reader does not know, with a note. Parents and event are of yellow notices, warrants of red ones.
    `record` is the notice's running number in its file and `line` where it begins.
    """

    record: int
    line: int
    kind: Kind
    entity_id: str
    name: str | None = field(repr=False)
    forename: str | None = field(repr=False)
    birth_date: str | None = field(repr=False)
    nationalities: tuple[Country, ...] = field(repr=False)
    sex: Literal["M", "F"] | None = field(repr=False)
    birth_place: str | None = field(repr=False)
    birth_country: Country | None = field(repr=False)
    languages: tuple[str, ...] = field(repr=False)
    height_m: float | None = field(repr=False)
    weight_kg: float | None = field(repr=False)
    eyes: tuple[str, ...] = field(repr=False)
    hair: tuple[str, ...] = field(repr=False)
    distinguishing_marks: str | None = field(repr=False)
    warrants: tuple[Warrant, ...] = field(repr=False)
    event_date: str | None = field(repr=False)
    event_place: str | None = field(repr=False)
    event_country: Country | None = field(repr=False)
    father_name: str | None = field(repr=False)
    father_forename: str | None = field(repr=False)
    mother_name: str | None = field(repr=False)
    mother_forename: str | None = field(repr=False)
    notes: tuple[Note, ...] = ()


def read(stream: BinaryIO, *, limits: Limits | None = None) -> Iterator[Notice | BadRecord]:
    """Read a file of notices: a list answer, a notice, an array or lines of either.

    Never raises for what the bytes are. A file over the limit of bytes gives one `BadRecord` and nothing else.
    """
    limits = limits or Limits()
    data = stream.read(limits.json.document_bytes + 1)
    if len(data) > limits.json.document_bytes:
        yield BadRecord("file-too-large", line=1)
        return
    text = strict_json.text_of(data)
    number = 0
    for span in _records(text, limits.notices):
        number += 1
        if number > limits.notices:
            yield BadRecord("too-many-notices", line=span.line, record=number)
            return
        yield _one(text, span, number, limits)
    if number == 0 and not text.strip():
        yield BadRecord("not-json", line=1)


def notice(value: JsonValue, *, record: int = 1, line: int = 1, limits: Limits | None = None) -> Notice | BadRecord:
    """One notice from a JSON value that was read strictly already."""
    if not isinstance(value, dict):
        return BadRecord("notice-not-an-object", line=line, record=record)
    fields = _Fields(value, limits or Limits())
    try:
        return _notice(fields, record, line)
    except _Unusable as error:
        return BadRecord(error.code, line=line, record=record, field=error.field)


# Records of a file


def _records(text: str, most: int) -> Iterator[Span]:
    """Every notice of the text, wherever it stands: top level, array, list answer, lines."""
    for span in _top(text, most):
        yield from _within(text, span, arrays=True)


def _top(text: str, most: int) -> Iterator[Span]:
    """The text's values. If its brackets do not close, and most lines hold an object each, the lines are the values."""
    spans = list(islice(strict_json.values(text), most + 1))
    if not all(span.whole and text[span.start] in "[{" for span in spans):
        lines = list(islice(_lines(text), most + 1))
        objects = sum(1 for line in lines if text[line.start] == "{" and text[line.end - 1] == "}")
        if len(lines) > 1 and objects * 2 > len(lines):
            spans = lines
    told = 0
    for span in spans:
        bare = text[span.start] not in "[{"
        if not bare or span.line != told:  # words that are no JSON: one trouble a line, not one for every word
            yield span
        told = span.line if bare else told


def _lines(text: str) -> Iterator[Span]:
    number, counted = 1, 0
    for match in _LINE.finditer(text):
        number += text.count("\n", counted, match.start())
        counted = match.start()
        yield Span(match.start(), match.start() + len(match[0].rstrip()), number, True)


def _within(text: str, span: Span, *, arrays: bool) -> Iterator[Span]:
    """The notices of a value: of an array its items, of a list answer its `_embedded.notices`, else itself."""
    if text[span.start] == "[" and arrays:
        for item in strict_json.members(text, span):
            yield from _within(text, item, arrays=False)
        yield from _ending(text, span)
    elif text[span.start] == "{" and (lists := list(_lists(text, span))):
        for listed in lists:
            yield from strict_json.members(text, listed)
        yield from _ending(text, span)
    else:
        yield span


def _ending(text: str, container: Span) -> Iterator[Span]:
    """An empty, unfinished record in place of what is missing from a list that does not close."""
    if not container.whole:
        yield Span(len(text), len(text), container.line + text.count("\n", container.start), False)


def _lists(text: str, answer: Span) -> Iterator[Span]:
    """The `_embedded.notices` of a list answer."""
    for embedded in strict_json.members(text, answer):
        if embedded.key == "_embedded" and text[embedded.start] == "{":
            for notices in strict_json.members(text, embedded):
                if notices.key == "notices" and text[notices.start] == "[":
                    yield notices


def _one(text: str, span: Span, number: int, limits: Limits) -> Notice | BadRecord:
    if not span.whole:
        return BadRecord("json-truncated", line=span.line, record=number)
    try:
        value = strict_json.loads(text[span.start : span.end], span.line, limits.json)
    except JsonRefused as error:
        return BadRecord(error.code, line=error.line, record=number, field=error.field)
    return notice(value, record=number, line=span.line, limits=limits)


# Fields of a notice


class _Unusable(Exception):
    def __init__(self, code: str, name: str) -> None:
        super().__init__(code)
        self.code = code
        self.field = name


class _Fields:
    """Reads fields by name; a null, missing or blank one is None, one of another type makes the notice unusable."""

    def __init__(self, value: Mapping[str, JsonValue], limits: Limits) -> None:
        self.value = value
        self.notes: list[Note] = []
        self._limits = limits

    def has(self, name: str) -> bool:
        return self.value.get(name) is not None

    def text(self, name: str) -> str | None:
        found = self.value.get(name)
        if found is None:
            return None
        if not isinstance(found, str):
            raise _Unusable("notice-field-type", name)
        return _CONTROL.sub(" ", found).strip() or None

    def texts(self, name: str) -> tuple[str, ...]:
        found = self.value.get(name)
        if found is None:
            return ()
        items = [found] if isinstance(found, str) else found
        if not isinstance(items, list) or len(items) > self._limits.list_items:
            raise _Unusable("notice-field-type", name)
        texts: list[str] = []
        for item in items:
            if isinstance(item, str):
                texts.append(_CONTROL.sub(" ", item).strip())
            elif item is not None:
                raise _Unusable("notice-field-type", name)
        return tuple(text for text in texts if text)

    def date(self, name: str) -> str | None:
        sent = self.text(name)
        if sent is None:
            return None
        reading = dates.parse(sent)
        if reading.problem is not None:
            self.notes.append(Note(reading.problem, name))
        return reading.value

    def measure(self, name: str, most: float) -> float | None:
        found = self.value.get(name)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise _Unusable("notice-field-type", name)
        if found == 0:
            return None
        if not 0 < found <= most:
            self.notes.append(Note("measure-out-of-range", name))
            return None
        return float(found)

    def country(self, name: str) -> Country | None:
        sent = self.text(name)
        return self._country(sent, name) if sent is not None else None

    def nationalities(self) -> tuple[Country, ...]:
        return tuple(self._country(sent, "nationalities") for sent in self.texts("nationalities"))

    def warrants(self) -> tuple[Warrant, ...]:
        found = self.value.get("arrest_warrants")
        if found is None:
            return ()
        if not isinstance(found, list) or len(found) > self._limits.list_items:
            raise _Unusable("notice-field-type", "arrest_warrants")
        return tuple(self._warrant(item) for item in found if item is not None)

    def _warrant(self, item: JsonValue) -> Warrant:
        if not isinstance(item, dict):
            raise _Unusable("notice-field-type", "arrest_warrants")
        inner = _Fields(item, self._limits)
        warrant = Warrant(inner.country("issuing_country_id"), inner.text("charge"), inner.text("charge_translation"))
        self.notes += inner.notes
        return warrant

    def _country(self, sent: str, name: str) -> Country:
        country = countries.resolve(sent)
        note = Note("country-unknown", name)
        if country.kind == "unknown" and note not in self.notes:
            self.notes.append(note)
        return country


def _notice(fields: _Fields, record: int, line: int) -> Notice:
    entity_id = fields.text("entity_id")
    if entity_id is None:
        raise _Unusable("notice-without-id", "entity_id")
    kind = _kind(fields)
    sex_sent = (fields.text("sex_id") or "U").upper()
    sexes: dict[str, Literal["M", "F"]] = {"M": "M", "F": "F"}
    if sex_sent not in ("M", "F", "U"):
        fields.notes.append(Note("sex-unknown-code", "sex_id"))
    return Notice(
        record=record,
        line=line,
        kind=kind,
        entity_id=entity_id,
        name=fields.text("name"),
        forename=fields.text("forename"),
        birth_date=fields.date("date_of_birth"),
        nationalities=fields.nationalities(),
        sex=sexes.get(sex_sent),
        birth_place=fields.text("place_of_birth"),
        birth_country=fields.country("country_of_birth_id"),
        languages=fields.texts("languages_spoken_ids"),
        height_m=fields.measure("height", _TALLEST_METRES),
        weight_kg=fields.measure("weight", _HEAVIEST_KG),
        eyes=fields.texts("eyes_colors_id"),
        hair=fields.texts("hairs_id"),
        distinguishing_marks=fields.text("distinguishing_marks"),
        warrants=fields.warrants(),
        event_date=fields.date("date_of_event"),
        event_place=fields.text("place"),
        event_country=fields.country("country"),
        father_name=fields.text("father_name"),
        father_forename=fields.text("father_forename"),
        mother_name=fields.text("mother_name"),
        mother_forename=fields.text("mother_forename"),
        notes=tuple(fields.notes),
    )


def _kind(fields: _Fields) -> Kind:
    """By the path of `_links.self.href`; without one, by the fields that only one kind has."""
    if (word := _kind_in_path(fields.value)) is not None:
        kind = _KINDS.get(word, "other")
        if word not in _PUBLISHED:
            fields.notes.append(Note("kind-not-published", "_links.self.href"))
        return kind
    red, yellow = fields.has("arrest_warrants"), fields.has("date_of_event")
    if red == yellow:
        raise _Unusable("notice-kind-unknown", "_links.self.href")
    fields.notes.append(Note("kind-inferred", "_links.self.href"))
    return "red" if red else "yellow"


def _kind_in_path(value: Mapping[str, JsonValue]) -> str | None:
    here: JsonValue = dict(value)
    for key in ("_links", "self", "href"):
        here = here.get(key) if isinstance(here, dict) else None
    match = _PATH.search(here[:2_000]) if isinstance(here, str) else None
    return (match[1] or match[2]).lower() if match else None
