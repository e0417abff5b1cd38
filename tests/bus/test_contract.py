"""The contract suite on each implementation: the simulated log, and Kafka by the fast and by the ordinary path."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.bus import membership
from hub.bus.local import LocalKafka

PARTS = ("contract", "contract_of_lanes", "contract_of_outcomes", "contract_of_publishers", "worlds")
pytest.register_assert_rewrite(*(f"tests.bus.{part}" for part in PARTS))

from tests.bus.contract import Contract  # noqa: E402 - asserts explain themselves only if registered before
from tests.bus.worlds import KafkaWorld, MemoryWorld, World  # noqa: E402


class TestMemory(Contract):
    @pytest.fixture
    def world(self) -> Iterator[World]:
        world = MemoryWorld()
        yield world
        world.close()


class _OnKafka(Contract):
    ordinary: bool

    @pytest.fixture
    def world(self, kafka: LocalKafka, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
        monkeypatch.setattr(membership, "_METADATA_AGE_MS", 500)  # a new topic is noticed sooner than in production
        world = KafkaWorld(kafka.bootstrap_servers, ordinary=self.ordinary)
        yield world
        world.close()


@pytest.mark.kafka
class TestKafkaFast(_OnKafka):
    ordinary = False


@pytest.mark.kafka
class TestKafkaOrdinary(_OnKafka):
    ordinary = True
