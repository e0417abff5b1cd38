"""The fault rig: a broker behind a proxy, routers as processes of their own, agencies that publish, and the auditor.

    with Rig(folder) as rig:
        router = rig.router()
        held = rig.proxy.arm(Rule(Api.END_TXN, "hold"))
        rig.publish(load(seed, part=0))
        ...
        assert rig.wrong() == []

Routers come through the proxy; so does the broker when it writes markers to itself. Agencies and the auditor do not. Every
wait ends: after PATIENCE_S the test fails, and says what the router last wrote.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Self

from kafka.errors import KafkaError

from hub.bus import hanging
from hub.bus.bus import Indefinite, Outgoing, Record, TopicPartition
from hub.bus.kafka import KafkaPublisher
from hub.bus.limits import Limits
from hub.bus.local import LocalKafka
from hub.bus.offsets import topic_offsets
from hub.bus.restore import partitions_of_all, read_table
from hub.bus.settings import Connection
from hub.bus.topics import TopicError, administration, agency_of, create, declared
from hub.bus.watchdog import SLOT_TAKEN
from hub.router import GROUP
from tests.auditor import Finding, audit
from tests.kafka.faults.proxy import Proxy
from tests.kafka.faults.router import LIMITS, LISTENS
from tests.routing.alerts import AGENCIES, BUNDLE
from tests.simulation.load import LANES

PATIENCE_S = 90.0
LOOK_S = 0.05
MEND_EVERY_S = 3.0
TOLD_CHARS = 3_000
LATER = "shelter"  # its intake is made by add_topic()
ANSWERS = ("decisions", "quarantine")
INTAKE = ("alerts.", "receipts.", "control")
# The broker's own requests, which write the markers, pass the proxy too.
SETTINGS = {"inter.broker.listener.name": "PROXIED"}
TROUBLES = (Indefinite, KafkaError, TopicError)


class RouterProcess:
    """A router, as a process that may be stopped, continued and killed. `more`: see router.py."""

    def __init__(self, servers: str, slot: str, records: int, log: Path, *more: str) -> None:
        self.slot = slot
        self._log = log
        command = [sys.executable, "-m", "tests.kafka.faults.router", servers, slot, str(records), *more]
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out)

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def listens(self) -> bool:
        """A signal that comes earlier ends it at once."""
        return LISTENS in self.said()

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        if not self.ended:
            self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE_S)

    def end(self) -> int:
        """In order; its exit code. A stopped one is continued, one that has just been started may begin."""
        self.signal(signal.SIGCONT)
        self._await(lambda: self.ended or self.listens, "does not begin")
        self.signal(signal.SIGTERM)
        return self.code()

    def code(self) -> int:
        """Waits for its end. Fails if it does not come."""
        try:
            return self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.slot} does not end: {self.said()[-TOLD_CHARS:]}") from None

    def await_word(self, word: str) -> None:
        """Until it has written `word`."""
        self._await(lambda: word in self.said() or self.ended, f"never said {word}")
        assert word in self.said(), f"{self.slot} ended: {self.said()[-TOLD_CHARS:]}"

    def _await(self, found: Callable[[], bool], lacking: str) -> None:
        """Looks at its log, which nothing tells of, until the answer is true."""
        deadline = time.monotonic() + PATIENCE_S
        while not found():
            assert time.monotonic() < deadline, f"{self.slot} {lacking}: {self.said()[-TOLD_CHARS:]}"
            time.sleep(LOOK_S)


class Rig:
    """One broker with everything around it. `marks` counts what was done, beside the proxy's own marks."""

    def __init__(
        self, folder: Path, *, records: int = 10, broker_folder: Path | None = None, heap_mib: int = 512
    ) -> None:
        self._folder = folder
        self._records = records
        self._routers: list[RouterProcess] = []
        self._publisher: KafkaPublisher | None = None
        self._known: set[Finding] = set()
        self._mended_s = 0.0
        self.marks = Counter[str]()
        self.proxy = Proxy(lambda: self.broker.proxied_target_port).start()
        self.broker = LocalKafka(
            broker_folder or folder / "broker", proxied_port=self.proxy.port, settings=SETTINGS, heap_mib=heap_mib
        )

    def __enter__(self) -> Self:
        try:
            self.broker.start()
            self._create(later=False)
        except BaseException:
            self.proxy.stop()
            self.broker.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.rest()
        if self._publisher is not None:
            self._publisher.close()
        self.broker.kill()
        self.proxy.stop()

    def rest(self) -> None:
        """No router and no fault any more, whatever a test left."""
        self.proxy.calm()
        for router in self._routers:
            router.kill()
        self._routers = []

    @property
    def connection(self) -> Connection:
        """Past the proxy."""
        return Connection(bootstrap_servers=self.broker.bootstrap_servers)

    @property
    def publisher(self) -> KafkaPublisher:
        if self._publisher is None:
            self._publisher = KafkaPublisher(self.connection, name="agencies")
        return self._publisher

    def publish_anew(self) -> None:
        """Whoever publishes is started anew."""
        if self._publisher is not None:
            self._publisher.close()
        self._publisher = None

    def publish(self, records: Sequence[Outgoing]) -> None:
        self.publisher.publish(records)

    def router(self, slot: str = "router-0", *, plain: str = "") -> RouterProcess:
        """Starts one; it has state when this returns."""
        started = self.start(slot, plain=plain)
        if not plain:
            started.await_word("router.restored")
        return started

    def start(self, slot: str, *, plain: str = "") -> RouterProcess:
        """Starts one and does not wait for it."""
        log = self._folder / f"{slot}.{len(self._routers)}.{time.monotonic_ns()}.log"
        more = ("--plain", plain) if plain else ()
        router = RouterProcess(self.broker.proxied_servers, slot, self._records, log, *more)
        self._routers.append(router)
        return router

    @property
    def routers(self) -> list[RouterProcess]:
        """Those that have not ended."""
        return [router for router in self._routers if not router.ended]

    def add_topic(self) -> None:
        """The intake of one more agency."""
        self._create(later=True)
        self.marks["topic added"] += 1

    def crash_broker(self, down_s: float = 0.0) -> None:
        """SIGKILL, and a start on the same data."""
        self.broker.kill()
        threading.Event().wait(down_s)
        self.broker.start()
        self.marks["broker killed"] += 1

    def await_hanging(self, *topics: str) -> list[hanging.Hanging]:
        """The transactions that hang, once those of `topics` do: the coordinator needs a moment to believe the proxy."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            found = hanging.find(self.connection, LIMITS)
            if {each.at.topic for each in found} >= set(topics):
                return found
            assert time.monotonic() < deadline, f"nothing hangs in all of {topics}: {found}"

    def mend(self) -> None:
        """What an operator does after a broker's crash: enlace doctor --finish."""
        if time.monotonic() - self._mended_s < MEND_EVERY_S:
            return
        self._mended_s = time.monotonic()
        with contextlib.suppress(*TROUBLES):
            for each in hanging.find(self.connection, LIMITS):
                if each.verdict is not None:
                    hanging.finish(self.connection, each, LIMITS)
                    self.marks["hanging transaction finished"] += 1

    def history(self) -> dict[TopicPartition, list[Record]]:
        """All that is committed, once every transaction that was open has ended. Raises Indefinite and KafkaError."""
        specs = [spec for spec in declared(AGENCIES, LANES) if spec.routed]
        return self._read([spec.name for spec in specs if self._is_there(spec.name)])

    def await_answers(self) -> None:
        """Until every record of the intake is decided or in quarantine. Mends what a broker left hanging."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(*TROUBLES):
                found = self._read([*self._intake(), *ANSWERS])
                answered = sum(len(records) for at, records in found.items() if at.topic in ANSWERS)
                waiting = sum(len(records) for at, records in found.items() if at.topic not in ANSWERS)
                if answered >= waiting:
                    return
            if self.marks["broker killed"]:
                self.mend()
            ended = [router for router in self._routers if router.ended]
            assert self.routers, f"no router is left: {ended[-1].said()[-TOLD_CHARS:] if ended else ''}"
            assert time.monotonic() < deadline, self._told()

    def wrong(self, *, alone: bool = False) -> list[Finding]:
        """Waits until all is answered, ends the routers in order, and says what the auditor finds that is new.

        `alone`: see the auditor.
        """
        self.proxy.calm()
        self.await_answers()
        newest = {router.slot: router for router in self._routers}
        for router in self.routers:
            # one whose slot another has taken may find that out only now
            in_order = {0} if router is newest[router.slot] else {0, SLOT_TAKEN}
            assert router.end() in in_order, router.said()[-TOLD_CHARS:]
        self._routers = []
        return self._new_findings(alone)

    def wrong_when_idle(self) -> list[Finding]:
        """The same for a loop that may never answer all it read: waits until it has read all, and does not end it."""
        self.proxy.calm()
        deadline = time.monotonic() + PATIENCE_S
        while self._unread():
            assert self.routers, f"no router is left: {self._told()}"
            assert time.monotonic() < deadline, self._told()
        return self._new_findings(alone=True)

    def _unread(self) -> int:
        """Records that the group has not committed; of a topic it never read, offsets. At least one while nobody answers."""
        try:
            rows = topic_offsets(self.connection, GROUP, LIMITS)
        except TROUBLES:
            return 1
        return sum(
            (row.end - row.first) if row.lag is None else row.lag for row in rows if row.topic.startswith(INTAKE)
        )

    def _new_findings(self, alone: bool) -> list[Finding]:
        found = [each for each in audit(self._settled(), [BUNDLE], LANES, alone=alone) if each not in self._known]
        self._known.update(found)
        return found

    def _settled(self) -> dict[TopicPartition, list[Record]]:
        """The history, also where a broker left something hanging."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.history()
            except TROUBLES:
                assert time.monotonic() < deadline, "the history cannot be read"
                self.mend()

    def _read(self, topics: Iterable[str]) -> dict[TopicPartition, list[Record]]:
        partitions = partitions_of_all(self.connection, list(topics), LIMITS)
        found: dict[TopicPartition, list[Record]] = {at: [] for at in partitions}
        for at, record in read_table(self.connection, partitions, LIMITS):
            found[at].append(record)
        return found

    def _create(self, *, later: bool) -> None:
        with administration(self.connection, Limits()) as admin:
            if later:
                create(admin, AGENCIES, LANES)
                return
            wanted = {
                spec.name: {
                    "num_partitions": spec.partitions,
                    "replication_factor": spec.replication,
                    "configs": dict(spec.settings),
                }
                for spec in declared(AGENCIES, LANES)
                if not self._comes_later(spec.name)
            }
            admin.create_topics(wanted, raise_errors=True)
            admin.wait_for_topics(list(wanted), timeout_ms=30_000)

    @staticmethod
    def _comes_later(topic: str) -> bool:
        return agency_of(topic) == LATER and topic.startswith(INTAKE)

    def _is_there(self, topic: str) -> bool:
        return bool(self.marks["topic added"]) or not self._comes_later(topic)

    def _intake(self) -> list[str]:
        names = [spec.name for spec in declared(AGENCIES, LANES)]
        return [name for name in names if name.startswith(INTAKE) and self._is_there(name)]

    def _told(self) -> str:
        return "not all is answered: " + "\n".join(router.said()[-TOLD_CHARS:] for router in self._routers)


def error_of(answer: bytes) -> int:
    """The error code of an answer whose first fields are throttle time and error code (EndTxn, in its flexible versions)."""
    return int.from_bytes(answer[5:7], "big", signed=True)
