"""A partition that readers wait at for longer than any transaction may last is noticed; what was decided on a transaction is
read from its coordinator's log. On a real Kafka: tests/kafka/test_hanging_transactions.py.
"""

from __future__ import annotations

import inspect
import struct
from collections.abc import Iterable
from typing import Any, cast

import pytest
from kafka import KafkaAdminClient
from kafka.admin import AbortTransactionSpec
from kafka.structs import TopicPartition as LibraryPartition

from hub.bus.bus import TopicPartition
from hub.bus.hanging import HangingTransactions, Held
from hub.bus.kafka import KafkaBus
from hub.bus.limits import Limits
from hub.bus.settings import Connection
from hub.bus.transaction_log import VERSIONS, Entry, entry, verdict_on

AT = TopicPartition("t", 0)
LONG_S = Limits().transaction_ms / 1000 + 10


class Ends:
    """A client that is told one end for all partitions."""

    def __init__(self) -> None:
        self.end = 0

    def end_offsets(self, partitions: Iterable[TopicPartition], _timeout_ms: int) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self.end)


class Watched:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.stable, self.written = Ends(), Ends()
        self.watch = HangingTransactions(Connection(bootstrap_servers="unused:1"), Limits(), lambda: self.now_s)
        clients: Any = {"read_committed": self.stable, "read_uncommitted": self.written}
        self.watch._clients = clients

    def look(self, later_s: float, stable: int, written: int) -> list[tuple[TopicPartition, int, int]]:
        self.now_s += later_s
        self.stable.end, self.written.end = stable, written
        return [held[:3] for held in self.watch.look([AT])]


def test_a_partition_whose_end_moves_and_whose_stable_offset_does_not_is_held() -> None:
    watched = Watched()
    assert watched.look(0, 5, 7) == []
    assert watched.look(LONG_S - 6, 5, 9) == []
    assert watched.look(6, 5, 11) == [(AT, 5, 11)]


def test_a_busy_partition_is_not_held() -> None:
    watched = Watched()
    for step in range(5):
        assert watched.look(LONG_S, 5 + step, 9 + step) == []


def test_a_quiet_partition_is_not_held() -> None:
    watched = Watched()
    for _ in range(5):
        assert watched.look(LONG_S, 5, 5) == []


def test_a_transaction_that_begins_after_a_quiet_time_gets_its_time() -> None:
    watched = Watched()
    watched.look(0, 5, 5)
    assert watched.look(LONG_S, 5, 7) == []
    assert watched.look(LONG_S, 5, 7) == [(AT, 5, 7)]


def logged(version: int, producer_id: int, epoch: int, status: int) -> bytes:
    """The fields of TransactionLogValue that both its versions begin with, and something after them."""
    return struct.pack(">hqhib", version, producer_id, epoch, 6_000, status) + b"partitions and times"


KEY = struct.pack(">hh", 0, 8) + b"router-0"
EMPTY, ONGOING, PREPARE_COMMIT, PREPARE_ABORT, COMPLETE_COMMIT, COMPLETE_ABORT, DEAD, FENCE = range(8)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_entry_of_the_coordinators_log_is_read(version: int) -> None:
    assert entry(KEY, logged(version, 7, 3, ONGOING)) == Entry("router-0", 7, 3, ONGOING)


def test_what_is_no_entry_or_of_another_version_is_passed_over() -> None:
    assert entry(KEY, None) is None
    assert entry(KEY, b"short") is None
    assert entry(KEY, logged(2, 7, 3, ONGOING)) is None


def verdict(*lines: tuple[int, int], producer: int = 7) -> str | None:
    """On epoch 3 of producer 7, by lines of (epoch, status)."""
    return verdict_on([Entry("router-0", producer, epoch, status) for epoch, status in lines], 7, 3)


@pytest.mark.parametrize(
    ("decided", "expected"), [(PREPARE_COMMIT, "commit"), (COMPLETE_COMMIT, "commit"), (PREPARE_ABORT, "abort")]
)
def test_the_decision_under_its_own_epoch_is_the_verdict(decided: int, expected: str) -> None:
    assert verdict((3, EMPTY), (3, ONGOING), (3, decided), (4, EMPTY), (4, ONGOING), (4, PREPARE_ABORT)) == expected


@pytest.mark.parametrize(
    ("decided", "expected"), [(PREPARE_ABORT, "abort"), (PREPARE_COMMIT, "commit"), (FENCE, "abort")]
)
def test_a_transaction_under_way_may_be_ended_under_the_next_epoch(decided: int, expected: str) -> None:
    assert verdict((3, ONGOING), (4, decided)) == expected


def test_the_verdict_on_the_next_transaction_is_not_taken_for_this_ones() -> None:
    assert verdict((4, EMPTY), (4, ONGOING), (4, PREPARE_COMMIT)) is None
    assert verdict((3, EMPTY), (4, PREPARE_ABORT)) is None
    assert verdict((3, ONGOING), (3, PREPARE_COMMIT), (4, PREPARE_ABORT)) == "commit"


def test_several_transactions_under_one_epoch_must_agree() -> None:
    first = [(3, ONGOING), (3, PREPARE_COMMIT), (3, COMPLETE_COMMIT)]
    assert verdict(*first, *first) == "commit"
    assert verdict(*first, (3, ONGOING), (3, PREPARE_ABORT)) is None
    assert verdict(*first, (3, ONGOING)) is None
    assert verdict(*first, (3, ONGOING), (4, PREPARE_ABORT)) is None


def test_without_a_decision_there_is_no_verdict() -> None:
    assert verdict((3, ONGOING)) is None
    assert verdict((3, ONGOING), (3, PREPARE_COMMIT), producer=8) is None


def test_the_library_still_has_what_write_marker_takes_from_it() -> None:
    """A private name of kafka-python that changed is found here first."""
    marked = AbortTransactionSpec(LibraryPartition("t", 0), 7, 3, 1)
    admin: Any = KafkaAdminClient
    request = admin._abort_transaction_request(marked)
    assert request.markers[0].transaction_result is False
    request.markers[0].transaction_result = True
    assert request.markers[0].coordinator_epoch == 1
    assert inspect.iscoroutinefunction(admin._async_get_leader_for_partitions)
    assert list(inspect.signature(admin._abort_transaction_process_response).parameters) == ["response", "spec"]


def test_a_bus_raises_an_alarm_for_a_partition_that_a_transaction_holds() -> None:
    alarms: list[str] = []
    bus = KafkaBus(
        Connection(bootstrap_servers="unused:1"), group="g", slot="s", topics=["t"], on_alarm=alarms.append, end=exit
    )
    bus._membership = cast(Any, Assigned())
    bus._hanging = cast(Any, HeldFor(26.0))
    bus._look_for_hanging()
    assert alarms == []  # not yet ten seconds old
    bus._look_s = 0.0
    bus._look_for_hanging()
    bus._look_for_hanging()
    assert alarms == ["t-0: readable up to 5 of 7 for 26 s: a transaction hangs (enlace doctor)"]


class Assigned:
    def assigned(self) -> set[TopicPartition]:
        return {AT}


class HeldFor:
    def __init__(self, for_s: float) -> None:
        self._for_s = for_s

    def look(self, partitions: Iterable[TopicPartition]) -> list[Held]:
        assert list(partitions) == [AT]
        return [Held(AT, 5, 7, self._for_s)]
