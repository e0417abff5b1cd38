"""How what follows looks as records: deliveries with their views, decisions, holdings, notes, quarantine.

Everything of one alert goes into the alert's lane, under its id; a quarantined record carries all in its value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from hub.bus.bus import NO_HEADERS, Outgoing, Record
from hub.guidelines.outcome import Outcome, Reason
from hub.model import splice
from hub.model.avro import encode, frame
from hub.model.decision import Quarantined, QuarantineReason
from hub.model.obligation import Obligation

from .holdings import NOTHING_SEEN, POSITION_KEY, Held, Holding
from .lifecycle import Due
from .opening import ALERTS, Opened, Refused

if TYPE_CHECKING:
    from .route import State

DELIVERIES: Final = "deliveries."
DECISIONS: Final = "decisions"
HOLDINGS: Final = "holdings"
QUARANTINE: Final = "quarantine"
NOT_IN_BUNDLE: Final = "not-in-bundle"


def delivery_id(alert: bytes, recipient: str, number: int) -> bytes:
    """Deterministic, so that a sink beyond Kafka can tell a repeat (FORMATS.md)."""
    return hashlib.sha256(alert + recipient.encode() + b"\0" + number.to_bytes(4, "big")).digest()[:16]


class Views:
    """The views of one alert, one for each distinct set of categories, and what a recipient of each has seen."""

    def __init__(self, alert: Opened) -> None:
        self._alert = alert
        self._made: dict[tuple[str, ...], tuple[bytes, bytes]] = {}

    def of(self, categories: tuple[str, ...]) -> bytes:
        """The core's and the sections' untouched bytes as a view."""
        return self._view(categories)[0]

    def seen(self, categories: tuple[str, ...], terms: Obligation | None) -> bytes:
        """Digest of what a recipient is shown: the core's stable part, the released sections' digests, the terms."""
        return hashlib.sha256(self._view(categories)[1] + splice.obligation(terms)).digest()[:16]

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


def delivery(
    source: splice.Position,
    alert: Opened,
    views: Views,
    outcome: Outcome,
    held: Held,
    due: Due,
    result: str,
    state: State,
) -> tuple[Outgoing, Held]:
    """A release or a withdrawal, and what its recipient holds after it."""
    number = held.number + 1
    release = due is Due.RELEASE
    identifier = delivery_id(alert.walked.id, outcome.agency, number)
    body = splice.delivery(
        id=identifier,
        kind=due.value,
        recipient=outcome.agency,
        alert=alert.walked.id,
        revision=alert.walked.revision,
        number=number,
        decided_ms=state.now_ms,
        bundle=state.bundle.digest,
        terms=outcome.obligation if release else None,
        withdrawn=tuple(category for category in held.categories if not release or category not in outcome.released),
        reason=None if release else _why_withdrawn(result, outcome.reason),
        view=views.of(outcome.released) if release else None,
    )
    record = Outgoing(
        DELIVERIES + outcome.agency,
        source.partition,
        alert.walked.id,
        frame(state.ids.by_name["Delivery"], body),
    )
    seen = views.seen(outcome.released, outcome.obligation) if release else NOTHING_SEEN
    revision = alert.walked.revision if release else 0
    return record, Held(outcome.agency, number, revision, outcome.released if release else (), seen)


def _why_withdrawn(result: str, reason: str) -> str:
    """What a former recipient may know: that the alert ended, or that it no longer qualifies; never which guideline."""
    return result if result in ("cancelled", "expired") else "no-longer-permitted"


def outcome(decided: Outcome, sent: Outgoing | None, held: Held | None) -> bytes:
    """One agency's outcome for the decision, with the id of what was sent to it."""
    fragment = splice.outcome(decided.agency, decided.reason, decided.released)
    if sent is None or held is None or sent.key is None:
        return fragment + splice.delivery_id(None)
    return fragment + splice.delivery_id(delivery_id(sent.key, decided.agency, held.number))


def decision(source: splice.Position, alert: Opened, outcomes: list[bytes], result: str, state: State) -> Outgoing:
    """The decision on one revision: routing block and core as they came, sections by category and size only."""
    walked = alert.walked
    present = splice.present((part.category, part.version, len(part.data)) for part in walked.sections)
    body = splice.decision(source, state.now_ms, state.bundle.digest, result, walked.alert, present, outcomes)
    return Outgoing(DECISIONS, source.partition, walked.id, frame(state.ids.by_name["Decision"], body))


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
    return Outgoing(HOLDINGS, source.partition, walked.id, frame(state.ids.by_name["Holding"], held.encode()))


def position(topic: str, partition: int, next_offset: int, last_decided: int, state: State) -> Outgoing:
    """How far a lane has come in a topic: written once for each transaction, beside the committed offset."""
    value = frame(state.ids.by_name["Position"], splice.position(next_offset, last_decided))
    return Outgoing(HOLDINGS, partition, POSITION_KEY + topic.encode(), value)


def noted(source: splice.Position, what: str, state: State) -> Outgoing:
    body = source.encode() + splice.long(state.now_ms) + splice.string(what)
    return Outgoing(DECISIONS, source.partition, None, frame(state.ids.by_name["Noted"], body))


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
    return Outgoing(QUARANTINE, source.partition, None, frame(state.ids.by_name["Quarantined"], body))


def feedback(order: Mapping[str, Any], state: State) -> list[Outgoing]:
    """Tells an originator why its record waits in quarantine, so that it corrects and publishes again. No data goes back."""
    topic: str = order["topic"]
    agency = topic.removeprefix(ALERTS)
    if agency == topic or state.bundle.agency(agency) is None:
        return []
    key = order["key"] if order["key"] is not None and len(order["key"]) == 16 else bytes(16)
    place = f"{topic}/{order['partition']}/{order['offset']}".encode()
    body = splice.delivery(
        id=hashlib.sha256(place).digest()[:16],
        kind="feedback",
        recipient=agency,
        alert=key,
        revision=0,
        number=0,
        decided_ms=state.now_ms,
        bundle=state.bundle.digest,
        reason=order["reason"],
    )
    value = frame(state.ids.by_name["Delivery"], body)
    return [Outgoing(DELIVERIES + agency, order["partition"], key, value, NO_HEADERS)]
