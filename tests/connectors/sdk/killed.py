"""A connector as a process of its own, to be killed: `python -m tests.connectors.sdk.killed SERVERS FOLDER`.

It writes a line after every batch, so that whoever kills it knows that it is in the middle.
"""

from __future__ import annotations

import sys
from pathlib import Path

from connectors.generic.json_lines import CONNECTOR, JsonLinesOptions
from connectors.sdk import publish
from connectors.sdk.control import Control
from connectors.sdk.run import Place, Running, Supervision
from connectors.sdk.status import Status
from hub.bus.settings import Connection

AGENCY = "killed"
PARTITIONS = 6
BATCH_RECORDS = 100


def tell() -> bool:
    """Asked between two batches whether to stop."""
    sys.stdout.write("batch\n")
    sys.stdout.flush()
    return False


def main(servers: str, folder: Path) -> None:
    """Publishes the feed of the folder, and ends when all of it is published."""
    publish.BATCH_RECORDS = BATCH_RECORDS  # type: ignore[misc]
    options = JsonLinesOptions(mapping=folder / "mapping.yaml", files=(folder / "feed.jsonl",))
    place = Place(Connection(bootstrap_servers=servers), folder / "state", PARTITIONS, agency=AGENCY)
    supervision = Supervision(
        lambda: Running(CONNECTOR, options, place), Control(place.folder), Status(CONNECTOR.name, AGENCY)
    )
    supervision.run(tell, once=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
