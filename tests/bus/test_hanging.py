"""A partition that readers wait at for longer than any transaction may last is noticed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hub.bus.bus import TopicPartition
from hub.bus.hanging import HangingTransactions
from hub.bus.limits import Limits
from hub.bus.settings import Connection

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
