"""Commands on a real Kafka: topics made and checked, what waits and why, connectors and router as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from connectors.sdk import run
from hub.bus.bus import Outgoing, lane
from hub.bus.kafka import KafkaPublisher
from hub.bus.local import LocalKafka
from hub.bus.settings import Connection
from hub.cli.seen import deliveries
from tests.cli.command import ENLACE, Answer, enlace, environment
from tests.connectors.interpol.test_notices_as_alerts import RED

pytestmark = pytest.mark.kafka
PATIENCE_S = 90.0
PANAMA = Path(__file__).parents[2] / "profiles" / "panama"
POISON = b"\0\0\0\0\1 UNMISTAKABLE VALUE"


@dataclass
class Cluster:
    """A broker with the profile's topics and a router, and the command with its settings."""

    folder: Path
    address: str

    @property
    def connection(self) -> Connection:
        return Connection(bootstrap_servers=self.address)

    @property
    def settings(self) -> dict[str, str]:
        return {"ENLACE_BOOTSTRAP_SERVERS": self.address, "ENLACE_HOME": str(self.folder)}

    def enlace(self, *arguments: str | Path, **settings: str) -> Answer:
        return enlace(*arguments, **{**self.settings, **settings})

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [*ENLACE, *arguments], cwd=self.folder, env=environment(self.settings), stdout=log, stderr=log
            )

    def publish(self, *records: Outgoing) -> None:
        publisher = KafkaPublisher(self.connection, name="a-test")
        try:
            publisher.publish(records)
        finally:
            publisher.close()

    def status(self, agency: str) -> dict[str, Any]:
        return next(row for row in self.enlace("status", "--json").json if row["agency"] == agency)

    def waiting(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.enlace("quarantine", "list", "--json").json
        return rows


def until(found: Callable[[], Any], what: str) -> Any:
    deadline_s = time.monotonic() + PATIENCE_S
    while not (answer := found()):
        assert time.monotonic() < deadline_s, f"in vain: {what}"
    return answer


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    with LocalKafka(folder / "kafka") as broker:  # of its own: these commands speak of everything that stands on it
        cluster = Cluster(folder, broker.bootstrap_servers)
        router: subprocess.Popen[bytes] | None = None
        try:
            assert cluster.enlace("topics", "create").code == 0
            router = cluster.start("router", "run", "--profile", str(PANAMA))
            yield cluster
        finally:
            if router is not None:
                router.send_signal(signal.SIGTERM)
                ended = router.wait(60)
                assert ended == 0, (folder / "router.log").read_text()


def test_topics_are_made_once_checked_and_counted(cluster: Cluster) -> None:
    again = cluster.enlace("topics", "create")
    assert (again.code, again.out) == (0, "0 topics made\n")
    checked = cluster.enlace("topics", "check", "--json")
    assert (checked.code, checked.json) == (0, [])
    counted = {row["topic"]: row for row in cluster.enlace("topics", "--json").json}
    assert counted["alerts.customs"]["partitions"] == 6 and counted["guidelines"]["partitions"] == 1
    assert "deliveries.interpol" in cluster.enlace("topics").out


def test_another_number_of_lanes_is_refused_and_found(cluster: Cluster) -> None:
    refused = cluster.enlace("topics", "create", ENLACE_PARTITIONS="3")
    assert refused.code == 1 and refused.err.count("\n") == 1
    checked = cluster.enlace("topics", "check", ENLACE_PARTITIONS="3")
    assert checked.code == 1 and "partitions is 6, declared 3" in checked.out


def test_doctor_finds_a_cluster_in_order(cluster: Cluster) -> None:
    checks = {check["what"]: check for check in cluster.enlace("doctor", "--json").json}
    assert checks["cluster"]["well"] and checks["topics"]["well"]


def test_a_router_with_another_source_of_schema_ids_does_not_start(cluster: Cluster) -> None:
    from tests.bus import registry_server

    with registry_server.running() as registry:
        refused = cluster.enlace("router", "run", ENLACE_SCHEMA_REGISTRY_URL=registry.address)
    assert refused.code == 1 and "unset ENLACE_SCHEMA_REGISTRY_URL" in refused.err
    assert refused.err.count("\n") == 1


def test_poison_is_listed_shown_replayed_and_returned_and_never_revealed(cluster: Cluster) -> None:
    key = bytes(range(16))
    cluster.publish(Outgoing("alerts.customs", lane(key, 6), key, POISON))
    (row,) = until(cluster.waiting, "the poison in quarantine")
    place = f"alerts.customs/{lane(key, 6)}/0"
    assert (row["place"], row["reason"], row["attempt"], row["size_bytes"]) == (place, "undecodable", 1, len(POISON))

    shown = cluster.enlace("quarantine", "show", place, "--json")
    assert shown.json == row
    assert "undecodable" in cluster.enlace("quarantine", "list").out
    assert "UNMISTAKABLE" not in shown.out + cluster.enlace("quarantine", "show", place).out

    replayed = cluster.enlace("quarantine", "replay", place, "--why", "the hub was mended")
    assert replayed.code == 0
    again = until(lambda: [each for each in cluster.waiting() if each["place"] != place], "the poison a second time")
    assert again[0]["place"].startswith("control/") and again[0]["attempt"] == 2

    returned = cluster.enlace("quarantine", "return", again[0]["place"], "--why", "please correct")
    assert returned.code == 0
    orders = {each["place"]: each["ordered"] for each in cluster.waiting()}
    assert orders == {place: "replay", again[0]["place"]: "return"}
    (feedback,) = until(lambda: deliveries(cluster.connection, "customs"), "feedback to the originator")
    assert (feedback.kind, feedback.reason, feedback.view) == ("feedback", "undecodable", None)

    status = cluster.status("customs")
    assert (status["published"], status["decided"], status["quarantined"], status["waiting"]) == (1, 0, 1, 0)


@pytest.mark.parametrize("place", ["alerts.customs/0/999", "nothing", "alerts.customs/0"])
def test_a_place_where_nothing_stands_is_one_line(cluster: Cluster, place: str) -> None:
    for command in (("show", place), ("replay", place, "--why", "x"), ("return", place, "--why", "x")):
        answer = cluster.enlace("quarantine", *command)
        assert answer.code == 2 and answer.err.count("\n") == 1 and "TOPIC/PARTITION/OFFSET" in answer.err


def options(cluster: Cluster, name: str, **fields: str) -> Path:
    path = cluster.folder / f"{name}.yaml"
    path.write_text(json.dumps(fields))
    return path


def test_a_notice_goes_from_a_folder_to_the_prosecutors_inbox_once(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "IDLE_WAIT_MS", 100)  # nothing else will come
    folder, inbox = cluster.folder / "notices", cluster.folder / "inbox.db"
    folder.mkdir()
    notice = folder / "notice.json"
    notice.write_text(json.dumps([RED, {"name": "nobody"}]))
    os.utime(notice, (1_000_000_000, 1_000_000_000))
    source = options(cluster, "interpol", folder=str(folder))
    for _ in range(2):
        ran = cluster.enlace("connector", "run", "interpol", "--options", source, "--once")
        assert ran.code == 0, ran.err
    assert sorted(path.name for path in folder.iterdir()) == ["done", "requests"]
    set_aside = (cluster.folder / "connectors" / "interpol" / "set-aside.jsonl").read_text()
    assert json.loads(set_aside)["file"] == "notice.json" and "nobody" not in set_aside
    until(lambda: cluster.status("interpol")["decided"] == 1, "a decision")

    sink = options(cluster, "attorney-general", database=f"sqlite:///{inbox}")

    def taken() -> list[tuple[Any, ...]]:
        """What is in the inbox after one run, which may end before the group has let it in."""
        ran = cluster.enlace("connector", "run", "attorney-general", "--options", sink, "--once")
        assert ran.code == 0, ran.err
        with create_engine(f"sqlite:///{inbox}").connect() as connection:
            return [tuple(row) for row in connection.execute(text("SELECT state, class, originator FROM inbox_alert"))]

    assert until(taken, "the alert in the inbox") == [("open", "wanted-person", "interpol")]
    status = cluster.status("attorney-general")
    assert status["delivered"] == status["received"] == 1
    assert "attorney-general" in cluster.enlace("status").out


def test_an_agency_joins_twice_without_harm_and_leaves(cluster: Cluster) -> None:
    joined = cluster.enlace("agency", "add", "tenth")
    assert joined.code == 0 and "4 topics made, no user, as the cluster is not secured" in joined.out
    assert len(joined.out.splitlines()) == 4 and "its alerts wait in quarantine" in joined.out
    again = cluster.enlace("agency", "add", "tenth")
    assert again.code == 0 and "0 topics made" in again.out
    shown = cluster.enlace("agency", "show", "tenth", "--json").json
    assert shown["missing"] == [] and shown["secured"] is False and shown["rules"] == []
    assert "everybody may do everything" in cluster.enlace("agency", "show", "tenth").out
    assert cluster.enlace("agency", "remove", "tenth", "--topics", "--yes").code == 0
    gone = lambda: len(cluster.enlace("agency", "show", "tenth", "--json").json["missing"]) == 4  # noqa: E731
    until(gone, "the end of its topics")


@pytest.mark.parametrize("command", [("add", "Not A Slug"), ("suspend", "customs"), ("remove", "customs", "--topics")])
def test_what_cannot_be_done_to_an_agency_is_one_line(cluster: Cluster, command: tuple[str, ...]) -> None:
    refused = cluster.enlace("agency", *command)
    assert refused.code in (1, 2) and refused.err.count("\n") == 1
