"""The console as every role sees it: all its pages, all its forms."""

from __future__ import annotations

import time
from collections.abc import Sequence

from argon2 import PasswordHasher
from sqlalchemy import Engine

from hub.console import tables
from hub.console.app import DOORS, create_app
from hub.console.ask import House
from hub.console.kafka_cluster import KafkaCluster
from hub.console.people import People
from hub.console.sessions import lifetimes
from hub.console.settings import ConsoleSettings
from hub.guidelines.approval import public_key
from hub.readmodel import queries
from hub.readmodel.database import open_database, upgrade, writing
from tests.console.visitor import Visitor
from tests.console.world import PASSWORD
from tests.kafka.change_hub import Hub
from tests.privacy.planted import GOOD, PARTITIONS
from tests.privacy.told import Told
from tests.routing.alerts import alert_id

OLGA = "olga"
PEOPLE = {OLGA: ("operator", None), "stella": ("steward", None), "ariel": ("auditor", "customs")}
TOPICS = (
    *("decisions", "quarantine", "control", "alerts.customs"),
    *("deliveries.police", "receipts.police", "connectors.police"),
)


def pages(hub: Hub, told: Told, file: str) -> None:
    """Every page of the console for every role, every form, and pages that do not exist. `file`: the read model's."""
    engine = open_database(f"sqlite:///{hub.folder / file}")
    upgrade(engine)
    tables.make(engine)
    house = house_of(hub, engine)
    with writing(engine) as db:
        for name, (role, agency) in PEOPLE.items():
            house.people.add(db, name, role, agency, PASSWORD, now_ms())
    bundle = hub.in_force().rules().bundle.name
    with engine.connect() as db:
        waiting = [row.place for row in queries.quarantine(db, limit=200).records]
    for name in PEOPLE:
        someone = Visitor(create_app(house), "en" if name == OLGA else "es")
        assert someone.sign_in(name).status_code == 303
        for door in DOORS:
            if door.method == "GET" and door.path != "/now/stream":
                visit(told, someone, name, door.path, bundle)
        for path in ("/alerts/nothing", "/quarantine/nothing", "/topics/nothing/records", "/nothing"):
            told.add(f"{name} {path}", someone.get(path).text)
        forms(told, someone, name, waiting)
    told.add("console /metrics", house.metrics.text())
    engine.dispose()


def forms(told: Told, someone: Visitor, name: str, waiting: Sequence[str]) -> None:
    """Every form, posted by whoever may and whoever may not, with the page that follows."""
    posted: dict[str, dict[str, object]] = {
        "/quarantine/dry-run": {"kind": "replay", "place": list(waiting)},
        "/quarantine/order": {"kind": "return", "place": waiting[:1], "why": "a test", "tried": "yes"},
        "/holds/set": {"kind": "deliveries", "agency": "police", "why": "a test"},
        "/holds/lift": {"scope": "deliveries/police"},
        "/account/preferences": {"language": "es", "theme": "dark"},
        "/account/password": {"old": "wrong", "new": PASSWORD, "again": PASSWORD},
        "/sign-out": {},
        "/sign-in": {"name": name, "password": "wrong"},
    }
    assert posted.keys() == {door.path for door in DOORS if door.method == "POST"}
    for path, fields in posted.items():
        answer = someone.post(path, "/sign-in" if path == "/sign-in" else "/account", **fields)
        told.add(f"{name} POST {path}", answer.text)
        if answer.status_code == 303:
            told.add(f"{name} POST {path}", someone.get(answer.headers["location"]).text)


def visit(told: Told, someone: Visitor, name: str, path: str, bundle: str) -> None:
    """A page as often as there are things that it can show."""
    topics = TOPICS if path.endswith("/records") and name == "ariel" else ("alerts.customs",)
    for topic in topics:
        for number in (1, GOOD) if "{id}" in path else (1,):
            asked = path.format(
                topic=topic, id=alert_id(number), reason="unknown-value", digest=bundle, agency="police"
            )
            for query in asked_for(path):
                told.add(f"{name} {asked} {query}", someone.get(asked, **query).text)


def asked_for(path: str) -> list[dict[str, str]]:
    if path.endswith("/records"):
        return [{"partition": str(number)} for number in range(PARTITIONS)]
    if path.endswith("/export"):
        return [{"form": form} for form in ("csv", "json")]
    return [{"agency": "shelter"} if path.endswith("/why") else {}]


def house_of(hub: Hub, engine: Engine) -> House:
    settings = ConsoleSettings(host="127.0.0.1", port=8630)
    keys = frozenset(public_key(text) for text in hub.first_keys.split(","))
    return House(
        engine=engine,
        cluster=KafkaCluster(hub.connection, hub.ids, keys, PARTITIONS, 1, now_ms),
        settings=settings,
        people=People(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)),
        sessions=lifetimes(settings),
        clock=now_ms,
        port=8630,
    )


def now_ms() -> int:
    return time.time_ns() // 1_000_000
