"""A hold on a real Kafka: set by one, deliveries wait, lifted by two, and each goes out once; a closed intake waits, too."""

from __future__ import annotations

import pytest

from tests.kafka.change_hub import Hub, hub, until, valid_alert

__all__ = ["hub"]
pytestmark = pytest.mark.kafka


def test_held_deliveries_wait_and_go_out_once_after_a_second_person_confirmed_the_lift(hub: Hub) -> None:
    hub.begin()
    hub.done("hold", "set", "deliveries/police", "--why", "a leak is looked into", "--who", "olga")
    with hub.routing(hub.in_force()):
        hub.write(valid_alert(1), valid_alert(2))
        hub.decided(1, 2)
        assert hub.sent("police", 1) == [] and len(hub.sent("prosecutor", 1)) == 1
        shown = hub.json("hold", "list")
        assert [(row["scope"], row["state"], row["set_by"]) for row in shown["holds"]] == [
            ("deliveries/police", "held", "olga")
        ]
        assert shown["owed"] == {"police": 2}
        hub.done("hold", "lift", "deliveries/police", "--who", "olga")
        alone = hub.enlace("hold", "lift", "deliveries/police", "--who", "olga")
        assert (alone.exit_code, "another person" in alone.output) == (2, True)
        assert hub.sent("police", 1) == []
        assert "nothing is owed" in hub.done("hold", "lift", "deliveries/police", "--who", "pedro")
        assert "nothing is owed" in hub.done("hold", "lift", "deliveries/police", "--who", "pedro")
        for number in (1, 2):
            assert [(each.kind, each.number) for each in hub.sent("police", number)] == [("release", 1)]
        assert hub.json("hold", "list") == {"holds": [], "owed": {}}


def test_a_closed_intake_is_not_read_and_nothing_of_it_is_lost(hub: Hub) -> None:
    hub.begin()
    following = hub.in_force()
    with hub.routing(following):
        hub.write(valid_alert(11))
        hub.decided(11)
        hub.done("hold", "set", "intake/customs", "--why", "its connector is at fault", "--who", "olga")
        until(lambda: following._rules and following._rules.closed == {"customs"}, "the router hears of the hold")
        hub.write(valid_alert(12))
        hub.write(valid_alert(13, originator="police"))
        hub.decided(13)
        assert hub.decisions(12) == {}
        for person in ("pedro", "olga"):
            hub.done("hold", "lift", "intake/customs", "--who", person)
        hub.decided(12)
    assert len(hub.sent("police", 12)) == 1


def test_a_hold_of_nobody_and_a_lift_of_nothing_are_said(hub: Hub) -> None:
    hub.begin()
    for arguments, said in (
        (("set", "deliveries/nobody", "--why", "x"), "no agency nobody"),
        (("set", "everybody", "--why", "x"), "can be held"),
        (("lift", "everything"), "is not held"),
    ):
        result = hub.enlace("hold", *arguments)
        assert (result.exit_code, said in result.output) == (2, True), result.output


def test_a_router_that_starts_under_a_hold_of_everything_lets_nothing_out(hub: Hub) -> None:
    hub.begin()
    hub.done("hold", "set", "everything", "--why", "an incident", "--who", "olga")
    with hub.routing(hub.in_force()):
        hub.write(valid_alert(31))
        hub.decided(31)
        assert all(hub.sent(agency, 31) == [] for agency in ("police", "prosecutor", "shelter"))
        for person in ("pedro", "olga"):
            hub.done("hold", "lift", "everything", "--who", person)
        until(lambda: len(hub.sent("shelter", 31)) == 1, "the shelter's delivery")
        assert [len(hub.sent(agency, 31)) for agency in ("police", "prosecutor", "shelter")] == [1, 1, 1]
