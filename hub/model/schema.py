"""Avro schemas made from the models, so that the two cannot disagree. schemas/*.avsc are this module's output, locked.

Every code is a string, since lists grow by bundle and not by schema; every optional field has a default, so that all
versions stay compatible both ways. There is no recursion and no item of zero size (fastavro could be crashed by those).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import MaxLen, MinLen
from pydantic import BaseModel, Secret
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

NAMESPACE: Final = "enlace"
Schema = Any  # an Avro schema as JSON: a name, a list (union) or an object


def of_model(model: type[BaseModel], name: str | None = None, known: set[str] | None = None) -> Schema:
    """The Avro schema of a model; a record used twice is written once and named the second time."""
    known = set() if known is None else known
    name = name or model.__name__
    full = f"{NAMESPACE}.{name}"
    if full in known:
        return full
    known.add(full)
    fields = [_field(info.alias or key, info, known) for key, info in model.model_fields.items()]
    return {"type": "record", "name": name, "namespace": NAMESPACE, "fields": fields}


def _field(name: str, info: FieldInfo, known: set[str]) -> Schema:
    field: dict[str, Any] = {"name": name, "type": _of_type(info.annotation, list(info.metadata), known)}
    if info.default is not PydanticUndefined:
        field["default"] = _default(info.default)
    return field


def _default(value: Any) -> Any:
    """A default as Avro's JSON has it: arrays as lists, bytes as a string of their code points."""
    if isinstance(value, tuple):
        return list(value)
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _of_type(kind: Any, metadata: list[Any], known: set[str]) -> Schema:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _of_type(args[0], [*args[1:], *metadata], known)
    if origin in (Union, UnionType):
        (inner,) = [arg for arg in args if arg is not NoneType]
        return ["null", _of_type(inner, metadata, known)]
    if origin is tuple:
        return {"type": "array", "items": _of_type(args[0], [], known)}
    if origin is Secret:
        return _of_type(args[0], metadata, known)
    if origin is Literal:
        return "string"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return of_model(kind, None, known)
    return _of_scalar(kind, metadata, known)


def _of_scalar(kind: Any, metadata: list[Any], known: set[str]) -> Schema:
    if kind is uuid.UUID:
        return _fixed(16, known)
    if kind is bytes:
        bounds = {type(item): item for item in _flat(metadata)}
        low, high = bounds.get(MinLen), bounds.get(MaxLen)
        exact = isinstance(low, MinLen) and isinstance(high, MaxLen) and low.min_length == high.max_length
        return _fixed(low.min_length, known) if exact and isinstance(low, MinLen) else "bytes"
    return {str: "string", int: "long", float: "double", bool: "boolean"}[kind]


def _flat(metadata: list[Any]) -> Iterator[Any]:
    for item in metadata:
        yield from item.metadata if isinstance(item, FieldInfo) else [item]


def _fixed(size: int, known: set[str]) -> Schema:
    name = f"Bytes{size}"
    full = f"{NAMESPACE}.{name}"
    if full in known:
        return full
    known.add(full)
    return {"type": "fixed", "name": name, "namespace": NAMESPACE, "size": size}
