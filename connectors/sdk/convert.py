"""Native input to alerts without Kafka: what `enlace convert` prints, and what publishing does before it publishes."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from hub.model.avro import ALERT_MAX_BYTES, encode, encode_payload
from hub.model.compose import compose
from hub.model.core import Alert as ComposedAlert
from hub.model.derive import MustSplit
from hub.model.sections import Content, Evidence, Exhibit

from .inherit import inherited
from .kinds import Alert, BadNative, BadRecord, Cancel, Listed, Note, Original, Read, Source


@dataclass(frozen=True)
class Proposed:
    """What one native record becomes, and what was noted of it."""

    alerts: tuple[Alert | Cancel, ...]
    notes: tuple[BadRecord, ...] = ()


def proposals(source: Source[Any], read: Read[Any]) -> Proposed | BadRecord:
    """What one native record becomes, or why it becomes nothing."""
    try:
        found = list(source.alerts(read.native))
    except BadNative as bad:
        return set_aside(read, bad)
    except ValidationError as error:
        return set_aside(read, _unsaid(error))
    notes = tuple(_noted(read, each) for each in found if isinstance(each, Note))
    alerts = tuple(_with_original(each, read.original) for each in found if not isinstance(each, Note))
    return Proposed(alerts, notes)


def _noted(read: Read[Any], note: Note) -> BadRecord:
    return BadRecord(
        read.file, note.reason, line=read.line, segment=read.segment, field=note.field, code=note.code, level="warning"
    )


def _with_original(proposed: Alert | Cancel, original: Original | None) -> Alert | Cancel:
    if original is None or isinstance(proposed, Cancel) or proposed.original is not None:
        return proposed
    return replace(proposed, original=original)


def _evidence(original: Original) -> Content:
    """Where the native record is found again. Its digest is of what the record was when this revision was made."""
    exhibit = Exhibit(digest=hashlib.sha256(original.data).digest(), media_type=original.media_type, ask=original.ask)
    return Content("evidence", Evidence(exhibits=(exhibit,)))


def set_aside(read: Read[Any], bad: BadNative) -> BadRecord:
    """A native record that cannot be said, with its place."""
    return BadRecord(
        file=read.file, line=read.line, segment=read.segment, reason=bad.reason, field=bad.field, position=read.position
    )


def _unsaid(error: ValidationError) -> BadNative:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return BadNative(f"cannot be said in an alert ({first['type']})", field)


def composed(
    proposed: Alert, *, agency: str, alert_id: uuid.UUID, revision: int, now_ms: int, key: bytes
) -> ComposedAlert:
    """The alert as it would be published. Raises BadNative if it cannot be said, or is too large to travel."""
    try:
        draft = inherited(proposed.draft, proposed.derived, agency)
        contents = proposed.contents + ((_evidence(proposed.original),) if proposed.original else ())
        alert = compose(
            draft, contents, originator=agency, alert_id=alert_id, revision=revision, now_ms=now_ms, key=key
        )
    except ValidationError as error:
        raise _unsaid(error) from None
    except MustSplit as error:
        raise BadNative(str(error)) from None
    size_bytes = len(encode(alert))
    if size_bytes > ALERT_MAX_BYTES:
        raise BadNative(f"its alert has {size_bytes} bytes, {ALERT_MAX_BYTES} can travel: send it in parts")
    return alert


def native_key(key: bytes, proposed_key: str) -> bytes:
    """The HMAC under which a native record is known on the bus."""
    return hmac.digest(key, b"native\0" + proposed_key.encode(), "sha256")[:16]


def content_mark(key: bytes, proposed: Alert) -> bytes:
    """Tells an update of a native record from a repeat: an HMAC over all that it says."""
    contents = [(each.category, encode_payload(each.category, each.content)) for each in proposed.contents]
    said = repr((proposed.draft, contents, proposed.derived))
    return hmac.digest(key, said.encode(), "sha256")[:16]


def converted(
    source: Source[Any], *, agency: str, now_ms: int, key: bytes
) -> Iterator[tuple[ComposedAlert, None] | tuple[None, BadRecord]]:
    """All alerts of a source, and what it had to set aside, in order."""
    for item in source.read(None):
        if isinstance(item, Listed):
            continue
        if isinstance(item, BadRecord):
            yield None, item
            continue
        found = proposals(source, item)
        if isinstance(found, BadRecord):
            yield None, found
            continue
        for note in found.notes:
            yield None, note
        for proposed in found.alerts:
            if isinstance(proposed, Cancel):
                yield None, _noted(item, Note("ends its alert: a cancel, if one was published", code="cancel"))
            else:
                alert_id = uuid.UUID(bytes=_stable_uuid7(native_key(key, proposed.key), now_ms))
                try:
                    alert = composed(proposed, agency=agency, alert_id=alert_id, revision=1, now_ms=now_ms, key=key)
                except BadNative as bad:
                    yield None, set_aside(item, bad)
                    continue
                yield alert, None


def _stable_uuid7(mark: bytes, now_ms: int) -> bytes:
    """A UUIDv7 (RFC 9562) of this millisecond whose random part is the mark: the same input converts to the same ids."""
    value = bytearray((now_ms << 80).to_bytes(16, "big"))
    value[6:] = mark[:10]
    value[6] = (value[6] & 0x0F) | 0x70
    value[8] = (value[8] & 0x3F) | 0x80
    return bytes(value)
