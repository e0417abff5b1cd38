"""An alert's bytes cut into slices without decoding them: what the router reads of each alert.

The walk checks lengths, counts and the canonical form of every number that it steps over; what it cannot prove it refuses
(NotProven), and the caller decodes strictly instead. It leaves the contents of attribute slices to avro.attribute(), which
is strict, and whose result is remembered by the slice: an attribute's bytes are proven once, not for every alert. Sections'
payloads are nobody's business here.
"""

from __future__ import annotations

from typing import NamedTuple

from .codes import ATTRIBUTES, COUNTS, MULTIPLE


class NotProven(Exception):
    """These bytes may or may not be an alert's canonical encoding: the walk cannot tell."""


class SectionSlice(NamedTuple):
    category: str
    version: int
    data: bytes


class Walked(NamedTuple):
    """Slices of one alert. `attributes` are in the order of codes.ATTRIBUTES; `stable` is the core from kind to caveats,
    `digests` the rest of it; `alert` is routing block and core together."""

    attributes: tuple[bytes, ...]
    label: bytes
    core_label: bytes
    routing: bytes
    alert: bytes
    core: bytes
    stable: bytes
    digests: bytes
    id: bytes
    revision: int
    created_ms: int
    kind: bytes
    originator: bytes
    valid_until_ms: int
    caveats: bytes
    sections: tuple[SectionSlice, ...]


def walk(body: bytes) -> Walked:
    """The slices of an alert's Avro body. Raises NotProven."""
    try:
        walked, end = _alert(body)
    except IndexError:
        raise NotProven from None
    if end != len(body):
        raise NotProven
    return walked


def _alert(body: bytes) -> tuple[Walked, int]:
    attributes = []
    start = label_end = at = 0
    for step in _STEPS:
        start, at = at, step(body, at)
        attributes.append(body[start:at])
        if len(attributes) == _LABEL_FIELDS:
            label_end = at
    routing_end = at
    identifier, at = body[at : at + 16], at + 16
    revision, at = _long(body, at)
    created_ms, at = _long(body, at)
    stable_start = at
    at = _skip_string(body, start := at)
    kind = body[start:at]
    at = _skip_string(body, start := at)
    originator = body[start:at]
    at = _skip_optional_long(body, at)
    valid_until_ms, at = _long(body, at)
    label_start = at
    for step in _STEPS[:_LABEL_FIELDS]:
        at = step(body, at)
    core_label = body[label_start:at]
    at = _skip_strings(body, start := at)
    caveats, stable_end = body[start:at], at
    at = _skip_fixed(body, at, 32)
    core_end = at
    sections, at = _sections(body, at)
    walked = Walked(
        tuple(attributes),
        body[:label_end],
        core_label,
        body[:routing_end],
        body[:core_end],
        body[routing_end:core_end],
        body[stable_start:stable_end],
        body[stable_end:core_end],
        identifier,
        revision,
        created_ms,
        kind,
        originator,
        valid_until_ms,
        caveats,
        sections,
    )
    return walked, at


def _sections(body: bytes, at: int) -> tuple[tuple[SectionSlice, ...], int]:
    count, at = _count(body, at)
    sections = []
    for _ in range(count):
        start = at
        at = _skip_string(body, at)
        category = body[start + (1 if body[start] < 0x80 else 2) : at]
        if not category.isascii() or len(category) > 64:
            raise NotProven
        version, at = _long(body, at)
        at += 16
        size, at = _long(body, at)
        if size < 0:
            raise NotProven
        at += size
        if at > len(body):
            raise NotProven
        sections.append(SectionSlice(category.decode("ascii"), version, body[start:at]))
    return tuple(sections), _end_of_array(body, at, count)


def _raw(body: bytes, at: int) -> tuple[int, int]:
    """A variable-length number of up to ten bytes, still zig-zag, in its shortest form."""
    byte = body[at]
    if byte < 0x80:
        return byte, at + 1
    number, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = body[at]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise NotProven
    if byte == 0 or number >> 64:
        raise NotProven
    return number, at + 1


def _long(body: bytes, at: int) -> tuple[int, int]:
    raw, at = _raw(body, at)
    return (raw >> 1) ^ -(raw & 1), at


def _count(body: bytes, at: int) -> tuple[int, int]:
    """The length of a string or of a single-block array: never negative."""
    raw, at = _raw(body, at)
    if raw & 1:
        raise NotProven
    return raw >> 1, at


def _end_of_array(body: bytes, at: int, count: int) -> int:
    """An array that is not empty ends in a zero; an empty one is that zero."""
    if not count:
        return at
    if body[at] != 0:
        raise NotProven
    return at + 1


def _skip_long(body: bytes, at: int) -> int:
    return _raw(body, at)[1]


def _skip_optional_long(body: bytes, at: int) -> int:
    if body[at] == 0:
        return at + 1
    if body[at] != 2:
        raise NotProven
    return _raw(body, at + 1)[1]


def _skip_string(body: bytes, at: int) -> int:
    byte = body[at]
    if byte < 0x80 and not byte & 1:  # nearly always
        return at + 1 + (byte >> 1)
    size, at = _count(body, at)
    return at + size


def _skip_strings(body: bytes, at: int) -> int:
    if body[at] == 0:
        return at + 1
    count, at = _count(body, at)
    for _ in range(count):
        at = _skip_string(body, at)
    return _end_of_array(body, at, count)


def _skip_fixed(body: bytes, at: int, size: int) -> int:
    count, at = _count(body, at)
    return _end_of_array(body, at + count * size, count)


def _skip_references(body: bytes, at: int) -> int:
    count, at = _count(body, at)
    for _ in range(count):
        at = _skip_long(body, at + 16)
    return _end_of_array(body, at, count)


_LABEL_FIELDS = ATTRIBUTES.index("credibility") + 1
_STEPS = tuple(
    _skip_references
    if name == "derived_from"
    else _skip_long
    if name in COUNTS
    else _skip_strings
    if name in MULTIPLE
    else _skip_string
    for name in ATTRIBUTES
)
