"""From a draft to a bundle in force, on a real Kafka: approved by two, published, taken by a running router."""

from __future__ import annotations

import pytest

from hub.bus.bus import Outgoing
from hub.guidelines.approval import approve, publication
from hub.guidelines.rulebook import bundle_key
from hub.model.avro import encode, frame
from tests.guidelines.published import key, without
from tests.kafka.change_hub import Hub, hub, until, valid_alert

__all__ = ["hub"]
pytestmark = pytest.mark.kafka


def test_a_running_router_takes_a_published_bundle_between_two_transactions(hub: Hub) -> None:
    first = hub.begin()
    second = without(first, "P1")
    following = hub.in_force()
    with hub.routing(following):
        hub.write(valid_alert(1))
        hub.decided(1)
        hub.publish("second", second, "luis", "ana")
        until(lambda: following._using == second.name, "the router takes the second bundle")
        hub.write(valid_alert(2))
        found = hub.decided(1, 2)
    assert (found[1].bundle, found[2].bundle) == (first.digest, second.digest)
    assert len(hub.sent("police", 1)) == 1
    assert hub.sent("police", 2) == [], "the second bundle has no permit for the police"
    before, last = hub.history()[-2:]
    assert (before["state"], last["state"], last["serial"]) == ("replaced", "in force", before["serial"] + 1)
    assert last["previous"] == before["digest"] == first.name
    assert last["approved_by"] == [f"luis ({first.agencies[0].id})", f"ana ({first.agencies[0].id})"]


def test_what_was_not_approved_by_two_is_not_published(hub: Hub) -> None:
    bundle = without(hub.begin(), "P2")
    draft = hub.draft("draft", bundle)
    by_ana, by_luis = hub.approve(draft, "ana"), hub.approve(draft, "luis")
    hub.steward("mallory")
    by_mallory = hub.approve(draft, "mallory")
    other = hub.approve(hub.draft("other", without(bundle, "P1")), "luis")
    before = hub.history()
    for approvals, reason in (
        ((by_ana,), "single-signed"),
        ((by_ana, by_ana), "same-steward"),
        ((by_ana, by_mallory), "unknown-key"),
        ((by_ana, other), "not this draft"),
    ):
        result = hub.enlace("guidelines", "publish", draft, *approvals)
        assert (result.exit_code, reason in result.output) == (2, True), result.output
    assert hub.history() == before
    hub.done("guidelines", "publish", draft, by_ana, by_luis)
    hub.publish("third", without(bundle, "P1"), "ana", "luis")
    late = hub.enlace("guidelines", "publish", draft, by_ana, by_luis)
    assert (late.exit_code, "older-serial" in late.output) == (2, True), late.output


def test_a_router_refuses_and_reports_what_went_around_the_command(hub: Hub) -> None:
    bundle = hub.begin()
    forged = without(bundle, "F1")
    serial = hub.history()[-1]["serial"] + 1
    signed = [approve(key(name), serial, bundle.digest, forged.digest, name) for name in ("mallory", "eve")]
    value = frame(hub.ids.by_name["Publication"], encode(publication(serial, bundle.digest, forged, signed)))
    hub.write_record(Outgoing("guidelines", 0, bundle_key(serial), value))
    rules = hub.in_force()
    assert rules.rules().bundle == bundle
    assert rules.refused["unknown-key"] >= 1
    assert [row["state"] for row in hub.history()[-2:]] == ["in force", "refused: unknown-key"]


def test_a_draft_is_replayed_over_the_recorded_decisions(hub: Hub) -> None:
    first = hub.begin()
    numbers = range(21, 26)
    with hub.routing(hub.in_force()):
        hub.write(*(valid_alert(number) for number in numbers))
        decided = hub.decided(*numbers)
    draft = hub.draft("replayed", without(first, "P1"))
    found = hub.json("guidelines", "replay", draft)
    assert found["compared"] >= 5 and found["undecidable"] == {}
    losing = [each for each in found["changes"] if each["what"] == "no-longer-receives"]
    assert {each["agency"] for each in losing} == {"police"}
    assert sum(each["decisions"] for each in losing) >= 5
    assert losing[0]["example"].startswith("alerts.customs/")
    same = hub.json("guidelines", "replay", hub.bundle_file("same.json", first))
    assert same["compared"] == found["compared"]
    later = hub.json("guidelines", "replay", draft, "--since", "2100-01-01T00:00:00Z")
    assert later["compared"] == 0
    shown = hub.done("guidelines", "replay", draft)
    assert "police no longer receives suspected-transit" in shown
    assert not any(str(each.core.id) in shown for each in decided.values())
