"""A router is killed with SIGKILL at every named point while alerts flow: nothing is lost, nothing comes twice."""

from __future__ import annotations

import itertools
import random
import signal
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
from tests.kafka.faults.rig import PATIENCE_S, TOLD_CHARS, RouterProcess
from tests.routing.alerts import AGENCIES, BUNDLE, NOW_MS, record_of
from tests.simulation.load import LANES, contradictions, lives, poison

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

POINTS = (*router.MARKS, *transactions.MARKS)
INTAKE = ("alerts.customs", "alerts.police", "receipts.police", "control")
ANSWERS = ("decisions", "quarantine")
WRITTEN = (*ANSWERS, "holdings", *(f"deliveries.{agency}" for agency in AGENCIES))
BATCH_RECORDS = 10  # so that a small load is several batches


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
    """Routers over the broker, one after the other in one slot."""

    def __init__(self, servers: str, folder: Path) -> None:
        self._servers = servers
        self._logs = (folder / f"router.{number}.log" for number in itertools.count())

    def killed_at(self, point: str, times: int, meanwhile: Sequence[Outgoing], publisher: KafkaPublisher) -> None:
        """Starts one and returns when it has killed itself at the point; publishes while it is at work."""
        router = self._start("--die", point, str(times))
        try:
            publisher.publish(meanwhile)
            assert router.code() == -signal.SIGKILL, f"it did not come to {point}: {router.said()[-TOLD_CHARS:]}"
        finally:
            router.kill()

    def until(self, done: Iterator[bool]) -> None:
        """Runs one until `done` says so."""
        router = self._start()
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not next(done):
                assert not router.ended, router.said()[-TOLD_CHARS:]
                assert time.monotonic() < deadline, "it does not come to an end"
            assert router.end() == 0, router.said()[-TOLD_CHARS:]
        finally:
            router.kill()

    def _start(self, *more: str) -> RouterProcess:
        return RouterProcess(self._servers, "router-0", BATCH_RECORDS, next(self._logs), *more)


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
    routing = Routing(broker.bootstrap_servers, tmp_path)
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
