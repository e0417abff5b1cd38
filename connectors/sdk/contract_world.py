"""The world in which the contract's statements are tried (contract.py): a simulated bus, a connector as often as it is started,
and a clock that only `passes` moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hub.bus.bus import Outgoing, Publisher, Record, TopicPartition
from hub.bus.memory import MemoryBus, MemoryPublisher
from hub.bus.memory_log import START_MS, Crashed, MemoryLog
from hub.model.avro import LOCAL_IDS, decode_as, decode_payload, unframe
from hub.model.core import Alert as ComposedAlert
from hub.model.receipt import NativeKey, Receipt
from hub.model.text import to_json

from .convert import native_key
from .deliver import Reception
from .housekeeping import Housekeeping
from .kinds import BadRecord, Connector, Fault, Trial
from .publish import NATIVE, Counts, Identity, Publication
from .status import trouble_of

PARTITIONS: Final = 6
KEY: Final = b"the contract suite's own connector key"
BATCH_RECORDS: Final = 4  # so that there is a middle
TURNS: Final = 12


class Broken(AssertionError):
    """The connector does not keep a statement; the message says what it did instead, and repeats no value."""


class Unexamined(Exception):
    """The trial has nothing to try this statement on."""


class NotClaimed(Unexamined):
    """What the statement is about is optional, and the connector does not do it."""


@dataclass(frozen=True)
class Seen:
    """What stands on the bus after a run: alerts without what chance and time made of them, sorted."""

    alerts: tuple[str, ...]
    revisions: tuple[int, ...]
    bad: frozenset[str]


class World:
    """A simulated bus with an agency's topics, and the connector as often as it is started."""

    def __init__(self, connector: Connector[Any]) -> None:
        self.connector = connector
        self.agency = connector.agency or "agency"
        self.identity = Identity(self.agency, connector.name, KEY, PARTITIONS, LOCAL_IDS)
        self.log = MemoryLog(record_bytes=2 << 20)
        self.now_ms = START_MS
        self.bad: list[BadRecord] = []
        self.topic = {name: f"{name}.{self.agency}" for name in ("alerts", "connectors", "deliveries", "receipts")}
        for name, topic in self.topic.items():
            self.log.create(topic, 1 if name == "connectors" else PARTITIONS)

    def publication(self, trial: Trial, mark: Callable[[str], None] = lambda _: None) -> Publication:
        """A fresh start of the source."""
        if self.connector.source is None:
            raise Unexamined("it has no source")

        def opened() -> Publisher:
            return MemoryPublisher(self.log, name="publish", mark=mark)

        source = self.connector.source(trial.options)
        return Publication(source, self.identity, opened, lambda: self.now_ms, self.bad.append, BATCH_RECORDS)

    def published(self, trial: Trial, mark: Callable[[str], None] = lambda _: None) -> Counts:
        publication = self.publication(trial, mark)
        try:
            return publication.run()
        finally:
            publication.close()

    def reception(self, trial: Trial, mark: Callable[[str], None] = lambda _: None) -> Reception:
        """A fresh start of the sink."""
        if self.connector.sink is None:
            raise Unexamined("it has no sink")
        bus = MemoryBus(self.log, group="deliver", slot="deliver-0", topics=[self.topic["deliveries"]], mark=mark)
        return Reception(self.connector.sink(trial.options), self.identity, bus, lambda: self.now_ms, attempts=1)

    def taken(self, trial: Trial, mark: Callable[[str], None] = lambda _: None) -> None:
        reception = self.reception(trial, mark)
        try:
            for _ in range(TURNS):
                reception.step(0)
        except Fault as fault:
            raise Broken(f"a delivery brought it down: {trouble_of(fault).words}") from None
        finally:
            reception.close()

    def kept_house(self, trial: Trial, mark: Callable[[str], None] = lambda _: None) -> None:
        """A fresh start of the sink, which deletes what it may not keep longer."""
        assert self.connector.sink is not None

        def opened() -> Publisher:
            return MemoryPublisher(self.log, name="housekeeping", mark=mark)

        sink = self.connector.sink(trial.options)
        housekeeping = Housekeeping(sink, self.identity, opened, lambda: self.now_ms)
        try:
            for _ in range(TURNS):
                housekeeping.turn()
        finally:
            housekeeping.close()
            sink.close()

    def passes(self, ms: int) -> None:
        """So much time passes."""
        self.now_ms += ms
        self.log.passes(ms)

    def send(self, records: list[Outgoing]) -> None:
        for record in records:
            self.log.append(record)

    def records(self, name: str) -> list[tuple[TopicPartition, Record]]:
        return list(self.log.table(self.log.partitions(self.topic[name])))

    def known(self, key: str) -> NativeKey | None:
        """What the connector remembers of a native record."""
        name = self.connector.name.encode() + b"/" + NATIVE + native_key(KEY, key)
        values = [record.value for _, record in self.records("connectors") if record.key == name]
        return decode_as(NativeKey, unframe(values[-1])[1]) if values and values[-1] is not None else None

    def receipts(self) -> list[Receipt]:
        return [decode_as(Receipt, unframe(record.value or b"")[1]) for _, record in self.records("receipts")]

    def seen(self) -> Seen:
        found = [decode_as(ComposedAlert, unframe(record.value or b"")[1]) for _, record in self.records("alerts")]
        told = {f"{bad.file}:{bad.line}:{bad.segment}:{bad.field}:{bad.reason}" for bad in self.bad}
        revisions = tuple(sorted(alert.core.revision for alert in found))
        return Seen(tuple(sorted(map(_said, found))), revisions, frozenset(told))


def _said(alert: ComposedAlert) -> str:
    contents = [
        (each.category, to_json(decode_payload(each.category, each.version, each.payload))) for each in alert.sections
    ]
    return repr((alert.core.kind, to_json(alert.routing), contents))


def must(held: bool, words: str) -> None:
    if not held:
        raise Broken(words)


def folders(folder: Path) -> Iterator[Path]:
    """Empty folders, one after another: a trial may use up its input."""
    number = 0
    while True:
        number += 1
        made = folder / str(number)
        made.mkdir(parents=True)
        yield made


class Crash:
    """Ends the process when a point is reached for the n-th time."""

    def __init__(self, point: str, turn: int) -> None:
        self._point = point
        self._left = turn

    def __call__(self, reached: str) -> None:
        if reached == self._point:
            self._left -= 1
            if self._left == 0:
                raise Crashed(reached)
