"""CSV as it is really sent, bytes to lines of cells: encodings, delimiters, quotes, line ends, damage; bounded memory.

Source of the format: RFC 4180 and what spreadsheets write (`sep=;`, semicolons, tabs, Windows-1252, UTF-16). Every row of
the file comes out, once, as cells or with a problem. Headers and meaning are left to `tabular.py`.
"""

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, Final, Literal

from connectors.formats.tabular_cells import CONTROL, FORMULA, Cells, Limits, TableRefused, text_cell

DELIMITERS: Final = (",", ";", "\t", "|")
Encoding = Literal["utf-8", "utf-16-le", "utf-16-be", "windows-1252", "latin-1", "iso-8859-15", "cp850", "cp437"]

_CHUNK: Final = 64 * 1024
_SNIFFED_ROWS: Final = 30
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_LOST_BYTE: Final = re.compile("[\udc80-\udcff]")
# Letters of the old DOS code pages, read as Windows-1252: no such sign stands between two letters of any text.
_DOS_LETTER: Final = re.compile(r"[A-Za-z][¡¢£¤¥‚][A-Za-z]")


class Decoder:
    """Bytes to text, deciding between UTF-8 and Windows-1252 by the first byte that only one of them can have made.

    Until then the text is ASCII, which is the same in both. Once UTF-8 was seen, bytes that are not UTF-8 become lone
    surrogates, by which their row is known as damaged. Latin-1 is read as Windows-1252, which differs in control
    characters only, unless it is asked for.
    """

    def __init__(self, head: bytes, encoding: Encoding | None) -> None:
        self.encoding: str = encoding or _by_mark(head)
        self._decoder = codecs.getincrementaldecoder(self.encoding)(_errors(self.encoding)) if self.encoding else None
        self._pending = b""

    def decode(self, data: bytes, *, final: bool = False) -> str:
        if self._decoder is not None:
            try:
                return self._decoder.decode(data, final)
            except UnicodeDecodeError:  # half a character at the end of UTF-16
                return "\udcff"
        data = self._pending + data
        self._pending = b""
        if data.isascii():
            return data.decode("ascii")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            cut = "unexpected end" in error.reason and not final
            if cut and data[: error.start].isascii():
                self._pending = data[error.start :]
                return data[: error.start].decode("ascii")
            return self._settle("utf-8" if cut or not data[: error.start].isascii() else "windows-1252", data, final)
        self._settle("utf-8", b"", final=False)
        return text

    def _settle(self, encoding: str, data: bytes, final: bool) -> str:
        self.encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)(_errors(encoding))
        return self._decoder.decode(data, final)


def _by_mark(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise TableRefused("table-encoding-unsupported")
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    return "utf-16-be" if head.startswith(codecs.BOM_UTF16_BE) else ""


def _errors(encoding: str) -> str:
    return "surrogatepass" if encoding.startswith("utf-16") else "surrogateescape"


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the file with its end. One that is longer than a row may be is cut, and `whole` is false."""

    number: int
    text: str
    whole: bool = True


class Lines:
    """The lines of a stream. A line ends with CR LF, LF or CR, and with nothing else that Unicode calls a line end."""

    def __init__(self, head: bytes, stream: BinaryIO, encoding: Encoding | None, limits: Limits) -> None:
        self._decoder = Decoder(head, encoding)
        self._limits = limits
        self._blocks = self._texts(head, stream)
        self._again: deque[_Line] = deque()
        self._lines = self._cut()
        self.too_large = False

    @property
    def encoding(self) -> str:
        """The encoding as far as the file was read: `ascii` until something else is known."""
        return self._decoder.encoding or "ascii"

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> _Line:
        return self._again.popleft() if self._again else next(self._lines)

    def put_back(self, lines: list[_Line]) -> None:
        """These lines come again, before all others."""
        self._again.extendleft(reversed(lines))

    def _texts(self, head: bytes, stream: BinaryIO) -> Iterator[str]:
        size, data = 0, head
        first = True
        while data:
            size += len(data)
            if size > self._limits.file_bytes:
                self.too_large = True
                break
            text = self._decoder.decode(data)
            yield text.removeprefix("\ufeff") if first else text
            first = first and not text
            data = stream.read(_CHUNK)
        yield self._decoder.decode(b"", final=True)

    def _cut(self) -> Iterator[_Line]:
        number, rest, whole = 1, "", True
        for block in self._blocks:
            rest += block
            start = 0
            for end in _LINE_END.finditer(rest):
                if end.end() == len(rest) and end[0] == "\r":
                    break  # its LF may come with the next block
                yield _Line(number, rest[start : end.end()] if whole else "", whole)
                number, start, whole = number + 1, end.end(), True
            rest = rest[start:]
            if len(rest) > self._limits.row_characters:
                rest, whole = rest[-1:] if rest.endswith("\r") else "", False
        whole = whole and not self.too_large
        if rest or not whole:
            yield _Line(number, rest if whole else "", whole)


class _RowTooLong(Exception):
    pass


class CsvRows:
    """The rows of a CSV stream, in order, each once. Iterate once.

    `delimiter` and `encoding` tell what was found. Raises TableRefused for what is no text at all.
    """

    base: Final = 1900  # day numbers of a CSV, if it has any

    def __init__(
        self, head: bytes, stream: BinaryIO, *, delimiter: str | None, encoding: Encoding | None, limits: Limits
    ) -> None:
        self._lines = Lines(head, stream, encoding, limits)
        self._limits = limits
        self._guessed = encoding is None
        first = list(islice(self._lines, 1))
        named = re.fullmatch(r'"?sep=([,;\t|])"?\s*', first[0].text) if first else None
        if named is None:
            self._lines.put_back(first)
        self.delimiter = delimiter or (named[1] if named else self._sniff())

    @property
    def encoding(self) -> str:
        return self._lines.encoding

    def __iter__(self) -> Iterator[Cells]:
        for count, row in enumerate(self._rows(self.delimiter), 1):
            if count > self._limits.rows:
                yield Cells(row.line, (), "table-too-many-rows")
                return
            if row.problem and self._lines.too_large:  # what was cut off
                yield Cells(row.line, (), "file-too-large")
                return
            yield row

    def _rows(self, delimiter: str) -> Iterator[Cells]:
        used: list[_Line] = []
        reader = csv.reader(self._feed(used), delimiter=delimiter, strict=True, skipinitialspace=False)
        while True:
            used.clear()
            try:
                fields = next(reader)
            except StopIteration:
                if not used:
                    return
                yield from self._damaged(used, "table-row-damaged")
            except _RowTooLong:
                yield from self._damaged(used, "table-row-too-long" if len(used) <= 1 else "table-quote-open")
            except csv.Error as error:
                yield from self._damaged(used, _code_of(error, len(used)))
            else:
                yield self._row(used, fields)
                continue
            reader = csv.reader(self._feed(used), delimiter=delimiter, strict=True, skipinitialspace=False)

    def _feed(self, used: list[_Line]) -> Iterator[str]:
        """Lines for the csv reader, remembering those that went into the row it is reading."""
        size = 0
        for line in self._lines:
            size = len(line.text) + (size if used else 0)
            used.append(line)
            if not line.whole or size > self._limits.row_characters or len(used) > self._limits.row_lines:
                raise _RowTooLong
            yield line.text

    def _damaged(self, used: list[_Line], code: str) -> Iterator[Cells]:
        """One problem for the line where the trouble began; the lines after it are read again, as rows of their own."""
        self._lines.put_back(used[1:])
        yield Cells(used[0].number, (), code)

    def _row(self, used: list[_Line], fields: list[str]) -> Cells:
        line = used[0].number
        if len(fields) > self._limits.columns:
            return Cells(line, (), "table-too-many-columns")
        text = used[0].text if len(used) == 1 else "".join(each.text for each in used)
        if _LOST_BYTE.search(text):
            utf = self.encoding.startswith("utf")
            return Cells(line, (), "table-encoding-mixed" if utf else "table-byte-undefined")
        if self._guessed and self.encoding == "windows-1252" and _DOS_LETTER.search(text):
            return Cells(line, (), "table-encoding-doubtful")
        clean = CONTROL.search(text) is None
        return Cells(line, tuple(text_cell(_unshielded(each), self._limits, clean=clean) for each in fields))

    def _sniff(self) -> str:
        """The delimiter under which the first rows agree best with the first of them, which is mostly the header."""
        lines = list(islice(self._lines, _SNIFFED_ROWS))
        self._lines.put_back(lines)
        texts = [line.text for line in lines if line.text.strip()]
        scores = {delimiter: _agreement(texts, delimiter) for delimiter in DELIMITERS}
        return max(DELIMITERS, key=lambda each: scores[each])  # the first of them, if there is nothing to part


def _code_of(error: csv.Error, lines: int) -> str:
    if "field limit" in str(error) and lines == 1:
        return "table-cell-too-long"
    return "table-quote-open" if lines > 1 or "end of data" in str(error) else "table-quotes-damaged"


def _agreement(texts: list[str], delimiter: str) -> tuple[bool, float, int]:
    """Whether the first row has the commonest width of at least two, the share of rows that have it, and that width."""
    widths: list[int] = []
    with suppress(csv.Error):
        widths.extend(len(fields) for fields in csv.reader(texts, delimiter=delimiter) if fields)
    wide = [width for width in widths if width > 1]
    if not wide:
        return False, 0.0, 1
    common = max(wide, key=wide.count)
    first, share = widths[0] == common, wide.count(common) / len(widths)
    return (first, share, common) if first or share > 0.5 else (False, 0.0, 1)


def _unshielded(text: str) -> str:
    """Without the apostrophe that keeps a text from being a formula (see `tabular_write.py`)."""
    return text[1:] if text.startswith("'") and FORMULA.match(text, 1) else text
