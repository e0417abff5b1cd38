"""What every test may ask for, and where it runs: `make test` has three workers, who mostly wait for brokers."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.kafka_fixture import kafka
from tests.postgres_fixture import postgres, postgres_url

__all__ = ["kafka", "postgres", "postgres_url"]

# How long an example takes says how busy the machine is, and nothing of the code: no property test fails by the clock.
settings.register_profile("enlace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("enlace")


@pytest.hookimpl(tryfirst=True)  # xdist looks at the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share a server stay together in one worker, so that a run starts one of each kind.

    Those with a broker come first, as they take longest: what is short fills the workers evenly in the end.
    """
    items.sort(key=lambda item: item.get_closest_marker("kafka") is None)
    for item in items:
        server = _server(item)
        if server:
            item.add_marker(pytest.mark.xdist_group(server))


def _server(item: pytest.Item) -> str | None:
    """The shared broker or PostgreSQL; or, for tests that bring a broker of their own kind, their folder or file."""
    asked = getattr(item, "fixturenames", ())
    if "kafka" in asked:
        return "kafka"
    if item.get_closest_marker("kafka"):
        return "faulted" if "faults" in item.path.parts else item.path.stem
    return "postgres" if "postgres" in asked else None
