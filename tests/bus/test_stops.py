"""Which partitions a member reads, and what an operator is told of the others."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hub.bus.bus import TopicPartition
from hub.bus.lanes import whole_lanes
from hub.bus.stops import ASK_ANEW_S, BROKEN_LANE_S, LONGEST_ASK_S, Stops

A1, A2, B1 = TopicPartition("a", 1), TopicPartition("a", 2), TopicPartition("b", 1)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_lane_is_whole_if_it_is_assigned_of_every_topic() -> None:
    assert whole_lanes([A1, B1, A2], {"a", "b"}) == {1}
    assert whole_lanes([A1, A2], {"a"}) == {1, 2}
    assert whole_lanes([], {"a"}) == set()


@given(st.integers(1, 8), st.integers(1, 5), st.integers(1, 8))
def test_range_assignment_of_topics_of_one_size_gives_whole_lanes_only(
    partitions: int, topics: int, members: int
) -> None:
    names = {f"t{number}" for number in range(topics)}
    each, more = divmod(partitions, members)
    for place in range(members):
        start = each * place + min(place, more)
        lanes = range(start, start + each + (place < more))
        assigned = [TopicPartition(name, lane) for name in names for lane in lanes]
        assert whole_lanes(assigned, names) == set(lanes)


def test_the_third_failure_at_one_offset_stops_a_partition() -> None:
    alarms: list[str] = []
    stops = Stops(alarms.append)
    for offset in (5, 5, 6, 6):
        stops.failed(A1, offset, "damaged")
    assert not stops.stopped
    stops.failed(A1, 6, "damaged")
    assert set(stops.stopped) == {A1}
    assert alarms == ["a-1 is not read: damaged (tried 3 times)"]


def test_a_partition_that_failed_stays_stopped_over_assignments() -> None:
    alarms: list[str] = []
    stops = Stops(alarms.append)
    for _ in range(3):
        stops.failed(A1, 5, "damaged")
    assert stops.readable({A1, A2}, {"a"}) == {A2}
    assert set(stops.stopped) == {A1}
    assert stops.readable({A2}, {"a"}) == {A2}
    assert not stops.stopped


def test_another_stop_is_looked_at_again_in_the_next_assignment_without_another_alarm() -> None:
    alarms: list[str] = []
    stops = Stops(alarms.append)
    for _ in range(2):
        assert stops.readable({A1}, {"a"}) == {A1}
        assert not stops.stopped
        stops.stop(A1, "torn")
    assert alarms == ["a-1 is not read: torn"]


def test_broken_lanes_are_an_alarm_only_if_they_stay_broken() -> None:
    alarms: list[str] = []
    clock = Clock()
    stops = Stops(alarms.append, clock)
    assert stops.readable({A1, B1, A2}, {"a", "b"}) == {A1, B1}
    assert set(stops.stopped) == {A2}
    stops.remind()
    assert alarms == []
    clock.now_s += BROKEN_LANE_S
    stops.remind()
    assert alarms == ["lanes [2] are not read: topics differ in their number of partitions, or a topic is left out"]
    assert stops.readable({A1, B1}, {"a", "b"}) == {A1, B1}
    clock.now_s += BROKEN_LANE_S
    stops.remind()
    assert len(alarms) == 1


def test_the_group_is_asked_again_for_a_lane_that_stays_broken_later_each_time() -> None:
    clock = Clock()
    stops = Stops(lambda _: None, clock)
    asked = []
    for _ in range(2_000):
        if not clock.now_s % 10:  # whatever is assigned anew is broken still
            stops.readable({A1, A2, B1}, {"a", "b"})
        if stops.must_ask_anew():
            asked.append(clock.now_s)
        clock.now_s += 1
    pauses = [after - before for before, after in pairwise(asked)]
    assert asked[0] == 100 + ASK_ANEW_S
    assert pauses[0] == 2 * ASK_ANEW_S and pauses[-1] == LONGEST_ASK_S and sorted(pauses) == pauses


def test_nobody_is_asked_while_all_lanes_are_whole_and_the_next_broken_one_is_asked_for_soon() -> None:
    clock = Clock()
    stops = Stops(lambda _: None, clock)
    stops.readable({A1, A2, B1}, {"a", "b"})
    clock.now_s += ASK_ANEW_S
    assert stops.must_ask_anew()
    stops.readable({A1, B1}, {"a", "b"})
    clock.now_s += LONGEST_ASK_S
    assert not stops.must_ask_anew()
    stops.readable({A1, A2, B1}, {"a", "b"})
    assert not stops.must_ask_anew()
    clock.now_s += ASK_ANEW_S
    assert stops.must_ask_anew()
