"""The simulated bus under chance: a small loop over it loses nothing and doubles nothing, and the rules are why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import pytest

from hub.bus.bus import Indefinite, Outgoing, Record, SlotTaken, TopicPartition, Torn
from hub.bus.memory import MemoryBus
from hub.bus.memory_log import Crashed, Faults, MemoryLog
from hub.bus.transactions import MARKS

LANES = 3
INPUTS = 30
TURNS = 700
SLOTS = ("router-0", "router-1")
FAULTS = Faults(crash=0.03, failed_read=0.05, lost_request=0.05, lost_answer=0.05, late_commit=0.1, rebalance=0.03)
POSITION = b"@position/in"


class Counting:
    """A router: passes each record on with the number of records its lane has had, and keeps that number as state."""

    def __init__(self, log: MemoryLog, slot: str, marks: Counter[str]) -> None:
        self.counts: dict[int, int] = {}
        self.bus = MemoryBus(
            log, group="g", slot=slot, topics=["in"], restore=self.restore, state_topic="state", mark=self.mark
        )
        self.marks = marks

    def mark(self, point: str) -> None:
        self.marks[point] += 1

    def restore(self, offsets: Mapping[TopicPartition, int], table: Iterator[tuple[TopicPartition, Record]]) -> None:
        counts, positions = dict.fromkeys((at.partition for at in offsets), 0), Counter[int]()
        for at, record in table:
            if record.key == POSITION:
                positions[at.partition] = int(record.value or b"0")
            else:
                counts[at.partition] = int(record.value or b"0")
        for at, offset in offsets.items():
            if positions[at.partition] != offset:
                raise Torn(f"lane {at.partition}: {positions[at.partition]} and {offset}", at.partition)
        self.counts = counts

    def turn(self) -> None:
        batch = self.bus.read(5, 0)
        counts = dict(self.counts)
        out: list[Outgoing] = []
        for at, records in batch.records.items():
            for record in records:
                counts[at.partition] += 1
                out.append(Outgoing("out", at.partition, b"%d" % counts[at.partition], record.value))
            out.append(Outgoing("state", at.partition, b"count", b"%d" % counts[at.partition]))
            out.append(Outgoing("state", at.partition, POSITION, b"%d" % (records[-1].offset + 1)))
        self.bus.commit(batch, out)
        self.counts = counts


def run(seed: int, faults: Faults, marks: Counter[str]) -> tuple[MemoryLog, Counter[str]]:
    """Routers come, crash and go until a quiet time at the end; what happened is counted."""
    log = MemoryLog(seed, faults)
    happened: Counter[str] = Counter()
    for topic in ("in", "out", "state"):
        log.create(topic, LANES)
    routers = {slot: Counting(log, slot, marks) for slot in SLOTS}
    written = 0
    for turn in range(TURNS):
        if turn == TURNS // 2:
            log.faults = Faults(unbumped=faults.unbumped)
        if written < INPUTS and log.chance(0.3):
            log.append(Outgoing("in", written % LANES, None, b"%d" % written))
            written += 1
        slot = log.random.choice(SLOTS)
        try:
            routers[slot].turn()
        except Indefinite:
            happened["indefinite"] += 1
        except SlotTaken:
            raise AssertionError("nobody takes a slot here") from None
        except Crashed:
            happened["crashed"] += 1
            if log.chance(0.3):
                log.leave("g", slot)
            routers[slot] = Counting(log, slot, marks)
        if all(router.bus.stopped for router in routers.values()):
            break
    happened["stopped"] = sum(len(router.bus.stopped) for router in routers.values())
    return log, happened


def wrong(log: MemoryLog) -> list[str]:
    """What was lost, came twice or out of order, and state that differs from what was written."""
    found = []
    for lane in range(LANES):
        at = TopicPartition("out", lane)
        out = log.fetch(at, 0, 1 << 62)
        wanted = [b"%d" % number for number in range(lane, INPUTS, LANES)]
        if [record.value for record in out] != wanted:
            found.append(f"lane {lane}: other records")
        if [record.key for record in out] != [b"%d" % (number + 1) for number in range(len(wanted))]:
            found.append(f"lane {lane}: other state")
    return found


def test_nothing_is_lost_or_doubled_whatever_goes_wrong() -> None:
    marks: Counter[str] = Counter()
    happened: Counter[str] = Counter()
    for seed in range(80):
        log, seen = run(seed, FAULTS, marks)
        assert (seed, wrong(log), seen["stopped"]) == (seed, [], 0)
        happened += seen
    assert happened["crashed"] > 50
    assert happened["indefinite"] > 250
    assert set(marks) == set(MARKS)


def test_a_run_can_be_repeated() -> None:
    first, second = (run(7, FAULTS, Counter())[0] for _ in range(2))
    for topic in ("in", "out", "state"):
        for at in first.partitions(topic):
            assert first.fetch(at, 0, 1 << 62) == second.fetch(at, 0, 1 << 62)


@pytest.mark.parametrize("late_commit", [0.0, 0.3])
def test_without_a_new_epoch_after_each_transaction_a_late_commit_tears_the_next_one(late_commit: float) -> None:
    faults = Faults(late_commit=late_commit, unbumped=True)
    torn = 0
    for seed in range(40):
        log, happened = run(seed, faults, Counter())
        torn += bool(wrong(log) or happened["stopped"])
    assert (torn > 0) is (late_commit > 0)
