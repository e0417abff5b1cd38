"""One connector as a process: its source published, its deliveries taken in, its health told, until it is stopped.

Errors are told apart (status.py). A bad record was set aside before they come here; what is not ready is waited for; refused
credentials, a gap and faults of our own close the connector, which starts again by itself, later each time.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from hub.bus.bus import SlotTaken
from hub.bus.kafka import KafkaBus, KafkaPublisher
from hub.bus.settings import Connection
from hub.model.avro import LOCAL_IDS, SchemaIds

from .control import Control
from .deliver import Reception
from .housekeeping import Housekeeping
from .kinds import BadRecord, Connector, Options, Sink, Source
from .publish import Identity, Publication
from .status import Reporter, Status, Trouble, sayable, trouble_of

log = structlog.get_logger()

IDLE_WAIT_MS: Final = 500
IDLE_TURNS: Final = 8  # without anything to do, until `once` is over: to join the group, and for a new file to be quiet
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = {"transient": 30.0, "credentials": 300.0, "gap": 300.0, "fault": 300.0}
LOOK_S: Final = 0.1  # how often somebody who waits looks whether to stop
SET_ASIDE_MAX_BYTES: Final = 64 << 20
PUBLISHED: Final = ("published", "renewed", "cancelled", "unchanged", "set_aside")  # counts by name
RECEIVED: Final = ("delivered", "rejected", "parked")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def local_key(folder: Path) -> bytes:
    """The connector's own key, made at its first start and readable by nobody else. Without it the alerts that were
    published cannot be recognised again: keep it as safe as the connector's credentials."""
    path = folder / "connector.key"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
    return path.read_bytes()


@dataclass(frozen=True)
class Place:
    """Where a connector runs: which cluster, which folder for its key and for what it set aside; for which agency and under
    which name, if not the connector's own (an agency may run one connector twice)."""

    connection: Connection
    folder: Path
    partitions: int
    ids: SchemaIds = LOCAL_IDS
    agency: str | None = None
    name: str | None = None


class Running:
    """A connector at work. `turn()` does what there is to do now; the caller decides how long to go on."""

    def __init__(
        self, connector: Connector[Any], options: Options, place: Place, faults: Counter[bytes] | None = None
    ) -> None:
        """`faults`: what of a sink's failures is remembered over a restart (deliver.py)."""
        identity = identity_of(connector, place)
        agency = identity.agency
        self.name = f"{agency}.{identity.connector}"  # access rules allow these names by prefix: hub/bus/access.py
        self._set_aside_file = place.folder / "set-aside.jsonl"
        self._source: Source[Any] | None = connector.source(options) if connector.source else None
        self._sink: Sink | None = connector.sink(options) if connector.sink else None
        self.publication = (
            Publication(
                self._source,
                identity,
                lambda: KafkaPublisher(place.connection, name=f"publish.{self.name}"),
                now_ms,
                self._set_aside,
            )
            if self._source is not None
            else None
        )
        self.reception = None
        self.housekeeping = None
        if self._sink is not None:
            topics = [f"deliveries.{agency}"]
            bus = KafkaBus(place.connection, group=f"deliver.{self.name}", slot="deliver-0", topics=topics)
            self.reception = Reception(self._sink, identity, bus, now_ms, beat=bus.beat, faults=faults)
            self.housekeeping = Housekeeping(
                self._sink,
                identity,
                lambda: KafkaPublisher(place.connection, name=f"publish.{self.name}.housekeeping"),
                now_ms,
            )

    @property
    def waits(self) -> bool:
        """Whether deliveries wait because the recipient's system is not ready."""
        return self.reception is not None and self.reception.waits

    def turn(self, stop: Callable[[], bool]) -> int:
        """Publishes what the source has, takes what was delivered, deletes what must go; how many records there were."""
        done = 0
        if self.publication:
            before = self.publication.counts.read
            done += self.publication.run(stop).read - before
        if self.reception and not stop():
            done += self.reception.step(IDLE_WAIT_MS)
        if self.housekeeping and not stop():
            done += self.housekeeping.turn()
        return done

    def beat(self) -> None:
        """A sign of life: the bus ends a process that shows none for half a minute."""
        if self.reception:
            self.reception.beat()

    def rewind(self, position: str | None) -> None:
        """See Publication.rewind; nothing to do for a connector without a source."""
        if self.publication:
            self.publication.rewind(position)

    def close(self) -> None:
        for part in (self.publication, self.housekeeping, self.reception, self._source):
            close = getattr(part, "close", None)
            if close is not None:
                close()

    def _set_aside(self, bad: BadRecord) -> None:
        """Keeps where and why, for the agency's own staff; the record itself stays in the agency's file or system."""
        log.warning("connector.set-aside", connector=self.name, line=bad.line, segment=bad.segment, field=bad.field)
        path = self._set_aside_file
        if path.exists() and path.stat().st_size > SET_ASIDE_MAX_BYTES:
            path.replace(path.with_suffix(".1.jsonl"))
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(bad.report(), ensure_ascii=False) + "\n")


def identity_of(connector: Connector[Any], place: Place) -> Identity:
    """Who a connector is where it runs; makes its key at the first start."""
    agency = place.agency or connector.agency
    if not agency:
        raise ValueError("speaks for any agency: say for which one")
    return Identity(agency, place.name or connector.name, local_key(place.folder), place.partitions, place.ids)


def reporter_of(connector: Connector[Any], place: Place) -> Reporter:
    """Tells the connector's health on the bus of this place."""
    identity = identity_of(connector, place)
    name = f"publish.{identity.agency}.{identity.connector}.health"
    return Reporter(identity, lambda: KafkaPublisher(place.connection, name=name), now_ms)


class Failed(Exception):
    """With `once`: the connector cannot go on. `trouble` says why, the message has the error's words if they may be said."""

    def __init__(self, trouble: Trouble, words: str) -> None:
        super().__init__(f"{trouble.kind}: {trouble.words}: {words}" if words else f"{trouble.kind}: {trouble.words}")
        self.trouble = trouble


class Supervision:
    """Keeps a connector running: starts it, starts it again after a failure, heeds pause and rewind, tells its health."""

    def __init__(
        self,
        start: Callable[[], Running],
        control: Control,
        status: Status,
        tell: Callable[[Status, bool], None] = lambda _status, _force: None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], int] = now_ms,
    ) -> None:
        self._start = start
        self._control = control
        self._status = status
        self._tell = tell
        self._sleep = sleep
        self._now = now
        self._running: Running | None = None
        self._counted: dict[str, int] = {}
        self._pending = False
        self._pause_s = FIRST_PAUSE_S
        status.started_ms = now()

    def run(self, stop: Callable[[], bool], once: bool = False) -> None:
        """Goes on until `stop`. With `once` it ends as soon as there is nothing to do.

        Raises SlotTaken (another process runs this connector), and with `once` Failed. A ValueError of the first start,
        such as options that do not fit, is raised: waiting does not mend it, and somebody stands before it.
        """
        idle = 0
        self._status.state = "running"
        try:
            self._start_first(once)
            while not stop():
                if self._control.paused:
                    self._be("waiting", None)
                    if once:
                        return
                    self._wait(IDLE_WAIT_MS / 1000, stop)
                    continue
                done = self._turn(stop, once)
                if done is None:
                    continue
                idle = 0 if done else idle + 1
                if done == 0:
                    if once and idle >= IDLE_TURNS:
                        return
                    if self._running is None or self._running.reception is None:
                        self._wait(IDLE_WAIT_MS / 1000, stop)
        finally:
            self._end()

    def _start_first(self, once: bool) -> None:
        try:
            self._running = self._start()
        except (ValueError, SlotTaken):
            raise
        except Exception:
            if once:
                raise
            self._pending = True  # the first turn tries again, and waits if it must

    def _turn(self, stop: Callable[[], bool], once: bool) -> int | None:
        """One turn; None if it failed and was waited for."""
        try:
            if self._running is None:
                self._running = self._start()
                self._status.restarts += not self._pending
                self._pending = False
            self._rewind()
            done = self._running.turn(lambda: self._stopping(stop))
            self._went_well(done)
            return done
        except SlotTaken:
            raise
        except Exception as error:
            trouble = trouble_of(error)
            name, said = self._status.connector, sayable(error)
            log.warning("connector.trouble", connector=name, kind=trouble.kind, error=trouble.words, said=said)
            self._be(trouble.state, trouble)
            if trouble.kind != "transient":
                if once:
                    raise Failed(trouble, sayable(error)) from None
                self._close()
            longest = LONGEST_PAUSE_S[trouble.kind]
            self._wait(self._pause_s * random.uniform(0.5, 1.0), stop)  # noqa: S311  so that many do not come back at once
            self._pause_s = min(self._pause_s * 2, longest)
            return None

    def _went_well(self, done: int) -> None:
        self._pause_s = FIRST_PAUSE_S
        waits = self._running is not None and self._running.waits
        if done == 0 and not waits:
            self._status.caught_up_ms = self._now()
        trouble = Trouble("transient", "the recipient's system is not ready") if waits else None
        self._be("waiting" if waits else "running", trouble)

    def _stopping(self, stop: Callable[[], bool]) -> bool:
        """Asked between two batches: a good place to tell how it goes."""
        self._beat()
        self._count()
        self._tell(self._status, False)
        return stop() or self._control.paused

    def _rewind(self) -> None:
        asked = self._control.rewind()
        if asked is not None and self._running is not None:
            self._running.rewind(asked.position)
            self._control.rewound()
            log.info("connector.rewound", connector=self._status.connector)

    def _be(self, state: Any, trouble: Trouble | None) -> None:
        self._count()
        self._status.state, self._status.trouble = state, trouble
        self._tell(self._status, False)

    def _count(self) -> None:
        """The counts of this start, on top of those of earlier ones."""
        running, status = self._running, self._status
        if running is None:
            return
        for counts, names in (
            (running.publication and running.publication.counts, PUBLISHED),
            (running.reception and running.reception.counts, RECEIVED),
            (running.housekeeping and running.housekeeping.counts, ("deleted",)),
        ):
            for name in names if counts else ():
                new = getattr(counts, name) - self._counted.get(name, 0)
                setattr(status, name, getattr(status, name) + new)
                self._counted[name] = getattr(counts, name)

    def _wait(self, pause_s: float, stop: Callable[[], bool]) -> None:
        left_s = pause_s
        while left_s > 0 and not stop():
            self._beat()
            self._sleep(min(LOOK_S, left_s))
            left_s -= LOOK_S

    def _beat(self) -> None:
        if self._running is not None:
            self._running.beat()

    def _close(self) -> None:
        running, self._running = self._running, None
        self._counted = {}
        if running is not None:
            try:
                running.close()
            except Exception as error:
                log.warning("connector.close", connector=self._status.connector, error=type(error).__name__)

    def _end(self) -> None:
        self._count()
        self._close()
        self._status.state = "stopped"
        self._tell(self._status, True)
