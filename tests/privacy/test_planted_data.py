"""What an agency writes of persons is seen by nobody but its recipients: planted everywhere, sought wherever the hub speaks.

Router and recorder run as processes that log all they can; the console's pages are asked for by every role, and its forms
posted; every command that shows something is called; the rows of both databases are read. What was planted must be in the
agencies' topics, and nowhere else.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest
import structlog
from sqlalchemy import select

from hub.bus.bus import Outgoing, lane
from hub.bus.kafka import KafkaPublisher
from hub.bus.limits import HUB_RECORD_BYTES
from hub.bus.ports import free_ports
from hub.guidelines.approval import public_key
from hub.model.receipt import Health
from hub.readmodel.database import FILE, open_database, upgrade
from hub.readmodel.reading import KafkaReading
from hub.readmodel.tables import Base
from hub.readmodel.writing import positions
from hub.recorder import Recorder
from tests.cli.command import ENLACE, Answer, enlace, environment
from tests.kafka.change_hub import Hub, hub, until
from tests.postgres_fixture import new_database
from tests.privacy.planted import GOOD, MARK, PARTITIONS, bad, found, good
from tests.privacy.told import Told
from tests.privacy.visits import OLGA, pages
from tests.routing.alerts import alert_id, framed, receipt_of, record_of

__all__ = ["hub"]
pytestmark = pytest.mark.kafka


class Written(logging.Handler):
    """What this process logs, by both ways, from the level of a hub that tells all it can."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter("%(levelname)s %(name)s %(message)s").format(record))

    def take(self, _logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        self.lines.append(repr(event))
        raise structlog.DropEvent


@contextmanager
def written() -> Iterator[Written]:
    """Everything that is logged in the block, by whatever thread."""
    made, before = Written(), structlog.get_config()
    structlog.configure(processors=[structlog.processors.format_exc_info, made.take])
    logging.getLogger().addHandler(made)
    try:
        yield made
    finally:
        logging.getLogger().removeHandler(made)
        structlog.configure(**before)


@dataclass
class Watched:
    """A hub whose every part speaks, with what it said."""

    hub: Hub
    told: Told
    settings: dict[str, str]

    def enlace(self, *arguments: str) -> Answer:
        answer = enlace(*arguments, **self.settings)
        self.told.add(f"enlace {' '.join(arguments)}", answer.out + answer.err)
        return answer

    @contextmanager
    def process(self, name: str, port: int) -> Iterator[None]:
        """A service of the hub at work, logging all it can."""
        path = self.hub.folder / f"{name}.log"
        given = {**self.settings, "ENLACE_LOG_LEVEL": "debug", "ENLACE_METRICS_PORT": str(port)}
        with path.open("wb") as log:
            child = start(name, log, given, self.hub.folder)
            try:
                yield
                for page in ("metrics", "health", "ready"):
                    self.told.add(f"{name} /{page}", fetched(f"http://127.0.0.1:{port}/{page}"))
            finally:
                child.send_signal(signal.SIGTERM)
                child.wait(60)
        self.told.add(f"log of {name}", path.read_bytes())


def start(name: str, log: IO[bytes], settings: dict[str, str], folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*ENLACE, name, "run"], cwd=folder, env=environment(settings), stdout=log, stderr=log)


def fetched(address: str) -> str:
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return f"{answer.status} {answer.read().decode()}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read().decode()}"
    except OSError:
        return ""


@pytest.fixture(scope="module")
def told(hub: Hub, postgres: str) -> Iterator[Watched]:
    """What came out of a hub through which all of it went."""
    hub.begin()
    settings = {
        "ENLACE_BOOTSTRAP_SERVERS": hub.connection.bootstrap_servers,
        "ENLACE_STEWARD_KEYS": hub.first_keys,
        "ENLACE_HOME": str(hub.folder),
        "ENLACE_PARTITIONS": str(PARTITIONS),
    }
    made = Watched(hub, Told(), settings)
    with written() as logs:
        ports = free_ports(2)
        with made.process("router", ports[0]), made.process("recorder", ports[1]):
            publish(hub)
            until(lambda: settled(made.told, ports[0]), "all records settled")
            until(lambda: "enlace_recorder_records" in fetched(f"http://127.0.0.1:{ports[1]}/metrics"), "a recorder")
            until(lambda: recorded(hub), "all records recorded")
            commands(made)
            pages(hub, made.told, FILE)
            with new_database(postgres) as url:
                made.told.add("PostgreSQL", rows_in_postgresql(hub, url))
        made.told.add("logs of commands and console", "\n".join(logs.lines))
    for path in hub.folder.glob(f"{FILE}*"):
        made.told.add(path.name, path.read_bytes())
    yield made


BAD = len(list(bad()))


def publish(hub: Hub) -> None:
    """Everything at once, in few transactions, as each takes its time."""
    restricted = {"class": "mutual-legal-assistance", "purposes": ("prosecution", "investigation")}
    alerts = [
        *(good(number) for number in range(1, GOOD)),
        good(GOOD, labelled=restricted),
        good(1, revision=2, minor="yes"),
    ]
    write(hub, *(record_of(each, PARTITIONS) for each in alerts), *bad())
    (delivery, *_) = until(lambda: hub.sent("police", 2), "a delivery")
    said = {"state": "rejected", "reason": f"known as {MARK}"}, {"reference": MARK}, {"reason": MARK.lower()}
    replies = [receipt_of(delivery, **each)._replace(partition=lane(alert_id(2).bytes, PARTITIONS)) for each in said]
    state = replies[0]._replace(topic="connectors.police", partition=0)
    native = state._replace(key=MARK.encode(), value=MARK.encode())
    write(hub, *replies, *(state._replace(key=b"health/x", value=framed(each)) for each in ailing()), native)


def ailing() -> Iterator[Health]:
    """Connectors that put what they know into their names and errors, as text and as what looks like a code."""
    for name, error in ((MARK, f"fault: {MARK} in module:7"), ("x", MARK.lower()), ("y", f"{MARK.lower()}: gap")):
        yield Health(connector=name, agency="police", at_ms=1, state="failed", error=error)


def rows_in_postgresql(hub: Hub, url: str) -> bytes:
    """Every value of a read model that recorded the same topics there."""
    engine = open_database(url)
    upgrade(engine)
    keys = frozenset(public_key(text) for text in hub.first_keys.split(","))
    recorder = Recorder(lambda: KafkaReading(hub.connection), engine, ids=hub.ids, keys_of_first=keys)
    recorder.open()
    while recorder.step() or not recorder.caught_up:
        pass
    recorder.close()
    with engine.connect() as connection:
        values = [
            value if isinstance(value, bytes) else str(value).encode()
            for table in Base.metadata.sorted_tables
            for row in connection.execute(select(table))
            for value in row
        ]
    engine.dispose()
    return b"\n".join(values)


def write(hub: Hub, *records: Outgoing) -> None:
    publisher = KafkaPublisher(hub.connection, name="careless", record_bytes=HUB_RECORD_BYTES)
    try:
        publisher.publish(records)
    finally:
        publisher.close()


def settled(told: Told, port: int) -> bool:
    """All alerts and receipts that were published, by the router's own count."""
    text = fetched(f"http://127.0.0.1:{port}/metrics")
    counts = re.findall(r'enlace_router_records_total\{outcome="[a-z]+"\} ([0-9.]+)', text)
    return sum(map(float, counts)) >= GOOD + BAD + 4


def recorded(hub: Hub) -> bool:
    """Whether the read model has all that stands on the topics now."""
    reading, engine = KafkaReading(hub.connection), open_database(f"sqlite:///{hub.folder / FILE}")
    try:
        _, ends = reading.spans(sorted(reading.places()))
        with engine.connect() as db:
            reached = positions(db)
    finally:
        reading.close()
        engine.dispose()
    return all(reached.get(at, 0) >= end for at, end in ends.items())


def commands(made: Watched) -> None:
    """Every command that shows what stands on the topics or in the read model; and wrong ones, for their errors."""
    rows = made.enlace("quarantine", "list", "--json").json
    made.enlace("quarantine", "list")
    made.enlace("quarantine", "show", rows[0]["place"])
    made.enlace("quarantine", "show", rows[-1]["place"], "--json")
    made.enlace("quarantine", "replay", rows[0]["place"], "--why", "a test")
    made.enlace("quarantine", "return", rows[1]["place"], "--why", "a test")
    made.enlace("tail", "--all", "--last", "6", "--json")
    made.enlace("tail", "--all", "--last", "6")
    for number, scope in ((1, ()), (GOOD, ("--auditor-of", "customs"))):
        life = made.enlace("alert", str(alert_id(number)), *scope, "--json").json
        made.enlace("alert", str(alert_id(number)), *scope)
        made.enlace("alert", str(alert_id(number)), *scope, "--why", "shelter", "--english")
        made.enlace("audit", "delivery", life["deliveries"][0]["id"], *scope, "--json")
    for arguments in (
        ("status",),
        ("status", "--json"),
        ("lag",),
        ("lag", "--json"),
        ("topics",),
    ):
        made.enlace(*arguments)
    made.enlace("audit", "reconcile", "--json")
    made.enlace("doctor", "--json")
    made.enlace("quarantine", "show", "alerts.customs/9/9")
    made.enlace("alert", str(alert_id(999)))


def test_what_was_planted_is_told_to_nobody(told: Watched) -> None:
    assert told.told.leaks() == []


def test_it_was_planted_in_every_section_and_reached_its_recipients(told: Watched) -> None:
    """Else the search would find nothing for the wrong reason."""
    for topic, fewest in (
        ("alerts.customs", 500),
        ("quarantine", 500),
        ("deliveries.police", 20),
        ("deliveries.shelter", 5),
    ):
        assert sum((record.value or b"").count(MARK.encode()) for record in told.hub.records(topic)) > fewest, topic


def test_every_part_of_the_hub_spoke(told: Watched) -> None:
    places = told.told.places
    for place in (
        "log of router",
        "log of recorder",
        "router /metrics",
        "recorder /metrics",
        "logs of commands and console",
    ):
        assert len(places[place]) > 100, place
    assert "router.committed" in str(places["log of router"]), "it logs all it can"
    assert 'enlace_router_quarantined_total{reason="unknown-value"} ' in str(places["router /metrics"])
    for place in ("enlace tail --all --last 6 --json", f"{OLGA} /alerts/{alert_id(1)} {{}}"):
        assert str(alert_id(1)) in str(places[place]), place
    posted = [str(places[f"{OLGA} POST {path}"]) for path in ("/quarantine/dry-run", "/quarantine/order", "/holds/set")]
    assert all("<h1>" in answer for answer in posted) and "alerts.customs/" in posted[0]
    for place in (FILE, "PostgreSQL"):
        assert alert_id(1).bytes in bytes(places[place]), place  # type: ignore[arg-type]
    assert len(places[FILE]) > 50_000
    reasons = {row["reason"] for row in json.loads(str(places["enlace quarantine list --json"]))}
    assert reasons >= {"undecodable", "unknown-schema", "too-large", "key-mismatch", "wrong-lane"}
    assert reasons >= {"foreign-topic", "unknown-value", "digest-mismatch"}


def test_the_search_finds_what_is_planted_in_a_log_on_purpose(told: Watched) -> None:
    with written() as logs:
        structlog.get_logger().warning("careless", name=f"María {MARK}")
        logging.getLogger("careless").warning("of %s", MARK.lower())
    careless = Told()
    for number, line in enumerate(logs.lines):
        careless.add(f"line {number}", line)
    assert careless.leaks() == ["line 0", "line 1"]


@pytest.mark.parametrize("shift", range(3))
def test_the_search_finds_what_is_written_in_hexadecimal_or_base64(shift: int) -> None:
    raw = b"x" * shift + MARK.encode() + b" and more"
    assert found(raw) and found(raw.hex()) and found(base64.b64encode(raw))
    assert not found(b"nothing of it")
