"""A router as a process of its own that kills itself with SIGKILL at a named point: test_crash_points.py starts it.

    python -m tests.kafka.crashing_router SERVERS [POINT TIMES]

It ends at the point when it passes it for the TIMESth time; without a point it runs until SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys

from hub.bus.kafka import KafkaBus
from hub.bus.limits import Limits
from hub.bus.settings import Connection
from hub.bus.topics import INTAKE_PATTERN
from hub.router import GROUP, STATE_TOPIC, Lanes, Mark, Router, run, unmarked
from tests.routing.alerts import BUNDLE
from tests.simulation.load import LANES

BATCH_RECORDS = 10  # so that a small load is several batches
# Short, but long enough for a busy machine: no test here waits for any of them.
LIMITS = Limits(
    request_ms=3_000,
    delivery_ms=5_000,
    wait_ms=6_000,
    transaction_ms=8_000,
    watchdog_ms=20_000,
    max_poll_ms=30_000,
    session_ms=6_000,
    heartbeat_ms=1_000,
)


def killing(point: str, times: int) -> Mark:
    left = times

    def mark(passed: str) -> None:
        nonlocal left
        left -= passed == point
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    return mark


def alarmed(line: str) -> None:
    sys.stderr.write(f"alarm: {line}\n")


def main(servers: str, mark: Mark) -> None:
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: asked.append(number))
    lanes = Lanes()
    bus = KafkaBus(
        Connection(bootstrap_servers=servers),
        group=GROUP,
        slot="router-0",
        topics=INTAKE_PATTERN,
        restore=lanes.restore,
        state_topic=STATE_TOPIC,
        limits=LIMITS,
        on_alarm=alarmed,
        mark=mark,
    )
    router = Router(bus, lanes, BUNDLE, LANES, batch_records=BATCH_RECORDS, mark=mark)
    try:
        run(router, lambda: bool(asked))
    finally:
        bus.close()


if __name__ == "__main__":
    main(sys.argv[1], killing(sys.argv[2], int(sys.argv[3])) if len(sys.argv) > 2 else unmarked)
