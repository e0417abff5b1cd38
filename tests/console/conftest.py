"""The invented night, built once; each test has a copy of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.world import World, copied, world


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = world(tmp_path_factory.mktemp("night"))
    made.engine.dispose()
    return made


@pytest.fixture
def night(built: World, tmp_path: Path) -> Iterator[World]:
    """A copy to do something in."""
    made = copied(built, tmp_path)
    yield made
    made.engine.dispose()
