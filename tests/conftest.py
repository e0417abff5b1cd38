"""What every test may ask for, and where it runs: `make test` has two workers, and one of them has every broker."""

from __future__ import annotations

import pytest

from tests.kafka_fixture import kafka

__all__ = ["kafka"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with a broker stay together in one worker, so that a run starts one broker of each kind."""
    for item in items:
        if item.get_closest_marker("kafka"):
            item.add_marker(pytest.mark.xdist_group("kafka"))
