"""The read model at size: how fast the recorder writes, and how long pages take with 1,000,000 decisions recorded.

Alerts are the bench's usual mix, routed by the real route(); the recorder reads them from memory, so that what is measured is
decoding and SQL. Then the rows are multiplied within the database up to a million decisions, and each page is asked for a few
times: the slowest counts.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text

from benchmarks.alerts import arrived, records, state
from hub.bus.bus import Record, TopicPartition
from hub.model.avro import LOCAL_IDS, encode, frame
from hub.model.receipt import Receipt
from hub.readmodel import heads, queries
from hub.readmodel.database import open_database, upgrade, writing
from hub.readmodel.reading import is_read
from hub.readmodel.results import NOBODY, Scope, Wanted
from hub.readmodel.tables import Alert, Base, Decision, Delivery, Tag
from hub.readmodel.tables import Receipt as ReceiptRow
from hub.recorder import Recorder
from hub.routing.route import route
from tests.postgres_fixture import new_database, postgres_server

PARTITIONS = 6
ALERTS = int(os.environ.get("ENLACE_BENCH_RECORDED", "62500"))
DECISIONS = int(os.environ.get("ENLACE_BENCH_DECISIONS", "1000000"))
SPREAD_MS = 90 * 86_400_000  # over which the decisions lie
ACKNOWLEDGED = 0.9
ASKED = 5  # times for each page
Logs = dict[TopicPartition, list[Record]]


def measure() -> dict[str, float]:
    """Records a second, and milliseconds a page."""
    now_ms = time.time_ns() // 1_000_000
    logs, routed_s = _logs(now_ms)
    found = {"alerts routed a second, pure, one process": ALERTS / routed_s}
    with _databases() as databases:
        for name, url in databases:
            engine = open_database(url)
            upgrade(engine)
            found |= {f"{name}: {what}": value for what, value in _recorded(engine, logs).items()}
            found |= {f"{name}: {what}": value for what, value in _asked(engine, now_ms).items()}
            engine.dispose()
    return found


@contextmanager
def _databases() -> Iterator[list[tuple[str, str]]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres_server(shared_buffers="512MB", maintenance_work_mem="256MB") as server,
        new_database(server) as url,
    ):
        yield [("SQLite", f"sqlite:///{Path(folder) / 'bench.sqlite'}"), ("PostgreSQL", url)]


def _logs(now_ms: int) -> tuple[Logs, float]:
    """What the router writes for the alerts, and the receipts that recipients send; how long the routing took."""
    logs: Logs = defaultdict(list)
    where = state(PARTITIONS)
    coming = arrived(records(ALERTS), PARTITIONS)
    before: dict[int, int] = {}
    outgoing: list[Any] = []
    begin = time.perf_counter()
    for each in coming:
        previous = before.get(each.partition, -1)
        before[each.partition] = each.record.offset
        outgoing += route(each._replace(previous=previous), where).outgoing
    routed_s = time.perf_counter() - begin
    step = SPREAD_MS // max(1, len(outgoing))
    for number, record in enumerate(outgoing):
        if is_read(record.topic):
            at = TopicPartition(record.topic, record.partition)
            time_ms = now_ms - SPREAD_MS + number * step
            logs[at].append(Record(len(logs[at]), time_ms, record.key, record.value))
            if record.topic.startswith("deliveries.") and number % 10 < ACKNOWLEDGED * 10:
                _acknowledge(logs, at, record, time_ms)
    return logs, routed_s


def _acknowledge(logs: Logs, at: TopicPartition, record: Any, time_ms: int) -> None:
    head = heads.delivery(record.value[5:])
    recipient = head["recipient"]
    receipt = Receipt(delivery=head["id"], alert=head["alert"], recipient=recipient, state="effected", at_ms=time_ms)
    value = frame(LOCAL_IDS.by_name["Receipt"], encode(receipt))
    log = logs[TopicPartition(f"receipts.{recipient}", at.partition)]
    log.append(Record(len(log), time_ms + 1_000, record.key, value))


class _Reading:
    """The logs, read as Kafka gives them: up to a limit, one partition after another."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._next: dict[TopicPartition, int] = {}

    def places(self) -> set[TopicPartition]:
        return set(self._logs)

    def spans(
        self, places: Sequence[TopicPartition]
    ) -> tuple[Mapping[TopicPartition, int], Mapping[TopicPartition, int]]:
        return dict.fromkeys(places, 0), {at: len(self._logs[at]) for at in places}

    def start(self, offsets: Mapping[TopicPartition, int]) -> None:
        self._next = dict(offsets)

    def poll(self, limit: int, wait_ms: int) -> Mapping[TopicPartition, Sequence[Record]]:
        share = max(1, limit // len(self._next))
        found = {at: self._logs[at][begin : begin + share] for at, begin in self._next.items()}
        found = {at: some for at, some in found.items() if some}
        for at, some in found.items():
            self._next[at] += len(some)
        return found

    def position(self, at: TopicPartition) -> int | None:
        return self._next[at]

    def close(self) -> None: ...


def _recorded(engine: Engine, logs: Logs) -> dict[str, float]:
    recorder = Recorder(lambda: _Reading(logs), engine)
    begin = time.perf_counter()
    while recorder.step(0):
        pass
    seconds = time.perf_counter() - begin
    return {
        "records recorded a second": recorder.recorded / seconds,
        "alerts recorded a second": ALERTS / seconds,
        "records for each alert": recorder.recorded / ALERTS,
    }


def _asked(engine: Engine, now_ms: int) -> dict[str, float]:
    begin = time.perf_counter()
    _multiply(engine)
    with engine.connect() as connection:
        decisions = connection.execute(select(func.count()).select_from(Decision)).scalar_one()
        found = {"decisions in the read model": float(decisions), "seconds to multiply": time.perf_counter() - begin}
        example = connection.execute(select(Alert.id, Alert.originator).limit(1)).one()
        pages: dict[str, Callable[[Connection], object]] = {
            "now": lambda each: queries.now(each, NOBODY, now_ms),
            "handover since 8 h": lambda each: queries.handover(each, NOBODY, now_ms - 8 * 3_600_000, now_ms),
            "one agency": lambda each: queries.agency_detail(each, NOBODY, "attorney-general", now_ms),
            "alert by id": lambda each: queries.alert_life(each, NOBODY, uuid.UUID(bytes=bytes(example.id))),
        }
        for what, wanted in _searches(now_ms).items():
            pages[f"search {what}"] = lambda each, wanted=wanted: _third_page(each, wanted)  # type: ignore[misc]
        for what, page in pages.items():
            found[f"{what}, ms"] = max(_timed(page, connection) for _ in range(ASKED))
    return found


def _searches(now_ms: int) -> dict[str, Wanted]:
    day = 86_400_000
    return {
        "newest": Wanted(),
        "agency": Wanted(agency="customs"),
        "recipient": Wanted(agency="attorney-general"),
        "class": Wanted(alert_class="missing-person"),
        "country": Wanted(country="CO"),
        "country without any": Wanted(country="NZ"),
        "time": Wanted(from_ms=now_ms - 40 * day, until_ms=now_ms - 39 * day),
        "state": Wanted(state="nobody"),
        "state without any": Wanted(state="cancelled"),
        "class, agency, country, state": Wanted(
            alert_class="missing-person", agency="attorney-general", country="CO", state="released"
        ),
        "class, agency, state without any": Wanted(alert_class="seizure", agency="commission", state="expired"),
    }


def _third_page(connection: Connection, wanted: Wanted) -> object:
    after = None
    for _ in range(3):
        page = queries.search(connection, Scope(frozenset({"customs"})), wanted, after)
        after = page.next
        if after is None:
            break
    return page


def _timed(page: Callable[[Connection], object], connection: Connection) -> float:
    begin = time.perf_counter()
    page(connection)
    return (time.perf_counter() - begin) * 1_000


def _multiply(engine: Engine) -> None:
    """Doubles all alerts with their decisions, deliveries and receipts, under other ids and at other times, until there are
    enough."""
    postgres = engine.dialect.name == "postgresql"
    for step in range(math.ceil(math.log2(max(1, DECISIONS / ALERTS)))):
        with writing(engine) as connection:
            for table in (Alert, Tag, Decision, Delivery, ReceiptRow):
                connection.execute(text(_doubling(table, step, postgres)))
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()


def _doubling(table: type[Base], step: int, postgres: bool) -> str:
    """Ids are moved by a byte that no other step puts before them; offsets and times are moved on."""
    byte = f"'\\x{step + 2:02x}'::bytea" if postgres else f"x'{step + 2:02x}'"
    part = "substring({0} from {1} for {2})" if postgres else "substr({0}, {1}, {2})"
    # An alert's id begins with its time, the first bytes of which are the same for all: one of those goes, four times at most.
    alert = f"{byte} || {part.format('{0}', 1, 3)} || {part.format('{0}', 5, 12)}"
    delivery = f"{byte} || {part.format('{0}', 1, 15)}"
    chosen = []
    for column in table.__table__.columns:
        name = f'"{column.name}"'
        if column.name in ("id", "alert", "delivery"):
            of_delivery = column.name == "delivery" or (table is Delivery and column.name == "id")
            moved = (delivery if of_delivery else alert).format(name)
            chosen.append(moved if postgres else f"CAST({moved} AS BLOB)")
        elif column.name in ("offset", "decision_offset"):
            chosen.append(f"{name} + {10_000_000 * 2**step}")
        elif column.name.endswith("_ms") and column.name != "valid_until_ms":
            chosen.append(f"{name} + {step + 1}")
        else:
            chosen.append(name)
    name = table.__table__.name  # type: ignore[attr-defined]
    return f"INSERT INTO {name} SELECT {', '.join(chosen)} FROM {name}"
