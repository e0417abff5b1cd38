"""What the bus takes from kafka-python without being promised it, of clients that speak to a real broker."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from typing import Any, cast

import pytest
from kafka import ConsumerRebalanceListener, errors

from hub.bus import library
from hub.bus.limits import Limits
from hub.bus.local import LocalKafka
from hub.bus.settings import Connection
from hub.bus.topics import TopicError, administration

LIMITS = Limits(session_ms=6_000, heartbeat_ms=300)


def patiently(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline


def connection(kafka: LocalKafka) -> Connection:
    return Connection(bootstrap_servers=kafka.bootstrap_servers)


def topic_of(kafka: LocalKafka) -> str:
    """A topic that is there: a member that joins for one that is not waits minutes for the next look at it."""
    name = "library-members"
    with administration(connection(kafka)) as admin:
        if name not in {topic["name"] for topic in admin.describe_topics()}:
            admin.create_topics({name: {"num_partitions": 1, "replication_factor": 1}}, raise_errors=True)
        admin.wait_for_topics([name], timeout_ms=30_000)
    return name


def member_of(kafka: LocalKafka, group: str, **settings: Any) -> library.Consumer:
    """A member that cannot stay without partitions: it looks again for its topic soon, and asks again for its place."""
    consumer = library.open_consumer(connection(kafka), LIMITS, group_id=group, metadata_max_age_ms=1_000, **settings)

    class Asks(ConsumerRebalanceListener):
        def on_partitions_assigned(self, _assigned: object) -> None: ...

        def on_partitions_revoked(self, _revoked: object) -> None:
            library.join_again(consumer)

    consumer.subscribe(topics=[topic_of(kafka)], listener=Asks())
    return consumer


def placed(consumer: library.Consumer) -> bool:
    consumer.poll(300, 1)
    return bool(consumer.assignment()) and library.has_place(consumer)


@pytest.mark.kafka
def test_a_bump_raises_the_epoch_by_one(kafka: LocalKafka) -> None:
    producer = library.open_producer(connection(kafka), LIMITS, transactional_id="bump", retry_backoff_ms=10)
    producer.init_transactions()
    epoch = cast(Any, producer)._transaction_manager.producer_id_and_epoch.epoch
    library.bump_epoch(producer)
    patiently(lambda: library.is_ready(producer))
    assert cast(Any, producer)._transaction_manager.producer_id_and_epoch.epoch == epoch + 1
    library.end_producer(producer)


@pytest.mark.kafka
def test_an_ended_producer_ends_its_thread_and_its_destructor_is_quiet(kafka: LocalKafka) -> None:
    producer = library.open_producer(connection(kafka), LIMITS, transactional_id="ended", retry_backoff_ms=10)
    producer.init_transactions()
    producer.begin_transaction()
    sender = cast(Any, producer)._sender
    assert cast(Any, producer)._cleanup is not None
    library.end_producer(producer)
    assert cast(Any, producer)._cleanup is None
    del producer
    gc.collect()
    sender.join(10)
    assert not sender.is_alive()


@pytest.mark.kafka
def test_a_client_in_a_hurry_asks_for_its_first_topic_at_once(kafka: LocalKafka) -> None:
    consumer = library.open_consumer(connection(kafka), LIMITS)
    cluster = cast(Any, consumer)._cluster
    assert cluster.config["retry_backoff_ms"] == 100
    library.hurry(consumer)
    cluster.request_update()
    assert cluster.ttl() <= 10
    library.end_consumer(consumer, 1_000)


@pytest.mark.kafka
def test_a_client_that_finds_no_cluster_leaves_nothing_behind() -> None:
    nowhere = Connection(bootstrap_servers="127.0.0.1:1")
    limits = Limits(request_ms=600, delivery_ms=700, wait_ms=800)
    before = set(threading.enumerate())
    for _ in range(2):
        with pytest.raises(errors.KafkaError):
            library.open_consumer(nowhere, limits)
        with pytest.raises(errors.KafkaError):
            library.open_producer(nowhere, limits)
        with pytest.raises(TopicError), administration(nowhere, limits):
            pass
    patiently(lambda: set(threading.enumerate()) <= before)


@pytest.mark.kafka
def test_a_member_whose_slot_was_taken_can_be_seen_by_its_heartbeat(kafka: LocalKafka) -> None:
    group = f"fenced-{time.time_ns()}"

    def member() -> library.Consumer:
        return member_of(
            kafka,
            group,
            group_instance_id="slot",
            session_timeout_ms=LIMITS.session_ms,
            heartbeat_interval_ms=LIMITS.heartbeat_ms,
        )

    def taken(consumer: library.Consumer) -> bool:
        consumer.poll(300, 1)
        return library.slot_was_taken(consumer)

    one, two = member(), member()
    patiently(lambda: placed(one))
    assert not library.slot_was_taken(one)
    patiently(lambda: placed(two))
    patiently(lambda: taken(one))
    assert not library.slot_was_taken(two)
    for consumer in (one, two):
        library.end_consumer(consumer, 1_000)


@pytest.mark.kafka
def test_a_rebalance_is_finished_once_it_was_asked_for(kafka: LocalKafka) -> None:
    consumer = member_of(kafka, f"finished-{time.time_ns()}")
    patiently(lambda: placed(consumer))
    before = consumer.group_metadata().generation_id
    library.join_again(consumer)
    assert not library.has_place(consumer)
    patiently(lambda: placed(consumer))
    assert consumer.group_metadata().generation_id > before
    library.end_consumer(consumer, 1_000)
