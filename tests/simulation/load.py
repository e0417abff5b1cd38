"""What agencies and operators write in a simulated run: alerts of all kinds, repeats, and every kind of poison.

Made once, as bytes; a run draws from it by its seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from hub.bus.bus import Outgoing, lane
from hub.model.avro import LOCAL_IDS, frame
from hub.model.compose import DAY_MS
from hub.model.core import Alert
from tests.routing.alerts import SECTIONS, alert, alert_id, cancel, framed, narrated, record_of, replaced

LANES = 3
NUMBERS = range(1, 9)  # few alerts, so that revisions of the same one meet


def lives(number: int, valid_ms: int = 0) -> Iterable[Alert]:
    """The revisions of one alert, in the order of a sound connector. `valid_ms` is added to how long it is valid."""
    originator = ("customs", "police")[number % 2]
    common: dict[str, Any] = {"originator": originator, "valid_ms": valid_ms + (3 if number % 3 == 0 else 30) * DAY_MS}
    purposes = ("investigation", "victim-assistance", "consular-assistance")
    yield alert(number, 1, **common)
    yield alert(number, 2, minor="yes", contents=[narrated("more")], **common)
    yield alert(number, 3, consent="withheld", sections=SECTIONS[:2], **common)
    yield cancel(number, 4, **common)
    yield alert(number, 5, nationality=("CA",), labelled={"purposes": purposes}, **common)
    yield alert(number, 6, indicators=("XEN-02",), releasable_to=("prosecutor", "shelter"), **common)
    yield cancel(number, 7, **common)


def poison(number: int, valid_ms: int = 0) -> Iterable[Outgoing]:
    """Records that cannot be decided, of an agency that writes what it likes."""
    good = alert(100 + number, originator="customs", valid_ms=valid_ms + 30 * DAY_MS)
    record, identifier = record_of(good, LANES), good.core.id.bytes
    yield record._replace(partition=(record.partition + 1) % LANES)
    yield record._replace(topic="alerts.police")
    yield record._replace(key=None)
    yield record._replace(key=alert_id(9).bytes)
    yield record._replace(value=None)
    yield record._replace(value=b"\0\0\0\0\x63" + framed(good)[5:])
    yield record._replace(value=framed(good)[:-40])
    yield record._replace(value=frame(LOCAL_IDS.by_name["Receipt"], b""), topic="receipts.police")
    for core in (
        {"digests": ()},
        {"revision": 0},
        {"caveats": ("C9",)},
        {"valid_until_ms": 2 * good.core.valid_until_ms},
    ):
        yield record._replace(value=framed(replaced(good, core=replaced(good.core, **core))))
    for routing in ({"victims": -1}, {"origin": ("ZZ",)}, {"releasable_to": ("nobody",)}):
        yield record._replace(value=framed(replaced(good, routing=replaced(good.routing, **routing))))
    yield Outgoing("control", lane(identifier, LANES), None, b"no order")


def contradictions(number: int, valid_ms: int = 0) -> Iterable[Outgoing]:
    """Good alerts by themselves, that contradict others."""
    originator = ("customs", "police")[number % 2]
    other = ("police", "customs")[number % 2]
    valid_ms += 30 * DAY_MS
    yield record_of(alert(number, 2, originator=originator, contents=[narrated("otherwise")], valid_ms=valid_ms), LANES)
    yield record_of(alert(number, 3, originator=other, valid_ms=valid_ms), LANES)


GOOD = {number: [record_of(made, LANES) for made in lives(number)] for number in NUMBERS}
POISON = [record for number in NUMBERS for record in poison(number)]
CONTRADICTING = [record for number in NUMBERS for record in contradictions(number)]


def named(number: int) -> Alert:
    """Any revision of one alert."""
    return alert(number, originator=("customs", "police")[number % 2])


def renewed(number: int) -> Outgoing:
    """A revision after all those of its life: somebody holds it again."""
    return record_of(alert(number, 8, originator=("customs", "police")[number % 2]), LANES)


def drawn(chosen: random.Random, count: int) -> list[Outgoing]:
    """Some of it: most alerts in the order of their revisions, some late or again, poison between them."""
    written = dict.fromkeys(chosen.sample(NUMBERS, 5), 0)
    records = []
    for _ in range(count):
        what = chosen.random()
        if what < 0.1:
            records.append(chosen.choice(POISON))
        elif what < 0.15:
            records.append(chosen.choice(CONTRADICTING))
        elif what < 0.25:
            records.append(chosen.choice(GOOD[chosen.choice(NUMBERS)]))
        else:
            number = chosen.choice(list(written))
            records.append(GOOD[number][written[number]])
            written[number] = min(written[number] + 1, len(GOOD[number]) - 1)
    return records
