"""The console's cluster on a real Kafka. Every wait is bounded; what went wrong is Unreachable, whatever raised it.

The topic `guidelines` is followed, so that names and rules are at hand; everything else is asked when somebody looks.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final, cast

import structlog
from kafka.admin import ConfigResource
from kafka.errors import KafkaError

from hub.bus.bus import BusError, Outgoing, Record, TopicPartition
from hub.bus.follow import Follower
from hub.bus.kafka import KafkaPublisher
from hub.bus.limits import HUB_RECORD_BYTES, Limits
from hub.bus.lookup import read_records
from hub.bus.offsets import group_offsets, spans
from hub.bus.restore import partitions_of, read_table
from hub.bus.settings import Connection
from hub.bus.topics import QUARANTINE, Admin, Finding, TopicError, administration, check
from hub.guidelines import holds
from hub.guidelines.approval import NotApproved
from hub.guidelines.bundle import Bundle
from hub.guidelines.holds import NotAHold
from hub.guidelines.rulebook import BUNDLE_KEY, ELSEWHERE, Rulebook, Stray, hold_key
from hub.inforce import PLACE, waiting
from hub.lifting import ORDERS_AT_ONCE, by_agency, lifted, orders, owed_now
from hub.model.avro import SchemaIds, Undecodable, decode_as, encode, frame, unframe
from hub.model.decision import Quarantined
from hub.model.publication import HoldOrder, Publication
from hub.router import GROUP

from .cluster import (
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
from .orders import order_about

log = structlog.get_logger()

PUBLISHER: Final = "enlace-guidelines"  # as the commands': one at a time
OPERATOR: Final = "operator-console"
SENT_TIMEOUT_S: Final = 60.0
FIRST_LOOK_S: Final = 0.5
LONGEST_LOOK_S: Final = 8.0
REMEMBERED: Final = 200  # samples of a topic's end, for its rate
RATE_S: Final = 300.0
FOLLOW_S: Final = 5.0
MAX_GROUPS: Final = 100
Clock = Callable[[], int]


class KafkaCluster:
    """A `Cluster`. Used by many threads: each question has clients of its own, the rules a lock."""

    def __init__(
        self,
        connection: Connection,
        ids: SchemaIds,
        keys_of_first: frozenset[bytes],
        partitions: int,
        replication: int,
        clock: Clock,
        profile: Bundle | None = None,
    ) -> None:
        self._connection = connection
        self._ids = ids
        self._partitions = partitions
        self._replication = replication
        self._clock = clock
        self._profile = profile
        self._keys = keys_of_first
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._taken = -1  # the last offset of `guidelines` that the book knows
        self._book = Rulebook(keys_of_first, ids)
        self._history: list[Published] = []
        self._seen: deque[tuple[float, Mapping[str, int]]] = deque(maxlen=REMEMBERED)

    @property
    def ids(self) -> SchemaIds:
        return self._ids

    @property
    def partitions(self) -> int:
        return self._partitions

    # the rules

    def bundle(self) -> Bundle | None:
        return self._book.in_force.bundle if self._book.in_force else None

    def follow(self, stop: threading.Event) -> None:
        """Keeps the rules at hand until stopped; run it in a thread of its own."""
        follower = Follower(self._connection, PLACE)
        try:
            while not stop.wait(FOLLOW_S):
                try:
                    self._take_new(follower.look())
                except BusError as error:
                    log.warning("console.rules-unread", error=type(error).__name__)
        finally:
            follower.close()

    def standing(self) -> Standing:
        """As the topic stands now, read whole: who has just set a hold must see it."""
        with _answering():
            self._take_new([record for _, record in read_table(self._connection, [PLACE], Limits())])
        with self._lock:
            in_force, orders_ = self._book.in_force, self._book.orders
            held: dict[str, HoldOrder | None] = {scope: orders_.get(scope) for scope in sorted(self._book.held)}
            return Standing(
                in_force.serial if in_force else None,
                in_force.bundle if in_force else None,
                {scope: None if order is None or order.state == "lifted" else order for scope, order in held.items()},
                tuple(self._history),
            )

    def answers(self) -> None:
        with _answering():
            spans(self._connection, [PLACE], Limits())

    def _take_new(self, records: Sequence[Record]) -> None:
        """Each record once, though two read the topic."""
        with self._lock:
            for record in records:
                if record.offset > self._taken:
                    self._taken = record.offset
                    self._take(record)

    def _take(self, record: Record) -> None:
        key = record.key or b""
        about_bundle = key.startswith(BUNDLE_KEY.encode())
        serial = key.decode("utf-8", errors="replace").removeprefix(BUNDLE_KEY)[:20]
        try:
            taken = self._book.take(record.key, record.value)
        except (NotApproved, NotAHold, Stray) as refused:
            if about_bundle:
                self._history.append(Published(serial, record.timestamp_ms, None, None, refused.reason))
            return
        if isinstance(taken, Publication) and self._book.in_force:
            self._history.append(Published(serial, record.timestamp_ms, taken, self._book.in_force.bundle, ""))

    # holds

    def set_hold(self, scope: str, who: str, why: str) -> None:
        with self._rules_alone() as (book, writer):
            agency = scope.partition("/")[2]
            bundle = book.in_force.bundle if book.in_force else self._profile
            if agency and bundle is not None and bundle.agency(agency) is None:
                raise UnknownAgency(agency)
            self._write(holds.set_by(who, scope, why, self._clock()), writer)

    def lift_hold(self, scope: str, who: str) -> Lifted:
        with self._rules_alone() as (book, writer):
            order = holds.lifted_by(who, book.orders.get(scope), self._clock())
            self._write(order, writer)
            book.orders[scope] = order
            left = waiting(book.held)
        if order.state == "lift-asked":
            return "asked"
        if not scope.startswith(holds.INTAKE):
            threading.Thread(target=self._send_off, args=(left, who, f"{scope} was lifted"), daemon=True).start()
        return "lifted"

    @contextmanager
    def _rules_alone(self) -> Iterator[tuple[Rulebook, KafkaPublisher]]:
        """The topic as it stands, while nobody else writes to it."""
        with self._writing, _answering():
            writer = KafkaPublisher(self._connection, name=PUBLISHER, record_bytes=HUB_RECORD_BYTES)
            try:
                book = Rulebook(self._keys, self._ids)
                for _, record in writer.table(PLACE.topic):
                    if record.key not in ELSEWHERE:
                        try:
                            book.take(record.key, record.value)
                        except (NotApproved, NotAHold, Stray):
                            continue
                yield book, writer
            finally:
                writer.close()

    def _write(self, order: HoldOrder, writer: KafkaPublisher) -> None:
        value = frame(self._ids.by_name["HoldOrder"], encode(order))
        writer.publish([Outgoing(*PLACE, hold_key(order.scope), value)])

    def _send_off(self, held: frozenset[str], who: str, why: str) -> None:
        """Orders what is owed until nothing is; what is left then, the page shows, and lifting again goes on."""
        deadline_s, look_s = time.monotonic() + SENT_TIMEOUT_S, FIRST_LOOK_S
        try:
            while left := lifted(owed_now(self._connection), held):
                with self._publisher() as writer:
                    ordered = orders(self._connection, left, who, why, self._ids)
                    while chunk := list(islice(ordered, ORDERS_AT_ONCE)):
                        writer.publish(chunk)
                if time.monotonic() > deadline_s:
                    log.error("hold.still-owed", alerts=len(left))
                    return
                time.sleep(look_s)
                look_s = min(2 * look_s, LONGEST_LOOK_S)
        except (KafkaError, BusError) as error:
            log.error("hold.not-sent", error=type(error).__name__)

    def owed(self) -> Mapping[str, int]:
        with _answering():
            return by_agency(owed_now(self._connection))

    # quarantine

    def quarantined(self, places: Sequence[Place]) -> Mapping[Place, Quarantined]:
        wanted, found = set(places), {}
        with _answering():
            limits = Limits()
            lanes = partitions_of(self._connection, QUARANTINE, limits)
            for _, record in read_table(self._connection, lanes, limits):
                each = _quarantined(record)
                if each is not None and (each.topic, each.partition, each.offset) in wanted:
                    found[each.topic, each.partition, each.offset] = each
        return found

    def order(self, waiting: Sequence[Quarantined], kind: OrderKind, who: str, why: str) -> None:
        with self._publisher() as writer:
            writer.publish([order_about(each, kind, who, why, self._ids) for each in waiting])

    @contextmanager
    def _publisher(self) -> Iterator[KafkaPublisher]:
        with self._writing, _answering():
            writer = KafkaPublisher(self._connection, name=OPERATOR, record_bytes=HUB_RECORD_BYTES)
            try:
                yield writer
            finally:
                writer.close()

    # topics

    def topics(self) -> Sequence[TopicSeen]:
        with _answering():
            limits = Limits()
            with administration(self._connection, limits) as admin:
                described = {
                    topic["name"]: topic["partitions"]
                    for topic in admin.describe_topics()
                    if not topic["name"].startswith("__")
                }
                sizes, groups = _sizes(admin), _groups(admin)
            places = [
                TopicPartition(name, each["partition_index"]) for name, found in described.items() for each in found
            ]
            first, end = spans(self._connection, places, limits)
        rates = self._rates({name: sum(end[at] for at in places if at.topic == name) for name in described})
        return [
            TopicSeen(
                name,
                tuple(_partition(name, each, first, end, sizes) for each in _in_order(described[name])),
                rates.get(name),
                tuple(_on_topic(name, groups, end)),
            )
            for name in sorted(described)
        ]

    def _rates(self, ends: Mapping[str, int]) -> Mapping[str, float]:
        now_s = time.monotonic()
        with self._lock:
            while self._seen and now_s - self._seen[0][0] > RATE_S:
                self._seen.popleft()
            before = self._seen[0] if self._seen else None
            self._seen.append((now_s, ends))
        if before is None or now_s - before[0] < 1:
            return {}
        return {name: (end - before[1].get(name, end)) / (now_s - before[0]) for name, end in ends.items()}

    def settings(self, topic: str) -> Mapping[str, str]:
        with _answering(), administration(self._connection) as admin:
            resource = cast(Any, ConfigResource)("topic", topic)
            found = admin.describe_configs([resource], config_filter="all")
            settings = {name: each for kind in found.values() for name, each in kind.get(topic, {}).items()}
            return {name: str(each["value"]) for name, each in sorted(settings.items())}

    def findings(self) -> Sequence[Finding]:
        bundle = self.bundle() or self._profile
        if bundle is None:
            return ()
        with _answering(), administration(self._connection) as admin:
            return check(admin, [agency.id for agency in bundle.agencies], self._partitions, self._replication)

    def records(self, topic: str, partition: int, offset: int, limit: int) -> Sequence[Record]:
        at = TopicPartition(topic, partition)
        with _answering():
            first, end = spans(self._connection, [at], Limits())
            begin = max(offset, first[at])
            places = [(at, each) for each in range(begin, min(begin + limit, end[at]))]
            return [record for _, record in read_records(self._connection, places)]


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (KafkaError, BusError, TopicError) as error:
        raise Unreachable(type(error).__name__) from error


def _quarantined(record: Record) -> Quarantined | None:
    try:
        return decode_as(Quarantined, unframe(record.value or b"")[1])
    except Undecodable:
        return None


def _in_order(partitions: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(partitions, key=lambda each: int(each["partition_index"]))


def _partition(
    name: str,
    each: Mapping[str, Any],
    first: Mapping[TopicPartition, int],
    end: Mapping[TopicPartition, int],
    sizes: Mapping[TopicPartition, int],
) -> PartitionSeen:
    at = TopicPartition(name, each["partition_index"])
    replicas, in_sync = each["replica_nodes"], each["isr_nodes"]
    return PartitionSeen(
        at.partition, first[at], end[at], each["leader_id"], len(replicas), len(in_sync), sizes.get(at)
    )


def _sizes(admin: Admin) -> Mapping[TopicPartition, int]:
    """Bytes on disk of each partition: of its largest copy. Empty if the cluster does not say."""
    sizes: Counter[TopicPartition] = Counter()
    try:
        for broker in cast(Any, admin).describe_log_dirs():
            for folder in _each(broker, "log_dirs", "results"):
                for topic in folder.get("topics", ()):
                    for part in topic.get("partitions", ()):
                        at = TopicPartition(topic.get("name", topic.get("topic")), part["partition_index"])
                        sizes[at] = max(sizes[at], part["partition_size"])
    except (KafkaError, KeyError, TypeError):
        return {}
    return sizes


def _each(mapping: Mapping[str, Any], *names: str) -> Sequence[Any]:
    return next((mapping[name] for name in names if name in mapping), ())


def _groups(admin: Admin) -> Mapping[str, Mapping[TopicPartition, int]]:
    """The committed offsets of every consumer group; of the routers' at least."""
    names = {GROUP}
    try:
        names.update(each["group_id"] for each in cast(Any, admin).list_groups() if each.get("group_id"))
    except (KafkaError, KeyError, TypeError):
        names = {GROUP}
    found = {}
    for name in sorted(names)[:MAX_GROUPS]:
        try:
            found[name] = group_offsets(admin, name)
        except KafkaError:
            continue
    return found


def _on_topic(
    name: str, groups: Mapping[str, Mapping[TopicPartition, int]], end: Mapping[TopicPartition, int]
) -> Iterator[GroupSeen]:
    for group, offsets in groups.items():
        mine = {at: offset for at, offset in offsets.items() if at.topic == name and at in end}
        if mine:
            lag = sum(max(0, end[at] - offset) for at, offset in mine.items())
            yield GroupSeen(group, {at.partition: offset for at, offset in mine.items()}, lag)
