"""PAXLST, the passenger list, from bytes to native records (`passenger_list.py`), one at a time.

Source of the format: UN/EDIFACT PAXLST D.02B to D.12B as laid down by the WCO/IATA/ICAO guidelines on advance passenger
information. Lists are read as they are met: what is wrong is noted and the person still screened; every person (NAD) ends
as a `Passenger` or as a `BadRecord`. The syntax is `edifact.py`'s, a person's segments are `paxlst_person.py`'s.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO, Final

from connectors.formats import edifact
from connectors.formats.edifact import Damage, Segment
from connectors.formats.passenger_list import Action, FileNote, Item, Message, MessageEnd, Passenger, Position
from connectors.formats.paxlst_flight import Itinerary
from connectors.formats.paxlst_person import ROLES, PersonDraft
from connectors.formats.records import BadRecord, Note

_TAGS: Final = frozenset(
    {"UNB", "UNG", "UNH", "UNT", "UNE", "UNZ", "BGM", "CNT", "TDT", "NAD", "ATT", "COM", "CPI", "CTA", "DOC", "DTM"}
    | {"EMP", "FTX", "GEI", "LOC", "MEA", "NAT", "QTY", "QVR", "RFF"}
)
_ROLE_IN_TAG: Final = re.compile(r"[^A-Z0-9](FL|FM|DDU|DDT)$")
_ACTIONS: Final[dict[tuple[str, str], Action]] = {
    ("745", "CP"): "change",
    ("745", "XR"): "cancel",
    ("745", "RP"): "reduction",
    ("250", "CP"): "change",
    ("250", "XR"): "cancel",
    ("250", "RP"): "reduction",
    ("266", "CL"): "flight-close",
    ("266", "CLNB"): "flight-close",
    ("266", "CLOB"): "flight-close",
    ("266", "XF"): "flight-cancel",
    ("266", "CF"): "flight-change",
}
# UN/EDIFACT code list 1225, which some senders use in the element that the guidelines leave out.
_FUNCTIONS: Final[dict[str, Action]] = {"1": "cancel", "4": "change", "5": "change", "9": "list"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message or person may hold; more is reported and not kept.

    Segments beyond `segments_per_person` are still read, but each such run of them is reported, so that a reader hears
    from a hostile file too.
    """

    syntax: edifact.Limits = field(default_factory=edifact.Limits)
    passengers_per_message: int = 20_000
    legs_per_message: int = 50
    items_per_person: int = 50
    segments_per_person: int = 10_000


def read(stream: BinaryIO, *, today: date, limits: Limits | None = None) -> Iterator[Item]:
    """Read a file of passenger lists: passengers as they come, what could not be read, and each message's end.

    `today` settles the century of two-digit years. Never raises for what the bytes are; memory does not grow with the
    file. A `Passenger` comes before the `MessageEnd` of its message; a truncated file ends with `BadRecord` `truncated`.
    """
    reader = _Reader(today, limits or Limits())
    silent = 0
    for event in edifact.segments(stream, reader.limits.syntax):
        silent += 1
        for item in reader.damage(event) if isinstance(event, Damage) else reader.segment(event):
            silent = 0
            yield item
        if silent >= reader.limits.segments_per_person:
            silent = 0
            yield reader.bad("too-many-segments", event)
    yield from reader.end()


@dataclass(slots=True)
class _Interchange:
    number: int
    sender: str = ""
    reference: str = ""
    messages: int = 0
    groups: int = 0
    group_messages: int = 0
    group_reference: str = ""


@dataclass(slots=True)
class _MessageDraft:
    number: int
    header: Segment
    itinerary: Itinerary
    reference: str = ""
    directory: str = ""
    part: str | None = None
    document_code: str = ""
    function: str = ""
    action: Action = "unknown"
    own_reference: str | None = None
    declared: int | None = None
    passengers: int = 0
    bad: int = 0
    notes: list[Note] = field(default_factory=list)
    frozen: Message | None = None


class _Reader:
    """The state between two segments. Each method yields what became complete."""

    def __init__(self, today: date, limits: Limits) -> None:
        self.limits = limits
        self._today = today
        self._interchange: _Interchange | None = None
        self._message: _MessageDraft | None = None
        self._person: PersonDraft | None = None
        self._before_persons = True
        self._interchanges = 0
        self._last: Segment | Damage | None = None
        self._cut = False

    def segment(self, segment: Segment) -> Iterator[Item]:
        self._last = segment
        match segment.tag:
            case "UNB":
                yield from self._open_interchange(segment)
            case "UNG":
                yield from self._close_message(segment)
                self._group(segment)
            case "UNE":
                yield from self._close_message(segment)
                yield from self._close_group(segment)
            case "UNZ":
                yield from self._close_message(segment)
                yield from self._close_interchange(segment)
            case "UNH":
                yield from self._close_message(segment)
                yield from self._open_message(segment)
            case "UNT":
                yield from self._close_message(segment)
            case _:
                yield from self._content(segment)

    def damage(self, damage: Damage) -> Iterator[Item]:
        """What the syntax could not read. If it may hide another person, the one being read ends here."""
        self._last = damage
        if damage.code == "person-outside-interchange":
            yield from self._close_person()
            self._before_persons = False
        elif damage.code == "segment-too-long" and self._person is not None:
            self._person.note("damaged-segment", "", damage.number)
        elif damage.code == "truncated":
            self._cut = True
            if self._person is not None:
                self._person.note("cut-short", "", damage.number)
        yield self.bad(damage.code, damage)

    def end(self) -> Iterator[Item]:
        """The end of the file."""
        if self._interchange is None and self._message is None:
            return
        if self._person is not None:
            self._person.note("cut-short", "", None)
        yield from self._close_message(None)
        if not self._cut and self._last is not None:
            yield self.bad("truncated", self._last)

    # Interchanges and groups

    def _open_interchange(self, unb: Segment) -> Iterator[Item]:
        if self._interchange is not None or self._message is not None:
            if self._person is not None:
                self._person.note("cut-short", "", unb.number)
            yield from self._close_message(None)
            if not self._cut:
                yield self.bad("interchange-cut", unb)
        self._begin_interchange(sender=unb.component(2), reference=unb.component(5))

    def _begin_interchange(self, sender: str = "", reference: str = "") -> _Interchange:
        self._interchanges += 1
        self._cut = False
        self._interchange = _Interchange(self._interchanges, sender, reference)
        return self._interchange

    def _group(self, ung: Segment) -> None:
        interchange = self._interchange or self._begin_interchange()
        interchange.groups += 1
        interchange.group_messages = 0
        interchange.group_reference = ung.component(5)

    def _close_group(self, une: Segment) -> Iterator[Item]:
        interchange = self._interchange
        if interchange is not None:
            yield from _control(une, "message-count-differs", interchange.group_messages, interchange.group_reference)

    def _close_interchange(self, unz: Segment) -> Iterator[Item]:
        interchange = self._interchange
        if interchange is not None:
            groups = interchange.groups
            code = "group-count-differs" if groups else "message-count-differs"
            yield from _control(unz, code, groups or interchange.messages, interchange.reference)
        self._interchange = None

    # Messages

    def _open_message(self, unh: Segment) -> Iterator[Item]:
        message = self._begin_message(unh)
        message.reference = unh.component(1)
        message.directory = ".".join(part for part in (unh.code(2, 1), unh.code(2, 2)) if part)
        message.part = unh.component(4) or None
        if unh.code(2) != "PAXLST":
            message.notes.append(Note("not-a-passenger-list", "type", unh.number))
            yield self.bad("not-a-passenger-list", unh)

    def _begin_message(self, segment: Segment) -> _MessageDraft:
        interchange = self._interchange or self._begin_interchange()
        interchange.messages += 1
        interchange.group_messages += 1
        itinerary = Itinerary(self._today, self.limits.legs_per_message)
        self._message = _MessageDraft(interchange.messages, segment, itinerary)
        self._before_persons = True
        return self._message

    def _close_message(self, trailer: Segment | None) -> Iterator[Item]:
        yield from self._close_person()
        message, self._message = self._message, None
        if message is None:
            return
        notes: list[Note] = []
        if trailer is None or trailer.tag != "UNT":
            notes.append(Note("trailer-missing"))
        else:
            if _number(trailer.code(1)) != trailer.number - message.header.number + 1:
                notes.append(Note("segment-count-differs", "UNT", trailer.number))
            if trailer.component(2) != message.reference:
                notes.append(Note("reference-differs", "UNT", trailer.number))
        if message.declared is not None and message.declared != message.passengers + message.bad:
            notes.append(Note("person-count-differs", "CNT"))
        yield MessageEnd(self._freeze(message), message.passengers, message.bad, message.declared, tuple(notes))

    def _freeze(self, message: _MessageDraft) -> Message:
        if message.frozen is None:
            interchange = self._interchange
            message.frozen = Message(
                interchange=interchange.number if interchange else self._interchanges,
                number=message.number,
                reference=message.reference,
                directory=message.directory,
                document_code=message.document_code,
                function=message.function,
                action=message.action,
                sender=interchange.sender if interchange else "",
                own_reference=message.own_reference,
                part=message.part,
                legs=message.itinerary.legs(),
                notes=(*message.notes, *message.itinerary.notes),
            )
        return message.frozen

    # Segments of a message

    def _content(self, segment: Segment) -> Iterator[Item]:
        message = self._message
        if message is None:
            message = self._begin_message(segment)
            message.notes.append(Note("header-missing", "UNH", segment.number))
        if segment.tag == "NAD":
            yield from self._party(segment, message)
        elif _was_person(segment):
            yield from self._lose_person("damaged-person", segment, message)
        elif segment.tag == "CNT":
            yield from self._close_person()
            count = _number(segment.code(1, 1) or segment.code(2))  # some send `CNT+41+8` for `CNT+41:8`
            if segment.code(1) in ("41", "42") and count is not None:
                message.declared = (message.declared or 0) + count
        elif segment.tag == "TDT":
            yield from self._close_person()
            self._flight(segment, message)
        elif self._person is not None:
            if segment.tag not in _TAGS:
                self._person.note("damaged-segment", "", segment.number)
            self._person.take(segment)
        elif self._before_persons:
            self._head(segment, message)

    def _head(self, segment: Segment, message: _MessageDraft) -> None:
        """A segment before the first person: the document, its reference, the flights."""
        message.frozen = None
        match segment.tag:
            case "BGM":
                _document(segment, message)
            case "RFF" if segment.code(1) == "TN":
                message.own_reference = segment.component(1, 1) or None
            case "LOC" | "DTM":
                message.itinerary.take(segment)

    def _flight(self, tdt: Segment, message: _MessageDraft) -> None:
        if not self._before_persons:  # flights of the next persons, not of those before
            message.notes.append(Note("legs-after-persons", "TDT", tdt.number))
            message.itinerary = Itinerary(self._today, self.limits.legs_per_message)
            self._before_persons = True
        message.frozen = None
        message.itinerary.take(tdt)

    # Persons

    def _party(self, nad: Segment, message: _MessageDraft) -> Iterator[Item]:
        yield from self._close_person()
        role = nad.code(1)
        if role == "MS":
            return
        if role not in ROLES:
            yield from self._lose_person("unknown-party", nad, message)
        elif message.passengers + message.bad >= self.limits.passengers_per_message:
            yield from self._lose_person("too-many-passengers", nad, message)
        else:
            self._before_persons = False
            position = Position(
                interchange=self._interchange.number if self._interchange else self._interchanges,
                message=message.number,
                person=message.passengers + message.bad + 1,
                segment=nad.number,
                line=nad.line,
                byte_offset=nad.byte_offset,
            )
            self._person = PersonDraft(nad, ROLES[role], position, self._today, self.limits.items_per_person)

    def _lose_person(self, code: str, segment: Segment, message: _MessageDraft) -> Iterator[Item]:
        """Report a person who cannot be read; the segments that follow are nobody's."""
        yield from self._close_person()
        self._before_persons = False
        message.bad += 1
        yield self.bad(code, segment)

    def _close_person(self) -> Iterator[Passenger | BadRecord]:
        person, self._person = self._person, None
        message = self._message
        if person is None or message is None:
            return
        if person.is_nobody:
            message.bad += 1
            yield self.bad("person-without-identity", person.nad)
        else:
            message.passengers += 1
            yield person.passenger(self._freeze(message))

    def bad(self, code: str, at: Segment | Damage) -> BadRecord:
        tag = at.tag if at.tag in _TAGS else "?" if at.tag else ""
        return BadRecord(code, line=at.line, segment=at.number, tag=tag, byte_offset=at.byte_offset)


def _was_person(segment: Segment) -> bool:
    """Whether this is what damage to one byte or so leaves of a person's NAD."""
    if segment.tag in _TAGS:
        return segment.code(1) in ROLES and len(segment.elements) >= 3
    roles = (segment.code(element) in ROLES for element in (1, 2))
    return any(roles) or segment.tag.startswith("NAD") or _ROLE_IN_TAG.search(segment.tag) is not None


def _document(bgm: Segment, message: _MessageDraft) -> None:
    code, function = bgm.code(1), bgm.code(2)
    message.document_code, message.function = code, function
    known = _ACTIONS.get((code, function)) or _FUNCTIONS.get(bgm.code(3))
    if known is None:
        known = "list" if code in ("745", "250", "336", "655") else "unknown"
        if function and code not in ("250", "336"):  # crew lists say there what crew it is
            message.notes.append(Note("function-unknown", "BGM", bgm.number))
    message.action = known


def _control(trailer: Segment, code: str, counted: int, reference: str) -> Iterator[FileNote]:
    if _number(trailer.code(1)) != counted:
        yield FileNote(Note(code, trailer.tag, trailer.number), trailer.line, trailer.byte_offset)
    if reference and trailer.component(2) != reference:
        note = Note("reference-differs", trailer.tag, trailer.number)
        yield FileNote(note, trailer.line, trailer.byte_offset)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else None
