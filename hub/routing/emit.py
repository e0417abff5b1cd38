"""How what follows looks as records: deliveries with their views, decisions, holdings, notes, quarantine.

Everything of one alert goes into the alert's lane, under its id; a quarantined record carries all in its value.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from hub.bus.bus import NO_HEADERS, Outgoing, Record
from hub.guidelines.outcome import Outcome, Reason
from hub.model import splice
from hub.model.avro import encode
from hub.model.decision import AgencyOutcome, Control, Ended, EndOutcome, Quarantined, QuarantineReason, Source

from .holdings import POSITION_KEY, Held, Holding
from .opening import ALERTS, Opened, Refused
from .prepared import DELIVERIES, numbered, ready

if TYPE_CHECKING:
    from .state import State

DECISIONS: Final = "decisions"
HOLDINGS: Final = "holdings"
QUARANTINE: Final = "quarantine"
NOT_IN_BUNDLE: Final = "not-in-bundle"
_new = tuple.__new__  # a NamedTuple's own constructor takes twice the time


def delivery_id(alert: bytes, recipient: str, number: int) -> bytes:
    """Deterministic, so that a sink beyond Kafka can tell a repeat (FORMATS.md)."""
    return sha256(alert + numbered(recipient, number)).digest()[:16]


def view(alert: Opened, categories: tuple[str, ...]) -> tuple[bytes, bytes]:
    """The core's and the sections' untouched bytes as a view, and what, with a recipient's terms, tells whether it has
    seen it: the core's stable part and the digests."""
    sections, digests = alert.sections_of(categories)
    walked = alert.walked
    return splice.view(walked.core, sections), walked.stable + b"".join(sorted(digests))


class Views:
    """The views of one alert, one for each distinct set of categories."""

    def __init__(self, alert: Opened) -> None:
        self._alert = alert
        self._made: dict[tuple[str, ...], tuple[bytes, bytes]] = {}

    def of(self, categories: tuple[str, ...]) -> tuple[bytes, bytes]:
        """See view()."""
        made = self._made.get(categories)
        if made is None:
            made = self._made[categories] = view(self._alert, categories)
        return made

    def seen(self, outcome: Outcome) -> bytes:
        """Digest of what a recipient is shown."""
        return sha256(self.of(outcome.released)[1] + ready(outcome).terms).digest()[:16]


def departed(agency: str, result: str) -> Outcome:
    """The outcome for a holder that was not asked about: the alert was cancelled, or the bundle no longer knows it."""
    reason = "cancelled" if result == "cancelled" else NOT_IN_BUNDLE
    return Outcome(agency, cast(Reason, reason))  # reasons beyond the engine's, which is asked about neither


class Sent(NamedTuple):
    """A delivery with its id, and what its recipient holds after it."""

    id: bytes
    record: Outgoing
    held: Held


def release(
    source: splice.Position, alert: Opened, views: Views, outcome: Outcome, held: Held, seen: bytes, state: State
) -> Sent:
    """What a recipient may see now."""
    number = held.number + 1
    agency, walked, released = outcome.agency, alert.walked, outcome.released
    identifier = delivery_id(walked.id, agency, number)
    body = splice.delivery(
        id=identifier,
        kind="release",
        recipient=agency,
        alert=walked.id,
        revision=walked.revision,
        number=number,
        stamp=state.stamp,
        terms=ready(outcome).terms,
        withdrawn=tuple(each for each in held.categories if each not in released) if held.categories else (),
        view=views.of(released)[0],
    )
    record = _delivery(source, walked.id, agency, body, state)
    return Sent(identifier, record, _new(Held, (agency, number, walked.revision, released, seen, None)))


def withdrawal(source: splice.Position, alert: bytes, revision: int, held: Held, result: str, state: State) -> Sent:
    """That a recipient is to forget what it holds. It learns that the alert ended, or that it no longer qualifies; never
    which guideline, and no data. `alert`: its id."""
    agency, number = held.agency, held.number + 1
    identifier = delivery_id(alert, agency, number)
    body = splice.delivery(
        id=identifier,
        kind="withdrawal",
        recipient=agency,
        alert=alert,
        revision=revision,
        number=number,
        stamp=state.stamp,
        withdrawn=held.categories,
        reason=result if result in ("cancelled", "expired") else "no-longer-permitted",
    )
    return Sent(identifier, _delivery(source, alert, agency, body, state), Held(agency, number))


def _delivery(source: splice.Position, alert: bytes, agency: str, body: bytes, state: State) -> Outgoing:
    value = state.ids.frames["Delivery"] + body
    return _new(Outgoing, (DELIVERIES + agency, source.partition, alert, value, NO_HEADERS))


def outcome(decided: Outcome, identifier: bytes | None) -> bytes:
    """One agency's outcome for the decision, with the id of what was sent to it."""
    return ready(decided).outcome + splice.delivery_id(identifier)


def decision(source: splice.Position, alert: Opened, outcomes: splice.Items, result: str, state: State) -> Outgoing:
    """The decision on one revision: routing block and core as they came, sections by category and size only."""
    walked = alert.walked
    present = splice.present(walked.heads, map(len, walked.sections))
    body = splice.decision(source, state.stamp, result, walked.alert, present, outcomes)
    value = state.ids.frames["Decision"] + body
    return _new(Outgoing, (DECISIONS, source.partition, walked.id, value, NO_HEADERS))


def ended(
    source: splice.Position,
    alert: bytes,
    known: Holding,
    outcomes: Sequence[AgencyOutcome],
    result: EndOutcome,
    state: State,
) -> Outgoing:
    """What followed from an alert's end. It is rare, and so encoded from its model."""
    body = encode(
        Ended.model_construct(
            source=Source.model_construct(**source._asdict()),
            decided_ms=state.now_ms,
            bundle=state.bundle.digest,
            outcome=result,
            alert=uuid.UUID(bytes=alert),
            originator=known.originator,
            revision=known.revision,
            outcomes=tuple(outcomes),
        )
    )
    return Outgoing(DECISIONS, source.partition, alert, state.ids.frames["Ended"] + body)


def holding(source: splice.Position, alert: Opened, result: str, recipients: Sequence[bytes], state: State) -> Outgoing:
    """`recipients`: what each holds, encoded, sorted by agency."""
    walked = alert.walked
    body = splice.holding(
        originator=alert.originator,
        revision=walked.revision,
        cancelled=result == "cancelled",
        content=alert.content,
        source=source,
        valid_until_ms=walked.valid_until_ms,
        recipients=recipients,
    )
    value = state.ids.frames["Holding"] + body
    return _new(Outgoing, (HOLDINGS, source.partition, walked.id, value, NO_HEADERS))


def held_since(source: splice.Position, alert: bytes, known: Holding, held: Iterable[Held], state: State) -> Outgoing:
    """The holding of the same revision with other holders. Its bytes stand where they stood."""
    body = splice.holding(
        originator=known.originator,
        revision=known.revision,
        cancelled=known.cancelled,
        content=known.content,
        source=known.source,
        valid_until_ms=known.valid_until_ms,
        recipients=[splice.held(*each) for each in held],
    )
    return Outgoing(HOLDINGS, source.partition, alert, state.ids.frames["Holding"] + body)


def forgotten(source: splice.Position, alert: bytes) -> Outgoing:
    """The tombstone of a holding."""
    return Outgoing(HOLDINGS, source.partition, alert, None)


def position(topic: str, partition: int, next_offset: int, last_decided: int, state: State) -> Outgoing:
    """How far a lane has come in a topic: written once for each transaction, beside the committed offset."""
    value = state.ids.frames["Position"] + splice.position(next_offset, last_decided)
    return Outgoing(HOLDINGS, partition, POSITION_KEY + topic.encode(), value)


def noted(source: splice.Position, what: str, state: State) -> Outgoing:
    body = source.encode() + splice.long(state.now_ms) + splice.string(what)
    return Outgoing(DECISIONS, source.partition, None, state.ids.frames["Noted"] + body)


def quarantined(source: splice.Position, record: Record, refused: Refused, state: State, attempt: int = 1) -> Outgoing:
    """The record whole, with the reason; its bytes are not looked at again before it is replayed."""
    body = encode(
        Quarantined.model_construct(
            topic=source.topic,
            partition=source.partition,
            offset=source.offset,
            previous=source.previous,
            timestamp_ms=record.timestamp_ms,
            quarantined_ms=state.now_ms,
            reason=cast(QuarantineReason, refused.reason),
            field=refused.field[:200],
            attempt=attempt,
            key=record.key,
            value=record.value,
            headers=record.headers,
        )
    )
    return Outgoing(QUARANTINE, source.partition, None, state.ids.frames["Quarantined"] + body)


def feedback(order: Control, state: State) -> list[Outgoing]:
    """Tells an originator why its record waits in quarantine, so that it corrects and publishes again. No data goes back."""
    agency = order.topic.removeprefix(ALERTS)
    if agency == order.topic or state.bundle.agency(agency) is None:
        return []
    key = order.key if order.key is not None and len(order.key) == 16 else bytes(16)
    place = f"{order.topic}/{order.partition}/{order.offset}".encode()
    body = splice.delivery(
        id=sha256(place).digest()[:16],
        kind="feedback",
        recipient=agency,
        alert=key,
        revision=0,
        number=0,
        stamp=state.stamp,
        reason=order.reason,
    )
    value = state.ids.frames["Delivery"] + body
    return [Outgoing(DELIVERIES + agency, order.partition, key, value, NO_HEADERS)]
