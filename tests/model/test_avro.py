"""Models to bytes and back, and what the strict decoder refuses: everything but the one canonical encoding."""

from __future__ import annotations

import hashlib
import hmac
import io
import uuid
from typing import Any

import fastavro
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import schemas
from hub.model import avro, codes
from hub.model.base import Model
from hub.model.core import Alert, Section
from hub.model.decision import Holding
from hub.model.sections import Case, Contact, Content, Narrative
from tests.model import strategies as made
from tests.model.records import RECORDS

NAME = "Xiomara"  # stands for any personal value: no error may show it
ENDED = b"\x00"


@pytest.mark.parametrize("name", sorted(schemas.records()))
@settings(max_examples=25)
@given(data=st.data())
def test_every_record_comes_back_as_it_was(name: str, data: st.DataObject) -> None:
    record = data.draw(RECORDS[name])
    body = avro.encode(record)
    assert avro.decode_as(type(record), body) == record
    assert avro.encode(avro.decode_as(type(record), body)) == body


@pytest.mark.parametrize("category", codes.CATEGORIES)
@settings(max_examples=15)
@given(data=st.data())
def test_the_content_of_every_category_comes_back_as_it_was(category: str, data: st.DataObject) -> None:
    content: Content = data.draw(made.contents(category))
    payload = avro.encode_payload(category, content.content)
    assert avro.decode_payload(category, avro.SECTION_VERSION[category], payload) == content.content


@settings(max_examples=30)
@given(made.alerts(), st.data())
def test_a_body_that_is_cut_short_or_goes_on_is_undecodable(alert: Alert, data: st.DataObject) -> None:
    body = avro.encode(alert)
    end = data.draw(st.integers(0, len(body) - 1))
    tail = data.draw(st.binary(min_size=1, max_size=20))
    for damaged in (body[:end], body + tail):
        with pytest.raises(avro.Undecodable):
            avro.decode("Alert", damaged)


@settings(max_examples=50)
@given(made.alerts(), st.data())
def test_a_flipped_bit_gives_another_canonical_body_or_is_undecodable(alert: Alert, data: st.DataObject) -> None:
    body = bytearray(avro.encode(alert))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        fields = avro.decode("Alert", bytes(body))
    except avro.Undecodable:
        return
    assert fastavro_bytes("Alert", fields) == bytes(body)


@pytest.mark.parametrize("name", sorted(schemas.records()))
@settings(max_examples=40)
@given(body=st.binary(max_size=300))
@example(body=b"\xff" * 300)
@example(body=b"\x80" * 300)
def test_any_bytes_at_all_are_a_record_or_undecodable(name: str, body: bytes) -> None:
    try:
        fields = avro.decode(name, body)
    except avro.Undecodable:
        return
    assert fastavro_bytes(name, fields) == body


def fastavro_bytes(name: str, fields: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, avro.PARSED[name], fields)
    return out.getvalue()


def test_a_number_longer_than_it_need_be_is_undecodable() -> None:
    assert avro.decode("Position", b"\x02\x04") == {"next_offset": 1, "last_decided": 2}
    for overlong in (
        b"\x82\x00\x04",
        b"\x02\x84\x80\x00",
        b"\x82" + b"\x80" * 9 + b"\x00\x04",
        b"\xff" * 9 + b"\x7f\x04",
    ):
        with pytest.raises(avro.Undecodable):
            avro.decode("Position", overlong)


def test_an_array_in_two_blocks_or_with_its_size_is_undecodable() -> None:
    item = b"\x04H0"
    assert avro.attribute("handling", b"\x04" + item * 2 + ENDED) == ("H0", "H0")
    in_two_blocks = b"\x02" + item + b"\x02" + item + ENDED
    with_its_size = b"\x03\x0c" + item * 2 + ENDED
    for raw in (in_two_blocks, with_its_size, b"\x04" + item * 2, b"\x04" + item * 2 + ENDED * 2, b"\x01" + ENDED):
        with pytest.raises(avro.Undecodable):
            avro.attribute("handling", raw)


def test_a_union_index_that_is_negative_or_unknown_is_undecodable() -> None:
    payload = avro.encode_payload("case", Case())
    assert payload == bytes(6)
    for index in (b"\x01", b"\x03", b"\x04", b"\x80\x00", b"\xff\xff\xff\xff\x0f"):
        with pytest.raises(avro.Undecodable):
            avro.decode_payload("case", 1, index + payload[1:])


def test_a_truth_value_is_one_or_zero() -> None:
    holding = Holding(
        originator="a",
        revision=1,
        cancelled=True,
        content=bytes(32),
        topic="alerts.a",
        partition=0,
        offset=0,
        valid_until_ms=0,
    )
    body = bytearray(avro.encode(holding))
    assert body[3] == 1
    body[3] = 2
    with pytest.raises(avro.Undecodable):
        avro.decode("Holding", bytes(body))


@pytest.mark.parametrize(
    "size", [b"\xfe\xff\xff\xff\x0f", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x01", b"\xff\xff\x03"]
)
def test_a_size_that_nothing_stands_behind_is_undecodable(size: bytes) -> None:
    """Lengths of strings and counts of arrays from minus 2**63 to 2**63: refused without room being made for them."""
    for raw in (size, size + bytes(1000)):
        with pytest.raises(avro.Undecodable):
            avro.attribute("class", raw)
        with pytest.raises(avro.Undecodable):
            avro.attribute("handling", raw)
        with pytest.raises(avro.Undecodable):
            avro.decode_payload("victim.image", 1, raw)


def test_text_that_is_not_utf8_is_undecodable() -> None:
    for text in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80"):
        with pytest.raises(avro.Undecodable):
            avro.attribute("class", bytes([2 * len(text)]) + text)


def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(avro.Undecodable, match="over the limit"):
        avro.decode("Alert", bytes(avro.RECORD_MAX_BYTES + 1))
    with pytest.raises(avro.Undecodable, match="over the limit"):
        avro.decode("Alert", bytes(11), limit_bytes=10)


def test_errors_tell_the_field_and_never_the_value() -> None:
    payload = avro.encode_payload("victim.contact", Contact(person="v1", phones=(NAME,)))
    assert NAME.encode() in payload
    cases: list[tuple[str, bytes]] = [
        ("cut", payload[:-1]),
        ("extended", payload + b"\x00"),
        ("another person", payload.replace(b"\x04v1", b"\x04" + NAME[:2].encode())),
    ]
    for what, damaged in cases:
        with pytest.raises(avro.Undecodable) as caught:
            avro.decode_payload("victim.contact", 1, damaged)
        assert NAME not in str(caught.value), what
        assert NAME[:2] not in str(caught.value), what
        assert caught.value.__cause__ is None, what
        assert caught.value.__context__ is None or caught.value.__suppress_context__, what
    with pytest.raises(avro.Undecodable, match=r"^person: "):
        avro.decode_payload("victim.contact", 1, cases[-1][1])


def test_a_section_of_a_newer_version_or_an_unknown_category_is_undecodable() -> None:
    payload = avro.encode_payload("narrative", Narrative(text="x"))
    for category, version in (("narrative", 2), ("narrative", 0), ("unheard-of", 1)):
        with pytest.raises(avro.Undecodable, match="no schema of version"):
            avro.decode_payload(category, version, payload)


@given(st.integers(0, 2**32 - 1), st.binary(max_size=50))
def test_a_frame_is_confluents(schema_id: int, body: bytes) -> None:
    framed = avro.frame(schema_id, body)
    assert framed == b"\x00" + schema_id.to_bytes(4, "big") + body
    assert avro.unframe(framed) == (schema_id, body)


@pytest.mark.parametrize("value", [b"", b"\x00\x00\x00\x00", b"\x01\x00\x00\x00\x01abc", b"{}   "])
def test_what_has_no_frame_is_undecodable(value: bytes) -> None:
    with pytest.raises(avro.Undecodable):
        avro.unframe(value)


@settings(max_examples=30)
@given(made.routings())
def test_an_attribute_is_decoded_from_its_own_bytes(routing: Model) -> None:
    fields = avro.plain(routing)
    for name in codes.ATTRIBUTES:
        value = fields[name] if name in fields else fields["label"][name]
        out = io.BytesIO()
        fastavro.schemaless_writer(out, avro._ATTRIBUTE_SCHEMA[name], value)
        expected = value
        if name == "derived_from":
            expected = tuple(str(uuid.UUID(bytes=item["alert"])) for item in value)
        elif isinstance(value, list):
            expected = tuple(value)
        assert avro.attribute(name, out.getvalue()) == expected


def test_digest_and_salt_are_those_of_the_formats_page() -> None:
    section = Section(category="narrative", version=1, salt=bytes(16), payload=b"p")
    data = b"\x12narrative" + b"\x02" + bytes(16) + b"\x02p"
    assert avro.encode_section(section) == data
    assert avro.digest(data) == hashlib.sha256(data).digest()
    expected = hmac.new(b"k", b"I" * 16 + b"narrative\x00" + b"\x00\x00\x00\x03" + b"p", hashlib.sha256).digest()[:16]
    assert avro.salt(b"k", b"I" * 16, "narrative", 3, b"p") == expected
