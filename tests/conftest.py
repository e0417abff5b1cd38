"""What every test may ask for, and in which order tests run.

`make test` has three workers, who mostly wait for brokers. A file's tests stay together in one of them, so that a server of
its own is started once.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.kafka_fixture import kafka
from tests.postgres_fixture import postgres, postgres_url

__all__ = ["kafka", "postgres", "postgres_url"]

# How long an example takes says how busy the machine is, and nothing of the code: no property test fails by the clock.
settings.register_profile("enlace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("enlace")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those with a broker come first, as they take longest: what is short fills the workers evenly in the end."""
    items.sort(key=lambda item: item.get_closest_marker("kafka") is None)
