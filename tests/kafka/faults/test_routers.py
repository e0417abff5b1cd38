"""Routers that are stopped, replaced and started, a topic that is added, a clock that is set: while alerts flow.

What is long here happens in every short mixed run too (test_campaign.py).
"""

from __future__ import annotations

import signal

import pytest

from hub.bus.watchdog import SLOT_TAKEN
from tests.kafka.faults.load import load, published_by
from tests.kafka.faults.proxy import Api, Rule
from tests.kafka.faults.rig import LATER, Rig

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]


@pytest.mark.long
def test_a_router_stopped_in_a_commit_beyond_its_session_does_not_finish_it_when_it_goes_on(
    rig: Rig, part: int
) -> None:
    stopped = rig.router("router-0")
    commit = rig.proxy.arm(Rule(Api.END_TXN, "hold", mentions=b"router-0"))
    rig.publish(load("stopped", part))
    commit.await_hit()
    stopped.signal(signal.SIGSTOP)
    rig.start("router-1")
    rig.await_answers()  # by the other, once the session and the open transaction of the first have run out
    stopped.signal(signal.SIGCONT)
    rig.publish(load("continued", part + 1))
    assert rig.wrong() == []
    assert commit.hits == 1


def test_a_replacement_of_a_stopped_router_takes_over_and_the_first_ends_when_it_goes_on(rig: Rig, part: int) -> None:
    stopped = rig.router("router-0")
    commit = rig.proxy.arm(Rule(Api.END_TXN, "hold", mentions=b"router-0"))
    rig.publish(load("replaced", part))
    commit.await_hit()
    stopped.signal(signal.SIGSTOP)
    rig.router("router-0")
    rig.await_answers()
    stopped.signal(signal.SIGCONT)
    assert stopped.code() == SLOT_TAKEN
    assert rig.wrong() == []


@pytest.mark.long
def test_a_topic_that_is_added_under_load_is_taken_up_and_nothing_of_it_is_lost(rig: Rig, part: int) -> None:
    rig.router()
    records = load("before", part)
    rig.publish(records[: len(records) // 2])
    rig.add_topic()
    rig.publish(published_by(LATER, part + 1))
    rig.publish(records[len(records) // 2 :])
    assert rig.wrong() == []
    assert any(at.topic == f"alerts.{LATER}" and found for at, found in rig.history().items())


@pytest.mark.long
def test_the_hub_clock_may_be_set_while_alerts_flow(rig: Rig, part: int) -> None:
    router = rig.router()
    records = load("clock", part, alerts=12)
    for first, step in ((0, signal.SIGUSR1), (20, signal.SIGUSR2), (40, signal.SIGUSR1), (60, signal.SIGUSR1)):
        router.signal(step)
        rig.publish(records[first : first + 20])
    rig.publish(records[80:])
    assert rig.wrong() == []
