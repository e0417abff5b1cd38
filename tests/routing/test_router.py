"""The loop: what it does when a record cannot be routed or written, when a commit fails, and how it takes up a lane."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from hub import router as router_module
from hub.bus.bus import (
    Batch,
    Indefinite,
    Outgoing,
    Record,
    SlotTaken,
    TooLarge,
    TopicPartition,
    Torn,
)
from hub.model.avro import LOCAL_IDS
from hub.model.compose import DAY_MS
from hub.model.decision import Quarantined
from hub.router import FAILURES, MARKS, Lanes, Router, run
from hub.routing import emit
from hub.routing.lifecycle import FORGOTTEN_AFTER_MS
from hub.routing.route import route
from hub.routing.state import Arrived, Routed, State
from tests.routing.alerts import BUNDLE, NOW_MS, alert, alert_id, decoded, order_to, record_of

AT = TopicPartition("alerts.customs", 0)


@dataclass
class OneLane:
    """A Bus of one partition: it hands out what is not committed, and fails when told to."""

    values: Sequence[Outgoing]
    fails: Callable[[Sequence[Record]], Exception | None] = lambda _records: None
    refuses: Callable[[Outgoing], bool] = lambda _record: False
    next: int = 0
    written: list[Outgoing] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    @property
    def stopped(self) -> dict[TopicPartition, str]:
        return {}

    def read(self, limit: int, wait_ms: int) -> Batch:
        found = [
            Record(offset, NOW_MS, record.key, record.value)
            for offset, record in enumerate(self.values)
            if self.next <= offset < self.next + limit
        ]
        return Batch({AT: found} if found else {})

    def commit(self, batch: Batch, records: Sequence[Outgoing]) -> None:
        self.sizes.append(batch.count)
        for index, record in enumerate(records):
            if self.refuses(record):
                raise TooLarge("too large", index)
        if failure := self.fails(batch.records[AT]):
            raise failure
        self.written += records
        self.next += batch.count

    def hold(self, topics: object) -> None: ...

    def beat(self) -> None: ...

    def close(self) -> None: ...

    def quarantined(self) -> list[tuple[int, str]]:
        found = [decoded(record.value) for record in self.written if record.topic == "quarantine"]
        return [(each.offset, each.reason) for each in found if isinstance(each, Quarantined)]

    def decided(self) -> int:
        return sum(record.topic == "decisions" for record in self.written)


RECORDS = [record_of(alert(number)) for number in range(1, 9)]


def routed_to_the_end(bus: OneLane, **options: object) -> Router:
    router = Router(bus, Lanes(), BUNDLE, 1, clock_ms=lambda: NOW_MS, **options)  # type: ignore[arg-type]
    for _ in range(200):
        if bus.next == len(bus.values):
            return router
        try:
            router.step(0)
        except Indefinite:
            continue
    raise AssertionError("it does not come to an end")


def test_a_batch_is_decided_with_one_position_for_each_topic_and_partition() -> None:
    bus = OneLane(RECORDS)
    routed_to_the_end(bus)
    assert bus.sizes == [8] and bus.decided() == 8
    positions = [record for record in bus.written if record.key == b"@position/alerts.customs"]
    assert len(positions) == 1


def test_within_a_batch_a_revision_is_decided_on_what_the_one_before_it_left() -> None:
    bus = OneLane([record_of(alert()), record_of(alert()), record_of(alert(1, 2))])
    routed_to_the_end(bus)
    outcomes = [getattr(decoded(record.value), "outcome", "") for record in bus.written if record.topic == "decisions"]
    assert outcomes == ["decided", "duplicate", "decided"]
    assert sum(record.topic.startswith("deliveries.") for record in bus.written) == 3


def test_within_a_batch_a_forgotten_alert_is_unknown_to_what_comes_after_it_and_the_commit_drops_it() -> None:
    made = alert(valid_ms=DAY_MS, releasable_to=("embassy",))  # nobody holds it
    control, later = TopicPartition("control", 0), NOW_MS + DAY_MS + FORGOTTEN_AFTER_MS
    order, again = order_to("forget", made), record_of(made)
    batches = [
        Batch({AT: [Record(0, NOW_MS, again.key, again.value)]}),
        Batch({control: [Record(0, later, order.key, order.value)], AT: [Record(1, later, again.key, again.value)]}),
        Batch({control: [Record(offset, later, order.key, order.value) for offset in (1, 2)]}),
    ]

    class Given(OneLane):
        def read(self, limit: int, wait_ms: int) -> Batch:
            return batches.pop(0)

        def commit(self, batch: Batch, records: Sequence[Outgoing]) -> None:
            self.written += records

    times_ms = [NOW_MS, later, later]
    bus, lanes = Given([]), Lanes()
    router = Router(bus, lanes, BUNDLE, 1, clock_ms=lambda: times_ms[2 - len(batches)])
    for known in (1, 1, 0):
        router.step(0)
        assert len(lanes[0].holdings) == known
    found = [decoded(record.value) for record in bus.written if record.topic == "decisions"]
    told = [getattr(each, "outcome", None) or getattr(each, "what", None) for each in found]
    assert told == ["decided", "forgotten", "expired", "forgotten", "forget"]


def test_what_a_failed_batch_would_have_changed_is_not_remembered() -> None:
    failures = [Indefinite("unknown"), None]
    bus = OneLane([record_of(alert())], fails=lambda _: failures.pop(0))
    routed_to_the_end(bus)
    outcomes = [getattr(decoded(record.value), "outcome", "") for record in bus.written if record.topic == "decisions"]
    assert outcomes == ["decided"]


def test_a_record_whose_consequences_are_too_large_waits_in_quarantine_and_the_others_go_on() -> None:
    third = alert_id(3).bytes
    bus = OneLane(RECORDS, refuses=lambda record: record.key == third)
    routed_to_the_end(bus)
    assert bus.quarantined() == [(2, "fails-alone")] and bus.decided() == 7


def test_several_records_that_are_too_large_are_found_one_after_another() -> None:
    large = {alert_id(3).bytes, alert_id(5).bytes, alert_id(8).bytes}
    bus = OneLane(RECORDS, refuses=lambda record: record.key in large)
    routed_to_the_end(bus)
    assert [offset for offset, _ in bus.quarantined()] == [2, 4, 7] and bus.decided() == 5


def test_a_fault_in_route_sets_its_record_aside_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(arrived: Arrived, state: State) -> Routed:
        if arrived.record.offset == 4:
            raise ZeroDivisionError("the name of a person")
        return route(arrived, state)

    monkeypatch.setattr(router_module, "route", faulty)
    bus = OneLane(RECORDS)
    with capture_logs() as logs:
        routed_to_the_end(bus)
    assert bus.quarantined() == [(4, "fails-alone")] and bus.decided() == 7
    (fault,) = [each for each in logs if each["event"] == "router.fault"]
    assert str(fault["error"]).startswith("ZeroDivisionError in test_router.py:")
    assert "a person" not in str(logs)


def test_what_poisons_a_batch_is_found_by_halving_and_set_aside_alone() -> None:
    def fails(records: Sequence[Record]) -> Exception | None:
        poisoned = any(record.offset == 5 for record in records) and not bus.poison_set_aside
        return Indefinite("a batch failed") if poisoned else None

    class Poisoned(OneLane):
        poison_set_aside = False

        def commit(self, batch: Batch, records: Sequence[Outgoing]) -> None:
            self.poison_set_aside = any(record.topic == "quarantine" for record in records)
            super().commit(batch, records)

    bus = Poisoned(RECORDS, fails=fails)
    routed_to_the_end(bus)
    assert bus.quarantined() == [(5, "fails-alone")] and bus.decided() == 7
    assert bus.sizes[:FAILURES] == [8] * FAILURES and 1 in bus.sizes


def test_after_a_success_batches_grow_again() -> None:
    failures: list[Exception | None] = [Indefinite("unknown")] * FAILURES
    bus = OneLane(
        [record_of(alert(number)) for number in range(1, 65)], fails=lambda _: failures.pop() if failures else None
    )
    routed_to_the_end(bus, batch_records=16)
    assert bus.sizes == [16, 16, 16, 8, 16, 16, 16, 8]


def test_a_good_record_that_could_not_be_written_for_long_is_tried_as_it_is_again() -> None:
    """If setting it aside fails too, nothing can be written: it is not the record."""
    tries = 2 * FAILURES
    bus = OneLane(RECORDS[:1], fails=lambda _: Indefinite("no") if len(bus.sizes) <= tries else None)
    routed_to_the_end(bus)
    assert bus.quarantined() == [] and bus.decided() == 1


def test_a_record_that_is_set_aside_stays_so_while_others_are_committed_before_it() -> None:
    """The mark goes with its record, not with the next success."""
    router = Router(OneLane([]), Lanes(), BUNDLE, 1, clock_ms=lambda: NOW_MS)
    first, second = (Batch({AT: [Record(offset, NOW_MS, *RECORDS[offset][2:4])]}) for offset in (0, 1))
    for _ in range(FAILURES):
        router._failed(second)
    batches = [first, second]

    class Given(OneLane):
        def read(self, limit: int, wait_ms: int) -> Batch:
            return batches.pop(0)

    router._bus = bus = Given([])
    router.step(0)
    router.step(0)
    assert bus.quarantined() == [(1, "fails-alone")]


def test_a_failed_read_says_nothing_of_any_record() -> None:
    class Unreadable(OneLane):
        def read(self, limit: int, wait_ms: int) -> Batch:
            if len(self.sizes) % 2:
                self.sizes.append(0)
                raise Indefinite("a poll failed")
            return super().read(limit, wait_ms)

    bus = Unreadable(RECORDS[:1], fails=lambda _: Indefinite("no") if len(bus.sizes) < 40 else None)
    routed_to_the_end(bus)
    assert bus.quarantined() == []


def test_every_crash_point_is_passed_in_order() -> None:
    points: list[str] = []
    routed_to_the_end(OneLane(RECORDS), mark=points.append)
    assert tuple(points) == MARKS


def test_the_loop_ends_when_its_slot_was_taken() -> None:
    bus = OneLane(RECORDS, fails=lambda _: SlotTaken("taken"))
    with pytest.raises(SlotTaken):
        run(Router(bus, Lanes(), BUNDLE, 1, clock_ms=lambda: NOW_MS), lambda: False)


# Restoring


STATE = State(BUNDLE, LOCAL_IDS, 1, NOW_MS, {})
HOLDINGS = TopicPartition("holdings", 0)


def kept(*records: Outgoing) -> Iterator[tuple[TopicPartition, Record]]:
    for offset, record in enumerate(records):
        yield TopicPartition("holdings", record.partition), Record(offset, NOW_MS, record.key, record.value)


def position(topic: str, next_offset: int, partition: int = 0) -> Outgoing:
    return emit.position(topic, partition, next_offset, next_offset - 1, STATE)


def test_a_lane_is_restored_to_what_was_committed_last() -> None:
    lanes = Lanes()
    table = (Outgoing("holdings", 0, b"a" * 16, b"1"), position("alerts.customs", 3), position("alerts.customs", 9))
    lanes.restore({AT: 9}, kept(*table, Outgoing("holdings", 0, b"a" * 16, b"2")))
    assert lanes[0].holdings == {b"a" * 16: b"2"}
    assert (lanes[0].next_offset("alerts.customs"), lanes[0].previous("alerts.customs")) == (9, 8)


def test_a_tombstone_ends_a_holding() -> None:
    lanes = Lanes()
    lanes.restore({AT: 0}, kept(Outgoing("holdings", 0, b"a" * 16, b"1"), Outgoing("holdings", 0, b"a" * 16, None)))
    assert lanes[0].holdings == {}


def test_lanes_that_went_elsewhere_are_forgotten() -> None:
    lanes = Lanes()
    lanes.restore({AT: 0}, kept(Outgoing("holdings", 0, b"a" * 16, b"1")))
    lanes.restore({TopicPartition("alerts.customs", 1): 0}, kept())
    assert lanes[0].holdings == {}


@pytest.mark.parametrize(("committed", "state"), [(5, 6), (6, 5), (0, 1), (1, 0)])
def test_state_and_committed_offset_that_do_not_fit_are_torn_and_both_are_named(committed: int, state: int) -> None:
    table = kept(*([position("alerts.customs", state)] if state else []))
    with pytest.raises(Torn, match=f"committed {committed}, state {state}") as torn:
        Lanes().restore({AT: committed}, table)
    assert torn.value.lane == 0


@pytest.mark.parametrize(
    "record",
    [
        Outgoing("holdings", 1, None, b"1"),
        Outgoing("holdings", 1, b"@position/alerts.customs", b"no position"),
        Outgoing("holdings", 1, b"@position/\xff", position("x", 1).value),
    ],
    ids=["no key", "no position", "no topic"],
)
def test_state_that_cannot_be_read_tears_its_own_lane_only(record: Outgoing) -> None:
    offsets = {AT: 0, TopicPartition("alerts.customs", 1): 0}
    lanes = Lanes()
    with pytest.raises(Torn) as torn:
        lanes.restore(offsets, kept(record))
    assert torn.value.lane == 1


def test_a_torn_restore_changes_nothing() -> None:
    lanes = Lanes()
    lanes.restore({AT: 0}, kept(Outgoing("holdings", 0, b"a" * 16, b"1")))
    with pytest.raises(Torn):
        lanes.restore({AT: 5}, kept())
    assert lanes[0].holdings == {b"a" * 16: b"1"}
