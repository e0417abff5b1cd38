"""The native record of CAP (Common Alerting Protocol): one alert on a child's abduction, as its sender wrote it.

Personal values are Secret; what is a code of CAP may be shown. How it comes out of XML is `cap.py`'s business, how it is
written `cap_write.py`'s, and what it means in an alert of ours the connector's. Sources: OASIS CAP 1.2 (1 July 2010), 1.1
(with its errata), 1.0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from pydantic import Secret

from connectors.formats import records
from connectors.formats.records import BadRecord, Note

Version = Literal["1.0", "1.1", "1.2"]
Status = Literal["Actual", "Exercise", "System", "Test", "Draft"]
MessageType = Literal["Alert", "Update", "Cancel", "Ack", "Error"]
Scope = Literal["Public", "Restricted", "Private"]
Urgency = Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
Severity = Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
Certainty = Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]

NoteCode = Literal[
    "category-unknown",  # not one of CAP's, or none at all: Other
    "certainty-unknown",  # this and the next two: not one of CAP's: Unknown
    "severity-unknown",
    "urgency-unknown",
    "digest-differs",  # the resource's content is not what its digest says: the content was not kept
    "element-unknown",  # an element that CAP does not have there
    "event-unknown",  # another block of the alert is on an abduction, this one says something that we do not know
    "geometry-invalid",  # a polygon or circle that cannot be one: it was not kept
    "identifier-unusual",  # the identifier has blanks, commas, < or &, which CAP forbids: references to it may not work
    "info-of-other-event",  # the block is coded as another event: it was not kept
    "media-type-missing",
    "reference-unreadable",  # not a triple of sender, identifier and time: it was not kept
    "resource-too-large",  # the embedded content is over the limit: it was not kept
    "resource-unreadable",  # the embedded content is not base64: it was not kept
    "response-type-unknown",
    "signature-not-checked",
    "size-invalid",
    "time-invalid",
    "time-without-offset",  # nobody knows which time it is: it was not kept
]

REASONS: Final[Mapping[str, str]] = {
    "xml-document-type": "the file has a document type or entities, which CAP does not need and which are not read",
    "xml-not-well-formed": "from this line on the file is not correct XML, or it ends too early: the rest was not read",
    "xml-encoding": "the file names a character encoding that is not known: it was not read",
    "xml-tag-too-long": "a single tag or comment is longer than the limit: the rest of the file was not read",
    "xml-too-deep": "the elements are nested deeper than the limit",
    "xml-too-many-elements": "the alert has more elements than the limit",
    "xml-too-many-records": "the file holds more alerts than the limit: the rest was not read; send it in parts",
    "xml-text-too-long": "the alert has more text than the limit",
    "cap-not-an-alert": "the file is neither a CAP alert nor an Atom feed",
    "cap-version-unknown": "the alert's name space is not that of CAP 1.0, 1.1 or 1.2",
    "cap-entry-without-alert": "the feed's entry only points to its alert: the alert must be fetched, or its feed be asked for",
    "cap-other-event": "the alert is not on a child's abduction (event code CAE, or an event that says so): not exchanged",
    "cap-without-info": "the alert has no info block: it says nothing",
    "cap-element-missing": "the alert lacks an element that CAP requires",
    "cap-element-repeated": "an element that may stand once stands twice: which one is meant is unknown",
    "cap-code-unknown": "the element's value is not one that CAP has",
    "cap-time": "the time is not one of CAP's (2026-05-04T12:30:00-05:00)",
    "cap-time-without-offset": "the time has no offset from UTC: nobody knows which it is",
    "cap-text-too-long": "a text of the alert is longer than the limit",
    "cap-too-many-items": "the alert has more blocks, areas, resources or parameters than the limit",
    "cap-without-references": "an update or cancel must cite the alert it is about: nobody knows which it is",
}


@dataclass(frozen=True, slots=True)
class BadAlert(BadRecord):
    """An alert or entry that was set aside; `record` is its running number in the file."""

    @property
    def reason(self) -> str:
        return REASONS.get(self.code) or records.REASONS[self.code]


@dataclass(frozen=True, slots=True)
class Reference:
    """How an alert is cited: its sender, its identifier, and when it was sent. Together they are its key."""

    sender: str = field(repr=False)
    identifier: str = field(repr=False)
    sent: datetime


@dataclass(frozen=True, slots=True)
class Named:
    """A name with a value: an event code, parameter or geocode."""

    name: str = field(repr=False)
    value: Secret[str]


@dataclass(frozen=True, slots=True)
class Circle:
    """Degrees of WGS 84, and kilometres."""

    latitude: float
    longitude: float
    radius_km: float


Point = tuple[float, float]  # latitude, longitude in degrees of WGS 84


@dataclass(frozen=True, slots=True)
class Area:
    """Where: in words, as closed polygons of at least four points, circles and codes; heights in feet as sent."""

    description: Secret[str]
    polygons: tuple[Secret[tuple[Point, ...]], ...] = ()
    circles: tuple[Secret[Circle], ...] = ()
    geocodes: tuple[Named, ...] = ()
    altitude: str | None = field(default=None, repr=False)
    ceiling: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Resource:
    """A file that belongs to an alert. `content` if it was embedded; what `uri` points to is fetched by nobody here."""

    description: Secret[str]
    media_type: str = field(repr=False)
    size_bytes: int | None = None
    uri: Secret[str] | None = None
    content: Secret[bytes] | None = None
    sha1: str | None = None


@dataclass(frozen=True, slots=True)
class Info:
    """One block: the whole alert in one language."""

    language: str = field(repr=False)
    event: str = field(repr=False)
    categories: tuple[str, ...]
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    response_types: tuple[str, ...] = ()
    audience: Secret[str] | None = None
    event_codes: tuple[Named, ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: Secret[str] | None = None
    headline: Secret[str] | None = None
    description: Secret[str] | None = None
    instruction: Secret[str] | None = None
    web: Secret[str] | None = None
    contact: Secret[str] | None = None
    parameters: tuple[Named, ...] = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[Area, ...] = ()


@dataclass(frozen=True, slots=True)
class CapAlert:
    """One message. Times have an offset from UTC. `notes`, `record` and `line` say where it was read and do not compare.

    `references` are the earlier messages that it updates, cancels or answers. Messages other than alerts and updates may
    have no `infos`; whether they are on an abduction is then known by what they cite.
    """

    identifier: str = field(repr=False)
    sender: str = field(repr=False)
    sent: datetime
    status: Status
    message_type: MessageType
    scope: Scope
    source: Secret[str] | None = None
    restriction: Secret[str] | None = None
    addresses: Secret[str] | None = None
    codes: tuple[str, ...] = field(default=(), repr=False)
    note: Secret[str] | None = None
    references: tuple[Reference, ...] = ()
    incidents: tuple[str, ...] = field(default=(), repr=False)
    infos: tuple[Info, ...] = ()
    version: Version = "1.2"
    notes: tuple[Note, ...] = field(default=(), compare=False)
    record: int = field(default=1, compare=False)
    line: int = field(default=1, compare=False)

    @property
    def key(self) -> Reference:
        """How later messages cite this one."""
        return Reference(self.sender, self.identifier, self.sent)


def cancelling(alerts: Sequence[CapAlert], identifier: str, sent: datetime) -> CapAlert:
    """The message that cancels these (of one sender), citing each and saying nothing else of them."""
    first = alerts[0]
    return CapAlert(
        identifier=identifier,
        sender=first.sender,
        sent=sent,
        status=first.status,
        message_type="Cancel",
        scope=first.scope,
        restriction=first.restriction,
        addresses=first.addresses,
        references=tuple(alert.key for alert in alerts),
    )
