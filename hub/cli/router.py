"""`enlace router`: the routing process."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from .cluster import reached, schema_ids
from .logs import configure
from .output import fail
from .rules import for_router
from .settings import settings

app = typer.Typer(help="The routing process.", no_args_is_help=True)
SLOT_TAKEN = 71


@app.command()
def run(
    profile: Annotated[Path | None, typer.Option(help="The profile's folder.")] = None,
    slot: Annotated[str | None, typer.Option(help="This router's slot; ENLACE_SLOT otherwise.")] = None,
) -> None:
    """Route alerts until stopped, under the bundle in force; --profile stands in while none was ever published.

    Ends with code 71, and must not be restarted, when another process took its slot."""
    from hub.bus.bus import SlotTaken
    from hub.bus.kafka import KafkaBus
    from hub.bus.topics import INTAKE_PATTERN
    from hub.router import GROUP, STATE_TOPIC, Lanes, Router
    from hub.router import run as route_until

    chosen = settings()
    configure(chosen.log_level)
    with reached() as connection:
        ids = schema_ids(connection, hub=True)
    lanes = Lanes()
    bus = KafkaBus(
        connection,
        group=GROUP,
        slot=slot or chosen.slot,
        topics=INTAKE_PATTERN,
        restore=lanes.restore,
        state_topic=STATE_TOPIC,
        on_alarm=_alarm,
    )
    in_force = for_router(connection, profile, ids)
    router = Router(bus, lanes, in_force.rules, chosen.partitions, ids=ids)
    stop = Stop()
    try:
        route_until(router, stop)
    except SlotTaken as taken:
        fail(f"another router has the slot {slot or chosen.slot}: {taken}", SLOT_TAKEN)
    finally:
        bus.close()


def _alarm(line: str) -> None:
    import structlog

    structlog.get_logger().error("bus.alarm", reason=line)


class Stop:
    """True once SIGTERM or Ctrl-C asked this process to end in order."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def __call__(self) -> bool:
        return self._asked

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
