"""Any agency's JSON lines by a mapping file: a connector without code. One JSON object a line (jsonlines.org)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from connectors.formats.records import REASONS
from connectors.formats.strict_json import JsonRefused, Limits, loads, text_of
from connectors.sdk import BadRecord, Connector, Note, Trial

from .mapped import Line, MappedFiles, MappedOptions
from .trials import json_lines_trial

LIMITS: Final = Limits()
MAX_LINES: Final = 5_000_000
MOST_COLUMNS_TOLD: Final = 100


class JsonLinesOptions(MappedOptions):
    """Nothing besides."""


class JsonLinesSource(MappedFiles):
    """Objects of JSON lines, one alert each."""

    def __init__(self, options: JsonLinesOptions) -> None:
        super().__init__(options, objects)


class KnowsFields(Protocol):
    """A mapping, or several."""

    def unmapped_of(self, native: Mapping[str, Any], /) -> list[Note]: ...


def objects(stream: BinaryIO, file: str, mapping: KnowsFields, /) -> Iterator[Line | BadRecord]:
    """The objects of a file of JSON lines; a field that nobody mapped is told once."""
    told: set[str] = set()
    number = 0
    while data := stream.readline(LIMITS.record_bytes + 1):
        number += 1
        if number > MAX_LINES:
            reason = f"more than {MAX_LINES} lines: the rest was not read; send it in parts"
            yield BadRecord(file, reason, line=number, code="too-many-lines")
            return
        if len(data) > LIMITS.record_bytes:
            yield _refused(file, JsonRefused("json-too-large", number))
            while data and not data.endswith(b"\n"):
                data = stream.readline(LIMITS.record_bytes)
            continue
        if not data.strip():
            continue
        yield from _object(data, number, file, mapping, told)


def _object(data: bytes, number: int, file: str, mapping: KnowsFields, told: set[str]) -> Iterator[Line | BadRecord]:
    try:
        value = loads(text_of(data).strip(), number, LIMITS)
    except JsonRefused as refused:
        yield _refused(file, refused)
        return
    if not isinstance(value, dict):
        yield BadRecord(file, "a line must be a JSON object", line=number, code="json-not-an-object")
        return
    for note in mapping.unmapped_of(value):
        if note.field not in told and len(told) < MOST_COLUMNS_TOLD:
            told.add(note.field)
            yield BadRecord(file, note.reason, line=number, field=note.field, code=note.code, level="warning")
    yield Line(value, number, data.strip())


def _refused(file: str, refused: JsonRefused) -> BadRecord:
    return BadRecord(file, REASONS[refused.code], line=refused.line, field=refused.field, code=refused.code)


def _trial(folder: Path) -> Trial:
    return json_lines_trial(folder, JsonLinesOptions)


CONNECTOR = Connector(
    name="json-lines",
    agency="",
    title="Any agency's JSON lines by a mapping file",
    options=JsonLinesOptions,
    source=JsonLinesSource,
    trial=_trial,
)
