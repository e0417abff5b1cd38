"""A transaction that a broker left hanging is found, and ended as it was decided: by `enlace doctor`, on a real Kafka.

What Kafka does after some crashes is done here by the proxy: the coordinator's request to write a marker never reaches the
partition, and is answered as done.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from kafka import KafkaProducer

from hub.bus import hanging
from hub.bus.bus import Record, TopicPartition
from hub.bus.restore import read_table
from hub.bus.topics import administration
from tests.cli.command import Answer, enlace
from tests.kafka.faults.load import load
from tests.kafka.faults.proxy import Api, Rule
from tests.kafka.faults.rig import Rig
from tests.kafka.faults.router import LIMITS

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

AT = TopicPartition("written", 0)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """With a topic of its own: nobody but the test writes to it."""
    with Rig(tmp_path_factory.mktemp("hanging")) as rig:
        with administration(rig.connection) as admin:
            shape = {"num_partitions": 1, "replication_factor": 1, "configs": {}}
            admin.create_topics({AT.topic: shape}, raise_errors=True)
            admin.wait_for_topics([AT.topic], timeout_ms=30_000)
        yield rig
        rig.rest()


def left_hanging(rig: Rig, name: str, *, commit: bool, value: bytes) -> None:
    """A transaction of which the coordinator believes that its marker was written."""
    producer: Any = cast(Any, KafkaProducer)(
        bootstrap_servers=rig.broker.bootstrap_servers, transactional_id=name, max_block_ms=LIMITS.wait_ms
    )
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(AT.topic, value, partition=AT.partition).get(timeout=LIMITS.wait_ms / 1000)
    swallowed = rig.proxy.arm(Rule(Api.WRITE_MARKERS, "forge"))
    producer.commit_transaction() if commit else producer.abort_transaction()
    swallowed.await_hit()
    producer.close(timeout=1)


def doctor(rig: Rig, *arguments: str) -> Answer:
    return enlace("doctor", "--json", *arguments, ENLACE_BOOTSTRAP_SERVERS=rig.broker.bootstrap_servers)


def transactions(answer: Answer) -> list[tuple[bool, str]]:
    """Of each line that speaks of a transaction: whether it is well, and what was found."""
    return [(line["well"], line["found"]) for line in answer.json if line["what"].startswith("transaction")]


def values(rig: Rig) -> list[bytes | None]:
    return [record.value for record in committed(rig)]


def committed(rig: Rig) -> list[Record]:
    return [record for _, record in read_table(rig.connection, [AT], LIMITS)]


@pytest.mark.parametrize(("commit", "verdict"), [(True, "commit"), (False, "abort")], ids=["committed", "aborted"])
def test_doctor_finds_a_transaction_that_hangs_and_finishes_it_as_it_was_decided(
    rig: Rig, commit: bool, verdict: str
) -> None:
    before = values(rig)
    name = f"decided-{verdict}"
    left_hanging(rig, name, commit=commit, value=verdict.encode())

    (found,) = rig.await_hanging(AT.topic)
    assert (found.at, found.transactional_id, found.verdict) == (AT, name, verdict)

    answer = doctor(rig)
    assert answer.code == 1
    assert transactions(answer) == [(False, f"hangs, decided: {verdict}")]
    assert transactions(doctor(rig, "--finish")) == [(True, f"finished: {verdict}")]
    assert transactions(doctor(rig)) == [(True, "none hangs")]
    assert values(rig) == [*before, *([verdict.encode()] if commit else [])]


def test_a_transaction_that_is_under_way_does_not_hang(rig: Rig) -> None:
    producer: Any = cast(Any, KafkaProducer)(
        bootstrap_servers=rig.broker.bootstrap_servers, transactional_id="under-way", max_block_ms=LIMITS.wait_ms
    )
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(AT.topic, b"under way", partition=AT.partition).get(timeout=LIMITS.wait_ms / 1000)
    assert hanging.find(rig.connection, LIMITS) == []
    producer.abort_transaction()
    producer.close(timeout=1)


def test_without_a_verdict_nothing_is_written(rig: Rig) -> None:
    unknown = hanging.Hanging(AT, 0, 1, 0, 0, "", None)
    with pytest.raises(hanging.Undecided, match="written-0 at 0"):
        hanging.finish(rig.connection, unknown, LIMITS)


def test_a_commit_of_the_router_whose_markers_are_lost_is_finished_and_nothing_of_it_is_lost_or_doubled(
    rig: Rig,
) -> None:
    router = rig.router()
    markers = rig.proxy.arm(Rule(Api.WRITE_MARKERS, "forge", mentions=b"decisions"))
    rig.publish(load("hanging", 0)[:1])
    markers.await_hit()
    router.kill()
    found = rig.await_hanging("decisions", "holdings", "__consumer_offsets")
    assert {each.verdict for each in found} == {"commit"}
    for each in found:
        hanging.finish(rig.connection, each, LIMITS)
    rig.router()
    assert rig.wrong() == []
