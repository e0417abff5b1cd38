"""`enlace scheduler`: the process that orders alerts' ends."""

from __future__ import annotations

import typer

from . import logs
from .cluster import reached, schema_ids
from .output import fail
from .recorded import now_ms
from .router import SLOT_TAKEN, Stop, answering
from .settings import settings

app = typer.Typer(help="The scheduler: alerts end when their time has come.", no_args_is_help=True)


@app.command()
def run() -> None:
    """Order, until stopped, that alerts are withdrawn ENLACE_WITHDRAW_AFTER_DAYS after their validity has passed, and forgotten
    90 days later.

    It keeps nothing, and may be stopped and started at any time. Ends with code 71, and must not be restarted, when another
    scheduler is at work."""
    from hub.bus.bus import SlotTaken
    from hub.bus.kafka import KafkaPublisher
    from hub.bus.limits import HUB_RECORD_BYTES
    from hub.bus.topics import HOLDINGS
    from hub.metrics import SchedulerMetrics
    from hub.model.compose import DAY_MS
    from hub.readmodel.reading import KafkaReading
    from hub.scheduler import NAME, Scheduler
    from hub.scheduler import run as order_until

    chosen = settings()
    logs.configure(chosen.log_level)
    with reached() as connection:
        metrics = SchedulerMetrics()
        scheduler = Scheduler(
            lambda: KafkaReading(connection, wanted=lambda topic: topic == HOLDINGS),
            lambda: KafkaPublisher(connection, name=NAME, record_bytes=HUB_RECORD_BYTES),
            ids=schema_ids(connection),
            withdraw_after_ms=chosen.withdraw_after_days * DAY_MS,
            clock_ms=now_ms,
        )
        stop = Stop()

        def turn() -> None:
            metrics.stands(scheduler.orders, scheduler.dues.counted(), scheduler.unheeded)

        try:
            with answering(metrics.registry, metrics.progress, chosen):
                order_until(scheduler, stop, turn)
        except SlotTaken as taken:
            fail(f"another scheduler is at work: {taken}", SLOT_TAKEN)
        finally:
            scheduler.close()
