"""The scheduler: it orders each end when its time has come, once if it is carried out, whoever else orders the same."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from hub.bus.bus import Indefinite, Outgoing, Record, SlotTaken, TopicPartition, lane
from hub.model.avro import decode_as, unframe
from hub.model.compose import DAY_MS
from hub.model.core import Alert
from hub.model.decision import Control
from hub.readmodel.reading import Reading, ReadingFailed
from hub.routing.lifecycle import FORGOTTEN_AFTER_MS
from hub.scheduler import DUE_AT_ONCE, FIRST_PAUSE_S, LOOK_S, ORDERS_AT_ONCE, Dues, Scheduler, run
from tests.routing.alerts import NOW_MS, Hub, alert, alert_id, cancel, record_of

HOLDINGS = TopicPartition("holdings", 0)
MADE = alert(valid_ms=DAY_MS)


class Table(Reading):
    """The topic `holdings` in memory, in one partition or several."""

    def __init__(self, logs: Mapping[TopicPartition, list[Record]], chunk: int = 1_000) -> None:
        self.logs, self.chunk = logs, chunk
        self.next: dict[TopicPartition, int] = {}
        self.fails = False

    def places(self) -> set[TopicPartition]:
        return set(self.logs)

    def spans(
        self, places: Sequence[TopicPartition]
    ) -> tuple[Mapping[TopicPartition, int], Mapping[TopicPartition, int]]:
        return dict.fromkeys(places, 0), {at: len(self.logs[at]) for at in places}

    def start(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.next = dict(offsets)

    def poll(self, limit: int, wait_ms: int) -> Mapping[TopicPartition, Sequence[Record]]:
        if self.fails:
            raise ReadingFailed("away")
        found = {at: self.logs[at][begin : begin + min(limit, self.chunk)] for at, begin in self.next.items()}
        self.next = {at: begin + len(found[at]) for at, begin in self.next.items()}
        return {at: records for at, records in found.items() if records}

    def position(self, at: TopicPartition) -> int | None:
        return self.next[at]

    def close(self) -> None: ...


@dataclass
class World:
    """A lane with its router, a clock, and schedulers that run on the same topics."""

    hub: Hub = field(default_factory=Hub)
    log: list[Record] = field(default_factory=list)
    control: list[Outgoing] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    seconds: float = 0.0
    fails: Callable[[], Exception | None] = lambda: None
    routed: int = 0

    def decide(self, *alerts: Alert) -> None:
        for each in alerts:
            self.take(record_of(each, self.hub.partitions))

    def take(self, record: Outgoing) -> dict[str, str]:
        """Routed: the holdings stand on their topic. Who was sent what."""
        found = self.hub.take(record, timestamp_ms=self.hub.now_ms)
        for each in found.routed.outgoing:
            if each.topic == "holdings":
                self.log.append(Record(len(self.log), self.hub.now_ms, each.key, each.value))
        return found.sent()

    def route(self) -> list[dict[str, str]]:
        """What followed from each new order."""
        new, self.routed = self.control[self.routed :], len(self.control)
        return [self.take(order) for order in new]

    def scheduler(self, chunk: int = 1_000, withdraw_after_ms: int = 0) -> Scheduler:
        return Scheduler(
            lambda: Table({HOLDINGS: self.log}, chunk),
            lambda: self,  # type: ignore[arg-type, return-value]
            withdraw_after_ms=withdraw_after_ms,
            clock_ms=lambda: self.hub.now_ms,
            clock_s=lambda: self.seconds,
        )

    def publish(self, records: Sequence[Outgoing]) -> None:
        """It is the publisher, too."""
        if failure := self.fails():
            raise failure
        self.sizes.append(len(records))
        self.control += records

    def close(self) -> None: ...

    def later(self, *, days: int = 0, seconds: float = LOOK_S) -> None:
        self.hub.now_ms += days * DAY_MS + int(seconds * 1_000)
        self.seconds += seconds

    def orders(self, start: int = 0) -> list[tuple[str, int]]:
        """Kind and number of the alert."""
        found = [decode_as(Control, unframe(each.value or b"")[1]) for each in self.control[start:]]
        assert all(each.value is None and each.key is None for each in found), "an order carries nothing"
        return [(each.kind, (each.alert or alert_id(0)).int & 0xFFFF) for each in found]


@pytest.fixture
def world() -> World:
    return World()


def stepped(scheduler: Scheduler, times: int = 3) -> int:
    return sum(scheduler.step(0) for _ in range(times))


def test_an_end_is_ordered_when_its_time_has_come_and_not_before(world: World) -> None:
    world.decide(MADE, alert(2, valid_ms=9 * DAY_MS))
    scheduler = world.scheduler()
    assert stepped(scheduler) == 0
    world.later(days=1)
    assert stepped(scheduler) == 1 and world.orders() == [("expire", 1)]
    assert world.route() == [{"police": "withdrawal", "prosecutor": "withdrawal", "shelter": "withdrawal"}]


def test_what_recipients_may_go_on_holding_is_withdrawn_later_than_its_validity_ends_and_then_forgotten(
    world: World,
) -> None:
    world.decide(MADE)
    scheduler = world.scheduler(withdraw_after_ms=30 * DAY_MS)
    world.later(days=30)
    assert stepped(scheduler) == 0
    world.later(days=1)
    assert stepped(scheduler) == 1 and world.orders() == [("expire", 1)]
    world.route()
    world.later(days=89)
    assert stepped(scheduler) == 0
    world.later(days=1)
    assert stepped(scheduler) == 1 and world.orders(1) == [("forget", 1)]


def test_an_order_names_the_alert_in_its_lane_and_says_since_when_it_is_due(world: World) -> None:
    world.decide(MADE)
    world.later(days=1)
    stepped(world.scheduler())
    (record,) = world.control
    order = decode_as(Control, unframe(record.value or b"")[1])
    assert (record.topic, record.partition, record.key) == ("control", 0, MADE.core.id.bytes)
    assert (order.topic, order.partition, order.offset, order.who) == ("holdings", 0, -1, "scheduler")
    assert order.why == "due since 2023-11-15T22:13:20.000Z"


def test_an_order_goes_into_the_lane_of_its_alert() -> None:
    world = World(Hub(partitions=3))
    world.decide(*(alert(number, valid_ms=DAY_MS) for number in range(1, 20)))
    logs = {TopicPartition("holdings", number): list[Record]() for number in range(3)}
    for record in world.log:
        logs[TopicPartition("holdings", lane(record.key or b"", 3))].append(record)
    scheduler = Scheduler(
        lambda: Table(logs), lambda: world, clock_ms=lambda: NOW_MS + DAY_MS, clock_s=lambda: 0.0  # type: ignore[arg-type, return-value]
    )  # fmt: skip
    assert stepped(scheduler) == 19
    assert all(each.partition == lane(each.key or b"", 3) for each in world.control)


def test_nothing_is_ordered_before_everything_was_read(world: World) -> None:
    """The newest record of a holding may stand at the end, and tell of a renewal."""
    world.decide(*(alert(number, valid_ms=DAY_MS) for number in range(1, 9)))
    world.decide(*(alert(number, 2, valid_ms=9 * DAY_MS) for number in range(1, 9)))
    world.later(days=1)
    assert stepped(world.scheduler(chunk=1), 40) == 0


def test_what_is_ordered_is_not_ordered_again_at_once_but_after_a_growing_pause(world: World) -> None:
    world.decide(MADE)
    world.later(days=1)
    scheduler = world.scheduler()
    times = []
    for _ in range(int(8 * FIRST_PAUSE_S / LOOK_S)):
        if stepped(scheduler, 1):
            times.append(world.seconds)
        world.later()
    pauses = [second - first for first, second in itertools.pairwise(times)]
    assert pauses == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S] and scheduler.unheeded == 1
    world.route()
    stepped(scheduler)
    world.later()
    assert stepped(scheduler) == 0 and scheduler.unheeded == 0


def test_two_schedulers_or_one_that_starts_anew_change_nothing_more(world: World) -> None:
    world.decide(MADE)
    world.later(days=1)
    assert [stepped(world.scheduler()) for _ in range(3)] == [1, 1, 1]
    first, *others = world.route()
    assert first and not any(others)
    assert stepped(world.scheduler()) == 0


def test_an_alert_that_was_renewed_is_ordered_to_end_when_its_own_time_comes(world: World) -> None:
    world.decide(MADE)
    scheduler = world.scheduler()
    stepped(scheduler)
    world.decide(alert(1, 2, valid_ms=3 * DAY_MS))
    world.later(days=1)
    assert stepped(scheduler) == 0
    world.later(days=2)
    assert stepped(scheduler) == 1


def test_an_alert_that_nobody_holds_is_forgotten_long_after_its_end_and_after_its_last_change(world: World) -> None:
    """A cancel may come with a validity that has passed long ago: the revisions before it may be in the log still."""
    world.decide(alert(1, valid_ms=9 * DAY_MS), cancel(1, valid_ms=-200 * DAY_MS))
    scheduler = world.scheduler()
    assert stepped(scheduler) == 0
    world.later(days=FORGOTTEN_AFTER_MS // DAY_MS - 1)
    assert stepped(scheduler) == 0
    world.later(days=1)
    assert stepped(scheduler) == 1 and world.orders() == [("forget", 1)]
    world.route()
    stepped(scheduler)
    assert world.hub.holdings == {} and scheduler.dues.counted() == {"expire": 0, "forget": 0}


def test_a_whole_life_comes_to_its_end(world: World) -> None:
    world.hub.held = frozenset({"police"})
    world.decide(*(alert(number, valid_ms=number * DAY_MS) for number in range(1, 6)))
    scheduler, sent = world.scheduler(), list[dict[str, str]]()
    for _ in range(200):
        world.later(days=1)
        stepped(scheduler)
        sent += world.route()
    assert sorted(world.orders()) == sorted((kind, number) for kind in ("expire", "forget") for number in range(1, 6))
    assert sum(map(bool, sent)) == 5 and world.hub.holdings == {} and scheduler.unheeded == 0


def test_orders_are_written_in_transactions_of_bounded_size_the_oldest_first() -> None:
    world = World()
    template = Hub()
    template.take(MADE)
    (value,) = template.holdings.values()
    many = DUE_AT_ONCE + 7
    world.log = [Record(offset, NOW_MS, alert_id(offset).bytes, value) for offset in range(many)]
    world.later(days=1)
    scheduler = world.scheduler(chunk=many)
    assert [scheduler.step(0), scheduler.step(0), scheduler.step(0)] == [DUE_AT_ONCE, 7, 0]
    assert max(world.sizes) == ORDERS_AT_ONCE and len({each.key for each in world.control}) == many


def test_a_holding_that_cannot_be_read_is_told_by_its_place_and_the_others_go_on(world: World) -> None:
    world.decide(MADE)
    world.log.append(Record(1, NOW_MS, alert_id(2).bytes, b"\0\0\0\0\5 a name"))
    world.later(days=1)
    with capture_logs() as logs:
        assert stepped(world.scheduler()) == 1
    unreadable = [each for each in logs if each["event"] == "scheduler.unreadable"]
    assert [(each["partition"], each["offset"]) for each in unreadable] == [(0, 1)] and "name" not in str(logs)


def test_positions_and_foreign_keys_are_no_alerts() -> None:
    dues = Dues(0)
    for key in (None, b"@position/alerts.customs", b"x"):
        dues.take(HOLDINGS, Record(0, NOW_MS, key, b"1"))
    assert dues.counted() == {"expire": 0, "forget": 0}


def test_what_fails_is_tried_again_from_the_beginning_and_a_lost_slot_ends_the_loop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.scheduler.time.sleep", lambda _: world.later(seconds=LOOK_S))
    world.decide(MADE)
    world.later(days=1)
    failures: list[Exception | None] = [Indefinite("unknown"), ReadingFailed("away"), None, SlotTaken("taken")]
    world.fails = lambda: failures.pop(0)
    turns: list[int] = []

    def turn() -> None:
        turns.append(len(world.control))
        world.later(seconds=FIRST_PAUSE_S)

    with pytest.raises(SlotTaken):
        run(world.scheduler(), lambda: False, turn)
    assert failures == [] and len(world.control) == 1 and turns


def test_a_cluster_without_the_topic_is_tried_again(world: World) -> None:
    scheduler = Scheduler(
        lambda: Table({}), lambda: world, clock_ms=lambda: NOW_MS, clock_s=lambda: 0.0  # type: ignore[arg-type, return-value]
    )  # fmt: skip
    with pytest.raises(ReadingFailed, match="enlace topics create"):
        scheduler.step(0)
    scheduler.close()
