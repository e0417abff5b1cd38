"""A record's bytes opened as an alert, a receipt or an order, or refused: every check that needs no guideline and no memory.

The order matters to whoever reads a quarantine: the first check that fails names the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from itertools import compress
from typing import Final, NamedTuple, TypeVar, cast

from pydantic import ValidationError

from hub.bus.bus import Record, lane
from hub.model import splice
from hub.model.avro import ALERT_MAX_BYTES, FRAME_BYTES, Undecodable, attribute, decode_as, unframe
from hub.model.base import FIRST_MS, LAST_MS, Model
from hub.model.codes import ATTRIBUTES
from hub.model.compose import VALID_MAX_MS
from hub.model.core import Label, Routing
from hub.model.decision import Control
from hub.model.receipt import Receipt
from hub.model.walk import REMEMBERED_BLOCKS, REMEMBERED_MAX_BYTES, NotProven, Walked, kind_of, walk

ALERTS: Final = "alerts."
RECEIPTS: Final = "receipts."
M = TypeVar("M", bound=Model)

KINDS: Final = {splice.string(kind): kind for kind in ("alert", "cancel")}
MAX_REVISION: Final = 2**31 - 1  # this and the next two: limits of the models in hub/model/core.py
MAX_SECTIONS: Final = 1_000
MAX_SECTION_VERSION: Final = 1_000
REMEMBERED_SECTIONS: Final = 64  # of one alert: what more are is worked out each time


class Refused(Exception):
    """A record that cannot be decided: `reason` is a code of QUARANTINE_REASONS, `field` where it was found."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(f"{reason} {field}".rstrip())
        self.reason = reason
        self.field = field


class Shape(NamedTuple):
    """What the sections of an alert are, whatever stands in them: the category of each, in their order; each once, sorted."""

    of_each: tuple[str, ...]
    categories: tuple[str, ...]


class Opened(NamedTuple):
    """An alert that may be decided upon. `section_digests` are in the order of the sections."""

    originator: str
    kind: str
    content: bytes
    section_digests: list[bytes]
    shape: Shape
    walked: Walked

    def sections_of(self, categories: tuple[str, ...]) -> tuple[list[bytes], list[bytes]]:
        """The untouched bytes of the sections of these categories, and their digests."""
        chosen = _chosen(self.shape.of_each, categories)
        return list(compress(self.walked.sections, chosen)), list(compress(self.section_digests, chosen))


def open_alert(topic: str, partition: int, record: Record, alert_id: int, partitions: int) -> Opened:
    """The alert in a record of `topic`, whose schema must have the id `alert_id`. Raises Refused."""
    walked = _walked(record, alert_id)
    if record.key != walked.id:
        raise Refused("key-mismatch", "core.id")
    if partition != lane(walked.id, partitions):
        raise Refused("wrong-lane", "core.id")
    originator = topic.removeprefix(ALERTS)
    if walked.originator != splice.string(originator):
        raise Refused("foreign-topic", "core.originator")
    if walked.label != walked.core_label:
        raise Refused("label-mismatch", "core.label")
    digests = [sha256(section).digest() for section in walked.sections]
    if splice.array(sorted(digests)) != walked.digests:
        raise Refused("digest-mismatch", "core.digests")
    if walked.valid_until_ms > record.timestamp_ms + VALID_MAX_MS:
        raise Refused("valid-too-long", "core.valid_until_ms")
    kind = _consistent_kind(walked)
    shape = _proven(walked)
    content = sha256(walked.routing + walked.stable + walked.digests).digest()
    return Opened(originator, kind, content, digests, shape, walked)


def open_receipt(topic: str, partition: int, record: Record, receipt_id: int, partitions: int) -> Receipt:
    """The receipt in a record of `topic`. Raises Refused."""
    receipt = _decoded(Receipt, record, receipt_id)
    if record.key != receipt.alert.bytes:
        raise Refused("key-mismatch", "alert")
    if partition != lane(receipt.alert.bytes, partitions):
        raise Refused("wrong-lane", "alert")
    if topic != RECEIPTS + receipt.recipient:
        raise Refused("foreign-topic", "recipient")
    return receipt


def open_order(partition: int, record: Record, control_id: int) -> Control:
    """The order in a record of the topic `control`. Raises Refused."""
    order = _decoded(Control, record, control_id)
    if order.partition != partition:
        raise Refused("wrong-lane", "partition")
    return order


def _decoded(model: type[M], record: Record, expected_id: int) -> M:
    try:
        schema_id, body = unframe(record.value or b"")
        if schema_id != expected_id:
            raise Refused("unknown-schema", "value")
        return decode_as(model, body)
    except Undecodable:
        raise Refused("undecodable", "value") from None


def _walked(record: Record, alert_id: int) -> Walked:
    value = record.value
    if value is None:
        raise Refused("undecodable", "value")
    if len(value) > ALERT_MAX_BYTES + FRAME_BYTES:
        raise Refused("too-large", "value")
    try:
        schema_id, body = unframe(value)
        if schema_id != alert_id:
            raise Refused("unknown-schema", "value")
        return walk(body, record.key)
    except (Undecodable, NotProven):
        raise Refused("undecodable", "value") from None


def _consistent_kind(walked: Walked) -> str:
    kind = KINDS.get(walked.kind)
    if kind is None:
        raise Refused("unknown-value", "core.kind")
    if not 1 <= walked.revision <= MAX_REVISION:
        raise Refused("unknown-value", "core.revision")
    if not FIRST_MS <= walked.created_ms <= LAST_MS:  # a recipient could not show it
        raise Refused("unknown-value", "core.created_ms")
    if walked.observed_ms is not None and not FIRST_MS <= walked.observed_ms <= LAST_MS:
        raise Refused("unknown-value", "core.observed_ms")
    if not FIRST_MS <= walked.valid_until_ms <= LAST_MS:
        raise Refused("unknown-value", "core.valid_until_ms")
    if kind == "cancel" and walked.sections:
        raise Refused("contradiction", "core.kind")
    return kind


def _proven(walked: Walked) -> Shape:
    """What the walk left open: that the decision and every view will decode, and validate, wherever they are read.

    Also of what is not asked about by the guidelines: a cancel, a superseded revision.
    """
    if len(walked.routing) <= REMEMBERED_MAX_BYTES:
        _prove_known_attributes(walked.attributes)
    else:
        _prove_attributes(walked.attributes)
    _prove_attribute("legal_basis", walked.caveats, "core.caveats")  # both are lists of codes
    return _known_shape(walked.heads) if len(walked.heads) <= REMEMBERED_SECTIONS else _shape(walked.heads)


def _shape(heads: tuple[bytes, ...]) -> Shape:
    if len(heads) > MAX_SECTIONS:
        raise Refused("too-large", "sections")
    kinds = [kind_of(head) for head in heads]
    for category, version in kinds:
        if not category:
            raise Refused("unknown-value", "sections.category")
        if not 1 <= version <= MAX_SECTION_VERSION:
            raise Refused("unknown-value", "sections.version")
    of_each = tuple(category for category, _ in kinds)
    return Shape(of_each, tuple(sorted(set(of_each))))


_known_shape = lru_cache(maxsize=REMEMBERED_BLOCKS)(_shape)


@lru_cache(maxsize=1024)
def _chosen(of_each: tuple[str, ...], categories: tuple[str, ...]) -> tuple[bool, ...]:
    """Which of an alert's sections are of these categories."""
    return tuple(category in categories for category in of_each)


def _prove_attributes(attributes: tuple[bytes, ...]) -> None:
    for name, raw in zip(ATTRIBUTES, attributes, strict=True):
        _prove_attribute(name, raw, f"routing.{name}")


_prove_known_attributes = lru_cache(maxsize=REMEMBERED_BLOCKS)(_prove_attributes)


def _prove_attribute(name: str, raw: bytes, field: str) -> None:
    if len(raw) <= REMEMBERED_MAX_BYTES:
        _prove_known_attribute(name, raw, field)
    else:
        _validate(name, raw, field)


def _validate(name: str, raw: bytes, field: str) -> None:
    """By the model's own field, in a routing block or label that is otherwise sound."""
    label = {"class": "-", "purposes": ["-"]}
    try:
        value = attribute(name, raw)
        if name == "derived_from":
            ids = cast(tuple[str, ...], value)
            value = [{"alert": a, "revision": r} for a, r in zip(ids, _revisions(raw), strict=True)]  # type: ignore[assignment]
        if name in _LABEL:
            Label.model_validate(label | {name: value})
        else:
            Routing.model_validate({"label": label, name: value})
    except Undecodable:
        raise Refused("undecodable", field) from None
    except ValidationError:
        raise Refused("unknown-value", field) from None


_prove_known_attribute = lru_cache(maxsize=65_536)(_validate)
_LABEL: Final = frozenset(info.alias or name for name, info in Label.model_fields.items())


def _revisions(raw: bytes) -> Iterator[int]:
    """The revisions in the bytes of `derived_from`, whose form was proven: a count, and for each 16 bytes and a number."""
    at = 0
    while raw[at] & 0x80:
        at += 1
    at += 1
    while at < len(raw) - 1:
        start = at = at + 16
        while raw[at] & 0x80:
            at += 1
        at += 1
        yield cast(int, attribute("victims", raw[start:at]))
