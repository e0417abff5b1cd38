"""The native records of STIX 2.1: an object, and a unit of exchange with all that it refers to.

Personal values are Secret, and so is an object's whole content; ids (`type--uuid`) and codes of the format may be shown. How
they come out of bytes is `stix.py`'s business, how they are put together `stix_units.py`'s, and what they mean in an alert
the connector's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from pydantic import Secret

from connectors.formats import records
from connectors.formats.countries import Country
from connectors.formats.records import BadRecord, Note
from connectors.formats.stix_markings import Tlp
from connectors.formats.strict_json import JsonValue

NoteCode = Literal[
    "country-unknown",  # the location's country is none; what was sent is in the content
    "cycle",  # the unit's objects refer to one another in a circle
    "marking-unknown",  # a marking without a definition that we know: it counts as AMBER+STRICT
    "member-revoked",  # an object of the unit was revoked by its creator: it is left out
    "older-version",  # the file holds an older version of the object too: it is left out
    "reference-missing",  # an object that the unit refers to is not in the file; `missing` names it
    "spec-version-missing",  # the object is of STIX 2.0 or does not say of which version it is
    "timestamp-missing",  # the object has no time of its version: any other version wins over it
    "unmarked",  # neither the unit nor anything in it is marked
]

REASONS: Final[Mapping[str, str]] = {
    "stix-not-an-object": "a STIX object must be a JSON object",
    "stix-type": "the object has no type that STIX could have",
    "stix-id": "the object has no id, or one that is not its type and a UUID",
    "stix-field-type": "a field of the object has another type than STIX 2.1 gives it",
    "stix-timestamp": "a time of the object is not a time of RFC 3339 with an offset",
    "stix-reference": "a reference of the object is not the id of an object",
    "stix-text-too-long": "a text of the object is longer than the limit",
    "stix-too-many-references": "the object refers to more objects than the limit",
    "stix-tlp-unknown": "the object is marked with a TLP level that is none of TLP 1 or 2: it may be narrower than any of them",
    "stix-version-conflict": "the file holds two objects with the same id and version that differ: which is meant is unknown",
    "stix-outside-unit": "no report, grouping, incident or note of the file refers to this object: alone it says nothing",
    "stix-nested-bundle": "a bundle stands inside a bundle: it was not read",
    "stix-unit-too-large": "the unit refers to more objects than the limit, itself or by way of others, or to one that does",
    "stix-too-many-objects": "the file holds more objects than the limit: the rest was not read; send it in parts",
    "stix-too-many-values": "the file holds more values than the limit: it was not read; send it in parts",
    "stix-no-objects": "the bundle holds no objects",
}


@dataclass(frozen=True, slots=True)
class BadObject(BadRecord):
    """An object or unit that was set aside; `record` is the object's running number in its file."""

    @property
    def reason(self) -> str:
        return REASONS.get(self.code) or records.REASONS[self.code]


@dataclass(frozen=True, slots=True)
class ExternalReference:
    """Where else something is known: a source's name and the id there."""

    source: str = field(repr=False)
    external_id: str | None = field(repr=False)
    url: Secret[str] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class StixObject:
    """One object in its highest version.

    `text` is the description (of a note its content, of an opinion its explanation). `kinds` are the codes that say what
    sort it is (report_types, context, identity_class, threat_actor_types, opinion, relationship_type ...); `country` is a
    location's. `tlp` is the strictest of all markings of the object and of its single properties, None if it bears none.
    `refers` are the ids of all objects that it names, `ends` source and target of a relationship, `creator` the id in
    created_by_ref. `content` is the whole object as it was sent. Times have an offset; `modified` is the version, None for
    cyber-observable objects.
    """

    record: int
    line: int
    type: str
    id: str
    created: datetime | None
    modified: datetime | None
    revoked: bool
    tlp: Tlp | None
    creator: str | None
    refers: tuple[str, ...]
    ends: tuple[str, str] | None
    name: Secret[str] | None
    text: Secret[str] | None
    aliases: tuple[Secret[str], ...]
    kinds: tuple[str, ...] = field(repr=False)
    labels: tuple[str, ...] = field(repr=False)
    language: str | None = field(repr=False)
    confidence: int | None
    country: Country | None
    pattern: Secret[str] | None
    first_seen: datetime | None
    last_seen: datetime | None
    external: tuple[ExternalReference, ...]
    content: Secret[dict[str, JsonValue]]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """A relationship between two members: `source` `kind` `target` (`related-to`, `located-at`, ...)."""

    source: str
    kind: str = field(repr=False)
    target: str
    object: StixObject


@dataclass(frozen=True, slots=True)
class Provenance:
    """The alert of ours that a unit was made from: what comes back by a partner is known by it."""

    alert: str
    revision: int


@dataclass(frozen=True, slots=True)
class Unit:
    """A report, grouping, incident or note (`root`) with everything it refers to, near or far.

    `members` has the objects in the order in which they are reached, without the root, relationships between members,
    sightings, notes and opinions about them among them. `creators` are the identities that made any of them. `tlp` is the
    strictest label of the root and of all members: members without a marking are taken to be under the root's, as the
    sender put them together; a root without one counts as AMBER+STRICT. `revoked`: the sender takes the unit back.
    """

    root: StixObject
    members: tuple[StixObject, ...]
    relations: tuple[Relation, ...]
    creators: tuple[StixObject, ...]
    missing: tuple[str, ...]
    tlp: Tlp
    revoked: bool
    provenance: Provenance | None
    notes: tuple[Note, ...] = ()

    @property
    def record(self) -> int:
        return self.root.record

    @property
    def line(self) -> int:
        return self.root.line

    def of_type(self, *types: str) -> tuple[StixObject, ...]:
        """The members of these types."""
        return tuple(member for member in self.members if member.type in types)
