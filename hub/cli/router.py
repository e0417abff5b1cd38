"""`enlace router`: the routing process."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from .cluster import reached, schema_ids
from .logs import configure
from .output import fail
from .rules import for_router
from .settings import Settings, settings

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from hub.metrics import Progress

app = typer.Typer(help="The routing process.", no_args_is_help=True)
SLOT_TAKEN = 71


@app.command()
def run(
    profile: Annotated[Path | None, typer.Option(help="The profile's folder.")] = None,
    slot: Annotated[str | None, typer.Option(help="This router's slot; ENLACE_SLOT otherwise.")] = None,
) -> None:
    """Route alerts until stopped, under the bundle in force; --profile stands in while none was ever published.

    Ends with code 71, and must not be restarted, when another process took its slot."""
    import structlog

    from hub.bus.bus import SlotTaken
    from hub.bus.kafka import KafkaBus
    from hub.bus.topics import INTAKE_PATTERN
    from hub.metrics import RouterMetrics
    from hub.router import GROUP, STATE_TOPIC, Lanes, Router
    from hub.router import run as route_until

    chosen = settings()
    configure(chosen.log_level)
    with reached() as connection:
        ids = schema_ids(connection, hub=True)
    lanes, metrics = Lanes(), RouterMetrics()

    def alarm(line: str) -> None:
        metrics.alarm()
        structlog.get_logger().error("bus.alarm", reason=line)

    bus = KafkaBus(
        connection,
        group=GROUP,
        slot=slot or chosen.slot,
        topics=INTAKE_PATTERN,
        restore=lanes.restore,
        state_topic=STATE_TOPIC,
        on_alarm=alarm,
    )
    in_force = for_router(connection, profile, ids)
    router = Router(bus, lanes, in_force.rules, chosen.partitions, ids=ids, observe=metrics.settled)
    stop = Stop()

    def turns() -> bool:
        metrics.begins()
        metrics.stopped(len(bus.stopped))
        return stop()

    try:
        with answering(metrics.registry, metrics.progress, chosen):
            route_until(router, turns)
    except SlotTaken as taken:
        fail(f"another router has the slot {slot or chosen.slot}: {taken}", SLOT_TAKEN)
    finally:
        bus.close()


@contextmanager
def answering(registry: CollectorRegistry, progress: Progress, chosen: Settings) -> Iterator[None]:
    """Answers Prometheus while the block lasts, if a port is set."""
    import structlog

    from hub.metrics import serving

    host = chosen.metrics_host
    with ExitStack() as open_:
        try:
            port = open_.enter_context(serving(registry, progress, chosen.metrics_port, host))
        except OSError as error:
            fail(f"ENLACE_METRICS_PORT: {host}, port {chosen.metrics_port} cannot be listened on: {error.strerror}")
        if port is not None:
            structlog.get_logger().info("metrics.answering", host=host, port=port)
        yield


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
