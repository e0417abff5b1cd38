"""What may stand in the read model: codes from their lists, short texts. Pure.

Not every alert was checked against the bundle before its decision was recorded (an older revision, a cancel), and an agency
writes its receipts itself: a value that is not of its list would be free text in disguise, so it becomes `unknown`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Final

from hub.model import codes
from hub.model.receipt import ERROR_KINDS, OTHER, RECEIPT_REASONS

UNKNOWN: Final = "unknown"
INT_MAX: Final = 2**31 - 1
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}")
_COUNTRIES: Final = frozenset(codes.COUNTRIES)
_LISTS: Final[dict[str, frozenset[str]]] = {
    "class": frozenset(codes.CLASSES),
    "purposes": frozenset(codes.PURPOSES),
    "category": frozenset(codes.CATEGORIES),
    "exercise": frozenset(("none", "exercise", "test")),
    "tlp": frozenset(codes.TLP_NARROWEST_FIRST),
    "handling": frozenset(("H0", "H1", "H2", "H3")),
    "reliability": frozenset("ABCDEF"),
    "credibility": frozenset("123456"),
}
_RECEIPT_REASONS: Final = frozenset(RECEIPT_REASONS)
GROWING: Final = frozenset(("class", "purposes", "category"))  # lists that a bundle may add to


@lru_cache(maxsize=8_192)
def listed(name: str, value: str, checked: bool) -> str:
    """A code of a list. `checked`: the bundle knew the value when it decided, so a code beyond the standard list is one."""
    if value in _LISTS[name] or (checked and name in GROWING and _CODE.fullmatch(value)):
        return value
    return UNKNOWN


@lru_cache(maxsize=8_192)
def code(value: str) -> str:
    """A code of ours or of an agency's software: lower case, digits, hyphens and dots."""
    return value if _CODE.fullmatch(value) else UNKNOWN


def optional_code(value: str | None) -> str | None:
    return None if value is None else code(value)


def receipt_reason(value: str | None) -> str | None:
    """A reason of the closed list; what else an agency writes there is not recorded."""
    return value if value is None or value in _RECEIPT_REASONS else OTHER


def error_kind(said: str | None) -> str | None:
    """The kind with which a connector's error begins; its class and place stay on the agency's topic and in its log."""
    if said is None:
        return None
    kind = said.partition(":")[0]
    return kind if kind in ERROR_KINDS else OTHER


def countries(found: Iterable[str]) -> list[str]:
    """Sorted, each once; what is no country is left out."""
    return sorted(_COUNTRIES.intersection(found))


@lru_cache(maxsize=1_024)
def words(text: str, limit: int) -> str:
    """A text by people of the hub, on one line, cut to a limit of characters."""
    if len(text) <= limit and text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " for letter in text[:limit])


def optional_words(text: str | None, limit: int) -> str | None:
    return None if text is None else words(text, limit)


def number(value: int) -> int:
    """A count that fits its column."""
    return max(-1, min(value, INT_MAX))


def known(values: Collection[str], name: str, checked: bool) -> list[str]:
    return [listed(name, value, checked) for value in values]
