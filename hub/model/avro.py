"""Models to bytes and back: Avro payloads, Confluent's frame, strict decoding, digests, salts.

fastavro does the coding. Strictness needs no decoder of our own: decode, encode again, compare bytes. That refuses
negative indexes, overlong varints, arrays in several blocks and trailing bytes. Which id a schema has is told by `SchemaIds`.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar

import fastavro
from pydantic import BaseModel, Secret, ValidationError

import schemas

from .base import Model
from .codes import ATTRIBUTES, COUNTS, MULTIPLE
from .core import Reference, Section
from .obligation import Obligation
from .schema import of_model
from .sections import CONTENTS

M = TypeVar("M", bound=Model)

ALERT_MAX_BYTES: Final = 1_000_000
RECORD_MAX_BYTES: Final = 4 << 20
FRAME_BYTES: Final = 5
_FRAME: Final = struct.Struct(">bI")

PARSED: Final[dict[str, Any]] = {
    name: fastavro.parse_schema(schema)
    for name, schema in [
        *schemas.records().items(),
        *((model.__name__, of_model(model)) for model in (Reference, Section, Obligation)),  # parts of records
    ]
}
_SECTIONS: Final[dict[tuple[str, int], Any]] = {
    key: fastavro.parse_schema(schema) for key, schema in schemas.sections().items()
}
SECTION_VERSION: Final[dict[str, int]] = {
    category: max(version for known, version in _SECTIONS if known == category) for category in CONTENTS
}


class Undecodable(Exception):
    """Bytes that are not the one canonical encoding of a record. The message never repeats them."""


@dataclass(frozen=True)
class SchemaIds:
    """Which id each record's schema has in the cluster: by lock.json, or by a registry asked once at start."""

    by_name: Mapping[str, int]

    @cached_property
    def frames(self) -> dict[str, bytes]:
        """What stands before the body of each record (frame())."""
        return {name: _FRAME.pack(0, number) for name, number in self.by_name.items()}

    @property
    def by_id(self) -> dict[int, str]:
        return {number: name for name, number in self.by_name.items()}


LOCAL_IDS: Final = SchemaIds(schemas.ids())


def plain(value: Any) -> Any:
    """A model as fastavro takes it: fields by their Avro names, secrets opened, ids as bytes."""
    if isinstance(value, BaseModel):
        return {info.alias or name: plain(getattr(value, name)) for name, info in type(value).model_fields.items()}
    if isinstance(value, Secret):
        return plain(value.get_secret_value())
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value.bytes if isinstance(value, uuid.UUID) else value


def _write(schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


def encode(model: Model) -> bytes:
    """The Avro body of a record, without its frame."""
    return _write(PARSED[type(model).__name__], plain(model))


def decode(name: str, body: bytes, limit_bytes: int = RECORD_MAX_BYTES) -> dict[str, Any]:
    """The fields of a record whose body is canonical. Raises Undecodable for everything else, however hostile."""
    fields: dict[str, Any] = _strict(PARSED[name], body, limit_bytes)
    return fields


def decode_as(model: type[M], body: bytes) -> M:
    """A record as its model. Raises Undecodable, naming the first field that is not as it must be."""
    return _validated(model, decode(model.__name__, body))


def _strict(schema: Any, body: bytes, limit_bytes: int) -> Any:
    if len(body) > limit_bytes:
        raise Undecodable(f"{len(body)} bytes are over the limit of {limit_bytes}")
    try:
        value = fastavro.schemaless_reader(io.BytesIO(body), schema, None)
        canonical = _write(schema, value) == body
    except Exception as error:  # fastavro raises whatever the bytes provoke: EOFError, UnicodeDecodeError, IndexError
        raise Undecodable(f"not Avro of this schema ({type(error).__name__})") from None
    if not canonical:
        raise Undecodable("not the canonical encoding")
    return value


def _validated(model: type[M], fields: dict[str, Any]) -> M:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise Undecodable(f"{path}: {first['type']}") from None


def encode_payload(category: str, content: Model) -> bytes:
    """The payload of a section, by the newest schema of its category."""
    return _write(_SECTIONS[category, SECTION_VERSION[category]], plain(content))


def decode_payload(category: str, version: int, payload: bytes) -> Model:
    """The content of a section. Raises Undecodable; a version newer than this software's is undecodable, too."""
    schema = _SECTIONS.get((category, version))
    if schema is None:
        raise Undecodable(f"{category}: no schema of version {version}")
    return _validated(CONTENTS[category], _strict(schema, payload, ALERT_MAX_BYTES))


def encode_section(section: Section) -> bytes:
    """A section's bytes as they stand in the alert's array: what its digest is of."""
    return encode(section)


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def salt(key: bytes, alert_id: bytes, category: str, ordinal: int, payload: bytes) -> bytes:
    """The salt of a section (FORMATS.md): an unchanged section of the same alert keeps its bytes."""
    message = alert_id + category.encode() + b"\0" + ordinal.to_bytes(4, "big") + payload
    return hmac.digest(key, message, "sha256")[:16]


def frame(schema_id: int, body: bytes) -> bytes:
    """Confluent's wire format: a zero byte, the schema's id (u32, big-endian), the body."""
    return _FRAME.pack(0, schema_id) + body


def unframe(value: bytes) -> tuple[int, bytes]:
    """Schema id and body. Raises Undecodable if the frame is not Confluent's."""
    if len(value) < FRAME_BYTES or value[0] != 0:
        raise Undecodable("no frame of Confluent's wire format")
    return _FRAME.unpack_from(value)[1], value[FRAME_BYTES:]


_ATTRIBUTE_SCHEMA: Final[dict[str, Any]] = {
    name: fastavro.parse_schema(
        "long" if name in COUNTS else {"type": "array", "items": "string"} if name in MULTIPLE else "string"
    )
    for name in ATTRIBUTES
} | {"derived_from": fastavro.parse_schema({"type": "array", "items": PARSED["Reference"]})}


def attribute(name: str, raw: bytes) -> str | int | tuple[str, ...]:
    """The value of one attribute from its own bytes in a routing block, `derived_from` as the ids of its alerts.

    Raises Undecodable unless the bytes are the value's canonical encoding.
    """
    value = _strict(_ATTRIBUTE_SCHEMA[name], raw, ALERT_MAX_BYTES)
    if name == "derived_from":
        return tuple(str(uuid.UUID(bytes=item["alert"])) for item in value)
    return tuple(value) if isinstance(value, list) else value
