"""The scheduling process: it orders that alerts end, each when its time has come: first to expire, later to be forgotten.

An alert whose validity has passed is released to nobody any more. Copies of it may be kept for as long as the guidelines
oblige to, and are called back whenever its originator says so; what is left of them is withdrawn after `withdraw_after_ms`.

What follows from an order is the router's to decide, from the holding that it has (routing/ending.py). This process reads the
same holdings from their topic, by assignment, and keeps nothing else. So an order may come late, twice or without need, from
one scheduler or several, and does no harm; and whoever starts it anew loses nothing. Of each alert it remembers its id, which
order is due, and when: some 130 bytes.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from typing import Final, NamedTuple

import structlog

from hub.bus.bus import Indefinite, Outgoing, Publisher, Record, TopicPartition, lane
from hub.bus.topics import CONTROL, HOLDINGS
from hub.model.avro import LOCAL_IDS, SchemaIds, Undecodable, encode, frame
from hub.model.base import to_rfc3339
from hub.model.decision import Control
from hub.readmodel.reading import Reading, ReadingFailed
from hub.routing.holdings import opened
from hub.routing.lifecycle import ENDS, End, Rest, rest

log = structlog.get_logger()

NAME: Final = "enlace-scheduler"  # of whoever writes: a second scheduler ends the first, which needs none of its work
WHO: Final = "scheduler"
BATCH_RECORDS: Final = 10_000
WAIT_MS: Final = 300
LOOK_S: Final = 5.0  # between two looks at what is due, each at all that is remembered
DUE_AT_ONCE: Final = 5_000  # of one look
ORDERS_AT_ONCE: Final = 500  # of one transaction
FIRST_PAUSE_S: Final = 60.0  # before the same is ordered again; then twice as long, and so on
LONGEST_PAUSE_S: Final = 6 * 3_600.0
LONGEST_RETRY_S: Final = 5.0
ID_BYTES: Final = 16  # a holding's key is its alert's id; positions stand there too


class Due(NamedTuple):
    """The order that an alert is due for, and since when."""

    since_ms: int
    alert: bytes
    end: End


class _Ordered(NamedTuple):
    """An order that was written, how often, and when it is to be written again if nothing follows from it."""

    due: Due
    times: int
    again_s: float


class Dues:
    """Which order every alert will be due for, and when, by the newest record of its holding."""

    def __init__(self, withdraw_after_ms: int) -> None:
        self._withdraw_after_ms = withdraw_after_ms
        self._when_ms: Mapping[End, dict[bytes, int]] = {end: {} for end in ENDS.values()}

    def take(self, at: TopicPartition, record: Record) -> None:
        """Takes one record of the topic `holdings` in."""
        alert = record.key
        if alert is None or len(alert) != ID_BYTES:
            return
        for known in self._when_ms.values():
            known.pop(alert, None)
        if record.value is None:
            return
        try:
            holding = opened(record.value)
        except Undecodable:  # the router of its lane stops over it, too
            log.error("scheduler.unreadable", partition=at.partition, offset=record.offset)
            return
        left = rest(holding)
        since_ms = holding.valid_until_ms
        if left is Rest.HELD:
            since_ms += self._withdraw_after_ms
        else:  # no record of an earlier revision may be left in the log, whatever its validity was
            since_ms = max(since_ms, record.timestamp_ms)
        self._when_ms[ENDS[left]][alert] = since_ms + ENDS[left].after_ms

    def due(self, now_ms: int) -> Iterator[Due]:
        """Everything that is due now."""
        for end, known in self._when_ms.items():
            for alert, since_ms in known.items():
                if since_ms <= now_ms:
                    yield Due(since_ms, alert, end)

    def still(self, due: Due) -> bool:
        """Whether nothing has followed from what was ordered."""
        return self._when_ms[due.end].get(due.alert) == due.since_ms

    def counted(self) -> Mapping[str, int]:
        """How many alerts wait for which order."""
        return {end.order: len(known) for end, known in self._when_ms.items()}


class Scheduler:
    """Reads and orders. After ReadingFailed or Indefinite, close() it and go on: it reads everything anew."""

    def __init__(
        self,
        reading: Callable[[], Reading],
        publisher: Callable[[], Publisher],
        *,
        ids: SchemaIds = LOCAL_IDS,
        withdraw_after_ms: int = 0,
        clock_ms: Callable[[], int],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`reading`: of the topic `holdings`. `withdraw_after_ms`: how long after the end of an alert's validity its
        recipients may go on holding it. `clock_ms`: what time it is; `clock_s`: only for pauses."""
        self._open_reading = reading
        self._open_publisher = publisher
        self._ids = ids
        self._withdraw_after_ms = withdraw_after_ms
        self._clock_ms = clock_ms
        self._clock_s = clock_s
        self._reading: Reading | None = None
        self._publisher: Publisher | None = None
        self._ends: Mapping[TopicPartition, int] = {}
        self._lanes = 0
        self._look_s = 0.0
        self._ordered: dict[bytes, _Ordered] = {}
        self.orders: Counter[str] = Counter()
        self.dues = Dues(withdraw_after_ms)

    def step(self, wait_ms: int = WAIT_MS) -> int:
        """Reads what is new; and, once all is read, orders what is due, now and then. How many orders it wrote. Raises
        ReadingFailed, Indefinite and SlotTaken."""
        reading = self._opened()
        for at, records in reading.poll(BATCH_RECORDS, wait_ms).items():
            for record in records:
                self.dues.take(at, record)
        if not self._read_whole(reading) or self._clock_s() < self._look_s:
            return 0
        return self._order()

    @property
    def unheeded(self) -> int:
        """How many orders were written from which nothing has followed so far."""
        return len(self._ordered)

    def close(self) -> None:
        """Idempotent; a later step() begins anew."""
        reading, self._reading = self._reading, None
        publisher, self._publisher = self._publisher, None
        if reading is not None:
            reading.close()
        if publisher is not None:
            publisher.close()

    def _opened(self) -> Reading:
        if self._reading is None:
            self.dues = Dues(self._withdraw_after_ms)
            self._reading = self._open_reading()  # closed by close(), whatever fails from here on
            places = sorted(self._reading.places())
            if not places:
                raise ReadingFailed(f"there is no topic {HOLDINGS}: enlace topics create")
            first, self._ends = self._reading.spans(places)
            self._lanes = len(places)
            self._look_s = self._clock_s()
            self._reading.start(first)
        return self._reading

    def _read_whole(self, reading: Reading) -> bool:
        """Whether everything was read that was there at the beginning: before, an alert may have been renewed since."""
        self._ends = {at: end for at, end in self._ends.items() if (reading.position(at) or 0) < end}
        return not self._ends

    def _order(self) -> int:
        now_ms, now_s = self._clock_ms(), self._clock_s()
        self._ordered = {alert: each for alert, each in self._ordered.items() if self.dues.still(each.due)}
        wanted = (due for due in self.dues.due(now_ms) if self._again_s(due) <= now_s)
        found = nsmallest(DUE_AT_ONCE, wanted)
        for start in range(0, len(found), ORDERS_AT_ONCE):
            self._write(found[start : start + ORDERS_AT_ONCE], now_s)
        if len(found) < DUE_AT_ONCE:
            self._look_s = now_s + LOOK_S
        if found:
            log.info("scheduler.ordered", **_by_order(found))
        return len(found)

    def _again_s(self, due: Due) -> float:
        before = self._ordered.get(due.alert)
        return before.again_s if before else 0.0

    def _write(self, some: Sequence[Due], now_s: float) -> None:
        if self._publisher is None:
            self._publisher = self._open_publisher()
        self._publisher.publish([order(due, self._lanes, self._ids) for due in some])
        for due in some:
            before = self._ordered.get(due.alert)
            times = before.times + 1 if before else 1
            pause_s = min(FIRST_PAUSE_S * 2 ** min(times - 1, 16), LONGEST_PAUSE_S)
            self._ordered[due.alert] = _Ordered(due, times, now_s + pause_s)
            self.orders[due.end.order] += 1


def _by_order(some: Iterable[Due]) -> dict[str, int]:
    return dict(Counter(due.end.order for due in some))


def order(due: Due, lanes: int, ids: SchemaIds = LOCAL_IDS) -> Outgoing:
    """The order about one alert, in its lane. It has no original record and carries no bytes."""
    at = lane(due.alert, lanes)
    control = Control(
        kind=due.end.order,
        alert=uuid.UUID(bytes=due.alert),
        topic=HOLDINGS,
        partition=at,
        offset=-1,
        who=WHO,
        why=f"due since {to_rfc3339(due.since_ms)}",
    )
    return Outgoing(CONTROL, at, due.alert, frame(ids.by_name["Control"], encode(control)))


def run(scheduler: Scheduler, stop: Callable[[], bool], turn: Callable[[], None] = lambda: None) -> None:
    """Orders until `stop`; `turn` is called after each step that went well. Raises SlotTaken. What else fails is tried again, a
    little later each time."""
    pause_s = 0.1
    while not stop():
        try:
            scheduler.step()
            turn()
            pause_s = 0.1
        except (Indefinite, ReadingFailed) as error:
            log.warning("scheduler.indefinite", reason=str(error))
            scheduler.close()
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_RETRY_S)
