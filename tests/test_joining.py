"""What an agency that leaves holds still: its topics are needed until that is withdrawn."""

from __future__ import annotations

from hub.bus.bus import Record, TopicPartition
from hub.joining import StillHeld, held_in
from hub.model.compose import DAY_MS
from tests.routing.alerts import NOW_MS, Hub, alert, order_to

AT = TopicPartition("holdings", 0)


def held(hub: Hub, agency: str) -> StillHeld:
    positions = [(AT, Record(0, NOW_MS, b"@position/control", b"1"))]
    return held_in([*positions, *((AT, Record(1, NOW_MS, key, value)) for key, value in hub.holdings.items())], agency)


def test_an_agency_that_leaves_holds_what_was_released_to_it_or_is_owed_to_it_until_that_has_ended() -> None:
    hub = Hub()
    hub.take(alert(1, valid_ms=DAY_MS))
    hub.held = frozenset({"police"})
    hub.take(alert(2, valid_ms=2 * DAY_MS))
    assert held(hub, "police") == StillHeld(2, NOW_MS + 2 * DAY_MS)
    assert held(hub, "embassy") == StillHeld(0, 0)
    hub.now_ms += 2 * DAY_MS
    for number in (1, 2):
        hub.take(order_to("expire", alert(number)))
    assert held(hub, "police") == StillHeld(0, 0)


def test_the_newest_record_of_a_holding_counts() -> None:
    hub = Hub()
    hub.take(alert())
    ((key, value),) = hub.holdings.items()
    table = [(AT, Record(offset, NOW_MS, key, each)) for offset, each in enumerate((value, None))]
    assert held_in(table, "police").alerts == 0
