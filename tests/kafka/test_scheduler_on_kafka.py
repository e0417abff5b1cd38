"""The scheduler on a real Kafka: an alert ends once, whoever orders it, and is forgotten in the end."""

from __future__ import annotations

import itertools

import pytest

from hub.bus.bus import SlotTaken
from hub.bus.kafka import KafkaPublisher
from hub.bus.limits import HUB_RECORD_BYTES
from hub.model.avro import decode_as, unframe
from hub.model.compose import DAY_MS
from hub.model.decision import Control, Noted
from hub.readmodel.reading import KafkaReading
from hub.routing.lifecycle import FORGOTTEN_AFTER_MS
from hub.scheduler import FIRST_PAUSE_S, NAME, Scheduler
from tests.kafka.change_hub import Hub, hub, until, valid_alert
from tests.routing.alerts import alert_id, decoded

__all__ = ["hub"]
pytestmark = pytest.mark.kafka


def scheduler(hub: Hub) -> Scheduler:
    """Whenever it is asked to, it looks, and no pause is longer than that."""
    return Scheduler(
        lambda: KafkaReading(hub.connection, wanted=lambda topic: topic == "holdings"),
        lambda: KafkaPublisher(hub.connection, name=NAME, record_bytes=HUB_RECORD_BYTES),
        ids=hub.ids,
        clock_ms=hub.clock_ms,
        clock_s=itertools.count(0, 2 * FIRST_PAUSE_S).__next__,
    )


def ordered(hub: Hub) -> list[str]:
    found = [decode_as(Control, unframe(record.value or b"")[1]) for record in hub.records("control")]
    return [each.kind for each in found if each.alert == alert_id(1)]


def noted(hub: Hub) -> list[str]:
    found = [decoded(record.value) for record in hub.records("decisions")]
    return [each.what for each in found if isinstance(each, Noted)]


def test_an_ended_alert_is_withdrawn_once_though_the_scheduler_was_run_twice_and_forgotten_in_the_end(hub: Hub) -> None:
    hub.begin()
    with hub.routing(hub.in_force()):
        hub.write(valid_alert(1))
        hub.decided(1)
    hub.later_ms = 31 * DAY_MS
    first, second = scheduler(hub), scheduler(hub)
    for each in (first, second):
        assert until(each.step, "an order") == 1
    with pytest.raises(SlotTaken):
        until(first.step, "that the first one is ended by the second")
    assert ordered(hub) == ["expire", "expire"]
    with hub.routing(hub.in_force()):
        until(lambda: "expire" in noted(hub), "that the second order is noted")
        for agency in ("police", "prosecutor", "shelter"):
            sent = [(each.kind, each.reason, each.number) for each in hub.sent(agency, 1)]
            assert sent == [("release", None, 1), ("withdrawal", "expired", 2)]
        hub.later_ms += FORGOTTEN_AFTER_MS
        until(second.step, "the last order")
        key = alert_id(1).bytes
        until(lambda: any(record.key == key and not record.value for record in hub.records("holdings")), "a tombstone")
    assert ordered(hub) == ["expire", "expire", "forget"]
    for each in (first, second):
        each.close()
