"""Replay over recorded decisions: what differs is told by agency and class, and nothing of an alert."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import replay as benchmark
from hub.guidelines.bundle import Bundle
from hub.guidelines.outcome import values_of
from hub.guidelines.replay import Change, Replay
from hub.model.avro import attribute, decode_as, encode, unframe
from hub.model.codes import ATTRIBUTES
from hub.model.core import Alert
from hub.model.decision import Decision
from hub.model.recorded import recorded as cut
from tests.guidelines.published import bundle_fields, without
from tests.model.records import RECORDS
from tests.routing.alerts import BUNDLE, Hub, alert, cancel


def recorded(hub: Hub, *alerts: Alert) -> list[bytes]:
    """The decisions on these alerts, as they stand in their records."""
    found = []
    for each in alerts:
        decision = hub.take(each).decision
        assert decision is not None
        found.append(encode(decision))
    return found


def replayed(draft: Bundle, decisions: list[bytes]) -> Replay:
    replay = Replay(draft)
    for decision in decisions:
        replay.take(decision)
    return replay


def test_the_bundle_that_decided_changes_nothing() -> None:
    replay = replayed(BUNDLE, recorded(Hub(), alert(1), alert(2, minor="yes"), alert(3, nationality=("CA",))))
    assert (replay.compared, replay.differing, replay.changes) == (3, 0, {})


def test_who_would_receive_no_longer_or_newly_is_told_with_the_categories() -> None:
    fewer = without(BUNDLE, "P1")
    by_both = recorded(Hub(), alert(1), alert(2))
    ((change, found),) = replayed(fewer, by_both).ordered()
    assert change == Change("police", "suspected-transit", "no-longer-receives", (), ("circumstances", "narrative"))
    assert (found.times, found.example) == (2, "alerts.customs/0/0")
    ((change, _),) = replayed(BUNDLE, recorded(Hub(fewer), alert(1))).ordered()
    assert (change.agency, change.what, change.gained) == ("police", "now-receives", ("circumstances", "narrative"))


def test_more_and_less_of_an_alert_are_told_apart() -> None:
    without_safeguard = without(BUNDLE, "S1")
    minors = recorded(Hub(), alert(1, minor="yes"))
    ((more, _),) = replayed(without_safeguard, minors).ordered()
    assert (more.agency, more.what, more.gained, more.lost) == ("police", "more", ("narrative",), ())
    ((less, _),) = replayed(BUNDLE, recorded(Hub(without_safeguard), alert(1, minor="yes"))).ordered()
    assert (less.what, less.gained, less.lost) == ("less", (), ("narrative",))


def test_an_alert_that_has_expired_since_is_decided_as_of_then() -> None:
    hub = Hub()
    decisions = recorded(hub, alert(1, valid_ms=1))
    hub.now_ms += 10**9
    assert replayed(without(BUNDLE, "P1"), decisions).differing == 1


def test_cancels_and_repeats_are_not_compared() -> None:
    hub = Hub()
    replay = replayed(without(BUNDLE, "P1"), recorded(hub, alert(1), alert(1), cancel(1)))
    assert (replay.compared, replay.differing) == (1, 1)


def test_what_the_draft_does_not_know_would_wait_in_quarantine_and_is_counted() -> None:
    narrower = Bundle(
        **{**bundle_fields(BUNDLE), "agencies": tuple(each for each in BUNDLE.agencies if each.id != "customs")}
    )
    replay = replayed(narrower, recorded(Hub(), alert(1)))
    assert replay.undecidable == {"originator": 1}
    assert {change.what for change in replay.changes} == {"no-longer-receives"}


@given(st.data())
def test_a_record_is_cut_as_the_strict_decoder_reads_it(data: st.DataObject) -> None:
    decision = data.draw(RECORDS["Decision"])
    found = cut(encode(decision), data.draw(st.sampled_from([None, decision.core.id.bytes])))
    assert found.source == (decision.source.topic, decision.source.partition, decision.source.offset)
    assert (found.decided_ms, found.outcome) == (decision.decided_ms, decision.outcome)
    decoded = tuple(attribute(name, raw) for name, raw in zip(ATTRIBUTES, found.attributes, strict=True))
    assert decoded == values_of(decision.routing)
    assert (found.originator, found.valid_until_ms) == (decision.core.originator, decision.core.valid_until_ms)
    assert attribute("purposes", found.caveats) == decision.core.caveats  # a list of codes, too
    assert set(found.present) == {each.category for each in decision.present}
    received = {each.agency: each.categories for each in decision.outcomes if each.reason == "permitted"}
    assert found.received == received
    assert found.alert_class == decision.routing.label.class_


@given(st.integers(0, 10_000), st.integers(1, 255), st.integers(0, 30))
def test_what_is_no_decision_is_counted_and_stops_nothing(at: int, bits: int, cut_off: int) -> None:
    (body,) = recorded(Hub(), alert(1))
    damaged = bytearray(body[: len(body) - cut_off])
    damaged[at % len(damaged)] ^= bits
    replay = replayed(BUNDLE, [bytes(damaged), body])
    assert replay.compared + replay.unreadable in (1, 2) and replay.compared >= 1


def test_what_was_held_back_counts_as_received() -> None:
    """A hold is no guideline: the decision was to release."""
    assert replayed(BUNDLE, recorded(Hub(held=frozenset({"police"})), alert(1))).differing == 0


@pytest.mark.long
def test_a_hundred_thousand_decisions_are_replayed_and_progress_can_be_shown() -> None:
    decoded = [decode_as(Decision, unframe(value)[1]) for value in benchmark.recorded(20)]
    assert {each.outcome for each in decoded} == {"decided"}
    found = benchmark.measure()
    assert 0 < found["decisions that differ"] < 100_000
