"""The recorder on a real Kafka with a router at work: what it records, what is rebuilt, and what the commands say of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from hub.bus.bus import Outgoing
from hub.guidelines.approval import public_key
from hub.readmodel import queries
from hub.readmodel.database import FILE, open_database, upgrade
from hub.readmodel.lags import lags
from hub.readmodel.reading import KafkaReading
from hub.readmodel.results import NOBODY, Wanted
from hub.readmodel.sampling import Sampler
from hub.recorder import AnotherRecorder, Recorder
from tests.cli.command import Answer, enlace
from tests.kafka.change_hub import Hub, hub, until, valid_alert
from tests.readmodel.recording import rows_of
from tests.routing.alerts import alert_id, receipt_of

__all__ = ["hub"]
pytestmark = pytest.mark.kafka


class Recorded:
    """A hub with some history, and its read model."""

    def __init__(self, hub: Hub, engine: Engine) -> None:
        self.hub = hub
        self.engine = engine

    def recorder(self) -> Recorder:
        keys = frozenset(public_key(text) for text in self.hub.first_keys.split(","))
        return Recorder(lambda: KafkaReading(self.hub.connection), self.engine, ids=self.hub.ids, keys_of_first=keys)

    def record(self) -> None:
        recorder = self.recorder()

        def all_is_read() -> bool:
            return not recorder.step(100) and recorder.caught_up

        try:
            until(all_is_read, "the end of the topics")
        finally:
            recorder.close()

    def enlace(self, *arguments: str) -> Answer:
        settings = {
            "ENLACE_BOOTSTRAP_SERVERS": self.hub.connection.bootstrap_servers,
            "ENLACE_STEWARD_KEYS": self.hub.first_keys,
            "ENLACE_HOME": str(self.hub.folder),
        }
        return enlace(*arguments, **settings)

    def json(self, *arguments: str) -> Any:
        answer = self.enlace(*arguments, "--json")
        assert answer.code == 0, answer.err
        return json.loads(answer.out)


@pytest.fixture(scope="module")
def recorded(hub: Hub) -> Iterator[Recorded]:
    hub.begin()
    engine = open_database(f"sqlite:///{Path(hub.folder) / FILE}")
    upgrade(engine)
    made = Recorded(hub, engine)
    with hub.routing(hub.in_force()):
        hub.write(*(valid_alert(number) for number in range(1, 6)))
        hub.decided(*range(1, 6))
        made.record()  # some of it live, the rest below
        for number in (1, 2):
            (delivery,) = hub.sent("police", number)
            hub.write_record(receipt_of(delivery)._replace(partition=_lane(number)))
        hub.write_record(Outgoing("alerts.customs", 0, b"k", b"nonsense"))
        hub.done("hold", "set", "deliveries/shelter", "--why", "a test", "--who", "olga")
        hub.write(valid_alert(6))
        hub.decided(6)
        until(lambda: len(hub.records("quarantine")) == 1, "a record in quarantine")
        notes = len(hub.records("decisions"))
        until(lambda: len(hub.records("decisions")) >= max(8, notes), "notes of the receipts")
    made.record()
    yield made
    engine.dispose()


def _lane(number: int) -> int:
    from hub.bus.bus import lane
    from tests.kafka.change_hub import PARTITIONS

    return lane(alert_id(number).bytes, PARTITIONS)


def test_what_the_router_did_is_recorded_and_adds_up(recorded: Recorded) -> None:
    with recorded.engine.connect() as connection:
        found = queries.search(connection, NOBODY, Wanted(agency="police"))
        assert {row.id for row in found.alerts} == {alert_id(number) for number in range(1, 7)}
        sums = queries.reconciliation(connection, 2**45)
        assert sums.sound and sums.quarantined == 1
        life = queries.alert_life(connection, NOBODY, alert_id(1))
        assert life is not None
        assert {each.recipient: each.state for each in life.deliveries}["police"] == "effected"
        assert [each.scope for each in queries.holds(connection)] == ["deliveries/shelter"]
        assert len(queries.bundles(connection)) == 1


def test_a_rebuild_by_command_gives_the_same_rows(recorded: Recorded) -> None:
    live = rows_of(recorded.engine)
    answer = recorded.enlace("recorder", "rebuild")
    assert answer.code == 0, answer.err
    assert rows_of(recorded.engine) == live


def test_a_second_recorder_ends_the_first(recorded: Recorded) -> None:
    one, other = recorded.recorder(), recorded.recorder()
    one.open()
    other.open()
    recorded.hub.write_record(Outgoing("receipts.embassy", 0, None, b"nonsense"))
    until(lambda: other.step(200), "a record")
    with pytest.raises(AnotherRecorder):
        until(lambda: one.step(200), "a record")
    one.close()
    other.close()


def test_what_the_router_has_read_is_no_lag_though_markers_stand_behind_it(recorded: Recorded) -> None:
    times = iter(range(0, 1_000, 20))
    stamps = iter(range(1_000, 100_000, 1_000))
    sampler = Sampler(recorded.hub.connection, recorded.engine, lambda: float(next(times)), lambda: next(stamps))
    for _ in range(5):
        sampler()
    sampler.close()
    with recorded.engine.connect() as connection:
        (customs,) = [lag for lag in lags(connection, 6_000) if lag.topic == "alerts.customs"]
    assert (customs.group, customs.state, customs.records) == ("enlace-router", "ok", 0)


def test_the_commands_tell_an_alerts_life_why_and_whether_all_adds_up(recorded: Recorded) -> None:
    life = recorded.json("alert", str(alert_id(1)))
    assert life["alert"]["alert_class"] == "suspected-transit"
    why = recorded.json("alert", str(alert_id(1)), "--why", "embassy")
    assert (why["agency"], why["outcome"]) == ("embassy", "purpose")
    assert "Timeline" in recorded.enlace("alert", str(alert_id(1))).out
    sent = next(each["id"] for each in life["deliveries"] if each["recipient"] == "police")
    assert recorded.json("audit", "delivery", sent)["same"] is True
    sums = recorded.json("audit", "reconcile")
    assert sums["sound"] and sums["quarantined"] == 1 and sums["findings"] == []
    tailed = [json.loads(line) for line in recorded.enlace("tail", "--all", "--last", "6", "--json").out.splitlines()]
    assert {row["alert"] for row in tailed} == {str(alert_id(number)) for number in range(1, 7)}
    assert {row["agency"] for row in recorded.json("status")} >= {"customs", "police"}
    assert isinstance(recorded.json("lag"), list)
    with recorded.engine.connect() as connection:
        actions = [entry.action for entry in queries.audit_log(connection).entries]
    assert actions.count("alert.seen") == 3 and "delivery.recomputed" in actions


def test_who_asks_for_what_is_not_there_is_told_in_one_line(recorded: Recorded) -> None:
    for arguments, code in (
        (("alert", "no-id"), 2),
        (("alert", str(alert_id(99))), 1),
        (("audit", "delivery", "00" * 16), 2),
    ):
        answer = recorded.enlace(*arguments)
        assert (answer.code, answer.out, answer.err.count("\n")) == (code, "", 1)
