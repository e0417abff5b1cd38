"""By what a case is known for ever, though the standard has no field for its number; and its row as bytes, for its digest.

Two ways, chosen by the option `case_number` and never mixed: the sender's own column (or columns), or full name and whole
birth date together. Neither key leaves the connector except under an HMAC.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from connectors.formats import htcds_standard
from connectors.formats.countries import Country
from connectors.formats.htcds import PLACES
from connectors.formats.htcds_case import Case
from connectors.sdk import BadNative, BadRecord, Note

TWICE: Final = "case-twice"
UNKNOWN: Final = "case-without-key"
TWICE_REASON: Final = (
    "a row above has the same key (case number, or name and birth date): which one is meant is unknown; where a case has "
    "several persons, name their number too in the option case_number"
)


def key_of(case: Case, columns: Sequence[str]) -> str | BadNative:
    """The native key, or why there is none."""
    if columns:
        values = [_value(case, column) for column in columns]
        if not all(values):
            return BadNative(
                "the row has no value in a column that the option case_number names: nothing could update or withdraw it",
                "case_number",
            )
        return json.dumps(["case", *values])
    person = case.person
    names = [name for name in (person.first_name, person.middle_name, person.second_name) if name]
    if not names or len(person.birth_date or "") != 10:
        return BadNative(
            "without the option case_number a case is known by name and whole birth date, and the row has not both",
            "case_number",
        )
    return json.dumps(["person", _plain(" ".join(names)), person.birth_date])


def number_of(case: Case, columns: Sequence[str]) -> str | None:
    """The case's number as officers would name it."""
    return " / ".join(_value(case, column) for column in columns) or None


def digest(key: str) -> int:
    """Eight bytes: enough to tell the keys of one file apart, and small."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")


def told_without_number(file: str) -> BadRecord:
    """What is said once of a file when no column names its cases."""
    return BadRecord(
        file,
        "no column names the cases (option case_number): they are known by name and birth date; if one of these is "
        "corrected, another alert is made and the first stays until it expires",
        field="case_number",
        code="no-case-number",
        level="warning",
    )


def noted(case: Case, known: Sequence[str]) -> Iterator[Note]:
    """The notes of the format, but for the sender's own columns that are known. Their order is that of `extra`."""
    unknown = [note for note in case.notes if note.code == "unknown-column"]
    headings = {_folded(heading) for heading in known}
    told = dict.fromkeys(unknown)
    if len(unknown) == len(case.extra):
        told = dict.fromkeys(
            note for note, heading in zip(unknown, case.extra, strict=True) if _folded(heading) not in headings
        )
    for note in case.notes:
        if note.code != "unknown-column" or note in told:
            yield Note(note.code.replace("-", " "), note.field, note.code)


def row_of(case: Case) -> bytes:
    """The row as JSON with sorted keys: what it says by the standard's codes, what no list has, the sender's own columns.

    Its SHA-256 goes with the alert; what this writes of a row must not change, or every alert is published anew.
    """
    said: dict[str, object] = {}
    for name, (section, attribute) in PLACES.items():
        value = getattr(getattr(case, section) if section else case, attribute)
        if value not in (None, ()):
            said[name] = [_word(each) for each in value] if isinstance(value, tuple) else _word(value)
    row = {
        "row": said,
        "unlisted": [[each.name, each.text] for each in case.unlisted],
        "own": {heading: htcds_standard.as_text(value) for heading, value in case.extra.items()},
    }
    return json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _word(value: object) -> object:
    return value.sent if isinstance(value, Country) else value


def _value(case: Case, column: str) -> str:
    found = next((value for heading, value in case.extra.items() if _folded(heading) == _folded(column)), None)
    return "" if found is None else htcds_standard.as_text(found).strip()


def _plain(name: str) -> str:
    """Without case, accents and repeated blanks. Keys are for ever: change nothing here, or every alert is made anew."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join(bare.casefold().split())


def _folded(heading: str) -> str:
    return " ".join(heading.casefold().split())
