"""The topics as recorder and scheduler read them: by assignment, without a group, committed records only; new topics appear.

`Reading` is the contract, which the tests' memory keeps too; `KafkaReading` keeps it on a real Kafka. Positions are the
reader's to keep (the recorder's, in SQL): nothing is committed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, cast

from kafka.errors import KafkaError

from hub.bus import library
from hub.bus.bus import BusError, Record, TopicPartition
from hub.bus.fetch import Journal, Unreadable, walk
from hub.bus.limits import FETCH_BYTES, Limits
from hub.bus.settings import Connection
from hub.bus.topics import CONNECTORS, CONTROL, DECISIONS, DELIVERIES, GUIDELINES, QUARANTINE, RECEIPTS

READ: Final = (DECISIONS, QUARANTINE, CONTROL, GUIDELINES)
READ_OF_AGENCIES: Final = (DELIVERIES, RECEIPTS, CONNECTORS)
_CLOSE_MS: Final = 2_000

Offsets = Mapping[TopicPartition, int]
Records = Mapping[TopicPartition, Sequence[Record]]


class ReadingFailed(BusError):
    """Reading failed, for now: open anew and go on. `at`, `offset`: where, if one partition cannot be read on."""

    def __init__(self, message: str, at: TopicPartition | None = None, offset: int = -1) -> None:
        super().__init__(message)
        self.at = at
        self.offset = offset


class Reading(Protocol):
    """What stands on the topics that are read. Every method raises ReadingFailed; close it then."""

    def places(self) -> set[TopicPartition]:
        """Every partition that there is to read now."""

    def spans(self, places: Sequence[TopicPartition]) -> tuple[Offsets, Offsets]:
        """First offsets, and ends as they are now for everybody, open transactions included."""

    def start(self, offsets: Offsets) -> None:
        """Reads these partitions from now on, and no others, each from its offset."""

    def poll(self, limit: int, wait_ms: int) -> Records:
        """New committed records, each partition in order; waits about so long for the first."""

    def position(self, at: TopicPartition) -> int | None:
        """Where the next record would stand: beyond markers and aborted records. None: not known yet."""

    def close(self) -> None: ...


def is_read(topic: str) -> bool:
    """Whether the recorder reads this topic."""
    kind, dot, _ = topic.partition(".")
    return topic in READ or (kind + dot) in READ_OF_AGENCIES


class KafkaReading:
    """Reads from a cluster. Used by one thread."""

    def __init__(
        self, connection: Connection, limits: Limits | None = None, wanted: Callable[[str], bool] = is_read
    ) -> None:
        """`wanted`: whether a topic is read. Raises ReadingFailed if the cluster does not answer in time."""
        self._limits = limits or Limits()
        self._wanted = wanted
        self._journal = Journal()
        try:
            self._consumer = library.open_consumer(
                connection, self._limits, group_id=None, max_partition_fetch_bytes=FETCH_BYTES
            )
            self._ends = library.open_consumer(connection, self._limits, isolation_level="read_uncommitted")
        except KafkaError as error:
            raise ReadingFailed(f"the cluster cannot be reached: {type(error).__name__}") from error
        library.walk_with(self._consumer, walk(False, self._journal))

    def places(self) -> set[TopicPartition]:
        cluster = cast(Any, self._ends)
        try:
            topics = [topic for topic in cluster.topics() if self._wanted(topic)]
            return {TopicPartition(topic, number) for topic in topics for number in cluster.partitions_for_topic(topic)}
        except (KafkaError, TypeError) as error:  # a topic that is being made has no partitions yet: None
            raise ReadingFailed(f"the topics cannot be listed: {type(error).__name__}") from error

    def spans(self, places: Sequence[TopicPartition]) -> tuple[Offsets, Offsets]:
        theirs = [library.partition(at) for at in places]
        try:
            first = library.first_offsets(self._ends, theirs, self._limits.wait_ms) if theirs else {}
            ends = library.last_offsets(self._ends, theirs, self._limits.wait_ms) if theirs else {}
        except KafkaError as error:
            raise ReadingFailed(f"offsets cannot be asked for: {type(error).__name__}") from error
        return {TopicPartition(*at): offset for at, offset in first.items()}, {
            TopicPartition(*at): offset for at, offset in ends.items()
        }

    def start(self, offsets: Offsets) -> None:
        theirs = {at: library.partition(at) for at in offsets}
        self._consumer.assign(list(theirs.values()))
        for at, offset in offsets.items():
            self._journal.start(theirs[at], offset)
            self._consumer.seek(theirs[at], offset)

    def poll(self, limit: int, wait_ms: int) -> Records:
        try:
            found = self._consumer.poll(wait_ms, limit)
        except Unreadable as error:
            raise ReadingFailed(str(error), error.at, error.offset) from error
        except Exception as error:  # whatever the library raises: a consumer that raised is never polled again
            raise ReadingFailed(f"reading failed: {type(error).__name__}") from error
        return {TopicPartition(*at): records for at, records in found.items()}

    def position(self, at: TopicPartition) -> int | None:
        try:
            return self._consumer.position(library.partition(at), self._limits.wait_ms)
        except KafkaError as error:
            raise ReadingFailed(f"a position is not known: {type(error).__name__}") from error

    def close(self) -> None:
        """Within a bound."""
        for consumer in (self._consumer, self._ends):
            library.end_consumer(consumer, _CLOSE_MS)
