"""JSON from strangers: limits on size and depth, and none of what parsers disagree about.

Refuses duplicate keys, NaN and Infinity, numbers of absurd length, lone surrogates and bytes that are not UTF-8. A text is
first cut into its records by brackets alone, so that one bad record does not take the others with it. The standard
library's parser does the reading: no library at hand refuses duplicate keys. What the values mean is left to the formats.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NoReturn

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+("|\Z)|[\[\]{},:]|[^\s\[\]{},:"]++', re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# Keys are the sender's text too: only what looks like a field's name is ever repeated.
_FIELD_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,40}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one record may hold. A record over a limit is refused whole."""

    document_bytes: int = 64_000_000
    record_bytes: int = 1_000_000
    depth: int = 32
    items: int = 20_000
    number_digits: int = 40


class JsonRefused(ValueError):
    """The text was refused. `code` is a key of `records.REASONS`, `field` the path if known, `line` from 1."""

    def __init__(self, code: str, line: int, path: str = "") -> None:
        super().__init__(f"{code} in line {line}" + (f", field {path}" if path else ""))
        self.code = code
        self.line = line
        self.field = path


@dataclass(frozen=True, slots=True)
class Span:
    """One value in a text: `text[start:end]`, and its first line. `whole` is false if the text ends inside it."""

    start: int
    end: int
    line: int
    whole: bool
    key: str | None = field(default=None, repr=False)


def text_of(data: bytes) -> str:
    """Bytes to text. What is not UTF-8 becomes lone surrogates, which `loads` then refuses where they stand."""
    return data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def values(text: str, start: int = 0, line: int = 1) -> Iterator[Span]:
    """The values that follow one another in a text (one for a document, many for JSON lines), cut by brackets alone."""
    yield from _spans(text, start, line, inside=False)


def members(text: str, span: Span) -> Iterator[Span]:
    """The direct members of an array or object, in order; those of an object have a `key`."""
    yield from _spans(text, span.start + 1, span.line, inside=True)


def loads(text: str, line: int = 1, limits: Limits | None = None) -> JsonValue:
    """One JSON value, strictly. `line` is where the text begins in its file.

    Raises JsonRefused, which names a line and a field and never a value.
    """
    limits = limits or Limits()
    if len(text) > limits.record_bytes:
        raise JsonRefused("json-too-large", line)
    _check_shape(text, line, limits)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=lambda _: _Refused("json-not-finite"),
            parse_int=lambda digits: _number(digits, limits),
            parse_float=lambda digits: _number(digits, limits),
        )
    except json.JSONDecodeError as error:
        raise JsonRefused("json-syntax", line + error.lineno - 1) from None
    _check_values(value, line, "")
    checked: JsonValue = value
    return checked


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands in the place of a value that was refused, so that its path can be told."""

    code: str
    key: str = ""


def _object(pairs: list[tuple[str, object]]) -> object:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return _Refused("json-duplicate-key", key)
        seen.add(key)
    return found


def _number(digits: str, limits: Limits) -> object:
    if len(digits) > limits.number_digits:
        return _Refused("json-number-too-long")
    if digits.lstrip("-").isdecimal():
        return int(digits)
    value = float(digits)
    return value if abs(value) != float("inf") else _Refused("json-not-finite")


def _check_shape(text: str, line: int, limits: Limits) -> None:
    """Depth and number of items, before anything is built from them."""
    depth = items = 0
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
        elif first in "]}":
            depth -= 1
        items += first in "[{,"
        if depth > limits.depth:
            raise JsonRefused("json-too-deep", line + text.count("\n", 0, token.start()))
        if items > limits.items:
            raise JsonRefused("json-too-many-items", line)


def _check_values(value: object, line: int, path: str) -> None:
    """Raise for what was refused, with its path; depth is already bounded."""
    if isinstance(value, _Refused):
        _refuse(value.code, line, _under(path, value.key) if value.key else path)
    if isinstance(value, str):
        if _SURROGATE.search(value):
            _refuse("json-lone-surrogate", line, path)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            _check_values(item, line, f"{path}[{i}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            if _SURROGATE.search(key):
                _refuse("json-lone-surrogate", line, path)
            _check_values(item, line, _under(path, key))


def _under(path: str, key: str) -> str:
    name = key if _FIELD_NAME.fullmatch(key) else "?"
    return f"{path}.{name}" if path else name


def _refuse(code: str, line: int, path: str) -> NoReturn:
    raise JsonRefused(code, line, path)


def _spans(text: str, start: int, line: int, *, inside: bool) -> Iterator[Span]:
    """Values at one level. Inside a container they are parted by commas, outside they follow one another."""
    depth, begin, begin_line, end, key = 0, -1, line, start, None
    counted = start
    for token in _TOKEN.finditer(text, start):
        first = text[token.start()]
        if depth == 0 and inside and first in ",]}":
            if begin >= 0:
                yield Span(begin, end, begin_line, True, key)
            begin, key = -1, None
            if first != ",":
                return
            continue
        if depth == 0 and inside and first == ":" and begin >= 0 and key is None:
            key, begin = text[begin + 1 : end - 1], -1
            continue
        if begin < 0:
            begin = token.start()
            line += text.count("\n", counted, begin)
            counted, begin_line = begin, line
        depth += (first in "[{") - (first in "]}")
        end = token.end()
        if not inside and depth <= 0:
            yield Span(begin, end, begin_line, first != '"' or token[1] == '"')
            begin, depth = -1, 0
    if begin >= 0:
        yield Span(begin, len(text), begin_line, False, key)
