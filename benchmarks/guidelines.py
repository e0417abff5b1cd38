"""What deciding costs: microseconds an alert, all recipients decided, by the number of guidelines.

Two streams are measured. *known*: alerts that agree with an earlier one in all that decides, as most do; *new*: alerts
whose like has not been seen, so that nothing but the attributes' selections is remembered. Both go in as raw Avro bytes,
as the router's do. The naive reading and Cedar (permit and forbid alone) decide the same. Times are this thread's own.
"""

from __future__ import annotations

import random
import statistics
import time
import tracemalloc
from typing import Any

import cedarpy

from hub.guidelines.bundle import Bundle, standard_vocabularies
from hub.guidelines.decide import Engine
from hub.guidelines.language import Agency, Guideline, Instrument, Words
from hub.model.base import new_alert_id
from hub.model.codes import CATEGORIES, CLASSES, INDICATORS, PURPOSES
from hub.model.core import Core, Label, Routing
from tests.reference import cedar, naive
from tests.reference.case import Case
from tests.reference.evaluators import raw_attributes, raw_avro

AGENCIES = 50
SIZES = (100, 1_000, 10_000)
KNOWN_ALERTS = 500
REPEATS = 8
NEW_ALERTS = 1_000
NAIVE_ALERTS = 3
CEDAR_ALERTS = 3
COUNTRIES = ("PA", "CO", "CR", "NI", "HN", "SV", "GT", "MX", "CA", "US")
TYPES = ("customs", "police", "prosecution", "embassy", "shelter")
GROUPS = ("national", "border", "law-enforcement", "victim-protection", "regional")
NOW_MS = 1_780_000_000_000
X = Words(es="x", en="x")


def bundle(size: int, seed: int = 7) -> Bundle:
    """A generated bundle: each guideline speaks of a few originators, recipients, classes and conditions."""
    chance = random.Random(seed)
    return Bundle(
        agencies=tuple(_agency(number, chance) for number in range(AGENCIES)),
        guidelines=tuple(_guideline(number, chance) for number in range(size)),
        vocabularies={**standard_vocabularies(), "event": ("case-closed",), "channel": ("police-channel",)},
        legal_basis=(Instrument(id="L1", title=X),),
    )


def _agency(number: int, chance: random.Random) -> Agency:
    return Agency(
        id=f"agency-{number:02d}",
        name=X,
        type=TYPES[number % len(TYPES)],
        country=COUNTRIES[number // 5],
        groups=(GROUPS[number % 4], *chance.sample(GROUPS, 1)) if number % 3 else GROUPS,
        competences=tuple(chance.sample(PURPOSES, 4)),
        max_tlp=chance.choice(("RED", "AMBER+STRICT", "AMBER+STRICT", "GREEN")),
    )


def _party(chance: random.Random) -> str:
    if chance.random() < 0.6:
        return f"agency-{chance.randrange(AGENCIES):02d}"
    return chance.choice((f"group:{chance.choice(GROUPS)}", f"type:{chance.choice(TYPES)}", "country:PA"))


def _guideline(number: int, chance: random.Random) -> Guideline:
    effect = chance.choices(("permit", "withhold", "forbid"), (75, 20, 5))[0]
    conditions: dict[str, Any] = {
        "consent": {"any": chance.choice((["given"], ["withheld", "unknown"]))},
        "minor": {"any": [chance.choice(("yes", "no"))]},
        "victims": {"min": 1},
        "suspects": {"min": chance.randrange(1, 3)},
        "purposes": {"any": chance.sample(PURPOSES, 2)},
        "nationality": {chance.choice(("any", "only")): chance.sample(COUNTRIES, 2)},
        "transit": {"any": chance.sample(COUNTRIES, 3)},
        "indicators": {"any": chance.sample(INDICATORS[:30], 5)},
        "reliability": {"any": ["A", "B", "C"]},
        "tlp": {"any": ["AMBER", "GREEN", "CLEAR"]},
        "releasable_to": {"absent": True},
    }
    when = {name: conditions[name] for name in chance.sample(sorted(conditions), chance.randrange(1, 4))}
    fields: dict[str, Any] = {
        "id": f"G{number:05d}",
        "title": X,
        "rationale": X,
        "legal_basis": ["L1"],
        "effect": effect,
        "from": "all" if chance.random() < 0.3 else [_party(chance) for _ in range(3)],
        "to": [_party(chance) for _ in range(chance.randrange(1, 4))],
        "when": {"exercise": {"any": ["none"]}, "class": {"any": chance.sample(CLASSES, 2)}, **when},
    }
    categories = chance.sample([each for each in CATEGORIES if each != "handling"], 4)
    if effect == "permit":
        fields.update(release=categories, ground="legal_duty", obligations=_obligations(chance))
    elif effect == "withhold":
        fields.update(withhold=categories, safeguard=chance.random() < 0.2)
    return Guideline.model_validate(fields)


def _obligations(chance: random.Random) -> dict[str, Any]:
    return {
        "acknowledge_hours": chance.choice((1, 4, 24, 72)),
        "keep": {"days": chance.choice((30, 90, 180, 365))},
        "onward": chance.choice(("none", "ask", "police-channel")),
    }


Alert = tuple[Routing, Core, tuple[str, ...]]


def alerts(count: int, seed: int) -> list[Alert]:
    chance = random.Random(seed)
    return [_alert(chance) for _ in range(count)]


def _alert(chance: random.Random) -> Alert:
    label = Label.model_validate(
        {
            "class": chance.choice(CLASSES),
            "tlp": chance.choice(("AMBER+STRICT", "AMBER+STRICT", "AMBER", "GREEN")),
            "purposes": chance.sample(PURPOSES, 2),
            "reliability": chance.choice("ABCF"),
            "credibility": chance.choice("1236"),
        }
    )
    routing = Routing(
        label=label,
        minor=chance.choice(("yes", "no", "no", "unknown")),
        consent=chance.choice(("given", "withheld", "unknown", "not-applicable")),
        victims=chance.randrange(3),
        suspects=chance.randrange(3),
        nationality=tuple(chance.sample(COUNTRIES, chance.randrange(3))),
        transit=tuple(chance.sample(COUNTRIES, chance.randrange(3))),
        indicators=tuple(sorted(chance.sample(INDICATORS[:30], chance.randrange(4)))),
    )
    core = Core(
        id=new_alert_id(),
        created_ms=NOW_MS,
        originator=f"agency-{chance.randrange(AGENCIES):02d}",
        valid_until_ms=NOW_MS + 1,
        label=label,
    )
    return routing, core, tuple(sorted(chance.sample(CATEGORIES, chance.randrange(2, 9))))


def _median_us(engine: Engine, some: list[Alert]) -> float:
    """The median over the alerts of what one decision takes of this thread, clock included (about 0.3 us)."""
    inputs = [
        (raw_attributes(routing), core.originator, core.valid_until_ms, raw_avro(core.caveats), categories)
        for routing, core, categories in some
    ]
    times = []
    for raw, originator, until_ms, caveats, categories in inputs:
        start = time.thread_time_ns()
        engine.decide(raw, originator, until_ms, caveats, categories, NOW_MS)
        times.append(time.thread_time_ns() - start)
    return statistics.median(times) / 1000


def _naive_us(some_bundle: Bundle, some: list[Alert]) -> float:
    times = []
    for routing, core, categories in some:
        start = time.thread_time_ns()
        naive.decide(routing, core, categories, some_bundle, NOW_MS)
        times.append(time.thread_time_ns() - start)
    return statistics.median(times) / 1000


def _cedar_us(some_bundle: Bundle, some: list[Alert]) -> float:
    """Cedar on the same bundle: permit and forbid only, all agencies asked in one call, the policies parsed before."""
    policies = cedarpy.PolicySet.from_str(cedar.policies(some_bundle))
    agencies = [agency.id for agency in some_bundle.agencies]
    times = []
    for routing, core, categories in some:
        requests = [cedar.request(Case(some_bundle, routing, core, categories, NOW_MS), agency) for agency in agencies]
        start = time.thread_time_ns()
        cedarpy.is_authorized_batch(requests, policies, [])
        times.append(time.thread_time_ns() - start)
    return statistics.median(times) / 1000


def _memory_mb(some_bundle: Bundle) -> float:
    """What a compiled bundle holds before it has remembered anything."""
    tracemalloc.start()
    engine = Engine(some_bundle)
    size_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del engine
    return size_bytes / 1e6


def measure_size(size: int) -> dict[str, float]:
    """Microseconds an alert, seconds to compile, megabytes of the engine and what it remembers, for one bundle."""
    some = bundle(size)
    some.digest  # noqa: B018  # named before it is compiled
    start = time.thread_time()
    engine = Engine(some)
    compile_s = time.thread_time() - start
    known = alerts(KNOWN_ALERTS, 1) * REPEATS
    random.Random(2).shuffle(known)
    _median_us(engine, alerts(NEW_ALERTS, 3))
    new_us = _median_us(engine, alerts(NEW_ALERTS, 4))
    _median_us(engine, known[:KNOWN_ALERTS])
    return {
        "known_us": _median_us(engine, known),
        "new_us": new_us,
        "cedar_us": _cedar_us(some, known[:CEDAR_ALERTS]),
        "memory_mb": _memory_mb(some),
        "naive_us": _naive_us(some, known[:NAIVE_ALERTS]),
        "compile_s": compile_s,
    }


def measure() -> dict[str, float]:
    """All sizes; keys end in the number of guidelines. Ratios: naive to engine at each size, largest to smallest size."""
    found: dict[str, float] = {}
    for size in SIZES:
        for name, value in measure_size(size).items():
            found[f"{name}_{size}"] = round(value, 3)
        for stream in ("known", "new"):
            ratio = found[f"naive_us_{size}"] / found[f"{stream}_us_{size}"]
            found[f"naive_to_{stream}_ratio_{size}"] = round(ratio, 1)
    for stream in ("known", "new"):
        found[f"{stream}_growth_ratio"] = round(found[f"{stream}_us_{SIZES[-1]}"] / found[f"{stream}_us_{SIZES[0]}"], 2)
    return found


if __name__ == "__main__":
    for key, value in measure().items():
        print(f"{key:>28} {value:>12,.3f}")
