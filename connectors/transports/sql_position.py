"""How far a table was read, as text: the highest change marker, and how many rows were said. Values keep their type."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

_EASTMOST: Final = timedelta(hours=14)  # a time without a zone may be of any
Marker = Any  # one of the types below; all markers of one column have the same

_WRITE: Final[Mapping[type, tuple[str, Callable[[Any], str]]]] = {
    bool: ("bool", lambda value: str(int(value))),
    int: ("int", str),
    float: ("float", repr),
    str: ("text", str),
    Decimal: ("decimal", str),
    datetime: ("time", datetime.isoformat),
    date: ("date", date.isoformat),
    uuid.UUID: ("uuid", str),
    bytes: ("bytes", bytes.hex),
}
_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "int": int,
    "float": float,
    "text": str,
    "decimal": Decimal,
    "time": datetime.fromisoformat,
    "date": date.fromisoformat,
    "bytes": bytes.fromhex,
}


class NoOverlap(ValueError):
    """The change marker is neither a time nor a number: `overlap` must be 0."""


@dataclass(frozen=True)
class SqlPosition:
    """`count` counts every row that was said: two positions are the same only if nothing was said in between."""

    marker: Marker | None = None
    count: int = 0

    def text(self) -> str:
        return json.dumps([None if self.marker is None else _typed(self.marker), self.count])

    @classmethod
    def parse(cls, text: str) -> SqlPosition:
        """Raises ValueError."""
        try:
            marker, count = json.loads(text)
            return cls(None if marker is None else _READ[marker[0]](marker[1]), int(count))
        except (TypeError, KeyError, IndexError, ArithmeticError) as error:
            raise ValueError(type(error).__name__) from None


def is_key(values: tuple[Any, ...]) -> bool:
    """Whether these can be a marker and key columns."""
    return type(values[0]) in _WRITE and _WRITE[type(values[0])][0] in _READ and all(type(v) in _WRITE for v in values)


def key_text(values: tuple[Any, ...]) -> str:
    """A row's key as text: different keys differ."""
    return json.dumps([_typed(value) for value in values], ensure_ascii=True)


def before(marker: Marker, overlap: float) -> Marker:
    """The marker from which to look again. A time as text (SQLite) must be ISO 8601 with the same beginning everywhere.

    Raises NoOverlap.
    """
    if not overlap:
        return marker
    if isinstance(marker, datetime):
        return marker - timedelta(seconds=overlap)
    if isinstance(marker, date):
        return marker - timedelta(days=1 + int(overlap // 86_400))
    if isinstance(marker, Decimal):
        return marker - Decimal(overlap)
    if isinstance(marker, int | float):
        return type(marker)(marker - overlap)
    if isinstance(marker, str):
        return _text_before(marker, overlap)
    raise NoOverlap("the change marker is neither a time nor a number: set overlap to 0")


def is_future(marker: Marker, now: datetime) -> bool:
    """Whether a time is later than any clock of an agency may show now; a number never is."""
    if isinstance(marker, str):
        try:
            marker = datetime.fromisoformat(marker)
        except ValueError:
            return False
    if isinstance(marker, datetime):
        if marker.tzinfo is not None:
            return marker > now + timedelta(minutes=1)
        return marker > now.astimezone(UTC).replace(tzinfo=None) + _EASTMOST
    return isinstance(marker, date) and marker > (now.astimezone(UTC) + _EASTMOST).date()


def _text_before(marker: str, overlap: float) -> str:
    """The text of an earlier time up to its seconds: less than all that begin with it."""
    try:
        earlier = datetime.fromisoformat(marker) - timedelta(seconds=overlap)
        return earlier.isoformat(sep=marker[10], timespec="seconds")[:19]
    except (ValueError, IndexError, OverflowError):
        raise NoOverlap("the change marker is text that is no time in ISO 8601: set overlap to 0") from None


def _typed(value: Any) -> list[str]:
    name, write = _WRITE[type(value)]
    return [name, write(value)]
