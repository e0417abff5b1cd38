"""The SICA connector keeps the kit's contract, in both directions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from connectors.sdk.contract import STATEMENTS, NotClaimed, Statement
from connectors.sica.connector import CONNECTOR


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=1):
        yield


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.__name__)
def test_it_keeps_the_contract(statement: Statement, tmp_path: Path) -> None:
    assert CONNECTOR.trial is not None
    try:
        statement(CONNECTOR, CONNECTOR.trial, tmp_path)
    except NotClaimed:
        assert statement.__name__.startswith("what_")  # nothing that it tells lasts, and it keeps nothing until a date
