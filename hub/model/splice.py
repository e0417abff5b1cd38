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

_NULL: Final = b"\x00"
NO_TERMS: Final = _NULL
_SOME: Final = b"\x02"
_END: Final = b"\x00"


def _long(number: int) -> bytes:
    """Avro's variable-length zig-zag form of a 64-bit number."""
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append((rest & 0x7F) | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


_SMALL: Final = [_long(number) for number in range(4096)]


def long(number: int) -> bytes:
    return _SMALL[number] if 0 <= number < 4096 else _long(number)


@lru_cache(maxsize=4_096)
def moment(time_ms: int) -> bytes:
    """A time that many records of a batch share."""
    return _long(time_ms)


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


def optional_string(text: str | None) -> bytes:
    return _NULL if text is None else _SOME + string(text)


@lru_cache(maxsize=4096)
def obligation(terms: Obligation | None) -> bytes:
    return _NULL if terms is None else _SOME + encode(terms)


def view(core: bytes, sections: Sequence[bytes]) -> bytes:
    """The alert as reduced for recipients that may see the same categories: slices of the alert, untouched."""
    return core + array(sections)


def delivery(
    *,
    id: bytes,  # noqa: A002  the field's name
    kind: str,
    recipient: str,
    alert: bytes,
    revision: int,
    number: int,
    decided_ms: int,
    bundle: bytes,
    terms: bytes = NO_TERMS,
    withdrawn: tuple[str, ...] = (),
    reason: str | None = None,
    view: bytes | None = None,
) -> bytes:
    """`view` stands last, so that who must not read it stops before it. `terms`: encoded, see obligation()."""
    head = (id, string(kind), string(recipient), alert, long(revision), long(number), moment(decided_ms), bundle)
    tail = (terms, strings(withdrawn), optional_string(reason))
    return b"".join((*head, *tail, _NULL if view is None else _SOME + view))


class Position(NamedTuple):
    """Where a record stood, and the one decided upon before it in the same topic and partition (-1: none)."""

    topic: str
    partition: int
    offset: int
    previous: int

    def encode(self) -> bytes:
        return string(self.topic) + long(self.partition) + long(self.offset) + long(self.previous)


@lru_cache(maxsize=65_536)
def outcome(agency: str, reason: str, categories: tuple[str, ...]) -> bytes:
    """One agency's outcome without the delivery's id, which stands last."""
    return string(agency) + string(reason) + strings(categories)


def delivery_id(identifier: bytes | None) -> bytes:
    return _NULL if identifier is None else _SOME + identifier


def present(sections: Iterable[tuple[str, int, int]]) -> bytes:
    """Category, version and size in bytes of each section."""
    return array([string(category) + long(version) + long(size) for category, version, size in sections])


def decision(
    source: Position,
    decided_ms: int,
    bundle: bytes,
    result: str,
    alert: bytes,
    present: bytes,
    outcomes: Sequence[bytes],
) -> bytes:
    """`alert`: the routing block and the core as one slice."""
    head = (source.encode(), moment(decided_ms), bundle, string(result))
    return b"".join((*head, alert, present, array(outcomes)))


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
    place = string(source.topic) + long(source.partition) + long(source.offset)
    return b"".join(
        (string(originator), long(revision), flag, content, place, _long(valid_until_ms), array(recipients))
    )


def position(next_offset: int, last_decided: int) -> bytes:
    return _long(next_offset) + _long(last_decided)
