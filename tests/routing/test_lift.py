"""What a lifted hold lets out: what is owed, once, under the bundle in force then; and what a re-evaluation changes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.bus.bus import Outgoing, Record, TopicPartition
from hub.lifting import Owed, by_agency, lifted, order, owed_in
from hub.model.avro import decode_as, unframe
from hub.model.compose import DAY_MS
from hub.model.core import Alert
from hub.model.decision import Control
from hub.routing.state import EVERYBODY
from tests.routing.alerts import (
    GUIDELINES,
    NOW_MS,
    Hub,
    agency,
    alert,
    bundle,
    cancel,
    framed,
    order_about,
    record_of,
)

HELD = frozenset({"police"})


@pytest.fixture
def hub() -> Hub:
    return Hub(held=HELD)


def owed(hub: Hub) -> list[Owed]:
    lane = TopicPartition("holdings", 0)
    return owed_in((lane, Record(0, NOW_MS, key, value)) for key, value in hub.holdings.items())


def lift_order(hub: Hub, made: Alert, kind: str = "lift", source: Outgoing | None = None) -> Outgoing:
    """The order that lifting.py writes about an alert, from the record that its holding names."""
    found = hub.holding(made)
    place = TopicPartition(found.topic, found.partition)
    about = Owed(made.core.id.bytes, frozenset(), 0, place, found.offset)
    record = source or record_of(made)
    written = order(about, Record(found.offset, NOW_MS, record.key, record.value, record.headers), "ana", "a test")
    if kind == "lift":
        return written
    control = decode_as(Control, unframe(written.value or b"")[1]).model_copy(update={"kind": kind})
    return written._replace(value=framed(control))


# Lifting


def test_what_is_owed_goes_out_once_when_the_hold_is_lifted(hub: Hub) -> None:
    made = alert()
    assert "police" not in hub.take(made).sent()
    assert by_agency(owed(hub)) == {"police": 1}
    hub.held = frozenset()
    ordered = lift_order(hub, made)
    followed = hub.take(ordered)
    assert followed.sent() == {"police": "release"}
    delivery = followed.deliveries["police"]
    assert (delivery.number, delivery.revision) == (1, 1)
    assert owed(hub) == []
    again = hub.take(lift_order(hub, made, source=ordered))
    assert again.sent() == {} and again.noted is not None and again.noted.what == "lift"


def test_an_order_that_comes_before_the_lift_changes_nothing(hub: Hub) -> None:
    made = alert()
    hub.take(made)
    followed = hub.take(lift_order(hub, made))
    assert followed.result == "noted" and followed.sent() == {}
    assert by_agency(owed(hub)) == {"police": 1}


def test_only_those_who_are_held_no_more_receive(hub: Hub) -> None:
    hub.held = frozenset({"police", "prosecutor"})
    made = alert()
    hub.take(made)
    hub.held = frozenset({"prosecutor"})
    first = lift_order(hub, made)
    assert hub.take(first).sent() == {"police": "release"}
    assert by_agency(owed(hub)) == {"prosecutor": 1}
    hub.held = frozenset()
    assert hub.take(lift_order(hub, made, source=first)).sent() == {"prosecutor": "release"}
    assert owed(hub) == []


def test_what_is_owed_goes_out_under_the_bundle_in_force_then(hub: Hub) -> None:
    made = alert()
    hub.take(made)
    hub.held = frozenset()
    hub.bundle = bundle(guidelines=[each for each in GUIDELINES if each.id != "P1"])
    followed = hub.take(lift_order(hub, made))
    assert followed.sent() == {} and owed(hub) == []
    assert followed.reasons()["police"] == "no-permit"


def test_nobody_else_receives_anything_by_a_lift(hub: Hub) -> None:
    """A later joiner gets history only by an explicit decision."""
    made = alert()
    hub.take(made)
    hub.held = frozenset()
    joined = agency("coast-guard", "investigation")
    permit = next(each for each in GUIDELINES if each.id == "P1")
    more = permit.model_copy(update={"id": "P9", "to": permit.to.model_copy(update={"any": ("coast-guard",)})})
    hub.bundle = bundle((*hub.bundle.agencies, joined), [*GUIDELINES, more])
    assert hub.take(lift_order(hub, made)).sent() == {"police": "release"}


def test_a_higher_revision_makes_an_order_about_the_lower_one_void(hub: Hub) -> None:
    first, second = alert(), alert(revision=2)
    hub.take(first)
    late = lift_order(hub, first)
    hub.take(second)
    hub.held = frozenset()
    assert hub.take(late).result == "noted"
    followed = hub.take(lift_order(hub, second))
    assert followed.sent() == {"police": "release"} and followed.deliveries["police"].revision == 2


def test_nothing_goes_out_of_an_alert_that_was_cancelled_or_has_expired_meanwhile(hub: Hub) -> None:
    cancelled, expired = alert(1), alert(2, valid_ms=DAY_MS)
    hub.take(cancelled)
    hub.take(expired)
    late = lift_order(hub, cancelled)
    hub.take(cancel(1))
    hub.held = frozenset()
    hub.now_ms += 2 * DAY_MS
    assert hub.take(late).sent() == {}
    followed = hub.take(lift_order(hub, expired))
    assert followed.result == "expired" and followed.sent() == {}
    assert owed(hub) == []


def test_an_order_with_other_bytes_than_the_alerts_waits_in_quarantine(hub: Hub) -> None:
    made = alert()
    hub.take(made)
    hub.held = frozenset()
    followed = hub.take(lift_order(hub, made, source=record_of(alert(minor="yes"))))
    assert followed.result == "same-revision-other-content" and followed.sent() == {}


def test_an_order_about_an_alert_that_the_lane_does_not_know_is_noted(hub: Hub) -> None:
    made = alert()
    hub.take(made)
    late = lift_order(hub, made)
    fresh = Hub()
    assert fresh.take(late).result == "noted"


def test_a_replayed_alert_that_is_held_can_be_lifted_too(hub: Hub) -> None:
    """Its bytes stand in the order that replayed it."""
    made = alert()
    waiting = hub.take(record_of(made)._replace(topic="alerts.police")).quarantined
    assert waiting is not None
    replayed = order_about(waiting, "replay", topic="alerts.customs")
    hub.take(replayed)
    assert hub.holding(made).topic == "control"
    hub.held = frozenset()
    assert hub.take(lift_order(hub, made, source=replayed)).sent() == {"police": "release"}


def test_which_orders_are_due_follows_from_what_is_held() -> None:
    place = TopicPartition("alerts.customs", 0)
    some = [Owed(b"1", frozenset({"police"}), 0, place, 0), Owed(b"2", frozenset({"police", "shelter"}), 0, place, 1)]
    assert lifted(some, frozenset()) == some
    assert lifted(some, frozenset({"police"})) == some[1:]
    assert lifted(some, frozenset({EVERYBODY})) == []


@given(st.integers(0, 2**32 - 1))
def test_however_holds_and_orders_mix_each_recipient_ends_with_what_it_may_see_delivered_once(seed: int) -> None:
    chance = random.Random(seed)
    hub, made, revision = Hub(), alert(), 1
    sources: dict[int, Outgoing] = {}
    numbers: dict[str, list[int]] = {}

    def take(record: Outgoing) -> None:
        offset = hub.offsets.get(record.topic, -1) + 1
        for recipient, delivery in hub.take(record).deliveries.items():
            numbers.setdefault(recipient, []).append(delivery.number)
        found = hub.holding(made)
        if (found.topic, found.offset) == (record.topic, offset):
            sources[0] = record

    take(record_of(made))
    for _ in range(chance.randrange(8)):
        hub.held = frozenset(chance.sample(("police", "prosecutor", "shelter", EVERYBODY), chance.randrange(3)))
        if chance.random() < 0.4:
            revision += 1
            take(record_of(alert(revision=revision, victims=revision)))
        else:
            take(lift_order(hub, made, source=sources[0]))
    hub.held = frozenset()
    take(lift_order(hub, made, source=sources[0]))
    held = hub.holding(made).recipients
    assert not any(each.owed for each in held)
    assert {each.agency: each.revision for each in held if each.revision} == hub.holders(made)
    assert {each.agency for each in held} == {"police", "prosecutor", "shelter"}
    assert all(seen == list(range(1, len(seen) + 1)) for seen in numbers.values())


# Re-evaluating


def test_a_re_evaluation_decides_the_same_revision_anew_for_everybody() -> None:
    hub = Hub()
    made = alert()
    hub.take(made)
    hub.bundle = bundle(guidelines=[each for each in GUIDELINES if each.id != "P1"])
    ordered = lift_order(hub, made, "reevaluate")
    assert hub.take(ordered).sent() == {"police": "withdrawal"}
    assert hub.take(lift_order(hub, made, "reevaluate", source=ordered)).sent() == {}
