"""The native records of a passenger list (PAXLST), as the mapping to alerts sees them.

Codes are those of the message (UN/EDIFACT D.02B to D.12B, WCO/IATA/ICAO guidelines); personal values never show in repr.
How they are read from bytes is `paxlst.py`'s business, and what they mean for screening is the connector's.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from connectors.formats.countries import Country
from connectors.formats.records import BadRecord, Note

Role = Literal["FL", "FM", "DDU", "DDT"]
Action = Literal["list", "change", "cancel", "reduction", "flight-close", "flight-cancel", "flight-change", "unknown"]
NoteCode = Literal[
    "birth-date-invalid",  # of Passenger: the date was sent and cannot be one
    "birth-date-order-unknown",  # only the year was kept
    "birth-date-missing",
    "country-unknown",  # the code or name is of no country; `field` says which
    "cut-short",  # the file ends, or was damaged, while the person was read
    "damaged-segment",  # a segment among the person's could not be read
    "document-date-invalid",
    "document-missing",  # DTM or LOC of a document without DOC
    "document-number-missing",
    "name-missing",
    "name-unreadable",  # bytes of another character set
    "over-limit",  # more documents, references or the like than the limit: the rest was not kept
    "repeated-value",  # a field was sent twice with different values: the first was kept
    "sex-unknown-code",
    "terminator-lost",  # the person began without the end of the segment before
    "flight-time-invalid",  # from here on of Message and MessageEnd
    "function-unknown",
    "header-missing",
    "legs-after-persons",
    "leg-header-missing",
    "not-a-passenger-list",
    "person-count-differs",
    "reference-differs",
    "segment-count-differs",
    "trailer-missing",
    "group-count-differs",  # of FileNote
    "message-count-differs",
]

_PLACEHOLDERS: Final = frozenset({"", "NULL", "NONE", "NIL", "N/A", "NA", "UNKNOWN"})


@dataclass(frozen=True, slots=True)
class Position:
    """Where a record stands in its file; every number counts from 1, `byte_offset` from 0."""

    interchange: int
    message: int
    person: int
    segment: int
    line: int
    byte_offset: int


@dataclass(frozen=True, slots=True)
class Leg:
    """One flight. Times are local to the place, `YYYY-MM-DDTHH:MM` (or a date); places as sent, mostly IATA codes.

    `stage` is `20` for the arriving or departing flight, `34` for an overflight.
    """

    stage: str
    flight: str
    carrier: str | None
    departure_place: str | None = None
    departure_time: str | None = None
    arrival_place: str | None = None
    arrival_time: str | None = None
    other_places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """What a message says before its first person. The same object stands in each of its passengers.

    `document_code` is BGM's (745 passenger list, 250 crew list, 266 flight status, 336 master crew list, 655 gate pass)
    and `function` the code beside it (`CP`, `XR`, `RP`, `CL`, `C`, ...); `action` says what both amount to. A `cancel`
    or `reduction` means that its persons do not travel.
    """

    interchange: int
    number: int
    reference: str
    directory: str
    document_code: str
    function: str
    action: Action
    sender: str
    own_reference: str | None
    part: str | None
    legs: tuple[Leg, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A travel document. `code` is Doc 9303's (first letter: P passport, V visa, A C I cards) or of PAXLST (F, L, IP)."""

    code: str
    number: str | None = field(repr=False)
    issuer: Country | None = field(default=None, repr=False)
    expiry: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """A place of birth: a country where the code names one, and text where text was sent."""

    country: Country | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference of the person: `AVF` booking, `ABO` carrier's passenger reference, `SEA` seat, `AEA`, `CR`, others."""

    qualifier: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Passenger:
    """One person of a list: passenger (`FL`), crew (`FM`), in transit (`DDU`), crew in transit (`DDT`).

    `name_parts` is the name as sent, component by component; dates are partial ISO texts (see `dates.py`); `nationalities`
    keep the code as sent and its ISO alpha-2, if it has one. What was sent and could not be used stands in `notes`.
    """

    position: Position
    message: Message = field(repr=False)
    role: Role
    surname: str | None = field(repr=False)
    given_names: str | None = field(repr=False)
    name_parts: tuple[str, ...] = field(repr=False)
    sex: Literal["M", "F", "X"] | None = field(repr=False)
    birth_date: str | None = field(repr=False)
    nationalities: tuple[Country, ...] = field(repr=False)
    documents: tuple[Document, ...] = field(repr=False)
    birth_place: Place | None = field(repr=False)
    residence: Country | None = field(repr=False)
    address: tuple[str, ...] = field(repr=False)
    embarkation: str | None = field(repr=False)
    debarkation: str | None = field(repr=False)
    clearance: str | None = field(repr=False)
    references: tuple[Reference, ...] = field(repr=False)
    bags: int | None = field(repr=False)
    bag_tags: tuple[str, ...] = field(repr=False)
    verified: bool | None
    notes: tuple[Note, ...] = ()

    @property
    def is_crew(self) -> bool:
        return self.role in ("FM", "DDT")

    @property
    def nationality(self) -> Country | None:
        """The first nationality, which is the current one."""
        return self.nationalities[0] if self.nationalities else None

    def reference(self, qualifier: str) -> str | None:
        """The first reference of that kind; `AVF` is the booking that a group shares."""
        return next((r.value for r in self.references if r.qualifier == qualifier), None)


@dataclass(frozen=True, slots=True)
class MessageEnd:
    """The end of a message: how many persons came of it, and its control values, which are often wrong.

    `declared` is CNT's number of persons; a difference is a note, never a reason to drop anybody.
    """

    message: Message
    passengers: int
    bad: int
    declared: int | None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class FileNote:
    """A remark on an interchange or group that took nothing away."""

    note: Note
    line: int
    byte_offset: int


Item = Passenger | BadRecord | MessageEnd | FileNote


def is_placeholder(value: str) -> bool:
    """Whether a sender's system wrote a word for "nothing"."""
    return value.upper() in _PLACEHOLDERS
