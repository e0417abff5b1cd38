"""What a Bus must do when something goes wrong: nothing is lost, nothing comes twice, and state is whole.

Points of a commit at which a step goes wrong are those of transactions.MARKS.
"""

from __future__ import annotations

import pytest

from hub.bus.bus import Indefinite, SlotTaken, TopicPartition, Torn
from tests.bus.worlds import READ_MS, Restored, World, flat, plain, read, read_nothing, refusing, turn, until, values

BEFORE_THE_COMMIT = ("commit:staged", "commit:flushed", "commit:offsets")
AFTER_THE_COMMIT = ("commit:committed", "commit:bumped")


class OutcomeContract:
    """Failures: nothing is lost, nothing comes twice."""

    @pytest.mark.parametrize("point", BEFORE_THE_COMMIT)
    def test_a_batch_that_failed_before_its_commit_leaves_nothing_and_comes_again(
        self, world: World, point: str
    ) -> None:
        source, target = world.topic("in"), world.topic("out")
        world.write(plain(source, 0, b"a"))
        bus = world.bus([source], mark=refusing(point))
        with pytest.raises(Indefinite):
            bus.commit(read(bus), [plain(target, 0, b"first try")])
        batch = read(bus)
        assert [record.value for _, record in flat(batch)] == [b"a"]
        bus.commit(batch, [plain(target, 0, b"second try")])
        assert values(world.read_all(target)) == [b"second try"]

    @pytest.mark.parametrize("point", AFTER_THE_COMMIT)
    def test_a_batch_that_failed_after_its_commit_does_not_come_again(self, world: World, point: str) -> None:
        source, target = world.topic("in"), world.topic("out")
        world.write(plain(source, 0, b"a"))
        bus = world.bus([source], mark=refusing(point))
        with pytest.raises(Indefinite):
            bus.commit(read(bus), [plain(target, 0, b"first try")])
        read_nothing(bus)
        world.write(plain(source, 0, b"b"))
        batch = read(bus)
        assert [record.value for _, record in flat(batch)] == [b"b"]
        bus.commit(batch, [])
        assert values(world.read_all(target)) == [b"first try"]

    def test_a_batch_in_doubt_cannot_be_committed_again(self, world: World) -> None:
        source, target = world.topic("in"), world.topic("out")
        world.write(plain(source, 0, b"a"))
        bus = world.bus([source], mark=refusing("commit:flushed"))
        batch = read(bus)
        for _ in range(2):
            with pytest.raises(Indefinite):
                bus.commit(batch, [plain(target, 0, b"x")])
        assert values(world.read_all(target)) == []

    @pytest.mark.parametrize("point", BEFORE_THE_COMMIT)
    def test_a_successor_in_the_slot_ends_what_was_left_open(self, world: World, point: str) -> None:
        source, target = world.topic("in"), world.topic("out")
        world.write(plain(source, 0, b"a"))
        bus = world.bus([source], mark=refusing(point))
        with pytest.raises(Indefinite):
            bus.commit(read(bus), [plain(target, 0, b"predecessor")])
        bus.close()
        successor = world.bus([source])
        successor.commit(read(successor), [plain(target, 0, b"successor")])
        assert values(world.read_all(target)) == [b"successor"]

    def test_a_process_whose_slot_was_taken_is_told_so(self, world: World) -> None:
        source = world.topic("in")
        world.write(plain(source, 0, b"a"))
        old = world.bus([source])
        read(old)
        new = world.bus([source])
        read(new)

        def taken() -> bool:
            try:
                old.read(10, READ_MS)
            except SlotTaken:
                return True
            except Indefinite:
                pass
            return False

        until(taken, "SlotTaken")

    def test_a_batch_of_a_process_whose_slot_was_taken_cannot_be_committed(self, world: World) -> None:
        source, target = world.topic("in"), world.topic("out")
        world.write(plain(source, 0, b"a"))
        old = world.bus([source])
        batch = read(old)
        new = world.bus([source])
        new.commit(read(new), [plain(target, 0, b"new")])
        with pytest.raises((SlotTaken, Indefinite)):
            old.commit(batch, [plain(target, 0, b"old")])
        assert values(world.read_all(target)) == [b"new"]


class StateContract:
    """State is whole before the first record that needs it."""

    def test_state_is_restored_before_the_first_records(self, world: World) -> None:
        source, state = world.topic("in"), world.topic("state")
        for lane in range(3):
            world.write(plain(source, lane, b"a"))
        bus = world.bus([source], state_topic=state)
        batch = read(bus)
        bus.commit(batch, [plain(state, at.partition, b"1", b"held") for at, _ in flat(batch)])
        seen = {at.partition for at, _ in flat(batch)}
        bus.close()

        restored = Restored()
        bus = world.bus([source], restore=restored, state_topic=state)
        until(lambda: turn(bus) or restored.offsets, "a restore")
        assert restored.offsets[0] == {TopicPartition(source, lane): int(lane in seen) for lane in range(3)}
        assert sorted(restored.tables[0]) == [(lane, b"held", b"1") for lane in sorted(seen)]

    def test_the_table_has_every_committed_record_in_order_tombstones_too(self, world: World) -> None:
        source, state = world.topic("in", 1), world.topic("state", 1)
        world.write(plain(source, 0, b"a"))
        bus = world.bus([source], state_topic=state)
        bus.commit(read(bus), [plain(state, 0, b"%d" % n, b"k%d" % (n % 10)) for n in range(2_000)])
        world.write(plain(source, 0, b"b"))
        bus.commit(read(bus), [plain(state, 0, None, b"k3")])
        bus.close()
        restored = Restored()
        bus = world.bus([source], restore=restored, state_topic=state)
        until(lambda: turn(bus) or restored.tables, "a restore")
        assert restored.tables[0] == [(0, b"k%d" % (n % 10), b"%d" % n) for n in range(2_000)] + [(0, b"k3", None)]

    def test_the_table_has_nothing_of_a_transaction_that_failed(self, world: World) -> None:
        source, state = world.topic("in", 1), world.topic("state", 1)
        world.write(plain(source, 0, b"a"))
        restored = Restored()
        bus = world.bus([source], restore=restored, state_topic=state, mark=refusing("commit:offsets"))
        with pytest.raises(Indefinite):
            bus.commit(read(bus), [plain(state, 0, b"1")])
        bus.commit(read(bus), [plain(state, 0, b"2")])
        bus.close()
        later = Restored()
        bus = world.bus([source], restore=later, state_topic=state)
        until(lambda: turn(bus) or later.tables, "a restore")
        assert restored.tables == [[], []]
        assert later.tables[0] == [(0, b"key", b"2")]

    def test_after_a_doubtful_commit_state_and_offsets_are_read_again(self, world: World) -> None:
        source, state = world.topic("in", 1), world.topic("state", 1)
        world.write(plain(source, 0, b"a"))
        restored = Restored()
        bus = world.bus([source], restore=restored, state_topic=state, mark=refusing("commit:committed"))
        with pytest.raises(Indefinite):
            bus.commit(read(bus), [plain(state, 0, b"1")])
        until(lambda: turn(bus) or len(restored.tables) == 2, "a second restore")
        at = TopicPartition(source, 0)
        assert [found[at] for found in restored.offsets] == [0, 1]
        assert restored.tables == [[], [(0, b"key", b"1")]]

    def test_what_is_torn_once_is_read_again(self, world: World) -> None:
        source, state = world.topic("in"), world.topic("state")
        world.write(plain(source, 0, b"a"))
        restored = Restored()
        restored.raising = [Torn("lane 0: 1 and 2", 0), Torn("lane 0: 1 and 3", 0)]
        bus = world.bus([source], restore=restored, state_topic=state)
        assert read(bus).count == 1
        assert len(restored.offsets) == 3
        assert not bus.stopped

    def test_a_lane_whose_tear_stays_is_stopped_and_the_others_go_on(self, world: World) -> None:
        source, other, state = world.topic("in"), world.topic("in"), world.topic("state")
        for topic in (source, other):
            for lane in range(3):
                world.write(plain(topic, lane, b"%d" % lane))
        restored = Restored()
        restored.raising = [Torn("lane 1: 4 and 7", 1), Torn("lane 1: 4 and 7", 1)]
        bus = world.bus([source, other], restore=restored, state_topic=state)
        found: set[TopicPartition] = set()
        while len(found) < 4:
            batch = read(bus)
            found |= set(batch.records)
            bus.commit(batch, [])
        read_nothing(bus)
        assert {at.partition for at in found} == {0, 2}
        assert dict(bus.stopped) == {TopicPartition(topic, 1): "lane 1: 4 and 7" for topic in (source, other)}
        assert len(world.alarms) == 2
        assert {at.partition for at in restored.offsets[-1]} == {0, 2}
