"""What every test may ask for, and where it runs: `make test` has two workers, and one of them has every broker."""

from __future__ import annotations

import pytest

from tests.kafka_fixture import kafka
from tests.postgres_fixture import postgres, postgres_url

__all__ = ["kafka", "postgres", "postgres_url"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with a broker stay together in one worker, so that a run starts one broker of each kind; so do those with a
    PostgreSQL, in either worker."""
    for item in items:
        if item.get_closest_marker("kafka"):
            item.add_marker(pytest.mark.xdist_group("kafka"))
        elif "postgres" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("postgres"))
