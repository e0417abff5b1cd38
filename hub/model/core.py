"""The alert's three fields: routing block, core, sections. What of them travels where is DESIGN.md's, not this file's.

These models are what people write code against; avro.py turns them into bytes, text.py into JSON.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from .base import AlertId, Code, Model, Slug, TimeMs
from .codes import Consent, Credibility, Exercise, Handling, Kind, Minor, Reliability, Tlp

Codes = Annotated[tuple[Code, ...], Field(max_length=200)]
Agencies = Annotated[tuple[Slug, ...], Field(max_length=200)]
Countries = Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...], Field(max_length=260)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class Label(Model):
    """How an alert is marked. It stands in the routing block and in the core, byte for byte the same."""

    exercise: Exercise = "none"
    class_: Code = Field(alias="class")
    tlp: Tlp = "AMBER+STRICT"
    handling: Annotated[tuple[Handling, ...], Field(min_length=1, max_length=4)] = ("H0",)
    purposes: Annotated[tuple[Code, ...], Field(min_length=1, max_length=50)]
    reliability: Reliability = "F"
    credibility: Credibility = "6"


class Reference(Model):
    """A revision of an alert."""

    alert: AlertId
    revision: Annotated[int, Field(ge=1, le=2**31 - 1)]


class Routing(Model):
    """What decisions read besides the core: attributes in closed code lists. The hub reads it, nobody receives it."""

    label: Label
    minor: Minor = "unknown"
    consent: Consent = "unknown"
    victims: Count = 0
    suspects: Count = 0
    missing: Count = 0
    releasable_to: Agencies = ()
    not_releasable_to: Agencies = ()
    origin: Countries = ()
    transit: Countries = ()
    destination: Countries = ()
    nationality: Countries = ()
    act: Codes = ()
    means: Codes = ()
    exploitation: Codes = ()
    indicators: Codes = ()
    legal_basis: Codes = ()
    derived_from: Annotated[tuple[Reference, ...], Field(max_length=100)] = ()


class Core(Model):
    """What every recipient of an alert gets, byte for byte as the originator made it. Closed: no free text, ever.

    `id`, `revision` and `created_ms` are the volatile part, `kind` to `caveats` the stable part. `digests` are the sorted
    SHA-256 of the sections' bytes: a recipient can check each section, and knows how many it did not get, never which.
    """

    id: AlertId
    revision: Annotated[int, Field(ge=1, le=2**31 - 1)] = 1
    created_ms: TimeMs
    kind: Kind = "alert"
    originator: Slug
    observed_ms: TimeMs | None = None
    valid_until_ms: TimeMs
    label: Label
    caveats: Codes = ()
    digests: Annotated[tuple[Annotated[bytes, Field(min_length=32, max_length=32)], ...], Field(max_length=1_000)] = ()


class Section(Model):
    """One piece of an alert, cut by kind of data. `payload` is Avro by schemas/sections/<category> of `version`."""

    category: Code
    version: Annotated[int, Field(ge=1, le=1_000)]
    salt: Annotated[bytes, Field(min_length=16, max_length=16)]
    payload: bytes = Field(repr=False, max_length=1_000_000)


class Alert(Model):
    routing: Routing
    core: Core
    sections: Annotated[tuple[Section, ...], Field(max_length=1_000)] = ()

    @model_validator(mode="after")
    def _one_label(self) -> Alert:
        if self.routing.label != self.core.label:
            raise ValueError("the label of the routing block and of the core differ")
        if self.core.kind == "cancel" and self.sections:
            raise ValueError("a cancel carries no sections")
        return self


def categories(sections: tuple[Section, ...]) -> tuple[str, ...]:
    """The categories present, sorted, each once."""
    return tuple(sorted({section.category for section in sections}))
