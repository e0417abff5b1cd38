"""Mixed fault runs: a short one in every test run, ten long ones by `make test-long`.

A seed again: FAULT_SEED=n. More or longer runs: RUNS=n SECONDS=n. `python -m tests.kafka.faults.test_campaign` makes the
long runs and writes the table of docs/faults.md anew.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from pathlib import Path

import pytest

from tests.kafka.faults import table
from tests.kafka.faults.campaign import AT_START, DEEDS, FRAMES, Campaign, Result
from tests.kafka.faults.proxy import Rule

pytestmark = [pytest.mark.kafka]

RUNS = int(os.environ.get("RUNS", "10"))
SECONDS = float(os.environ.get("SECONDS", "180"))
SHORT_ROUTERS, LONG_ROUTERS = 2, 3
ONE_RUN_S = 300 + SECONDS
FEWEST = 200  # records published, so that a run cannot pass by doing nothing


def seed_of(run: int) -> int:
    """The seed of a run, printed, so that it can be run again."""
    first = int(os.environ["FAULT_SEED"]) if "FAULT_SEED" in os.environ else random.SystemRandom().randrange(1 << 30)
    print(f"seed {first + run}")  # noqa: T201
    return first + run


def long_run(folder: Path, run: int) -> Result:
    return Campaign(folder, seed_of(run), slots=LONG_ROUTERS, seconds=SECONDS).run()


@pytest.mark.timeout(300)
def test_nothing_is_lost_doubled_or_misdirected_while_each_kind_of_fault_happens(tmp_path: Path) -> None:
    result = Campaign(tmp_path, seed_of(0), slots=SHORT_ROUTERS, seconds=0).run()
    print(table.row(result))  # noqa: T201
    assert result.findings == []
    assert result.missing == 0
    assert result.records > FEWEST
    kinds = {Rule(api, action).name for api, action, _ in (*AT_START, *FRAMES)} | {*DEEDS, "topic added"}
    assert kinds - result.faults.keys() == set()


@pytest.mark.long
@pytest.mark.timeout(ONE_RUN_S)
@pytest.mark.parametrize("run", range(RUNS))
def test_nothing_is_lost_doubled_or_misdirected_in_long_runs(tmp_path: Path, run: int) -> None:
    result = long_run(tmp_path, run)
    print(table.row(result))  # noqa: T201
    assert result.findings == []
    assert result.missing == 0
    assert result.records > FEWEST


def main() -> int:
    results = []
    for run in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            results.append(long_run(Path(folder), run))
            print(table.row(results[-1]), flush=True)  # noqa: T201
    table.write(results, SECONDS, LONG_ROUTERS)
    return int(any(result.findings or result.missing for result in results))


if __name__ == "__main__":
    sys.exit(main())
