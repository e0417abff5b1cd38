"""The wire form of records, held against kafka-python's own reading and writing."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.memory_records import MemoryRecordsBuilder
from kafka.record.util import decode_varint, encode_varint

from hub.bus.bus import NO_HEADERS
from hub.bus.records import (
    BATCH_HEADER_BYTES,
    CODECS,
    Body,
    Compression,
    Malformed,
    Producer,
    Times,
    pack_batch,
    pack_headers,
    read_varint,
    record_bytes,
    unpack_headers,
    unpack_records,
    varint,
)

FIELDS = st.none() | st.binary(max_size=40) | st.integers(0, 20_000).map(bytes)
HEADERS = st.lists(st.tuples(st.text(max_size=20), st.none() | st.binary(max_size=20)), max_size=5)
ROWS = st.lists(st.tuples(FIELDS, FIELDS, HEADERS), min_size=1, max_size=150)
NOBODY = Producer()
INT64 = st.integers(-(2**63), 2**63 - 1)

Row = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]


def packed(rows: list[Row], producer: Producer = NOBODY, compression: Compression = "none") -> bytearray:
    body = Body()
    for key, value, headers in rows:
        body.add(key, value, pack_headers(headers), 1 << 30)
    return pack_batch(body, producer, 1_700_000_000_000, compression)


def unpacked(batch: Any, append_ms: int | None = None) -> list[Row]:
    records = unpack_records(
        bytes(batch._buffer),
        batch._pos,
        batch.records_count,
        batch.base_offset,
        Times(batch.first_timestamp, append_ms),
    )
    return [(record.key, record.value, unpack_headers(record.headers)) for record in records]


@given(INT64)
def test_a_number_is_packed_as_the_library_packs_it(number: int) -> None:
    theirs = bytearray()
    cast(Any, encode_varint)(number, theirs.append)
    assert varint(number) == bytes(theirs)
    assert read_varint(varint(number), 0) == (number, len(theirs)) == cast(Any, decode_varint)(theirs)


def test_a_number_of_more_than_64_bits_is_malformed() -> None:
    with pytest.raises(Malformed):
        read_varint(b"\xff" * 11, 0)


@given(HEADERS)
def test_headers_come_back_as_they_were(headers: list[tuple[str, bytes | None]]) -> None:
    assert unpack_headers(pack_headers(headers)) == headers


@given(st.binary(max_size=60))
def test_headers_that_are_not_are_malformed_and_nothing_worse(raw: bytes) -> None:
    try:
        headers = unpack_headers(raw)
    except Malformed:
        return
    assert unpack_headers(pack_headers(headers)) == headers


@given(ROWS, st.sampled_from(list(CODECS)))
def test_the_library_reads_what_was_packed(rows: list[Row], compression: Compression) -> None:
    batch: Any = cast(Any, DefaultRecordBatch)(packed(rows, Producer(7, 3, 11, True), compression))
    assert batch.validate_crc()
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (7, 3, 11)
    assert batch.is_transactional
    assert not batch.is_control_batch
    assert [(record.key, record.value, record.headers) for record in batch] == rows


@given(ROWS)
def test_what_the_library_packed_is_read(rows: list[Row]) -> None:
    builder: Any = cast(Any, MemoryRecordsBuilder)(2, 0, 1 << 26)
    for number, (key, value, headers) in enumerate(rows):
        builder.append(1_000 + number * 1_000, key, value, headers)
    builder.close()
    batch: Any = cast(Any, DefaultRecordBatch)(builder.buffer())
    assert unpacked(batch) == rows
    records = unpack_records(bytes(batch._buffer), batch._pos, len(rows), 5_000, Times(batch.first_timestamp, None))
    assert [record.offset for record in records] == list(range(5_000, 5_000 + len(rows)))
    assert [record.timestamp_ms for record in records] == [1_000 + number * 1_000 for number in range(len(rows))]


def test_all_records_of_a_batch_have_the_brokers_time_if_it_gave_one() -> None:
    data = bytes(packed([(b"k", b"v", [])] * 3))
    records = unpack_records(data, BATCH_HEADER_BYTES, 3, 0, Times(1, 99))
    assert [record.timestamp_ms for record in records] == [99] * 3


@given(ROWS, st.data())
def test_damaged_records_are_malformed_or_differ_and_nothing_worse(rows: list[Row], data: st.DataObject) -> None:
    damaged = packed(rows)[BATCH_HEADER_BYTES:]
    place = data.draw(st.integers(0, len(damaged) - 1))
    damaged[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    try:
        records = unpack_records(bytes(damaged[:cut]), 0, len(rows), 0, Times(0, None))
    except Malformed:
        return
    assert len(records) == len(rows)


@given(FIELDS, FIELDS, HEADERS)
def test_a_record_takes_no_more_than_was_reckoned(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    assert len(packed([(key, value, headers)])) <= record_bytes(key, value, pack_headers(headers))


def test_a_body_takes_what_fits_and_its_first_record_in_any_case() -> None:
    body = Body()
    assert body.add(b"k", b"v" * 1_000, NO_HEADERS, 500)
    assert not body.add(b"k", b"v", NO_HEADERS, 500)
    assert (body.count, body.size_bytes) == (1, len(pack_batch(body, NOBODY, 0, "none")))


def test_what_does_not_get_smaller_is_not_compressed() -> None:
    assert len(packed([(b"k", b"v", [])], compression="lz4")) == len(packed([(b"k", b"v", [])]))
    assert len(packed([(b"k", b"v" * 10_000, [])], compression="lz4")) < 1_000
