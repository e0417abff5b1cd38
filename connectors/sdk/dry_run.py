"""What a connector would publish now, publishing nothing: the bus is read, and nothing is written, moved or settled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from hub.bus.bus import Outgoing, Record, TopicPartition
from hub.bus.limits import Limits
from hub.bus.restore import partitions_of, read_table
from hub.bus.settings import Connection
from hub.model.avro import decode_as, unframe
from hub.model.core import Alert as ComposedAlert

from .kinds import Alert, BadRecord, Cancel, Listed, Note, Read, Source
from .publish import Counts, Identity, Publication


class Unsettled:
    """A source that is not told what was committed, since nothing is: no file is moved away."""

    def __init__(self, source: Source[Any]) -> None:
        self._source = source
        self.follows = getattr(source, "follows", lambda _before, _after: True)
        self.standing = getattr(source, "standing", None)

    def read(self, after: str | None) -> Iterator[Read[Any] | BadRecord | Listed]:
        return self._source.read(after)

    def alerts(self, native: Any) -> Iterable[Alert | Cancel | Note]:
        return self._source.alerts(native)

    def settled(self, position: str) -> None:
        """Nothing was."""


class Onlooker:
    """A Publisher that reads what stands on the bus and shows what would be written to it."""

    def __init__(
        self,
        table: Callable[[str], Iterator[tuple[TopicPartition, Record]]],
        identity: Identity,
        show: Callable[[ComposedAlert], None],
    ) -> None:
        self._table = table
        self._alerts_topic = f"alerts.{identity.agency}"
        self._show = show

    def table(self, topic: str) -> Iterator[tuple[TopicPartition, Record]]:
        return self._table(topic)

    def publish(self, records: Sequence[Outgoing]) -> None:
        for record in records:
            if record.topic == self._alerts_topic and record.value is not None:
                self._show(decode_as(ComposedAlert, unframe(record.value)[1]))

    def close(self) -> None: ...


def on_kafka(connection: Connection) -> Callable[[str], Iterator[tuple[TopicPartition, Record]]]:
    """Reads a topic as a publisher does, without being one: the connector that runs is not disturbed."""

    def table(topic: str) -> Iterator[tuple[TopicPartition, Record]]:
        limits = Limits()
        yield from read_table(connection, partitions_of(connection, topic, limits), limits)

    return table


def dry_run(
    source: Source[Any],
    identity: Identity,
    table: Callable[[str], Iterator[tuple[TopicPartition, Record]]],
    now_ms: Callable[[], int],
    show: Callable[[ComposedAlert], None],
    tell: Callable[[BadRecord], None],
    stop: Callable[[], bool] = lambda: False,
) -> Counts:
    """Shows each alert and cancel that would be published, and tells what would be set aside or noted."""
    onlooker = Onlooker(table, identity, show)
    return Publication(Unsettled(source), identity, lambda: onlooker, now_ms, tell).run(stop)
