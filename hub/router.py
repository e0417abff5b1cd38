"""The routing process: settings, topics, loop. A batch is read, routed, written and committed in one transaction.

What follows from a record is routing/route.py's; what Kafka needs is bus/kafka.py's. This file owns the clock, the state of
the lanes and what is done when a commit fails.
"""

from __future__ import annotations

import gc
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from hub.bus.bus import Batch, Bus, Indefinite, Outgoing, Record, TooLarge, TopicPartition, Torn
from hub.guidelines.bundle import Bundle
from hub.inforce import Rules
from hub.model.avro import LOCAL_IDS, SchemaIds
from hub.routing import emit
from hub.routing.holdings import Lane, TornState
from hub.routing.opening import ALERTS, Refused
from hub.routing.route import route
from hub.routing.state import Arrived, Routed, State

log = structlog.get_logger()

GROUP: Final = "enlace-router"
STATE_TOPIC: Final = emit.HOLDINGS
BATCH_RECORDS: Final = 2_000
WAIT_MS: Final = 300
FAILURES: Final = 3  # of a batch, before it is halved; of one record, before it is set aside
MARKS: Final = ("router:read", "router:routed", "router:staged")

Mark = Callable[[str], None]
# Told of each turn that went well: how many records had which result, when each had been acknowledged, and the time once
# they were committed, both in milliseconds since 1970. Nothing and nobody if there was nothing to do.
Observe = Callable[[Mapping[str, int], Iterable[int], int], None]


def unmarked(_name: str) -> None:
    """Nobody watches the crash points."""


def unobserved(_results: Mapping[str, int], _acknowledged_ms: Iterable[int], _now_ms: int) -> None:
    """Nobody counts."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def always(bundle: Bundle) -> Callable[[], Rules]:
    """The rules of one bundle, without holds, for ever."""
    rules = Rules(bundle)
    return lambda: rules


@contextmanager
def collector_paused() -> Iterator[None]:
    """No look for cyclic garbage while a batch grows, which would take a fifth of the time and find nothing: one after it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Lanes:
    """The state of the lanes that this process owns. It is the bus's Restore: it takes in what the bus hands over."""

    def __init__(self) -> None:
        self._lanes: dict[int, Lane] = {}

    def __getitem__(self, number: int) -> Lane:
        return self._lanes.setdefault(number, Lane())

    def restore(self, offsets: Mapping[TopicPartition, int], table: Iterator[tuple[TopicPartition, Record]]) -> None:
        """The whole state anew, which must fit the offsets: each topic's position record says where it stood."""
        lanes = {at.partition: Lane() for at in offsets}
        for at, record in table:
            try:
                lanes[at.partition].restore(record.key, record.value)
            except TornState as torn:
                raise Torn(f"{at.topic}-{at.partition} at {record.offset}: {torn}", at.partition) from None
        for at, offset in offsets.items():
            expected = lanes[at.partition].next_offset(at.topic)
            if expected != offset:
                raise Torn(f"{at.topic}-{at.partition}: committed {offset}, state {expected}", at.partition)
        self._lanes = lanes
        log.info("router.restored", lanes=sorted(lanes), holdings=sum(len(lane.holdings) for lane in lanes.values()))


class Overlay(dict[bytes, bytes]):
    """A lane's holdings with what this batch staged on top: nothing below it changes before the commit."""

    def __init__(self, below: Mapping[bytes, bytes]) -> None:
        super().__init__()
        self._below = below

    def get(self, key: bytes, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
        staged = super().get(key)
        if staged is None:
            return self._below.get(key, default)
        return staged or default  # one that is forgotten hides what is below it


@dataclass
class Staged:
    """What one batch would change, by lane: holdings and positions; and which record each outgoing one follows from."""

    outgoing: list[Outgoing] = field(default_factory=list)
    origins: list[tuple[TopicPartition, int]] = field(default_factory=list)
    holdings: dict[int, Overlay] = field(default_factory=dict)
    positions: dict[TopicPartition, tuple[int, int]] = field(default_factory=dict)
    results: dict[str, int] = field(default_factory=dict)

    def add(self, origin: tuple[TopicPartition, int], routed: Routed) -> None:
        outgoing, _, result = routed
        self.outgoing += outgoing
        self.origins += [origin] * len(outgoing)
        self.results[result] = self.results.get(result, 0) + 1


class Router:
    """Routes batch by batch. `bus` must restore into `lanes`.

    `rules`: a bundle, or what gives the rules of the next transaction (inforce.py's InForce.rules). It is asked before a read
    and again after it, as a read may wait: what came into force meanwhile counts for what was read.
    """

    def __init__(
        self,
        bus: Bus,
        lanes: Lanes,
        rules: Bundle | Callable[[], Rules],
        partitions: int,
        *,
        ids: SchemaIds = LOCAL_IDS,
        clock_ms: Callable[[], int] = now_ms,
        batch_records: int = BATCH_RECORDS,
        mark: Mark = unmarked,
        observe: Observe = unobserved,
    ) -> None:
        self._bus = bus
        self._lanes = lanes
        self._take_rules = always(rules) if isinstance(rules, Bundle) else rules
        self._rules: Rules | None = None
        self._closed: frozenset[str] = frozenset()
        self._partitions = partitions
        self._ids = ids
        self._clock_ms = clock_ms
        self._most = batch_records
        self._limit = batch_records
        self._failures = 0
        self._unfit: set[tuple[TopicPartition, int]] = set()
        self._mark = mark
        self._observe = observe

    def step(self, wait_ms: int = WAIT_MS) -> int:
        """One batch, if there is one; how many records it had. Raises Indefinite and SlotTaken, and may be called again
        after Indefinite: what was staged is dropped, and the same records come again."""
        try:
            self._renew_rules()
            batch = self._bus.read(self._limit, wait_ms)
            self._renew_rules()
        except Indefinite:
            self._failures = 0  # the bus itself is in trouble: that says nothing of any record
            raise
        if not batch.count or any(at.topic in self._closed for at in batch.records):
            self._observe({}, (), 0)
            return 0  # an intake that was closed meanwhile: given up by the next read, which leaves it out
        self._mark("router:read")
        with collector_paused():
            staged = self.staged(batch)
        self._mark("router:routed")
        try:
            self._bus.commit(batch, staged.outgoing)
        except TooLarge as error:
            self._unfit.add(staged.origins[error.index])
            return 0
        except Indefinite:
            self._failed(batch)
            raise
        self._keep(staged)
        self._mark("router:staged")
        self._failures, self._limit = 0, min(self._most, self._limit * 2)
        self._unfit.difference_update(staged.origins)
        times_ms = (record.timestamp_ms for records in batch.records.values() for record in records)
        self._observe(staged.results, times_ms, self._clock_ms())
        log.debug("router.committed", records=batch.count, **staged.results)
        return batch.count

    def _renew_rules(self) -> Rules:
        rules = self._rules = self._take_rules()
        closed = frozenset(ALERTS + agency for agency in rules.closed)
        if closed != self._closed:
            self._bus.hold(closed)
            self._closed = closed
        return rules

    def staged(self, batch: Batch) -> Staged:
        """What follows from a batch; nothing is changed."""
        staged = Staged()
        rules = self._rules or self._renew_rules()
        time_ms = self._clock_ms()
        for at, records in batch.records.items():
            lane = self._lanes[at.partition]
            holdings = staged.holdings.setdefault(at.partition, Overlay(lane.holdings))
            state = State(rules.bundle, self._ids, self._partitions, time_ms, holdings, rules.held)
            previous = lane.previous(at.topic)
            for record in records:
                origin = at, record.offset
                routed = self._routed(origin, Arrived(at.topic, at.partition, record, previous), state)
                holdings.update(routed.holdings)
                previous = record.offset
                staged.add(origin, routed)
            staged.positions[at] = records[-1].offset + 1, previous
            position = emit.position(at.topic, at.partition, *staged.positions[at], state)
            staged.outgoing.append(position)
            staged.origins.append((at, records[-1].offset))
        return staged

    def _routed(self, origin: tuple[TopicPartition, int], arrived: Arrived, state: State) -> Routed:
        """route() is total; if it fails all the same, or what follows cannot be written, the record is set aside."""
        if origin not in self._unfit:
            try:
                return route(arrived, state)
            except Exception as error:  # a fault of ours: the others go on, and nothing of the record is told
                log.error("router.fault", topic=origin[0].topic, offset=origin[1], error=_without_values(error))
        refused = Refused("fails-alone")
        record = emit.quarantined(arrived.source, arrived.record, refused, state)
        return Routed([record], {}, refused.reason)

    def _failed(self, batch: Batch) -> None:
        """After three failures a batch is halved; a record that fails alone, while the bus reads well, is set aside.

        If that fails too it is not the record: then nothing can be written, and the record is tried again as it is.
        """
        self._failures += 1
        if self._failures < FAILURES:
            return
        self._failures = 0
        if batch.count > 1:
            self._limit = max(1, batch.count // 2)
            return
        ((at, (record,)),) = batch.records.items()
        if (at, record.offset) in self._unfit:
            self._unfit.remove((at, record.offset))
            return
        self._unfit.add((at, record.offset))
        log.error("router.fails-alone", topic=at.topic, partition=at.partition, offset=record.offset)

    def _keep(self, staged: Staged) -> None:
        for number, overlay in staged.holdings.items():
            self._lanes[number].keep(overlay)
        for at, position in staged.positions.items():
            self._lanes[at.partition].positions[at.topic] = position


def _without_values(error: Exception) -> str:
    """What kind of fault it is and where, for whoever mends it: its message might repeat data."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}"


def run(router: Router, stop: Callable[[], bool]) -> None:
    """Routes until `stop`. Whatever is unknown after a failure is read again, a little later each time. Raises SlotTaken."""
    pause_s = 0.1
    while not stop():
        try:
            router.step()
            pause_s = 0.1
        except Indefinite as unknown:
            log.warning("router.indefinite", reason=str(unknown))
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 5.0)
