"""The short way for an alert that nobody holds yet gives what the rule gives, byte for byte."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.bus.bus import Record, lane
from hub.guidelines.decide import engine
from hub.model.avro import LOCAL_IDS
from hub.model.splice import Position
from hub.routing import route as route_module
from hub.routing.follow import followed, released
from hub.routing.opening import Opened, open_alert
from hub.routing.state import Arrived, State
from tests.routing.alerts import BUNDLE, NOW_MS, SECTIONS, Hub, alert, cancel, narrated, record_of

STATE = State(BUNDLE, LOCAL_IDS, 1, NOW_MS, {})
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "number": st.integers(1, 3),
    "revision": st.sampled_from([1, 2, 63, 64, 8_192, 2**31 - 1]),
    "sections": st.lists(st.sampled_from(sorted(SECTIONS)), max_size=6),
    "contents": st.lists(st.text(min_size=1, max_size=300).map(narrated), max_size=2),
    "consent": st.sampled_from(["given", "withheld", "unknown"]),
    "minor": st.sampled_from(["yes", "no", "unknown"]),
    "nationality": st.sampled_from([(), ("CA",), ("PA", "CA")]),
    "indicators": st.sampled_from([(), ("XEN-02",)]),
    "releasable_to": st.sampled_from([(), ("police",), ("police", "shelter")]),
    "caveats": st.sampled_from([(), ("C1",), ("C1", "C2")]),
    "labelled": st.sampled_from([{}, {"tlp": "GREEN"}, {"tlp": "RED"}, {"handling": ("H2",)}]),
    "valid_ms": st.sampled_from([-1, 1, 1_000_000]),
}


def opened(made: Any) -> Opened:
    record = record_of(made)
    read = Record(0, NOW_MS, record.key, record.value)
    return open_alert(record.topic, lane(record.key or b"", 1), read, LOCAL_IDS.by_name["Alert"], 1)


@given(st.fixed_dictionaries(FIELDS), st.integers(-1, 2**40))
def test_the_first_release_of_an_alert_is_byte_for_byte_what_the_rule_says(
    fields: dict[str, Any], previous: int
) -> None:
    made = opened(alert(**fields))
    walked = made.walked
    decision = engine(BUNDLE).decide(
        walked.attributes, made.originator, walked.valid_until_ms, walked.caveats, made.shape.categories, NOW_MS
    )
    source = Position("alerts.customs", 0, previous + 1, previous)
    result = "expired" if walked.valid_until_ms <= NOW_MS else "decided"
    assert released(source, made, decision, result, STATE) == followed(source, made, None, decision, result, STATE)


def test_a_cancel_of_an_alert_never_seen_is_recorded_alike_on_both_ways() -> None:
    made = opened(cancel())
    source = Position("alerts.customs", 0, 7, 6)
    nobody = engine(BUNDLE).unasked
    assert released(source, made, nobody, "cancelled", STATE) == followed(
        source, made, None, nobody, "cancelled", STATE
    )


def test_the_short_way_is_taken_by_new_alerts_only_and_not_under_a_hold(monkeypatch: Any) -> None:
    taken: list[str] = []

    def noted(*given: Any) -> Any:
        taken.append(given[3])
        return released(*given)

    monkeypatch.setattr(route_module, "released", noted)
    hub = Hub()
    hub.take(alert())
    assert taken == ["decided"]
    hub.take(alert(revision=2))
    hub.take(cancel(revision=3))
    hub.held = frozenset({"police"})
    hub.take(alert(number=2))
    assert taken == ["decided"]


def test_a_record_routed_twice_gives_the_same_bytes() -> None:
    record = record_of(alert())
    arrived = Arrived(record.topic, 0, Record(3, NOW_MS, record.key, record.value), 2)
    assert route_module.route(arrived, STATE) == route_module.route(arrived, STATE)
