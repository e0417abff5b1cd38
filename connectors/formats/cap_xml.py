"""XML from strangers, cut into records: each a small tree of its own, the others go on when one is refused.

Parsed by defusedxml's parser, which refuses document types, entities and external references. Size, depth, elements and
texts are bounded while reading, so that a file is never held whole; so is the length of a single tag, which expat reads anew
with every block it gets. Which elements are records, and what they mean, is left to `atom.py` and `cap.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Protocol

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

_BLOCK_BYTES: Final = 1 << 16
_DEEPEST_FILE: Final = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file and one record in it may hold. Texts are counted in characters, over all texts of a record."""

    document_bytes: int = 200_000_000
    records: int = 100_000
    depth: int = 24
    elements: int = 20_000
    text: int = 4_000_000
    tag_bytes: int = 1_000_000


@dataclass(slots=True)
class Element:
    """One element: `name` without its name space, direct `text` (never shown), `line` where it begins."""

    space: str
    name: str
    line: int
    attributes: Mapping[str, str] = field(repr=False)
    children: list["Element"] = field(default_factory=list, repr=False)
    text: str = field(default="", repr=False)

    def inside(self, name: str, space: str | None = None) -> Iterator["Element"]:
        """The direct children of this name, in the element's own name space if none is named."""
        wanted = self.space if space is None else space
        return (child for child in self.children if child.name == name and child.space == wanted)


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that was refused (`whole` false), or the rest of the file (`whole` true). `code` says why."""

    code: str
    line: int
    whole: bool = False


class _Parser(Protocol):
    CurrentLineNumber: int
    CurrentByteIndex: int


IsRecord = Callable[[tuple[tuple[str, str], ...]], bool]


def records(stream: BinaryIO, is_record: IsRecord, limits: Limits | None = None) -> Iterator[Element | Refused]:
    """The records of a file, in order. `is_record` is asked with the names (space, name) from the root to an element.

    Never raises for what the bytes are. What makes the file unreadable ends it with a `Refused` of the whole; what was
    complete before it has been yielded.
    """
    limits = limits or Limits()
    target = _Target(is_record, limits)
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    target.parser = parser.parser
    fed = 0
    try:
        while block := stream.read(_BLOCK_BYTES):
            fed += len(block)
            if fed > limits.document_bytes:
                raise _Stop("file-too-large")
            parser.feed(block)
            yield from target.taken()
            if fed - target.parser.CurrentByteIndex > limits.tag_bytes + _BLOCK_BYTES:
                raise _Stop("xml-tag-too-long")
        parser.close()
        yield from target.taken()
    except _Stop as stop:
        yield from target.taken()
        yield Refused(stop.code, target.line, whole=True)
    except DefusedXmlException:
        yield from target.taken()
        yield Refused("xml-document-type", target.line, whole=True)
    except ParseError as error:
        yield from target.taken()
        yield Refused("xml-not-well-formed", error.position[0], whole=True)
    except (LookupError, ValueError):  # an encoding that is unknown, or of several bytes and not Unicode's
        yield from target.taken()
        yield Refused("xml-encoding", target.line, whole=True)


class _Stop(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Target:
    """What the parser calls; holds one record at a time."""

    parser: _Parser

    def __init__(self, is_record: IsRecord, limits: Limits) -> None:
        self._is_record = is_record
        self._limits = limits
        self._path: list[tuple[str, str]] = []
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._start = 0  # depth at which the record begins
        self._refused: Refused | None = None
        self._elements = self._text = self._count = 0
        self._ready: list[Element | Refused] = []

    @property
    def line(self) -> int:
        return max(1, self.parser.CurrentLineNumber)

    def taken(self) -> list[Element | Refused]:
        ready, self._ready = self._ready, []
        return ready

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        space, name = _split(tag)
        self._path.append((space, name))
        if len(self._path) > _DEEPEST_FILE:
            raise _Stop("xml-too-deep")
        if self._start == 0:
            if not self._is_record(tuple(self._path)):
                return
            self._begin()
        if self._refused is None:
            self._push(Element(space, name, self.line, dict(attributes)))

    def _begin(self) -> None:
        self._count += 1
        if self._count > self._limits.records:
            raise _Stop("xml-too-many-records")
        self._start, self._refused = len(self._path), None
        self._open, self._texts = [], []
        self._elements = self._text = 0

    def _push(self, element: Element) -> None:
        self._elements += 1 + len(element.attributes)
        if self._elements > self._limits.elements:
            return self._refuse("xml-too-many-elements")
        if len(self._open) >= self._limits.depth:
            return self._refuse("xml-too-deep")
        if self._open:
            self._open[-1].children.append(element)
        self._open.append(element)
        self._texts.append([])
        return None

    def _refuse(self, code: str) -> None:
        first = self._open[0].line if self._open else self.line
        self._refused = Refused(code, first)
        self._open, self._texts = [], []

    def data(self, text: str) -> None:
        if self._start == 0 or self._refused is not None:
            return
        self._text += len(text)
        if self._text > self._limits.text:
            self._refuse("xml-text-too-long")
        else:
            self._texts[-1].append(text)

    def end(self, tag: str) -> None:
        if self._start and self._refused is None:
            element = self._open.pop()
            element.text = "".join(self._texts.pop()).strip()
            if not self._open:
                self._ready.append(element)
        if self._start == len(self._path):
            if self._refused is not None:
                self._ready.append(self._refused)
            self._start, self._refused = 0, None
        self._path.pop()

    def close(self) -> None:
        return None


def _split(tag: str) -> tuple[str, str]:
    space, _, name = tag.rpartition("}")
    return space.removeprefix("{"), name
