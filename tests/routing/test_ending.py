"""How an alert ends: past its validity it is withdrawn from whoever holds it, once; later nothing is remembered of it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.bus.bus import Outgoing
from hub.model.compose import DAY_MS
from hub.model.core import Alert
from hub.routing.emit import delivery_id
from hub.routing.lifecycle import FORGOTTEN_AFTER_MS
from hub.routing.state import EVERYBODY
from tests.routing.alerts import (
    AGENCIES,
    NOW_MS,
    PARTIES,
    Followed,
    Hub,
    alert,
    bundle,
    cancel,
    order_to,
    receipt_of,
    record_of,
)

MADE = alert(valid_ms=DAY_MS)
RECIPIENTS = {"police", "prosecutor", "shelter"}
WITHDRAWN = dict.fromkeys(RECIPIENTS, "withdrawal")


@pytest.fixture
def hub() -> Hub:
    """It has decided MADE, whose validity has passed meanwhile."""
    hub = Hub()
    assert hub.take(MADE).sent().keys() == RECIPIENTS
    hub.now_ms += DAY_MS
    return hub


def expire(hub: Hub, made: Alert = MADE) -> Followed:
    return hub.take(order_to("expire", made, hub.partitions))


def forget(hub: Hub, made: Alert = MADE) -> Followed:
    return hub.take(order_to("forget", made, hub.partitions))


def changes_nothing(found: Followed, kind: str) -> bool:
    """It is noted, and that is all."""
    assert found.noted is not None and found.noted.what == kind
    return found.result == "noted" and len(found.routed.outgoing) == 1 and not found.routed.holdings


# expire


def test_past_its_validity_an_alert_is_withdrawn_from_everyone_who_holds_it(hub: Hub) -> None:
    found = expire(hub)
    assert found.result == "expired" and found.sent() == WITHDRAWN
    for agency, delivery in found.deliveries.items():
        assert (delivery.reason, delivery.view, delivery.number, delivery.revision) == ("expired", None, 2, 1)
        assert delivery.id == delivery_id(MADE.core.id.bytes, agency, 2)
    assert hub.holders(MADE) == {}


def test_what_followed_is_told_of_each_agency_with_its_delivery_and_without_the_alert(hub: Hub) -> None:
    found = expire(hub)
    assert found.decision is None and found.ended is not None
    assert (found.ended.alert, found.ended.originator, found.ended.revision) == (MADE.core.id, "customs", 1)
    assert (found.ended.outcome, found.ended.bundle) == ("expired", hub.bundle.digest)
    assert {each.agency: each.delivery for each in found.ended.outcomes} == {
        agency: delivery.id for agency, delivery in found.deliveries.items()
    }
    assert (found.ended.source.topic, found.ended.source.offset, found.ended.source.previous) == ("control", 0, -1)


def test_a_withdrawal_names_what_its_recipient_held(hub: Hub) -> None:
    assert expire(hub).deliveries["shelter"].withdrawn == ("victim.description", "victim.identity")


def test_the_second_order_changes_nothing(hub: Hub) -> None:
    expire(hub)
    assert changes_nothing(expire(hub), "expire")


def test_an_order_that_comes_a_moment_too_early_changes_nothing(hub: Hub) -> None:
    hub.now_ms -= 1
    assert changes_nothing(expire(hub), "expire")
    hub.now_ms += 1
    assert expire(hub).sent() == WITHDRAWN


def test_an_order_for_an_alert_that_a_higher_revision_renewed_changes_nothing(hub: Hub) -> None:
    late = order_to("expire", MADE)
    hub.take(alert(1, 2, valid_ms=9 * DAY_MS))
    assert changes_nothing(hub.take(late), "expire")


def test_an_alert_that_is_renewed_after_its_end_is_released_again_and_counted_on(hub: Hub) -> None:
    expire(hub)
    found = hub.take(alert(1, 2, valid_ms=9 * DAY_MS))
    assert {each.number for each in found.deliveries.values()} == {3} and found.sent().keys() == RECIPIENTS


def test_whatever_the_guidelines_say_and_whoever_they_know_it_is_withdrawn(hub: Hub) -> None:
    hub.bundle = bundle(parties=[each for each in PARTIES if each.id not in ("police", "customs")], guidelines=())
    assert expire(hub).sent() == WITHDRAWN


@pytest.mark.parametrize("held", [frozenset({"police"}), frozenset({EVERYBODY})])
def test_a_withdrawal_passes_a_hold(hub: Hub, held: frozenset[str]) -> None:
    hub.held = held
    assert expire(hub).sent() == WITHDRAWN


def test_what_was_owed_under_a_hold_is_owed_no_more() -> None:
    hub = Hub(held=frozenset({"police"}))
    hub.take(MADE)
    hub.now_ms += DAY_MS
    found = expire(hub)
    assert found.sent().keys() == RECIPIENTS - {"police"}
    assert found.ended is not None
    assert {each.agency: each.delivery is not None for each in found.ended.outcomes} == {
        "police": False,
        "prosecutor": True,
        "shelter": True,
    }
    assert not any(each.owed for each in hub.holding(MADE).recipients)
    assert changes_nothing(expire(hub), "expire")


def test_an_alert_of_which_only_something_was_owed_ends_too() -> None:
    hub = Hub(held=frozenset({EVERYBODY}))
    hub.take(MADE)
    hub.now_ms += DAY_MS
    assert expire(hub).result == "expired"
    assert not any(each.owed for each in hub.holding(MADE).recipients)


def test_nobody_is_sent_anything_of_an_alert_that_was_cancelled_or_released_to_nobody() -> None:
    hub = Hub()
    alone = alert(2, valid_ms=DAY_MS, releasable_to=("embassy",))
    for each in (MADE, cancel(1, valid_ms=DAY_MS), alone):
        hub.take(each)
    hub.now_ms += DAY_MS
    assert changes_nothing(expire(hub), "expire") and changes_nothing(expire(hub, alone), "expire")


def test_the_holding_keeps_where_the_alert_stands_and_how_many_deliveries_there_were(hub: Hub) -> None:
    before = hub.holding(MADE)
    expire(hub)
    after = hub.holding(MADE)
    assert before.model_copy(update={"recipients": ()}) == after.model_copy(update={"recipients": ()})
    assert {each.agency: each.number for each in after.recipients} == dict.fromkeys(RECIPIENTS, 2)


# forget


def test_long_after_its_end_an_alert_is_forgotten_by_a_tombstone(hub: Hub) -> None:
    expire(hub)
    hub.now_ms = MADE.core.valid_until_ms + FORGOTTEN_AFTER_MS
    found = forget(hub)
    assert found.result == "forgotten" and found.sent() == {} and hub.holdings == {}
    assert found.ended is not None and (found.ended.outcome, found.ended.outcomes) == ("forgotten", ())
    (tombstone,) = [each for each in found.routed.outgoing if each.topic == "holdings"]
    assert (tombstone.key, tombstone.value) == (MADE.core.id.bytes, None)
    assert changes_nothing(forget(hub), "forget")


def test_an_alert_is_not_forgotten_too_early_or_while_somebody_holds_it(hub: Hub) -> None:
    hub.now_ms = MADE.core.valid_until_ms + FORGOTTEN_AFTER_MS
    assert changes_nothing(forget(hub), "forget")
    expire(hub)
    hub.now_ms -= 1
    assert changes_nothing(forget(hub), "forget")


def test_an_alert_of_which_something_is_owed_is_not_forgotten() -> None:
    hub = Hub(held=frozenset({EVERYBODY}))
    hub.take(MADE)
    hub.now_ms = MADE.core.valid_until_ms + FORGOTTEN_AFTER_MS
    assert changes_nothing(forget(hub), "forget")


def test_a_record_with_a_forgotten_id_counts_as_new_and_reaches_nobody_as_its_validity_has_passed(hub: Hub) -> None:
    expire(hub)
    hub.now_ms = MADE.core.valid_until_ms + FORGOTTEN_AFTER_MS
    forget(hub)
    found = hub.take(MADE)
    assert found.result == "expired" and found.sent() == {}


# both


@pytest.mark.parametrize("kind", ["expire", "forget"])
def test_an_order_about_an_alert_that_the_lane_does_not_know_changes_nothing(kind: str) -> None:
    assert changes_nothing(Hub().take(order_to(kind, MADE)), kind)


@pytest.mark.parametrize("kind", ["expire", "forget"])
def test_an_order_about_an_alert_of_another_lane_waits_in_quarantine(hub: Hub, kind: str) -> None:
    hub.partitions = 6
    right = order_to(kind, MADE, 6)
    elsewhere = (right.partition + 1) % 6
    waiting = hub.take(order_to(kind, MADE, 6, partition=elsewhere)._replace(partition=elsewhere)).quarantined
    assert waiting is not None and (waiting.reason, waiting.field) == ("wrong-lane", "alert")


@given(st.integers(0, 2**32 - 1))
def test_however_alerts_holds_and_orders_mix_ends_are_sound(seed: int) -> None:
    """After its validity and an order nobody holds; it is forgotten only if nobody does; each delivery is counted once."""
    chance = random.Random(seed)
    hub, revision, made = Hub(), 1, MADE
    numbers: dict[str, list[int]] = {}

    def take(record: Outgoing) -> Followed:
        found = hub.take(record)
        for agency, delivery in found.deliveries.items():
            numbers.setdefault(agency, []).append(delivery.number)
            assert delivery.kind != "release" or made.core.valid_until_ms > hub.now_ms
        return found

    take(record_of(made))
    for _ in range(chance.randrange(12)):
        hub.now_ms += chance.choice((0, DAY_MS, DAY_MS, 60 * DAY_MS))
        hub.held = frozenset(chance.sample((*AGENCIES, EVERYBODY), chance.randrange(3)))
        what = chance.choice(("renew", "cancel", "receipt", "expire", "expire", "forget", "forget"))
        revision += 1
        past = made.core.valid_until_ms <= hub.now_ms
        if what in ("renew", "cancel"):
            made = (alert if what == "renew" else cancel)(1, revision, valid_ms=hub.now_ms - NOW_MS + DAY_MS)
            known = bool(hub.holdings)
            found = hub.take(made, timestamp_ms=hub.now_ms)
            for agency, delivery in found.deliveries.items():
                if not known:
                    numbers.pop(agency, None)  # forgotten: it counts from the beginning
                numbers.setdefault(agency, []).append(delivery.number)
        elif what == "receipt":
            take(receipt_of(Hub().take(MADE).deliveries["police"]))
        elif what == "expire":
            found = take(order_to("expire", made))
            assert past or found.sent() == {}
            if past and hub.holdings:
                assert hub.holders(made) == {} and not any(each.owed for each in hub.holding(made).recipients)
        else:
            left = bool(hub.holdings) and any(each.revision or each.owed for each in hub.holding(made).recipients)
            found = take(order_to("forget", made))
            assert found.result == "noted" or not left
            if found.result == "forgotten":
                numbers.clear()
    assert all(seen == sorted(set(seen)) for seen in numbers.values())
