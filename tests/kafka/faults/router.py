"""A router as a process of its own, over the rig's broker: rig.py starts, stops and kills it.

    python -m tests.kafka.faults.router SERVERS SLOT RECORDS [plain | plain-flushing]

It takes batches of up to RECORDS. SIGTERM ends it in order; SIGUSR1 sets the hub's clock a day ahead, SIGUSR2 two days back.
`plain` runs the same router on the plain loop of plain.py, with or without a flush() before it adds its offsets.
"""

from __future__ import annotations

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
from hub.router import GROUP, STATE_TOPIC, Lanes, Router, now_ms, run
from tests.kafka.faults.plain import PlainBus, PlainLanes
from tests.routing.alerts import BUNDLE
from tests.simulation.load import LANES

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


def main(servers: str, slot: str, records: int, plain: str) -> int:
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: asked.append(number))
    clock = Clock()
    connection = Connection(bootstrap_servers=servers)
    bus: Bus
    lanes: Lanes
    if plain:
        lanes = PlainLanes()
        bus = PlainBus(connection, GROUP, slot, INTAKE_PATTERN, lanes, LIMITS, flushing=plain == "plain-flushing")
    else:
        lanes = Lanes()
        bus = KafkaBus(
            connection,
            group=GROUP,
            slot=slot,
            topics=INTAKE_PATTERN,
            restore=lanes.restore,
            state_topic=STATE_TOPIC,
            limits=LIMITS,
            on_alarm=alarmed,
        )
    router = Router(bus, lanes, BUNDLE, LANES, clock_ms=clock.now_ms, batch_records=records)
    try:
        run(router, lambda: bool(asked))
    except SlotTaken as taken:
        sys.stderr.write(f"slot taken: {taken}\n")
        return SLOT_TAKEN
    finally:
        bus.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), "".join(sys.argv[4:])))
