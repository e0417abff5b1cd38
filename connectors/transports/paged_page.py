"""One page of a list: its items, each cut out and read by itself so that a bad one does not take the others with it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from connectors.formats.records import REASONS
from connectors.formats.strict_json import JsonRefused, JsonValue, Limits, Span, loads, members, text_of, values

MAX_PAGE_ITEMS = 50_000
MAX_KEY_CHARS = 500


class BadPage(ValueError):
    """The page is not as the settings say."""


@dataclass(frozen=True)
class PageItem:
    """`key` is None for one that cannot be used; `code`, `reason` say why."""

    key: str | None = field(repr=False)
    digest: bytes = b""
    value: JsonValue = field(default=None, repr=False)
    original: bytes = field(default=b"", repr=False)
    line: int | None = None
    code: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Page:
    items: tuple[PageItem, ...]
    next: str | None = field(default=None, repr=False)

    @classmethod
    def unchanged(cls, items: tuple[tuple[str, bytes], ...], following: str | None) -> Page:
        return cls(tuple(PageItem(key, digest) for key, digest in items), following)

    def linked(self, following: str | None) -> Page:
        return replace(self, next=following)


def page_of(body: bytes, items_at: str, key_at: str, next_at: str | None, depth: int) -> Page:
    """The page in `body`. Paths are names with full stops between them. Raises BadPage."""
    text = text_of(body)
    documents = list(_first_two(text))
    if len(documents) != 1 or not documents[0].whole or text[documents[0].start] not in "[{":
        raise BadPage("the page is not one JSON document")
    items = _at(text, documents[0], items_at)
    if items is None or text[items.start] != "[":
        raise BadPage(f"the page has no list at {items_at or 'its root'}")
    limits = Limits(record_bytes=len(text) or 1, depth=depth)
    found: list[PageItem] = []
    for span in members(text, items):
        if len(found) >= MAX_PAGE_ITEMS:
            raise BadPage("the page holds more items than the limit")
        found.append(_item(text, span, key_at, limits))
    return Page(tuple(found), _link(text, documents[0], next_at) if next_at else None)


def _first_two(text: str) -> list[Span]:
    found = []
    for span in values(text):
        found.append(span)
        if len(found) == 2:
            break
    return found


def _at(text: str, span: Span, path: str) -> Span | None:
    """The value at a path; None if there is none."""
    for name in path.split(".") if path else ():
        if text[span.start] != "{":
            return None
        named = [member for member in members(text, span) if member.key == name]
        if len(named) > 1:
            raise BadPage("the page names a field twice")
        if not named or not named[0].whole:
            return None
        span = named[0]
    return span


def _item(text: str, span: Span, key_at: str, limits: Limits) -> PageItem:
    original = text[span.start : span.end].encode("utf-8", "surrogateescape")
    digest = hashlib.sha256(original).digest()[:16]
    try:
        if not span.whole:
            raise JsonRefused("json-truncated", span.line)
        value = loads(text[span.start : span.end], span.line, limits)
    except JsonRefused as bad:
        return PageItem(None, digest, line=bad.line, code=bad.code, reason=REASONS[bad.code])
    found: JsonValue = value
    for name in key_at.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, bool) or not isinstance(found, str | int) or not 0 < len(str(found)) <= MAX_KEY_CHARS:
        return PageItem(
            None, digest, line=span.line, code="item-without-key", reason=f"the item has no key at {key_at}"
        )
    return PageItem(str(found), digest, value, original, span.line)


def _link(text: str, document: Span, path: str) -> str | None:
    span = _at(text, document, path)
    if span is None:
        return None
    try:
        value = loads(text[span.start : span.end], span.line)
    except JsonRefused:
        raise BadPage(f"the next page's address at {path} cannot be read") from None
    if value is not None and not isinstance(value, str):
        raise BadPage(f"the next page's address at {path} is no text")
    return value or None
