"""A record's bytes opened as an alert, or refused: every check that needs no guideline and no memory.

The order matters to whoever reads a quarantine: the first check that fails names the reason.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple, cast

from hub.bus.bus import Record, lane
from hub.model import splice
from hub.model.avro import ALERT_MAX_BYTES, FRAME_BYTES, Undecodable, attribute, unframe
from hub.model.compose import VALID_MAX_MS
from hub.model.walk import NotProven, SectionSlice, Walked, walk

ALERTS: str = "alerts."


class Refused(Exception):
    """A record that cannot be decided: `reason` is a code of QUARANTINE_REASONS, `field` where it was found."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(f"{reason} {field}".rstrip())
        self.reason = reason
        self.field = field


class Opened(NamedTuple):
    """An alert that may be decided upon. `section_digests` are in the order of the sections."""

    originator: str
    kind: str
    content: bytes
    section_digests: tuple[bytes, ...]
    categories: tuple[str, ...]
    walked: Walked

    def sections_of(self, categories: frozenset[str]) -> tuple[list[bytes], list[bytes]]:
        """The untouched bytes of the sections of these categories, and their digests."""
        chosen = [at for at, section in enumerate(self.walked.sections) if section.category in categories]
        return [self.walked.sections[at].data for at in chosen], [self.section_digests[at] for at in chosen]


def open_alert(topic: str, partition: int, record: Record, alert_id: int, partitions: int) -> Opened:
    """The alert in a record of `topic`, whose schema must have the id `alert_id`. Raises Refused."""
    walked = _walked(record, alert_id)
    if record.key != walked.id:
        raise Refused("key-mismatch", "core.id")
    if partition != lane(walked.id, partitions):
        raise Refused("wrong-lane", "core.id")
    originator, kind = _text(walked.originator, "core.originator"), _text(walked.kind, "core.kind")
    if topic != ALERTS + originator:
        raise Refused("foreign-topic", "core.originator")
    if walked.label != walked.core_label:
        raise Refused("label-mismatch", "core.label")
    digests = tuple(hashlib.sha256(section.data).digest() for section in walked.sections)
    if splice.array(sorted(digests)) != walked.digests:
        raise Refused("digest-mismatch", "core.digests")
    if walked.valid_until_ms > record.timestamp_ms + VALID_MAX_MS:
        raise Refused("valid-too-long", "core.valid_until_ms")
    _consistent(kind, walked)
    content = hashlib.sha256(walked.routing + walked.stable + walked.digests).digest()
    return Opened(originator, kind, content, digests, _categories(walked.sections), walked)


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
        return walk(body)
    except (Undecodable, NotProven):
        raise Refused("undecodable", "value") from None


def _consistent(kind: str, walked: Walked) -> None:
    if kind not in ("alert", "cancel"):
        raise Refused("unknown-value", "core.kind")
    if walked.revision < 1:
        raise Refused("unknown-value", "core.revision")
    if kind == "cancel" and walked.sections:
        raise Refused("contradiction", "core.kind")


def _text(raw: bytes, field: str) -> str:
    try:
        return _known_text(raw)
    except Undecodable:
        raise Refused("undecodable", field) from None


@lru_cache(maxsize=4096)
def _known_text(raw: bytes) -> str:
    return cast(str, attribute("class", raw))  # any attribute of one string is decoded alike


def _categories(sections: tuple[SectionSlice, ...]) -> tuple[str, ...]:
    return tuple(sorted({section.category for section in sections}))
