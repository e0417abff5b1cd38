"""A record `Decision` cut into what replay reads of it, without decoding it: several times as fast as avro.decode().

It is a record of the hub's own, but it is cut as carefully as an alert (walk.py, whose steps these are): what is not the
form that the router writes raises NotProven. A test holds it and the strict decoder to one result.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from .avro import attribute
from .codes import ATTRIBUTES
from .walk import (
    NotProven,
    _count,
    _end_of_array,
    _long,
    _moment,
    _optional_long,
    _remembered_routing,
    _routing,
    _skip_digests,
    _skip_label,
    _skip_number,
    _skip_string,
    _skip_strings,
)

PERMITTED: Final = "permitted"
_BUNDLE_BYTES: Final = 32
_ID_BYTES: Final = 16


class Recorded(NamedTuple):
    """`attributes` (in the order of codes.ATTRIBUTES) and `caveats` are raw Avro bytes, as the engine takes them.

    `received`: agency -> the categories that were released to it, for those that were permitted.
    """

    source: tuple[str, int, int]
    decided_ms: int
    outcome: str
    attributes: tuple[bytes, ...]
    originator: str
    valid_until_ms: int
    caveats: bytes
    present: tuple[str, ...]
    received: dict[str, tuple[str, ...]]

    @property
    def alert_class(self) -> str:
        return str(attribute("class", self.attributes[ATTRIBUTES.index("class")]))


def recorded(body: bytes, key: bytes | None = None) -> Recorded:
    """What replay reads of a decision. `key`: the record's, which is the alert's id; it only saves time.

    Raises NotProven.
    """
    try:
        return _recorded(body, key)
    except (IndexError, UnicodeDecodeError):
        raise NotProven from None


def _recorded(body: bytes, key: bytes | None) -> Recorded:
    topic, at = _text(body, 0)
    partition, at = _long(body, at)
    offset, at = _long(body, at)
    decided_ms, at = _long(body, _skip_number(body, at))
    outcome, at = _text(body, at + _BUNDLE_BYTES)
    alert = body[at:]
    attributes, label, at = _remembered_routing(alert, key) or _routing(alert)
    at = _skip_number(alert, _skip_number(alert, at + _ID_BYTES))  # revision, created
    originator, at = _text(alert, _skip_string(alert, at))
    valid_until_ms, at = _moment(alert, _optional_long(alert, at)[1])
    at = at + len(label) if alert.startswith(label, at) else _skip_label(alert, at)
    caveats_start, at = at, _skip_strings(alert, at)
    caveats = alert[caveats_start:at]
    present, at = _present(alert, _skip_digests(alert, at))
    received, at = _received(alert, at)
    if at != len(alert):
        raise NotProven
    return Recorded(
        (topic, partition, offset),
        decided_ms,
        outcome,
        attributes,
        originator,
        valid_until_ms,
        caveats,
        present,
        received,
    )


def _present(body: bytes, at: int) -> tuple[tuple[str, ...], int]:
    count, at = _count(body, at)
    categories = set()
    for _ in range(count):
        category, at = _text(body, at)
        categories.add(category)
        at = _skip_number(body, _skip_number(body, at))
    return tuple(sorted(categories)), _end_of_array(body, at, count)


def _received(body: bytes, at: int) -> tuple[dict[str, tuple[str, ...]], int]:
    count, at = _count(body, at)
    received = {}
    for _ in range(count):
        start = at
        at = _skip_strings(body, _skip_string(body, _skip_string(body, at)))
        agency, categories = _outcome(body[start:at])
        if categories is not None:
            received[agency] = categories
        if body[at] not in (0, 2):
            raise NotProven
        at += 1 + (_ID_BYTES if body[at] else 0)
    return received, _end_of_array(body, at, count)


@lru_cache(maxsize=8_192)
def _outcome(fragment: bytes) -> tuple[str, tuple[str, ...] | None]:
    """Agency and released categories of one outcome without its delivery's id; none if it was not permitted."""
    agency, at = _text(fragment, 0)
    reason, at = _text(fragment, at)
    categories = attribute("purposes", fragment[at:])  # a list of codes, too
    return agency, categories if reason == PERMITTED and isinstance(categories, tuple) else None


@lru_cache(maxsize=8_192)
def _decoded(raw: bytes) -> str:
    return raw.decode()


def _text(body: bytes, at: int) -> tuple[str, int]:
    size, at = _count(body, at)
    end = at + size
    if end > len(body):
        raise NotProven
    return _decoded(body[at:end]), end
