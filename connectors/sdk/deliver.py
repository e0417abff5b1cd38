"""Deliveries taken to a sink exactly once in effect: read, checked, delivered, receipted in the transaction that moves on.

The sink remembers each delivery's id with its effect, so a repeat after a crash finds the first effect. A delivery that
cannot be delivered is parked with its reason, never dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import stamina
import structlog

from hub.bus.bus import Batch, Bus, Indefinite, Outgoing, Record, lane
from hub.model.avro import Undecodable, decode_as, decode_payload, digest, encode_section, unframe
from hub.model.delivery import Delivery as DeliveryRecord
from hub.model.receipt import Receipt
from hub.model.sections import Content

from .kinds import Delivery, Effect, Rejected, Sink, Transient
from .publish import Identity

log = structlog.get_logger()

BATCH_RECORDS: Final = 200
WAIT_MS: Final = 500


@dataclass
class Counts:
    delivered: int = 0
    parked: int = 0


class Parked(Exception):
    """This delivery cannot be delivered; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Reception:
    """Reads an agency's deliveries and hands them to its sink."""

    def __init__(self, sink: Sink, identity: Identity, bus: Bus, now_ms: Callable[[], int], attempts: int = 8) -> None:
        self._sink = sink
        self._identity = identity
        self._bus = bus
        self._now_ms = now_ms
        self._attempts = attempts
        self.counts = Counts()

    def step(self, wait_ms: int = WAIT_MS) -> int:
        """One batch, if there is one; how many deliveries it had. Raises SlotTaken."""
        try:
            batch = self._bus.read(BATCH_RECORDS, wait_ms)
            if batch.count:
                self._bus.commit(batch, self._receipts(batch))
            return batch.count
        except Indefinite as unknown:
            log.warning("deliver.indefinite", connector=self._identity.connector, reason=str(unknown))
            return 0

    def close(self) -> None:
        self._bus.close()
        self._sink.close()

    def _receipts(self, batch: Batch) -> list[Outgoing]:
        return [self._receipt(record) for records in batch.records.values() for record in records]

    def _receipt(self, record: Record) -> Outgoing:
        """The delivery's effect, made now or before, as a receipt in the alert's lane."""
        identifier = alert = bytes(16)
        state, effect = "parked", Effect()
        try:
            delivery = opened(record, self._identity.agency, self._identity.ids.by_name["Delivery"])
            identifier, alert = delivery.id, delivery.alert.bytes
            effect = self._delivered(delivery)
            state = effect.state
            self.counts.delivered += 1
        except (Parked, Rejected) as parked:
            effect = Effect(reason=parked.reason)
            self.counts.parked += 1
            log.error("deliver.parked", connector=self._identity.connector, offset=record.offset, reason=parked.reason)
        receipt = Receipt(
            delivery=identifier,
            alert=alert,
            recipient=self._identity.agency,
            state=state,
            at_ms=self._now_ms(),
            reason=effect.reason,
            reference=effect.reference,
        )
        topic = f"receipts.{self._identity.agency}"
        return self._identity.record(topic, lane(alert, self._identity.partitions), alert, receipt)

    def _delivered(self, delivery: Delivery) -> Effect:
        try:
            for attempt in stamina.retry_context(on=Transient, attempts=self._attempts, timeout=20.0, wait_max=5.0):
                with attempt:
                    return self._sink.deliver(delivery)
        except Transient:
            raise Parked("recipient-not-ready") from None
        raise AssertionError("unreachable")


def opened(record: Record, agency: str, schema_id: int) -> Delivery:
    """A delivery for this agency, with every section decoded by its schema and found in the core. Raises Parked."""
    try:
        found, body = unframe(record.value or b"")
        if found != schema_id:
            raise Parked("unknown-schema")
        delivery = decode_as(DeliveryRecord, body)
        if delivery.recipient != agency:
            raise Parked("not-for-this-agency")
        return Delivery(delivery, _contents(delivery))
    except Undecodable:
        raise Parked("undecodable") from None


def _contents(delivery: DeliveryRecord) -> tuple[Content, ...]:
    if delivery.view is None:
        return ()
    known = set(delivery.view.core.digests)
    contents = []
    for section in delivery.view.sections:
        if digest(encode_section(section)) not in known:
            raise Parked("digest-mismatch")
        contents.append(Content(section.category, decode_payload(section.category, section.version, section.payload)))
    return tuple(contents)
