"""A simulated hub: the real Router over the simulated bus, with everything that may go wrong drawn from one seed."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from hub.bus.bus import Indefinite, Outgoing, Record, SlotTaken, TopicPartition
from hub.bus.memory import MemoryBus
from hub.bus.memory_log import NO_FAULTS, START_MS, Crashed, Faults, MemoryLog
from hub.bus.topics import INTAKE_PATTERN
from hub.model.avro import decode_as, unframe
from hub.model.compose import DAY_MS
from hub.model.decision import Ended, Quarantined
from hub.model.delivery import Delivery
from hub.router import GROUP, STATE_TOPIC, Lanes, Router
from tests.auditor import Finding, audit
from tests.routing.alerts import AGENCIES, BUNDLE, decoded, order_about, order_to, receipt_of
from tests.simulation.load import LANES, NUMBERS, drawn, named, renewed

TOPICS = (
    *("alerts.customs", "alerts.police", "receipts.police", "receipts.shelter"),
    *(f"deliveries.{agency}" for agency in AGENCIES),
    *("control", "decisions", "holdings", "quarantine"),
)
FAULTY = Faults(crash=0.02, failed_read=0.03, lost_request=0.02, lost_answer=0.05, late_commit=0.05, rebalance=0.03)
STORMY = FAULTY._replace(lost_request=0.3, lost_answer=0.2, crash=0.05)  # so that records fail alone, again and again
ROUNDS = 18
MOST_ROUNDS = 500
LATER_MS = (31 * DAY_MS, 91 * DAY_MS)  # steps of the clock: first all alerts have ended, then they may be forgotten
LATE_ROUNDS = 6


@dataclass
class World:
    """One run. `later`: the clock steps on until alerts end; in a ninth of the runs, unless said. `hit` counts what happened,
    crash points by their names."""

    seed: int
    faults: Faults = FAULTY
    routers: int = 1
    records: int = 14
    later: bool | None = None
    hit: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.later = self.seed // 3 % 9 == 1 if self.later is None else self.later
        self.log = MemoryLog(self.seed, self.faults)
        for topic in TOPICS:
            self.log.create(topic, LANES)
        self.now_ms = START_MS
        self.waiting = drawn(self.random, self.records)
        if self.later:
            self.waiting += [renewed(number) for number in self.random.sample(NUMBERS, 3)]
        self.at_work: dict[str, list[Router]] = {}  # by slot; a second one takes the slot from the first
        for number in range(self.routers):
            self.start(f"router-{number}")

    def start(self, slot: str) -> None:
        lanes = Lanes()
        bus = MemoryBus(
            self.log,
            group=GROUP,
            slot=slot,
            topics=INTAKE_PATTERN,
            restore=lanes.restore,
            state_topic=STATE_TOPIC,
            on_alarm=self.alarmed,
            mark=self.note,
        )
        few = self.random.choice((1, 2, 3, 8, 50))
        router = Router(bus, lanes, BUNDLE, LANES, clock_ms=self.clock_ms, batch_records=few, mark=self.point)
        self.at_work.setdefault(slot, []).append(router)

    def clock_ms(self) -> int:
        return self.now_ms

    def note(self, point: str) -> None:
        self.hit[point] += 1

    def alarmed(self, line: str) -> None:
        self.hit[f"alarm: {line}"] += 1

    def point(self, point: str) -> None:
        """A crash point of the router's own."""
        self.hit[point] += 1
        if self.log.chance(self.log.faults.crash):
            raise Crashed(point)

    def step(self) -> int:
        """One router takes one step; how many records it committed."""
        slot = self.random.choice(sorted(self.at_work))
        router = self.random.choice(self.at_work[slot])
        try:
            return router.step(0)
        except Indefinite as unknown:
            self.hit["indefinite"] += 1
            self.hit["result unknown"] += "commit" in str(unknown)
        except SlotTaken:
            self.hit["slot taken"] += 1
            self.end(slot, router)
        except Crashed as crash:
            self.hit[f"crash {crash}"] += 1
            self.end(slot, router)
        return 0

    def end(self, slot: str, router: Router) -> None:
        self.at_work[slot].remove(router)
        if not self.at_work[slot]:
            del self.at_work[slot]
        if not self.at_work:
            self.start(slot)

    def upset(self) -> None:
        """Something happens around the routers."""
        what = self.random.randrange(12)
        slots = sorted(self.at_work)
        if what == 0:  # a replacement while the first may still be there
            self.start(self.random.choice(slots))
        elif what == 1:  # a session ends; its router does not know
            self.log.leave(GROUP, self.random.choice(slots))
        elif what == 2 and len(slots) < LANES:
            self.start(f"router-{self.random.randrange(LANES)}")
        elif what == 3 and len(slots) > 1:
            gone = self.random.choice(slots)
            self.log.leave(GROUP, gone)
            del self.at_work[gone]
        elif what == 4:  # the hub's clock is set, either way
            days = self.random.choice((-2, -1, 1, 1, 1, 2))
            self.now_ms += days * DAY_MS
            self.hit["clock set back"] += days < 0
        elif what == 6:
            self.log.move(GROUP)
            self.hit["rebalanced"] += 1
        elif what == 5:
            self.answer()

    def was_set_aside(self, record: Record) -> bool:
        return decode_as(Quarantined, unframe(record.value or b"")[1]).reason == "fails-alone"

    def answer(self) -> None:
        """Recipients confirm, operators replay and return."""
        waiting = self.committed("quarantine")
        if waiting:
            quarantined = decode_as(Quarantined, unframe(self.random.choice(waiting)[1].value or b"")[1])
            if quarantined.topic != "control":
                self.write(order_about(quarantined, self.random.choice(("replay", "return", "forget"))))
        delivered = self.committed(f"deliveries.{self.random.choice(AGENCIES)}")
        if delivered:
            at, record = self.random.choice(delivered)
            receipt = receipt_of(decode_as(Delivery, unframe(record.value or b"")[1]))
            if receipt.topic in TOPICS:
                self.write(receipt._replace(partition=at.partition))

    def come_to_ends(self, later_ms: int) -> None:
        """Much time goes by, and alerts end, while things go wrong again."""
        self.now_ms += later_ms
        self.log.faults = self.faults
        for _ in range(LATE_ROUNDS):
            self.order_ends()
            self.upset()
            self.step()
        self.drain()

    def order_ends(self) -> None:
        """The scheduler orders that alerts end: those whose time has come, and some too early, again, or not at all known."""
        for number in self.random.sample(NUMBERS, 4):
            kind = self.random.choice(("expire", "expire", "forget"))
            for _ in range(self.random.choice((1, 1, 2))):  # two schedulers run
                self.write(order_to(kind, named(number), LANES))

    def write(self, record: Outgoing) -> None:
        self.log.append(record)

    def committed(self, topic: str) -> list[tuple[TopicPartition, Record]]:
        return [(at, record) for at in self.log.partitions(topic) for record in self.log.fetch(at, 0, 1 << 62)]

    def run(self) -> list[Finding]:
        """The whole run; what the auditor finds."""
        for _ in range(ROUNDS):
            for _ in range(self.random.randrange(3)):
                if self.waiting:
                    self.write(self.waiting.pop(0))
            self.upset()
            self.step()
        for record in self.waiting:
            self.write(record)
        self.drain()
        for later_ms in LATER_MS if self.later else ():
            self.come_to_ends(later_ms)
        ends = [decoded(record.value) for _, record in self.committed("decisions")]
        self.hit.update(each.outcome for each in ends if isinstance(each, Ended))
        self.hit["set aside"] += sum(self.was_set_aside(record) for _, record in self.committed("quarantine"))
        return audit(self.history(), [BUNDLE], LANES, alone=self.faults != NO_FAULTS)

    def drain(self) -> None:
        """Nothing goes wrong any more, and everything that is left is routed."""
        self.log.faults = NO_FAULTS
        for _ in range(MOST_ROUNDS):
            for slot in self.log.group(GROUP).incarnations.keys() - self.at_work.keys():
                self.log.leave(GROUP, slot)  # nobody is in that slot any more: its session ends
            if not self.step() and self.done():
                return
        self.hit["not done"] += 1  # the auditor will find what is missing

    def done(self) -> bool:
        """Everything that was written is decided upon."""
        intake = [at for topic in self.log.topics(INTAKE_PATTERN) for at in self.log.partitions(topic)]
        committed = self.log.committed(GROUP, intake)
        return all(committed.get(at, 0) == self.log.span(at)[1] for at in intake)

    def history(self) -> dict[TopicPartition, list[Record]]:
        return {at: self.log.fetch(at, 0, 1 << 62) for topic in TOPICS for at in self.log.partitions(topic)}
