"""The package of a workbook: a zip that is checked before anything in it is unpacked, and the parts beside the sheets.

Source of the format: ECMA-376 part 2 (packages) and part 1, chapter 18 (workbook, styles, shared strings), transitional and
strict. Only what values need is read: which sheets there are, which styles are dates, the table of texts. XML goes through
defusedxml, without DTD or entities, in pieces. The rows themselves are left to `xlsx.py`.
"""

import posixpath
import re
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Literal

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format

from connectors.formats.tabular_cells import Limits, TableRefused

_CHUNK: Final = 64 * 1024
_LONGEST_TOKEN: Final = 8_000_000  # bytes of one tag or comment: the parser holds it in memory until it ends
_MEGABYTE: Final = 1_000_000
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_ENCRYPTED: Final = 0x1


class Target:
    """What a part's elements and texts are handed to; names come without their namespace."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None: ...
    def end(self, tag: str) -> None: ...
    def data(self, text: str) -> None: ...
    def close(self) -> None: ...


class _Local(Target):
    """Takes the namespaces off, which differ between the transitional and the strict form of the standard."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._names: dict[str, str] = {}
        self.seen = 0

    def data(self, text: str) -> None:
        self.seen += 1
        self._target.data(text)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.seen += 1
        self._target.start(self._local(tag), attributes)

    def end(self, tag: str) -> None:
        self._target.end(self._local(tag))

    def _local(self, tag: str) -> str:
        found = self._names.get(tag)
        if found is None:
            found = tag.rpartition("}")[2]
            if len(self._names) < 1_000:
                self._names[tag] = found
        return found


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet of the workbook: its name as people see it, the part that holds it."""

    name: str = field(repr=False)
    part: str
    visible: bool


class Texts:
    """The workbook's table of texts, in one block of bytes: it may have millions of entries."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("Q", [0])

    def append(self, text: str) -> None:
        self._bytes += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._bytes))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < len(self):
            raise IndexError
        return self._bytes[self._ends[index] : self._ends[index + 1]].decode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Workbook:
    """What the sheets' cells refer to. `dates` and `durations` are the numbers of cell styles."""

    sheets: tuple[Sheet, ...]
    base: Literal[1900, 1904]
    dates: frozenset[int]
    durations: frozenset[int]
    texts: Texts = field(repr=False)


class Package:
    """An xlsx file. Raises TableRefused for what is no sound package or goes over a limit, before it is unpacked."""

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self._limits = limits
        try:
            self._zip = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, zlib.error, ValueError, OSError, NotImplementedError, EOFError, RuntimeError):
            raise TableRefused("xlsx-damaged") from None
        self._members = self._checked(self._zip.infolist())

    def _checked(self, members: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        if len(members) > self._limits.package_members:
            raise TableRefused("xlsx-too-many-members")
        if len({each.filename for each in members}) < len(members):
            raise TableRefused("xlsx-damaged")  # which of two members of one name is meant differs by reader
        if sum(each.file_size for each in members) > self._limits.package_bytes:
            raise TableRefused("xlsx-unpacks-too-large")
        for each in members:
            if each.flag_bits & _ENCRYPTED:
                raise TableRefused("table-locked")
            if each.file_size > _MEGABYTE and each.file_size > self._limits.ratio * max(1, each.compress_size):
                raise TableRefused("xlsx-unpacks-too-large")
        return {each.filename: each for each in members}

    def has(self, part: str) -> bool:
        return part in self._members

    def pieces(self, part: str, target: Target, most_bytes: int) -> Iterator[int]:
        """Read a part through `target`, yielding after each piece how many bytes have been read."""
        member = self._members.get(part)
        if member is None:
            raise TableRefused("xlsx-damaged")
        if member.file_size > most_bytes:
            raise TableRefused("xlsx-unpacks-too-large")
        local = _Local(target)
        parser = DefusedXMLParser(target=local, forbid_dtd=True)
        size = seen = seen_at = 0
        try:
            with self._zip.open(member) as source:
                while data := source.read(_CHUNK):
                    parser.feed(data)
                    size += len(data)
                    if local.seen > seen:
                        seen, seen_at = local.seen, size
                    elif size - seen_at > _LONGEST_TOKEN:
                        raise TableRefused("xlsx-unpacks-too-large")
                    yield size
            parser.close()
        except DefusedXmlException:
            raise TableRefused("xlsx-entities") from None
        except (ParseError, zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
            raise TableRefused("xlsx-damaged") from None

    def read(self, part: str, target: Target, most_bytes: int | None = None) -> None:
        """Read a whole part through `target`."""
        for _ in self.pieces(part, target, self._limits.part_bytes if most_bytes is None else most_bytes):
            pass

    def workbook(self) -> Workbook:
        """What the package says beside its rows."""
        main = next((to for kind, to in self._relations("").values() if kind == "officeDocument"), "xl/workbook.xml")
        relations = self._relations(main)
        book = _Book()
        self.read(main, book)
        sheets = tuple(
            Sheet(name, relations[link][1], visible)
            for name, link, visible in book.sheets
            if link in relations and relations[link][0] == "worksheet" and self.has(relations[link][1])
        )
        styles, texts = _Styles(), _SharedTexts()
        for kind, part in relations.values():
            if kind == "styles" and self.has(part):
                self.read(part, styles)
            elif kind == "sharedStrings" and self.has(part):
                self.read(part, texts, self._limits.strings_bytes)
        return Workbook(sheets, book.base, *styles.dates(), texts.found)

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """By id: the last word of the relation's type, and the part that it leads to."""
        folder, name = posixpath.split(part)
        path = posixpath.join(folder, "_rels", f"{name}.rels")
        if not self.has(path):
            raise TableRefused("xlsx-damaged")
        found = _Relations(folder)
        self.read(path, found)
        return found.found


class _Relations(Target):
    def __init__(self, folder: str) -> None:
        self.found: dict[str, tuple[str, str]] = {}
        self._folder = folder

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            to = posixpath.normpath(posixpath.join("/", self._folder, attributes.get("Target", "")))
            self.found[attributes.get("Id", "")] = (kind, to.lstrip("/"))


class _Book(Target):
    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, bool]] = []
        self.base: Literal[1900, 1904] = 1900

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "workbookPr" and attributes.get("date1904") in ("1", "true"):
            self.base = 1904
        elif tag == "sheet":
            link = next((value for key, value in attributes.items() if key.rpartition("}")[2] == "id"), "")
            self.sheets.append((attributes.get("name", ""), link, attributes.get("state", "visible") == "visible"))


class _Styles(Target):
    """Which cell styles show dates: `cellXfs` in order, each naming a number format."""

    def __init__(self) -> None:
        self._formats: dict[int, str] = dict(BUILTIN_FORMATS)
        self._of_style: list[int] = []
        self._inside = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "numFmt":
            self._formats[_number(attributes.get("numFmtId"))] = attributes.get("formatCode", "")[:1_000]
        elif tag == "cellXfs":
            self._inside = True
        elif tag == "xf" and self._inside:
            self._of_style.append(_number(attributes.get("numFmtId")))

    def end(self, tag: str) -> None:
        if tag == "cellXfs":
            self._inside = False

    def dates(self) -> tuple[frozenset[int], frozenset[int]]:
        used = set(self._of_style)
        return self._styles(used, is_date_format), self._styles(used, is_timedelta_format)

    def _styles(self, used: set[int], test: Callable[[str | None], bool]) -> frozenset[int]:
        formats = {each for each in used if test(self._formats.get(each))}
        return frozenset(style for style, each in enumerate(self._of_style) if each in formats)


class _SharedTexts(Target):
    """The `si` items: their `t` texts, those of runs joined, phonetic ones (`rPh`) left out."""

    def __init__(self) -> None:
        self.found = Texts()
        self._parts: list[str] = []
        self._taking = self._phonetic = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "t":
            self._taking = not self._phonetic
        elif tag == "rPh":
            self._phonetic = True
        elif tag == "si":
            self._parts = []

    def end(self, tag: str) -> None:
        if tag == "t":
            self._taking = False
        elif tag == "rPh":
            self._phonetic = False
        elif tag == "si":
            self.found.append("".join(self._parts))

    def data(self, text: str) -> None:
        if self._taking:
            self._parts.append(text)


def unescape(text: str) -> str:
    """Characters that XML cannot hold stand as `_x000D_` in a workbook's texts."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def _number(text: str | None) -> int:
    return int(text) if text is not None and re.fullmatch(r"\d{1,9}", text, re.ASCII) else 0
