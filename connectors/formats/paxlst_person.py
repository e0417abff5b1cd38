"""One person of a passenger list: NAD and the segments that follow it, to a `Passenger`.

What cannot be used is noted and left off; nothing here raises. Where a person begins and ends is `paxlst.py`'s business.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, TypeVar

from connectors.formats import countries, dates
from connectors.formats.countries import Country
from connectors.formats.edifact import Segment
from connectors.formats.passenger_list import (
    Document,
    Message,
    NoteCode,
    Passenger,
    Place,
    Position,
    Reference,
    Role,
    is_placeholder,
)
from connectors.formats.records import Note

_T = TypeVar("_T")

ROLES: Final[Mapping[str, Role]] = {"FL": "FL", "FM": "FM", "DDU": "DDU", "DDT": "DDT"}
_SEXES: Final[Mapping[str, Literal["M", "F", "X"] | None]] = {"M": "M", "F": "F", "X": "X", "U": None, "": None}
_PLACES: Final[Mapping[str, str]] = {"22": "clearance", "178": "embarkation", "179": "debarkation"}


@dataclass(slots=True)
class _DocumentDraft:
    code: str
    number: str | None
    issuer: Country | None = None
    expiry: str | None = None


@dataclass(slots=True)
class _Fields:
    sex: Literal["M", "F", "X"] | None = None
    birth_date: str | None = None
    birth_date_sent: str = ""
    birth_place: Place | None = None
    residence: Country | None = None
    bags: int | None = None
    verified: bool | None = None
    places: dict[str, str] = field(default_factory=dict)
    nationalities: list[Country] = field(default_factory=list)
    documents: list[_DocumentDraft] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    bag_tags: list[str] = field(default_factory=list)


class PersonDraft:
    """A person while the segments come in; `most` bounds each list that the sender may lengthen."""

    def __init__(self, nad: Segment, role: Role, position: Position, today: date, most: int) -> None:
        self.nad = nad
        self._role = role
        self._position = position
        self._today = today
        self._most = most
        self._notes: list[Note] = []
        self._f = _Fields()
        self._name_parts, self._surname, self._given = _name(nad)
        if not self._name_parts:
            self.note("name-missing", "name", nad.number)
        elif any("\ufffd" in part for part in self._name_parts):
            self.note("name-unreadable", "name", nad.number)
        if nad.joined:
            self.note("terminator-lost", "", nad.number)

    @property
    def is_nobody(self) -> bool:
        """Neither a name nor a document number: nothing that could be screened."""
        return not self._name_parts and not any(d.number for d in self._f.documents)

    def take(self, segment: Segment) -> None:
        """Add what a segment says. Tags that say nothing about a person are passed over."""
        if (handler := _HANDLERS.get(segment.tag)) is not None:
            handler(self, segment)

    def note(self, code: NoteCode, name: str, segment: int | None) -> None:
        note = Note(code, name, segment)
        if len(self._notes) < self._most and note not in self._notes:
            self._notes.append(note)

    def passenger(self, message: Message) -> Passenger:
        f = self._f
        if f.birth_date is None and not f.birth_date_sent:
            self.note("birth-date-missing", "birth_date", self.nad.number)
        return Passenger(
            position=self._position,
            message=message,
            role=self._role,
            surname=self._surname,
            given_names=self._given,
            name_parts=self._name_parts,
            sex=f.sex,
            birth_date=f.birth_date,
            nationalities=tuple(f.nationalities),
            documents=tuple(Document(d.code, d.number, d.issuer, d.expiry) for d in f.documents),
            birth_place=f.birth_place,
            residence=f.residence,
            address=tuple(c for i in range(5, 10) if (c := self.nad.component(i))),
            embarkation=f.places.get("embarkation"),
            debarkation=f.places.get("debarkation"),
            clearance=f.places.get("clearance"),
            references=tuple(f.references),
            bags=f.bags,
            bag_tags=tuple(f.bag_tags),
            verified=f.verified,
            notes=tuple(self._notes),
        )

    # One method per tag

    def _attribute(self, att: Segment) -> None:
        if att.code(1) != "2":
            return
        code = att.code(3)
        if code not in _SEXES:
            self.note("sex-unknown-code", "sex", att.number)
        elif self._f.sex is None:
            self._f.sex = _SEXES[code]
        elif _SEXES[code] not in (None, self._f.sex):
            self.note("repeated-value", "sex", att.number)

    def _date(self, dtm: Segment) -> None:
        qualifier, sent = dtm.code(1), dtm.code(1, 1)
        if qualifier == "329":
            self._birth_date(sent, dtm)
        elif qualifier == "36":
            reading = dates.parse_expiry(sent, self._today)
            if not self._f.documents:
                self.note("document-missing", "expiry", dtm.number)
            elif reading.value is None and sent:
                self.note("document-date-invalid", "expiry", dtm.number)
            elif self._f.documents[-1].expiry is None:
                self._f.documents[-1].expiry = reading.value

    def _birth_date(self, sent: str, dtm: Segment) -> None:
        if self._f.birth_date_sent:
            if sent not in ("", self._f.birth_date_sent):
                self.note("repeated-value", "birth_date", dtm.number)
            return
        reading = dates.parse_birth(sent, self._today)
        self._f.birth_date, self._f.birth_date_sent = reading.value, sent
        if reading.problem == "date-order-unknown":
            self.note("birth-date-order-unknown", "birth_date", dtm.number)
        elif reading.problem == "date-invalid" and sent:
            self.note("birth-date-invalid", "birth_date", dtm.number)

    def _place(self, loc: Segment) -> None:
        qualifier, value = loc.code(1), loc.component(2)
        if qualifier in _PLACES:
            if value and self._f.places.setdefault(_PLACES[qualifier], value) != value:
                self.note("repeated-value", _PLACES[qualifier], loc.number)
        elif qualifier == "174" and value and self._f.residence is None:
            self._f.residence = self._country(value, "residence", loc)
        elif qualifier == "180" and self._f.birth_place is None:
            self._f.birth_place = self._birth_place(loc)
        elif qualifier == "91" and value:
            if not self._f.documents:
                self.note("document-missing", "issuer", loc.number)
            elif self._f.documents[-1].issuer is None:
                self._f.documents[-1].issuer = self._country(value, "issuer", loc)

    def _birth_place(self, loc: Segment) -> Place | None:
        """`LOC+180+ESP:::AMPUERO` as the standard has it, `LOC+180+:::HARTFORD USA` or text in the code's place."""
        code = loc.component(2)
        text = next((t for i in (3, 2, 1) if (t := loc.component(2, i)) and not t.isdecimal()), "")
        if not code and not text:
            return None
        if re.fullmatch(r"[A-Za-z]{1,3}", code):
            return Place(self._country(code, "birth_place", loc), text or None)
        name = ", ".join(part for part in (code, text) if part)
        found = countries.resolve(code or text)
        return Place(found if found.alpha2 else None, name)

    def _nationality(self, nat: Segment) -> None:
        sent = nat.component(2)
        if not sent or is_placeholder(sent):
            return
        country = self._country(sent, "nationality", nat)
        if country not in self._f.nationalities:
            self._append(self._f.nationalities, country, "nationalities", nat)

    def _reference(self, rff: Segment) -> None:
        qualifier, value = rff.code(1), rff.component(1, 1)
        if value and not is_placeholder(value):
            self._append(self._f.references, Reference(qualifier, value), "references", rff)

    def _document(self, doc: Segment) -> None:
        number = doc.component(2)
        if not number or is_placeholder(number):
            self.note("document-number-missing", "documents", doc.number)
            number = ""
        self._append(self._f.documents, _DocumentDraft(doc.code(1), number or None), "documents", doc)

    def _measure(self, mea: Segment) -> None:
        count = mea.code(3, 1)
        if mea.code(1) == "CT" and re.fullmatch(r"[0-9]{1,4}", count) and self._f.bags is None:
            self._f.bags = int(count)

    def _text(self, ftx: Segment) -> None:
        tag = ftx.component(4)
        if ftx.code(1) == "BAG" and not is_placeholder(tag):
            self._append(self._f.bag_tags, tag, "bag_tags", ftx)

    def _verification(self, gei: Segment) -> None:
        if gei.code(1) == "4":
            self._f.verified = {"173": True, "174": False}.get(gei.code(2), self._f.verified)

    def _country(self, sent: str, name: str, segment: Segment) -> Country:
        country = countries.resolve(sent)
        if country.kind == "unknown":
            self.note("country-unknown", name, segment.number)
        return country

    def _append(self, items: list[_T], item: _T, name: str, segment: Segment) -> None:
        if len(items) < self._most:
            items.append(item)
        else:
            self.note("over-limit", name, segment.number)


_HANDLERS: Final[Mapping[str, Callable[[PersonDraft, Segment], None]]] = {
    "ATT": PersonDraft._attribute,
    "DTM": PersonDraft._date,
    "LOC": PersonDraft._place,
    "NAT": PersonDraft._nationality,
    "RFF": PersonDraft._reference,
    "DOC": PersonDraft._document,
    "MEA": PersonDraft._measure,
    "FTX": PersonDraft._text,
    "GEI": PersonDraft._verification,
}


def _name(nad: Segment) -> tuple[tuple[str, ...], str | None, str | None]:
    """The name's parts as sent, surname and given names: `SURNAME:FIRST:MIDDLE`, or `SURNAME/FIRST` in one part.

    Senders who forget an element put the name one place early.
    """
    for element in (4, 3, 2):
        components = len(nad.elements[element]) if element < len(nad.elements) else 0
        if parts := tuple(part for i in range(components) if (part := nad.component(element, i))):
            break
    else:
        return (), None, None
    split = tuple(part.strip() for part in parts[0].split("/", 1)) if len(parts) == 1 else parts
    return parts, split[0] or None, " ".join(p for p in split[1:] if p) or None
