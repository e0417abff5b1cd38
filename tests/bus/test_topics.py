"""Topics are made from one declaration, alerts last, with lanes that never move; what differs on a cluster is found."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.admin import ConfigResource

from hub.bus import topics
from hub.bus.bus import lane
from hub.bus.limits import Limits
from hub.bus.local import LocalKafka
from hub.bus.settings import Connection
from hub.bus.topics import Admin, BadAgency, PartitionsFixed, TopicError, check, create, declared
from tests.bus.worlds import until

SLUGS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)
SHARED = {"control", "decisions", "holdings", "quarantine", "guidelines"}


def by_name(*agencies: str, **options: int) -> Mapping[str, topics.TopicSpec]:
    return {spec.name: spec for spec in declared(agencies, **options)}


@given(st.sets(SLUGS, max_size=5))
def test_every_agency_has_its_four_topics_and_the_hub_its_five(agencies: set[str]) -> None:
    names = [spec.name for spec in declared(agencies)]
    kinds = ("alerts", "deliveries", "receipts", "connectors")
    assert set(names) == SHARED | {f"{kind}.{agency}" for kind in kinds for agency in agencies}
    assert len(names) == len(set(names))
    assert all(len(name) <= 249 and re.fullmatch(r"[a-z0-9.-]+", name) for name in names)


@given(st.sets(SLUGS, min_size=1, max_size=5))
def test_alerts_topics_are_declared_after_all_others(agencies: set[str]) -> None:
    names = [spec.name for spec in declared(agencies)]
    assert all(name.startswith("alerts.") for name in names[-len(agencies) :])


@given(SLUGS)
def test_a_router_reads_alerts_receipts_and_control_and_nothing_else(agency: str) -> None:
    read = {spec.name for spec in declared([agency]) if re.match(topics.INTAKE_PATTERN, spec.name)}
    assert read == {f"alerts.{agency}", f"receipts.{agency}", "control"}
    assert read == {spec.name for spec in declared([agency]) if "router" in spec.readers} - {"holdings"}


@pytest.mark.parametrize("agency", ["", "Customs", "customs.1", "aduanas_", "-a", "a-", "a" * 41, "niñez", "a\n"])
def test_an_agency_that_cannot_be_part_of_a_name_is_refused(agency: str) -> None:
    with pytest.raises(BadAgency):
        declared(["customs", agency])


def test_topics_that_an_agency_writes_are_uncompressed_and_smaller_than_quarantine() -> None:
    specs = by_name("customs")
    for name in ("alerts.customs", "receipts.customs", "connectors.customs"):
        assert specs[name].writer == "the agency"
        assert specs[name].settings["compression.type"] == "uncompressed"
        limit = int(specs[name].settings["max.message.bytes"])
        assert limit == 2**20
        assert limit < int(specs["quarantine"].settings["max.message.bytes"]) == 4 * 2**20
    assert {spec.settings["compression.type"] for spec in specs.values() if spec.writer != "the agency"} == {"lz4"}


def test_every_topic_has_the_broker_s_time_and_no_unclean_election() -> None:
    for spec in declared(["customs"]):
        assert spec.settings["message.timestamp.type"] == "LogAppendTime"
        assert spec.settings["unclean.leader.election.enable"] == "false"


def test_what_is_compacted_is_compacted_soon_and_the_rest_is_kept_for_its_time() -> None:
    specs = by_name("customs", decisions_kept_days=365)
    compacted = {name for name, spec in specs.items() if spec.settings["cleanup.policy"] == "compact"}
    assert compacted == {"holdings", "guidelines", "connectors.customs"}
    assert all(specs[name].settings["segment.ms"] == "3600000" for name in compacted)
    kept = {name: int(spec.settings["retention.ms"]) for name, spec in specs.items() if name not in compacted}
    assert kept.pop("decisions") == 365 * 86_400_000
    assert set(kept.values()) == {90 * 86_400_000}


def test_guidelines_have_one_partition_and_routed_topics_all_the_same() -> None:
    specs = by_name("customs", partitions=4)
    assert {spec.partitions for spec in specs.values() if spec.routed} == {4}
    assert specs["guidelines"].partitions == 1


@pytest.mark.parametrize(("replication", "insync"), [(1, "1"), (2, "1"), (3, "2")])
def test_acknowledged_records_are_on_two_brokers_where_there_are_three(replication: int, insync: str) -> None:
    assert {spec.settings["min.insync.replicas"] for spec in declared(["a"], replication=replication)} == {insync}


@given(st.binary(min_size=16, max_size=16), st.integers(1, 50))
def test_a_lane_is_one_of_the_partitions_and_the_checksum_s(key: bytes, partitions: int) -> None:
    assert 0 <= lane(key, partitions) < partitions
    assert lane(key, partitions) == zlib.crc32(key) % partitions


def test_a_lane_is_what_librdkafka_s_clients_work_out() -> None:
    assert lane(b"123456789", 2**32) == 0xCBF43926  # the check value of CRC-32 (ISO-HDLC)


@pytest.mark.parametrize(("topic", "agency"), [("alerts.customs", "customs"), ("control", None), ("other.x", None)])
def test_a_topic_tells_its_agency(topic: str, agency: str | None) -> None:
    assert topics.agency_of(topic) == agency


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A broker of this file's own: the hub's topics have fixed names, and here another number of lanes."""
    with LocalKafka(tmp_path_factory.mktemp("topics")) as broker:
        yield broker


@pytest.fixture
def admin(cluster: LocalKafka) -> Iterator[Admin]:
    """A client, on a cluster without topics."""
    with topics.administration(Connection(bootstrap_servers=cluster.bootstrap_servers)) as client:
        names = cast(Any, client).list_topics()
        if names:
            cast(Any, client).delete_topics(names)
        while cast(Any, client).list_topics():  # deletion takes effect a little later; pytest-timeout bounds it
            pass
        yield client


def set_config(admin: Admin, topic: str, **settings: str) -> None:
    configs = {name.replace("_", "."): value for name, value in settings.items()}
    resource = cast(Any, ConfigResource)("TOPIC", topic)
    cast(Any, admin).alter_configs([cast(Any, ConfigResource)("TOPIC", topic, configs)])

    def stands() -> bool:  # the answer comes before the broker has it
        found = cast(Any, admin).describe_configs([resource], config_filter="all")["topic"][topic]
        return all(found[setting]["value"] == value for setting, value in configs.items())

    until(stands, "the settings")


class Watched:
    """An admin client that notes what was asked to be created, request by request."""

    def __init__(self, admin: Admin) -> None:
        self.admin = admin
        self.requests: list[list[str]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self.admin, name)

    def create_topics(self, new_topics: Mapping[str, object], *, raise_errors: bool) -> object:
        self.requests.append(list(new_topics))
        return cast(Any, self.admin).create_topics(new_topics, raise_errors=raise_errors)


@pytest.mark.kafka
def test_what_was_created_is_found_as_declared(admin: Admin) -> None:
    created = create(admin, ["customs", "interpol"], partitions=3)
    assert created == [spec.name for spec in declared(["customs", "interpol"], partitions=3)]
    assert check(admin, ["customs", "interpol"], partitions=3) == []


@pytest.mark.kafka
def test_alerts_topics_are_created_by_a_request_of_their_own_after_the_others(admin: Admin) -> None:
    watched = Watched(admin)
    create(cast(Admin, watched), ["customs"], partitions=2)
    assert watched.requests[1:] == [["alerts.customs"]]
    assert "deliveries.customs" in watched.requests[0]


@pytest.mark.kafka
def test_creating_again_adds_only_what_a_new_agency_needs(admin: Admin) -> None:
    create(admin, ["customs"], partitions=2)
    assert create(admin, ["customs"], partitions=2) == []
    added = create(admin, ["customs", "iom"], partitions=2)
    assert added == ["deliveries.iom", "receipts.iom", "connectors.iom", "alerts.iom"]


@pytest.mark.kafka
def test_another_number_of_lanes_is_refused_before_anything_is_created(admin: Admin) -> None:
    create(admin, ["customs"], partitions=2)
    before = set(cast(Any, admin).list_topics())
    with pytest.raises(PartitionsFixed, match="has 2 partitions, not 3"):
        create(admin, ["iom"], partitions=3)  # customs is not named, and is read by the same routers
    assert set(cast(Any, admin).list_topics()) == before


@pytest.mark.kafka
def test_a_missing_topic_is_found(admin: Admin) -> None:
    create(admin, ["customs"], partitions=2)
    (missing, *others) = check(admin, ["customs", "iom"], partitions=2)
    assert (missing.topic, missing.found) == ("deliveries.iom", "absent")
    assert {finding.topic for finding in others} == {"receipts.iom", "connectors.iom", "alerts.iom"}


@pytest.mark.kafka
def test_a_setting_that_was_changed_is_found_with_what_to_do(admin: Admin) -> None:
    create(admin, ["customs"], partitions=2)
    set_config(admin, "alerts.customs", compression_type="producer")
    (finding,) = check(admin, ["customs"], partitions=2)
    assert (finding.topic, finding.setting) == ("alerts.customs", "compression.type")
    assert (finding.declared, finding.found) == ("uncompressed", "producer")
    assert "--add-config compression.type=uncompressed" in finding.advice
    assert str(finding).startswith("alerts.customs: compression.type is producer, declared uncompressed")


@pytest.mark.kafka
def test_partitions_and_replication_that_differ_are_found(admin: Admin) -> None:
    create(admin, ["customs"], partitions=2)
    found = {(finding.topic, finding.setting) for finding in check(admin, ["customs"], partitions=3, replication=3)}
    assert ("holdings", "partitions") in found
    assert ("guidelines", "partitions") not in found
    assert ("guidelines", "replication") in found
    assert ("guidelines", "min.insync.replicas") in found


@pytest.mark.kafka
def test_topics_of_an_agency_that_is_not_in_the_profile_are_found(admin: Admin) -> None:
    create(admin, ["customs", "iom"], partitions=2)
    found = [(finding.topic, finding.found) for finding in check(admin, ["customs"], partitions=2)]
    assert found == [(f"{kind}.iom", "present") for kind in ("alerts", "connectors", "deliveries", "receipts")]


@pytest.mark.kafka
def test_what_the_cluster_refuses_is_said_in_its_words(admin: Admin) -> None:
    with pytest.raises(TopicError, match=r"not created: .*replication"):
        create(admin, ["customs"], partitions=2, replication=3)


def test_a_cluster_that_is_not_there_is_one_line() -> None:
    short = Limits(request_ms=500, delivery_ms=600, wait_ms=700)
    with pytest.raises(TopicError) as caught, topics.administration(Connection(bootstrap_servers="127.0.0.1:9"), short):
        pass
    assert str(caught.value).startswith("127.0.0.1:9 does not answer")


def test_no_partitions_at_all_are_refused() -> None:
    with pytest.raises(TopicError):
        declared(["customs"], partitions=0)
