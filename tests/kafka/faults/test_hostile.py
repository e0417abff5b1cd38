"""An agency that sends what the hub could not read: the broker reads it, as its topics are set (KAFKA.md, rule 12)."""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path
from typing import Any, cast

import pytest
from confluent_kafka import Producer

from hub.bus.topics import AGENCY_WRITES, administration
from tests.kafka.faults import bomb
from tests.kafka.faults.load import load, published_by
from tests.kafka.faults.rig import PATIENCE_S, Rig

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

BOMB_BYTES = 700 * 10**6
SMALLER_BOMB_BYTES = 100 * 10**6  # which a broker of 512 MB can unpack
LARGE_HEAP_MIB = 3072
NO_ERROR, MESSAGE_TOO_LARGE = 0, 10
KEY = b"an agency's key"
FLUSH_S = 30.0


@pytest.mark.parametrize("codec", ["zstd", pytest.param("snappy", marks=pytest.mark.long)])
def test_an_agency_may_use_a_codec_that_the_hub_lacks(rig: Rig, part: int, codec: str) -> None:
    assert importlib.util.find_spec({"zstd": "zstandard", "snappy": "snappy"}[codec]) is None
    settings = {"bootstrap.servers": rig.broker.bootstrap_servers, "compression.type": codec, "linger.ms": 100}
    agency: Any = cast(Any, Producer)(settings)
    refused: list[object] = []
    for record in published_by("customs", part):
        agency.produce(
            record.topic,
            record.value,
            record.key,
            record.partition,
            on_delivery=lambda error, _: refused.append(error) if error else None,
        )
    assert agency.flush(FLUSH_S) == 0
    assert refused == []
    rig.router()
    assert rig.wrong() == []


def test_a_bomb_in_a_small_record_is_refused_by_the_broker_and_the_others_go_on(rig: Rig, part: int) -> None:
    rig.router()
    refused_between(rig, part, SMALLER_BOMB_BYTES)
    assert rig.wrong() == []


def test_it_is_that_setting_of_the_topic_that_keeps_the_bomb_out(rig: Rig) -> None:
    unset = {"max.message.bytes": AGENCY_WRITES["max.message.bytes"], "compression.type": "producer"}
    with administration(rig.connection) as admin:
        shape = {"num_partitions": 1, "replication_factor": 1, "configs": unset}
        admin.create_topics({"unset": shape}, raise_errors=True)
        admin.wait_for_topics(["unset"], timeout_ms=30_000)
    assert bomb.produce(rig.broker.port, "unset", 0, bomb.batch(KEY, BOMB_BYTES)) == NO_ERROR


@pytest.mark.long
def test_a_bomb_of_700_mb_is_refused_by_a_broker_that_has_the_memory_to_unpack_it(tmp_path: Path) -> None:
    with Rig(tmp_path, heap_mib=LARGE_HEAP_MIB) as rig:
        rig.router()
        refused_between(rig, 0, BOMB_BYTES)
        assert rig.wrong() == []


@pytest.mark.long
def test_a_bomb_that_the_broker_has_no_memory_for_ends_it_and_nothing_is_lost_or_doubled(rig: Rig, part: int) -> None:
    """Whoever may write to a topic can stop a small broker: docs/faults.md. Who supervises it starts it again."""
    rig.router()
    records = load("bomb", part)
    rig.publish(records[:20])
    with contextlib.suppress(OSError, EOFError):
        bomb.produce(rig.broker.port, "alerts.customs", 0, bomb.batch(KEY, BOMB_BYTES))
    rig.broker.wait(PATIENCE_S)
    rig.crash_broker()
    rig.publish_anew()  # it may have been given an epoch that the broker does not remember: docs/faults.md
    rig.publish(records[20:])
    assert rig.wrong() == []


def refused_between(rig: Rig, part: int, size_bytes: int) -> None:
    """A bomb of that size, between the records of a load."""
    records = load("bomb", part)
    rig.publish(records[:20])
    bad = bomb.batch(KEY, size_bytes)
    assert len(bad) < int(AGENCY_WRITES["max.message.bytes"]) / 10
    assert bomb.produce(rig.broker.port, "alerts.customs", 0, bad) == MESSAGE_TOO_LARGE
    rig.publish(records[20:])
