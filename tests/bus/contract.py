"""What every Bus and every Publisher must do, on whatever log: the suite that each implementation passes.

A subclass brings a `world` (worlds.py). What follows from failures, from members that share lanes, and what publishers do
stands beside this file.
"""

from __future__ import annotations

import pytest

from hub.bus.bus import BusError, Indefinite, Outgoing, Record, TooLarge, TopicPartition
from hub.bus.records import pack_headers
from tests.bus.contract_of_lanes import LaneContract
from tests.bus.contract_of_outcomes import OutcomeContract, StateContract
from tests.bus.contract_of_publishers import PublisherContract
from tests.bus.worlds import READ_MS, RECORD_BYTES, World, flat, plain, read, read_nothing, until, values


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


class Contract(BusContract, RecordContract, OutcomeContract, StateContract, LaneContract, PublisherContract):
    """All of it."""
