"""What an operator may order about a record in quarantine, and what recipients' receipts lead to."""

from __future__ import annotations

import pytest

from hub.bus.bus import Outgoing
from hub.model.avro import decode_as, unframe
from hub.model.decision import Control, Quarantined
from tests.routing.alerts import (
    BUNDLE,
    GUIDELINES,
    NOW_MS,
    PARTIES,
    Hub,
    agency,
    alert,
    alert_id,
    bundle,
    cancel,
    order_about,
    receipt_of,
    record_of,
    replaced,
)

RELEASED = {"police": "release", "prosecutor": "release", "shelter": "release"}
NAMES_A_NEW_AGENCY = alert(1, releasable_to=("police", "coast-guard"))


def waiting_of(hub: Hub, record: Outgoing) -> Quarantined:
    waiting = hub.take(record).quarantined
    assert waiting is not None
    return waiting


@pytest.fixture
def hub() -> Hub:
    return Hub()


# Replay


def test_a_replayed_record_is_decided_once_the_bundle_was_mended(hub: Hub) -> None:
    waiting = waiting_of(hub, record_of(NAMES_A_NEW_AGENCY))
    hub.bundle = bundle((*PARTIES, agency("coast-guard", "investigation")), GUIDELINES)
    followed = hub.take(order_about(waiting, "replay"))
    assert followed.result == "decided"
    assert followed.sent() == {"police": "release"}


def test_a_replayed_records_decision_stands_in_the_chain_of_the_order(hub: Hub) -> None:
    waiting = waiting_of(hub, record_of(NAMES_A_NEW_AGENCY))
    hub.bundle = bundle((*PARTIES, agency("coast-guard", "investigation")), GUIDELINES)
    decision = hub.take(order_about(waiting, "replay")).decision
    assert decision is not None
    assert (decision.source.topic, decision.source.offset, decision.source.previous) == ("control", 0, -1)
    assert hub.holding(NAMES_A_NEW_AGENCY).topic == "control"


def test_a_replayed_record_that_still_cannot_be_decided_waits_again_and_its_attempts_are_counted(hub: Hub) -> None:
    first = waiting_of(hub, record_of(NAMES_A_NEW_AGENCY))
    second = waiting_of(hub, order_about(first, "replay"))
    assert (first.attempt, second.attempt) == (1, 2)
    assert (second.topic, second.reason) == ("control", first.reason)
    order = decode_as(Control, unframe(second.value or b"")[1])
    assert (order.topic, order.key, order.value) == (first.topic, first.key, first.value)


def test_a_replayed_record_is_superseded_if_a_higher_revision_was_decided_meanwhile(hub: Hub) -> None:
    waiting = waiting_of(hub, record_of(NAMES_A_NEW_AGENCY))
    hub.take(alert(1, 2))
    hub.bundle = bundle((*PARTIES, agency("coast-guard", "investigation")), GUIDELINES)
    assert hub.take(order_about(waiting, "replay")).result == "superseded"


def test_a_record_is_replayed_twice_to_no_effect(hub: Hub) -> None:
    waiting = waiting_of(hub, record_of(NAMES_A_NEW_AGENCY))
    hub.bundle = bundle((*PARTIES, agency("coast-guard", "investigation")), GUIDELINES)
    hub.take(order_about(waiting, "replay"))
    assert hub.take(order_about(waiting, "replay")).result == "duplicate"


def test_a_replay_does_not_let_an_agency_write_in_anothers_name(hub: Hub) -> None:
    waiting = waiting_of(hub, record_of(alert())._replace(topic="alerts.police"))
    assert waiting.reason == "foreign-topic"
    assert hub.take(order_about(waiting, "replay")).result == "foreign-topic"


def test_a_receipt_can_be_replayed_too(hub: Hub) -> None:
    delivery = hub.take(alert()).deliveries["police"]
    waiting = waiting_of(hub, receipt_of(delivery)._replace(topic="receipts.shelter"))
    right = order_about(waiting, "replay", topic="receipts.police")
    followed = hub.take(right)
    assert followed.noted is not None and followed.noted.what == "receipt"


# Return


def test_a_returned_record_tells_its_originator_the_reason_and_no_data(hub: Hub) -> None:
    waiting = waiting_of(hub, record_of(NAMES_A_NEW_AGENCY))
    followed = hub.take(order_about(waiting, "return"))
    assert followed.sent() == {"customs": "feedback"}
    feedback = followed.deliveries["customs"]
    assert feedback.reason == "unknown-value" and feedback.view is None and feedback.obligation is None
    assert (feedback.alert, feedback.number, feedback.revision) == (alert_id(1), 0, 0)
    assert followed.noted is not None and followed.noted.what == "return"


def test_a_record_without_a_usable_key_is_returned_under_no_alert(hub: Hub) -> None:
    waiting = waiting_of(hub, record_of(alert())._replace(key=b"short"))
    feedback = hub.take(order_about(waiting, "return")).deliveries["customs"]
    assert feedback.alert.int == 0 and feedback.reason == "key-mismatch"


def test_returning_twice_gives_the_same_delivery_id_which_a_sink_knows_again(hub: Hub) -> None:
    waiting = waiting_of(hub, record_of(NAMES_A_NEW_AGENCY))
    order = order_about(waiting, "return")
    assert hub.take(order).deliveries["customs"].id == hub.take(order).deliveries["customs"].id


def test_a_record_of_an_agency_that_the_bundle_does_not_know_is_returned_to_nobody(hub: Hub) -> None:
    waiting = waiting_of(hub, record_of(alert(originator="stranger")))
    followed = hub.take(order_about(waiting, "return"))
    assert followed.sent() == {} and followed.noted is not None


# Orders that are not carried out


@pytest.mark.parametrize("kind", ["expire", "forget"])
def test_an_order_to_end_no_alert_waits_in_quarantine(hub: Hub, kind: str) -> None:
    waiting = waiting_of(hub, record_of(NAMES_A_NEW_AGENCY))
    again = waiting_of(hub, order_about(waiting, kind))
    assert (again.reason, again.field, again.topic) == ("unknown-value", "alert", "control")


def test_an_order_about_a_record_of_another_lane_waits_in_quarantine(hub: Hub) -> None:
    waiting = waiting_of(hub, record_of(NAMES_A_NEW_AGENCY))
    for kind in ("replay", "return"):
        again = waiting_of(hub, order_about(waiting, kind, partition=999)._replace(partition=0))
        assert (again.reason, again.field) == ("wrong-lane", "partition")


def test_what_is_no_order_waits_in_quarantine(hub: Hub) -> None:
    assert hub.take(Outgoing("control", 0, None, b"")).result == "undecodable"
    assert hub.take(Outgoing("control", 0, None, None)).result == "undecodable"
    assert hub.take(record_of(alert())._replace(topic="control")).result == "unknown-schema"


# Receipts


def test_a_receipt_is_noted_in_the_chain_of_its_topic(hub: Hub) -> None:
    delivery = hub.take(alert()).deliveries["police"]
    followed = hub.take(receipt_of(delivery))
    assert followed.noted is not None and followed.noted.what == "receipt"
    assert (followed.noted.source.topic, followed.noted.source.offset) == ("receipts.police", 0)
    assert followed.noted.decided_ms == NOW_MS and len(followed.routed.outgoing) == 1


def test_a_receipt_on_another_agencys_topic_waits_in_quarantine(hub: Hub) -> None:
    delivery = hub.take(alert()).deliveries["police"]
    waiting = waiting_of(hub, receipt_of(delivery)._replace(topic="receipts.shelter"))
    assert (waiting.reason, waiting.field) == ("foreign-topic", "recipient")


def test_a_receipt_under_another_key_or_in_another_lane_waits_in_quarantine(hub: Hub) -> None:
    delivery = hub.take(alert()).deliveries["police"]
    assert hub.take(receipt_of(delivery)._replace(key=alert_id(2).bytes)).result == "key-mismatch"
    hub.partitions = 6
    right = record_of(alert(), 6).partition
    assert hub.take(receipt_of(delivery)._replace(partition=right)).result == "noted"
    assert hub.take(receipt_of(delivery)._replace(partition=(right + 1) % 6)).result == "wrong-lane"


def test_a_receipt_with_a_state_that_is_none_waits_in_quarantine(hub: Hub) -> None:
    from hub.model.receipt import Receipt
    from tests.routing.alerts import framed

    delivery = hub.take(alert()).deliveries["police"]
    receipt = decode_as(Receipt, unframe(receipt_of(delivery).value or b"")[1])
    record = receipt_of(delivery)._replace(value=framed(replaced(receipt, state="banana")))
    assert hub.take(record).result == "undecodable"


def test_an_alert_cannot_be_published_on_a_topic_of_receipts(hub: Hub) -> None:
    assert hub.take(record_of(alert())._replace(topic="receipts.customs")).result == "unknown-schema"
    assert hub.take(cancel()).result == "cancelled" and hub.bundle is BUNDLE
