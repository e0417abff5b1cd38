"""PNG pictures made small without a library: at most 256 colours, packed hard (PNG, W3C 2003, sections 9 to 11)."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = 256


def packed(png: bytes) -> bytes:
    """The same picture with the 256 colours that it has most of; rarer ones become the nearest of those."""
    width, height, rows = _rows(png)
    counted: Counter[bytes] = Counter()
    for row in rows:
        counted.update(row[at : at + 3] for at in range(0, len(row), 3))
    palette = [colour for colour, _ in counted.most_common(COLOURS)]
    index = {colour: number for number, colour in enumerate(palette)}
    for colour in counted:
        if colour not in index:
            index[colour] = min(range(len(palette)), key=lambda number: _far(palette[number], colour))
    lines = b"".join(b"\0" + bytes(index[row[at : at + 3]] for at in range(0, len(row), 3)) for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(name, data) for name, data in parts)


def _far(one: bytes, other: bytes) -> int:
    return sum((left - right) ** 2 for left, right in zip(one, other, strict=True))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _rows(png: bytes) -> tuple[int, int, list[bytes]]:
    """Width, height, and each line's colours, three bytes a point: of what Chromium writes (8 bits, with or without alpha)."""
    width, height, depth, kind = 0, 0, 0, 0
    data, at = b"", len(SIGNATURE)
    while at < len(png):
        size, name = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + size]
        if name == b"IHDR":
            width, height, depth, kind = struct.unpack(">IIBB", body[:10])
        elif name == b"IDAT":
            data += body
        at += 12 + size
    assert depth == 8 and kind in (2, 6), "not as Chromium writes pictures"
    step = 3 if kind == 2 else 4
    return width, height, [_colours(line, step) for line in _unfiltered(zlib.decompress(data), width * step, step)]


def _colours(line: bytes, step: int) -> bytes:
    if step == 3:
        return line
    return b"".join(line[at : at + 3] for at in range(0, len(line), 4))


def _unfiltered(data: bytes, stride: int, step: int) -> Iterable[bytes]:
    before = bytes(stride)
    for start in range(0, len(data), stride + 1):
        kind, line = data[start], bytearray(data[start + 1 : start + 1 + stride])
        if kind:
            _undo(kind, line, before, step)
        before = bytes(line)
        yield before


def _undo(kind: int, line: bytearray, before: bytes, step: int) -> None:
    for at in range(len(line)):
        left = line[at - step] if at >= step else 0
        corner = before[at - step] if at >= step else 0
        up = before[at]
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        else:
            guess = _paeth(left, up, corner)
        line[at] = (line[at] + guess) & 255


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    one, two, three = abs(guess - left), abs(guess - up), abs(guess - corner)
    if one <= two and one <= three:
        return left
    return up if two <= three else corner
