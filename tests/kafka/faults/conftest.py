"""The rig that the tests of single faults share: one broker for all of them, started when the first one asks for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.kafka.faults.rig import Rig


@pytest.fixture(scope="session")
def faulted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("faulted")) as rig:
        yield rig


PARTS = itertools.count(step=2)


@pytest.fixture
def part() -> int:
    """A number of a part of the load that no other test has; nor the one after it."""
    return next(PARTS)


@pytest.fixture
def rig(faulted: Rig) -> Iterator[Rig]:
    """At rest before and after."""
    yield faulted
    faulted.rest()
