"""The read model at size: how fast the recorder writes, and how long pages take with 1,000,000 decisions recorded.

Alerts are the bench's usual mix, routed by the real route(); the recorder reads them from memory, so that what is measured is
decoding and SQL. Then the rows are multiplied within the database, and each page is asked for a few times: median and slowest.

The million of the goal takes some minutes, so it is asked for: `python -m benchmarks.readmodel --decisions 1000000`.
"""

from __future__ import annotations

import argparse
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
ALERTS = int(os.environ.get("ENLACE_BENCH_RECORDED", "12000"))
DECISIONS = int(os.environ.get("ENLACE_BENCH_DECISIONS", "120000"))
COPIES_MAX = 128  # bytes that begin no version of a UUID
COPIED = "('alerts', 'alert_tags', 'decisions', 'deliveries', 'receipts')"
INDICES_SQLITE = (
    f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN {COPIED}"
)
INDICES_POSTGRES = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() "
    f"AND indexdef NOT LIKE 'CREATE UNIQUE%' AND tablename IN {COPIED}"
)
SPREAD_MS = 90 * 86_400_000  # over which the decisions lie
ACKNOWLEDGED = 0.9
ASKED = 5  # times for each page
CUSTOMS = Scope(frozenset({"customs"}))
Logs = dict[TopicPartition, list[Record]]


def measure() -> dict[str, float]:
    """Records a second, and milliseconds a page."""
    now_ms = time.time_ns() // 1_000_000
    logs, routed_s = _logs(now_ms)
    found = {"route()'s CPU, microseconds an alert": routed_s / ALERTS * 1e6}
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
    begin = time.process_time()
    for each in coming:
        previous = before.get(each.partition, -1)
        before[each.partition] = each.record.offset
        outgoing += route(each._replace(previous=previous), where).outgoing
    routed_s = time.process_time() - begin
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
    recorder.open()
    begin, begin_cpu = time.perf_counter(), time.process_time()
    while recorder.step(0):
        pass
    seconds, cpu_s = time.perf_counter() - begin, time.process_time() - begin_cpu
    return {
        "alerts recorded a second": ALERTS / seconds,
        "records for each alert": recorder.recorded / ALERTS,
        "recorder's CPU, microseconds an alert": cpu_s / ALERTS * 1e6,
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
            pages[f"search {what}"] = _third_page(connection, wanted)
        for what, page in pages.items():
            times = sorted(_timed(page, connection) for _ in range(ASKED))
            found |= {f"{what}, ms": times[ASKED // 2], f"{what}, slowest, ms": times[-1]}
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


def _third_page(connection: Connection, wanted: Wanted) -> Callable[[Connection], object]:
    """Asks for the third page, or for the last if there are fewer: the first has what is easiest to find."""
    after = None
    for _ in range(2):
        after = queries.search(connection, CUSTOMS, wanted, after).next or after
    return lambda each: queries.search(each, CUSTOMS, wanted, after)


def _timed(page: Callable[[Connection], object], connection: Connection) -> float:
    begin = time.perf_counter()
    page(connection)
    return (time.perf_counter() - begin) * 1_000


def _multiply(engine: Engine) -> None:
    """Copies all alerts with their decisions, deliveries and receipts, under other ids and at the times between, until there
    are enough; and counts the minutes anew. Indices are dropped for so long, which is several times as quick."""
    copies = min(COPIES_MAX, math.ceil(DECISIONS / ALERTS) - 1)
    shift_ms = SPREAD_MS // ALERTS // (copies + 1)
    with writing(engine) as connection:
        postgres = connection.dialect.name == "postgresql"
        connection.execute(text(f"CREATE TEMPORARY TABLE copies (n INTEGER, byte {'BYTEA' if postgres else 'BLOB'})"))
        numbers = [{"n": number, "byte": bytes([127 + number])} for number in range(1, copies + 1)]
        if numbers:
            connection.execute(text("INSERT INTO copies VALUES (:n, :byte)"), numbers)
        indices = connection.execute(text(INDICES_POSTGRES if postgres else INDICES_SQLITE)).all()
        for index in indices:
            connection.execute(text(f'DROP INDEX "{index[0]}"'))
        for table in (Alert, Tag, Decision, Delivery, ReceiptRow):
            connection.execute(text(_copying(table, shift_ms, postgres)))
        for statement in _minutes(shift_ms):
            connection.execute(text(statement))
        for index in indices:
            connection.exec_driver_sql(index[1])
        connection.execute(text("DROP TABLE copies"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if postgres else "ANALYZE"))


def _copying(table: type[Base], shift_ms: int, postgres: bool) -> str:
    """An alert's id begins with its time, six bytes, and its version: copies have a byte that is no version, and lie beside it.
    A delivery's id is random: copies get another first byte, and lose the last."""
    part = 'substring("{0}" from {1} for {2})' if postgres else 'substr("{0}", {1}, {2})'
    chosen = []
    for column in table.__table__.columns:
        name = column.name
        if name == "delivery" or (table is Delivery and name == "id"):
            chosen.append(f"byte || {part.format(name, 1, 15)}")
        elif name in ("id", "alert"):
            chosen.append(f"{part.format(name, 1, 6)} || byte || {part.format(name, 8, 9)}")
        elif name in ("offset", "decision_offset"):
            chosen.append(f'"{name}" + n::bigint * 10000000' if postgres else f'"{name}" + n * 10000000')
        elif name.endswith("_ms"):
            chosen.append(f'"{name}" + n * {shift_ms}')
        else:
            chosen.append(f'"{name}"')
    if not postgres:
        chosen = [f"CAST({each} AS BLOB)" if "byte" in each else each for each in chosen]
    name = table.__table__.name  # type: ignore[attr-defined]
    source = f"{name} CROSS JOIN copies" if table in (Alert, Tag) else f"copies CROSS JOIN {name}"
    return f"INSERT INTO {name} SELECT {', '.join(chosen)} FROM {source}"


def _minutes(shift_ms: int) -> tuple[str, ...]:
    minute = f"(minute_ms + n * {shift_ms}) / 60000 * 60000"
    every = "(SELECT n FROM copies UNION ALL SELECT 0) AS numbers"
    counted = f'{minute} AS minute_ms, agency, what, CAST(SUM("count") AS INTEGER) AS "count"'
    return (
        f"CREATE TEMPORARY TABLE counted AS SELECT {counted} FROM minutes CROSS JOIN {every} GROUP BY {minute}, agency, what",
        "DELETE FROM minutes",
        'INSERT INTO minutes SELECT minute_ms, agency, what, "count" FROM counted ORDER BY minute_ms, agency, what',
        "DROP TABLE counted",
    )


def main() -> None:
    """`python -m benchmarks.readmodel`: this measurement alone, at a size of one's own."""
    global ALERTS, DECISIONS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=DECISIONS, help="how many stand in the read model when asked")
    parser.add_argument("--alerts", type=int, default=ALERTS, help="how many of them come through the recorder")
    chosen = parser.parse_args()
    ALERTS, DECISIONS = chosen.alerts, chosen.decisions
    for what, value in measure().items():
        print(f"{what:<64} {value:>14,.2f}")


if __name__ == "__main__":
    main()
