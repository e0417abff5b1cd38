"""What every Bus and every Publisher must do, on whatever log: the suite that each implementation passes.

A subclass brings a `world` (worlds.py). Points of a commit at which a step goes wrong are those of transactions.MARKS.
"""

from __future__ import annotations

from uuid import uuid4

import pytest

from hub.bus.bus import BusError, Indefinite, Outgoing, Record, SlotTaken, TooLarge, TopicPartition, Torn
from hub.bus.records import pack_headers
from tests.bus.worlds import (
    READ_MS,
    RECORD_BYTES,
    Restored,
    World,
    flat,
    plain,
    read,
    read_nothing,
    refusing,
    turn,
    until,
    values,
)

BEFORE_THE_COMMIT = ("commit:staged", "commit:flushed", "commit:offsets")
AFTER_THE_COMMIT = ("commit:committed", "commit:bumped")


class BusContract:
    """Reading and committing."""

    def test_what_is_committed_for_a_batch_can_be_read_by_others(self, world: World) -> None:
        source, first, second = world.topic("in"), world.topic("out"), world.topic("out")
        world.write(plain(source, 0, b"a"))
        bus = world.bus([source])
        bus.commit(read(bus), [plain(first, 0, b"x"), plain(first, 2, b"y"), plain(second, 1, b"z")])
        assert (values(world.read_all(first)), values(world.read_all(second))) == ([b"x", b"y"], [b"z"])

    def test_records_of_a_partition_come_and_go_in_order(self, world: World) -> None:
        source, target = world.topic("in"), world.topic("out")
        for number in range(30):
            world.write(plain(source, number % 3, b"%d" % number))
        bus = world.bus([source])
        count = 0
        while count < 30:
            batch = read(bus, 7)
            assert batch.count <= 7
            bus.commit(batch, [plain(target, at.partition, record.value) for at, record in flat(batch)])
            count += batch.count
        found = world.read_all(target)
        assert {partition: values({partition: found[partition]}) for partition in found} == {
            partition: [b"%d" % number for number in range(partition, 30, 3)] for partition in range(3)
        }

    def test_thousands_of_records_pass_in_one_transaction(self, world: World) -> None:
        source, target = world.topic("in", 1), world.topic("out", 2)
        world.write(plain(source, 0, b"go"))
        bus = world.bus([source])
        sent = [plain(target, number % 2, b"%d" % number * 50) for number in range(20_000)]
        bus.commit(read(bus), sent)
        found = world.read_all(target)
        assert values(found) == [record.value for partition in range(2) for record in sent[partition::2]]

    def test_a_commit_without_records_moves_the_offsets(self, world: World) -> None:
        source = world.topic("in")
        world.write(plain(source, 0, b"a"))
        bus = world.bus([source])
        bus.commit(read(bus), [])
        bus.close()
        world.write(plain(source, 0, b"b"))
        assert [record.value for _, record in flat(read(world.bus([source])))] == [b"b"]

    def test_what_was_committed_does_not_come_again(self, world: World) -> None:
        source = world.topic("in")
        world.write(plain(source, 0, b"a"))
        bus = world.bus([source])
        bus.commit(read(bus), [])
        read_nothing(bus)
        world.write(plain(source, 0, b"b"))
        assert [record.value for _, record in flat(read(bus))] == [b"b"]

    def test_an_uncommitted_batch_comes_again(self, world: World) -> None:
        source = world.topic("in")
        for number in range(4):
            world.write(plain(source, 1, b"%d" % number))
        bus = world.bus([source])
        first = read(bus, 2)
        again = read(bus, 4)
        assert [record.value for _, record in flat(again)][:2] == [record.value for _, record in flat(first)]
        with pytest.raises(Indefinite):
            bus.commit(first, [])

    def test_an_uncommitted_batch_comes_again_after_a_restart(self, world: World) -> None:
        source = world.topic("in")
        world.write(plain(source, 1, b"a"))
        bus = world.bus([source])
        read(bus)
        bus.close()
        assert [record.value for _, record in flat(read(world.bus([source])))] == [b"a"]

    def test_a_batch_that_fails_can_be_halved_down_to_one_record(self, world: World) -> None:
        source = world.topic("in", 1)
        for number in range(8):
            world.write(plain(source, 0, b"%d" % number))
        bus = world.bus([source])
        for limit in (8, 4, 2, 1):
            batch = until(lambda: bus.read(8, READ_MS), "a batch") if limit == 8 else read(bus, limit)
            assert batch.count <= limit
        bus.commit(batch, [])
        assert [record.value for _, record in flat(read(bus, 1))] == [b"1"]

    def test_a_topic_that_is_held_waits_while_the_others_go_on(self, world: World) -> None:
        source, held = world.topic("in"), world.topic("in")
        bus = world.bus([source, held])
        bus.hold({held})
        for topic in (held, source):
            world.write(plain(topic, 0, b"1"))
        batch = read(bus)
        bus.commit(batch, [])
        read_nothing(bus)
        assert set(batch.records) == {TopicPartition(source, 0)}

        bus.hold({source})
        for topic in (held, source):
            world.write(plain(topic, 0, b"2"))
        found: list[tuple[TopicPartition, Record]] = []
        while len(found) < 2:
            batch = read(bus)
            found += flat(batch)
            bus.commit(batch, [])
        read_nothing(bus)
        assert [(at.topic, record.value) for at, record in found] == [(held, b"1"), (held, b"2")]

        bus.hold(set())
        assert [(at.topic, record.value) for at, record in flat(read(bus))] == [(source, b"2")]

    def test_a_batch_in_hand_can_be_committed_though_its_topic_is_held(self, world: World) -> None:
        source, target = world.topic("in"), world.topic("out")
        world.write(plain(source, 0, b"a"))
        bus = world.bus([source])
        batch = read(bus)
        bus.hold({source})
        bus.commit(batch, [plain(target, 0, b"x")])
        assert values(world.read_all(target)) == [b"x"]

    def test_an_empty_batch_has_nothing_to_commit(self, world: World) -> None:
        source, target = world.topic("in"), world.topic("out")
        bus = world.bus([source])
        batch = bus.read(10, READ_MS)
        bus.commit(batch, [])
        with pytest.raises(BusError):
            bus.commit(batch, [plain(target, 0, b"x")])
        assert values(world.read_all(target)) == []

    def test_a_closed_bus_stays_closed(self, world: World) -> None:
        source = world.topic("in")
        bus = world.bus([source])
        bus.read(10, READ_MS)
        bus.close()
        bus.close()
        with pytest.raises(BusError):
            bus.read(10, READ_MS)


class RecordContract:
    """What a record keeps."""

    def test_keys_values_and_headers_are_read_as_they_were_written(self, world: World) -> None:
        source = world.topic("in", 1)
        headers = pack_headers([("traceparent", b"00-1"), ("año", b""), ("none", None), ("traceparent", b"00-2")])
        sent = [
            Outgoing(source, 0, None, b"no key"),
            Outgoing(source, 0, b"no value", None),
            Outgoing(source, 0, None, None, headers),
            Outgoing(source, 0, b"", b""),
            Outgoing(source, 0, bytes(range(256)), b"\xff" * 300, headers),
        ]
        for record in sent:
            world.write(record)
        bus = world.bus([source])
        found: list[Record] = []
        while len(found) < len(sent):
            batch = read(bus)
            found += [record for _, record in flat(batch)]
            bus.commit(batch, [])
        assert [record[2:] for record in found] == [record[2:] for record in sent]

    def test_keys_values_and_headers_are_written_as_they_were_given(self, world: World) -> None:
        source, target = world.topic("in"), world.topic("out", 1)
        world.write(plain(source, 0, b"go"))
        headers = pack_headers([("traceparent", b"00-1"), ("año", b"")])
        sent = [
            Outgoing(target, 0, None, b"no key"),
            Outgoing(target, 0, b"tombstone", None),
            Outgoing(target, 0, b"", b""),
            Outgoing(target, 0, bytes(range(256)), b"\xff" * 300, headers),
        ]
        bus = world.bus([source])
        bus.commit(read(bus), sent)
        assert [record[2:] for record in world.read_all(target)[0]] == [record[2:] for record in sent]

    def test_headers_can_be_passed_on_as_they_were_read(self, world: World) -> None:
        source, target = world.topic("in", 1), world.topic("out", 1)
        headers = pack_headers([("traceparent", b"00-1"), ("n", b"\0")])
        world.write(Outgoing(source, 0, b"k", b"v", headers))
        bus = world.bus([source])
        batch = read(bus)
        bus.commit(batch, [Outgoing(target, 0, record.key, record.value, record.headers) for _, record in flat(batch)])
        assert world.read_all(target)[0][0].headers == headers

    def test_the_time_of_a_record_is_the_brokers(self, world: World) -> None:
        source = world.topic("in")
        world.write(plain(source, 0, b"a"))
        bus = world.bus([source])
        assert [record.timestamp_ms > 1_600_000_000_000 for _, record in flat(read(bus))] == [True]

    @pytest.mark.parametrize("mebibytes", [1, 3.9])
    def test_large_records_pass_whole(self, world: World, mebibytes: float) -> None:
        source, target = world.topic("in", 1), world.topic("out", 1)
        value = b"0123456789abcdef" * int(mebibytes * 65_536)
        world.write(plain(source, 0, value))
        bus = world.bus([source])
        batch = read(bus)
        bus.commit(batch, [plain(target, 0, record.value) for _, record in flat(batch)])
        assert values(world.read_all(target)) == [value]

    def test_a_record_that_is_too_large_is_refused_and_the_rest_can_be_committed(self, world: World) -> None:
        source, target = world.topic("in", 1), world.topic("out", 1)
        world.write(plain(source, 0, b"a"))
        bus = world.bus([source])
        batch = read(bus)
        sent = [plain(target, 0, b"x"), plain(target, 0, b"y" * RECORD_BYTES), plain(target, 0, b"z")]
        with pytest.raises(TooLarge) as refused:
            bus.commit(batch, sent)
        del sent[refused.value.index]
        bus.commit(batch, sent)
        assert values(world.read_all(target)) == [b"x", b"z"]
        read_nothing(bus)

    def test_a_record_for_a_partition_that_does_not_exist_is_refused_before_anything_is_written(
        self, world: World
    ) -> None:
        source, target = world.topic("in", 1), world.topic("out", 1)
        world.write(plain(source, 0, b"a"))
        bus = world.bus([source])
        batch = read(bus)
        with pytest.raises(BusError, match="no partition 7"):
            bus.commit(batch, [plain(target, 0, b"x"), plain(target, 7, b"y")])
        assert values(world.read_all(target)) == []


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


class LaneContract:
    """Members share the lanes, and a partition that cannot be read stops no other."""

    def test_two_members_share_whole_lanes(self, world: World) -> None:
        source, other = world.topic("in", 4), world.topic("in", 4)
        held: dict[str, Restored] = {"router-0": Restored(), "router-1": Restored()}
        buses = {slot: world.bus([source, other], slot=slot, restore=held[slot]) for slot in held}

        def shared() -> bool:
            for bus in buses.values():
                turn(bus)
            return all(restored.offsets and len(restored.offsets[-1]) == 4 for restored in held.values())

        until(shared, "two lanes each")
        lanes = {slot: {at.partition for at in restored.offsets[-1]} for slot, restored in held.items()}
        assert lanes == {"router-0": {0, 1}, "router-1": {2, 3}}

    def test_a_lane_that_moves_goes_on_where_it_was_committed(self, world: World) -> None:
        source, target = world.topic("in", 2), world.topic("out", 1)
        for lane in range(2):
            world.write(plain(source, lane, b"early"))
        first = world.bus([source], slot="router-0")
        count = 0
        while count < 2:
            batch = read(first)
            first.commit(batch, [plain(target, 0, record.value) for _, record in flat(batch)])
            count += batch.count
        second = world.bus([source], slot="router-1")
        for lane in range(2):
            world.write(plain(source, lane, b"late"))
        by_member: dict[str, list[bytes | None]] = {"first": [], "second": []}

        def both() -> bool:
            for name, bus in (("first", first), ("second", second)):
                try:
                    batch = bus.read(10, READ_MS)
                    bus.commit(batch, [plain(target, 0, record.value) for _, record in flat(batch)])
                except Indefinite:
                    continue
                by_member[name] += [record.value for _, record in flat(batch)]
            return sum(map(len, by_member.values())) >= 2

        until(both, "both late records")
        assert sorted(values(world.read_all(target)), key=str) == [b"early", b"early", b"late", b"late"]

    def test_a_topic_that_comes_later_is_read_with_its_lanes(self, world: World) -> None:
        name = f"late{uuid4().hex}"
        source = world.topic(name)
        bus = world.bus(f"^({name}-.*)$")
        world.write(plain(source, 0, b"a"))
        bus.commit(read(bus), [])
        late = world.topic(name)
        world.write(plain(late, 2, b"b"))
        batch = read(bus)
        assert [(at, record.value) for at, record in flat(batch)] == [(TopicPartition(late, 2), b"b")]
        bus.commit(batch, [])
        assert not bus.stopped

    def test_reads_that_hardly_wait_get_their_lanes_too(self, world: World) -> None:
        name = f"hasty{uuid4().hex}"
        world.write(plain(world.topic(name), 0, b"a"))
        bus = world.bus(f"^({name}-.*)$")
        until(lambda: bus.read(10, 1).count, "a record")

    def test_lanes_that_are_not_whole_wait(self, world: World) -> None:
        source, narrow = world.topic("in", 3), world.topic("in", 2)
        for lane in range(3):
            world.write(plain(source, lane, b"a"))
        bus = world.bus([source, narrow])
        found: set[TopicPartition] = set()
        while len(found) < 2:
            batch = read(bus)
            found |= set(batch.records)
            bus.commit(batch, [])
        read_nothing(bus)
        assert found == {TopicPartition(source, 0), TopicPartition(source, 1)}
        assert set(bus.stopped) == {TopicPartition(source, 2)}

    def test_a_partition_that_cannot_be_read_is_stopped_and_the_others_go_on(self, world: World) -> None:
        source = world.topic("in")
        world.write(plain(source, 1, b"before"))
        world.damage(source, 1)
        world.write(plain(source, 1, b"behind"))
        bus = world.bus([source])
        found: list[bytes | None] = []

        def stopped() -> bool:
            try:
                batch = bus.read(10, READ_MS)
            except Indefinite:
                return bool(bus.stopped)
            found.extend(record.value for _, record in flat(batch))
            bus.commit(batch, [])
            return bool(bus.stopped)

        until(stopped, "a stopped partition")
        world.write(plain(source, 0, b"elsewhere"))
        batch = read(bus)
        found.extend(record.value for _, record in flat(batch))
        assert found == [b"before", b"elsewhere"]
        assert set(bus.stopped) == {TopicPartition(source, 1)}
        assert [alarm for alarm in world.alarms if f"{source}-1" in alarm and "offset 1" in alarm]

    @pytest.mark.parametrize("committed", [0, 1])
    def test_a_log_that_starts_after_the_next_offset_stops_its_partition(self, world: World, committed: int) -> None:
        source = world.topic("in")
        for number in range(4):
            world.write(plain(source, 0, b"%d" % number))
        if committed:
            bus = world.bus([source])
            bus.commit(read(bus, committed), [])
            bus.close()
        world.trim(source, 0, 3)
        world.write(plain(source, 1, b"elsewhere"))
        bus = world.bus([source])
        assert [record.value for _, record in flat(read(bus))] == [b"elsewhere"]
        assert set(bus.stopped) == {TopicPartition(source, 0)}
        assert len(world.alarms) == 1


class PublisherContract:
    """Writing without reading."""

    def test_what_is_published_appears_whole_and_in_order(self, world: World) -> None:
        target, positions = world.topic("out"), world.topic("positions", 1)
        publisher = world.publisher("customs")
        publisher.publish([plain(target, n % 3, b"%d" % n) for n in range(9)] + [plain(positions, 0, b"9")])
        publisher.publish([plain(target, 0, b"9"), plain(positions, 0, b"10")])
        assert values(world.read_all(target)) == [b"0", b"3", b"6", b"9", b"1", b"4", b"7", b"2", b"5", b"8"]
        assert values(world.read_all(positions)) == [b"9", b"10"]

    def test_its_table_has_every_committed_record(self, world: World) -> None:
        positions = world.topic("positions")
        publisher = world.publisher("customs")
        assert list(publisher.table(positions)) == []
        publisher.publish([plain(positions, n % 3, b"%d" % n) for n in range(6)])
        found = [(at, record.value) for at, record in publisher.table(positions)]
        assert sorted(found) == sorted((TopicPartition(positions, n % 3), b"%d" % n) for n in range(6))

    @pytest.mark.parametrize("point", ["commit:staged", "commit:flushed"])
    def test_what_a_predecessor_left_open_is_not_in_the_table(self, world: World, point: str) -> None:
        positions = world.topic("positions", 1)
        predecessor = world.publisher("customs", mark=refusing(point))
        with pytest.raises(Indefinite):
            predecessor.publish([plain(positions, 0, b"half")])
        publisher = world.publisher("customs")
        assert list(publisher.table(positions)) == []
        publisher.publish([plain(positions, 0, b"whole")])
        assert values(world.read_all(positions)) == [b"whole"]

    def test_the_table_tells_how_a_doubtful_publication_ended(self, world: World) -> None:
        positions = world.topic("positions", 1)
        publisher = world.publisher("customs", mark=refusing("commit:committed"))
        with pytest.raises(Indefinite):
            publisher.publish([plain(positions, 0, b"1")])
        assert [record.value for _, record in publisher.table(positions)] == [b"1"]
        publisher.publish([plain(positions, 0, b"2")])
        assert values(world.read_all(positions)) == [b"1", b"2"]

    def test_a_record_that_is_too_large_is_refused_and_the_rest_can_be_published(self, world: World) -> None:
        target = world.topic("out", 1)
        publisher = world.publisher("customs")
        with pytest.raises(TooLarge) as refused:
            publisher.publish([plain(target, 0, b"x"), plain(target, 0, b"y" * RECORD_BYTES)])
        assert refused.value.index == 1
        publisher.publish([plain(target, 0, b"x")])
        assert values(world.read_all(target)) == [b"x"]

    def test_a_publisher_whose_name_was_taken_is_told_so(self, world: World) -> None:
        target = world.topic("out", 1)
        old, new = world.publisher("customs"), world.publisher("customs")
        old.publish([plain(target, 0, b"old")])
        new.publish([plain(target, 0, b"new")])
        with pytest.raises(SlotTaken):
            old.publish([plain(target, 0, b"too late")])
        new.publish([plain(target, 0, b"newer")])
        assert values(world.read_all(target)) == [b"old", b"new", b"newer"]

    def test_a_closed_publisher_stays_closed(self, world: World) -> None:
        target = world.topic("out", 1)
        publisher = world.publisher("customs")
        publisher.close()
        publisher.close()
        with pytest.raises(BusError):
            publisher.publish([plain(target, 0, b"x")])


class Contract(BusContract, RecordContract, OutcomeContract, StateContract, LaneContract, PublisherContract):
    """All of it."""
