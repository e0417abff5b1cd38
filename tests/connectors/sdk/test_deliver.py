"""Deliveries taken to a sink: each once in effect, and each with a receipt that says what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stamina

from connectors.sdk import Credentials, Delivery, Effect, Rejected, Transient
from connectors.sdk.deliver import FAULTS, PATIENCE_MS, Reception
from connectors.sdk.kinds import Fault
from connectors.sdk.publish import Identity
from hub.bus.bus import Outgoing, lane
from hub.bus.memory import MemoryBus
from hub.bus.memory_log import Crashed, MemoryLog
from hub.model.avro import LOCAL_IDS, decode_as, encode_payload, frame, unframe
from hub.model.core import Section
from hub.model.delivery import Delivery as DeliveryRecord
from hub.model.delivery import View
from hub.model.receipt import PARKED_REASONS, Receipt
from tests.connectors.deliveries import KEY, NOW_MS, narrative, outgoing, record, suspect

PARTITIONS = 6
TOPIC, RECEIPTS = "deliveries.customs", "receipts.customs"


class Desk:
    """A sink that remembers as the real ones do; `does` says what it makes of a delivery."""

    def __init__(self, does: Callable[[Delivery], Effect] | None = None) -> None:
        self.does = does or (lambda delivery: Effect(reference="entry 7"))
        self.effects: dict[bytes, Effect] = {}
        self.taken: list[Delivery] = []

    def deliver(self, delivery: Delivery) -> Effect:
        if delivery.id not in self.effects:
            self.effects[delivery.id] = self.does(delivery)
            self.taken.append(delivery)
        return self.effects[delivery.id]

    def close(self) -> None: ...


class Place:
    def __init__(self) -> None:
        self.log = MemoryLog()
        for topic in (TOPIC, RECEIPTS):
            self.log.create(topic, PARTITIONS)
        self.now_ms = NOW_MS
        self.beats = 0

    def send(self, *records: Outgoing) -> None:
        for each in records:
            self.log.append(each)

    def reception(self, desk: Desk, mark: Any = None, faults: Counter[bytes] | None = None) -> Reception:
        bus = MemoryBus(
            self.log, group="deliver-customs", slot="deliver-0", topics=[TOPIC], mark=mark or (lambda _: None)
        )
        identity = Identity("customs", "customs", KEY, PARTITIONS)
        return Reception(desk, identity, bus, lambda: self.now_ms, attempts=2, beat=self._beat, faults=faults)

    def _beat(self) -> None:
        self.beats += 1

    def take(self, desk: Desk, turns: int = 4, faults: Counter[bytes] | None = None) -> Reception:
        reception = self.reception(desk, faults=faults)
        for _ in range(turns):
            reception.step(0)
        return reception

    def receipts(self) -> list[Receipt]:
        found = []
        for at, each in self.log.table(self.log.partitions(RECEIPTS)):
            number, body = unframe(each.value or b"")
            assert number == LOCAL_IDS.by_name["Receipt"]
            receipt = decode_as(Receipt, body)
            assert each.key == receipt.alert.bytes and at.partition == lane(each.key, PARTITIONS)
            found.append(receipt)
        return found


@pytest.fixture
def place() -> Iterator[Place]:
    with stamina.set_testing(True, attempts=2):
        yield Place()


def test_a_delivery_is_handed_over_with_its_contents_and_receipted_in_the_alerts_lane(place: Place) -> None:
    desk, sent = Desk(), record(contents=[suspect(), narrative()])
    place.send(outgoing(sent))
    place.take(desk)
    (taken,) = desk.taken
    assert taken.record == sent
    assert {each.category for each in taken.contents} == {
        "suspect.identity",
        "suspect.description",
        "narrative",
        "circumstances",
    }
    (receipt,) = place.receipts()
    assert (receipt.delivery, receipt.state, receipt.reference, receipt.at_ms) == (
        sent.id,
        "effected",
        "entry 7",
        NOW_MS,
    )


def test_a_withdrawal_has_no_contents(place: Place) -> None:
    desk = Desk()
    place.send(outgoing(record("withdrawal", reason="cancelled")))
    place.take(desk)
    assert desk.taken[0].contents == () and place.receipts()[0].state == "effected"


@pytest.mark.parametrize("point", ["commit:staged", "commit:flushed", "commit:offsets", "commit:committed"])
def test_a_crash_at_any_point_gives_one_effect_and_one_receipt(place: Place, point: str) -> None:
    def crash(reached: str) -> None:
        if reached == point:
            raise Crashed(reached)

    desk = Desk()
    place.send(outgoing(record(contents=[narrative()])))
    first = place.reception(desk, crash)
    with pytest.raises(Crashed):
        for _ in range(4):
            first.step(0)
    place.take(desk)
    assert len(desk.taken) == 1 and len(place.receipts()) == 1


def forged(delivery: DeliveryRecord) -> DeliveryRecord:
    """With a section that its originator did not make."""
    assert delivery.view is not None
    other = narrative("not the originator's words")
    payload = encode_payload(other.category, other.content)
    section = Section(category=other.category, version=1, salt=bytes(16), payload=payload)
    return delivery.model_copy(update={"view": View(core=delivery.view.core, sections=(section,))})


GOOD = record(contents=[narrative()])
BROKEN = {
    "unknown-schema": outgoing(GOOD, schema_id=LOCAL_IDS.by_name["Alert"]),
    "undecodable": outgoing(GOOD)._replace(value=(outgoing(GOOD).value or b"") + b"\0"),
    "digest-mismatch": outgoing(forged(GOOD)),
    "not-for-this-agency": outgoing(record(contents=[narrative()], recipient="police"))._replace(topic=TOPIC),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_what_cannot_be_delivered_is_parked_with_its_reason_and_the_next_one_is_taken(
    place: Place, reason: str
) -> None:
    assert reason in PARKED_REASONS
    desk = Desk()
    place.send(BROKEN[reason], outgoing(record(contents=[narrative()], number=2)))
    reception = place.take(desk)
    by_state = {receipt.state: receipt for receipt in place.receipts()}
    assert by_state["parked"].reason == reason and by_state["effected"].reference == "entry 7"
    assert (reception.counts.parked, reception.counts.delivered) == (1, 1)


def test_bytes_without_a_frame_and_tombstones_are_parked(place: Place) -> None:
    good = outgoing(GOOD)
    place.send(good._replace(value=b"\x01"), good._replace(value=None), good._replace(value=frame(2, b"")))
    place.take(Desk())
    assert [receipt.reason for receipt in place.receipts()] == ["undecodable"] * 3


def test_what_the_recipient_refuses_is_rejected_with_its_code(place: Place) -> None:
    def refuse(_: Delivery) -> Effect:
        raise Rejected("case-closed")

    place.send(outgoing(GOOD))
    reception = place.take(Desk(refuse))
    (receipt,) = place.receipts()
    assert (receipt.state, receipt.reason, receipt.delivery) == ("rejected", "case-closed", GOOD.id)
    assert reception.counts.rejected == 1


def test_a_fault_in_a_sink_brings_it_down_and_only_then_parks_the_delivery(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(delivery: Delivery) -> Effect:
        if delivery.record.number == 1:
            raise RuntimeError("SECRET VALUE")
        return Effect()

    place.send(outgoing(GOOD), outgoing(record(contents=[narrative()], number=2)))
    desk, faults = Desk(fail), Counter[bytes]()
    for start in range(1, FAULTS):
        with pytest.raises(Fault) as fault:
            place.take(desk, faults=faults)
        assert place.receipts() == [] and faults[GOOD.id] == start and "SECRET" not in str(fault.value)
    place.take(desk, faults=faults)
    assert {(each.state, each.reason) for each in place.receipts()} == {
        ("parked", "recipient-failed"),
        ("effected", None),
    }
    shown = capsys.readouterr()
    assert "deliver.failed" in shown.out + shown.err and "SECRET" not in shown.out + shown.err


def test_refused_credentials_park_and_receipt_nothing_however_long_it_takes(place: Place) -> None:
    def refuse(_: Delivery) -> Effect:
        raise Credentials("401")

    place.send(outgoing(GOOD))
    for _ in range(5):
        with pytest.raises(Credentials):
            place.take(Desk(refuse))
        place.now_ms += PATIENCE_MS
    assert place.receipts() == []
    place.take(Desk())
    assert [each.state for each in place.receipts()] == ["effected"]


def test_a_retry_logs_nothing_that_the_recipients_system_said(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    def away(_: Delivery) -> Effect:
        raise Transient("SECRET VALUE")

    place.send(outgoing(GOOD))
    place.take(Desk(away))
    shown = capsys.readouterr()
    assert "deliver.not-ready" in shown.out + shown.err and "SECRET" not in shown.out + shown.err


class Outage:
    def __init__(self) -> None:
        self.over = False

    def __call__(self, _: Delivery) -> Effect:
        if not self.over:
            raise Transient("away")
        return Effect()


def test_deliveries_wait_on_the_bus_while_the_recipients_system_is_away(place: Place) -> None:
    outage = Outage()
    desk = Desk(outage)
    place.send(*(outgoing(record(contents=[narrative()], number=number)) for number in (1, 2, 3)))
    reception = place.take(desk, turns=6)
    assert place.receipts() == []
    outage.over = True
    for _ in range(3):
        reception.step(0)
    assert [receipt.state for receipt in place.receipts()] == ["effected"] * 3
    assert [taken.record.number for taken in desk.taken] == [1, 2, 3]


def test_one_delivery_that_never_succeeds_does_not_hold_the_others_for_ever(place: Place) -> None:
    def fail_first(delivery: Delivery) -> Effect:
        if delivery.record.number == 1:
            raise Transient("never")
        return Effect()

    place.send(outgoing(GOOD), outgoing(record(contents=[narrative()], number=2)))
    reception = place.take(Desk(fail_first))
    assert place.receipts() == []
    place.now_ms += PATIENCE_MS
    reception.step(0)
    assert [(each.state, each.reason) for each in place.receipts()] == [
        ("parked", "recipient-not-ready"),
        ("effected", None),
    ]


def test_a_bus_that_watches_hears_of_every_delivery(place: Place) -> None:
    place.send(*(outgoing(record(contents=[narrative()], number=number)) for number in range(1, 6)))
    place.take(Desk())
    assert place.beats == 5
