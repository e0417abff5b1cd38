"""A router takes bundle and holds between two transactions: the loop, over the simulated bus."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hub.bus.bus import Indefinite, Outgoing, Record, TopicPartition
from hub.bus.memory import MemoryBus
from hub.bus.memory_log import MemoryLog
from hub.bus.topics import INTAKE_PATTERN
from hub.guidelines.bundle import Bundle
from hub.inforce import InForce
from hub.model.core import Alert
from hub.model.decision import Decision
from hub.model.delivery import Delivery
from hub.model.publication import HoldOrder, Publication
from hub.router import GROUP, STATE_TOPIC, Lanes, Router
from tests.guidelines.published import FIRST_KEYS, hold, in_force, published, record_of, with_stewards, without
from tests.routing.alerts import AGENCIES, BUNDLE, NOW_MS, alert, cancel, decoded
from tests.routing.alerts import record_of as alert_record

DRAFT = with_stewards(BUNDLE, "ana", "luis")
NEXT = without(DRAFT, "P1")
FIRST = published(DRAFT)
SECOND = published(NEXT, in_force(FIRST, DRAFT))
GUIDELINES = TopicPartition("guidelines", 0)


class Topic:
    """The topic `guidelines` of the simulated log, as a Feed."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self._next = 0

    def look(self) -> Sequence[Record]:
        found = self._log.fetch(GUIDELINES, self._next, 1_000)
        self._next = found[-1].offset + 1 if found else self._next
        return found


class Hub:
    """A router of one lane, its log, and people who publish and hold."""

    def __init__(self, *before: Publication | HoldOrder, unpublished: Bundle | None = None) -> None:
        self.log = MemoryLog()
        for topic in (
            "alerts.customs",
            "alerts.police",
            "control",
            "decisions",
            "holdings",
            "quarantine",
            "guidelines",
        ):
            self.log.create(topic, 1)
        for agency in AGENCIES:
            self.log.create(f"deliveries.{agency}", 1)
        for model in before:
            self.write(model)
        self.unpublished = unpublished
        self.start()

    def start(self) -> None:
        lanes = Lanes()
        self.bus = MemoryBus(
            self.log,
            group=GROUP,
            slot="router-0",
            topics=INTAKE_PATTERN,
            restore=lanes.restore,
            state_topic=STATE_TOPIC,
        )
        self.in_force = InForce(Topic(self.log), FIRST_KEYS, unpublished=self.unpublished)
        self.router = Router(self.bus, lanes, self.in_force.rules, 1, clock_ms=lambda: NOW_MS)

    def write(self, model: Alert | Publication | HoldOrder) -> None:
        if isinstance(model, Alert):
            self.log.append(alert_record(model))
        else:
            record = record_of(model)
            self.log.append(Outgoing("guidelines", 0, record.key, record.value))

    def route(self, *models: Alert | Publication | HoldOrder) -> None:
        for model in models:
            self.write(model)
        for _ in range(6):
            self.router.step(0)

    def values(self, topic: str) -> list[object]:
        return [decoded(record.value) for record in self.log.fetch(TopicPartition(topic, 0), 0, 1_000)]

    def decisions(self) -> list[Decision]:
        return [each for each in self.values("decisions") if isinstance(each, Decision)]

    def sent(self, agency: str) -> list[str]:
        return [each.kind for each in self.values(f"deliveries.{agency}") if isinstance(each, Delivery)]


# Bundles


def test_every_decision_carries_the_digest_of_the_bundle_that_was_in_force() -> None:
    hub = Hub(FIRST)
    hub.route(alert(1))
    hub.route(SECOND, alert(2))
    assert [each.bundle for each in hub.decisions()] == [DRAFT.digest, NEXT.digest]
    assert hub.sent("police") == ["release"], "the second bundle has no permit for the police"


def test_a_router_that_starts_afresh_loads_the_bundle_in_force_before_its_first_alert() -> None:
    hub = Hub(FIRST, SECOND)
    hub.route(alert(1))
    assert [each.bundle for each in hub.decisions()] == [NEXT.digest]


def test_nothing_is_decided_before_a_bundle_is_in_force_and_everything_after_it() -> None:
    hub = Hub()
    hub.write(alert(1))
    with pytest.raises(Indefinite, match="no bundle is in force"):
        hub.router.step(0)
    hub.route(FIRST)
    assert [each.bundle for each in hub.decisions()] == [DRAFT.digest]


def test_a_refused_publication_changes_no_decision() -> None:
    hub = Hub(FIRST)
    hub.route(published(NEXT, in_force(FIRST, DRAFT), ("luis",)), alert(1))
    assert [each.bundle for each in hub.decisions()] == [DRAFT.digest]
    assert hub.in_force.refused == {"single-signed": 1}


def test_a_rollback_takes_force_as_any_other_publication() -> None:
    hub = Hub(FIRST, SECOND)
    hub.route(alert(1))
    hub.route(published(DRAFT, in_force(SECOND, NEXT)), alert(2))
    assert [each.bundle for each in hub.decisions()] == [NEXT.digest, DRAFT.digest]


def test_a_bundle_that_comes_while_a_read_waits_counts_for_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(FIRST)
    hub.route()
    hub.write(alert(1))
    read = hub.bus.read

    def slow(limit: int, wait_ms: int) -> object:
        hub.write(SECOND)
        return read(limit, wait_ms)

    monkeypatch.setattr(hub.bus, "read", slow)
    hub.router.step(0)
    assert [each.bundle for each in hub.decisions()] == [NEXT.digest]


# Holds


def test_held_deliveries_wait_and_others_go_out() -> None:
    hub = Hub(FIRST, hold("deliveries/police", "ana"))
    hub.route(alert(1))
    assert hub.sent("police") == [] and hub.sent("prosecutor") == ["release"]


def test_a_hold_of_everything_lets_withdrawals_pass() -> None:
    hub = Hub(FIRST)
    hub.route(alert(1))
    hub.route(hold("everything", "ana"), alert(2), cancel(1))
    assert len(hub.decisions()) == 3, "decisions go on"
    assert hub.sent("police") == ["release", "withdrawal"]


def test_a_closed_intake_is_not_read_and_goes_on_where_it_was_once_it_is_lifted() -> None:
    hub = Hub(FIRST, hold("intake/customs", "ana"))
    hub.route(alert(1), alert(2, originator="police"))
    assert [each.core.originator for each in hub.decisions()] == ["police"]
    hub.route(hold("intake/customs", "ana", "luis"), alert(3))
    assert len(hub.decisions()) == 1, "one person cannot lift it"
    hub.route(hold("intake/customs", "ana", "luis", "ana"))
    assert sorted(each.core.originator for each in hub.decisions()) == ["customs", "customs", "police"]
    assert hub.values("quarantine") == []


def test_an_intake_that_is_closed_while_a_read_waits_is_not_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(FIRST)
    hub.route()
    hub.write(alert(1))
    hub.write(alert(2, originator="police"))
    read = hub.bus.read

    def slow(limit: int, wait_ms: int) -> object:
        monkeypatch.undo()
        hub.write(hold("intake/customs", "ana"))
        return read(limit, wait_ms)

    monkeypatch.setattr(hub.bus, "read", slow)
    assert hub.router.step(0) == 0
    hub.route()
    assert [each.core.originator for each in hub.decisions()] == ["police"]


def test_a_closed_intake_stays_closed_when_another_router_takes_over() -> None:
    hub = Hub(FIRST, hold("intake/customs", "ana"))
    hub.route(alert(1))
    hub.start()
    hub.route(alert(2, originator="police"))
    assert [each.core.originator for each in hub.decisions()] == ["police"]
