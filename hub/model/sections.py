"""The contents of sections, one model a category (`CONTENTS`). Personal values are `Secret`: only encoders and sinks open them.

A section about a person names the person within the alert (`person`: s1, v1, m1, ...), so that a recipient can put
description, identity and contact of one person together. Generalising is the originator's job: see derive.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, Field, Secret

from .base import MAX_ITEMS, Code, Model, PartialDate, Personal, PersonalText, ShortText, Text, TimeMs
from .codes import AGE_BANDS, CATEGORIES, SEXES
from .core import Codes, Count, Countries

PersonRef = Annotated[str, Field(pattern=r"^[smvwi][0-9]{1,4}$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Date = Secret[PartialDate]
LocalTime = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2})?$")]
Sex = Literal["female", "male", "other", "unknown"]
AgeBand = Literal["0-8", "9-17", "18-20", "21-23", "24-26", "27-29", "30-38", "39-47", "48+", "unknown"]
assert get_args(Sex) == SEXES and get_args(AgeBand) == AGE_BANDS

IMAGE_MAX_BYTES: Final = 200_000


class Circumstances(Model):
    """What of the routing block recipients may see. Made by derive.py; sensitive indicators are left out."""

    origin: Countries = ()
    transit: Countries = ()
    destination: Countries = ()
    nationality: Countries = ()
    act: Codes = ()
    means: Codes = ()
    exploitation: Codes = ()
    indicators: Codes = ()
    victims: Count = 0
    suspects: Count = 0
    missing: Count = 0


class Narrative(Model):
    """Free text, presumed to identify the victim. `language`: ISO 639-1."""

    text: PersonalText
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "es"


class HandlingWords(Model):
    """The words of handling code H3: every recipient reads them before acting. They must name nobody."""

    text: Text


class Link(Model):
    alert: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
    relation: Code


class Links(Model):
    links: Annotated[tuple[Link, ...], Field(min_length=1, max_length=100)]


class Leg(Model):
    """One movement. Places as sent (IATA codes for flights), countries ISO alpha-2, times local to their place."""

    mode: Literal["air", "sea", "road", "rail", "foot", "unknown"] = "unknown"
    carrier: ShortText | None = None
    number: ShortText | None = None
    departure_place: ShortText | None = None
    departure_country: Country | None = None
    departure_time: LocalTime | None = None
    arrival_place: ShortText | None = None
    arrival_country: Country | None = None
    arrival_time: LocalTime | None = None


class Journey(Model):
    legs: Annotated[tuple[Leg, ...], Field(max_length=50)] = ()
    crossing_point: ShortText | None = None


class Good(Model):
    description: ShortText
    quantity: Annotated[float, Field(ge=0, le=1e12)] | None = None
    unit: ShortText | None = None


class Goods(Model):
    items: Annotated[tuple[Good, ...], Field(min_length=1, max_length=MAX_ITEMS)]
    seized_ms: TimeMs | None = None


class Transfer(Model):
    amount: ShortText | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    date: PartialDate | None = None
    sender: Personal | None = None
    receiver: Personal | None = None
    reference: Personal | None = None


class Finance(Model):
    transfers: Annotated[tuple[Transfer, ...], Field(max_length=MAX_ITEMS)] = ()
    accounts: Annotated[tuple[Personal, ...], Field(max_length=MAX_ITEMS)] = ()


class Organisation(Model):
    name: ShortText
    kind: ShortText | None = None
    registration: ShortText | None = None
    address: ShortText | None = None
    country: Country | None = None
    online: Annotated[tuple[ShortText, ...], Field(max_length=50)] = ()


class Description(Model):
    """A person without identity: what may be told so that the identity need not be."""

    person: PersonRef
    age_band: AgeBand = "unknown"
    sex: Sex = "unknown"
    nationalities: Countries = ()
    role: Code | None = None


class Name(Model):
    kind: Literal["primary", "alias"] = "primary"
    family: Personal | None = None
    given: Personal | None = None
    full: Personal | None = None


class Document(Model):
    """A travel or identity document: `type` by ICAO Doc 9303 as sent, `issuer` ISO alpha-2 where known."""

    number: Personal
    type: Code | None = None
    issuer: Country | None = None
    expiry: Date | None = None


class Warrant(Model):
    issuing_country: Country | None = None
    charge: PersonalText | None = None
    charge_translation: PersonalText | None = None


class Physical(Model):
    height_cm: Annotated[int, Field(ge=20, le=260)] | None = None
    weight_kg: Annotated[int, Field(ge=1, le=400)] | None = None
    eyes: Codes = ()
    hair: Codes = ()
    marks: PersonalText | None = None


class Identity(Model):
    person: PersonRef
    names: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    birth_date: Date | None = None
    birth_place: Personal | None = None
    birth_country: Country | None = None
    sex: Sex = "unknown"
    nationalities: Countries = ()
    documents: Annotated[tuple[Document, ...], Field(max_length=50)] = ()
    physical: Physical | None = None
    languages: Codes = ()


class SuspectIdentity(Identity):
    warrants: Annotated[tuple[Warrant, ...], Field(max_length=50)] = ()


class Parent(Model):
    relation: Literal["father", "mother", "guardian"]
    family: Personal | None = None
    given: Personal | None = None


class MissingIdentity(Identity):
    """A person sought who is neither suspect nor victim; the event is when and where he or she was last seen."""

    parents: Annotated[tuple[Parent, ...], Field(max_length=4)] = ()
    event_date: Date | None = None
    event_place: Personal | None = None
    event_country: Country | None = None


class Contact(Model):
    person: PersonRef
    addresses: Annotated[tuple[PersonalText, ...], Field(max_length=50)] = ()
    phones: Annotated[tuple[Personal, ...], Field(max_length=50)] = ()
    emails: Annotated[tuple[Personal, ...], Field(max_length=50)] = ()
    online: Annotated[tuple[Personal, ...], Field(max_length=50)] = ()


class Location(Model):
    """Where a victim is."""

    person: PersonRef
    place: PersonalText
    country: Country | None = None
    since: PartialDate | None = None


class Care(Model):
    """A victim's needs and the assistance that she gets."""

    person: PersonRef
    needs: Annotated[tuple[Personal, ...], Field(max_length=50)] = ()
    assistance: Annotated[tuple[Personal, ...], Field(max_length=50)] = ()
    provider: Personal | None = None


def _bare_jpeg(data: bytes) -> bytes:
    """A JPEG without metadata: of the application segments only APP0 (JFIF) may stand, and no comment."""
    if data[:3] != b"\xff\xd8\xff" or data[-2:] != b"\xff\xd9":
        raise ValueError("an image is a whole JPEG")
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        marker = data[at + 1]
        if marker == 0xFE or 0xE1 <= marker <= 0xEF:
            raise ValueError("an image carries no metadata (EXIF, XMP, comments)")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data


class Image(Model):
    person: PersonRef
    jpeg: Annotated[bytes, Field(max_length=IMAGE_MAX_BYTES), AfterValidator(_bare_jpeg)] = Field(repr=False)


class Witness(Identity):
    """Who saw."""


class Informant(Model):
    """Who told."""

    person: PersonRef
    name: Personal | None = None
    contact: Personal | None = None
    note: PersonalText | None = None


class Case(Model):
    """A file at a court, a prosecutor or a police bureau: `number` is the authority's own reference."""

    number: Personal | None = None
    authority: ShortText | None = None
    country: Country | None = None
    status: Code | None = None
    outcome: Code | None = None
    summary: PersonalText | None = None


class Exhibit(Model):
    """A reference to a file, never the file: SHA-256, media type and where to ask for it."""

    digest: Annotated[bytes, Field(min_length=32, max_length=32)]
    media_type: ShortText
    ask: ShortText
    reference: Personal | None = None


class Evidence(Model):
    exhibits: Annotated[tuple[Exhibit, ...], Field(min_length=1, max_length=100)]


class Cell(Model):
    """A count of persons with the dimensions that were kept; a suppressed count is None."""

    exploitation: Code | None = None
    sex: Sex | None = None
    age_band: AgeBand | None = None
    country: Country | None = None
    count: Count | None = None


class Statistics(Model):
    """Counts in cells over `period` (YYYY or YYYY-MM): no person."""

    period: Annotated[str, Field(pattern=r"^[0-9]{4}(-[0-9]{2}|/[0-9]{4})?$")]
    threshold: Annotated[int, Field(ge=2, le=1000)]
    cells: Annotated[tuple[Cell, ...], Field(max_length=MAX_ITEMS)]


CONTENTS: Final[dict[str, type[Model]]] = {
    "circumstances": Circumstances,
    "narrative": Narrative,
    "handling": HandlingWords,
    "links": Links,
    "journey": Journey,
    "goods": Goods,
    "finance": Finance,
    "organisation": Organisation,
    "suspect.description": Description,
    "suspect.identity": SuspectIdentity,
    "suspect.contact": Contact,
    "suspect.image": Image,
    "victim.description": Description,
    "victim.identity": Identity,
    "victim.contact": Contact,
    "victim.location": Location,
    "victim.care": Care,
    "victim.image": Image,
    "missing.description": Description,
    "missing.identity": MissingIdentity,
    "missing.contact": Contact,
    "missing.image": Image,
    "witness.identity": Witness,
    "informant": Informant,
    "case": Case,
    "evidence": Evidence,
    "statistics": Statistics,
}
assert tuple(CONTENTS) == CATEGORIES


@dataclass(frozen=True)
class Content:
    """A section before it is encoded: its category and what it says. The two must belong together."""

    category: str
    content: Model = field(repr=False)

    def __post_init__(self) -> None:
        if type(self.content) is not CONTENTS.get(self.category):
            raise ValueError("a section's content is the model of its category")
