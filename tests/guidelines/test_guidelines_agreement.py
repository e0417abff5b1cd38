"""The engine and the naive reading agree on everything that is generated, and on every difference once found."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from hub.guidelines.bundle import Bundle
from hub.guidelines.outcome import Decision
from tests.guidelines.strategies import AGENCIES, alerts, bundles
from tests.reference.case import Case, kept
from tests.reference.evaluators import EVALUATORS, answer, by_naive

SEED = int(os.environ.get("ENLACE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
BUNDLES, ALERTS = 4, 16  # of one example; each alert is decided under each bundle
GOAL = 20_000  # cases: (bundle, alert, recipient)


class Differs(AssertionError):
    """An evaluator and the naive reading disagree."""


class Drawn(list[Any]):
    """What was generated, too long to be shown: what differs is kept as a file."""

    def __repr__(self) -> str:
        return f"<{len(self)}>"


def compare_all(
    cases: int, evaluators: dict[str, Callable[[Case], Decision]], keep_as: str | None, with_seed: int = SEED
) -> int:
    """Compares on generated cases; returns how many were compared. Raises Differs.

    With `keep_as`, a difference is shrunk and kept under this name for every later run.
    """
    compared = 0

    @seed(with_seed)
    @settings(
        max_examples=cases // (BUNDLES * ALERTS * len(AGENCIES)) + 1,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink] if keep_as else [Phase.generate],
        report_multiple_bugs=False,
    )
    @given(
        st.lists(bundles(), min_size=BUNDLES, max_size=BUNDLES).map(Drawn),
        st.lists(alerts(), min_size=ALERTS, max_size=ALERTS).map(Drawn),
    )
    def compare(some_bundles: list[Bundle], some_alerts: list[Any]) -> None:
        nonlocal compared
        for bundle, alert in product(some_bundles, some_alerts):
            case = Case(bundle, *alert)
            expected = answer(by_naive, case)
            for which, evaluate in evaluators.items():
                found = answer(evaluate, case)
                if found != expected:
                    if keep_as:
                        case.keep(keep_as)
                    raise Differs(f"{which} differs from the naive reading")
            compared += len(AGENCIES)

    sys.stdout.write(f"ENLACE_SEED={with_seed}\n")  # shown by pytest when the test fails; sets the seed of another run
    compare()
    return compared


def test_the_engine_agrees_with_the_naive_reading_on_generated_cases() -> None:
    assert compare_all(GOAL, EVALUATORS, "engine") >= GOAL


@pytest.mark.long
def test_the_engine_agrees_with_the_naive_reading_on_ten_times_as_many_cases() -> None:
    assert compare_all(10 * GOAL, EVALUATORS, "engine") >= 10 * GOAL


@pytest.mark.parametrize("which", sorted(EVALUATORS))
def test_every_difference_once_found_stays_mended(which: str) -> None:
    for name, case in kept():
        assert answer(EVALUATORS[which], case) == answer(by_naive, case), name
