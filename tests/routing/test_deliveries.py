"""What a delivery carries, and what is kept of the decision: exactly the released sections, in the originator's bytes."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.bus.bus import lane
from hub.model.avro import digest, encode, encode_section
from hub.model.compose import DAY_MS
from hub.model.core import Alert
from hub.model.walk import walk
from hub.routing.emit import delivery_id
from tests.reference import naive
from tests.routing.alerts import BUNDLE, CONTENTS, NOW_MS, Followed, Hub, alert, alert_id, cancel, narrated

ALERTS = st.builds(
    alert,
    sections=st.sets(st.sampled_from(sorted(CONTENTS))).map(tuple),
    minor=st.sampled_from(["yes", "no", "unknown"]),
    consent=st.sampled_from(["given", "withheld", "unknown", "not-applicable"]),
    nationality=st.sampled_from([(), ("CA",), ("PA", "CA")]),
    indicators=st.sampled_from([(), ("XEN-02",), ("G01", "XEN-02")]),
    releasable_to=st.sampled_from([(), (), ("police",), ("shelter", "prosecutor")]),
    not_releasable_to=st.sampled_from([(), (), ("police",)]),
    caveats=st.sampled_from([(), ("C2",)]),
    valid_ms=st.sampled_from([30 * DAY_MS, 30 * DAY_MS, 1, 0]),
    labelled=st.fixed_dictionaries(
        {
            "tlp": st.sampled_from(["RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"]),
            "handling": st.sampled_from([("H0",), ("H1",), ("H2",), ("H1", "H3")]),
            "purposes": st.sampled_from(
                [("investigation",), ("victim-assistance", "investigation"), ("consular-assistance", "statistics")]
            ),
        }
    ),
)


@settings(max_examples=300)
@given(ALERTS)
def test_who_receives_and_what_is_what_the_naive_reading_says(made: Alert) -> None:
    present = {section.category for section in made.sections}
    expected = naive.decide(made.routing, made.core, present, BUNDLE, NOW_MS)
    followed = Hub().take(made)
    assert set(followed.deliveries) == {outcome.agency for outcome in expected.permitted}
    for outcome in expected.permitted:
        delivery = followed.deliveries[outcome.agency]
        assert delivery.view is not None
        assert {section.category for section in delivery.view.sections} == set(outcome.released)
        assert delivery.obligation == outcome.obligation
    assert followed.reasons() == {outcome.agency: outcome.reason for outcome in expected.outcomes}


@settings(max_examples=100)
@given(ALERTS)
def test_a_delivery_has_exactly_the_released_sections_each_with_a_digest_that_the_core_lists(made: Alert) -> None:
    followed = Hub().take(made)
    assert followed.decision is not None
    released = {outcome.agency: set(outcome.categories) for outcome in followed.decision.outcomes}
    for agency, delivery in followed.deliveries.items():
        assert delivery.view is not None
        assert list(delivery.view.sections) == [each for each in made.sections if each.category in released[agency]]
        for section in delivery.view.sections:
            assert digest(encode_section(section)) in delivery.view.core.digests


@settings(max_examples=100)
@given(ALERTS)
def test_the_core_of_every_delivery_is_the_originators_bytes(made: Alert) -> None:
    followed = Hub().take(made)
    core = walk(encode(made)).core
    for record in followed.routed.outgoing:
        if record.topic.startswith("deliveries."):
            assert record.value is not None and record.value.count(core) == 1
    assert all(
        delivery.view is not None and delivery.view.core == made.core for delivery in followed.deliveries.values()
    )


@pytest.mark.parametrize("private", ["routing block", "withheld section", "guideline"])
def test_what_is_not_released_stands_in_no_byte_of_a_delivery(private: str) -> None:
    followed = Hub().take(alert(contents=[narrated("nobody but the police may read this")], means=("force",)))
    words = {"routing block": b"force", "withheld section": b"nobody but the police", "guideline": b"P2"}
    (record,) = [each for each in followed.routed.outgoing if each.topic == "deliveries.prosecutor"]
    assert record.value is not None and words[private] not in record.value


def test_a_category_that_no_list_knows_yet_is_released_to_nobody() -> None:
    from tests.routing.alerts import replaced
    from tests.routing.test_opening import resealed

    section = replaced(alert().sections[0], category="tomorrow")
    followed = Hub().take(resealed((section,)))
    assert followed.result == "decided"
    assert all(delivery.view is not None and not delivery.view.sections for delivery in followed.deliveries.values())


def test_several_sections_of_one_category_are_released_together() -> None:
    made = alert(sections=("circumstances",), contents=[narrated("first"), narrated("second")])
    view = Hub().take(made).deliveries["police"].view
    assert view is not None and [each.category for each in view.sections] == ["circumstances", "narrative", "narrative"]


def test_the_words_of_handling_reach_every_recipient() -> None:
    followed = Hub().take(alert(sections=("handling", "narrative"), labelled={"handling": ("H3",)}))
    views = [delivery.view for delivery in followed.deliveries.values()]
    assert len(views) == 3
    assert all(view is not None and "handling" in [each.category for each in view.sections] for view in views)


# Numbers, ids, places


def test_a_delivery_id_is_made_of_alert_recipient_and_number_only() -> None:
    expected = hashlib.sha256(alert_id(1).bytes + b"police" + b"\0" + (2).to_bytes(4, "big")).digest()[:16]
    assert delivery_id(alert_id(1).bytes, "police", 2) == expected


def test_the_same_records_give_the_same_deliveries_number_by_number() -> None:
    made = (alert(), alert(1, 2, minor="yes"), cancel(1, 3), alert(1, 4))

    def run() -> list[Any]:
        hub = Hub()
        return [hub.take(each).routed for each in made]

    assert run() == run()


def test_a_recipients_deliveries_of_an_alert_are_counted_one_by_one() -> None:
    hub = Hub()
    numbers: dict[str, list[int]] = {}
    for made in (alert(), alert(1, 2, minor="yes"), alert(1, 3, consent="withheld"), cancel(1, 4), alert(1, 5)):
        for agency, delivery in hub.take(made).deliveries.items():
            numbers.setdefault(agency, []).append(delivery.number)
            assert delivery.id == delivery_id(alert_id(1).bytes, agency, delivery.number)
    assert numbers == {"police": [1, 2, 3, 4, 5], "prosecutor": [1, 2, 3], "shelter": [1, 2, 3]}


def test_everything_that_follows_stands_in_the_alerts_lane_under_its_id() -> None:
    hub = Hub(partitions=6)
    for number in range(1, 20):
        followed = hub.take(alert(number))
        place = lane(alert_id(number).bytes, 6)
        assert {record.partition for record in followed.routed.outgoing} == {place}
        assert {record.key for record in followed.routed.outgoing} == {alert_id(number).bytes}


# The decision


def decision_of(followed: Followed) -> Any:
    assert followed.decision is not None
    return followed.decision


def test_the_decision_keeps_routing_block_and_core_and_of_sections_category_version_and_size_only() -> None:
    made = alert()
    decision = decision_of(Hub().take(made))
    assert (decision.routing, decision.core) == (made.routing, made.core)
    assert [(each.category, each.version, each.size_bytes) for each in decision.present] == [
        (section.category, section.version, len(encode_section(section))) for section in made.sections
    ]


def test_the_decision_names_every_agencys_outcome_and_what_was_sent_to_it() -> None:
    followed = Hub().take(alert())
    outcomes = {outcome.agency: outcome for outcome in decision_of(followed).outcomes}
    assert set(outcomes) == {agency.id for agency in BUNDLE.agencies}
    for agency, outcome in outcomes.items():
        sent = followed.deliveries.get(agency)
        assert outcome.delivery == (sent.id if sent else None)
        assert bool(outcome.categories) == (agency in followed.deliveries)


def test_the_decision_of_a_cancel_names_those_who_held_it() -> None:
    hub = Hub()
    hub.take(alert())
    followed = hub.take(cancel())
    assert followed.reasons() == dict.fromkeys(["police", "prosecutor", "shelter"], "cancelled")
    assert {outcome.delivery for outcome in decision_of(followed).outcomes} == {
        delivery.id for delivery in followed.deliveries.values()
    }


def test_decision_and_deliveries_carry_the_time_and_the_bundle_that_decided() -> None:
    followed = Hub(now_ms=NOW_MS + 5).take(alert())
    for record in (decision_of(followed), *followed.deliveries.values()):
        assert (record.decided_ms, record.bundle) == (NOW_MS + 5, BUNDLE.digest)


def test_every_record_names_its_place_and_the_one_decided_upon_before_it() -> None:
    hub = Hub()
    sources = []
    faulty = alert(2, labelled={"class": "gossip"})
    for made in (alert(), alert(), faulty, alert(1, 2), cancel(3, 1, originator="police"), alert(4)):
        followed = hub.take(made)
        found = followed.quarantined or decision_of(followed).source
        sources.append((found.topic, found.offset, found.previous))
    assert sources == [
        ("alerts.customs", 0, -1),
        ("alerts.customs", 1, 0),
        ("alerts.customs", 2, 1),
        ("alerts.customs", 3, 2),
        ("alerts.police", 0, -1),
        ("alerts.customs", 4, 3),
    ]
