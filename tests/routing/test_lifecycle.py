"""An alert's life: what each recipient is sent when a revision, a cancel or a repeat arrives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import pytest

from hub.model.compose import DAY_MS
from hub.routing import follow as follow_module
from hub.routing import lifecycle
from hub.routing import route as route_module
from hub.routing.holdings import NOTHING_SEEN
from hub.routing.lifecycle import DUES, STEPS, Due, Stake
from tests.routing.alerts import (
    BUNDLE,
    GUIDELINES,
    NOW_MS,
    PARTIES,
    SECTIONS,
    Hub,
    alert,
    bundle,
    cancel,
    guideline,
    narrated,
    record_of,
)

FIRST = alert()
RELEASED = {"police": "release", "prosecutor": "release", "shelter": "release"}
WITHDRAWN = dict.fromkeys(RELEASED, "withdrawal")


@pytest.fixture
def hub() -> Hub:
    """A hub that has decided FIRST: police, prosecutor and shelter hold it."""
    hub = Hub()
    assert hub.take(FIRST).sent() == RELEASED
    return hub


# Revisions


def test_a_new_alert_is_released_to_everyone_who_is_permitted_and_to_nobody_else() -> None:
    hub = Hub()
    followed = hub.take(FIRST)
    assert followed.result == "decided"
    assert followed.sent() == RELEASED
    assert hub.holders(FIRST) == {"police": 1, "prosecutor": 1, "shelter": 1}


def test_an_alert_that_nobody_may_receive_is_decided_all_the_same() -> None:
    followed = Hub().take(alert(labelled={"tlp": "RED"}))
    assert followed.result == "decided" and not followed.deliveries
    assert followed.holding is not None and followed.holding.recipients == ()


def test_a_new_revision_is_released_to_a_recipient_that_is_permitted_only_now(hub: Hub) -> None:
    second = alert(1, 2, nationality=("CA",), labelled={"purposes": ("investigation", "consular-assistance")})
    followed = hub.take(second)
    assert followed.sent() == {
        "embassy": "release",
        "police": "release",
        "prosecutor": "release",
        "shelter": "withdrawal",
    }
    assert hub.holders(second) == {"embassy": 2, "police": 2, "prosecutor": 2}


def test_a_new_revision_names_the_categories_that_are_no_longer_released_as_withdrawn(hub: Hub) -> None:
    followed = hub.take(alert(1, 2, minor="yes"))
    police = followed.deliveries["police"]
    assert police.kind == "release" and police.view is not None
    assert [section.category for section in police.view.sections] == ["circumstances"]
    assert police.withdrawn == ("narrative",)


def test_a_category_that_the_originator_took_out_is_named_as_withdrawn_too(hub: Hub) -> None:
    followed = hub.take(alert(1, 2, sections=("circumstances", "victim.description")))
    assert followed.deliveries["police"].withdrawn == ("narrative",)
    assert followed.deliveries["shelter"].withdrawn == ("victim.identity",)


def test_a_holder_is_sent_nothing_if_nothing_that_it_may_see_changed(hub: Hub) -> None:
    followed = hub.take(alert(1, 2, contents=[narrated("more was found out")], sections=SECTIONS[2:] + SECTIONS[:1]))
    assert followed.sent() == {"police": "release"}
    assert hub.holders(FIRST) == {"police": 2, "prosecutor": 1, "shelter": 1}
    assert hub.holding(FIRST).revision == 2


def test_another_creation_time_alone_is_nothing_that_anyone_sees(hub: Hub) -> None:
    assert hub.take(alert(1, 2, created_ms=NOW_MS + 5_000)).sent() == {}


def test_another_routing_block_alone_is_nothing_that_anyone_sees(hub: Hub) -> None:
    assert hub.take(alert(1, 2, means=("force",))).sent() == {}


@pytest.mark.parametrize(
    "change", [{"labelled": {"tlp": "GREEN"}}, {"caveats": ("C2",)}, {"valid_ms": 31 * DAY_MS}], ids=str
)
def test_a_change_of_the_core_is_seen_by_every_holder(hub: Hub, change: dict[str, Any]) -> None:
    sent = hub.take(alert(1, 2, **change)).sent()
    assert {agency: sent[agency] for agency in RELEASED} == RELEASED


def test_other_terms_alone_are_sent_to_the_recipient_whom_they_oblige(hub: Hub) -> None:
    stricter = guideline("P6", "permit", "police", release=[], obligations={"onward": "none"})
    hub.bundle = bundle(guidelines=(*GUIDELINES, stricter))
    followed = hub.take(alert(1, 2, created_ms=NOW_MS + 1))
    assert followed.sent() == {"police": "release"}
    terms = followed.deliveries["police"].obligation
    assert terms is not None and terms.onward == "none"


def test_gaps_between_revisions_do_not_matter(hub: Hub) -> None:
    assert hub.take(alert(1, 900, valid_ms=40 * DAY_MS)).sent() == RELEASED


# Withdrawals


def test_a_holder_that_is_no_longer_permitted_gets_a_withdrawal_that_carries_no_data(hub: Hub) -> None:
    followed = hub.take(alert(1, 2, consent="withheld"))
    assert followed.sent() == {"shelter": "withdrawal"}
    withdrawal = followed.deliveries["shelter"]
    assert withdrawal.view is None and withdrawal.obligation is None
    assert withdrawal.withdrawn == ("victim.description", "victim.identity")
    assert withdrawal.reason == "no-longer-permitted"
    assert hub.holders(FIRST) == {"police": 1, "prosecutor": 1}


def test_a_withdrawal_does_not_tell_which_guideline_forbids(hub: Hub) -> None:
    followed = hub.take(alert(1, 2, indicators=("XEN-02",)))
    assert followed.reasons()["prosecutor"] == "forbidden"
    assert followed.deliveries["prosecutor"].reason == "no-longer-permitted"


def test_whoever_lost_an_alert_gets_all_of_it_again_once_it_is_permitted_again(hub: Hub) -> None:
    hub.take(alert(1, 2, consent="withheld"))
    followed = hub.take(alert(1, 3))
    shelter = followed.deliveries["shelter"]
    assert shelter.kind == "release" and shelter.number == 3
    assert shelter.view is not None and len(shelter.view.sections) == 2
    assert followed.sent() == {"shelter": "release"}


def test_a_cancelled_alert_is_withdrawn_from_everyone_who_holds_it(hub: Hub) -> None:
    followed = hub.take(cancel())
    assert followed.result == "cancelled"
    assert followed.sent() == WITHDRAWN
    assert {delivery.reason for delivery in followed.deliveries.values()} == {"cancelled"}
    assert all(delivery.view is None for delivery in followed.deliveries.values())
    assert hub.holders(FIRST) == {} and hub.holding(FIRST).cancelled


@pytest.mark.parametrize(
    "label_of_the_cancel", [{"tlp": "RED"}, {"purposes": ("statistics",)}, {"handling": ("H2",)}], ids=str
)
def test_a_cancel_withdraws_whatever_its_label_or_todays_guidelines_say(
    hub: Hub, label_of_the_cancel: dict[str, Any]
) -> None:
    hub.bundle = bundle(guidelines=())
    assert hub.take(cancel(labelled=label_of_the_cancel)).sent() == WITHDRAWN


def test_a_cancel_reaches_holders_and_comes_from_originators_that_the_bundle_no_longer_knows(hub: Hub) -> None:
    kept = [each for each in PARTIES if each.id not in ("police", "customs")]
    permits = [each for each in GUIDELINES if each.to.any[0] != "police"]
    hub.bundle = bundle(kept, permits)
    assert hub.take(cancel()).sent() == WITHDRAWN


def test_a_cancel_of_an_alert_that_nobody_knows_is_remembered(hub: Hub) -> None:
    assert hub.take(cancel(2, 2)).sent() == {}
    assert hub.take(alert(2, 1)).result == "superseded"


def test_a_higher_revision_after_a_cancel_is_decided_afresh(hub: Hub) -> None:
    hub.take(cancel(1, 2))
    followed = hub.take(alert(1, 3))
    assert followed.result == "decided" and followed.sent() == RELEASED
    assert {delivery.number for delivery in followed.deliveries.values()} == {3}
    assert not hub.holding(FIRST).cancelled


def test_a_holder_that_the_bundle_no_longer_knows_gets_a_withdrawal(hub: Hub) -> None:
    kept = [each for each in PARTIES if each.id != "shelter"]
    hub.bundle = bundle(kept, [each for each in GUIDELINES if each.to.any[0] != "shelter"])
    followed = hub.take(alert(1, 2))
    assert followed.sent() == {"shelter": "withdrawal"}
    assert followed.reasons()["shelter"] == "not-in-bundle"
    assert followed.deliveries["shelter"].reason == "no-longer-permitted"


def test_an_alert_that_expired_on_its_way_is_released_to_nobody_and_withdrawn_from_its_holders(hub: Hub) -> None:
    hub.now_ms += 31 * DAY_MS
    followed = hub.take(alert(1, 2))
    assert followed.result == "expired"
    assert followed.sent() == WITHDRAWN
    assert {delivery.reason for delivery in followed.deliveries.values()} == {"expired"}
    assert set(followed.reasons().values()) == {"expired"}


def test_an_alert_is_valid_up_to_its_last_millisecond() -> None:
    assert Hub(now_ms=NOW_MS + 30 * DAY_MS - 1).take(FIRST).result == "decided"
    assert Hub(now_ms=NOW_MS + 30 * DAY_MS).take(FIRST).result == "expired"


# Repeats


def test_the_same_revision_with_the_same_content_is_a_duplicate_from_which_nothing_follows(hub: Hub) -> None:
    before = dict(hub.holdings)
    followed = hub.take(FIRST)
    assert followed.result == "duplicate" and not followed.deliveries and followed.holding is None
    assert followed.decision is not None and followed.decision.outcomes == ()
    assert hub.holdings == before


def test_a_repeated_cancel_is_a_duplicate(hub: Hub) -> None:
    hub.take(cancel())
    assert hub.take(cancel()).result == "duplicate"


@pytest.mark.parametrize("late", [alert(1, 3, minor="yes"), cancel(1, 3)], ids=["alert", "cancel"])
def test_an_older_revision_is_recorded_as_superseded_and_changes_nothing(late: Any) -> None:
    hub = Hub()
    hub.take(alert(1, 4))
    followed = hub.take(late)
    assert followed.result == "superseded" and not followed.deliveries
    assert hub.holding(FIRST).revision == 4


# Holds


def test_under_a_hold_a_release_is_owed_and_sent_to_nobody_else_than_those_who_are_not_held() -> None:
    hub = Hub(held=frozenset({"police"}))
    followed = hub.take(FIRST)
    assert followed.sent() == {"prosecutor": "release", "shelter": "release"}
    assert _owed(hub) == {"police": "release"}
    assert followed.reasons()["police"] == "permitted"


def test_a_hold_of_everybody_holds_everybody() -> None:
    hub = Hub(held=frozenset({"*"}))
    assert hub.take(FIRST).sent() == {}
    assert set(_owed(hub)) == set(RELEASED)


def test_the_holding_says_where_the_alert_stands_that_is_owed() -> None:
    hub = Hub(held=frozenset({"*"}))
    hub.take(alert(7))
    hub.take(FIRST)
    holding = hub.holding(FIRST)
    assert (holding.topic, holding.partition, holding.offset) == ("alerts.customs", 0, 1)


def test_a_withdrawal_passes_a_hold(hub: Hub) -> None:
    hub.held = frozenset({"*"})
    assert hub.take(alert(1, 2, consent="withheld")).sent() == {"shelter": "withdrawal"}
    assert hub.take(cancel(1, 3)).sent() == {"police": "withdrawal", "prosecutor": "withdrawal"}


def test_after_a_withdrawal_or_a_cancel_nothing_is_owed_any_more() -> None:
    hub = Hub(held=frozenset({"*"}))
    hub.take(FIRST)
    hub.take(alert(1, 2, consent="withheld"))
    assert set(_owed(hub)) == {"police", "prosecutor"}
    hub.take(cancel(1, 3))
    assert _owed(hub) == {}


def test_nothing_is_owed_once_a_held_recipient_would_see_what_it_has(hub: Hub) -> None:
    hub.held = frozenset({"police"})
    hub.take(alert(1, 2, minor="yes"))
    assert _owed(hub) == {"police": "release"} and hub.holders(FIRST)["police"] == 1
    hub.take(alert(1, 3))
    assert _owed(hub) == {}


def test_what_was_owed_goes_out_with_the_next_revision_after_the_hold() -> None:
    hub = Hub(held=frozenset({"police"}))
    hub.take(FIRST)
    hub.held = frozenset()
    followed = hub.take(alert(1, 2))
    assert followed.sent() == {"police": "release"} and followed.deliveries["police"].number == 1
    assert _owed(hub) == {}


def _owed(hub: Hub) -> dict[str, str]:
    return {held.agency: held.owed for held in hub.holding(FIRST).recipients if held.owed}


# The tables

K = TypeVar("K")
V = TypeVar("V")


class Watched(dict[K, V]):
    """A table that notes which rows were looked up."""

    def __init__(self, rows: Mapping[K, V]) -> None:
        super().__init__(rows)
        self.hit: set[K] = set()

    def __getitem__(self, key: K) -> V:
        self.hit.add(key)
        return super().__getitem__(key)


def test_every_row_of_the_tables_is_hit_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    steps, dues = Watched(STEPS), Watched(DUES)
    monkeypatch.setattr(route_module, "STEPS", steps)
    monkeypatch.setattr(follow_module, "DUES", dues)
    hub = Hub()
    for made in (
        *(alert(), alert(), cancel(1, 1), alert(1, 1, originator="police"), cancel(1, 2, originator="police")),
        *(alert(1, 3, minor="yes"), alert(1, 2), cancel(1, 2), alert(1, 4, consent="withheld")),
        *(alert(1, 5, consent="withheld", minor="yes"), alert(1, 6), cancel(1, 7), cancel(1, 7), alert(1, 7)),
        *(cancel(2, 1), cancel(2, 1, valid_ms=DAY_MS)),
        alert(1, 7, consent="withheld"),  # for whoever was withdrawn before, and is not permitted now
    ):
        hub.take(made)
    assert steps.hit == set(STEPS)
    assert dues.hit == set(DUES) == set(Stake)


def test_a_hold_stops_nothing_but_releases() -> None:
    assert {Due.RELEASE} == lifecycle.WAITS_UNDER_HOLD


def test_what_a_recipient_holds_nothing_of_is_never_taken_for_something_it_has_seen() -> None:
    hub = Hub()
    hub.take(FIRST)
    hub.take(cancel())
    assert {held.seen for held in hub.holding(FIRST).recipients} == {NOTHING_SEEN}


def test_each_alert_has_a_life_of_its_own(hub: Hub) -> None:
    hub.take(alert(2))
    hub.take(cancel(2, 2))
    assert hub.holders(FIRST) == dict.fromkeys(RELEASED, 1)
    assert hub.bundle is BUNDLE and record_of(FIRST).key in hub.holdings
