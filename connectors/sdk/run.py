"""One connector as a process: its source published, its deliveries taken in, its health told, until it is stopped."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from hub.bus.bus import BusError, Indefinite, SlotTaken
from hub.bus.kafka import KafkaBus, KafkaPublisher
from hub.bus.settings import Connection
from hub.model.avro import LOCAL_IDS, SchemaIds

from .deliver import Reception
from .kinds import BadRecord, Connector, Options
from .publish import Identity, Publication

log = structlog.get_logger()

IDLE_WAIT_MS: Final = 500
IDLE_TURNS: Final = 4  # without anything to do, until `once` is over: the first turns join the group


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
    """Where a connector runs: which cluster, which folder for its key and for what it set aside."""

    connection: Connection
    folder: Path
    partitions: int
    ids: SchemaIds = LOCAL_IDS
    agency: str | None = None


class Running:
    """A connector at work. `turn()` does what there is to do now; the caller decides how long to go on."""

    def __init__(self, connector: Connector[Any], options: Options, place: Place) -> None:
        agency = place.agency or connector.agency
        self.name = f"{agency}-{connector.name}"
        identity = Identity(agency, connector.name, local_key(place.folder), place.partitions, place.ids)
        self._set_aside_file = place.folder / "set-aside.jsonl"
        self.publication = (
            Publication(
                connector.source(options),
                identity,
                lambda: KafkaPublisher(place.connection, name=f"publish-{self.name}"),
                now_ms,
                self._set_aside,
            )
            if connector.source
            else None
        )
        self.reception = None
        if connector.sink:
            topics = [f"deliveries.{agency}"]
            bus = KafkaBus(place.connection, group=f"deliver-{self.name}", slot="deliver-0", topics=topics)
            self.reception = Reception(connector.sink(options), identity, bus, now_ms, beat=bus.beat)

    def turn(self, stop: Callable[[], bool]) -> int:
        """Publishes what the source has, takes what was delivered; how many records there were."""
        done = 0
        if self.publication:
            before = self.publication.counts.read
            done += self.publication.run(stop).read - before
        if self.reception:
            done += self.reception.step(IDLE_WAIT_MS)
        return done

    def close(self) -> None:
        if self.publication:
            self.publication.close()
        if self.reception:
            self.reception.close()

    def _set_aside(self, bad: BadRecord) -> None:
        """Keeps where and why, for the agency's own staff; the record itself stays in the agency's file or system."""
        log.warning("connector.set-aside", connector=self.name, line=bad.line, segment=bad.segment, field=bad.field)
        with self._set_aside_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(bad.report(), ensure_ascii=False) + "\n")


def run(running: Running, stop: Callable[[], bool], once: bool = False) -> None:
    """Goes on until `stop`; after a failure of the bus it waits, a little longer each time, and goes on.

    With `once` it ends as soon as there is nothing to do. Raises SlotTaken: another process runs this connector.
    """
    pause_s = 0.5
    idle = 0
    try:
        while not stop():
            try:
                done = running.turn(stop)
                pause_s = 0.5
            except SlotTaken:
                raise
            except (BusError, Indefinite) as error:
                log.warning("connector.bus", connector=running.name, error=str(error))
                time.sleep(pause_s)
                pause_s = min(pause_s * 2, 30.0)
                continue
            idle = 0 if done else idle + 1
            if not done:
                if once and idle >= IDLE_TURNS:
                    return
                if running.reception is None:
                    time.sleep(IDLE_WAIT_MS / 1000)
    finally:
        running.close()
