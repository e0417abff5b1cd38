"""Native records as CAP 1.2 (OASIS), elements in the order of its schema. What is read back is equal.

Whatever version an alert was read in, 1.2 is written. Times keep their offset; UTC is `-00:00`, as CAP prescribes. The bytes
are a function of the record alone.
"""

import base64
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final
from xml.sax.saxutils import escape

from pydantic import Secret

from connectors.formats.cap_record import Area, CapAlert, Circle, Info, Named, Point, Reference, Resource

SPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNUSUAL: Final = re.compile(r"[\s,<&\"]")
_INDENT: Final = "  "

# An element to be written: its name and its text, or its children.
_Node = tuple[str, "str | list[_Node]"]


class CapRefused(ValueError):
    """The record makes no CAP 1.2 alert. Names the element, never a value."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.field = name


def write(alert: CapAlert) -> bytes:
    """The alert as a document in UTF-8. Raises CapRefused."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<alert xmlns="{SPACE}">']
    for node in _alert(alert):
        lines += _lines(node, 1, "")
    return ("\n".join([*lines, "</alert>"]) + "\n").encode()


def _lines(node: _Node, depth: int, path: str) -> Iterator[str]:
    name, content = node
    if isinstance(content, list):
        yield f"{_INDENT * depth}<{name}>"
        for child in content:
            yield from _lines(child, depth + 1, f"{path}{name}.")
        yield f"{_INDENT * depth}</{name}>"
    else:
        if _NOT_XML.search(content):
            raise CapRefused(path + name, "the text holds a character that XML cannot carry")
        yield f"{_INDENT * depth}<{name}>{escape(content, {chr(13): '&#13;'})}</{name}>"


def _alert(alert: CapAlert) -> Iterator[_Node]:
    if alert.message_type in ("Update", "Cancel") and not alert.references:
        raise CapRefused("references", "an update or cancel must cite the alert it is about")
    if alert.message_type in ("Alert", "Update") and not alert.infos:
        raise CapRefused("info", "an alert or update must have a block")
    yield "identifier", _key(alert.identifier, "identifier")
    yield "sender", _key(alert.sender, "sender")
    yield "sent", _time(alert.sent, "sent")
    yield "status", alert.status
    yield "msgType", alert.message_type
    yield from _texts(("source", alert.source))
    yield "scope", alert.scope
    yield from _texts(("restriction", alert.restriction), ("addresses", alert.addresses))
    yield from (("code", code) for code in alert.codes)
    yield from _texts(("note", alert.note))
    if alert.references:
        yield "references", " ".join(_reference(each) for each in alert.references)
    if alert.incidents:
        yield "incidents", " ".join(_incident(each) for each in alert.incidents)
    yield from (("info", list(_info(each))) for each in alert.infos)


def _info(info: Info) -> Iterator[_Node]:
    yield "language", info.language
    if not info.categories:
        raise CapRefused("info.category", "CAP requires a category")
    yield from (("category", each) for each in info.categories)
    yield "event", info.event
    yield from (("responseType", each) for each in info.response_types)
    yield "urgency", info.urgency
    yield "severity", info.severity
    yield "certainty", info.certainty
    yield from _texts(("audience", info.audience))
    yield from _named("eventCode", info.event_codes)
    for name, moment in (("effective", info.effective), ("onset", info.onset), ("expires", info.expires)):
        if moment is not None:
            yield name, _time(moment, f"info.{name}")
    yield from _texts(
        ("senderName", info.sender_name),
        ("headline", info.headline),
        ("description", info.description),
        ("instruction", info.instruction),
        ("web", info.web),
        ("contact", info.contact),
    )
    yield from _named("parameter", info.parameters)
    yield from (("resource", list(_resource(each))) for each in info.resources)
    yield from (("area", list(_area(each))) for each in info.areas)


def _resource(resource: Resource) -> Iterator[_Node]:
    yield "resourceDesc", _open(resource.description)
    yield "mimeType", resource.media_type
    if resource.size_bytes is not None:
        yield "size", str(resource.size_bytes)
    yield from _texts(("uri", resource.uri))
    if resource.content is not None:
        yield "derefUri", base64.b64encode(resource.content.get_secret_value()).decode("ascii")
    if resource.sha1 is not None:
        yield "digest", resource.sha1


def _area(area: Area) -> Iterator[_Node]:
    yield "areaDesc", _open(area.description)
    yield from (("polygon", _polygon(each.get_secret_value())) for each in area.polygons)
    yield from (("circle", _circle(each.get_secret_value())) for each in area.circles)
    yield from _named("geocode", area.geocodes)
    if area.altitude is not None:
        yield "altitude", area.altitude
    if area.ceiling is not None:
        yield "ceiling", area.ceiling


def _texts(*named: tuple[str, Secret[str] | None]) -> Iterator[_Node]:
    yield from ((name, _open(text)) for name, text in named if text is not None)


def _named(name: str, pairs: tuple[Named, ...]) -> Iterator[_Node]:
    for each in pairs:
        content: list[_Node] = [("valueName", each.name), ("value", _open(each.value))]
        yield name, content


def _open(text: Secret[str]) -> str:
    """This is the encoder: personal values are opened here."""
    return text.get_secret_value()


def _key(text: str, name: str) -> str:
    if not text or _UNUSUAL.search(text):
        raise CapRefused(name, "must not be empty nor hold blanks, commas, quotes, < or &")
    return text


def _reference(reference: Reference) -> str:
    sender, identifier = _key(reference.sender, "references"), _key(reference.identifier, "references")
    return f"{sender},{identifier},{_time(reference.sent, 'references')}"


def _incident(text: str) -> str:
    if not text or '"' in text:
        raise CapRefused("incidents", "must not be empty nor hold quotes")
    return f'"{text}"' if re.search(r"\s", text) else text


def _time(moment: datetime, name: str) -> str:
    if moment.utcoffset() is None:
        raise CapRefused(name, "the time has no offset from UTC")
    text = moment.replace(microsecond=0).isoformat()
    return f"{text[:-6]}-00:00" if text.endswith("+00:00") else text


def _polygon(points: tuple[Point, ...]) -> str:
    return " ".join(f"{_degrees(latitude)},{_degrees(longitude)}" for latitude, longitude in points)


def _circle(circle: Circle) -> str:
    return f"{_degrees(circle.latitude)},{_degrees(circle.longitude)} {_degrees(circle.radius_km)}"


def _degrees(number: float) -> str:
    """The shortest decimals that give the same number, to 15 places, without an exponent; a whole one without a point."""
    return format(Decimal(repr(round(float(number), 15))), "f").removesuffix(".0")
