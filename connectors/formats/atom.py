"""Atom feeds (RFC 4287) that carry documents: each entry with what is embedded in it, or where it points.

An entry's document stands in `content` as XML or as escaped text, or beside it; an entry may also hold a link only, which is
followed by nobody here. What the documents are is left to the formats that read feeds (`cap.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

from connectors.formats.cap_xml import Element, Limits, Refused, records

SPACE: Final = "http://www.w3.org/2005/Atom"
_TEXTUAL: Final = ("text", "html", "")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its id, when it was updated (as sent), its links, and the root elements of the documents in it."""

    line: int
    id: str = field(repr=False)
    updated: str = field(repr=False)
    links: tuple[str, ...] = field(repr=False)
    documents: tuple[Element | Refused, ...] = field(repr=False)


def is_entry(path: tuple[tuple[str, str], ...]) -> bool:
    """Whether a path of element names ends in an entry: of a feed, or alone."""
    names = [(SPACE, "feed"), (SPACE, "entry")]
    return list(path) in (names, names[1:])


def entry(element: Element, limits: Limits | None = None) -> Entry:
    """The entry of an `entry` element."""
    texts = {name: next((e.text for e in element.inside(name)), "") for name in ("id", "updated")}
    links = tuple(link.attributes["href"] for link in element.inside("link") if link.attributes.get("href"))
    return Entry(element.line, texts["id"], texts["updated"], links, tuple(_documents(element, limits)))


def _documents(element: Element, limits: Limits | None) -> Iterator[Element | Refused]:
    yield from (child for child in element.children if child.space != SPACE and child.children)
    for content in element.inside("content"):
        yield from content.children
        kind = content.attributes.get("type", "")
        if not content.children and content.text.startswith("<") and (kind in _TEXTUAL or kind.endswith("xml")):
            yield from _escaped(content, limits)


def _escaped(content: Element, limits: Limits | None) -> Iterator[Element | Refused]:
    """Documents that stand in the feed as text; lines are those of the content, as far as the file is concerned."""
    text = content.text.partition("?>")[2] if content.text.startswith("<?xml") else content.text
    for found in records(BytesIO(text.strip().encode("utf-8", "replace")), lambda path: len(path) == 1, limits):
        yield _moved(found, content.line)


def _moved(found: Element | Refused, line: int) -> Element | Refused:
    """The same at another line: an error in escaped text is told where its entry's content begins."""
    if isinstance(found, Refused):
        return Refused(found.code, line)
    waiting = [found]
    while waiting:
        element = waiting.pop()
        element.line = line
        waiting += element.children
    return found
