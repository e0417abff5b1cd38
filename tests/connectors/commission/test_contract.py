"""The Commission's connectors keep the kit's contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina

from connectors.commission.connector import CONNECTOR, STATISTICS
from connectors.sdk import Connector
from connectors.sdk.contract import STATEMENTS, NotClaimed, Statement, Unexamined


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=1):
        yield


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.__name__)
@pytest.mark.parametrize("connector", [CONNECTOR, STATISTICS], ids=lambda connector: connector.name)
def test_the_commissions_connectors_keep_the_contract(
    connector: Connector[Any], statement: Statement, tmp_path: Path
) -> None:
    assert connector.trial is not None
    try:
        statement(connector, connector.trial, tmp_path)
    except NotClaimed:
        assert statement.__name__ == "what_lasts_is_told_anew_before_it_ends"  # reports are of what happened once
    except Unexamined:
        assert connector is STATISTICS  # it has no sink, and counts no export that is not whole
