"""The whole records behind what is recorded: a decision explained, a delivery made again and compared.

The read model has neither routing block nor sections; what must be known of those is read from the topic, at the place that the
read model tells, and is not kept.
"""

from __future__ import annotations

import uuid
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection as Database

from hub.bus.bus import Record, TopicPartition
from hub.bus.lookup import read_records
from hub.bus.settings import Connection
from hub.bus.topics import CONTROL, DECISIONS
from hub.guidelines.bundle import Bundle
from hub.guidelines.decide import decide
from hub.guidelines.explain import Explanation, NoSuchAgency, explain
from hub.guidelines.language import Language
from hub.guidelines.outcome import UnknownValue
from hub.model.avro import SchemaIds, Undecodable, decode_as, encode, unframe
from hub.model.core import Alert
from hub.model.decision import Control, Decision
from hub.model.delivery import Delivery, View
from hub.routing.emit import delivery_id

from .results import DecisionEntry, DeliveryEntry, EndEntry
from .rules import bundle_json

__all__ = [
    "Compared",
    "NoEvidence",
    "bundle_of",
    "compared",
    "compared_end",
    "decision_at",
    "explained",
    "recomputed",
    "recomputed_end",
]

Part = Literal["id", "bundle", "permitted", "core", "sections", "obligation"]
PARTS: Final[tuple[Part, ...]] = ("id", "bundle", "permitted", "core", "sections", "obligation")


class NoEvidence(Exception):
    """What would be needed is not there any more, or cannot be read. The message says what."""


class Compared(NamedTuple):
    """One part of a delivery, made again: `same` if it is, byte for byte where it is bytes; `what` for people, no value."""

    part: Part
    same: bool
    what: str


def decision_at(connection: Connection, ids: SchemaIds, entry: DecisionEntry) -> Decision:
    """The whole decision. Raises NoEvidence, Indefinite and KafkaError."""
    return _decision(_record(connection, TopicPartition(DECISIONS, entry.place[0]), entry.place[1]), ids)


def bundle_of(database: Database, digest: str, local: Bundle | None = None) -> Bundle:
    """The bundle of a decision: as it was published, or `local` if it is that one. Raises NoEvidence."""
    found = bundle_json(database, digest)
    if found is not None:
        return Bundle.from_json(found)
    if local is not None and local.name == digest:
        return local
    raise NoEvidence(f"the bundle {digest[:12]} was never published: name the profile it was made from by --profile")


def explained(decision: Decision, bundle: Bundle, agency: str, language: Language = "es") -> Explanation:
    """Why an agency receives an alert or not. Raises NoEvidence."""
    present = {section.category for section in decision.present}
    try:
        return explain(decision.routing, decision.core, present, bundle, decision.decided_ms, agency, language)
    except (NoSuchAgency, UnknownValue) as error:
        raise NoEvidence(f"{agency} cannot be explained under this bundle ({type(error).__name__})") from None


def recomputed(
    connection: Connection, ids: SchemaIds, entry: DeliveryEntry, source: tuple[str, int, int], bundle: Bundle
) -> list[Compared]:
    """A delivery held against what its alert's bytes and its bundle give now. `source`: where the alert stands, as the
    decision has it. Raises NoEvidence, Indefinite and KafkaError."""
    delivery = _delivery(connection, entry)
    record = _record(connection, TopicPartition(source[0], source[1]), source[2])
    return compared(delivery, _alert(record, source[0]), bundle)


def recomputed_end(connection: Connection, entry: DeliveryEntry, end: EndEntry) -> list[Compared]:
    """A withdrawal that an alert's end ordered: the alert's bytes are not needed for it, and may be gone. Raises as above."""
    return compared_end(_delivery(connection, entry), end)


def compared_end(delivery: Delivery, end: EndEntry) -> list[Compared]:
    """Part by part, as far as such a withdrawal has them."""
    identifier = delivery_id(delivery.alert.bytes, delivery.recipient, delivery.number)
    right = delivery.kind == "withdrawal" and delivery.reason == end.outcome and delivery.revision == end.revision
    return [
        Compared("id", identifier == delivery.id, f"number {delivery.number}"),
        Compared("bundle", delivery.bundle.hex() == end.bundle, end.bundle[:12]),
        Compared("permitted", right, end.outcome),
        Compared("sections", delivery.view is None, "no view"),
    ]


def compared(delivery: Delivery, alert: Alert, bundle: Bundle) -> list[Compared]:
    """Part by part. A withdrawal has no view: then it is only checked that it carries none, and who it is for."""
    identifier = delivery_id(alert.core.id.bytes, delivery.recipient, delivery.number)
    found = [
        Compared("id", identifier == delivery.id and alert.core.id == delivery.alert, f"number {delivery.number}"),
        Compared("bundle", bundle.digest == delivery.bundle, bundle.name[:12]),
    ]
    cancelled = alert.core.kind == "cancel"
    present = {section.category for section in alert.sections}
    outcome = None
    if not cancelled:
        outcome = decide(alert.routing, alert.core, present, bundle, delivery.decided_ms).of(delivery.recipient)
    permitted = outcome is not None and outcome.reason == "permitted"
    reason = "cancelled" if cancelled else outcome.reason if outcome else "not-in-bundle"
    found.append(Compared("permitted", permitted == (delivery.kind == "release"), reason))
    if outcome is None or not permitted or delivery.view is None:
        return [*found, Compared("sections", delivery.view is None, "no view")]
    view = View(core=alert.core, sections=tuple(each for each in alert.sections if each.category in outcome.released))
    same_core = view.core == delivery.view.core  # strictly decoded: equal fields are equal bytes
    same = encode(delivery.model_copy(update={"view": view})) == encode(delivery)
    names = ", ".join(sorted({section.category for section in view.sections})) or "none"
    return [
        *found,
        Compared("core", same_core, f"revision {view.core.revision}"),
        Compared("sections", same, names),
        Compared("obligation", outcome.obligation == delivery.obligation, "terms"),
    ]


def _alert(record: Record, topic: str) -> Alert:
    """The alert, taken out of the order that it came back by, if it did."""
    value = record.value
    try:
        if topic == CONTROL:
            value = decode_as(Control, unframe(value or b"")[1]).value
        return decode_as(Alert, unframe(value or b"")[1])
    except Undecodable as error:
        raise NoEvidence(f"the alert cannot be read: {error}") from None


def _delivery(connection: Connection, entry: DeliveryEntry) -> Delivery:
    if entry.place is None:
        raise NoEvidence("its record was never seen in its topic")
    topic, partition, offset = entry.place
    return _decoded(_record(connection, TopicPartition(topic, partition), offset).value)


def _decoded(value: bytes | None) -> Delivery:
    try:
        return decode_as(Delivery, unframe(value or b"")[1])
    except Undecodable as error:
        raise NoEvidence(f"the delivery cannot be read: {error}") from None


def _decision(record: Record, ids: SchemaIds) -> Decision:
    try:
        schema_id, body = unframe(record.value or b"")
        if schema_id != ids.by_name["Decision"]:
            raise NoEvidence("another record stands where the decision was")
        return decode_as(Decision, body)
    except Undecodable as error:
        raise NoEvidence(f"the decision cannot be read: {error}") from None


def _record(connection: Connection, at: TopicPartition, offset: int) -> Record:
    for _, record in read_records(connection, [(at, offset)]):
        return record
    raise NoEvidence(f"{at.topic}/{at.partition}/{offset} is not kept any more")


def alert_id(text: str) -> uuid.UUID | None:
    """An alert's id as a person writes it; None if it is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
