"""A router is killed with SIGKILL at every named point while alerts flow: nothing is lost, nothing comes twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from hub import router
from hub.bus import transactions
from hub.bus.bus import Outgoing, Record, TopicPartition
from hub.bus.kafka import KafkaPublisher
from hub.bus.limits import Limits
from hub.bus.local import LocalKafka
from hub.bus.restore import read_table
from hub.bus.settings import Connection
from hub.bus.topics import administration, create
from tests.auditor import audit
from tests.routing.alerts import AGENCIES, BUNDLE, NOW_MS, record_of
from tests.simulation.load import LANES, contradictions, lives, poison

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

POINTS = (*router.MARKS, *transactions.MARKS)
INTAKE = ("alerts.customs", "alerts.police", "receipts.police", "control")
ANSWERS = ("decisions", "quarantine")
WRITTEN = (*ANSWERS, "holdings", *(f"deliveries.{agency}" for agency in AGENCIES))
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A broker of its own: the router's topics have fixed names, and no other test may write to them."""
    with LocalKafka(tmp_path_factory.mktemp("crash-points")) as kafka:
        with administration(Connection(bootstrap_servers=kafka.bootstrap_servers)) as admin:
            create(admin, AGENCIES, LANES)
        yield kafka


def load(seed: int, part: int) -> list[Outgoing]:
    """Whole lives of some alerts, with poison between them; every part has alerts of its own."""
    chosen = random.Random(f"{seed} {part}")
    valid_ms = time.time_ns() // 1_000_000 - NOW_MS
    numbers = range(10 * part + 1, 10 * part + 6)
    waiting = [[record_of(made, LANES) for made in lives(number, valid_ms)] for number in numbers]
    waiting += [list(contradictions(number, valid_ms)) for number in numbers[:2]]
    waiting.append(chosen.sample(list(poison(number=10 * part, valid_ms=valid_ms)), 5))
    records = []
    while waiting:  # each in its own order, all of them mixed
        line = chosen.choice(waiting)
        records.append(line.pop(0))
        waiting = [each for each in waiting if each]
    return records


class Routing:
    """A router process over the broker."""

    def __init__(self, servers: str, log: Path) -> None:
        self._command = [sys.executable, "-m", "tests.kafka.crashing_router", servers]
        self._log = log

    def killed_at(self, point: str, times: int, meanwhile: Sequence[Outgoing], publisher: KafkaPublisher) -> None:
        """Starts it and returns when it has killed itself at the point; publishes while it is at work."""
        process = self._start(point, str(times))
        try:
            publisher.publish(meanwhile)
            assert process.wait(PATIENCE_S) == -signal.SIGKILL, (
                f"it did not come to {point}: {self._log.read_text()[-2000:]}"
            )
        finally:
            process.kill()
            process.wait()

    def until(self, done: Iterator[bool]) -> None:
        """Runs it until `done` says so."""
        process = self._start()
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not next(done):
                assert process.poll() is None, self._log.read_text()[-2000:]
                assert time.monotonic() < deadline, "it does not come to an end"
            process.terminate()
            assert process.wait(PATIENCE_S) == 0, self._log.read_text()[-2000:]
        finally:
            process.kill()
            process.wait()

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen([*self._command, *arguments], stdout=log, stderr=log)


def committed(connection: Connection, topics: Sequence[str]) -> dict[TopicPartition, list[Record]]:
    partitions = [TopicPartition(topic, lane) for topic in topics for lane in range(LANES)]
    found: dict[TopicPartition, list[Record]] = {at: [] for at in partitions}
    for at, record in read_table(connection, partitions, Limits()):
        found[at].append(record)
    return found


def answered(connection: Connection, count: int) -> Iterator[bool]:
    while True:
        yield sum(map(len, committed(connection, ANSWERS).values())) >= count


def test_nothing_is_lost_or_doubled_when_the_router_is_killed_at_each_named_point(
    broker: LocalKafka, tmp_path: Path
) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")  # noqa: T201
    connection = Connection(bootstrap_servers=broker.bootstrap_servers)
    publisher = KafkaPublisher(connection, name="agencies")
    routing = Routing(broker.bootstrap_servers, tmp_path / "router.log")
    count = 0
    for part, point in enumerate(POINTS):
        records = load(seed, part)
        publisher.publish(records[:25])
        routing.killed_at(point, 2, records[25:], publisher)
        count += len(records)
    routing.until(answered(connection, count))
    publisher.close()
    history = committed(connection, (*INTAKE, *WRITTEN))
    assert sum(len(records) for at, records in history.items() if at.topic in INTAKE) == count
    assert audit(history, [BUNDLE], LANES) == []
    assert sum(len(records) for at, records in history.items() if at.topic == "quarantine") >= 5 * len(POINTS)
