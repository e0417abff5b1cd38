"""UN/EDIFACT (ISO 9735) from a stream of bytes to segments, as the syntax is met in practice.

Finds interchanges in surrounding text, learns their service characters (from UNA, else from UNB), undoes line wraps and
stray spaces, and goes on after damage. Memory is bounded by the limits, time is linear. What the segments mean is left
to the message formats. Why not a library: docs/decisions/edifact-tokenizer.md.
"""

import functools
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

CHUNK_BYTES: Final = 65_536
# A header is recognised from at most this many bytes, and the terminator inferred from this many after it.
HEADER_BYTES: Final = 256
LOOKAHEAD_BYTES: Final = 1_024

_GAP: Final = rb"[ \t\r\n]{0,8}"
_BREAK: Final = rb"[\r\n]{0,8}"
# Separators may be any ASCII mark, or the information separators of syntax level B (UNOB: IS1, IS3, IS4).
_MARK: Final = rb"[!-/:-@\[-`{-~\x1c-\x1f]"


def _spaced(word: bytes, gap: bytes = _GAP) -> bytes:
    return gap.join(re.escape(word[i : i + 1]) for i in range(len(word)))


# UNA and its six characters, which must fit what follows; a mail program may have eaten the fifth, a space.
_UNA: Final = b"".join(
    [
        rb"(?P<una>" + _spaced(b"UNA") + _BREAK,
        rb"(?P<component>" + _MARK + rb")" + _BREAK,
        rb"(?P<element>" + _MARK + rb")" + _BREAK,
        rb"[^\r\n]" + _BREAK,  # the decimal mark: no number here has one
        rb"(?P<release>[^\r\na-zA-Z0-9])",
        rb"(?:" + _BREAK + rb"[^\r\n])?" + _BREAK,  # reserved, or repetition: passenger lists repeat nothing
        rb"(?P<terminator>[\r\n]|" + _MARK + rb")",
        rb"(?=" + _GAP + _spaced(b"UN") + _GAP + rb"[BGH]" + _GAP + rb"(?P=element)))",
    ]
)
_UNB: Final = b"".join(
    [
        rb"(?P<unb>" + _spaced(b"UNB") + _GAP,
        rb"(?P<unb_element>" + _MARK + rb")" + _GAP,
        rb"(?:" + _spaced(b"UNO") + rb"|" + _spaced(b"IAT") + rb")" + _GAP + rb"[A-Z]" + _GAP,
        rb"(?P<unb_component>" + _MARK + rb")" + _GAP + rb"[0-9])",
    ]
)
_HEADER: Final = re.compile(_UNA + rb"|" + _UNB)
_SERVICE: Final = re.compile(rb"U *N *[AB]")
_PERSON: Final = re.compile(_spaced(b"NAD") + _GAP + _MARK + _GAP + rb"(?:FL|FM|DDU|DDT)(?![A-Za-z0-9])")
_ROLES: Final = frozenset({"FL", "FM", "DDU", "DDT"})

# Syntax identifiers of ISO 9735-1 and the character sets they name; UTF-8 is tried first whatever they say.
_CHARSETS: Final = {
    "UNOD": "iso8859-2",
    "UNOE": "iso8859-5",
    "UNOF": "iso8859-7",
    "UNOG": "iso8859-3",
    "UNOH": "iso8859-4",
    "UNOI": "iso8859-6",
    "UNOJ": "iso8859-8",
    "UNOK": "iso8859-9",
}
_DEFAULT_CHARSET: Final = "cp1252"  # Latin-1 as it is really sent


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may ask for. A segment over a limit is skipped and reported, a file is read up to its limit."""

    file_bytes: int = 1_000_000_000
    segment_bytes: int = 8_192
    elements: int = 100
    components: int = 300
    interchanges: int = 10_000


@dataclass(frozen=True, slots=True)
class ServiceCharacters:
    """The marks of one interchange, each one byte; `release` is empty if there is none."""

    component: bytes = b":"
    element: bytes = b"+"
    release: bytes = b"?"
    terminator: bytes = b"'"


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment. `elements[0]` is the tag's element, `elements[i][j]` component j of element i.

    `number` counts the file's segments from 1, `line` from 1, `byte_offset` from 0. `joined` marks a segment that was
    parted from another by us, because the terminator between the two was lost.
    """

    tag: str = field(repr=False)
    elements: tuple[tuple[str, ...], ...] = field(repr=False)
    number: int
    line: int
    byte_offset: int
    joined: bool = False

    def component(self, element: int, component: int = 0) -> str:
        """The component, without surrounding spaces; empty if the segment does not have it."""
        if element >= len(self.elements) or component >= len(self.elements[element]):
            return ""
        return self.elements[element][component].strip()

    def code(self, element: int, component: int = 0) -> str:
        """The component as a code: upper case, and no spaces at all."""
        return "".join(self.component(element, component).split()).upper()


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that gave no segment; `code` is a key of `records.REASONS`."""

    code: str
    line: int
    byte_offset: int
    number: int
    tag: str = field(default="", repr=False)


class _Buffer:
    """A window on the stream: at most a chunk and what is still unread. `pos` only moves forward."""

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self._stream = stream
        self._left = limits.file_bytes
        self._base = 0
        self._line = 1
        self._counted = 0
        self.data = b""
        self.pos = 0
        self.ended = False
        self.too_large = False

    def fill(self) -> None:
        """Forget what was read and add one chunk, or note that the stream has ended."""
        self.line(self.pos)
        self._base += self.pos
        self._counted -= self.pos
        parts = [self.data[self.pos :]]
        wanted = min(CHUNK_BYTES, self._left)
        while wanted > 0 and not self.ended:
            part = self._stream.read(wanted)
            self.ended = not part
            parts.append(part)
            wanted -= len(part)
            self._left -= len(part)
        if self._left <= 0 and not self.ended:
            self.ended = True
            self.too_large = bool(self._stream.read(1))
        self.data = b"".join(parts)
        self.pos = 0

    def line(self, at: int) -> int:
        """The line of a position; positions must be asked for in order."""
        if at > self._counted:
            self._line += self.data.count(b"\n", self._counted, at)
            self._counted = at
        return self._line

    def offset(self, at: int) -> int:
        return self._base + at


class _Alphabet:
    """What follows from an interchange's service characters: how to find a segment's end, clean it and part it."""

    def __init__(self, characters: ServiceCharacters) -> None:
        self.element = characters.element.decode("ascii")
        self.component = characters.component.decode("ascii")
        self.element_byte, self.component_byte = characters.element, characters.component
        self.terminator = characters.terminator
        marks = characters.component + characters.element + characters.release + characters.terminator
        self.deleted = bytes(b for b in (*range(32), 127) if b not in marks)
        self._release = characters.release
        # While a segment is parted, escaped marks hide behind control characters, which cleaning has removed.
        self._hidden = {bytes([mark]): bytes([i]) for i, mark in enumerate(marks)}
        self._shown = {i: chr(mark) for i, mark in enumerate(marks)}
        terminator = re.escape(characters.terminator)
        # What may stand before a tag: blanks, line ends, characters that do not count, segments with nothing in them.
        self.lead = re.compile(b"[ " + re.escape(self.deleted) + terminator + b"]*+")
        if characters.release:
            release, skipped = re.escape(characters.release), b"[" + re.escape(self.deleted) + b"]"
            escaped = release + skipped + rb"*+[\x00-\xff]"
            self.end = re.compile(rb"(?:[^" + release + terminator + rb"]++|" + escaped + rb")*+" + terminator)
            self._escaped = re.compile(release + rb"([\x00-\xff])")
        else:
            self.end = re.compile(rb"[^" + terminator + rb"]*+" + terminator)

    def clean(self, raw: bytes) -> bytes:
        return raw.translate(None, self.deleted).lstrip()

    def part(self, clean: bytes, charset: str) -> list[list[str]]:
        """Elements and components of a cleaned segment, without its terminator."""
        hidden = bool(self._release) and self._release in clean
        if hidden:
            clean = self._escaped.sub(lambda m: self._hidden.get(m[1], m[1]), clean)
        parts = [element.split(self.component) for element in _decode(clean, charset).split(self.element)]
        return [[c.translate(self._shown) for c in element] for element in parts] if hidden else parts


@functools.lru_cache(maxsize=64)
def _alphabet(characters: ServiceCharacters) -> _Alphabet:
    return _Alphabet(characters)


def segments(stream: BinaryIO, limits: Limits | None = None) -> Iterator[Segment | Damage]:
    """Every segment of every interchange of the stream, in order, from UNB to UNZ, and what was damaged.

    Text outside interchanges is passed over, but a person in it is reported. Ends with `no-interchange` if there was
    none. Never raises for what the bytes are; the stream's own errors pass through.
    """
    yield from _Tokenizer(stream, limits or Limits()).run()


class _Tokenizer:
    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self._limits = limits
        self._buffer = _Buffer(stream, limits)
        self._number = 0
        self._reported = 0  # offset up to which persons outside interchanges were reported

    def run(self) -> Iterator[Segment | Damage]:
        interchanges = 0
        while (characters := (yield from self._seek())) is not None:
            interchanges += 1
            if interchanges > self._limits.interchanges:
                yield self._damage("too-many-interchanges", self._buffer.pos)
                return
            yield from self._interchange(_alphabet(characters))
        if not interchanges:
            yield self._damage("no-interchange", 0)
        if self._buffer.too_large:
            yield self._damage("file-too-large", self._buffer.pos)

    # Outside an interchange

    def _seek(self) -> Generator[Damage, None, ServiceCharacters | None]:
        """Move to the next header. The generator's value is its service characters, or None at the end."""
        buffer = self._buffer
        while True:
            header = _HEADER.search(buffer.data, buffer.pos)
            if not buffer.ended and (header is None or header.end() + LOOKAHEAD_BYTES > len(buffer.data)):
                yield from self._pass_over(header.start() if header else len(buffer.data) - HEADER_BYTES)
                buffer.fill()
            elif header is None:
                yield from self._pass_over(len(buffer.data))
                return None
            else:
                yield from self._pass_over(header.start())
                if (characters := _characters(header)) is not None:
                    buffer.pos = header.end() if header["una"] else header.start()
                    return characters
                buffer.pos = header.start() + 1

    def _pass_over(self, end: int) -> Iterator[Damage]:
        """Go on to `end`, reporting the persons that begin before it."""
        buffer = self._buffer
        reach = max(end, 0) + HEADER_BYTES // 4  # one that begins before `end` may end behind it
        for person in _PERSON.finditer(buffer.data, buffer.pos, reach):
            if person.start() < end and buffer.offset(person.start()) >= self._reported:
                self._reported = buffer.offset(person.end())
                yield self._damage("person-outside-interchange", person.start(), "NAD")
        buffer.pos = max(buffer.pos, end)

    # Inside an interchange

    def _interchange(self, alphabet: _Alphabet) -> Iterator[Segment | Damage]:
        buffer, charset, first = self._buffer, _DEFAULT_CHARSET, True
        while True:
            lead = alphabet.lead.match(buffer.data, buffer.pos)
            buffer.pos = lead.end() if lead else buffer.pos
            end = alphabet.end.match(buffer.data, buffer.pos, buffer.pos + self._limits.segment_bytes)
            if end is None and len(buffer.data) - buffer.pos >= self._limits.segment_bytes:
                if not (yield from self._skip(alphabet)):
                    return
                continue
            if end is None:
                if not buffer.ended:
                    buffer.fill()
                    continue
                yield from self._rest(alphabet, first)
                return
            start, stop = buffer.pos, end.end()
            clean = alphabet.clean(buffer.data[start : stop - 1])
            if _SERVICE.search(clean) and not buffer.ended and stop + LOOKAHEAD_BYTES > len(buffer.data):
                buffer.fill()
                continue
            if not first and (header := self._new_header(clean, start, stop)) is not None:
                yield from self._cut_at(header, alphabet)
                return
            buffer.pos = stop
            if not clean:
                continue
            first = False
            pieces = self._pieces(clean, alphabet, charset)
            if not pieces:
                self._number += 1
                yield self._damage("segment-too-long", start, _tag(clean, alphabet))
            for parts in pieces:
                segment = self._segment(parts, start, joined=len(pieces) > 1)
                yield segment
                if segment.tag == "UNB":
                    charset = _CHARSETS.get(segment.code(1), _DEFAULT_CHARSET)
                elif segment.tag == "UNZ":
                    return

    def _pieces(self, clean: bytes, alphabet: _Alphabet, charset: str) -> list[list[list[str]]]:
        """The segment's elements (of several segments, where terminators were lost); empty if it has too many parts."""
        limits = self._limits
        if len(clean) > limits.elements and (
            clean.count(alphabet.element_byte) > limits.elements
            or clean.count(alphabet.component_byte) > limits.components
        ):
            return []
        parts = alphabet.part(clean, charset)
        return _unjoined(parts) if b"NAD" in clean else [parts]

    def _segment(self, parts: list[list[str]], start: int, *, joined: bool) -> Segment:
        self._number += 1
        return Segment(
            tag="".join(parts[0][0].split()).upper(),
            elements=tuple(map(tuple, parts)),
            number=self._number,
            line=self._buffer.line(start),
            byte_offset=self._buffer.offset(start),
            joined=joined,
        )

    def _new_header(self, clean: bytes, start: int, stop: int) -> int | None:
        """Where another interchange begins in these bytes (the end of this one is missing), or None."""
        if not _SERVICE.search(clean):
            return None
        header = _HEADER.search(self._buffer.data, start, stop + HEADER_BYTES // 4)
        found = header is not None and header.start() < stop and _characters(header) is not None
        return header.start() if header and found else None

    def _cut_at(self, header: int, alphabet: _Alphabet) -> Iterator[Damage]:
        """Report the bytes before the new header, if any, and stop at it."""
        buffer = self._buffer
        if leading := alphabet.clean(buffer.data[buffer.pos : header]):
            self._number += 1
            yield self._damage("truncated", buffer.pos, _tag(leading, alphabet))
            buffer.pos += 1
        yield from self._pass_over(header)

    def _skip(self, alphabet: _Alphabet) -> Generator[Damage, None, bool]:
        """Pass over a segment that is too long. The generator's value is False if the interchange ended in it."""
        buffer = self._buffer
        self._number += 1
        head = alphabet.clean(buffer.data[buffer.pos : buffer.pos + 64])
        yield self._damage("segment-too-long", buffer.pos, _tag(head, alphabet))
        # At least the limit is passed over, lest a run of escaped terminators be scanned again and again.
        after = buffer.offset(buffer.pos) + self._limits.segment_bytes - 1
        buffer.pos += 1
        while True:
            terminator = buffer.data.find(alphabet.terminator, max(buffer.pos, after - buffer.offset(0)))
            reach = len(buffer.data) if terminator < 0 else terminator + HEADER_BYTES
            header = _HEADER.search(buffer.data, buffer.pos, reach)
            if header is not None and (terminator < 0 or header.start() < terminator):
                yield from self._pass_over(header.start())
                return False
            if terminator >= 0:
                yield from self._pass_over(terminator)
                buffer.pos = terminator + 1
                return True
            if buffer.ended:
                yield from self._pass_over(len(buffer.data))
                return False
            yield from self._pass_over(len(buffer.data) - HEADER_BYTES)
            buffer.fill()

    def _rest(self, alphabet: _Alphabet, first: bool) -> Iterator[Damage]:
        """The file ended inside a segment, or just without UNZ; another interchange may begin in what is left."""
        header = _HEADER.search(self._buffer.data, self._buffer.pos + first)  # not this interchange's own, again
        yield from self._cut_at(header.start() if header else len(self._buffer.data), alphabet)

    def _damage(self, code: str, at: int, tag: str = "") -> Damage:
        buffer = self._buffer
        return Damage(code, buffer.line(at), buffer.offset(at), self._number, tag)


def _characters(header: re.Match[bytes]) -> ServiceCharacters | None:
    """The service characters that a header declares, or lets one infer; None if they contradict each other."""
    if header["una"]:
        release = b"" if header["release"] == b" " else header["release"]
        found = ServiceCharacters(header["component"], header["element"], release, header["terminator"])
    else:
        element, component = header["unb_element"], header["unb_component"]
        following = rb"(" + _MARK + rb")" + _GAP + _spaced(b"UN") + _GAP + rb"[GH]" + _GAP + re.escape(element)
        end = re.search(following, header.string[header.end() : header.end() + LOOKAHEAD_BYTES])
        found = ServiceCharacters(component, element, terminator=end[1] if end else b"'")
    marks = [m for m in (found.component, found.element, found.release, found.terminator) if m]
    return found if len(set(marks)) == len(marks) else None


_LOST_BEFORE: Final = re.compile(r"(.*?)\s*N\s*A\s*D\s*", re.DOTALL)


def _unjoined(parts: list[list[str]]) -> list[list[list[str]]]:
    """Part a segment in which a person's NAD follows without a terminator; a person must not hide in another's data."""
    for i in range(1, len(parts) - 1):
        if parts[i + 1][0].strip() in _ROLES and (last := _LOST_BEFORE.fullmatch(parts[i][-1])):
            return [[*parts[:i], [*parts[i][:-1], last[1]]], *_unjoined([["NAD"], *parts[i + 1 :]])]
    return [parts]


def _tag(clean: bytes, alphabet: _Alphabet) -> str:
    head = clean[:16].decode("ascii", "replace")
    return "".join(re.split(f"[{re.escape(alphabet.element + alphabet.component)}]", head)[0].split()).upper()


def _decode(data: bytes, charset: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(charset, "replace")
