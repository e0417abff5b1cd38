"""A topic that was left out of an assignment is taken in all the same, though whoever starts again is given the old one."""

from __future__ import annotations

import pytest
from kafka.coordinator.assignors.range import RangePartitionAssignor

from hub.bus import library, stops
from hub.bus.bus import Outgoing
from hub.bus.kafka import KafkaBus, KafkaPublisher
from hub.bus.limits import Limits
from hub.bus.local import LocalKafka
from hub.bus.settings import Connection
from hub.bus.topics import administration
from tests.bus.worlds import read, until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

GROUP, SLOT = "left-out", "router-0"
THERE, NOT_YET = "left-out.there", "left-out.not-yet"


def make(connection: Connection, topic: str) -> None:
    with administration(connection) as admin:
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, raise_errors=True)
        admin.wait_for_topics([topic], timeout_ms=30_000)


def leave_out(connection: Connection) -> None:
    """A member that was assigned while one of its topics was not known, and ended before it looked again."""
    member = library.open_consumer(
        connection,
        Limits(),
        group_id=GROUP,
        group_instance_id=SLOT,
        partition_assignment_strategy=[RangePartitionAssignor],
    )
    member.subscribe(topics=[THERE, NOT_YET])

    def placed() -> bool:
        member.poll(300, 1)
        return bool(member.assignment()) and library.has_place(member)

    until(placed, "a place in the group")
    assert {at.topic for at in member.assignment()} == {THERE}
    library.end_consumer(member, 2_000)


def test_a_topic_that_was_left_out_is_read_once_the_group_was_asked_to_assign_anew(
    kafka: LocalKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stops, "ASK_ANEW_S", 1.0)
    connection = Connection(bootstrap_servers=kafka.bootstrap_servers)
    make(connection, THERE)
    leave_out(connection)
    make(connection, NOT_YET)
    publisher = KafkaPublisher(connection, name="left-out")
    publisher.publish([Outgoing(topic, 0, b"key", b"value") for topic in (THERE, NOT_YET)])
    bus = KafkaBus(connection, group=GROUP, slot=SLOT, topics=[THERE, NOT_YET])
    seen: set[str] = set()
    while seen != {THERE, NOT_YET}:
        batch = read(bus)
        seen |= {at.topic for at in batch.records}
        bus.commit(batch, [])
    assert bus.stopped == {}
    bus.close()
    publisher.close()
