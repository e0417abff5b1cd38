"""An alert's bytes cut into slices without decoding them: what the router reads of each alert.

The walk checks lengths, counts and the canonical form of every number that it steps over. It leaves the contents of the
slices of routing block and core that hold text (attributes, core_label, kind, originator, caveats) to avro.attribute(),
which is strict, and whose result is remembered by the slice: a slice is proven once, not for every alert. Where those hold,
the walk and the strict decoder give one verdict. Sections' payloads are nobody's business here.

This is the hot path's hottest part: what is nearly always short (a length, a count, a version) is read in line, and all
else by the functions below, which take any form and refuse what is not canonical.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from .codes import ATTRIBUTES, COUNTS, MULTIPLE

REMEMBERED_MAX_BYTES: Final = 4096  # of a routing block; with the number of blocks, 32 MiB at most
REMEMBERED_BLOCKS: Final = 8192
REMEMBERED_HEADS: Final = 4096  # of sections, 70 bytes each at most
CATEGORY_MAX_BYTES: Final = 64


class NotProven(Exception):
    """These bytes are not an alert's canonical encoding, or have a section whose category can be in no bundle."""


class Kind(NamedTuple):
    """What a section is, whatever stands in it."""

    category: str
    version: int


class Walked(NamedTuple):
    """Slices of one alert. `attributes` are in the order of codes.ATTRIBUTES; `stable` is the core from kind to caveats,
    `digests` the rest of it; `alert` is routing block and core together. `sections` are each section's bytes, `heads` what
    each begins with: category and version, which kind_of() opens."""

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
    observed_ms: int | None
    valid_until_ms: int
    caveats: bytes
    heads: tuple[bytes, ...]
    sections: tuple[bytes, ...]


def walk(body: bytes, key: bytes | None = None) -> Walked:
    """The slices of an alert's Avro body. Raises NotProven.

    `key`: the record's key, which should be the alert's id. It changes nothing but the time this takes: the id stands where
    the routing block ends, and a block that was seen before need not be walked again. Whether id and key are the same is
    for the caller to see.
    """
    try:
        return _alert(body, key)
    except (IndexError, UnicodeDecodeError):  # past the end; a category that is not ASCII
        raise NotProven from None


def _alert(body: bytes, key: bytes | None) -> Walked:
    attributes, label, routing_end = _remembered_routing(body, key) or _routing(body)
    id_end = routing_end + 16
    revision, at = _long(body, id_end)
    created_ms, stable_start = _moment(body, at)
    originator_start = _skip_string(body, stable_start)
    originator_end = _skip_string(body, originator_start)
    observed_ms, at = _optional_long(body, originator_end)
    valid_until_ms, label_start = _moment(body, at)
    same_label = body.startswith(label, label_start)
    caveats_start = label_start + len(label) if same_label else _skip_label(body, label_start)
    stable_end = _skip_strings(body, caveats_start)
    core_end = _skip_digests(body, stable_end)
    heads, sections = _sections(body, core_end)
    fields = (  # in the order of Walked
        attributes,
        label,
        label if same_label else body[label_start:caveats_start],
        body[:routing_end],
        body[:core_end],
        body[routing_end:core_end],
        body[stable_start:stable_end],
        body[stable_end:core_end],
        body[routing_end:id_end],
        revision,
        created_ms,
        body[stable_start:originator_start],
        body[originator_start:originator_end],
        observed_ms,
        valid_until_ms,
        body[caveats_start:stable_end],
        heads,
        sections,
    )
    return _new(Walked, fields)


_Routing = tuple[tuple[bytes, ...], bytes, int]  # the attributes, the label, where the block ends


def _routing(body: bytes) -> _Routing:
    attributes = []
    at = 0
    for step in _STEPS:
        start, at = at, step(body, at)
        attributes.append(body[start:at])
    return tuple(attributes), b"".join(attributes[:_LABEL_FIELDS]), at


def _remembered_routing(body: bytes, key: bytes | None) -> _Routing | None:
    """The routing block by memory, if all that stands before the key is one."""
    end = body.find(key, 0, REMEMBERED_MAX_BYTES) if key else -1
    return _whole_routing(body[:end]) if end > 0 else None


@lru_cache(maxsize=REMEMBERED_BLOCKS)
def _whole_routing(block: bytes) -> _Routing | None:
    try:
        found = _routing(block)
    except (NotProven, IndexError):
        return None
    return found if found[2] == len(block) else None


def _sections(body: bytes, at: int) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """The heads and the whole of each section. A head that was seen before is found again by its bytes alone: its
    encoding tells where it ends."""
    count, at = _count(body, at)
    heads, sections = [], []
    for _ in range(count):
        start = at
        at += 2 + (body[at] >> 1)  # a short category, and a version of one byte
        head = body[start:at]
        if head not in _known_heads:
            at = _skip_head(body, start)
            head = body[start:at]
        heads.append(head)
        at += 16  # the salt
        low, high = body[at], body[at + 1]
        if low & 0x81 == 0x80 and 0 < high < 0x80:  # a payload of 64 to 8,191 bytes
            at += 2 + ((low & 0x7F | high << 7) >> 1)
        else:
            size, at = _count(body, at)
            at += size
        sections.append(body[start:at])
    if _end_of_array(body, at, count) != len(body):
        raise NotProven
    return tuple(heads), tuple(sections)


def _skip_head(body: bytes, start: int) -> int:
    size, at = _count(body, start)
    if size > CATEGORY_MAX_BYTES:
        raise NotProven
    category = body[at : at + size].decode("ascii")
    version, at = _long(body, at + size)
    if len(_known_heads) >= REMEMBERED_HEADS:
        _known_heads.clear()
    _known_heads[body[start:at]] = Kind(category, version)
    return at


def kind_of(head: bytes) -> Kind:
    """What the head of a section says. Raises NotProven if it is none."""
    known = _known_heads.get(head)
    if known is None:
        if _skip_head(head, 0) != len(head):
            raise NotProven
        known = _known_heads[head]
    return known


def _long(body: bytes, at: int) -> tuple[int, int]:
    raw, at = _raw(body, at)
    return (raw >> 1) ^ -(raw & 1), at


def _moment(body: bytes, at: int) -> tuple[int, int]:
    """A number that is a time in milliseconds, which takes six bytes from July 1970 to 2039. Others are read as any number."""
    word = int.from_bytes(body[at : at + 6], "little")
    if word & 0x8080_8080_8081 != 0x0080_8080_8080 or not word >> 40:
        return _long(body, at)
    low = (word & 0x7F) >> 1 | (word & 0x7F00) >> 2 | (word & 0x7F_0000) >> 3
    return low | (word & 0x7F00_0000) >> 4 | (word & 0x7F_0000_0000) >> 5 | (word & 0x7F00_0000_0000) >> 6, at + 6


def _count(body: bytes, at: int) -> tuple[int, int]:
    """The length of text or of a single-block array: never negative."""
    raw, at = _raw(body, at)
    if raw & 1:
        raise NotProven
    return raw >> 1, at


def _raw(body: bytes, at: int) -> tuple[int, int]:
    """A variable-length number of up to ten bytes, still zig-zag, in its shortest form."""
    byte = body[at]
    if byte < 0x80:
        return byte, at + 1
    second = body[at + 1]
    if 0 < second < 0x80:
        return byte & 0x7F | second << 7, at + 2
    return _long_raw(body, at)


def _long_raw(body: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    for byte in body[at : at + 10]:
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if not byte or number >> 64:
                raise NotProven
            return number, at
        shift += 7
    raise NotProven


def _end_of_array(body: bytes, at: int, count: int) -> int:
    """An array that is not empty ends in a zero; an empty one is that zero."""
    if not count:
        return at
    if body[at]:
        raise NotProven
    return at + 1


def _skip_string(body: bytes, at: int) -> int:
    byte = body[at]
    if not byte & 0x81:  # nearly always
        return at + 1 + (byte >> 1)
    size, at = _count(body, at)
    return at + size


def _skip_strings(body: bytes, at: int) -> int:
    if not body[at]:
        return at + 1
    count, at = _count(body, at)
    for _ in range(count):
        at = _skip_string(body, at)
    return _end_of_array(body, at, count)


def _skip_number(body: bytes, at: int) -> int:
    return at + 1 if body[at] < 0x80 else _raw(body, at)[1]


def _optional_long(body: bytes, at: int) -> tuple[int | None, int]:
    if not body[at]:
        return None, at + 1
    if body[at] != 2:
        raise NotProven
    return _moment(body, at + 1)


def _skip_label(body: bytes, at: int) -> int:
    for step in _STEPS[:_LABEL_FIELDS]:
        at = step(body, at)
    return at


def _skip_digests(body: bytes, at: int) -> int:
    count, at = _count(body, at)
    return _end_of_array(body, at + count * 32, count)


def _skip_references(body: bytes, at: int) -> int:
    count, at = _count(body, at)
    for _ in range(count):
        at = _skip_number(body, at + 16)
    return _end_of_array(body, at, count)


_new = tuple.__new__  # a NamedTuple's own constructor takes twice the time
_known_heads: Final[dict[bytes, Kind]] = {}
_LABEL_FIELDS: Final = ATTRIBUTES.index("credibility") + 1
_STEPS: Final = tuple(
    _skip_references
    if name == "derived_from"
    else _skip_number
    if name in COUNTS
    else _skip_strings
    if name in MULTIPLE
    else _skip_string
    for name in ATTRIBUTES
)
