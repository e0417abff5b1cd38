"""The kit's contract tried on a connector that holds servers or databases open: they are closed at the end of each try."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import stamina

from connectors.sdk import Connector, Trial
from connectors.sdk.contract import STATEMENTS, NotClaimed, Statement, Unexamined
from connectors.sdk.contract_world import World
from hub.model.avro import decode_as, decode_payload, unframe
from hub.model.core import Alert
from hub.model.sections import Narrative

FOR_SOURCES = [each for each in STATEMENTS if "delivery" not in each.__name__ and "sink" not in each.__name__]
FOR_SINKS = [each for each in STATEMENTS if each not in FOR_SOURCES]


def keep(statement: Statement, connector: Connector[Any], trying: Callable[[Path], Trial], folder: Path) -> bool:
    """Whether there was anything to try it on; if not, it must be optional, or about a direction that the connector has not.

    Raises Broken."""
    with closing(connector) as closed, stamina.set_testing(True, attempts=1):
        try:
            statement(closed, trying, folder)
            return True
        except NotClaimed:
            return False
        except Unexamined:
            assert connector.source is None or connector.sink is None
            return False


@contextmanager
def closing(connector: Connector[Any]) -> Iterator[Connector[Any]]:
    """The connector; every source that it makes is closed at the end."""
    made: list[Any] = []

    def source(options: Any) -> Any:
        assert connector.source is not None
        made.append(connector.source(options))
        return made[-1]

    try:
        yield replace(connector, source=source if connector.source is not None else None)
    finally:
        for each in made:
            getattr(each, "close", lambda: None)()


def alerts(world: World) -> list[Alert]:
    """What was published, in the order of alert and revision."""
    found = [decode_as(Alert, unframe(record.value or b"")[1]) for _, record in world.records("alerts")]
    return sorted(found, key=lambda alert: (alert.core.id, alert.core.revision))


def told(alert: Alert) -> str:
    """An alert's narrative."""
    for section in alert.sections:
        content = decode_payload(section.category, section.version, section.payload)
        if isinstance(content, Narrative):
            return content.text.get_secret_value()
    return ""
