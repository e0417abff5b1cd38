"""On a secured broker each principal reaches what is its own, and nothing else: the whole matrix, and real attempts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
)

from hub import joining
from hub.bus import access, schema_ids
from hub.bus.bus import Outgoing
from hub.bus.kafka import KafkaBus, KafkaPublisher
from hub.bus.limits import Limits
from hub.bus.local import LocalKafka
from hub.bus.secured import Security, connection
from hub.bus.settings import Connection
from hub.bus.topics import TopicError, administration, create
from hub.model.compose import DAY_MS
from hub.readmodel.reading import KafkaReading
from hub.router import GROUP
from hub.scheduler import NAME, Scheduler
from tests.kafka.change_hub import until
from tests.routing.alerts import NOW_MS, Hub, alert, record_of

pytestmark = pytest.mark.kafka

AGENCIES = ("customs", "customs-north", "interpol")  # one's id begins with another's
PARTITIONS = 2
LIMITS = Limits(request_ms=1_500, delivery_ms=2_000, wait_ms=4_000)  # who is not let in finds out by the last


class World:
    """A secured broker with three agencies and the hub's services, and everybody's connections."""

    def __init__(self, broker: LocalKafka, folder: Path) -> None:
        self.broker = broker
        self.folder = folder
        with administration(broker.connection) as admin:
            create(admin, [], PARTITIONS, 1)
        schema_ids.settle(broker.connection, schema_ids.local())
        for agency in AGENCIES:
            joining.add(broker.connection, agency, folder, partitions=PARTITIONS, replication=1)
        for service in access.SERVICES:
            joining.add_service(broker.connection, service, folder)

    def connection(self, user: str) -> Connection:
        given = joining.environment(self.folder / f"{user}.env")
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("ENLACE_")]:
                patch.delenv(name)
            for name, value in given.items():
                patch.setenv(name, value)
            return Connection.model_validate({})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("secured")
    with LocalKafka(folder / "kafka", secured=True) as broker:
        yield World(broker, folder / "users")


def allowed(rules: tuple[access.Rule, ...], topic: str) -> set[str]:
    """What the rules say of a topic, read in the plainest way."""
    found = set()
    for rule in rules:
        if rule.kind == "topic" and (topic.startswith(rule.name) if rule.prefix else topic == rule.name):
            words = {"read": "READ", "write": "WRITE", "look": "DESCRIBE", "settings": "DESCRIBE_CONFIGS"}
            found |= {words[right] for right in rule.rights} | {"DESCRIBE"}
    return found


def principals() -> Mapping[str, tuple[access.Rule, ...]]:
    return {**{agency: access.of_agency(agency) for agency in AGENCIES}, **access.SERVICES}


@pytest.mark.parametrize("user", sorted(principals()))
def test_a_principal_may_do_with_each_topic_what_the_table_says_and_nothing_else(world: World, user: str) -> None:
    with administration(world.broker.connection) as admin:
        every = sorted(topic["name"] for topic in admin.describe_topics())
    assert len(every) == 5 + 4 * len(AGENCIES) + len([name for name in every if name.startswith("__")])
    with administration(world.connection(user)) as admin:
        found = {topic["name"]: topic for topic in admin.describe_topics(every)}
    for name in every:
        seen: Any = found[name]
        operations = set(seen["authorized_operations"] or ()) if not seen["error_code"] else set()
        assert operations == allowed(principals()[user], name), name


def test_no_agency_reaches_a_topic_of_another_agency(world: World) -> None:
    for agency in AGENCIES:
        with administration(world.connection(agency)) as admin:
            visible = {topic["name"] for topic in admin.describe_topics()}
        assert visible == {f"{kind}.{agency}" for kind in ("alerts", "deliveries", "receipts", "connectors")}


def client(world: World, user: str, kind: Callable[..., Any], **settings: Any) -> Any:
    given = {**world.connection(user).client(), "bootstrap_timeout_ms": 10_000, **settings}
    return kind(**{name: value for name, value in given.items() if name in kind.DEFAULT_CONFIG})  # type: ignore[attr-defined]


def write(world: World, user: str, topic: str, **settings: Any) -> None:
    idempotence = "transactional_id" in settings
    producer = client(world, user, KafkaProducer, max_block_ms=10_000, enable_idempotence=idempotence, **settings)
    try:
        if "transactional_id" in settings:
            producer.init_transactions()
            producer.begin_transaction()
        producer.send(topic, b"x", partition=0).get(10)
    finally:
        producer.close(timeout=5)


def read(world: World, user: str, topic: str) -> None:
    """By another client: kafka-python waits in silence for what it may not read."""
    given = world.connection(user).client()
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": given["bootstrap_servers"],
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": given["sasl_mechanism"],
            "sasl.username": given["sasl_plain_username"],
            "sasl.password": given["sasl_plain_password"],
            "ssl.ca.location": given["ssl_cafile"],
            "group.id": "of no importance",
        }
    )
    try:
        consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
        for _ in range(20):
            found = consumer.poll(1)
            error = found.error() if found else None
            if error and error.code() == confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise TopicAuthorizationFailedError
            assert error or not found, "it read something"
    finally:
        consumer.close()


def find(world: World, user: str, topic: str) -> None:
    """Where a topic's partitions are: who is not told cannot read one."""

    def look(admin: Any) -> None:
        found = admin.describe_topics([topic])[0]
        if found["error_code"] == TopicAuthorizationFailedError.errno:
            raise TopicAuthorizationFailedError
        assert not found["partitions"]

    administer(world, user, look)


def join(world: World, user: str, group: str) -> None:
    consumer = client(world, user, KafkaConsumer, group_id=group)
    try:
        consumer.subscribe(["deliveries.customs"])
        deadline_s = time.monotonic() + 10
        while time.monotonic() < deadline_s:
            consumer.poll(200)
    finally:
        consumer.close(autocommit=False)


def administer(world: World, user: str, act: Callable[[Any], object]) -> None:
    admin = client(world, user, KafkaAdminClient)
    try:
        act(admin)
    finally:
        admin.close()


DENIED: Mapping[str, tuple[type[KafkaError], Callable[[World], None]]] = {
    "publish as another agency": (
        TopicAuthorizationFailedError,
        lambda world: write(world, "customs", "alerts.interpol"),
    ),
    "publish as the agency whose id begins with its own": (
        TopicAuthorizationFailedError,
        lambda world: write(world, "customs", "alerts.customs-north"),
    ),
    "write a delivery to itself": (
        TopicAuthorizationFailedError,
        lambda world: write(world, "customs", "deliveries.customs"),
    ),
    "write a bundle": (TopicAuthorizationFailedError, lambda world: write(world, "customs", "guidelines")),
    "write an order": (TopicAuthorizationFailedError, lambda world: write(world, "customs", "control")),
    "find another agency's deliveries": (
        TopicAuthorizationFailedError,
        lambda world: find(world, "customs", "deliveries.interpol"),
    ),
    "find what was decided": (TopicAuthorizationFailedError, lambda world: find(world, "customs", "decisions")),
    "read back its own alerts": (TopicAuthorizationFailedError, lambda world: read(world, "customs", "alerts.customs")),
    "take another agency's place in its group": (
        GroupAuthorizationFailedError,
        lambda world: join(world, "customs", "deliver.customs-north.customs"),
    ),
    "take a router's place": (GroupAuthorizationFailedError, lambda world: join(world, "customs", GROUP)),
    "fence another agency's connector": (
        TransactionalIdAuthorizationFailedError,
        lambda world: write(world, "customs", "alerts.customs", transactional_id="publish.customs-north.customs"),
    ),
    "fence a router": (
        TransactionalIdAuthorizationFailedError,
        lambda world: write(world, "operator", "control", transactional_id=f"{GROUP}-router-0"),
    ),
    "make a topic": (
        ClusterAuthorizationFailedError,
        lambda world: administer(
            world, "customs", lambda admin: admin.create_topics({"alerts.own": {"num_partitions": 1}})
        ),
    ),
    "look at the access rules": (
        ClusterAuthorizationFailedError,
        lambda world: administer(world, "customs", lambda admin: access.rules_of(admin, "agency.interpol")),
    ),
}


@pytest.mark.parametrize("attempt", sorted(DENIED))
def test_an_attempt_is_refused(world: World, attempt: str) -> None:
    error, act = DENIED[attempt]
    with pytest.raises((error, TopicAuthorizationFailedError)):
        act(world)


def test_a_wrong_password_and_a_client_without_one_are_refused(world: World) -> None:
    theirs = world.connection("customs")
    wrong = connection(theirs.bootstrap_servers, "agency.customs", "guessed", Path(theirs.ssl_cafile or ""))
    assert not comes_in(wrong)
    assert not comes_in(Connection.model_validate({"bootstrap_servers": theirs.bootstrap_servers}))
    assert comes_in(theirs)


def comes_in(where: Connection) -> bool:
    try:
        with administration(where, LIMITS):
            return True
    except TopicError:
        return False


def test_an_agencys_connector_publishes_and_receives_by_the_names_of_the_kit(world: World) -> None:
    theirs = world.connection("interpol")
    publisher = KafkaPublisher(theirs, name="publish.interpol.interpol")
    publisher.publish([Outgoing("alerts.interpol", 0, b"k", b"v"), Outgoing("connectors.interpol", 0, b"k", b"v")])
    publisher.close()
    bus = KafkaBus(theirs, group="deliver.interpol.interpol", slot="deliver-0", topics=["deliveries.interpol"])
    hub = KafkaPublisher(world.connection("router"), name=f"{GROUP}-a-test")
    hub.publish([Outgoing("deliveries.interpol", 0, b"k", b"to interpol")])
    hub.close()
    found: list[bytes | None] = []
    deadline_s = time.monotonic() + 30
    while not found:
        assert time.monotonic() < deadline_s
        batch = bus.read(10, 500)
        found += [record.value for records in batch.records.values() for record in records]
        bus.commit(batch, [Outgoing("receipts.interpol", 0, b"k", b"received")] if found else [])
    bus.close()
    assert found == [b"to interpol"]
    assert schema_ids.recorded(theirs, topic="connectors.interpol") == schema_ids.local()


def test_the_scheduler_reads_holdings_and_orders_by_its_own_name(world: World) -> None:
    theirs, lane = world.connection("scheduler"), Hub(partitions=PARTITIONS)
    lane.take(record_of(alert(), PARTITIONS))
    ((key, value),) = lane.holdings.items()
    hub = KafkaPublisher(world.connection("router"), name=f"{GROUP}-a-test")
    hub.publish([Outgoing("holdings", 0, key, value)])
    hub.close()
    scheduler = Scheduler(
        lambda: KafkaReading(theirs, wanted=lambda topic: topic == "holdings"),
        lambda: KafkaPublisher(theirs, name=NAME),
        clock_ms=lambda: NOW_MS + 31 * DAY_MS,
    )
    deadline_s = time.monotonic() + 30
    while not scheduler.step():
        assert time.monotonic() < deadline_s
    scheduler.close()
    assert access.SCHEDULER == NAME


def test_a_suspended_agency_reaches_nothing_on_a_connection_that_is_open_until_it_is_resumed(world: World) -> None:
    admin = world.broker.connection
    producer = client(world, "customs-north", KafkaProducer, max_block_ms=10_000, enable_idempotence=False, retries=0)
    producer.send("alerts.customs-north", b"x", partition=0).get(10)

    def refused() -> bool:
        try:
            producer.send("alerts.customs-north", b"x", partition=0).get(10)
        except TopicAuthorizationFailedError:
            return True
        return False

    joining.suspend(admin, "customs-north")
    assert joining.show(admin, "customs-north", PARTITIONS).suspended
    until(refused, "the refusal")
    joining.resume(admin, "customs-north")
    until(lambda: not refused(), "its end")
    producer.close(timeout=5)


def test_an_agency_that_is_added_again_keeps_its_password_until_another_is_asked_for(world: World) -> None:
    admin, users = world.broker.connection, world.folder
    before = (users / "interpol.env").read_text()
    again = joining.add(admin, "interpol", users, partitions=PARTITIONS, replication=1)
    assert (again.made, again.settings) == ([], None)
    changed = joining.add(admin, "interpol", users, partitions=PARTITIONS, replication=1, new_password=True)
    assert changed.settings == users / "interpol.env"
    assert (users / "interpol.env").read_text() != before
    assert (users / "interpol.env").stat().st_mode & 0o077 == 0
    until(lambda: comes_in(world.connection("interpol")), "the new password")


def test_an_agency_that_is_removed_comes_in_no_more_and_its_topics_go_only_when_asked(world: World) -> None:
    admin = world.broker.connection
    joining.add(admin, "leaving", world.folder, partitions=PARTITIONS, replication=1)
    theirs = world.connection("leaving")
    until(lambda: comes_in(theirs), "its password")
    assert joining.remove(admin, "leaving", topics=False, partitions=PARTITIONS) == ()
    until(lambda: not comes_in(theirs), "that it comes in no more")
    assert len(joining.show(admin, "leaving", PARTITIONS).topics) == 4
    assert len(joining.remove(admin, "leaving", topics=True, partitions=PARTITIONS)) == 4
    until(lambda: joining.show(admin, "leaving", PARTITIONS).topics == [], "the end of its topics")
    assert joining.remove(admin, "leaving", topics=True, partitions=PARTITIONS) == []


def test_what_must_stay_secret_is_its_owners_alone(world: World) -> None:
    security = world.broker.folder / "security"
    for name in ("authority.pem", "broker.pem", "admin.password"):
        assert (security / name).stat().st_mode & 0o077 == 0
    assert "admin.password" not in (world.broker.folder / "server.properties").read_text()
    assert (security / "admin.password").read_text() not in world.broker.log_file.read_text()


def test_a_certificate_that_ends_soon_is_made_anew_by_the_same_authority(tmp_path: Path) -> None:
    security = Security(tmp_path)
    security.prepare("127.0.0.1")
    kept = {name: (tmp_path / "security" / name).read_bytes() for name in ("ca.pem", "broker.pem")}
    security.prepare("127.0.0.1")
    assert kept == {name: (tmp_path / "security" / name).read_bytes() for name in kept}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hub.bus.secured.RENEW_DAYS", 398)
        security.prepare("127.0.0.1")
    assert (tmp_path / "security" / "ca.pem").read_bytes() == kept["ca.pem"]
    assert (tmp_path / "security" / "broker.pem").read_bytes() != kept["broker.pem"]


def test_the_group_of_the_rules_is_the_routers() -> None:
    assert access.ROUTERS == GROUP
