"""Kafka's record batch, version 2, as bytes: packing what is written, unpacking what was fetched. Pure.

Source: the protocol guide's "Record Batch" (kafka.apache.org/documentation/#messageformat). Lengths are zigzag varints,
in which 0 to 63 take one byte; a length of -1 (the byte 01) is null. Compression, transport, checksums of what was
fetched, aborted and control batches are left to kafka-python (fetch.py, batches.py).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Literal, NamedTuple

from crc32c import crc32c
from kafka import codec

from hub.bus.bus import NO_HEADERS, Headers, Record

BATCH_HEADER = struct.Struct(">qiibIhiqqqhii")
BATCH_HEADER_BYTES = BATCH_HEADER.size
_CRC = struct.Struct(">I")
_CRC_OFFSET = 17
_CHECKED_OFFSET = 21  # the checksum covers everything from the attributes on
_LENGTH_COVERS_FROM = 12
_MAGIC = 2
_TRANSACTIONAL = 0x10

Compression = Literal["none", "gzip", "lz4"]


class Malformed(ValueError):
    """The bytes are not what Kafka's format says."""


class Codec(NamedTuple):
    number: int
    compress: Callable[[bytes], bytes]


CODECS: dict[Compression, Codec] = {
    "none": Codec(0, bytes),
    "gzip": Codec(1, codec.gzip_encode),
    "lz4": Codec(3, codec.lz4_encode),
}


def varint(number: int) -> bytes:
    """A signed number of up to 64 bits as zigzag varint."""
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append(0x80 | (rest & 0x7F))
        rest >>= 7
    out.append(rest)
    return bytes(out)


SMALL = 1 << 14
VARINTS = tuple(varint(number) for number in range(SMALL))  # a table look-up costs a tenth of the loop above
_NULL = varint(-1)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where the next field starts. Raises Malformed, and IndexError at the end of the data."""
    shift = result = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (result >> 1) ^ -(result & 1), at
        shift += 7
        if shift > 63:
            raise Malformed("a number of more than 64 bits")


def size(length: int) -> bytes:
    """A length as varint."""
    return VARINTS[length] if length < SMALL else varint(length)


def _field(data: bytes | None) -> bytes:
    return _NULL if data is None else size(len(data)) + data


def pack_headers(headers: Headers) -> bytes:
    """Headers in wire form: what Record and Outgoing carry."""
    parts = [_field(name.encode()) + _field(value) for name, value in headers]
    return size(len(parts)) + b"".join(parts) if parts else NO_HEADERS


def unpack_headers(raw: bytes) -> list[tuple[str, bytes | None]]:
    """The headers of a Record. Raises Malformed."""
    try:
        count, at = read_varint(raw, 0)
        if not 0 <= count <= len(raw):
            raise Malformed("a wrong number of headers")
        fields = []
        for _ in range(2 * count):
            field, at = _read_field(raw, at)
            fields.append(field)
        names = [(name or b"").decode() for name in fields[::2]]
    except (IndexError, UnicodeDecodeError) as error:
        raise Malformed("headers end early or have a name that is not UTF-8") from error
    if at != len(raw) or any(name is None for name in fields[::2]):
        raise Malformed("bytes left after the headers, or a header without a name")
    return list(zip(names, fields[1::2], strict=True))


def _read_field(raw: bytes, at: int) -> tuple[bytes | None, int]:
    length, at = read_varint(raw, at)
    if length < 0:
        return None, at
    if at + length > len(raw):
        raise Malformed("a field overruns")
    return raw[at : at + length], at + length


class Body:
    """The records of one batch to be, each in wire form. All bear the batch's timestamp, so their delta is zero."""

    __slots__ = ("count", "parts", "size_bytes")

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.count = 0
        self.size_bytes = BATCH_HEADER_BYTES

    def add(self, key: bytes | None, value: bytes | None, headers: bytes, limit_bytes: int) -> bool:
        """Takes one more record, unless the batch would grow over the limit by it; the first is taken in any case.

        The parts stay apart until the batch is built: joining once copies a value once.
        """
        offset = VARINTS[self.count] if self.count < SMALL else varint(self.count)
        key_size = _NULL if key is None else size(len(key))
        value_size = _NULL if value is None else size(len(value))
        key = key or b""
        value = value or b""
        length = 2 + len(offset) + len(key_size) + len(key) + len(value_size) + len(value) + len(headers)
        head = size(length)
        size_bytes = self.size_bytes + len(head) + length
        if size_bytes > limit_bytes and self.count:
            return False
        # attributes (none) and timestamp delta (none) are the two zero bytes
        self.parts += (head + b"\0\0" + offset + key_size, key, value_size, value, headers)
        self.count += 1
        self.size_bytes = size_bytes
        return True

    def clear(self) -> None:
        self.parts = []


def record_bytes(key: bytes | None, value: bytes | None, headers: bytes) -> int:
    """At most what a batch of this one record takes, so that it can be refused before anything is sent."""
    return BATCH_HEADER_BYTES + 20 + len(key or b"") + len(value or b"") + len(headers)


class Producer(NamedTuple):
    """Who writes a batch, and its place among all that this producer wrote to the partition."""

    id: int = -1
    epoch: int = -1
    sequence: int = -1
    transactional: bool = False


def pack_batch(body: Body, producer: Producer, timestamp_ms: int, compression: Compression) -> bytearray:
    """The whole batch, checksum included. Compressed only where that makes it smaller."""
    records = b"".join(body.parts)
    number, compress = CODECS[compression]
    if number:
        packed = compress(records)
        number, records = (number, packed) if len(packed) < len(records) else (0, records)
    batch = bytearray(BATCH_HEADER_BYTES)
    batch += records
    last = body.count - 1
    BATCH_HEADER.pack_into(
        batch,
        0,
        0,  # base offset: the broker's
        len(batch) - _LENGTH_COVERS_FROM,
        0,  # leader epoch: the broker's
        _MAGIC,
        0,  # checksum: below
        number | (_TRANSACTIONAL if producer.transactional else 0),
        last,
        timestamp_ms,
        timestamp_ms,
        producer.id,
        producer.epoch,
        producer.sequence,
        body.count,
    )
    _CRC.pack_into(batch, _CRC_OFFSET, crc32c(memoryview(batch)[_CHECKED_OFFSET:]))
    return batch


class Times(NamedTuple):
    """`first_ms` plus a record's delta is its time, or `append_ms` is the time of all (LogAppendTime)."""

    first_ms: int
    append_ms: int | None


def unpack_records(  # noqa: PLR0912, PLR0915 - six numbers read in line, see below
    data: bytes, at: int, count: int, base_offset: int, times: Times
) -> list[Record]:
    """The `count` records that fill `data` from `at` on, uncompressed. Raises Malformed.

    Short numbers are read in line: this loop is most of what reading costs, and a call for each of six numbers of a
    record would double it.
    """
    records: list[Record] = []
    make = tuple.__new__
    first, scale = (times.first_ms, 1) if times.append_ms is None else (times.append_ms, 0)
    try:
        for _ in range(count):
            number = data[at]
            if number < 128:
                length = number >> 1
                at += 1
            elif (more := data[at + 1]) < 128:
                length = ((number & 127) | (more << 7)) >> 1
                at += 2
            else:
                length, at = read_varint(data, at)
            end = at + length
            at += 1  # a record's attributes are unused
            number = data[at]
            if number < 128:
                delta_ms = (number >> 1) ^ -(number & 1)
                at += 1
            else:
                delta_ms, at = read_varint(data, at)
            number = data[at]
            if number < 128:
                offset = number >> 1
                at += 1
            elif (more := data[at + 1]) < 128:
                offset = ((number & 127) | (more << 7)) >> 1
                at += 2
            else:
                offset, at = read_varint(data, at)
            number = data[at]
            if number < 128:
                length = (number >> 1) ^ -(number & 1)
                at += 1
            else:
                length, at = read_varint(data, at)
            if length >= 0:
                key = data[at : at + length]
                at += length
            else:
                key = None
            number = data[at]
            if number < 128:
                length = (number >> 1) ^ -(number & 1)
                at += 1
            elif (more := data[at + 1]) < 128:
                number = (number & 127) | (more << 7)
                length = (number >> 1) ^ -(number & 1)
                at += 2
            else:
                length, at = read_varint(data, at)
            if length >= 0:
                value = data[at : at + length]
                at += length
            else:
                value = None
            if at >= end:
                raise Malformed("a record overruns its length")
            headers = data[at:end]
            at = end
            records.append(make(Record, (base_offset + offset, first + delta_ms * scale, key, value, headers)))
    except IndexError as error:
        raise Malformed("the batch ends within a record") from error
    if at != len(data):
        raise Malformed("bytes left over, or missing, at the end of the batch")
    return records
