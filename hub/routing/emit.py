"""How what follows looks as records: deliveries with their views, decisions, holdings, notes, quarantine.

Everything of one alert goes into the alert's lane, under its id; a quarantined record carries all in its value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from hub.bus.bus import NO_HEADERS, Outgoing, Record
from hub.guidelines.outcome import Decision, Outcome, Reason
from hub.model import splice
from hub.model.avro import encode
from hub.model.decision import Control, Quarantined, QuarantineReason

from .holdings import POSITION_KEY, Held, Holding
from .opening import ALERTS, Opened, Refused

if TYPE_CHECKING:
    from .state import State

DELIVERIES: Final = "deliveries."
DECISIONS: Final = "decisions"
HOLDINGS: Final = "holdings"
QUARANTINE: Final = "quarantine"
NOT_IN_BUNDLE: Final = "not-in-bundle"


def delivery_id(alert: bytes, recipient: str, number: int) -> bytes:
    """Deterministic, so that a sink beyond Kafka can tell a repeat (FORMATS.md)."""
    return hashlib.sha256(alert + recipient.encode() + b"\0" + number.to_bytes(4, "big")).digest()[:16]


class Shown(NamedTuple):
    """What one outcome is for every alert: its fragment of a decision, its encoded obligation."""

    fragment: bytes
    terms: bytes


# The engine gives the same objects for the same question for as long as it remembers them: what is made of one is kept
# beside it, so that an id is never that of another.
_SHOWN: dict[int, tuple[Outcome, Shown]] = {}
_DENIED: dict[int, tuple[Decision, tuple[bytes, ...]]] = {}
_REMEMBERED: Final = 65_536


def shown(outcome: Outcome) -> Shown:
    known = _SHOWN.get(id(outcome))
    if known is None:
        if len(_SHOWN) >= _REMEMBERED:
            _SHOWN.clear()
        fragment = splice.outcome(outcome.agency, outcome.reason, outcome.released)
        known = _SHOWN[id(outcome)] = outcome, Shown(fragment, splice.obligation(outcome.obligation))
    return known[1]


def denied(decision: Decision) -> tuple[bytes, ...]:
    """The encoded outcomes of all agencies that are not permitted, for an alert that nobody holds yet."""
    known = _DENIED.get(id(decision))
    if known is None:
        if len(_DENIED) >= _REMEMBERED:
            _DENIED.clear()
        encoded = tuple(outcome(each, None) for each in decision.outcomes if each.reason != "permitted")
        known = _DENIED[id(decision)] = decision, encoded
    return known[1]


class Views:
    """The views of one alert, one for each distinct set of categories, and what a recipient of each has seen."""

    def __init__(self, alert: Opened) -> None:
        self._alert = alert
        self._made: dict[tuple[str, ...], tuple[bytes, bytes]] = {}

    def of(self, categories: tuple[str, ...]) -> bytes:
        """The core's and the sections' untouched bytes as a view."""
        return self._view(categories)[0]

    def seen(self, outcome: Outcome) -> bytes:
        """Digest of what a recipient is shown: the core's stable part, the released sections' digests, the terms."""
        return hashlib.sha256(self._view(outcome.released)[1] + shown(outcome).terms).digest()[:16]

    def _view(self, categories: tuple[str, ...]) -> tuple[bytes, bytes]:
        made = self._made.get(categories)
        if made is None:
            sections, digests = self._alert.sections_of(frozenset(categories))
            walked = self._alert.walked
            made = splice.view(walked.core, sections), walked.stable + b"".join(sorted(digests))
            self._made[categories] = made
        return made


def departed(agency: str, result: str) -> Outcome:
    """The outcome for a holder that was not asked about: the alert was cancelled, or the bundle no longer knows it."""
    reason = "cancelled" if result == "cancelled" else NOT_IN_BUNDLE
    return Outcome(agency, cast(Reason, reason))  # reasons beyond the engine's, which is asked about neither


def release(
    source: splice.Position, alert: Opened, views: Views, outcome: Outcome, held: Held, seen: bytes, state: State
) -> tuple[Outgoing, Held]:
    """What a recipient may see now, and what it holds after it."""
    number = held.number + 1
    body = splice.delivery(
        id=delivery_id(alert.walked.id, outcome.agency, number),
        kind="release",
        recipient=outcome.agency,
        alert=alert.walked.id,
        revision=alert.walked.revision,
        number=number,
        decided_ms=state.now_ms,
        bundle=state.bundle.digest,
        terms=shown(outcome).terms,
        withdrawn=tuple(each for each in held.categories if each not in outcome.released),
        view=views.of(outcome.released),
    )
    record = _delivery(source, alert, outcome.agency, body, state)
    return record, Held(outcome.agency, number, alert.walked.revision, outcome.released, seen)


def withdrawal(
    source: splice.Position, alert: Opened, agency: str, held: Held, result: str, state: State
) -> tuple[Outgoing, Held]:
    """That a recipient is to forget what it holds. It learns that the alert ended, or that it no longer qualifies; never
    which guideline, and no data."""
    number = held.number + 1
    body = splice.delivery(
        id=delivery_id(alert.walked.id, agency, number),
        kind="withdrawal",
        recipient=agency,
        alert=alert.walked.id,
        revision=alert.walked.revision,
        number=number,
        decided_ms=state.now_ms,
        bundle=state.bundle.digest,
        withdrawn=held.categories,
        reason=result if result in ("cancelled", "expired") else "no-longer-permitted",
    )
    return _delivery(source, alert, agency, body, state), Held(agency, number)


def _delivery(source: splice.Position, alert: Opened, agency: str, body: bytes, state: State) -> Outgoing:
    value = state.ids.frames["Delivery"] + body
    return Outgoing(DELIVERIES + agency, source.partition, alert.walked.id, value)


def outcome(decided: Outcome, identifier: bytes | None) -> bytes:
    """One agency's outcome for the decision, with the id of what was sent to it."""
    return shown(decided).fragment + splice.delivery_id(identifier)


def decision(source: splice.Position, alert: Opened, outcomes: list[bytes], result: str, state: State) -> Outgoing:
    """The decision on one revision: routing block and core as they came, sections by category and size only."""
    walked = alert.walked
    present = splice.present((part.category, part.version, len(part.data)) for part in walked.sections)
    body = splice.decision(source, state.now_ms, state.bundle.digest, result, walked.alert, present, outcomes)
    return Outgoing(DECISIONS, source.partition, walked.id, state.ids.frames["Decision"] + body)


def holding(
    source: splice.Position, alert: Opened, result: str, recipients: Mapping[str, Held], state: State
) -> Outgoing:
    walked = alert.walked
    held = Holding(
        alert.originator,
        walked.revision,
        result == "cancelled",
        alert.content,
        source,
        walked.valid_until_ms,
        recipients,
    )
    return Outgoing(HOLDINGS, source.partition, walked.id, state.ids.frames["Holding"] + held.encode())


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
        id=hashlib.sha256(place).digest()[:16],
        kind="feedback",
        recipient=agency,
        alert=key,
        revision=0,
        number=0,
        decided_ms=state.now_ms,
        bundle=state.bundle.digest,
        reason=order.reason,
    )
    value = state.ids.frames["Delivery"] + body
    return [Outgoing(DELIVERIES + agency, order.partition, key, value, NO_HEADERS)]
