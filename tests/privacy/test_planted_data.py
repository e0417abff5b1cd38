"""What an agency writes of persons is seen by nobody but its recipients: planted everywhere, sought wherever the hub speaks.

Router and recorder run as processes that log all they can; the console's pages are asked for by every role; every command
that shows something is called. What was planted must be in the agencies' topics, and nowhere else.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest
import structlog
from argon2 import PasswordHasher
from sqlalchemy import Engine

from hub.bus.bus import Outgoing, lane
from hub.bus.kafka import KafkaPublisher
from hub.bus.limits import HUB_RECORD_BYTES
from hub.bus.ports import free_ports
from hub.console import tables
from hub.console.app import DOORS, create_app
from hub.console.ask import House
from hub.console.kafka_cluster import KafkaCluster
from hub.console.people import People
from hub.console.sessions import lifetimes
from hub.console.settings import ConsoleSettings
from hub.guidelines.approval import public_key
from hub.model.receipt import Health
from hub.readmodel.database import FILE, open_database, upgrade, writing
from hub.readmodel.reading import KafkaReading
from hub.readmodel.writing import positions
from tests.cli.command import ENLACE, Answer, enlace, environment
from tests.console.visitor import Visitor
from tests.console.world import PASSWORD
from tests.kafka.change_hub import Hub, hub, until
from tests.privacy.planted import MARK, PARTITIONS, bad, found, good
from tests.routing.alerts import alert_id, framed, receipt_of, record_of

__all__ = ["hub"]
pytestmark = pytest.mark.kafka
GOOD = 6
PEOPLE = {"olga": ("operator", None), "ariel": ("auditor", "customs")}  # together they may see every page
TOPICS = (
    *("decisions", "quarantine", "control", "alerts.customs"),
    *("deliveries.police", "receipts.police", "connectors.police"),
)


@dataclass
class Told:
    """All that came out, by the place where it did."""

    places: dict[str, str | bytes] = field(default_factory=dict)

    def add(self, place: str, out: str | bytes) -> None:
        self.places[place] = self.places.get(place, b"" if isinstance(out, bytes) else "") + out  # type: ignore[operator]

    def leaks(self) -> list[str]:
        return sorted(place for place, out in self.places.items() if found(out))


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
def told(hub: Hub) -> Iterator[Watched]:
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
            pages(made)
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
    said = {"state": "rejected", "reason": f"known as {MARK}"}, {"reference": MARK}
    replies = [receipt_of(delivery, **each)._replace(partition=lane(alert_id(2).bytes, PARTITIONS)) for each in said]
    health = Health(connector=MARK, agency="police", at_ms=1, state="failed", error="fault: KeyError in module:7")
    state = replies[0]._replace(topic="connectors.police", partition=0)
    native = state._replace(key=MARK.encode(), value=MARK.encode())
    write(hub, *replies, state._replace(key=b"health/x", value=framed(health)), native)


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
    return sum(map(float, counts)) >= GOOD + BAD + 3


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


def pages(made: Watched) -> None:
    """Every page of the console for every role, the forms that show something, and pages that do not exist."""
    engine = open_database(f"sqlite:///{made.hub.folder / FILE}")
    upgrade(engine)
    tables.make(engine)
    house = house_of(made.hub, engine)
    with writing(engine) as db:
        for name, (role, agency) in PEOPLE.items():
            house.people.add(db, name, role, agency, PASSWORD, now_ms())
    bundle = made.hub.in_force().rules().bundle.name
    for name in PEOPLE:
        someone = Visitor(create_app(house), "en" if name == "olga" else "es")
        assert someone.sign_in(name).status_code == 303
        for door in DOORS:
            if door.method == "GET" and door.path != "/now/stream":
                visit(made, someone, name, door.path, bundle)
        for path in ("/alerts/nothing", "/quarantine/nothing", "/topics/nothing/records", "/nothing"):
            made.told.add(f"{name} {path}", someone.get(path).text)
    made.told.add("console /metrics", house.metrics.text())
    engine.dispose()


def visit(made: Watched, someone: Visitor, name: str, path: str, bundle: str) -> None:
    """A page as often as there are things that it can show."""
    topics = TOPICS if path.endswith("/records") and name == "ariel" else ("alerts.customs",)
    for topic in topics:
        for number in (1, GOOD) if "{id}" in path else (1,):
            asked = path.format(
                topic=topic, id=alert_id(number), reason="unknown-value", digest=bundle, agency="police"
            )
            for query in queries(path):
                made.told.add(f"{name} {asked} {query}", someone.get(asked, **query).text)


def queries(path: str) -> list[dict[str, str]]:
    if path.endswith("/records"):
        return [{"partition": str(number)} for number in range(PARTITIONS)]
    if path.endswith("/export"):
        return [{"form": form} for form in ("csv", "json")]
    return [{"agency": "shelter"} if path.endswith("/why") else {}]


def house_of(hub: Hub, engine: Engine) -> House:
    settings = ConsoleSettings(host="127.0.0.1", port=8630)
    keys = frozenset(public_key(text) for text in hub.first_keys.split(","))
    return House(
        engine=engine,
        cluster=KafkaCluster(hub.connection, hub.ids, keys, PARTITIONS, 1, now_ms),
        settings=settings,
        people=People(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)),
        sessions=lifetimes(settings),
        clock=now_ms,
        port=8630,
    )


def now_ms() -> int:
    return time.time_ns() // 1_000_000


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
    for place in ("enlace tail --all --last 6 --json", f"olga /alerts/{alert_id(1)} {{}}"):
        assert str(alert_id(1)) in str(places[place]), place
    assert len(places[FILE]) > 50_000 and alert_id(1).bytes in bytes(places[FILE])  # type: ignore[arg-type]
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
