"""A mixed fault run: agencies publish while faults are dealt like cards, from a deck that the seed shuffles.

Each card is one fault of one kind: a rule for the proxy, or something done to a router, the broker, the topics or the
clock. A short run deals the deck once, so that each kind happens; a long one deals it again and again until its time is
up. What happened is counted, and the auditor judges the whole history. Single faults, step by step, are in the tests.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from confluent_kafka import Producer

from hub.bus.bus import BusError, Outgoing
from hub.bus.watchdog import SLOT_TAKEN
from tests.auditor import Finding
from tests.kafka.faults.load import load
from tests.kafka.faults.proxy import Action, Api, Rule
from tests.kafka.faults.rig import Rig, RouterProcess

BATCH_RECORDS = 40
PUBLISHED_AT_ONCE = 15
TRICKLE_S = 0.15  # between two publications
BETWEEN_CARDS_S = 0.4
STOPPED_S = 8.0  # longer than a session
SHORTLY_S = 2.0
DOWN_S = 1.0
HELD_S = 2.0
DELAYED_S = 0.5
FLUSH_S = 60.0
RULES_S = 90.0  # for what was dealt to happen
RESTORED = "router.restored"  # a router that says so is at work
FOREIGN_CODECS = ("zstd", "gzip", "snappy")
MISDIRECTED = frozenset({"misdirected", "sections", "digest", "altered"})

Frame = tuple[Api, Action, float]  # the last: for how long, in seconds
Card = Frame | str

# What may happen to requests and answers.
FRAMES: tuple[Frame, ...] = (
    (Api.END_TXN, "hold", HELD_S),
    (Api.END_TXN, "cut", HELD_S),
    (Api.END_TXN, "sever", 0),
    (Api.END_TXN, "drop", 0),
    (Api.END_TXN, "drop-answer", 0),
    (Api.PRODUCE, "hold", HELD_S),
    (Api.PRODUCE, "cut", HELD_S),
    (Api.PRODUCE, "drop", 0),
    (Api.PRODUCE, "drop-answer", 0),
    (Api.PRODUCE, "delay-answer", DELAYED_S),
    (Api.TXN_OFFSET_COMMIT, "cut", HELD_S),
    (Api.TXN_OFFSET_COMMIT, "drop", 0),
    (Api.TXN_OFFSET_COMMIT, "drop-answer", 0),
    (Api.ADD_OFFSETS, "drop-answer", 0),
    (Api.ADD_PARTITIONS, "drop-answer", 0),
    (Api.INIT_PRODUCER_ID, "cut", DELAYED_S),
    (Api.INIT_PRODUCER_ID, "drop-answer", 0),
    (Api.WRITE_MARKERS, "hold", DELAYED_S),
    (Api.FETCH, "sever", 0),
    (Api.FETCH, "drop-answer", 0),
    (Api.HEARTBEAT, "drop-answer", 0),
)
AT_START: tuple[Frame, ...] = (
    (Api.JOIN_GROUP, "drop-answer", 0),
    (Api.SYNC_GROUP, "drop-answer", 0),
    (Api.OFFSET_FETCH, "drop-answer", 0),
    (Api.FIND_COORDINATOR, "drop-answer", 0),
)
DEEDS = (
    "router killed",
    "router killed",
    "router stopped shortly",
    "router stopped beyond its session",
    "replacement of a stopped router",
    "router added",
    "router removed",
    "clock set ahead",
    "clock set back",
    "broker killed",
)


@dataclass
class Result:
    """One run. `faults` by kind; `findings` by the auditor's words."""

    seed: int
    records: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    missing: int = 0  # acknowledged to an agency, and not in its topic

    @property
    def lost(self) -> int:
        return self.missing + sum(each.kind == "lost" for each in self.findings)

    @property
    def twice(self) -> int:
        return sum(each.kind == "twice" for each in self.findings)

    @property
    def misdirected(self) -> int:
        return sum(each.kind in MISDIRECTED for each in self.findings)

    @property
    def out_of_order(self) -> int:
        return sum(each.kind == "order" for each in self.findings)

    @property
    def others(self) -> int:
        return len(self.findings) + self.missing - self.lost - self.twice - self.misdirected - self.out_of_order


class Agencies:
    """Publishes in a thread of its own until it is told to stop. What was acknowledged is remembered."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self._rig, self._seed = rig, seed
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._publish, daemon=True, name="faults-agencies")
        self.acknowledged = Counter[tuple[str, bytes | None, bytes | None]]()
        self.failure: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Raises what ended it before."""
        self._enough.set()
        self._thread.join(FLUSH_S)
        assert not self._thread.is_alive(), "the agencies cannot publish"
        if self.failure is not None:
            raise self.failure

    def _publish(self) -> None:
        try:
            part = 0
            while not self._enough.is_set():
                records = load(self._seed, part, large=1)
                if part % 3 == 2:
                    self._by_librdkafka(records, FOREIGN_CODECS[part // 3 % len(FOREIGN_CODECS)])
                else:
                    for start in range(0, len(records), PUBLISHED_AT_ONCE):
                        self._by_transaction(records[start : start + PUBLISHED_AT_ONCE])
                part += 1
        except BaseException as failure:  # told to whoever stops us
            self.failure = failure

    def _by_transaction(self, records: list[Outgoing]) -> None:
        """Again until it is acknowledged: what was published twice by this is a repeat that the hub must see as one."""
        while not self._enough.is_set():
            try:
                self._rig.publish(records)
            except BusError:
                self._enough.wait(TRICKLE_S)
                continue
            self._keep(records)
            self._enough.wait(TRICKLE_S)
            return

    def _by_librdkafka(self, records: list[Outgoing], codec: str) -> None:
        """By another library, in a codec that the hub may lack."""
        made: Any = cast(Any, Producer)(
            {
                "bootstrap.servers": self._rig.broker.bootstrap_servers,
                "compression.type": codec,
                "enable.idempotence": True,
                "message.max.bytes": 2_000_000,
                "log_level": 0,
            }
        )
        for record in records:
            done = self._acknowledgement(record)
            made.produce(record.topic, record.value, record.key, record.partition, on_delivery=done)
        made.flush(FLUSH_S)

    def _acknowledgement(self, record: Outgoing) -> Callable[[object, object], None]:
        def done(error: object, _message: object) -> None:
            if error is None:
                self._keep([record])

        return done

    def _keep(self, records: list[Outgoing]) -> None:
        self.acknowledged.update((each.topic, each.key, each.value) for each in records)


class Campaign:
    """One run over a broker of its own."""

    def __init__(self, folder: Path, seed: int, *, slots: int, seconds: float) -> None:
        self._random = random.Random(seed)
        self._slots = [f"router-{number}" for number in range(slots)]
        self._seconds = seconds
        self._folder = folder
        self._later: list[tuple[float, Callable[[], None]]] = []
        self.result = Result(seed)
        self.rules: list[Rule] = []

    def run(self) -> Result:
        with Rig(self._folder, records=BATCH_RECORDS) as rig:
            self._rig = rig
            self._at_work = {slot: rig.start(slot) for slot in self._slots[:2]}
            agencies = Agencies(rig, self.result.seed)
            agencies.start()
            for router in self._at_work.values():
                router.await_word(RESTORED)
            self._deal()
            agencies.stop()
            self._calm()
            self.result.findings = rig.wrong(alone=True)
            self._count(agencies)
        return self.result

    def _deal(self) -> None:
        """The deck once; again as long as there is time."""
        started_s = time.monotonic()
        while True:
            for frame in AT_START:  # they wait for the next router that starts
                self._play(frame)
            for card in self._shuffled():
                self._play(card)
                self._tend(BETWEEN_CARDS_S)
                if self._seconds and time.monotonic() - started_s > self._seconds:
                    return
            self._await_rules()
            if time.monotonic() - started_s > self._seconds:
                return

    def _shuffled(self) -> list[Card]:
        deck: list[Card] = [*FRAMES, *DEEDS]
        if not self._rig.marks["topic added"]:
            deck.append("topic added")
        self._random.shuffle(deck)
        return deck

    def _play(self, card: Card) -> None:
        if not isinstance(card, str):
            api, action, for_s = card
            self.rules.append(self._rig.proxy.arm(Rule(api, action, for_s=for_s)))
            return
        match card:
            case "topic added":
                self._rig.add_topic()
            case "broker killed":
                self._rig.crash_broker(DOWN_S)
            case "router added":
                self._start_missing()
                self.result.faults[card] += 1
            case _:
                self._to_a_router(card)

    def _to_a_router(self, what: str) -> None:
        slot = self._random.choice(sorted(self._at_work))
        router = self._at_work[slot]
        if what.startswith("clock"):
            self._await_start(router)
        self.result.faults[what] += 1
        match what:
            case "router killed":
                router.kill()
                self._at_work[slot] = self._rig.start(slot)
            case "router removed":
                router.kill()
                if len(self._at_work) > 1:
                    del self._at_work[slot]
            case "router stopped shortly":
                self._stop(router, SHORTLY_S)
            case "router stopped beyond its session":
                self._stop(router, STOPPED_S)
            case "replacement of a stopped router":
                self._stop(router, STOPPED_S)
                self._at_work[slot] = self._rig.start(slot)
            case "clock set ahead":
                router.signal(signal.SIGUSR1)
            case "clock set back":
                router.signal(signal.SIGUSR2)

    def _await_start(self, router: RouterProcess) -> None:
        """A process that does not listen to signals yet would end by one."""
        deadline = time.monotonic() + RULES_S
        while not (router.listens or router.ended) and time.monotonic() < deadline:
            self._tend(BETWEEN_CARDS_S)

    def _stop(self, router: RouterProcess, for_s: float) -> None:
        router.signal(signal.SIGSTOP)
        self._later.append((time.monotonic() + for_s, lambda: router.signal(signal.SIGCONT)))

    def _start_missing(self) -> None:
        """A slot that nobody has; if all have one, a second process in one of them."""
        free = [slot for slot in self._slots if slot not in self._at_work]
        slot = free[0] if free else self._random.choice(self._slots)
        self._at_work[slot] = self._rig.start(slot)

    def _tend(self, for_s: float) -> None:
        """Waits, continues what was stopped, does what a supervisor and an operator do."""
        until_s = time.monotonic() + for_s
        while time.monotonic() < until_s:
            threading.Event().wait(0.05)
            for at_s, deed in list(self._later):
                if time.monotonic() >= at_s:
                    self._later.remove((at_s, deed))
                    deed()
            for slot, router in list(self._at_work.items()):
                if router.ended:
                    self._ended(slot, router)
        if self._rig.marks["broker killed"]:
            self._rig.mend()

    def _ended(self, slot: str, router: RouterProcess) -> None:
        """By itself: its slot was taken, or the watchdog ended it. A supervisor starts it again, but not for the first."""
        code = router.code()
        self.result.faults[f"router ended with {code}"] += 1
        if code != SLOT_TAKEN or len(self._at_work) == 1:
            self._at_work[slot] = self._rig.start(slot)
        else:
            del self._at_work[slot]

    def _await_rules(self) -> None:
        """What was dealt must happen; some of it only when a router starts."""
        deadline = time.monotonic() + RULES_S
        while (waiting := [rule.api for rule in self.rules if rule.hits < rule.times]) and time.monotonic() < deadline:
            at_start = {api for api, _, _ in AT_START}.issuperset(waiting)
            if at_start and all(map(_at_work, self._at_work.values())):
                self._to_a_router("router killed")
            self._tend(BETWEEN_CARDS_S)

    def _calm(self) -> None:
        """Nothing goes wrong any more."""
        self._rig.proxy.calm()
        while self._later:
            _, deed = self._later.pop()
            deed()
        while len(self._at_work) < 2:
            self._start_missing()
        self._tend(BETWEEN_CARDS_S)

    def _count(self, agencies: Agencies) -> None:
        history = self._rig.history()
        there = Counter[tuple[str, bytes | None, bytes | None]]()
        for at, records in history.items():
            if at.topic.startswith(("alerts.", "receipts.", "control")):
                there.update((at.topic, record.key, record.value) for record in records)
        self.result.records = there.total()
        self.result.missing = (agencies.acknowledged - there).total()
        self.result.faults += self._rig.proxy.marks + self._rig.marks


def _at_work(router: RouterProcess) -> bool:
    return RESTORED in router.said()
