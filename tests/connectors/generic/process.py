"""A generic connector as a process of its own, to be killed.

`python -m tests.connectors.generic.process SERVERS FOLDER AGENCY NAME`. It imports little, since it is started often, and
writes a line between two batches: whoever kills it knows that it is in the middle.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from connectors.generic import json_lines, sql
from connectors.sdk import Connector, Options, publish
from connectors.sdk.control import Control
from connectors.sdk.run import Place, Running, Supervision
from connectors.sdk.status import Status
from hub.bus.settings import Connection

PARTITIONS: Final = 6


def options(connector: str, folder: Path) -> Options:
    mapping = folder / "mapping.yaml"
    if connector == "json-lines":
        return json_lines.JsonLinesOptions(mapping=mapping, files=(folder / "feed.jsonl",))
    return sql.SqlFeedOptions.model_validate(
        {
            "mapping": mapping,
            "database": f"sqlite:///{folder / 'feed.db'}",
            "table": "feed",
            "key": ["id"],
            "changed": "changed",
            "overlap": 2,
        }
    )


def tell() -> bool:
    """Asked between two batches whether to stop."""
    sys.stdout.write("batch\n")
    sys.stdout.flush()
    return False


def main(servers: str, folder: Path, agency: str, name: str) -> None:
    """Publishes the feed of the folder in twenty batches, and ends when all of it is published."""
    publish.BATCH_RECORDS = int((folder / "batch").read_text())  # type: ignore[misc]
    connectors: dict[str, Connector[Any]] = {"json-lines": json_lines.CONNECTOR, "sql": sql.CONNECTOR}
    place = Place(Connection(bootstrap_servers=servers), folder / "state", PARTITIONS, agency=agency)
    supervision = Supervision(
        lambda: Running(connectors[name], options(name, folder), place), Control(place.folder), Status(name, agency)
    )
    supervision.run(tell, once=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4])
