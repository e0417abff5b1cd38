"""Our own connectors under the contract suite, each with its own trial, and a look at what a sink's tables hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import create_engine, text

from connectors.attorney_general.connector import CONNECTOR as ATTORNEY_GENERAL
from connectors.customs.connector import CONNECTOR as CUSTOMS
from connectors.generic.json_lines import CONNECTOR as JSON_LINES
from connectors.generic.table import CONNECTOR as TABLE
from connectors.interpol.connector import CONNECTOR as INTERPOL
from connectors.sdk import Connector, Trial

PLANTED: Final = ("PLANTEDFAMILYQZ", "PLANTEDGIVENQZ", "PLANTEDDOC77QZ")


def rows_of(database: str, *tables: str) -> Callable[[], object]:
    """What a sink's tables hold, without the times at which it was written."""

    def look() -> object:
        engine = create_engine(database)
        with engine.connect() as connection:
            found = []
            for table in tables:
                rows = connection.execute(text(f"SELECT * FROM {table}")).mappings()
                found.append(sorted(repr({k: v for k, v in row.items() if not k.endswith("_ms")}) for row in rows))
        engine.dispose()
        return found

    return look


def _own(connector: Connector[Any]) -> Callable[[Path], Trial]:
    assert connector.trial is not None
    return connector.trial


OURS: Final[dict[str, tuple[Connector[Any], Callable[[Path], Trial]]]] = {
    "customs": (CUSTOMS, _own(CUSTOMS)),
    "interpol": (INTERPOL, _own(INTERPOL)),
    "attorney-general": (ATTORNEY_GENERAL, _own(ATTORNEY_GENERAL)),
    "table": (TABLE, _own(TABLE)),
    "json-lines": (JSON_LINES, _own(JSON_LINES)),
}
