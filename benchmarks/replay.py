"""Replay: recorded decisions of the Panamanian profile decided again under a draft. The goal is 100,000 in under 60 s."""

from __future__ import annotations

import time

from hub.guidelines.bundle import Bundle
from hub.guidelines.replay import Replay
from hub.model.avro import LOCAL_IDS, unframe

from . import alerts

DECISIONS = 100_000
MADE = 5_000  # different ones, each replayed in turn
PARTITIONS = 6


def recorded(count: int) -> list[bytes]:
    """Decision records as the router writes them."""
    wanted = LOCAL_IDS.by_name["Decision"]
    routed = alerts.routed(alerts.records(count), alerts.bundle(), PARTITIONS)
    return [
        each.value
        for outgoing in routed.values()
        for each in outgoing
        if each.value is not None and unframe(each.value)[0] == wanted
    ]


def draft(sample: list[bytes]) -> Bundle:
    """The profile without one of its permits: the first without which some of the sample differ, and some do not."""
    now = alerts.bundle()
    for dropped in now.guidelines:
        fields = {name: getattr(now, name) for name in Bundle.model_fields}
        kept = tuple(each for each in now.guidelines if each is not dropped)
        without = Bundle(**{**fields, "guidelines": kept})
        replay = Replay(without)
        differing = sum(replay.take(unframe(value)[1]) for value in sample)
        if dropped.effect == "permit" and 0 < differing < len(sample):
            return without
    raise AssertionError("no permit makes a difference")


def measure() -> dict[str, float]:
    """Seconds for 100,000 recorded decisions, reading from Kafka not included."""
    values = recorded(MADE)
    replay = Replay(draft(values[:60]))
    started_s = time.perf_counter()
    for number in range(DECISIONS):
        replay.take(unframe(values[number % len(values)])[1])
    seconds = time.perf_counter() - started_s
    return {
        "replay of 100,000 decisions, s": seconds,
        "replay, us a decision": seconds / DECISIONS * 1e6,
        "decisions that differ": float(replay.differing),
    }


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:<40} {value:>12,.2f}")
