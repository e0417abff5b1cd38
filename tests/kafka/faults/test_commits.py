"""What may happen to a commit on its way: late, lost, cut off, or with the broker dying under it."""

from __future__ import annotations

import pytest

from tests.kafka.faults.load import load
from tests.kafka.faults.proxy import Action, Api, Rule
from tests.kafka.faults.rig import Rig
from tests.kafka.faults.scripts import FENCED, delayed_commit

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

ONCE_AND_LONGER = [
    pytest.param(1, id="once"),
    pytest.param(3, id="for-longer-than-a-delivery-may-take", marks=pytest.mark.long),
]


@pytest.mark.parametrize(
    ("action", "missing"),
    [("hold", Api.PRODUCE), ("cut", Api.TXN_OFFSET_COMMIT)],
    ids=["connection-kept", "connection-cut"],
)
def test_a_commit_that_arrives_within_the_next_transaction_is_refused_and_ends_no_half_of_it(
    rig: Rig, part: int, action: Action, missing: Api
) -> None:
    rig.router()
    assert delayed_commit(rig, action, part, missing) in FENCED
    assert rig.wrong() == []


def test_a_router_killed_after_such_a_late_commit_leaves_nothing_lost_or_doubled(rig: Rig, part: int) -> None:
    router = rig.router()
    assert delayed_commit(rig, "cut", part, Api.TXN_OFFSET_COMMIT) in FENCED
    router.kill()
    rig.router()
    assert rig.wrong() == []


def test_a_commit_whose_answer_is_lost_happens_once(rig: Rig, part: int) -> None:
    rig.router()
    lost = rig.proxy.arm(Rule(Api.END_TXN, "drop-answer"))
    rig.publish(load("answer", part))
    lost.await_answer()
    assert rig.wrong() == []
    assert lost.hits == 1


@pytest.mark.parametrize("times", ONCE_AND_LONGER)
def test_records_that_the_broker_never_sees_are_written_all_the_same(rig: Rig, part: int, times: int) -> None:
    rig.router()
    dropped = rig.proxy.arm(Rule(Api.PRODUCE, "drop", times))
    rig.publish(load("dropped", part))
    dropped.await_used_up()
    assert rig.wrong() == []


@pytest.mark.parametrize(
    "action",
    [
        pytest.param("hold", id="before-it-arrives", marks=pytest.mark.long),
        pytest.param("drop-answer", id="once-decided", marks=pytest.mark.long),
    ],
)
def test_the_broker_dies_in_the_middle_of_a_commit(rig: Rig, part: int, action: Action) -> None:
    rig.router()
    commit = rig.proxy.arm(Rule(Api.END_TXN, action))
    rig.publish(load("broker", part))
    commit.await_hit() if action == "hold" else commit.await_answer()
    rig.crash_broker()
    assert rig.wrong() == []
    assert commit.hits == 1
