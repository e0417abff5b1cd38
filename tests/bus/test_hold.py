"""Topics that are held are not read, and go on where they were: on the simulated log and on Kafka."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.bus.worlds")

from hub.bus.bus import (  # noqa: E402 - as above
    Batch,
    Bus,
    Indefinite,
    TopicPartition,
)
from hub.bus.follow import Follower  # noqa: E402
from hub.bus.local import LocalKafka  # noqa: E402
from hub.bus.lookup import read_records  # noqa: E402
from hub.bus.settings import Connection  # noqa: E402
from tests.bus.worlds import KafkaWorld, MemoryWorld, World, flat, plain, read, read_nothing, until  # noqa: E402


class HoldContract:
    def test_a_held_topic_is_not_read_while_others_are(self, world: World) -> None:
        held, open_ = world.topic("held"), world.topic("open")
        bus = world.bus([held, open_])
        bus.hold({held})
        world.write(plain(held, 0, b"a"))
        world.write(plain(open_, 0, b"b"))
        assert taken(bus) == [b"b"]
        read_nothing(bus)

    def test_it_goes_on_where_it_was_once_it_is_held_no_more(self, world: World) -> None:
        topic, other = world.topic("held"), world.topic("other")
        bus = world.bus([topic, other])
        world.write(plain(topic, 0, b"a"))
        assert taken(bus) == [b"a"]
        bus.hold({topic})
        for value in (b"b", b"c"):
            world.write(plain(topic, 0, value))
        read_nothing(bus)
        bus.hold(set())
        assert taken_all(bus, 2) == [b"b", b"c"]

    def test_what_was_read_and_not_committed_before_the_hold_comes_again_after_it(self, world: World) -> None:
        topic = world.topic("held", 1)
        world.write(plain(topic, 0, b"a"))
        world.write(plain(topic, 0, b"b"))
        bus = world.bus([topic])
        assert [record.value for _, record in flat(read(bus, 1))] == [b"a"]
        bus.hold({topic})
        read_nothing(bus)
        bus.hold(frozenset())
        assert taken_all(bus, 2) == [b"a", b"b"]

    def test_a_hold_outlives_a_new_assignment(self, world: World) -> None:
        held, open_ = world.topic("held", 4), world.topic("open", 4)
        bus = world.bus([held, open_])
        world.write(plain(open_, 0, b"first"))
        assert taken(bus) == [b"first"]
        bus.hold({held})
        second = world.bus([held, open_], slot="router-1")
        for partition in range(4):
            world.write(plain(held, partition, b"no"))
            world.write(plain(open_, partition, b"yes"))
        second.hold({held})
        found: list[bytes | None] = []

        def both() -> bool:
            for each in (bus, second):
                try:
                    batch = each.read(100, 50)
                    each.commit(batch, [])
                except Indefinite:  # lanes moved meanwhile: these come again
                    continue
                found.extend(record.value for _, record in flat(batch))
            return len(found) >= 4

        until(both, "all that is open")
        assert found == [b"yes"] * 4


def taken(bus: Bus) -> list[bytes | None]:
    """The values of the next batch, which is committed."""
    batch: Batch = read(bus)
    bus.commit(batch, [])
    return [record.value for _, record in flat(batch)]


def taken_all(bus: Bus, count: int) -> list[bytes | None]:
    """So many values, in as many batches as it takes."""
    found: list[bytes | None] = []
    while len(found) < count:
        found += taken(bus)
    return found


class TestMemory(HoldContract):
    @pytest.fixture
    def world(self) -> Iterator[World]:
        world = MemoryWorld()
        yield world
        world.close()


@pytest.mark.kafka
class TestKafka(HoldContract):
    @pytest.fixture
    def world(self, kafka: LocalKafka) -> Iterator[World]:
        world = KafkaWorld(kafka.bootstrap_servers, ordinary=False)
        yield world
        world.close()


# Following a topic, and reading single records back


@pytest.fixture
def kafka_world(kafka: LocalKafka) -> Iterator[KafkaWorld]:
    world = KafkaWorld(kafka.bootstrap_servers, ordinary=False)
    yield world
    world.close()


@pytest.mark.kafka
def test_a_follower_sees_all_at_first_and_then_what_is_new_each_record_once(
    kafka: LocalKafka, kafka_world: KafkaWorld
) -> None:
    topic = kafka_world.topic("followed", 1)
    for number in range(3):
        kafka_world.write(plain(topic, 0, b"%d" % number))
    follower = Follower(Connection(bootstrap_servers=kafka.bootstrap_servers), TopicPartition(topic, 0))
    seen = [record.value for record in follower.look()]
    assert seen == [b"0", b"1", b"2"]

    def take() -> int:
        seen.extend(record.value for record in follower.look())
        return len(seen)

    for number in range(3, 6):
        kafka_world.write(plain(topic, 0, b"%d" % number))
        until(lambda: take() > number, "the next")  # noqa: B023 - asked at once
        follower.close()  # as after an error: it is made anew, from where it was
    assert seen == [b"%d" % number for number in range(6)]
    follower.close()


@pytest.mark.kafka
def test_single_records_are_read_back_from_where_they_stand(kafka: LocalKafka, kafka_world: KafkaWorld) -> None:
    topic = kafka_world.topic("looked-up", 2)
    for number in range(10):
        kafka_world.write(plain(topic, number % 2, b"%d" % number))
    kafka_world.trim(topic, 1, 2)
    connection = Connection(bootstrap_servers=kafka.bootstrap_servers)
    first, second = TopicPartition(topic, 0), TopicPartition(topic, 1)
    wanted = [(first, 4), (first, 0), (first, 99), (second, 1), (second, 2)]
    found = {place: record.value for place, record in read_records(connection, wanted)}
    assert found == {(first, 0): b"0", (first, 4): b"8", (second, 2): b"5"}
