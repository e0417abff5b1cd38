"""The values of CAP elements: texts, codes, times; each is read with its limits, and errors name line and element only.

Used by `cap.py` for alerts and blocks and by `cap_blocks.py` for what is nested in them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from pydantic import Secret

from connectors.formats import cap_xml
from connectors.formats.cap_xml import Element
from connectors.formats.records import Note

_TIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII | re.IGNORECASE
)
_YEARS: Final = range(1970, 2200)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one alert may hold; `text` in characters, `content_bytes` of one embedded file (base64 as sent may be larger)."""

    xml: cap_xml.Limits = field(default_factory=cap_xml.Limits)
    infos: int = 20
    references: int = 500
    items: int = 500
    points: int = 10_000
    text: int = 20_000
    content_bytes: int = 1_000_000


class Unusable(Exception):
    """The alert cannot be used. Names line and element, never a value."""

    def __init__(self, code: str, line: int, name: str) -> None:
        super().__init__(f"{code} in line {line}, element {name}")
        self.code = code
        self.line = line
        self.field = name


@dataclass(slots=True)
class Reader:
    """Reads the children of one element; `prefix` is the path before their names, `notes` grows."""

    element: Element
    prefix: str
    limits: Limits
    notes: list[Note]

    def only(self, known: frozenset[str]) -> None:
        """Note children that CAP does not have here."""
        if any(child.name not in known for child in self.element.children if child.space == self.element.space):
            self.notes.append(Note("element-unknown", self.prefix.removesuffix(".")))

    def one(self, name: str) -> Element | None:
        found = list(self.element.inside(name))
        if len(found) > 1:
            raise Unusable("cap-element-repeated", found[1].line, self.prefix + name)
        return found[0] if found else None

    def elements(self, name: str, most: int) -> list[Element]:
        found = list(self.element.inside(name))
        if len(found) > most:
            raise Unusable("cap-too-many-items", found[most].line, self.prefix + name)
        return found

    def text(self, name: str) -> str | None:
        """The text of a child that may stand once; None if it is missing or blank."""
        found = self.one(name)
        return self._bounded(found, name) if found is not None else None

    def texts(self, name: str) -> tuple[str, ...]:
        found = [self._bounded(each, name) for each in self.elements(name, self.limits.items)]
        return tuple(text for text in found if text)

    def _bounded(self, found: Element, name: str) -> str | None:
        if len(found.text) > self.limits.text:
            raise Unusable("cap-text-too-long", found.line, self.prefix + name)
        if found.children:
            self.notes.append(Note("element-unknown", self.prefix + name))
        return found.text or None

    def secret(self, name: str) -> Secret[str] | None:
        text = self.text(name)
        return None if text is None else Secret(text)

    def needed(self, name: str) -> str:
        text = self.text(name)
        if text is None:
            raise Unusable("cap-element-missing", self.element.line, self.prefix + name)
        return text

    def code(self, name: str, known: Sequence[str], *, default: str | None = None, note: str = "") -> str:
        """One of CAP's codes in any case. Without a default it must be there; with a note an unknown one is the default."""
        text = self.text(name) if default is not None else self.needed(name)
        found = next((code for code in known if text and code.lower() == text.lower()), None)
        if found is not None:
            return found
        if default is None or (text is not None and not note):
            raise Unusable("cap-code-unknown", self.element.line, self.prefix + name)
        if note:
            self.notes.append(Note(note, self.prefix + name))
        return default

    def codes(self, name: str, known: Sequence[str], note: str) -> tuple[str, ...]:
        by_lower = {code.lower(): code for code in known}
        texts = self.texts(name)
        found = {by_lower[text.lower()]: None for text in texts if text.lower() in by_lower}
        if any(text.lower() not in by_lower for text in texts):
            self.notes.append(Note(note, self.prefix + name))
        return tuple(found)

    def needed_time(self, name: str) -> datetime:
        found = self.moment(self.needed(name))
        if isinstance(found, datetime):
            return found
        code = "cap-time-without-offset" if found == "time-without-offset" else "cap-time"
        raise Unusable(code, self.element.line, self.prefix + name)

    def time(self, name: str) -> datetime | None:
        text = self.text(name)
        found = self.moment(text) if text is not None else None
        if isinstance(found, str):
            self.notes.append(Note(found, self.prefix + name))
            return None
        return found

    @staticmethod
    def moment(text: str) -> datetime | Literal["time-invalid", "time-without-offset"]:
        """A time with an offset, or why it is none."""
        if not _TIME.fullmatch(text):
            return "time-invalid"
        try:
            found = datetime.fromisoformat(text.upper())
        except ValueError:
            return "time-invalid"
        if found.tzinfo is None:
            return "time-without-offset"
        return found.replace(microsecond=0) if found.year in _YEARS else "time-invalid"

    def nested(self, name: str) -> Iterator["Reader"]:
        """A reader for each child of this name."""
        for each in self.elements(name, self.limits.items):
            yield Reader(each, f"{self.prefix}{name}.", self.limits, self.notes)
