"""Deliveries taken to a sink exactly once in effect: read, checked, delivered, receipted in the transaction that moves on.

The sink remembers each delivery's id with its effect, so a repeat after a crash finds the first effect. While the other
system is not ready deliveries wait on the bus; one that cannot be delivered is parked with its reason, never dropped.
"""

from __future__ import annotations

from collections import Counter
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

from .kinds import Credentials, Delivery, Effect, Fault, Rejected, Sink, Transient
from .publish import Identity

log = structlog.get_logger()
stamina.instrumentation.set_on_retry_hooks([])  # they would log what a sink's error says

BATCH_RECORDS: Final = 200
WAIT_MS: Final = 500
RETRY_S: Final = 20.0  # within a step: shorter than the bus's watchdog
PATIENCE_MS: Final = 3_600_000  # with one delivery, until it is parked so that the others can go on
FAULTS: Final = 3  # of a sink's own code with one delivery, until it is parked so that the others can go on


@dataclass
class Counts:
    delivered: int = 0
    parked: int = 0
    rejected: int = 0


class NotReady(Exception):
    """The recipient's system cannot take this delivery now; it waits on the bus, and those behind it."""


class Parked(Exception):
    """This delivery cannot be delivered; `reason` is one of receipt.PARKED_REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def unwatched() -> None:
    """Nobody needs a sign of life."""


class Reception:
    """Reads an agency's deliveries and hands them to its sink."""

    def __init__(
        self,
        sink: Sink,
        identity: Identity,
        bus: Bus,
        now_ms: Callable[[], int],
        attempts: int = 8,
        beat: Callable[[], None] = unwatched,
        faults: Counter[bytes] | None = None,
    ) -> None:
        """`attempts`: with a sink that is not ready, within one step. `beat` is called before each delivery: a sink may
        be slow, and a bus that watches must not take that for the end. `faults` counts failures of the sink's own code by
        delivery; handed on to the next Reception, it outlives a restart."""
        self._sink = sink
        self._identity = identity
        self._bus = bus
        self._now_ms = now_ms
        self._attempts = attempts
        self._beat = beat
        self._faults: Counter[bytes] = Counter() if faults is None else faults
        self._waiting: tuple[bytes, int] | None = None  # the delivery that a sink was not ready for, and since when
        self.waits = False
        self.counts = Counts()

    def step(self, wait_ms: int = WAIT_MS) -> int:
        """One batch, if there is one; how many deliveries it had.

        Raises SlotTaken, Credentials and Fault; the deliveries wait. `waits` tells that the recipient's system is not ready.
        """
        self.waits = False
        try:
            batch = self._bus.read(BATCH_RECORDS, wait_ms)
            if batch.count:
                self._bus.commit(batch, self._receipts(batch))
            return batch.count
        except NotReady:
            log.warning("deliver.not-ready", connector=self._identity.connector)
            self.waits = True
            return 0
        except Indefinite as unknown:
            log.warning("deliver.indefinite", connector=self._identity.connector, reason=str(unknown))
            return 0

    def beat(self) -> None:
        """A sign of life, from whoever works or waits long between two steps."""
        self._beat()

    def close(self) -> None:
        self._bus.close()
        self._sink.close()

    def _receipts(self, batch: Batch) -> list[Outgoing]:
        return [self._receipt(record) for records in batch.records.values() for record in records]

    def _receipt(self, record: Record) -> Outgoing:
        """The delivery's effect, made now or before, as a receipt in the alert's lane."""
        identifier = alert = bytes(16)
        state, effect = "parked", Effect()
        self._beat()
        try:
            delivery = opened(record, self._identity.agency, self._identity.ids.by_name["Delivery"])
            identifier, alert = delivery.id, delivery.alert.bytes
            effect = self._delivered(delivery)
            state = effect.state
            self.counts.delivered += 1
        except Rejected as rejected:
            state, effect = "rejected", Effect("rejected", reason=rejected.reason)
            self.counts.rejected += 1
            log.warning("deliver.rejected", connector=self._identity.connector, offset=record.offset)
        except Parked as parked:
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
        """Raises NotReady, Credentials, Rejected, Parked, and Fault for whatever else a sink raises: it starts again, and
        if the same delivery brings it down FAULTS times, that one is parked, and the others go on."""
        try:
            for attempt in stamina.retry_context(on=_may_pass, attempts=self._attempts, timeout=RETRY_S, wait_max=5.0):
                with attempt:
                    return self._sink.deliver(delivery)
        except Credentials:
            raise
        except Transient:
            known, since_ms = self._waiting or (b"", 0)
            if known != delivery.id:
                self._waiting = delivery.id, self._now_ms()
            elif self._now_ms() - since_ms >= PATIENCE_MS:
                raise Parked("recipient-not-ready") from None
            raise NotReady from None
        except Rejected:
            raise
        except Exception as error:  # its words may hold what the delivery says
            log.error("deliver.failed", connector=self._identity.connector, error=type(error).__name__)
            self._faults[delivery.id] += 1
            if self._faults[delivery.id] >= FAULTS:
                raise Parked("recipient-failed") from None
            raise Fault(type(error).__name__) from error
        raise AssertionError("unreachable")


def _may_pass(error: Exception) -> bool:
    return isinstance(error, Transient) and not isinstance(error, Credentials)


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
