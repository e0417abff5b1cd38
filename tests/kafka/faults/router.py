"""A router as a process of its own: rig.py and test_crash_points.py start, stop and kill it.

    python -m tests.kafka.faults.router SERVERS SLOT RECORDS [--plain plain|flushing] [--die POINT TIMES]

It takes batches of up to RECORDS. SIGTERM ends it in order; SIGUSR1 sets the hub's clock a day ahead, SIGUSR2 two days back:
from when it has written LISTENS. `--plain` runs the same router on the plain loop of plain.py, with or without a flush()
before it adds its offsets. With `--die` it kills itself when it passes a named point for the TIMESth time.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from types import FrameType

from hub.bus.bus import Bus, SlotTaken
from hub.bus.kafka import KafkaBus
from hub.bus.limits import Limits
from hub.bus.settings import Connection
from hub.bus.topics import INTAKE_PATTERN
from hub.bus.watchdog import SLOT_TAKEN
from hub.model.compose import DAY_MS
from hub.router import GROUP, STATE_TOPIC, Lanes, Mark, Router, now_ms, run, unmarked
from tests.kafka.faults.plain import PlainBus, PlainLanes
from tests.routing.alerts import BUNDLE
from tests.simulation.load import LANES

LISTENS = "it listens to signals"  # before, a signal would end it at once
# Short, so that a fault that must time out does so within seconds.
LIMITS = Limits(
    request_ms=1_500,
    delivery_ms=3_000,
    wait_ms=4_000,
    transaction_ms=6_000,
    watchdog_ms=20_000,
    max_poll_ms=30_000,
    session_ms=6_000,
    heartbeat_ms=1_000,
)


class Clock:
    """The hub's clock, which somebody sets."""

    def __init__(self) -> None:
        self._step_ms = 0
        signal.signal(signal.SIGUSR1, self._set)
        signal.signal(signal.SIGUSR2, self._set)

    def now_ms(self) -> int:
        return now_ms() + self._step_ms

    def _set(self, number: int, _frame: FrameType | None) -> None:
        self._step_ms += DAY_MS if number == signal.SIGUSR1 else -2 * DAY_MS


def alarmed(line: str) -> None:
    sys.stderr.write(f"alarm: {line}\n")


def killing(point: str, times: int) -> Mark:
    """Ends the process with SIGKILL when it passes the point for the `times`th time."""
    left = times

    def mark(passed: str) -> None:
        nonlocal left
        left -= passed == point
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    return mark


def bus_of(arguments: argparse.Namespace, mark: Mark) -> tuple[Bus, Lanes]:
    connection = Connection(bootstrap_servers=arguments.servers)
    if arguments.plain:
        plain = PlainLanes()
        flushing = arguments.plain == "flushing"
        return PlainBus(connection, GROUP, arguments.slot, INTAKE_PATTERN, plain, LIMITS, flushing=flushing), plain
    lanes = Lanes()
    bus = KafkaBus(
        connection,
        group=GROUP,
        slot=arguments.slot,
        topics=INTAKE_PATTERN,
        restore=lanes.restore,
        state_topic=STATE_TOPIC,
        limits=LIMITS,
        on_alarm=alarmed,
        mark=mark,
    )
    return bus, lanes


def main(arguments: argparse.Namespace) -> int:
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: asked.append(number))
    clock = Clock()
    sys.stderr.write(f"{LISTENS}\n")
    mark = killing(arguments.die[0], int(arguments.die[1])) if arguments.die else unmarked
    bus, lanes = bus_of(arguments, mark)
    router = Router(bus, lanes, BUNDLE, LANES, clock_ms=clock.now_ms, batch_records=arguments.records, mark=mark)
    try:
        run(router, lambda: bool(asked))
    except SlotTaken as taken:
        sys.stderr.write(f"slot taken: {taken}\n")
        return SLOT_TAKEN
    finally:
        bus.close()
    return 0


def asked_for() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("servers")
    parser.add_argument("slot")
    parser.add_argument("records", type=int)
    parser.add_argument("--plain", choices=("plain", "flushing"))
    parser.add_argument("--die", nargs=2, metavar=("POINT", "TIMES"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(asked_for()))
