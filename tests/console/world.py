"""An invented night in the hub for tests of the console: real records, routed and recorded, on a cluster in memory.

The agencies are the profile's, the alerts are tests/routing's with other labels; three things are wrong, one is held, and
every section of every alert carries PLANTED, which must never be seen again.
"""

from __future__ import annotations

import copy
import json
import shutil
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import Engine, insert

from hub.bus.bus import Outgoing, Record, TopicPartition
from hub.bus.topics import ALERTS, CONTROL, QUARANTINE, Finding, declared
from hub.console import tables
from hub.console.ask import House
from hub.console.cluster import (
    GroupSeen,
    Lifted,
    OrderKind,
    PartitionSeen,
    Place,
    Published,
    Standing,
    TopicSeen,
    UnknownAgency,
    Unreachable,
)
from hub.console.orders import order_about
from hub.console.people import People
from hub.console.sessions import lifetimes
from hub.console.settings import ConsoleSettings
from hub.guidelines import holds
from hub.guidelines.bundle import Bundle
from hub.guidelines.holds import lifted_by, set_by
from hub.guidelines.profile import load_profile
from hub.guidelines.rulebook import Rulebook, Stray, bundle_key
from hub.model.avro import LOCAL_IDS, SchemaIds, decode_as, unframe
from hub.model.compose import DAY_MS
from hub.model.core import Alert
from hub.model.decision import Quarantined
from hub.model.publication import HoldOrder, Publication
from hub.model.sections import Content, Identity, Narrative, SuspectIdentity
from hub.readmodel.database import open_database, upgrade, writing
from hub.readmodel.tables import Sample
from hub.recorder import Recorder
from tests.guidelines.published import FIRST_KEYS, in_force, published, with_stewards, without
from tests.readmodel.history import History, MemoryReading
from tests.routing.alerts import NOW_MS as ALERTS_MS
from tests.routing.alerts import Followed, alert, alert_id, framed, record_of

FILE = "readmodel.sqlite"
PROFILE = Path(__file__).parents[2] / "profiles" / "panama"
NOW_MS = 1_795_853_400_000  # 2026-11-28 08:10 UTC, ten past three at night in Panama
PASSWORD = "correct horse battery"
PLANTED = "ZQXPLANTEDZQX"
USERS = {
    "olga": ("operator", None),
    "pedro": ("operator", None),
    "sonia": ("steward", None),
    "aurora": ("auditor", None),
    "ariel": ("auditor", "attorney-general"),
    "irene": ("auditor", "iom"),
}
RESTRICTED = alert_id(900)
WANTED = alert_id(3)  # an ordinary alert with a release and denials
PLANTS = (
    Content("narrative", Narrative.model_validate({"text": f"{PLANTED} account"})),
    Content("suspect.identity", SuspectIdentity.model_validate({"person": "s1", "names": [{"full": PLANTED}]})),
    Content("victim.identity", Identity.model_validate({"person": "v1", "names": [{"full": PLANTED}]})),
)
SECTIONS = ("circumstances", "victim.description")


class MemoryCluster:
    """A `Cluster` over a history. Asked by many threads, as the real one. `away`: it does not answer."""

    ids: SchemaIds = LOCAL_IDS
    partitions = 1

    def __init__(self, history: History) -> None:
        self.history = history
        self.away = False
        self.ordered: list[tuple[str, str, str]] = []
        self.clock_ms = NOW_MS
        self._kept: tuple[Rulebook, list[Published]] = (Rulebook(FIRST_KEYS), [])
        self._taken = 0
        self._taking = threading.Lock()

    def _book(self) -> tuple[Rulebook, list[Published]]:
        if self.away:
            raise Unreachable("away")
        with self._taking:
            book, told = self._kept
            records = self.history.of("guidelines")
            for record in records[self._taken :]:
                with suppress(Stray, holds.NotAHold):
                    taken = book.take(record.key, record.value)
                    if isinstance(taken, Publication) and book.in_force:
                        told.append(Published(str(taken.serial), record.timestamp_ms, taken, book.in_force.bundle, ""))
            self._taken = len(records)
            return book, told

    def bundle(self) -> Bundle | None:
        return self.history.bundle

    def standing(self) -> Standing:
        book, told = self._book()
        found = book.in_force
        orders: dict[str, HoldOrder | None] = {scope: book.orders.get(scope) for scope in sorted(book.held)}
        return Standing(found.serial if found else None, found.bundle if found else None, orders, tuple(told))

    def answers(self) -> None:
        self._book()

    def set_hold(self, scope: str, who: str, why: str) -> None:
        self._book()
        agency = scope.partition("/")[2]
        if agency and self.history.bundle.agency(agency) is None:
            raise UnknownAgency(agency)
        self.history.order_hold(set_by(who, scope, why, self.clock_ms))

    def lift_hold(self, scope: str, who: str) -> Lifted:
        book, _ = self._book()
        order = lifted_by(who, book.orders.get(scope), self.clock_ms)
        self.history.order_hold(order)
        return "asked" if order.state == "lift-asked" else "lifted"

    def owed(self) -> Mapping[str, int]:
        return Counter({"sica": 3}) if any(each.startswith("deliveries/sica") for each in self._book()[0].held) else {}

    def topics(self) -> Sequence[TopicSeen]:
        self._book()
        return [self._seen(at.topic, log) for at, log in sorted(self.history.logs.items())]

    def _seen(self, name: str, log: Sequence[Record]) -> TopicSeen:
        size = sum(len(record.value or b"") for record in log)
        rate = 0.4 if log else 0.0
        part = PartitionSeen(0, 0, len(log), 1, 1, 1, size)
        waiting = 4 if name == "deliveries.iom" else 0
        group = "enlace-router" if name.startswith("alerts.") else name.replace("deliveries.", "enlace-")
        read = name.startswith(("alerts.", "deliveries."))
        groups = (GroupSeen(group, {0: max(0, len(log) - waiting)}, waiting),) if read else ()
        return TopicSeen(name, (part,), rate, groups)

    def settings(self, topic: str) -> Mapping[str, str]:
        spec = next(each for each in declared([each.id for each in self.history.bundle.agencies]) if each.name == topic)
        return {**spec.settings, **({"retention.ms": "604800000"} if topic == "alerts.customs" else {})}

    def findings(self) -> Sequence[Finding]:
        return [Finding("alerts.customs", "retention.ms", "7776000000", "604800000", "kafka-configs --alter ...")]

    def records(self, topic: str, partition: int, offset: int, limit: int) -> Sequence[Record]:
        self._book()
        return self.history.logs[TopicPartition(topic, partition)][offset : offset + limit]

    def quarantined(self, places: Sequence[Place]) -> Mapping[Place, Quarantined]:
        found = {}
        for record in self.history.of(QUARANTINE):
            each = decode_as(Quarantined, unframe(record.value or b"")[1])
            found[each.topic, each.partition, each.offset] = each
        return {place: found[place] for place in places if place in found}

    def order(self, waiting: Sequence[Quarantined], kind: OrderKind, who: str, why: str) -> None:
        for each in waiting:
            self.ordered.append((f"{each.topic}/{each.partition}/{each.offset}", kind, who))
            record = order_about(each, kind, who, why, self.ids)
            assert record.topic == CONTROL
            self.history.take(record._replace(partition=0))


@dataclass
class World:
    """The night, with a console's house in it."""

    engine: Engine
    history: History
    cluster: MemoryCluster
    house: House
    settings: ConsoleSettings
    now_ms: list[int] = field(default_factory=lambda: [NOW_MS])

    def record(self) -> None:
        """What happened since goes into the read model."""
        recorder = Recorder(lambda: MemoryReading(self.history), self.engine, keys_of_first=FIRST_KEYS)
        recorder.open()
        while recorder.step(0):
            pass
        recorder.close()


def bundles() -> tuple[Bundle, Bundle]:
    """The profile with two stewards, and the same before its last guideline was added."""
    after = with_stewards(load_profile(PROFILE), "ana", "luis")
    return without(after, "PA-G09"), after


@dataclass
class Night(History):
    """A history that also keeps what agencies wrote to `alerts.*`, for whoever browses."""

    def take(self, incoming: Alert | Outgoing, *, timestamp_ms: int | None = None) -> Followed:
        record = record_of(incoming) if isinstance(incoming, Alert) else incoming
        found = super().take(incoming, timestamp_ms=timestamp_ms)
        if record.topic.startswith(ALERTS):
            self.write(record)
        return found


def night() -> History:
    """What happened: 30 alerts, receipts but from iom, five records set aside, one lift that waits for a second person."""
    before, after = bundles()
    made = Night(bundle=after, now_ms=NOW_MS - 5 * 3_600_000)
    made.logs.clear()
    for agency in sorted(each.id for each in after.agencies):
        for kind in ("alerts", "deliveries", "receipts", "connectors"):
            made.logs[TopicPartition(f"{kind}.{agency}", 0)] = []
    for topic in ("decisions", "quarantine", "control", "guidelines"):
        made.logs[TopicPartition(topic, 0)] = []
    first = published(before)
    second = published(after, in_force(first, before))
    for each in (first, second):
        made.write(Outgoing("guidelines", 0, bundle_key(each.serial), framed(each)))
    _alerts(made)
    made.now_ms = max(made.now_ms, NOW_MS - 40 * 60_000)
    _set_aside(made)
    made.held = frozenset({"sica"})
    hold = set_by("pedro", "deliveries/sica", "its mail gateway answers for somebody else", NOW_MS - 35 * 60_000)
    made.order_hold(lifted_by("pedro", hold, NOW_MS - 12 * 60_000))
    made.now_ms = NOW_MS - 60_000
    for agency in ("attorney-general", "customs", "foreign-affairs", "commission", "unodc-ropan", "sica"):
        made.tell(agency, published=12, delivered=9)
    made.tell("interpol", "failed", published=4, error="credentials: Credentials in connectors.transports.outgoing:219")
    made.now_ms = NOW_MS - 14 * 60_000
    made.tell("iom", published=3, delivered=5)
    made.now_ms = NOW_MS
    return made


MIX: Sequence[tuple[str, str, tuple[str, ...], dict[str, Any]]] = (
    ("customs", "suspected-transit", ("border-control", "investigation"), {"transit": ("PA",), "origin": ("CO",)}),
    ("commission", "victim-identified", ("victim-assistance", "investigation"), {"nationality": ("VE",)}),
    ("interpol", "missing-person", ("search", "investigation"), {"nationality": ("CR",), "missing": 1}),
    ("embassy-canada", "missing-person", ("search", "consular-assistance"), {"nationality": ("CA",)}),
    ("attorney-general", "case-outcome", ("statistics", "prosecution"), {"destination": ("PA",)}),
)


def _alerts(made: History) -> None:
    for number in range(1, 31):
        originator, alert_class, purposes, facts = MIX[number % len(MIX)]
        found = made.take(_alert(number, originator, alert_class, purposes, **facts))
        made.acknowledge(found, *(each for each in sorted(found.deliveries) if each != "iom" or number < 5))
    labelled = {"class": "mutual-legal-assistance", "purposes": ("prosecution",), "tlp": "AMBER+STRICT"}
    case = alert(
        900, originator="attorney-general", sections=("circumstances",), contents=PLANTS[:1], labelled=labelled,
        consent="not-applicable", victims=0, suspects=1, minor="no", valid_ms=_valid_ms(),
    )  # fmt: skip
    found = made.take(case)
    made.acknowledge(found, *sorted(found.deliveries))


def _valid_ms() -> int:
    return NOW_MS - ALERTS_MS + 20 * DAY_MS


def _alert(number: int, originator: str, alert_class: str, purposes: tuple[str, ...], **facts: Any) -> Alert:
    labelled = {"class": alert_class, "purposes": purposes, "tlp": "AMBER"}
    return alert(
        number, originator=originator, sections=SECTIONS, contents=PLANTS, labelled=labelled, created_ms=NOW_MS - DAY_MS,
        valid_ms=_valid_ms(), **facts,
    )  # fmt: skip


def _set_aside(made: History) -> None:
    for number, indicator in ((201, "XEN-99"), (202, PLANTED), (203, "XEN-98")):
        made.take(_alert(number, "customs", "suspected-transit", ("investigation",), indicators=(indicator,)))
    stranger = _alert(204, "interpol", "wanted-person", ("search",))
    made.take(record_of(stranger)._replace(topic="alerts.embassy-canada"))
    broken = record_of(_alert(205, "embassy-canada", "missing-person", ("search",)))
    made.take(broken._replace(value=(broken.value or b"")[:-3]))


def world(folder: Path) -> World:
    """The night in a database of its own, recorded, with its users."""
    engine = open_database(f"sqlite:///{folder / FILE}")
    upgrade(engine)
    tables.make(engine)
    made = _around(engine, night())
    made.record()
    with writing(engine) as db:
        for name, (role, agency) in USERS.items():
            made.house.people.add(db, name, role, agency, PASSWORD, NOW_MS - DAY_MS)
        _samples(db, made.history)
    return made


def copied(built: World, folder: Path) -> World:
    """The same night again, of which what happens in the other knows nothing."""
    shutil.copyfile(built.engine.url.database or "", folder / FILE)
    return _around(open_database(f"sqlite:///{folder / FILE}"), copy.deepcopy(built.history))


def _around(engine: Engine, history: History) -> World:
    settings, cluster, now_ms = ConsoleSettings(host="127.0.0.1", port=8630), MemoryCluster(history), [NOW_MS]
    house = House(
        engine=engine,
        cluster=cluster,
        settings=settings,
        people=People(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)),
        sessions=lifetimes(settings),
        clock=lambda: now_ms[0],
        port=8630,
    )
    return World(engine, history, cluster, house, settings, now_ms)


def _samples(db: Any, history: History) -> None:
    """Twelve looks at the groups: iom's connector stands still, all others have caught up."""
    ends = {at.topic: len(log) for at, log in history.logs.items()}
    for step in range(12):
        at_ms = NOW_MS - (12 - step) * 75_000
        routers = {name: {"0": [end, end]} for name, end in ends.items() if name.startswith("alerts.")}
        db.execute(insert(Sample).values(at_ms=at_ms, consumer_group="enlace-router", body=json.dumps(routers)))
        for agency in sorted(each.id for each in history.bundle.agencies):
            end = ends[f"deliveries.{agency}"]
            committed = max(0, end - 4) if agency == "iom" else end
            body = json.dumps({f"deliveries.{agency}": {"0": [committed, end]}})
            db.execute(insert(Sample).values(at_ms=at_ms, consumer_group=f"enlace-{agency}", body=body))


__all__ = ["NOW_MS", "PASSWORD", "PLANTED", "RESTRICTED", "USERS", "WANTED", "World", "world"]
