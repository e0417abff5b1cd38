"""A history of a small hub as its topics have it: alerts routed by the real route(), receipts, orders, health, rules.

It builds on the invented world of tests/routing. `MemoryReading` gives it to a recorder as Kafka would, in chunks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.bus.bus import Outgoing, Record, TopicPartition
from hub.guidelines.rulebook import hold_key
from hub.model.core import Alert
from hub.model.publication import HoldOrder
from hub.model.receipt import Health
from hub.readmodel.reading import Reading, is_read
from tests.routing.alerts import AGENCIES, Followed, Hub, framed, receipt_of

SECOND_MS = 1_000
STEP_MS = 10 * SECOND_MS


@dataclass
class History(Hub):
    """A hub that keeps what is written on its topics. Time goes on by ten seconds with every record."""

    logs: dict[TopicPartition, list[Record]] = field(default_factory=lambda: defaultdict(list))
    first: dict[TopicPartition, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for agency in AGENCIES:
            for kind in ("alerts", "deliveries", "receipts", "connectors"):
                self.logs[TopicPartition(f"{kind}.{agency}", 0)] = []
        for topic in ("decisions", "quarantine", "control", "guidelines"):
            self.logs[TopicPartition(topic, 0)] = []

    def take(self, incoming: Alert | Outgoing, *, timestamp_ms: int | None = None) -> Followed:
        self.now_ms += STEP_MS
        found = super().take(incoming, timestamp_ms=self.now_ms if timestamp_ms is None else timestamp_ms)
        written = incoming if isinstance(incoming, Outgoing) else None
        if written is not None and is_read(written.topic):
            self.write(written)
        for record in found.routed.outgoing:
            self.write(record)
        return found

    def write(self, record: Outgoing) -> Record:
        """Appends a record as the broker does."""
        log = self.logs[TopicPartition(record.topic, record.partition)]
        kept = Record(len(log), self.now_ms, record.key, record.value, record.headers)
        log.append(kept)
        return kept

    def acknowledge(self, found: Followed, *agencies: str, **changes: Any) -> None:
        """Receipts of what followed from a record, by these agencies."""
        for agency in agencies:
            self.take(receipt_of(found.deliveries[agency], **changes))

    def tell(self, agency: str, state: str = "running", **counts: Any) -> None:
        """A connector's word of health."""
        health = Health(connector=agency, agency=agency, at_ms=self.now_ms, state=state, **counts)
        self.write(Outgoing(f"connectors.{agency}", 0, b"health/" + agency.encode(), framed(health)))

    def order_hold(self, order: HoldOrder) -> None:
        self.write(Outgoing("guidelines", 0, hold_key(order.scope), framed(order)))

    def of(self, topic: str) -> list[Record]:
        return self.logs[TopicPartition(topic, 0)]


class MemoryReading(Reading):
    """A history's topics. Reads at most `chunk` records of a partition at a time, one partition after another."""

    def __init__(self, history: History, chunk: int = 1_000, order: Sequence[str] = ()) -> None:
        """`order`: topics that are read to their ends first, in this order."""
        self._history = history
        self._chunk = chunk
        self._first = order
        self._next: dict[TopicPartition, int] = {}

    def places(self) -> set[TopicPartition]:
        return {at for at in self._history.logs if is_read(at.topic)}

    def spans(
        self, places: Sequence[TopicPartition]
    ) -> tuple[Mapping[TopicPartition, int], Mapping[TopicPartition, int]]:
        first = {at: self._history.first.get(at, 0) for at in places}
        return first, {at: len(self._history.logs[at]) for at in places}

    def start(self, offsets: Mapping[TopicPartition, int]) -> None:
        self._next = dict(offsets)

    def poll(self, limit: int, wait_ms: int) -> Mapping[TopicPartition, Sequence[Record]]:
        found: dict[TopicPartition, Sequence[Record]] = {}
        for at in sorted(self._next, key=self._rank):
            begin = self._next[at]
            records = self._history.logs[at][begin : begin + min(self._chunk, limit)]
            if records:
                found[at] = records
                self._next[at] += len(records)
                limit -= len(records)
                if at.topic in self._first or limit <= 0:
                    break
        return found

    def position(self, at: TopicPartition) -> int | None:
        return self._next[at]

    def close(self) -> None: ...

    def _rank(self, at: TopicPartition) -> tuple[int, TopicPartition]:
        return (self._first.index(at.topic) if at.topic in self._first else len(self._first)), at
