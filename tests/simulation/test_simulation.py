"""The router's own loop on the simulated bus, thousands of times: crashes between any two steps, commits whose outcome
nobody knows, repeats, lanes that move, clocks that jump. After each run the auditor finds nothing wrong."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

import pytest
import structlog

from hub import router
from hub.bus import transactions
from hub.bus.memory_log import NO_FAULTS, Faults
from hub.model.decision import END_OUTCOMES
from tests.auditor import Finding
from tests.simulation.world import FAULTY, STORMY, World

RUNS = int(os.environ.get("ENLACE_SIMULATED_RUNS", "2000"))
FIRST_SEED = int(os.environ.get("ENLACE_SIMULATION_SEED", "0"))
AT_ONCE = 50
MARKS = (*router.MARKS, *transactions.MARKS)


def simulated(
    seeds: Iterable[int], faults: Faults, every_tenth: Faults
) -> tuple[dict[int, list[Finding]], Counter[str]]:
    """Some runs: what the auditor found, by seed, and what happened in them."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    found, hit = {}, Counter[str]()
    for seed in seeds:
        world = World(seed, faults if seed % 10 else every_tenth, routers=1 + seed % 3)
        if findings := world.run():
            found[seed] = findings
        hit += world.hit
    return found, hit


def test_nothing_is_lost_doubled_misdirected_or_out_of_order_in_thousands_of_faulty_runs() -> None:
    """One seed again: ENLACE_SIMULATION_SEED=n ENLACE_SIMULATED_RUNS=1."""
    print(f"seeds {FIRST_SEED} to {FIRST_SEED + RUNS - 1}")  # noqa: T201
    parts = [
        range(start, min(start + AT_ONCE, FIRST_SEED + RUNS)) for start in range(FIRST_SEED, FIRST_SEED + RUNS, AT_ONCE)
    ]
    found: dict[int, list[Finding]] = {}
    hit = Counter[str]()
    with ProcessPoolExecutor() as processes:
        for wrong, happened in processes.map(simulated, parts, [FAULTY] * len(parts), [STORMY] * len(parts)):
            found |= wrong
            hit += happened
    assert not found, f"seeds {sorted(found)[:20]}: {next(iter(found.values()))[:5]}"
    if RUNS >= 500:
        for point in MARKS:
            assert hit[point] and hit[f"crash {point}"], f"no crash at {point}"
        for fault in ("indefinite", "slot taken", "rebalanced", "clock set back", "result unknown", "set aside"):
            assert hit[fault], f"never {fault}"
        for end in END_OUTCOMES:
            assert hit[end], f"no alert was {end}"
    assert not [each for each in hit if each.startswith("alarm")], "a lane was stopped"


@pytest.mark.parametrize("seed", range(3))
def test_a_run_can_be_repeated_by_its_seed(seed: int) -> None:
    first, second = World(seed), World(seed)
    assert first.run() == second.run() == []
    assert first.history() == second.history()


@pytest.mark.parametrize("seed", range(5))
def test_without_faults_nothing_is_set_aside(seed: int) -> None:
    world = World(seed, NO_FAULTS, routers=2)
    assert world.run() == []
    assert not world.hit["set aside"]


def test_the_rig_sees_what_happens_without_a_new_epoch_after_each_transaction() -> None:
    """KAFKA.md's rule 2 left out: a commit that arrives late ends half of the next transaction."""
    faults = FAULTY._replace(unbumped=True, late_commit=0.3, crash=0.0, lost_request=0.1)
    found, _ = simulated(range(60), faults, faults)
    kinds = {finding.kind for findings in found.values() for finding in findings}
    assert kinds & {"lost", "twice", "misdirected", "chain", "holding"}
