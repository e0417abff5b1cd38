"""CAP 1.0, 1.1 and 1.2 (OASIS): bytes to native records, single alerts and Atom feeds of them.

Only alerts on a child's abduction are read; others are refused with the reason. A bad alert is one error with its line, the
others go on. Elements are taken in any order and from the alert's own name space; what is repeated though it may stand once
is refused. Nothing is fetched. Records are described in `cap_record.py`, the XML is bounded in `cap_xml.py`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO, Final, cast, get_args

from connectors.formats import atom, cap_xml
from connectors.formats.cap_blocks import Blocks
from connectors.formats.cap_events import verdict
from connectors.formats.cap_record import (
    BadAlert,
    CapAlert,
    Certainty,
    Info,
    MessageType,
    Reference,
    Scope,
    Severity,
    Status,
    Urgency,
    Version,
)
from connectors.formats.cap_values import Limits, Reader, Unusable
from connectors.formats.cap_xml import Element, Refused
from connectors.formats.records import Note

__all__ = ["CATEGORIES", "RESPONSE_TYPES", "SPACES", "BadAlert", "CapAlert", "Limits", "read"]

SPACES: Final[Mapping[str, Version]] = {
    "http://www.incident.com/cap/1.0": "1.0",
    "urn:oasis:names:tc:emergency:cap:1.1": "1.1",
    "urn:oasis:names:tc:emergency:cap:1.2": "1.2",
}
CATEGORIES: Final = (
    *("Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"),
)
RESPONSE_TYPES: Final = ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")
_ALERT: Final = frozenset(
    (
        *(
            "identifier",
            "sender",
            "sent",
            "status",
            "msgType",
            "password",
            "source",
            "scope",
            "restriction",
            "addresses",
        ),
        *("code", "note", "references", "incidents", "info"),
    )
)
_INFO: Final = frozenset(
    (
        *("language", "category", "event", "responseType", "urgency", "severity", "certainty", "audience", "eventCode"),
        *("effective", "onset", "expires", "senderName", "headline", "description", "instruction", "web", "contact"),
        *("parameter", "resource", "area"),
    )
)
_SIGNATURE: Final = "http://www.w3.org/2000/09/xmldsig#"
_REFERENCE: Final = re.compile(r'(?:"[^"]*"|[^\s"])+')
_INCIDENT: Final = re.compile(r'"([^"]*)"|(\S+)')
_UNUSUAL: Final = re.compile(r"[\s,<&]")
_NEEDS_REFERENCES: Final = ("Update", "Cancel")


def read(stream: BinaryIO, *, limits: Limits | None = None) -> Iterator[CapAlert | BadAlert]:
    """Read a file: an alert, an Atom entry, or a feed of entries.

    Never raises for what the bytes are. A feed is read entry by entry, so a large one is never held whole.
    """
    limits = limits or Limits()
    number = 0
    for found in cap_xml.records(stream, _is_record, limits.xml):
        if isinstance(found, Refused):
            number += not found.whole
            yield BadAlert(found.code, line=found.line, record=None if found.whole else number)
            continue
        documents = atom.entry(found, limits.xml).documents if found.space == atom.SPACE else (found,)
        alerts = [each for each in documents if isinstance(each, Refused) or each.name == "alert"]
        if not alerts:
            number += 1
            code = "cap-entry-without-alert" if found.space == atom.SPACE else "cap-not-an-alert"
            yield BadAlert(code, line=found.line, record=number)
        for each in alerts:
            number += 1
            yield (
                BadAlert(each.code, each.line, record=number)
                if isinstance(each, Refused)
                else _one(each, number, limits)
            )


def _is_record(path: tuple[tuple[str, str], ...]) -> bool:
    """An entry of a feed, or the root of anything that is no feed."""
    return atom.is_entry(path) or (len(path) == 1 and path[0] != (atom.SPACE, "feed"))


def _one(element: Element, number: int, limits: Limits) -> CapAlert | BadAlert:
    version = SPACES.get(element.space)
    if version is None:
        return BadAlert("cap-version-unknown", line=element.line, record=number)
    try:
        alert = _Alert(element, version, limits).alert()
    except Unusable as error:
        return BadAlert(error.code, line=error.line, record=number, field=error.field)
    return replace(alert, record=number, line=element.line)


@dataclass(slots=True)
class _Alert:
    """Reads one alert element."""

    element: Element
    version: Version
    limits: Limits
    notes: list[Note] = field(default_factory=list)

    def alert(self) -> CapAlert:
        reader = Reader(self.element, "", self.limits, self.notes)
        reader.only(_ALERT)
        if any(child.space == _SIGNATURE for child in self.element.children):
            self.notes.append(Note("signature-not-checked"))
        identifier, sender = reader.needed("identifier"), reader.needed("sender")
        if _UNUSUAL.search(identifier) or _UNUSUAL.search(sender):
            self.notes.append(Note("identifier-unusual", "identifier"))
        message_type = cast(MessageType, reader.code("msgType", get_args(MessageType)))
        alert = CapAlert(
            identifier=identifier,
            sender=sender,
            sent=reader.needed_time("sent"),
            status=cast(Status, reader.code("status", get_args(Status))),
            message_type=message_type,
            scope=cast(
                Scope, reader.code("scope", get_args(Scope), default="Public" if self.version == "1.0" else None)
            ),
            source=reader.secret("source"),
            restriction=reader.secret("restriction"),
            addresses=reader.secret("addresses"),
            codes=reader.texts("code"),
            note=reader.secret("note"),
            references=self._references(reader, message_type),
            incidents=tuple(a or b for a, b in _INCIDENT.findall(reader.text("incidents") or "")),
            infos=self._infos(reader, message_type),
            version=self.version,
        )
        return replace(alert, notes=tuple(dict.fromkeys(self.notes)))

    def _references(self, reader: Reader, message_type: MessageType) -> tuple[Reference, ...]:
        found: dict[Reference, None] = {}
        triples = _REFERENCE.findall(reader.text("references") or "")
        if len(triples) > self.limits.references:
            raise Unusable("cap-too-many-items", self.element.line, "references")
        for triple in triples:
            parts = [part.strip().strip('"') for part in triple.strip('"').split(",")]
            sent = reader.moment(parts[2]) if len(parts) == 3 else None
            if isinstance(sent, datetime) and parts[0] and parts[1]:
                found[Reference(parts[0], parts[1], sent)] = None
            elif message_type in _NEEDS_REFERENCES:  # left out, what it cites would stay in force
                raise Unusable("cap-without-references", self.element.line, "references")
            else:
                self.notes.append(Note("reference-unreadable", "references"))
        if not found and message_type in _NEEDS_REFERENCES:
            raise Unusable("cap-without-references", self.element.line, "references")
        return tuple(found)

    def _infos(self, reader: Reader, message_type: MessageType) -> tuple[Info, ...]:
        elements = reader.elements("info", self.limits.infos)
        if not elements:
            if message_type in ("Alert", "Update"):
                raise Unusable("cap-without-info", self.element.line, "info")
            return ()
        judged = [(self._verdict(each), each) for each in elements]
        if not any(found == "abduction" for found, _ in judged):
            raise Unusable("cap-other-event", judged[0][1].line, "info.event")
        kept: list[Info] = []
        for found, each in judged:
            if found == "other":
                self.notes.append(Note("info-of-other-event", "info"))
                continue
            if found == "unknown":
                self.notes.append(Note("event-unknown", "info.event"))
            kept.append(self._info(each))
        return tuple(kept)

    def _verdict(self, element: Element) -> str:
        reader = Reader(element, "info.", self.limits, [])
        codes = Blocks(reader, self.version).pairs("eventCode")
        return verdict(reader.text("event") or "", codes, reader.texts("category"))

    def _info(self, element: Element) -> Info:
        reader = Reader(element, "info.", self.limits, self.notes)
        reader.only(_INFO)
        blocks = Blocks(reader, self.version)
        categories = reader.codes("category", CATEGORIES, "category-unknown")
        if not categories:
            self.notes.append(Note("category-unknown", "info.category"))
        return Info(
            language=reader.text("language") or "en-US",  # CAP's own default
            event=reader.needed("event"),
            categories=categories or ("Other",),
            urgency=cast(Urgency, reader.code("urgency", get_args(Urgency), default="Unknown", note="urgency-unknown")),
            severity=cast(
                Severity, reader.code("severity", get_args(Severity), default="Unknown", note="severity-unknown")
            ),
            certainty=self._certainty(reader),
            response_types=reader.codes("responseType", RESPONSE_TYPES, "response-type-unknown"),
            audience=reader.secret("audience"),
            event_codes=blocks.named("eventCode"),
            effective=reader.time("effective"),
            onset=reader.time("onset"),
            expires=reader.time("expires"),
            sender_name=reader.secret("senderName"),
            headline=reader.secret("headline"),
            description=reader.secret("description"),
            instruction=reader.secret("instruction"),
            web=reader.secret("web"),
            contact=reader.secret("contact"),
            parameters=blocks.named("parameter"),
            resources=blocks.resources(),
            areas=blocks.areas(),
        )

    def _certainty(self, reader: Reader) -> Certainty:
        if (reader.text("certainty") or "").lower() == "very likely":  # CAP 1.0
            return "Likely"
        return cast(
            Certainty, reader.code("certainty", get_args(Certainty), default="Unknown", note="certainty-unknown")
        )
