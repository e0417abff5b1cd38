"""What every Publisher must do, on whatever log: writing without reading."""

from __future__ import annotations

import pytest

from hub.bus.bus import BusError, Indefinite, SlotTaken, TooLarge, TopicPartition
from tests.bus.worlds import RECORD_BYTES, World, plain, refusing, values


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
