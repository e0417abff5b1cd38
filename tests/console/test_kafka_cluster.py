"""The console's cluster on a real Kafka: rules, holds by two, quarantine, topics and their records."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from hub.bus.bus import lane
from hub.console.access import Person
from hub.console.browse import browsed, lists_of
from hub.console.cluster import UnknownAgency
from hub.console.kafka_cluster import KafkaCluster
from hub.console.orders import dry_run
from hub.guidelines.approval import public_key
from hub.guidelines.holds import NoHold, SamePerson
from hub.router import GROUP
from tests.kafka.change_hub import PARTITIONS, Hub, hub, until, valid_alert
from tests.routing.alerts import alert_id

__all__ = ["hub"]
pytestmark = pytest.mark.kafka


@pytest.fixture
def cluster(hub: Hub) -> Iterator[KafkaCluster]:
    keys = frozenset(public_key(text) for text in hub.first_keys.split(","))
    made = KafkaCluster(hub.connection, hub.ids, keys, PARTITIONS, 1, lambda: time.time_ns() // 1_000_000)
    stop = threading.Event()
    follower = threading.Thread(target=made.follow, args=(stop,), daemon=True)
    follower.start()
    yield made
    stop.set()
    follower.join(30)


def test_an_operators_night_on_a_real_cluster(hub: Hub, cluster: KafkaCluster) -> None:
    bundle = hub.begin()
    standing = cluster.standing()
    assert (standing.serial, standing.bundle, dict(standing.holds)) == (1, bundle, {})
    assert [(each.serial, each.refused) for each in standing.history] == [("1", "")]

    assert cluster.bundle() == bundle

    with pytest.raises(UnknownAgency):
        cluster.set_hold("deliveries/nobody", "olga", "a slip")
    cluster.set_hold("deliveries/police", "olga", "a leak is looked into")
    assert [order.set_by for order in cluster.standing().holds.values() if order] == ["olga"]
    with hub.routing(hub.in_force()):
        hub.write(valid_alert(1), valid_alert(2, indicators=("XEN-99",)))
        hub.decided(1)
        assert hub.sent("police", 1) == [] and cluster.owed() == {"police": 1}

        key = alert_id(2).bytes
        place = ("alerts.customs", lane(key, PARTITIONS), 0)
        until(lambda: any(cluster.quarantined([(*place[:2], offset)]) for offset in (0, 1)), "the quarantine")
        waiting = next(found for offset in (0, 1) for found in cluster.quarantined([(*place[:2], offset)]).values())
        assert (waiting.reason, waiting.field) == ("unknown-value", "routing.indicators")
        now_ms = time.time_ns() // 1_000_000
        assert dry_run(waiting, "replay", bundle, hub.ids, PARTITIONS, now_ms).result == "waits"
        cluster.order([waiting], "return", "olga", "not a code of the list")
        until(lambda: hub.records("deliveries.customs"), "the feedback to the originator")

        assert cluster.lift_hold("deliveries/police", "olga") == "asked"
        with pytest.raises(SamePerson):
            cluster.lift_hold("deliveries/police", "olga")
        assert hub.sent("police", 1) == []
        assert cluster.lift_hold("deliveries/police", "pedro") == "lifted"
        until(lambda: len(hub.sent("police", 1)) == 1, "what the hold had kept back")
        with pytest.raises(NoHold):
            cluster.lift_hold("deliveries/police", "pedro")
        assert dict(cluster.standing().holds) == {}

    topics = {each.name: each for each in cluster.topics()}
    customs = topics["alerts.customs"]
    assert customs.records >= 2 and len(customs.partitions) == PARTITIONS  # a transaction's marker takes an offset, too
    assert customs.size_bytes and [group.group for group in customs.groups] == [GROUP]
    assert all(each.leader >= 0 and each.in_sync == each.replicas == 1 for each in customs.partitions)
    assert cluster.settings("alerts.customs")["message.timestamp.type"] == "LogAppendTime"
    assert list(cluster.findings()) == []
    number = lane(alert_id(1).bytes, PARTITIONS)
    records = cluster.records("alerts.customs", number, 0, 20)
    shown = [
        browsed("alerts.customs", each, cluster.ids, Person("x", "operator"), lists_of(bundle)) for each in records
    ]
    assert str(alert_id(1)) in [each.alert for each in shown]
    assert {section.category for each in shown for section in each.sections} >= {"narrative", "victim.identity"}
