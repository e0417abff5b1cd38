"""The topics, declared once: their names, who writes and who reads, how many partitions, how long records are kept.

Topics are created from this declaration and a cluster is checked against it. Routed topics have the same number of
partitions for life, because a key's lane is worked out from that number: nothing here ever adds a partition or changes a
setting of a topic that exists; `check` says what differs and what to do. Access rules (ACLs) are not declared here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol, cast

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import KafkaError, for_code
from pydantic import TypeAdapter, ValidationError

from hub.bus import library
from hub.bus.limits import AGENCY_RECORD_BYTES, HUB_RECORD_BYTES, Limits
from hub.bus.settings import Connection
from hub.model.base import Slug

PARTITIONS: Final = 6
MAX_PARTITIONS: Final = 1000
READY_MS: Final = 30_000

CONTROL: Final = "control"
DECISIONS: Final = "decisions"
HOLDINGS: Final = "holdings"
QUARANTINE: Final = "quarantine"
GUIDELINES: Final = "guidelines"
ALERTS: Final = "alerts."
DELIVERIES: Final = "deliveries."
RECEIPTS: Final = "receipts."
CONNECTORS: Final = "connectors."

# What a router reads. Clients anchor a pattern at its start only, so the end is written (KAFKA.md, rule 15).
INTAKE_PATTERN: Final = r"^(alerts\.[a-z0-9-]+|receipts\.[a-z0-9-]+|control)$"

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
KEPT_DAYS: Final = 90
DECISIONS_KEPT_DAYS: Final = 3_653  # ten years; a profile may say otherwise

# An old creation time would delete an acknowledged record within seconds (rule 12); elections keep acknowledged records.
EVERY: Final[Mapping[str, str]] = {
    "message.timestamp.type": "LogAppendTime",
    "unclean.leader.election.enable": "false",
}
# The broker re-encodes what an agency writes, so that limits hold after decompression and codecs are ours (rule 12).
AGENCY_WRITES: Final[Mapping[str, str]] = {
    "compression.type": "uncompressed",
    "max.message.bytes": str(AGENCY_RECORD_BYTES),
}
# Larger than an agency's, so that a full-size alert can be quarantined (rule 13).
HUB_WRITES: Final[Mapping[str, str]] = {"compression.type": "lz4", "max.message.bytes": str(HUB_RECORD_BYTES)}
COMPACTED: Final[Mapping[str, str]] = {  # rule 18
    "cleanup.policy": "compact",
    "segment.ms": str(HOUR_MS),
    "segment.bytes": str(64 * 2**20),
    "min.cleanable.dirty.ratio": "0.1",
    "max.compaction.lag.ms": str(DAY_MS),
    "delete.retention.ms": str(7 * DAY_MS),
}


def _kept(days: int) -> Mapping[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * DAY_MS), "retention.bytes": "-1"}


class TopicError(Exception):
    """The topics cannot be as declared. The message says which one, and what to do."""


class BadAgency(TopicError):
    """An agency's id cannot be part of a topic's name."""


class PartitionsFixed(TopicError):
    """Routed topics exist with another number of partitions, which cannot change: lanes would move."""


@dataclass(frozen=True)
class TopicSpec:
    """One topic as it must be. `routed`: its partitions are lanes. `settings`: Kafka's names and values."""

    name: str
    writer: str
    readers: tuple[str, ...]
    partitions: int
    replication: int
    routed: bool
    settings: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True)
class Finding:
    """A difference between cluster and declaration. `setting` is Kafka's name, or topic, partitions or replication."""

    topic: str
    setting: str
    declared: str
    found: str
    advice: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.setting} is {self.found}, declared {self.declared}: {self.advice}"


class _Kind(NamedTuple):
    """A row of the declaration; `name` ends in a dot if every agency has a topic of its own."""

    name: str
    writer: str
    readers: tuple[str, ...]
    settings: Sequence[Mapping[str, str]]
    routed: bool = True


AGENCY: Final = "the agency"
ROUTER: Final = "router"
RECORDER: Final = "recorder"
SCHEDULER: Final = "scheduler"

# In the order of creation: an agency's `alerts.` comes last, since a router takes it up as soon as it appears.
KINDS: Final[Sequence[_Kind]] = (
    _Kind(CONTROL, "hub", (ROUTER,), (HUB_WRITES, _kept(KEPT_DAYS))),
    _Kind(DECISIONS, ROUTER, (RECORDER,), (HUB_WRITES, _kept(DECISIONS_KEPT_DAYS))),
    _Kind(HOLDINGS, ROUTER, (ROUTER, SCHEDULER), (HUB_WRITES, COMPACTED)),
    _Kind(QUARANTINE, ROUTER, (RECORDER, "operators"), (HUB_WRITES, _kept(KEPT_DAYS))),
    _Kind(GUIDELINES, "stewards, operators", ("all",), (HUB_WRITES, COMPACTED), routed=False),
    _Kind(DELIVERIES, ROUTER, (AGENCY, RECORDER), (HUB_WRITES, _kept(KEPT_DAYS))),
    _Kind(RECEIPTS, AGENCY, (ROUTER, RECORDER), (AGENCY_WRITES, _kept(KEPT_DAYS))),
    _Kind(CONNECTORS, AGENCY, (AGENCY, RECORDER), (AGENCY_WRITES, COMPACTED), routed=False),
    _Kind(ALERTS, AGENCY, (ROUTER,), (AGENCY_WRITES, _kept(KEPT_DAYS))),
)


def agency_of(topic: str) -> str | None:
    """The agency whose topic this is; None for a topic of the hub, or a foreign one."""
    kind, dot, agency = topic.partition(".")
    return agency if dot and kind + dot in {ALERTS, DELIVERIES, RECEIPTS, CONNECTORS} else None


def declared(
    agencies: Iterable[str],
    partitions: int = PARTITIONS,
    replication: int = 1,
    decisions_kept_days: int = DECISIONS_KEPT_DAYS,
) -> list[TopicSpec]:
    """Every topic of a hub with these agencies, in the order of creation. Raises BadAgency."""
    ids = _checked(agencies)
    if not 1 <= partitions <= MAX_PARTITIONS:
        raise TopicError(f"partitions must be from 1 to {MAX_PARTITIONS}, not {partitions}")
    specs = []
    for kind in KINDS:
        settings = {**EVERY, "min.insync.replicas": "2" if replication > 2 else "1"}
        for part in kind.settings:
            settings.update(part)
        if kind.name == DECISIONS:
            settings.update(_kept(decisions_kept_days))
        for name in [kind.name + agency for agency in ids] if kind.name.endswith(".") else [kind.name]:
            count = partitions if kind.routed else 1
            specs.append(TopicSpec(name, kind.writer, kind.readers, count, replication, kind.routed, settings))
    return specs


def create(admin: Admin, agencies: Iterable[str], partitions: int = PARTITIONS, replication: int = 1) -> list[str]:
    """Creates what is missing, `alerts.` last, and returns its names once every partition has a leader.

    What exists is left as it is (see `check`). Raises PartitionsFixed before anything is created if a routed topic has
    another number of partitions; BadAgency; TopicError if the cluster refuses.
    """
    specs = declared(agencies, partitions, replication)
    existing = _existing(admin)
    _refuse_other_lanes(existing, partitions)
    missing = [spec for spec in specs if spec.name not in existing]
    for wave in (
        [spec for spec in missing if not spec.name.startswith(ALERTS)],
        [spec for spec in missing if spec.name.startswith(ALERTS)],
    ):
        _create(admin, wave)
    _refuse_other_lanes(_existing(admin), partitions)  # another process may have created some with its own number
    return [spec.name for spec in missing]


def check(admin: Admin, agencies: Iterable[str], partitions: int = PARTITIONS, replication: int = 1) -> list[Finding]:
    """What differs between cluster and declaration, in the declaration's order; empty if nothing does."""
    specs = declared(agencies, partitions, replication)
    existing = _existing(admin)
    there = [spec for spec in specs if spec.name in existing]
    settings = _settings(admin, [spec.name for spec in there])
    findings = [
        Finding(spec.name, "topic", "present", "absent", "create it: enlace topics create")
        for spec in specs
        if spec.name not in existing
    ]
    for spec in there:
        findings += _compare(spec, existing[spec.name], settings[spec.name])
    names = {spec.name for spec in specs}
    findings += [
        Finding(name, "topic", "absent", "present", "add its agency to the profile, or delete it when it is empty")
        for name in sorted(existing)
        if name not in names and agency_of(name) is not None
    ]
    return findings


@contextmanager
def administration(connection: Connection, limits: Limits | None = None) -> Iterator[Admin]:
    """A client for create and check. Raises TopicError if the cluster does not answer in time."""
    limits = limits or Limits()
    known = {name: value for name, value in connection.client().items() if name in KafkaAdminClient.DEFAULT_CONFIG}
    times = {"request_timeout_ms": limits.request_ms, "bootstrap_timeout_ms": limits.wait_ms}
    try:
        client = library.started(cast(Callable[..., Any], KafkaAdminClient), **known, **times)
    except KafkaError as error:
        raise TopicError(f"{connection.bootstrap_servers} does not answer ({type(error).__name__})") from error
    try:
        yield cast(Admin, client)
    finally:
        client.close()


class Admin(Protocol):
    """What of kafka-python's KafkaAdminClient is used here."""

    def describe_topics(self, topics: Sequence[str] | None = None) -> list[dict[str, Any]]: ...
    def describe_configs(
        self, config_resources: Sequence[ConfigResource], *, config_filter: str
    ) -> dict[str, dict[str, dict[str, dict[str, Any]]]]: ...
    def create_topics(
        self, new_topics: Mapping[str, Mapping[str, object]], *, raise_errors: bool
    ) -> dict[str, list[dict[str, Any]]]: ...
    def wait_for_topics(self, topic_names: Sequence[str], timeout_ms: int) -> None: ...


class _Shape(NamedTuple):
    partitions: int
    replicas: int  # of the partition that has the fewest


def _checked(agencies: Iterable[str]) -> list[str]:
    """Sorted, each once. Kafka allows 249 characters and treats `.` and `_` alike; a slug has 40, and neither."""
    slug: TypeAdapter[str] = TypeAdapter(Slug)
    ids = sorted(set(agencies))
    for agency in ids:
        try:
            slug.validate_python(agency)
        except ValidationError:
            raise BadAgency(
                f"agency {agency[:50]!r}: an id has at most 40 characters, a-z, 0-9 and inner hyphens"
            ) from None
    return ids


def _existing(admin: Admin) -> dict[str, _Shape]:
    found = {}
    for topic in admin.describe_topics():
        replicas = [len(partition["replica_nodes"]) for partition in topic["partitions"]]
        found[topic["name"]] = _Shape(len(replicas), min(replicas, default=0))
    return found


def _refuse_other_lanes(existing: Mapping[str, _Shape], partitions: int) -> None:
    """Also for agencies that this call does not name: a router reads them all."""
    kinds: Collection[str] = {kind.name for kind in KINDS if kind.routed}
    for name, shape in existing.items():
        kind = re.sub(r"\..*", ".", name)
        if kind in kinds and shape.partitions != partitions:
            raise PartitionsFixed(
                f"{name} has {shape.partitions} partitions, not {partitions}: all routed topics keep the number they were "
                f"made with; say {shape.partitions}, or start on an empty cluster"
            )


def _create(admin: Admin, specs: Sequence[TopicSpec]) -> None:
    if not specs:
        return
    wanted = {
        spec.name: {
            "num_partitions": spec.partitions,
            "replication_factor": spec.replication,
            "configs": dict(spec.settings),
        }
        for spec in specs
    }
    try:
        for answer in admin.create_topics(wanted, raise_errors=False)["topics"]:
            error = cast(Callable[[int], type[KafkaError]], for_code)(answer["error_code"])
            if answer["error_code"] and error.__name__ != "TopicAlreadyExistsError":
                raise TopicError(f"{answer['name']} was not created: {answer['error_message'] or error.__name__}")
        admin.wait_for_topics(list(wanted), timeout_ms=READY_MS)
    except KafkaError as error:
        raise TopicError(f"{specs[0].name} and others were not created ({type(error).__name__}): try again") from error


def _settings(admin: Admin, topics: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    if not topics:
        return {}
    resource = cast(Callable[[str, str], ConfigResource], ConfigResource)
    answer = admin.describe_configs([resource("TOPIC", topic) for topic in topics], config_filter="all")["topic"]
    return {
        topic: {name: str(setting["value"]) for name, setting in settings.items()} for topic, settings in answer.items()
    }


def _compare(spec: TopicSpec, shape: _Shape, settings: Mapping[str, str]) -> Iterator[Finding]:
    if shape.partitions != spec.partitions:
        advice = "it cannot change: run the hub with that number" if spec.routed else "delete it and create it anew"
        yield Finding(spec.name, "partitions", str(spec.partitions), str(shape.partitions), advice)
    if shape.replicas < spec.replication:
        advice = "reassign its partitions: kafka-reassign-partitions"
        yield Finding(spec.name, "replication", str(spec.replication), str(shape.replicas), advice)
    for name, value in spec.settings.items():
        found = settings.get(name, "unknown to this broker")
        if found != value:
            advice = f"kafka-configs --alter --entity-type topics --entity-name {spec.name} --add-config {name}={value}"
            yield Finding(spec.name, name, value, found, advice)
