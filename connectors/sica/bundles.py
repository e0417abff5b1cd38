"""Bundles for SICA as files that wait to be taken over: one for each delivery, each delivery once.

    <alert>-<number>.json       `number` counts the alert's deliveries

An alert has the same object ids in every bundle, so a later one updates what SICA holds; what it no longer says, it revokes. A
withdrawal revokes everything that was ever said of the alert. An older bundle that still waits is taken away. A file appears
whole. Should the process end between its renaming and the memory of it, the same bytes are written again under the same name.
Whatever was delivered, no section about a person is written, and nothing whose label is narrower than SICA may be trusted with.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from connectors.formats.stix_markings import STRICTEST_FIRST
from connectors.formats.stix_write import Originator, Outgoing, StixRefused, bundle, withdrawal
from connectors.sdk import Delivery, Effect, Rejected, Transient
from connectors.sdk.effects import metadata, once, open_engine
from connectors.sdk.terms import Words
from hub.model.codes import Tlp
from hub.model.core import Core

from .memory import Sent, load, save
from .outgoing import left_out, outgoing

PART: Final = ".part"


class NoFolder(ValueError):
    """The folder in which the one for bundles would stand is not there."""


class BundleSink:
    """Deliveries become bundles."""

    def __init__(self, folder: Path, database: str, max_tlp: Tlp, words: Words) -> None:
        """Raises NoFolder, and ValueError for an address that is no database."""
        if not folder.parent.is_dir():
            raise NoFolder(f"{folder.parent.name}: no such folder, in which bundles would be put")
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._max_tlp = max_tlp
        self._words = words
        for part in folder.glob(f".*{PART}"):  # half-written when the process ended
            part.unlink(missing_ok=True)
        self._engine = open_engine(database)
        metadata.create_all(self._engine)

    def check(self) -> None:
        """Whether files may be put there. Raises OSError."""
        probe = self._folder / f".check{PART}"
        probe.touch()
        probe.unlink()

    def deliver(self, delivery: Delivery) -> Effect:
        try:
            return once(self._engine, delivery, time.time_ns() // 1_000_000, lambda db: self._take(db, delivery))
        except StixRefused as refused:
            raise Rejected("cannot-be-written") from refused
        except OSError as error:
            raise Transient(type(error).__name__) from None

    def close(self) -> None:
        self._engine.dispose()

    def _take(self, db: Connection, delivery: Delivery) -> Effect:
        record = delivery.record
        name = f"{record.alert}-{record.number:04d}"
        if record.kind not in ("release", "withdrawal"):
            return Effect(reference=name, reason=record.kind)  # SICA's own alerts: the kit's receipt tells it
        before = load(db, str(record.alert))
        if before is not None and before.number > record.number:
            return Effect(reference=name, reason="superseded")
        if record.kind == "withdrawal":
            return self._withdrawn(db, delivery, before, name)
        assert record.view is not None
        return self._released(db, delivery, record.view.core, before, name)

    def _released(self, db: Connection, delivery: Delivery, core: Core, before: Sent | None, name: str) -> Effect:
        if STRICTEST_FIRST.index(core.label.tlp) < STRICTEST_FIRST.index(self._max_tlp):
            raise Rejected("tlp-too-narrow")
        made = outgoing(delivery, core, _later(delivery, before), self._words)
        data = bundle(made)
        now = Sent(
            alert=made.alert,
            number=delivery.record.number,
            revision=made.revision,
            modified_ms=made.revised_ms,
            state="sent",
            originator=core.originator,
            label=core.label,
            releasable_to=delivery.record.obligation.onward_to if delivery.record.obligation else (),
            parts=tuple((part.key, part.type) for part in made.parts),
            links=tuple(_typed(made)),
        )
        if before is not None:
            now = replace(
                now,
                parts=tuple(dict.fromkeys((*now.parts, *before.parts))),
                links=tuple(dict.fromkeys((*now.links, *before.links))),
            )
            data = self._without_the_former(data, now, core)
        self._put(name, data)
        save(db, now, _ids(data))
        return Effect(reference=name, reason="sections-left-out" if left_out(delivery) else None)

    def _without_the_former(self, data: bytes, now: Sent, core: Core) -> bytes:
        """The bundle, with what earlier ones said and this one does not as revoked objects of the report."""
        found = json.loads(data)
        said = {each["id"] for each in found["objects"]}
        gone = [each for each in json.loads(self._revoking(now))["objects"] if each["id"] not in said]
        if not gone:
            return data
        report = found["objects"].pop()  # the last one, as it is written
        report["object_refs"] += [each["id"] for each in gone]
        found["objects"] += [*gone, report]
        return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()

    def _withdrawn(self, db: Connection, delivery: Delivery, before: Sent | None, name: str) -> Effect:
        if before is None:
            return Effect(reference=name, reason="never-sent")
        later = _later(delivery, before)
        now = replace(before, number=delivery.record.number, modified_ms=later, state="withdrawn")
        data = self._revoking(now)
        self._put(name, data)
        save(db, now, _ids(data))
        return Effect(reference=name)

    def _revoking(self, known: Sent) -> bytes:
        originator = Originator(known.originator, self._words.agency(known.originator, "es"))
        tlp = known.label.tlp
        return withdrawal(known.alert, known.revision, known.modified_ms, originator, tlp, known.parts, known.links)

    def _put(self, name: str, data: bytes) -> None:
        """The file appears whole, and stays after a power cut; an older one of the alert no longer waits."""
        target = self._folder / f"{name}.json"
        part = target.with_name(f".{target.name}{PART}")
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        alert = name.rpartition("-")[0]
        for older in self._folder.glob(f"{alert}-*.json"):
            if older.name != target.name:
                older.unlink(missing_ok=True)


def _later(delivery: Delivery, before: Sent | None) -> int:
    """The time of a new version: the decision's, but later than the version before, and not before the alert was made
    (by the time in its id, a UUIDv7): the clocks of two agencies may differ."""
    made_ms = delivery.alert.int >> 80
    return max(delivery.record.decided_ms, made_ms, before.modified_ms + 1 if before else 0)


def _typed(made: Outgoing) -> Any:
    kinds = {part.key: part.type for part in made.parts}
    return ((link, kinds[link.source], kinds[link.target]) for link in made.links)


def _ids(data: bytes) -> list[str]:
    """The ids of what was made of the alert; the agency and the marking are in every bundle."""
    return [each["id"] for each in json.loads(data)["objects"] if "external_references" in each]
