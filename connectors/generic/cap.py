"""Any agency's CAP alerts on abducted children (files, Atom feeds) by a mapping file: a connector without code.

Reading is connectors/formats/cap.py's, the names of its fields cap_plain.py's; what they mean is the mapping's
(docs/connectors/mapping.md). Added here, for mappings:

- `thread`: what an alert, its updates and its cancel have in common, to be the mapping's key. CAP gives every message an
  identifier of its own and lets it cite earlier ones (CAP 1.2, 3.2.1, `references`); some systems cite all of them, some only
  the last, so what was cited is remembered in `memory`, as digests.
- `info`: the first block, whose `parameters` and `event_codes` are objects by name.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import rfc8785
from pydantic import Field

from connectors.formats import cap
from connectors.formats.cap_plain import plain
from connectors.formats.cap_record import BadAlert, Reference
from connectors.sdk import BadRecord, Connector, Trial
from connectors.sdk.mapping import Mapping as MappingOfRecords

from .mapped import Line, MappedFiles, MappedOptions
from .trials import PLANTED

MAX_THREADS: Final = 1_000_000
DIGEST_CHARS: Final = 32


class CapOptions(MappedOptions):
    memory: Path | None = Field(
        None,
        description="a file that tells which messages belong together; needed where updates cite only the last one",
    )


class BadMemory(ValueError):
    """The file is not the memory of a CAP connector: take it away, and read all alerts again."""


class Threads:
    """Which message each belongs to: the first that anyone cited. Kept as digests, a line each, written before the position
    moves on; written twice after a crash it says the same."""

    def __init__(self, path: Path | None) -> None:
        """Raises BadMemory, OSError."""
        self._path = path
        self._first: dict[str, str] = {}
        if path is not None and path.exists():
            for line in path.read_text(encoding="ascii", errors="replace").splitlines():
                message, _, first = line.partition(" ")
                if not (_is_digest(message) and _is_digest(first)):
                    if len(line) < 2 * DIGEST_CHARS + 1:
                        continue  # cut short by a crash: its message is read again
                    raise BadMemory(f"{path.name}: not the memory of a CAP connector")
                self._first[message] = first

    def of(self, message: Reference, cited: Sequence[Reference]) -> str:
        """The thread of a message that cites these."""
        own = _digest(message)
        earlier = [_digest(each) for each in sorted(cited, key=lambda each: each.sent)]
        known = next((self._first[each] for each in (own, *earlier) if each in self._first), None)
        first = known or (earlier[0] if earlier else own)
        self._remember({each: first for each in (own, *earlier) if each not in self._first})
        return first

    def _remember(self, new: Mapping[str, str]) -> None:
        if not new:
            return
        if len(self._first) >= MAX_THREADS:
            raise BadMemory(f"memory: holds {MAX_THREADS} messages, as many as it may: take it away, and start anew")
        self._first |= new
        if self._path is not None:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write("\n" + "\n".join(f"{message} {first}" for message, first in new.items()))
                file.flush()
                os.fsync(file.fileno())


class CapSource(MappedFiles):
    """CAP messages of files, one alert each."""

    def __init__(self, options: CapOptions) -> None:
        """Raises BadMapping, NoFolder, BadMemory, OSError."""
        super().__init__(options, self._messages)
        self._threads = Threads(options.memory)

    def _messages(self, stream: BinaryIO, file: str, _mapping: MappingOfRecords, /) -> Iterator[Line | BadRecord]:
        for found in cap.read(stream):
            if isinstance(found, BadAlert):
                yield BadRecord(file, found.reason, line=found.line, field=found.field, code=found.code)
                continue
            for note in found.notes:
                reason = note.code.replace("-", " ")
                yield BadRecord(file, reason, line=found.line, field=note.field, code=note.code, level="warning")
            values = plain(found)
            data = rfc8785.dumps(_texts(values))
            values["thread"] = self._threads.of(found.key, found.references)
            values["info"] = _first_info(values["infos"])
            yield Line(values, found.line, data)


def _first_info(infos: list[dict[str, Any]]) -> dict[str, Any]:
    if not infos:
        return {}
    named = {name: {each["name"]: each["value"] for each in infos[0][name]} for name in ("parameters", "event_codes")}
    return {**infos[0], **named}


def _texts(value: Any) -> Any:
    """Times as texts: the message as JSON has it, for its digest."""
    if isinstance(value, dict):
        return {name: _texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_texts(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _digest(message: Reference) -> str:
    said = "\0".join((message.sender, message.identifier, message.sent.astimezone(UTC).isoformat()))
    return hashlib.sha256(said.encode()).hexdigest()[:DIGEST_CHARS]


def _is_digest(text: str) -> bool:
    return len(text) == DIGEST_CHARS and all(character in "0123456789abcdef" for character in text)


_MAPPING: Final = """
name: trial
key: [thread]
label:
  class: missing-person
  purposes: [search, child-protection]
  exercise: {from: status, codes: {Actual: none, Exercise: exercise, Test: test}}
observed: {from: sent}
persons:
  - role: missing
    when: {message_type: [Alert, Update]}
    age_band: 0-8
sections: {narrative: {each: infos, text: {from: description}}}
skip_when: {message_type: [Ack, Error]}
cancel_when: {message_type: [Cancel]}
original: {ask: the trial's own desk, media_type: application/cap+xml}
"""
_ALERT: Final = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>T-{number}</identifier>
<sender>desk@police.example</sender><sent>{sent}</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
<info><category>Rescue</category><event>{event}</event><urgency>Immediate</urgency><severity>Severe</severity>
<certainty>Likely</certainty><description>CHILD: {name}, {number}</description></info></alert>"""


def _trial(folder: Path) -> Trial:
    """Twelve alerts, one on a flood, and one that is cut short; a file each."""
    (folder / "mapping.yaml").write_text(_MAPPING, encoding="utf-8")
    for number in range(13):
        event = "Flood warning" if number == 4 else "Child abduction"
        said = _ALERT.format(number=number, sent="2026-05-04T12:00:00-05:00", event=event, name=PLANTED[0])
        (folder / f"{number:02}.xml").write_text(said, encoding="utf-8")
    (folder / "05-cut.xml").write_text(said[:-60], encoding="utf-8")
    files = tuple(sorted(folder.glob("*.xml")))
    options = CapOptions.model_validate({"mapping": folder / "mapping.yaml", "files": files})
    return Trial(options, alerts=12, set_aside=2, planted=PLANTED[:1])


CONNECTOR = Connector(
    name="cap",
    agency="",
    title="Any agency's child-abduction alerts (CAP, Atom) by a mapping file",
    options=CapOptions,
    source=CapSource,
    trial=_trial,
)
