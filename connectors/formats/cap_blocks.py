"""What is nested in a CAP info block: named values, resources and areas.

Geometry and embedded files are checked here and left out with a note when they cannot be what they say: the alert is urgent
and its words are usable without them.
"""

import base64
import binascii
import hashlib
import math
import re
from dataclasses import dataclass
from typing import Final

from pydantic import Secret

from connectors.formats.cap_record import Area, Circle, Named, Point, Resource, Version
from connectors.formats.cap_values import Reader, Unusable
from connectors.formats.cap_xml import Element
from connectors.formats.records import Note

UNKNOWN_MEDIA_TYPE: Final = "application/octet-stream"
_NUMBER: Final = r"[+-]?\d{1,3}(?:\.\d{1,30})?"
_POINT: Final = re.compile(rf"({_NUMBER}),({_NUMBER})", re.ASCII)
_CIRCLE: Final = re.compile(rf"({_NUMBER}),({_NUMBER})\s+(\d{{1,5}}(?:\.\d{{1,30}})?)", re.ASCII)
_SIZE: Final = re.compile(r"\d{1,15}", re.ASCII)
_SHA1: Final = re.compile(r"[0-9a-fA-F]{40}")
_WIDEST_KM: Final = 20_100.0  # half round the earth


@dataclass(slots=True)
class Blocks:
    """Reads the nested elements of one info block."""

    info: Reader
    version: Version

    def pairs(self, name: str, reader: Reader | None = None) -> list[tuple[str, str]]:
        """Names and values: elements `valueName` and `value`, or, in CAP 1.0, a text `name=value`."""
        found = []
        for each in (reader or self.info).nested(name):
            if each.element.children or self.version != "1.0":
                named, value = each.text("valueName") or "", each.text("value") or ""
            else:
                named, _, value = each.element.text.partition("=")
            if named.strip() and value.strip():
                found.append((named.strip(), value.strip()))
        return found

    def named(self, name: str, reader: Reader | None = None) -> tuple[Named, ...]:
        return tuple(Named(named, Secret(value)) for named, value in self.pairs(name, reader))

    def resources(self) -> tuple[Resource, ...]:
        return tuple(self._resource(each) for each in self.info.nested("resource"))

    def _resource(self, reader: Reader) -> Resource:
        media_type = reader.text("mimeType")
        if media_type is None:
            reader.notes.append(Note("media-type-missing", "info.resource.mimeType"))
        size, digest = reader.text("size"), reader.text("digest")
        if size is not None and not _SIZE.fullmatch(size):
            reader.notes.append(Note("size-invalid", "info.resource.size"))
            size = None
        if digest is not None and not _SHA1.fullmatch(digest):
            reader.notes.append(Note("digest-differs", "info.resource.digest"))
            digest = None
        content = self._content(reader, digest)
        return Resource(
            description=Secret(reader.text("resourceDesc") or ""),
            media_type=media_type or UNKNOWN_MEDIA_TYPE,
            size_bytes=int(size) if size is not None else None,
            uri=reader.secret("uri"),
            content=None if content is None else Secret(content),
            sha1=digest.lower() if digest is not None else None,
        )

    def _content(self, reader: Reader, digest: str | None) -> bytes | None:
        """The embedded file. Its digest is checked against mistakes; SHA-1, which CAP prescribes, holds off no forger."""
        found = reader.one("derefUri")
        if found is None or not found.text:
            return None
        encoded = "".join(found.text.split())
        problem = ""
        content = b""
        if len(encoded) // 4 * 3 > reader.limits.content_bytes + 3:
            problem = "resource-too-large"
        else:
            try:
                content = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                problem = "resource-unreadable"
        if not problem and len(content) > reader.limits.content_bytes:
            problem = "resource-too-large"
        if not problem and digest and hashlib.sha1(content, usedforsecurity=False).hexdigest() != digest.lower():
            problem = "digest-differs"
        if problem:
            reader.notes.append(Note(problem, "info.resource.derefUri"))
            return None
        return content

    def areas(self) -> tuple[Area, ...]:
        return tuple(self._area(each) for each in self.info.nested("area"))

    def _area(self, reader: Reader) -> Area:
        polygons = [
            self._polygon(each, reader) for each in reader.elements("polygon", reader.limits.items) if each.text
        ]
        circles = [self._circle(each, reader) for each in reader.elements("circle", reader.limits.items) if each.text]
        return Area(
            description=Secret(reader.text("areaDesc") or ""),
            polygons=tuple(Secret(polygon) for polygon in polygons if polygon is not None),
            circles=tuple(Secret(circle) for circle in circles if circle is not None),
            geocodes=self.named("geocode", reader),
            altitude=reader.text("altitude"),
            ceiling=reader.text("ceiling"),
        )

    def _polygon(self, element: Element, reader: Reader) -> tuple[Point, ...] | None:
        """Points `lat,lon` apart by blanks; the last must be the first."""
        texts = element.text.split()
        if len(texts) > reader.limits.points:
            raise Unusable("cap-too-many-items", element.line, "info.area.polygon")
        points = [_point(match[1], match[2]) for text in texts if (match := _POINT.fullmatch(text))]
        valid = [point for point in points if point is not None]
        if len(valid) == len(texts) >= 4 and valid[0] == valid[-1]:
            return tuple(valid)
        reader.notes.append(Note("geometry-invalid", "info.area.polygon"))
        return None

    def _circle(self, element: Element, reader: Reader) -> Circle | None:
        """`lat,lon radius`, the radius in kilometres."""
        match = _CIRCLE.fullmatch(element.text)
        centre = _point(match[1], match[2]) if match else None
        if match is None or centre is None or float(match[3]) > _WIDEST_KM:
            reader.notes.append(Note("geometry-invalid", "info.area.circle"))
            return None
        return Circle(*centre, float(match[3]))


def _point(latitude: str, longitude: str) -> Point | None:
    point = (float(latitude), float(longitude))
    return point if math.fabs(point[0]) <= 90 and math.fabs(point[1]) <= 180 else None
