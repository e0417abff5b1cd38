"""Invented HTCDS cases, as a file that a source reads, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from connectors.formats.tabular_write import write_csv
from connectors.iom.connector import CaseOptions, CaseSource, Known
from connectors.sdk import Alert, BadNative, BadRecord, Cancel, Note, Read
from hub.model.text import to_json

TODAY = date(2026, 11, 24)
ADULT = {"prs_FirstName": "Ana", "prs_SecondName": "Prueba", "prs_Birthdate": "1995-02-05", "prs_Citizenship": "CO"}
POSSIBLE = {"vic_TraffickingStatus": "PossibleVictimOfTrafficking"}
CONSENTS = {"con_Consent": "yes"}
AGREED: Mapping[str, Any] = {"case_number": ("Case No",), "consent_question": "uses"}
Row = Mapping[str, Any]


def put(path: Path, *rows: Row) -> Path:
    """A CSV of rows by heading; a row that names no case gets a running number."""
    padded = [{"Case No": f"C-{number}", **row} for number, row in enumerate(rows, start=1)]
    columns = list(
        dict.fromkeys([*(each for row in padded for each in row), "prs_FirstName", "prs_Gender", "con_Consent"])
    )
    with path.open("wb") as file:
        write_csv(file, [columns, *([row.get(column) for column in columns] for row in padded)])
    return path


def source(path: Path, **options: Any) -> CaseSource:
    return CaseSource(CaseOptions(files=(path,), **{**AGREED, **options}), today=lambda: TODAY)


def told(path: Path, *rows: Row, **options: Any) -> list[Alert | Cancel | Note | BadRecord | BadNative]:
    """All that becomes of the rows, in order."""
    reader = source(put(path / "cases.csv", *rows), **options)
    found: list[Alert | Cancel | Note | BadRecord | BadNative] = []
    for item in reader.read(None):
        if isinstance(item, BadRecord):
            found.append(item)
        elif isinstance(item, Read) and isinstance(item.native, Known):
            try:
                found += reader.alerts(item.native)
            except BadNative as bad:
                found.append(bad)
    return found


def alert(path: Path, row: Row, **options: Any) -> Alert:
    """The one alert of a row."""
    (found,) = [each for each in told(path, row, **options) if isinstance(each, Alert)]
    return found


def sections(found: Alert) -> dict[str, Any]:
    """Contents by category, opened; empty fields are left out."""
    opened = {each.category: to_json(each.content) for each in found.contents}
    return {name: {key: value for key, value in each.items() if value} for name, each in opened.items()}


def codes_of(items: Sequence[object]) -> list[str]:
    return [each.code for each in items if isinstance(each, Note | BadRecord)]
