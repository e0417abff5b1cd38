"""What agencies publish in a fault run: whole lives of alerts in several revisions, cancels, poison, null keys, full sizes.

Drawn from a seed. Each part has alerts of its own, so that parts may follow each other on one broker.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from typing import Any

from hub.bus.bus import Outgoing
from hub.model.compose import DAY_MS
from hub.model.core import Alert
from hub.model.sections import Content, Image
from tests.routing.alerts import NOW_MS, alert, narrated, record_of
from tests.simulation.load import LANES, contradictions, lives, poison

PART = 200  # numbers of alerts that a part may use; poison() takes those from 100 on
IMAGE_BYTES = 190_000
MOST_IMAGES = 5  # of IMAGE_BYTES: just under what an alert may have
ALERTS_OF_A_PART = 8
JPEG = b"\xff\xd8\xff\xda", b"\xff\xd9"


def valid_ms() -> int:
    """What makes the simulation's alerts valid today."""
    return time.time_ns() // 1_000_000 - NOW_MS


def full_sized(number: int, images: int = MOST_IMAGES) -> Alert:
    """An alert of about `images` times 190 kB, in two recipients' categories and others'."""
    start, end = JPEG
    picture = start + bytes([number % 256]) * (IMAGE_BYTES - len(start + end)) + end
    contents = [_image(f"s{each}", picture) for each in range(1, images + 1)]
    common: dict[str, Any] = {"originator": "customs", "valid_ms": valid_ms() + 30 * DAY_MS}
    return alert(number, 1, contents=[narrated("x" * 20_000), *contents], sections=("circumstances",), **common)


def _image(person: str, picture: bytes) -> Content:
    return Content("suspect.image", Image.model_validate({"person": person, "jpeg": picture}))


def load(seed: int | str, part: int, *, alerts: int = ALERTS_OF_A_PART, large: int = 1) -> list[Outgoing]:
    """One part: `alerts` lives, two contradictions, poison and some large alerts, mixed, each life in its own order."""
    chosen = random.Random(f"{seed} {part}")
    first, valid = PART * part + 1, valid_ms()
    lines: list[list[Outgoing]] = [[record_of(each, LANES) for each in lives(first + n, valid)] for n in range(alerts)]
    lines += [list(contradictions(first + n, valid)) for n in range(2)]
    lines.append(chosen.sample(list(poison(first, valid)), 6))
    lines.append([each for each in poison(first, valid) if each.key is None][:1])
    lines += [[record_of(full_sized(first + 50 + n, chosen.randint(1, MOST_IMAGES)), LANES)] for n in range(large)]
    return list(mixed(lines, chosen))


def mixed(lines: list[list[Outgoing]], chosen: random.Random) -> Iterable[Outgoing]:
    """All of it, each line in its own order."""
    left = [list(line) for line in lines if line]
    while left:
        line = chosen.choice(left)
        yield line.pop(0)
        left = [each for each in left if each]


def published_by(originator: str, part: int, count: int = 10) -> list[Outgoing]:
    """First revisions of one agency's alerts."""
    first = PART * part + 1
    made = [alert(first + n, originator=originator, valid_ms=valid_ms() + 30 * DAY_MS) for n in range(count)]
    return [record_of(each, LANES) for each in made]
