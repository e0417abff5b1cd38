"""How the members of a group share the lanes of a Bus, and what becomes of a lane that cannot be read."""

from __future__ import annotations

from uuid import uuid4

import pytest

from hub.bus.bus import Indefinite, TopicPartition
from tests.bus.worlds import READ_MS, Restored, World, flat, plain, read, read_nothing, turn, until, values


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
