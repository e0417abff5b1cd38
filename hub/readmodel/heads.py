"""The records of the bus as the recorder reads them: heads only. It stops before the view of a delivery, and steps over key,
value and headers of what is quarantined or ordered.

Records are decoded by their schema without the fields that are not to be read, which stand last; so nothing of those is ever
decoded. The router is strict with what agencies write; what it refuses is left out by taking.py.
"""

from __future__ import annotations

import io
from typing import Any, Final, NamedTuple

import fastavro

import schemas
from hub.model.avro import FRAME_BYTES, Undecodable, unframe

TOPIC_OF_ORDERS: Final = "control"
_BYTES: Final = ("key", "value", "headers")


def _head(name: str, until: str) -> Any:
    schema = schemas.records()[name]
    names = [field["name"] for field in schema["fields"]]
    return fastavro.parse_schema({**schema, "fields": schema["fields"][: names.index(until)]})


_DELIVERY: Final = _head("Delivery", "view")
_QUARANTINED: Final = _head("Quarantined", "key")
_CONTROL: Final = _head("Control", "key")
_DECISION: Final = fastavro.parse_schema(schemas.records()["Decision"])
_RECEIPT: Final = _head("Receipt", "reference")
_ENDED: Final = fastavro.parse_schema(schemas.records()["Ended"])
_NOTED: Final = fastavro.parse_schema(schemas.records()["Noted"])


class Order(NamedTuple):
    """The head of an order: the agency's record, or the alert, that it is about. `who` and `why` stand behind the bytes that
    it carries."""

    kind: str
    topic: str
    partition: int
    offset: int
    attempt: int
    who: str
    why: str
    alert: bytes | None


class Aside(NamedTuple):
    """The head of a quarantined record; `size_bytes`: of its value. `about`: the order's head, if the record is one."""

    topic: str
    partition: int
    offset: int
    previous: int
    timestamp_ms: int
    quarantined_ms: int
    reason: str
    field: str
    attempt: int
    size_bytes: int
    about: Order | None


def decision(body: bytes) -> dict[str, Any]:
    """A decision's fields. Raises Undecodable."""
    return _read(_DECISION, body)[0]


def ended(body: bytes) -> dict[str, Any]:
    """The fields of an alert's end. Raises Undecodable."""
    return _read(_ENDED, body)[0]


def noted(body: bytes) -> dict[str, Any]:
    """A note's fields. Raises Undecodable."""
    return _read(_NOTED, body)[0]


def delivery(body: bytes) -> dict[str, Any]:
    """A delivery's fields before the view. Raises Undecodable."""
    return _read(_DELIVERY, body)[0]


def receipt(body: bytes) -> dict[str, Any]:
    """A receipt's fields before its reference, which is its recipient's. An agency wrote it: nothing of it is checked here but
    that it can be read; it has no list and no nesting, so it costs no more than its bytes. Raises Undecodable."""
    return _read(_RECEIPT, body)[0]


def order(body: bytes) -> Order:
    """An order. Raises Undecodable."""
    fields, at = _read(_CONTROL, body)
    try:
        at = _past_bytes(body, at)
        who, at = _text(body, at)
        why, at = _text(body, at)
    except (IndexError, UnicodeDecodeError):
        raise Undecodable("an order that ends early") from None
    place = (fields["topic"], fields["partition"], fields["offset"], fields["attempt"])
    return Order(fields["kind"], *place, who, why, fields["alert"])


def aside(body: bytes) -> Aside:
    """A quarantined record. Raises Undecodable."""
    fields, at = _read(_QUARANTINED, body)
    try:
        _, at = _optional(body, at)  # the key
        value, _ = _optional(body, at)
    except IndexError:
        raise Undecodable("a quarantined record that ends early") from None
    about = None
    if fields["topic"] == TOPIC_OF_ORDERS and value is not None:
        about = _order_within(body, *value)
    place = (fields["topic"], fields["partition"], fields["offset"], fields["previous"])
    said = (fields["timestamp_ms"], fields["quarantined_ms"], fields["reason"], fields["field"], fields["attempt"])
    return Aside(*place, *said, value[1] - value[0] if value else 0, about)


def _order_within(body: bytes, start: int, end: int) -> Order | None:
    """The order that is what could not be carried out; None if it is not even an order."""
    try:
        return order(unframe(body[start:end])[1])
    except Undecodable:
        return None


def schema_id(value: bytes | None) -> tuple[int, bytes]:
    """A value's schema id and body. Raises Undecodable."""
    if value is None:
        raise Undecodable(f"no value of at least {FRAME_BYTES} bytes")
    return unframe(value)


def _read(schema: Any, body: bytes) -> tuple[dict[str, Any], int]:
    """The fields and where they end."""
    stream = io.BytesIO(body)
    try:
        fields: Any = fastavro.schemaless_reader(stream, schema, None)
    except Exception as error:  # fastavro raises whatever the bytes provoke
        raise Undecodable(f"not Avro of this schema ({type(error).__name__})") from None
    return fields, stream.tell()


def _past_bytes(body: bytes, at: int) -> int:
    """Past key and value (each null or bytes) and headers (bytes)."""
    for _ in _BYTES[:2]:
        _, at = _optional(body, at)
    size, at = _number(body, at)
    return at + size


def _optional(body: bytes, at: int) -> tuple[tuple[int, int] | None, int]:
    """Where the bytes of a union of null and bytes begin and end, and what follows them."""
    if body[at] == 0:
        return None, at + 1
    size, at = _number(body, at + 1)
    if at + size > len(body):
        raise IndexError
    return (at, at + size), at + size


def _text(body: bytes, at: int) -> tuple[str, int]:
    size, at = _number(body, at)
    return body[at : at + size].decode(), at + size


def _number(body: bytes, at: int) -> tuple[int, int]:
    """A length: Avro's variable-length zig-zag number, never negative here."""
    number = shift = 0
    while True:
        byte = body[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise IndexError
    if number & 1:
        raise IndexError
    return number >> 1, at
