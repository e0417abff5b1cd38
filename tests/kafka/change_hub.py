"""A hub on a Kafka of its own for tests of change control and holds: topics, a router in a thread, the `enlace` command."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from hub.bus.bus import Outgoing, Record
from hub.bus.follow import Follower
from hub.bus.kafka import KafkaBus, KafkaPublisher
from hub.bus.limits import HUB_RECORD_BYTES, Limits
from hub.bus.local import LocalKafka
from hub.bus.restore import partitions_of, read_table
from hub.bus.settings import Connection
from hub.bus.topics import INTAKE_PATTERN, administration, create
from hub.cli import change, hold, replay
from hub.cli.cluster import schema_ids
from hub.guidelines.approval import public_key
from hub.guidelines.bundle import Bundle
from hub.inforce import PLACE, InForce
from hub.model.compose import DAY_MS
from hub.model.core import Alert
from hub.model.decision import Decision
from hub.model.delivery import Delivery
from hub.router import GROUP, STATE_TOPIC, Lanes, Router, now_ms, run
from tests.guidelines.published import bundle_fields
from tests.routing.alerts import AGENCIES, BUNDLE, NOW_MS, alert, alert_id, decoded, record_of

PARTITIONS = 2
PATIENCE_S = 60.0

enlace = typer.Typer()
guidelines = typer.Typer()
guidelines.add_typer(change.app)
guidelines.add_typer(replay.app)
enlace.add_typer(guidelines, name="guidelines")
enlace.add_typer(hold.app, name="hold")


class Hub:
    """One cluster with its topics, and what people and routers do on it. `folder`: for keys, drafts and approvals; `later_ms`:
    how far the hub's clock is ahead of the real one."""

    def __init__(self, servers: str, folder: Path) -> None:
        self.connection = Connection(bootstrap_servers=servers)
        self.folder = folder
        with administration(self.connection) as admin:
            create(admin, AGENCIES, PARTITIONS, 1)
        self.ids = schema_ids(self.connection, hub=True)
        self._publisher = KafkaPublisher(self.connection, name="tests", record_bytes=HUB_RECORD_BYTES)
        self._open = ExitStack()
        self._open.callback(self._publisher.close)
        self.stewards: dict[str, str] = {}
        self.later_ms = 0
        self.first_keys = ""

    def close(self) -> None:
        self._open.close()

    # people

    def enlace(self, *arguments: str) -> Result:
        return CliRunner().invoke(enlace, arguments, catch_exceptions=False)

    def done(self, *arguments: str) -> str:
        result = self.enlace(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.done(*arguments, "--json"))

    def file(self, name: str) -> str:
        return str(self.folder / name)

    def steward(self, name: str) -> str:
        """A new steward's public key; the private one stays in a file."""
        text = self.done("guidelines", "keygen", "--out", self.file(f"{name}.pem"), "--unprotected").strip()
        assert len(public_key(text)) == 32
        self.stewards[name] = text
        return text

    def bundle_file(self, name: str, bundle: Bundle) -> str:
        (self.folder / name).write_bytes(bundle.to_json())
        return self.file(name)

    def draft(self, name: str, bundle: Bundle) -> str:
        self.done(
            "guidelines", "draft", self.bundle_file(f"{name}-bundle.json", bundle), "--out", self.file(f"{name}.json")
        )
        return self.file(f"{name}.json")

    def approve(self, draft: str, steward: str) -> str:
        out = self.file(f"{Path(draft).stem}-{steward}.json")
        self.done(
            *("guidelines", "approve", draft, "--key", self.file(f"{steward}.pem"), "--steward", steward, "--out", out)
        )
        return out

    def publish(self, name: str, bundle: Bundle, *stewards: str) -> str:
        draft = self.draft(name, bundle)
        return self.done("guidelines", "publish", draft, *(self.approve(draft, each) for each in stewards))

    def begin(self) -> Bundle:
        """BUNDLE with ana and luis as stewards is in force."""
        bundle = self.with_stewards("ana", "luis")
        if [row["digest"] for row in self.history() if row["state"] == "in force"] != [bundle.name]:
            self.publish("begin", bundle, "ana", "luis")
        return bundle

    def history(self) -> list[Any]:
        rows = self.json("guidelines", "history")
        assert isinstance(rows, list)
        return rows

    def with_stewards(self, *names: str, bundle: Bundle = BUNDLE) -> Bundle:
        texts = tuple(sorted(self.stewards[name] for name in names))
        agencies = (bundle.agencies[0].model_copy(update={"stewards": texts}), *bundle.agencies[1:])
        return Bundle(**{**bundle_fields(bundle), "agencies": agencies})

    # the bus

    def write(self, *models: Alert) -> None:
        self._publisher.publish([record_of(model, PARTITIONS) for model in models])

    def write_record(self, record: Outgoing) -> None:
        self._publisher.publish([record])

    def records(self, topic: str) -> list[Record]:
        limits = Limits()
        found = read_table(self.connection, partitions_of(self.connection, topic, limits), limits)
        return [record for _, record in found]

    def decisions(self, *numbers: int) -> dict[int, Decision]:
        """The newest decision on each of these alerts."""
        by_id = {alert_id(number): number for number in numbers}
        values = (decoded(record.value) for record in self.records("decisions"))
        decisions = [value for value in values if isinstance(value, Decision)]
        return {by_id[each.core.id]: each for each in decisions if each.core.id in by_id}

    def sent(self, agency: str, number: int) -> list[Delivery]:
        values = (decoded(record.value) for record in self.records(f"deliveries.{agency}"))
        return [value for value in values if isinstance(value, Delivery) and value.alert == alert_id(number)]

    def decided(self, *numbers: int) -> dict[int, Decision]:
        """The same, once all of them are decided."""
        until(lambda: len(self.decisions(*numbers)) == len(numbers), f"decisions on {numbers}")
        return self.decisions(*numbers)

    # the router

    def clock_ms(self) -> int:
        return now_ms() + self.later_ms

    def in_force(self) -> InForce:
        first = frozenset(public_key(text) for text in self.first_keys.split(","))
        follower = Follower(self.connection, PLACE)
        self._open.callback(follower.close)
        return InForce(follower, first, ids=self.ids)

    @contextmanager
    def routing(self, in_force: InForce, slot: str = "router-0") -> Iterator[None]:
        """While the block lasts, a router is at work."""
        stop = threading.Event()
        thread = threading.Thread(target=self._route, args=(in_force, slot, stop.is_set), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(PATIENCE_S)

    def _route(self, in_force: InForce, slot: str, stop: Callable[[], bool]) -> None:
        lanes = Lanes()
        bus = KafkaBus(
            self.connection,
            group=GROUP,
            slot=slot,
            topics=INTAKE_PATTERN,
            restore=lanes.restore,
            state_topic=STATE_TOPIC,
            end=lambda _code: None,
        )
        try:
            run(Router(bus, lanes, in_force.rules, PARTITIONS, ids=self.ids, clock_ms=self.clock_ms), stop)
        finally:
            bus.close()


def valid_alert(number: int, **fields: Any) -> Alert:
    """One that has not expired by the real clock."""
    return alert(number, valid_ms=time.time_ns() // 1_000_000 - NOW_MS + 30 * DAY_MS, **fields)


def until(found: Callable[[], Any], what: str) -> Any:
    """Asks until the answer is true."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not (answer := found()):
        assert time.monotonic() < deadline_s, f"in vain: {what}"
        time.sleep(0.05)
    return answer


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with two stewards, ana and luis, whose keys are in the settings. Tests of a module share it: each begins by
    `begin()`, and uses alerts of its own numbers."""
    folder = tmp_path_factory.mktemp("change")
    with LocalKafka(folder / "kafka") as broker, pytest.MonkeyPatch.context() as environment:
        environment.setenv("ENLACE_BOOTSTRAP_SERVERS", broker.bootstrap_servers)
        made = Hub(broker.bootstrap_servers, folder)
        made.first_keys = ",".join(made.steward(name) for name in ("ana", "luis"))
        environment.setenv("ENLACE_STEWARD_KEYS", made.first_keys)
        try:
            yield made
        finally:
            made.close()
