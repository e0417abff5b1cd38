"""The fields of HTCDS 2.0 and their values: which cell is which value, and how a value is written.

Source: IOM, Human Trafficking Case Data Standard 2.0, CC BY 4.0; the list of fields is `data/htcds_2.0_fields.csv`, as IOM
publishes it (spellings such as `Unaquainted` are the standard's). Where a field stands in a file is `htcds_layout.py`'s
business.
"""

import csv
import functools
import importlib.resources
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, TypeVar

import pycountry

from connectors.formats import countries, dates
from connectors.formats.tabular_cells import Value, date_of_serial

T = TypeVar("T")
Kind = Literal["text", "one", "many", "date", "number", "count", "box", "country", "countries", "language"]
Problem = Literal[  # notes on a field of a case: its text stands in `Case.unlisted`
    "value-not-in-list",
    "date-invalid",
    "date-order-unknown",  # only the year was kept
    "date-unknown",
    "number-invalid",  # no number, or one that the field cannot have
    "box-unclear",  # neither yes nor no
    "country-unknown",
    "language-unknown",
]

_COUNTRIES: Final = frozenset({"org_ShippingCountry", "prs_MailingCountry", "hte_Country"})
_COUNTS: Final = frozenset({"prs_NumberOfChildren", "vic_AgeWhenTrafficked"})
_MOST: Final[Mapping[str, float]] = {"Longitude": 180.0, "Latitude": 90.0}
_MOST_COUNT: Final = 120
_PARTS: Final = re.compile(r"[;|\n]")
_YES: Final = frozenset({"true", "yes", "y", "1", "x", "checked", "si", "s", "verdadero", "✓", "✔", "☑"})
_NO: Final = frozenset({"false", "no", "n", "0", "unchecked", "falso", "☐"})
_OTHER_SPELLINGS: Final = {"unacquainted": "Unaquainted"}
_FIRST_SERIAL, _LAST_SERIAL = 1_000, 110_000  # days: 1902 to 2201, and no year


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the standard."""

    name: str
    label: str
    kind: Kind
    core: bool
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """What a cell gave: `value` of the type that the field has in `htcds_case`, and what could not be used, with why."""

    value: object
    unlisted: tuple[str, ...] = ()
    problem: Problem | None = None


@functools.cache
def fields() -> Mapping[str, Field]:
    """Every field by its name, in the standard's order."""
    text = importlib.resources.files(__package__).joinpath("data", "htcds_2.0_fields.csv").read_text("utf-8")
    return {row["field"]: _field(row) for row in csv.DictReader(text.splitlines())}


def _field(row: Mapping[str, str]) -> Field:
    name, kind = row["field"], row["type"]
    values = tuple(each.strip() for each in row["values"].split(";")) if "Picklist" in kind else ()
    return Field(name, row["label"], _kind(name, kind), row["core"] == "Core", values)


def _kind(name: str, kind: str) -> Kind:
    if name == "prs_Citizenship":
        return "countries"
    if name in _COUNTRIES:
        return "country"
    if name.endswith("Language"):
        return "language"
    if name in _COUNTS:
        return "count"
    kinds: dict[str, Kind] = {
        "Picklist": "one",
        "Multiselect Picklist": "many",
        "Date": "date",
        "Checkbox": "box",
        "Number": "number",
        "Geolocation": "number",
    }
    return kinds.get(kind, "text")


# Reading


def read(field: Field, cell: Value, base: Literal[1900, 1904] = 1900) -> Reading:
    """The value of a cell that is not blank. `base`: the year from which bare day numbers count."""
    return _READERS[field.kind](field, cell, base)


def as_text(cell: Value) -> str:
    """A cell as the text that was probably meant: 50761234567 typed as a number is a telephone number."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _text(_: Field, cell: Value, __: int) -> Reading:
    return Reading(as_text(cell))


def _one(field: Field, cell: Value, _: int) -> Reading:
    text = as_text(cell)
    code = _codes(field.name).get(_key(text))
    return Reading(code) if code is not None else Reading(None, (text,), "value-not-in-list")


def _many(field: Field, cell: Value, _: int) -> Reading:
    codes = _codes(field.name)
    found, unlisted = _each(as_text(cell), lambda text: codes.get(_key(text)))
    return Reading(found, unlisted, "value-not-in-list" if unlisted else None)


def _country_list(_: Field, cell: Value, __: int) -> Reading:
    found, unlisted = _each(as_text(cell), _country_or_none)
    return Reading(found, unlisted, "country-unknown" if unlisted else None)


def _country(_: Field, cell: Value, __: int) -> Reading:
    text = as_text(cell)
    country = _country_or_none(text)
    return Reading(country) if country is not None else Reading(None, (text,), "country-unknown")


def _country_or_none(text: str) -> countries.Country | None:
    country = countries.resolve(text)
    return None if country.kind == "unknown" else country


def _each(text: str, find: Callable[[str], T | None]) -> tuple[tuple[T, ...], tuple[str, ...]]:
    """The values in a list. A comma parts values only where the text with it is none: names have commas in them."""
    found: list[T] = []
    unlisted: list[str] = []
    for part in (each.strip() for each in _PARTS.split(text)):
        whole = find(part) if part else None
        pieces = [part] if whole is not None else [each.strip() for each in part.split(",")]
        for piece in filter(None, pieces):
            value = find(piece)
            if value is None:
                unlisted.append(piece)
            elif value not in found:
                found.append(value)
    return tuple(found), tuple(dict.fromkeys(unlisted))


def _date(_: Field, cell: Value, base: Literal[1900, 1904]) -> Reading:
    if isinstance(cell, int | float) and not isinstance(cell, bool) and _is_serial(cell):
        cell = date_of_serial(cell, base=base)
    if isinstance(cell, datetime):
        cell = cell.date()
    text = as_text(cell)
    reading = dates.parse(text.removesuffix(" 00:00:00").removesuffix("T00:00:00"))
    return Reading(reading.value, (text,) if reading.problem else (), reading.problem)


def _is_serial(number: float) -> bool:
    """Whether a bare number is one of Excel's days: 36192 is, 1999 is a year and 19990203 a date in digits."""
    year = isinstance(number, int) and dates.FIRST_YEAR <= number <= dates.LAST_YEAR
    return _FIRST_SERIAL <= number <= _LAST_SERIAL and not year


def _number(field: Field, cell: Value, _: int) -> Reading:
    text = as_text(cell)
    most = next((most for word, most in _MOST.items() if field.name.endswith(word)), float(_MOST_COUNT))
    if re.fullmatch(r"[+-]?\d{1,20}([.,]\d{1,20})?([eE][+-]?\d{1,2})?", text, re.ASCII):
        number = float(text.replace(",", "."))
        whole = field.kind != "count" or (number.is_integer() and number >= 0)
        if abs(number) <= most and whole and not isinstance(cell, bool):
            return Reading(int(number) if field.kind == "count" else number)
    return Reading(None, (text,), "number-invalid")


def _box(_: Field, cell: Value, __: int) -> Reading:
    text = as_text(cell)
    word = _bare(text).strip(". ")
    if word in _YES or word in _NO:
        return Reading(word in _YES)
    return Reading(None, (text,), "box-unclear")


def _language(_: Field, cell: Value, __: int) -> Reading:
    text = as_text(cell)
    code = _language_code(_bare(text)) if len(text) < 60 else None
    return Reading(code) if code is not None else Reading(None, (text,), "language-unknown")


def _language_code(word: str) -> str | None:
    """ISO 639-2's code of three letters for a code of two or three letters or a name in English, or one of ours."""
    for attribute, length in (("alpha_2", 2), ("alpha_3", 3), ("bibliographic", 3)):
        found = pycountry.languages.get(**{attribute: word}) if len(word) == length else None
        if found is not None:
            return str(found.alpha_3)
    return _language_names().get(word)


@functools.cache
def _language_names() -> Mapping[str, str]:
    """Names to codes, English by ISO 639 and Spanish for the languages of two-letter codes, which are those in use."""
    names = {"castellano": "spa", "espanol": "spa", "ingles": "eng", "frances": "fra", "portugues": "por"}
    names |= {"chino": "zho", "mandarin": "cmn", "criollo haitiano": "hat", "creole": "hat", "arabe": "ara"}
    for language in pycountry.languages:
        if hasattr(language, "alpha_2") or getattr(language, "type", "") == "L":
            names.setdefault(_bare(language.name), language.alpha_3)
    return names


_READERS: Final[Mapping[Kind, Callable[[Field, Value, Literal[1900, 1904]], Reading]]] = {
    "text": _text,
    "one": _one,
    "many": _many,
    "date": _date,
    "number": _number,
    "count": _number,
    "box": _box,
    "country": _country,
    "countries": _country_list,
    "language": _language,
}


# Codes and labels


@functools.cache
def _codes(name: str) -> Mapping[str, str]:
    """A list's values by what people write for them: the code, its words apart, with or without an industry's letter."""
    codes = {_key(value): value for value in fields()[name].values}
    for value in fields()[name].values:
        if re.match(r"[A-Z]_", value):
            codes.setdefault(_key(value[2:]), value)
    codes |= {key: value for key, value in _OTHER_SPELLINGS.items() if value in codes.values()}
    return codes


def _key(text: str) -> str:
    """Letters and digits alone, small, British and American spellings alike."""
    bare = re.sub(r"[^a-z0-9]", "", _bare(text[:200]))
    return bare.replace("labour", "labor").replace("organis", "organiz").replace("behaviour", "behavior")


def _bare(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(plain.casefold().split())


def key(text: str) -> str:
    """What two headers have in common that mean the same field."""
    return _key(text)


# Writing


def write(field: Field, value: object, unlisted: tuple[str, ...]) -> Value:
    """The cell for a value, and for what stood beside it: the standard's codes, countries as ISO 3166-1 alpha-2."""
    words = [_word(each) for each in (value if isinstance(value, tuple) else (value,)) if each is not None]
    if field.kind == "date":
        # The text as it was sent says more than the year that could be read of it.
        return unlisted[0] if unlisted else _day(words)
    if field.kind in ("many", "countries"):
        return "; ".join(str(each) for each in (*words, *unlisted)) or None
    return words[0] if words else (unlisted[0] if unlisted else None)


def _word(value: object) -> Value:
    if isinstance(value, countries.Country):
        return value.alpha2 or value.sent
    return value if isinstance(value, bool | int | float) else str(value)


def _day(words: list[Value]) -> Value:
    text = str(words[0]) if words else ""
    return date.fromisoformat(text) if len(text) == 10 else (text or None)
