"""How far a group has come, as operators see it: in records, not in offsets."""

from __future__ import annotations

import pytest

from hub.bus.bus import Outgoing
from hub.bus.kafka import KafkaBus, KafkaPublisher
from hub.bus.local import LocalKafka
from hub.bus.offsets import topic_offsets
from hub.bus.settings import Connection
from hub.bus.topics import administration
from tests.bus.worlds import until

pytestmark = pytest.mark.kafka
TOPIC = "offsets-seen"


def test_a_marker_of_a_transaction_is_no_lag(kafka: LocalKafka) -> None:
    connection = Connection(bootstrap_servers=kafka.bootstrap_servers)
    with administration(connection) as admin:
        admin.create_topics({TOPIC: {"num_partitions": 2, "replication_factor": 1}}, raise_errors=True)
        admin.wait_for_topics([TOPIC], timeout_ms=30_000)
    publisher = KafkaPublisher(connection, name="offsets-writer")
    bus = KafkaBus(connection, group="offsets-group", slot="offsets-0", topics=[TOPIC])
    try:
        publisher.publish([Outgoing(TOPIC, partition, b"k", b"v") for partition in (0, 1)])
        read = 0
        for _ in range(100):
            batch = bus.read(10, 300)
            bus.commit(batch, [])
            read += batch.count
            if read == 2:
                break
        assert read == 2
        until(lambda: _lag(connection) == 0, "the offsets of the last commit")
        publisher.publish([Outgoing(TOPIC, 1, b"k", b"v")] * 3)
        assert _lag(connection) == 3
    finally:
        bus.close()
        publisher.close()


def _lag(connection: Connection) -> int | None:
    row = next(row for row in topic_offsets(connection, "offsets-group") if row.topic == TOPIC)
    assert row.end > row.first
    return row.lag
