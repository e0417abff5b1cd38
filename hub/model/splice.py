"""Records put together from untouched slices and cached fragments: what the router writes for every alert.

Each function gives exactly the bytes that avro.encode() would give for the model of the same name (a property test holds
the two together), about ten times as fast, and without opening what it passes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from .avro import encode
from .obligation import Obligation

NULL: Final = b"\x00"  # the first branch of an optional field
SOME: Final = b"\x02"  # the second: the value follows
NO_TERMS: Final = NULL
_END: Final = b"\x00"


def _long(number: int) -> bytes:
    """Avro's variable-length zig-zag form of a 64-bit number."""
    rest = (number << 1) ^ (number >> 63)
    if 0x4000 <= rest < 0x20_0000:  # most offsets
        return bytes((rest & 0x7F | 0x80, rest >> 7 & 0x7F | 0x80, rest >> 14))
    if 1 << 35 <= rest < 1 << 42:  # times of our days in milliseconds
        low, high = rest & 0x1F_FFFF, rest >> 21
        return bytes(
            (
                low & 0x7F | 0x80,
                low >> 7 & 0x7F | 0x80,
                low >> 14 | 0x80,
                high & 0x7F | 0x80,
                high >> 7 & 0x7F | 0x80,
                high >> 14,
            )
        )
    out = bytearray()
    while rest > 0x7F:
        out.append((rest & 0x7F) | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


_SMALL: Final = [_long(number) for number in range(4096)]


def long(number: int) -> bytes:
    return _SMALL[number] if 0 <= number < 4096 else _long(number)


@lru_cache(maxsize=65_536)
def string(text: str) -> bytes:
    data = text.encode()
    return long(len(data)) + data


@lru_cache(maxsize=65_536)
def strings(texts: tuple[str, ...]) -> bytes:
    return array([string(text) for text in texts])


def array(items: Sequence[bytes]) -> bytes:
    """An array of encoded items in a single block; an empty one is the single byte 00."""
    return b"".join((long(len(items)), *items, _END)) if items else _END


class Items(NamedTuple):
    """Encoded items of an array, joined."""

    size: int
    data: bytes

    def with_more(self, some: Sequence[bytes]) -> Items:
        return Items(self.size + len(some), b"".join((self.data, *some)))

    def encode(self) -> bytes:
        """See array()."""
        return long(self.size) + self.data + _END if self.size else _END


NO_ITEMS: Final = Items(0, b"")


def optional_string(text: str | None) -> bytes:
    return NULL if text is None else SOME + string(text)


@lru_cache(maxsize=4096)
def obligation(terms: Obligation | None) -> bytes:
    return NULL if terms is None else SOME + encode(terms)


def view(core: bytes, sections: Sequence[bytes]) -> bytes:
    """The alert as reduced for recipients that may see the same categories: slices of the alert, untouched."""
    return core + array(sections)


def stamp(decided_ms: int, bundle: bytes) -> bytes:
    """When, and under which bundle: what all that follows from a batch says alike."""
    return _long(decided_ms) + bundle


def delivery(
    *,
    id: bytes,  # noqa: A002  the field's name
    kind: str,
    recipient: str,
    alert: bytes,
    revision: int,
    number: int,
    stamp: bytes,
    terms: bytes = NO_TERMS,
    withdrawn: tuple[str, ...] = (),
    reason: str | None = None,
    view: bytes | None = None,
) -> bytes:
    """`view` stands last, so that who must not read it stops before it. `terms`: encoded, see obligation()."""
    head = (id, string(kind), string(recipient), alert, long(revision), long(number), stamp)
    return b"".join((*head, closing(terms, withdrawn, reason), NULL if view is None else SOME + view))


def closing(terms: bytes, withdrawn: tuple[str, ...], reason: str | None) -> bytes:
    """What stands in a delivery before its view."""
    return terms + strings(withdrawn) + optional_string(reason)


class Position(NamedTuple):
    """Where a record stood, and the one decided upon before it in the same topic and partition (-1: none)."""

    topic: str
    partition: int
    offset: int
    previous: int

    @property
    def place(self) -> bytes:
        """Encoded, without what came before it."""
        return string(self.topic) + long(self.partition) + long(self.offset)

    def encode(self) -> bytes:
        return self.place + long(self.previous)


@lru_cache(maxsize=65_536)
def outcome(agency: str, reason: str, categories: tuple[str, ...]) -> bytes:
    """One agency's outcome without the delivery's id, which stands last."""
    return string(agency) + string(reason) + strings(categories)


def delivery_id(identifier: bytes | None) -> bytes:
    return NULL if identifier is None else SOME + identifier


def present(heads: Iterable[bytes], sizes_bytes: Iterable[int]) -> bytes:
    """What each section is, as its head says it (category and version; see walk.py), and its size."""
    return array([head + long(size) for head, size in zip(heads, sizes_bytes, strict=True)])


def decision(
    source: Position,
    stamp: bytes,
    result: str,
    alert: bytes,
    present: bytes,
    outcomes: Items,
) -> bytes:
    """`alert`: the routing block and the core as one slice."""
    return b"".join((source.encode(), stamp, string(result), alert, present, outcomes.encode()))


def held(agency: str, number: int, revision: int, categories: tuple[str, ...], seen: bytes, owed: str | None) -> bytes:
    return b"".join((string(agency), long(number), long(revision), strings(categories), seen, optional_string(owed)))


def holding(
    *,
    originator: str,
    revision: int,
    cancelled: bool,
    content: bytes,
    source: Position,
    valid_until_ms: int,
    recipients: Sequence[bytes],
) -> bytes:
    flag = b"\x01" if cancelled else b"\x00"
    head = (string(originator), long(revision), flag, content, source.place, _long(valid_until_ms))
    return b"".join((*head, array(recipients)))


def position(next_offset: int, last_decided: int) -> bytes:
    return _long(next_offset) + _long(last_decided)
