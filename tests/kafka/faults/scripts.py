"""Faults that take more than one rule, step by step: the router's tests and the plain loop's play the same script."""

from __future__ import annotations

from tests.kafka.faults.load import load
from tests.kafka.faults.proxy import Action, Api, Rule
from tests.kafka.faults.rig import Rig, error_of

FENCED = (47, 90)  # INVALID_PRODUCER_EPOCH, PRODUCER_FENCED


def delayed_commit(rig: Rig, action: Action, part: int, missing: Api, after: Api | None = None) -> int:
    """A commit is held until the next transaction is half written: its requests of `missing` never arrive, while those of
    `after`, if given, have.

    Meanwhile the client has sent the commit again, and went on. Returns what the broker said to the late one: accepted, it
    commits the half that is there.
    """
    records = load("late", part)
    late = rig.proxy.arm(Rule(Api.END_TXN, action))
    rig.publish(records[:5])
    late.await_hit()
    there = rig.proxy.arm(Rule(after, "delay-answer", for_s=0)) if after is not None else None
    lost = rig.proxy.arm(Rule(missing, "drop", times=4))
    rig.publish(records[5:])
    lost.await_hit()
    if there is not None:
        there.await_answer()
    late.release()
    return error_of(late.await_answer())
