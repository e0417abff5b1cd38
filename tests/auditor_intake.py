"""One record of the intake, read a second time: by fastavro through the locked schemas, without the router's walker.

What the auditor (auditor.py) knows of the formats stands here; what must follow from a record stands there.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import fastavro
from pydantic import TypeAdapter, ValidationError

import schemas
from hub.model.codes import Kind
from hub.model.core import Core, Routing, Section
from hub.model.receipt import Receipt

ALERT_BYTES = 1_000_000
VALID_MS = 90 * 86_400_000
IDS = schemas.ids()
NAMES = {number: name for name, number in IDS.items()}


class Unreadable(Exception):
    """Not the one encoding of a record of the lock."""


@dataclass(frozen=True)
class Alert:
    """An alert with the bytes of its parts."""

    routing: Routing
    core: Core
    core_bytes: bytes
    content: bytes
    stable: bytes
    sections: tuple[tuple[str, bytes, bytes], ...]  # category, bytes, digest

    @property
    def categories(self) -> tuple[str, ...]:
        return tuple(sorted({category for category, _, _ in self.sections}))


@dataclass(frozen=True)
class Judged:
    """What a record is: `wrong` says why it must not be decided, in the words of the quarantine."""

    kind: str = "bad"  # alert, receipt, return, expire, forget, bad
    topic: str = ""  # the original's
    wrong: str = ""
    alert: Alert | None = None
    order: Mapping[str, Any] | None = None


@cache
def parsed(name: str) -> Any:
    return fastavro.parse_schema(schemas.records()[name])


@cache
def part(record: str, field: str) -> Any:
    """The schema of a field of a record, or of its items if it is an array of records."""
    names = dict[str, Any]()  # what the fields before it defined, it may name
    for each in schemas.records()[record]["fields"]:
        kind = each["type"]
        if isinstance(kind, dict) and isinstance(kind.get("items"), dict):
            kind = kind["items"]
        found = fastavro.parse_schema(kind, names)
        if each["name"] == field:
            return found
    raise KeyError(field)


def written(schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


def read(schema: Any, body: bytes, canonical: bool) -> Any:
    """All of `body` as one record; `canonical`: in the one encoding that an agency may use."""
    source = io.BytesIO(body)
    try:
        value = fastavro.schemaless_reader(source, schema, None)
        whole = source.tell() == len(body) and (not canonical or written(schema, value) == body)
    except Exception as error:
        raise Unreadable(type(error).__name__) from None
    if not whole:
        raise Unreadable("not canonical, or more than a record")
    return value


def opened(value: bytes | None, canonical: bool = False) -> tuple[str, dict[str, Any]]:
    """The name and the fields of a framed record. Raises Unreadable."""
    if value is None or len(value) < 5 or value[0]:
        raise Unreadable("no frame")
    name = NAMES.get(int.from_bytes(value[1:5], "big"))
    if name is None:
        raise Unreadable("no schema")
    return name, read(parsed(name), value[5:], canonical)


def long_bytes(number: int) -> bytes:
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def judge(topic: str, partition: int, key: bytes | None, value: bytes | None, now_ms: int, lanes: int) -> Judged:
    """What a record of the intake is; `now_ms` is its log time."""
    judged = _judge(topic, partition, key, value, lanes)
    late = judged.alert is not None and judged.alert.core.valid_until_ms > now_ms + VALID_MS
    return Judged(topic=judged.topic, wrong="valid-too-long") if late else judged


@lru_cache(maxsize=20_000)
def _judge(topic: str, partition: int, key: bytes | None, value: bytes | None, lanes: int) -> Judged:
    try:
        if topic == "control":
            return _order(partition, value, lanes)
        if topic.startswith("alerts."):
            return _alert(topic, partition, key, value, lanes)
        return _receipt(topic, partition, key, value, lanes)
    except Unreadable:
        return Judged(topic=topic, wrong="undecodable")


def _order(partition: int, value: bytes | None, lanes: int) -> Judged:
    name, order = opened(value, canonical=True)
    if name != "Control":
        return Judged(topic="control", wrong="unknown-schema")
    if order["partition"] != partition:
        return Judged(topic="control", wrong="wrong-lane")
    if order["kind"] == "return":
        return Judged("return", order["topic"], order=order)
    if order["kind"] in ("expire", "forget"):
        if order["alert"] is None:
            return Judged(topic="control", wrong="unknown-value")
        misplaced = zlib.crc32(order["alert"]) % lanes != partition
        return Judged("bad" if misplaced else order["kind"], "control", "wrong-lane" if misplaced else "", order=order)
    if order["kind"] != "replay" or order["topic"] == "control":
        return Judged(topic="control", wrong="unknown-value")
    return _judge(order["topic"], partition, order["key"], order["value"], lanes)


def _receipt(topic: str, partition: int, key: bytes | None, value: bytes | None, lanes: int) -> Judged:
    name, fields = opened(value, canonical=True)
    if name != "Receipt":
        return Judged(topic=topic, wrong="unknown-schema")
    try:
        Receipt.model_validate(fields)
    except ValidationError:
        return Judged(topic=topic, wrong="undecodable")
    wrong = _misplaced(fields["alert"], partition, key, lanes) or (
        "foreign-topic" if topic != f"receipts.{fields['recipient']}" else ""
    )
    return Judged("bad" if wrong else "receipt", topic, wrong)


def _misplaced(identifier: bytes, partition: int, key: bytes | None, lanes: int) -> str:
    if key != identifier:
        return "key-mismatch"
    return "" if zlib.crc32(identifier) % lanes == partition else "wrong-lane"


def _alert(topic: str, partition: int, key: bytes | None, value: bytes | None, lanes: int) -> Judged:
    if value is not None and len(value) > ALERT_BYTES + 5:
        return Judged(topic=topic, wrong="too-large")
    name, fields = opened(value, canonical=True)
    if name != "Alert":
        return Judged(topic=topic, wrong="unknown-schema")
    core = fields["core"]
    wrong = _misplaced(core["id"], partition, key, lanes) or _contradicts(topic, fields)
    if wrong:
        return Judged(topic=topic, wrong=wrong)
    try:
        return Judged("alert", topic, alert=_parts(fields))
    except ValidationError:
        return Judged(topic=topic, wrong="unknown-value")


def _contradicts(topic: str, fields: Mapping[str, Any]) -> str:
    core = fields["core"]
    found = sorted(hashlib.sha256(_section_bytes(section)).digest() for section in fields["sections"])
    if topic != f"alerts.{core['originator']}":
        return "foreign-topic"
    if core["label"] != fields["routing"]["label"]:
        return "label-mismatch"
    if core["digests"] != found:
        return "digest-mismatch"
    return "contradiction" if core["kind"] == "cancel" and found else ""


def _section_bytes(section: Mapping[str, Any]) -> bytes:
    return written(part("Alert", "sections"), section)


def _parts(fields: Mapping[str, Any]) -> Alert:
    for section in fields["sections"]:
        Section.model_validate(section)
    TypeAdapter(Kind).validate_python(fields["core"]["kind"])
    routing = Routing.model_validate(fields["routing"])
    core = Core.model_validate(fields["core"])
    core_bytes, routing_bytes = (
        written(part("Alert", "core"), fields["core"]),
        written(part("Alert", "routing"), fields["routing"]),
    )
    start = 16 + len(long_bytes(core.revision)) + len(long_bytes(core.created_ms))
    listed = len(long_bytes(len(core.digests))) + 32 * len(core.digests) + 1 if core.digests else 1
    stable, digests = core_bytes[start:-listed], core_bytes[-listed:]
    raw = [(section["category"], _section_bytes(section)) for section in fields["sections"]]
    return Alert(
        routing,
        core,
        core_bytes,
        hashlib.sha256(routing_bytes + stable + digests).digest(),
        stable,
        tuple((category, data, hashlib.sha256(data).digest()) for category, data in raw),
    )
