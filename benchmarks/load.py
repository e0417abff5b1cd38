"""The load of the router's goal: 1,000 guidelines, 50 agencies, one originator, each alert released to exactly two.

Deliveries, decision and holding are four records written for each alert.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from hub.bus.bus import Outgoing, Record, lane
from hub.guidelines.bundle import Bundle
from hub.guidelines.decide import decide
from hub.model.avro import LOCAL_IDS, encode, frame
from hub.model.base import new_alert_id
from hub.model.compose import digests
from hub.model.core import Alert, Core, Section
from hub.routing.route import route
from hub.routing.state import Arrived, State

from . import alerts, guidelines

GUIDELINES = 1_000
RECIPIENTS = 2
SHAPES = 100  # different alerts, each sent again and again under new ids
PAYLOAD_BYTES = 130
PARTITIONS = 6
ORIGINATOR = "agency-00"
TOPIC = "alerts." + ORIGINATOR
DAY_MS = 86_400_000


@cache
def bundle() -> Bundle:
    """guidelines.py's, but each agency has one competence: else some twenty of the fifty receive each alert."""
    made = guidelines.bundle(GUIDELINES)
    fields = {name: getattr(made, name) for name in Bundle.model_fields}
    agencies = tuple(each.model_copy(update={"competences": each.competences[:1]}) for each in made.agencies)
    return Bundle(**{**fields, "agencies": agencies})


@cache
def templates() -> tuple[tuple[bytes, bytes], ...]:
    """Framed alerts as (before the id, after the id), that two agencies receive."""
    chance = random.Random(5)
    found: list[tuple[bytes, bytes]] = []
    for alert in _candidates(chance):
        if _recipients(alert) == RECIPIENTS:
            before, after = frame(LOCAL_IDS.by_name["Alert"], encode(alert)).split(alert.core.id.bytes)
            found.append((before, after))
            if len(found) == SHAPES:
                break
    return tuple(found)


def _candidates(chance: random.Random) -> Iterator[Alert]:
    now_ms = alerts.now_ms()
    while True:
        ((routing, core, categories),) = guidelines.alerts(1, chance.randrange(1 << 30))
        sections = tuple(
            Section(category=each, version=1, salt=chance.randbytes(16), payload=chance.randbytes(PAYLOAD_BYTES))
            for each in categories
        )
        changes = {
            "originator": ORIGINATOR,
            "created_ms": now_ms,
            "valid_until_ms": now_ms + DAY_MS,
            "digests": digests(sections),
        }
        yield Alert(routing=routing, core=Core.model_validate({**dict(core), **changes}), sections=sections)


def _recipients(alert: Alert) -> int:
    categories = tuple(sorted({section.category for section in alert.sections}))
    return len(decide(alert.routing, alert.core, categories, bundle(), alerts.now_ms()).permitted)


def records(count: int) -> list[tuple[bytes, bytes]]:
    """Keys and values of `count` alerts, each with a new id."""
    shapes = templates()
    found = []
    for number in range(count):
        key = new_alert_id().bytes
        before, after = shapes[number % len(shapes)]
        found.append((key, before + key + after))
    return found


def written(some: list[tuple[bytes, bytes]]) -> dict[bytes, list[Outgoing]]:
    """Alert id -> what the router writes for it."""
    state = State(bundle(), LOCAL_IDS, PARTITIONS, alerts.now_ms(), {})
    found = {}
    for number, (key, value) in enumerate(some):
        record = Record(number, state.now_ms, key, value)
        routed = route(Arrived(TOPIC, lane(key, PARTITIONS), record, number - 1), state)
        assert routed.result == "decided" and len(routed.outgoing) == RECIPIENTS + 2, routed.result
        found[key] = routed.outgoing
    return found
