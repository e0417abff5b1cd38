"""What each step of routing one alert costs, in microseconds, without a bus. Times are this thread's own."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from hub.guidelines.decide import engine
from hub.model import splice
from hub.model.avro import FRAME_BYTES, decode
from hub.model.walk import walk
from hub.routing import emit
from hub.routing.opening import open_alert
from hub.routing.route import route

from . import alerts

COUNT = 3_000
ROUNDS = 7
PARTITIONS = 6


def measure() -> dict[str, float]:
    """Medians over interleaved rounds."""
    records = alerts.arrived(alerts.records(COUNT), PARTITIONS)
    bodies = [(each.record.value or b"")[FRAME_BYTES:] for each in records]
    state = alerts.state(PARTITIONS)
    schema_id = state.ids.by_name["Alert"]
    opened = [open_alert(each.topic, each.partition, each.record, schema_id, PARTITIONS) for each in records]
    decider = engine(state.bundle)
    decisions = [
        decider.decide(
            each.walked.attributes,
            each.originator,
            each.walked.valid_until_ms,
            each.walked.caveats,
            each.shape.categories,
            state.now_ms,
        )
        for each in opened
    ]

    def decide() -> None:
        for each in opened:
            decider.decide(
                each.walked.attributes,
                each.originator,
                each.walked.valid_until_ms,
                each.walked.caveats,
                each.shape.categories,
                state.now_ms,
            )

    def views() -> None:
        for each, decision in zip(opened, decisions, strict=True):
            made = emit.Views(each)
            for outcome in decision.permitted:
                made.of(outcome.released)

    def encode() -> None:
        for each, item in zip(opened, records, strict=True):
            emit.decision(item.source, each, splice.NO_ITEMS, "decided", state)

    steps: dict[str, Callable[[], object]] = {
        "decode strictly (fastavro, twice)": lambda: [decode("Alert", body) for body in bodies],
        "walk into slices, its like not seen": lambda: [walk(body) for body in bodies],
        "walk into slices": lambda: [walk(body, each.record.key) for body, each in zip(bodies, records, strict=True)],
        "open: walk and all checks": lambda: [
            open_alert(each.topic, each.partition, each.record, schema_id, PARTITIONS) for each in records
        ],
        "decide: all recipients": decide,
        "view: all distinct ones": views,
        "encode: the decision": encode,
        "route: all of it": lambda: [route(each, state) for each in records],
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            started_s = time.thread_time()
            step()
            times[name].append((time.thread_time() - started_s) / COUNT * 1e6)
    return {f"{name}, us": statistics.median(each) for name, each in times.items()}
