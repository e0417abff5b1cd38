"""Alerts as STIX 2.1 bundles, for partners that exchange by STIX.

The same alert gives the same object ids in every revision (`stix_ids.py`), so a partner's platform updates what it holds,
and what comes back is known to be ours. Every object made of the alert bears one TLP 2.0 marking, whose definition is in the
bundle as OASIS publishes it, the originator's identity as its creator, and an external reference to alert and revision. The
bytes are a function of the input alone. What of an alert goes into which object is the connector's business.
"""

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from pydantic import Secret

from connectors.formats.stix_ids import REPORT, SOURCE_NAME, external_id, identity_id, object_id
from connectors.formats.stix_markings import TLP_2_CREATED, TLP_2_EXTENSION, TLP_2_IDS, Tlp
from connectors.formats.strict_json import JsonValue

PartType = Literal["identity", "threat-actor", "intrusion-set", "location", "incident", "indicator", "note", "opinion"]
Writable = JsonValue | Secret[str] | Sequence["Writable"] | Mapping[str, "Writable"]

# What STIX 2.1 requires of the types beside the common properties; notes and opinions are about the report if not said.
_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "identity": ("name",),
    "threat-actor": ("name",),
    "intrusion-set": ("name",),
    "location": (),
    "incident": ("name",),
    "indicator": ("pattern", "pattern_type", "valid_from"),
    "note": ("content",),
    "opinion": ("opinion",),
}
_OURS: Final = frozenset(
    {
        "type",
        "spec_version",
        "id",
        "created",
        "modified",
        "created_by_ref",
        "object_marking_refs",
        "revoked",
        "external_references",
    }
)
_WITHDRAWN: Final = "Withdrawn"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class StixRefused(ValueError):
    """What was to be written makes no STIX object. Names the part and the property, never a value."""

    def __init__(self, part: str, name: str, why: str) -> None:
        super().__init__(f"{part}.{name}: {why}")
        self.part = part
        self.field = name


@dataclass(frozen=True, slots=True)
class Originator:
    """The agency that an alert comes from: its id and public name."""

    agency: str
    name: str
    sectors: tuple[str, ...] = ("government",)


@dataclass(frozen=True, slots=True)
class Part:
    """One object beside the report. `key` names it within the alert (`s1`); `properties` are those of its STIX type."""

    key: str
    type: PartType
    properties: Mapping[str, Writable] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Link:
    """A relationship between two parts, by their keys."""

    source: str
    kind: str
    target: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One revision of an alert. Times in milliseconds since 1970; `revised_ms` must grow with `revision`.

    `created_ms` is when the first revision was made; None takes it from the alert's id, which is a UUIDv7 and holds it.
    """

    alert: str
    revision: int
    revised_ms: int
    originator: Originator
    tlp: Tlp
    name: str
    text: Secret[str] | None = None
    report_types: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    language: str | None = None
    parts: tuple[Part, ...] = ()
    links: tuple[Link, ...] = ()
    created_ms: int | None = None


def bundle(outgoing: Outgoing) -> bytes:
    """The bundle (UTF-8 JSON): marking, originator, parts, relationships, report. Raises StixRefused."""
    writer = _Writer(
        outgoing.alert, outgoing.revision, outgoing.revised_ms, outgoing.created_ms, outgoing.tlp, outgoing.originator
    )
    parts = {part.key: part for part in outgoing.parts}
    if len(parts) < len(outgoing.parts):
        raise StixRefused("parts", "key", "two parts have the same key")
    objects = [writer.part(part, parts) for part in outgoing.parts]
    objects += [writer.link(link, parts) for link in outgoing.links]
    refs = [item["id"] for item in objects] or [writer.creator]
    report: dict[str, Writable] = {
        "name": outgoing.name,
        "description": outgoing.text,
        "report_types": list(outgoing.report_types) or None,
        "labels": list(outgoing.labels) or None,
        "lang": outgoing.language,
        "published": writer.created,
        "object_refs": refs,
    }
    return writer.bundle([*objects, writer.made("report", REPORT, report)])


def withdrawal(
    alert: str,
    revision: int,
    revised_ms: int,
    originator: Originator,
    tlp: Tlp,
    parts: Sequence[tuple[str, PartType]] = (),
    links: Sequence[tuple[Link, PartType, PartType]] = (),
    created_ms: int | None = None,
) -> bytes:
    """The bundle that takes an alert back: the report and the named parts as revoked, with no data of the alert.

    `parts` are the keys and types of what was sent, `links` the relationships with the types of their ends. A revoked object
    must still have what its type requires: names and texts are the word Withdrawn.
    """
    writer = _Writer(alert, revision, revised_ms, created_ms, tlp, originator, revoked=True)
    objects = [writer.made(kind, key, _empty(kind, writer)) for key, kind in parts]
    for link, source, target in links:
        ends = {link.source: Part(link.source, source, {}), link.target: Part(link.target, target, {})}
        objects.append(writer.link(link, ends))
    refs = [item["id"] for item in objects] or [writer.creator]
    report: dict[str, Writable] = {"name": _WITHDRAWN, "published": writer.created, "object_refs": refs}
    return writer.bundle([*objects, writer.made("report", REPORT, report)])


def _empty(kind: PartType, writer: "_Writer") -> dict[str, Writable]:
    """The least that a revoked object of a type may say."""
    report = object_id(writer.alert, REPORT, "report")
    known: dict[str, Writable] = {
        "name": _WITHDRAWN,
        "content": _WITHDRAWN,
        "opinion": "neutral",
        "pattern": "[x-withdrawn:value = 'withdrawn']",
        "pattern_type": "stix",
        "valid_from": writer.created,
    }
    needed = {name: known[name] for name in _REQUIRED[kind]}
    if kind in ("note", "opinion"):
        needed["object_refs"] = [report]
    return {**needed, "region": "world"} if kind == "location" else needed


class _Writer:
    """What all objects of one bundle share."""

    def __init__(
        self,
        alert: str,
        revision: int,
        revised_ms: int,
        created_ms: int | None,
        tlp: Tlp,
        originator: Originator,
        *,
        revoked: bool = False,
    ) -> None:
        self.alert = alert.lower()
        self.creator = identity_id(originator.agency)
        first_ms = _made_ms(alert) if created_ms is None else created_ms
        if first_ms > revised_ms:
            raise StixRefused("alert", "revised_ms", "the revision is older than the alert")
        self.created = _time(first_ms)
        self._revision = revision
        self._modified = _time(revised_ms)
        self._tlp = tlp
        self._originator = originator
        self._revoked = revoked

    def part(self, part: Part, parts: Mapping[str, Part]) -> dict[str, JsonValue]:
        for name in _REQUIRED.get(part.type, ()):
            if part.properties.get(name) is None:
                raise StixRefused(part.key, name, f"STIX 2.1 requires it of the type {part.type}")
        if part.type == "location" and not {"country", "region", "latitude"} & {*part.properties}:
            raise StixRefused(part.key, "country", "STIX 2.1 requires a country, a region or coordinates of a location")
        if part.type not in _REQUIRED:
            raise StixRefused(part.key, "type", "not a type that is written here")
        if ours := sorted(_OURS & set(part.properties)):
            raise StixRefused(part.key, ours[0], "is set by the writer")
        properties = dict(part.properties)
        if part.type in ("note", "opinion"):
            about = properties.pop("about", None)
            keys = [about] if isinstance(about, str) else about if isinstance(about, Sequence) else ()
            refs = [self._ref(str(key), parts, part.key, "about") for key in keys]
            properties.setdefault("object_refs", refs or [object_id(self.alert, REPORT, "report")])
        return self.made(part.type, part.key, properties)

    def link(self, link: Link, parts: Mapping[str, Part]) -> dict[str, JsonValue]:
        key = f"{link.source}/{link.kind}/{link.target}"
        if not _CODE.fullmatch(link.kind):
            raise StixRefused(link.source, "kind", "a relationship's kind is lower case letters, digits and hyphens")
        source = self._ref(link.source, parts, link.source, "source")
        target = self._ref(link.target, parts, link.source, "target")
        ends: dict[str, Writable] = {"relationship_type": link.kind, "source_ref": source, "target_ref": target}
        return self.made("relationship", key, ends)

    def _ref(self, key: str, parts: Mapping[str, Part], part: str, name: str) -> str:
        if key not in parts:
            raise StixRefused(part, name, "names no part of this alert")
        return object_id(self.alert, key, parts[key].type)

    def made(self, kind: str, key: str, properties: Mapping[str, Writable]) -> dict[str, JsonValue]:
        source: dict[str, JsonValue] = {
            "source_name": SOURCE_NAME,
            "external_id": external_id(self.alert, self._revision),
        }
        item: dict[str, JsonValue] = {
            "type": kind,
            "spec_version": "2.1",
            "id": object_id(self.alert, key, kind),
            "created": self.created,
            "modified": self._modified,
            "created_by_ref": self.creator,
            "object_marking_refs": [TLP_2_IDS[self._tlp]],
            "external_references": [source],
        }
        if self._revoked:
            item["revoked"] = True
        item.update((name, _plain(value)) for name, value in properties.items() if value is not None)
        return item

    def bundle(self, objects: list[dict[str, JsonValue]]) -> bytes:
        everything: list[JsonValue] = [*self._shared(), *objects]
        kind = "withdrawal" if self._revoked else "bundle"
        identifier = object_id(self.alert, f"{kind}/{self._revision}", "bundle")
        found = {"type": "bundle", "id": identifier, "objects": everything}
        try:
            return json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        except ValueError:  # its own words would repeat the text
            raise StixRefused("bundle", "objects", "a text holds a lone surrogate, or a number is not finite") from None

    def _shared(self) -> Iterator[dict[str, JsonValue]]:
        yield {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": TLP_2_IDS[self._tlp],
            "created": TLP_2_CREATED,
            "name": f"TLP:{self._tlp}",
            "extensions": {TLP_2_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": self._tlp.lower()}},
        }
        # The agency, not the alert: the same in every bundle, so no time and no marking of this alert may be in it.
        yield {
            "type": "identity",
            "spec_version": "2.1",
            "id": self.creator,
            "created": TLP_2_CREATED,
            "modified": TLP_2_CREATED,
            "name": self._originator.name,
            "identity_class": "organization",
            "sectors": list(self._originator.sectors),
        }


def _plain(value: Writable) -> JsonValue:
    """The value without its wrapping: this is the encoder, so personal values are opened here."""
    if isinstance(value, Secret):
        return _plain(value.get_secret_value())
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def _made_ms(alert: str) -> int:
    """The time in a UUIDv7 (RFC 9562 section 5.7)."""
    try:
        identifier = uuid.UUID(alert)
    except ValueError:
        raise StixRefused("alert", "id", "an alert's id is a UUID") from None
    if identifier.version != 7:
        raise StixRefused("alert", "created_ms", "the alert's id holds no time: say when the alert was made")
    return identifier.int >> 80


def _time(time_ms: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
