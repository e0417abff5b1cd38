"""Everything that decides, called alike: the naive reading, the engine by values, the engine by raw Avro bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.guidelines.decide import decide, engine
from hub.guidelines.outcome import Decision, UnknownValue, values_of
from hub.model.codes import ATTRIBUTES
from hub.model.core import Routing
from tests.reference import naive
from tests.reference.case import Case

# A decision, or the field whose value is not known.
Answer = Decision | str


def answer(evaluate: Callable[[Case], Decision], case: Case) -> Answer:
    try:
        return evaluate(case)
    except UnknownValue as error:
        return error.field


def by_naive(case: Case) -> Decision:
    return naive.decide(case.routing, case.core, case.categories, case.bundle, case.now_ms, case.grants)


def by_values(case: Case) -> Decision:
    return decide(case.routing, case.core, case.categories, case.bundle, case.now_ms, case.grants)


def by_raw_bytes(case: Case) -> Decision:
    core = case.core
    return engine(case.bundle).decide(
        raw_attributes(case.routing),
        core.originator,
        core.valid_until_ms,
        raw_avro(core.caveats),
        case.categories,
        case.now_ms,
        case.grants,
    )


EVALUATORS: dict[str, Callable[[Case], Decision]] = {"values": by_values, "raw bytes": by_raw_bytes}


def raw_attributes(routing: Routing) -> tuple[bytes, ...]:
    """The attributes as their Avro bytes, as the router's walker hands them over."""
    return tuple(
        raw_derived_from(len(routing.derived_from)) if name == "derived_from" else raw_avro(value)
        for name, value in zip(ATTRIBUTES, values_of(routing), strict=True)
    )


def raw_long(number: int) -> bytes:
    """Avro's zig-zag variable-length coding."""
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def raw_avro(value: Any) -> bytes:
    if isinstance(value, int):
        return raw_long(value)
    if isinstance(value, str):
        return raw_long(len(value.encode())) + value.encode()
    return (raw_long(len(value)) if value else b"") + b"".join(map(raw_avro, value)) + b"\0"


def raw_derived_from(count: int) -> bytes:
    return (raw_long(count) + (bytes(16) + raw_long(1)) * count if count else b"") + b"\0"
