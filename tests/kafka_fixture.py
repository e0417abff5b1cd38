"""The real broker of a test run: started once, when the first test asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.bus.local import LocalKafka


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A running broker that tests share: use topic, group and transactional names of your own, and do not stop it."""
    with LocalKafka(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker
