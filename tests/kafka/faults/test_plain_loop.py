"""Marked as such: here the rig must find something. The loop of plain.py, without the rules of KAFKA.md, plays a
script that test_commits.py plays with the hub's own bus, and the auditor says what it loses and doubles.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kafka.faults.load import load
from tests.kafka.faults.proxy import Api
from tests.kafka.faults.rig import Rig
from tests.kafka.faults.scripts import FENCED, delayed_commit

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]


@pytest.mark.long
def test_the_same_loop_without_the_rules_doubles_records_under_the_same_faults(tmp_path: Path) -> None:
    """It flushes its records before it adds its offsets: a half has no offsets."""
    assert "twice" in found(tmp_path, "flushing", missing=Api.TXN_OFFSET_COMMIT, after=Api.PRODUCE)


@pytest.mark.long
def test_the_same_loop_without_the_rules_loses_records_under_the_same_faults(tmp_path: Path) -> None:
    """It leaves that to the library: a half has no records."""
    assert "lost" in found(tmp_path, "plain", missing=Api.PRODUCE, after=Api.TXN_OFFSET_COMMIT)


def found(folder: Path, plain: str, missing: Api, after: Api) -> set[str]:
    """What is wrong after a late commit that ended half a transaction, and a crash; in good weather nothing is."""
    with Rig(folder) as rig:
        router = rig.start("router-0", plain=plain)
        rig.publish(load("good weather", 0))
        assert rig.wrong_when_idle() == []
        assert delayed_commit(rig, "cut", 1, missing, after) not in FENCED
        router.kill()
        rig.start("router-0", plain=plain)
        return {finding.kind for finding in rig.wrong_when_idle()}
