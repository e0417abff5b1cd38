"""A source's records published exactly once: alerts, the keys they were made under and the position in one transaction.

After a crash, or when an outcome is unknown, the connector's own topic is read again and tells what was committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from hub.bus.bus import Indefinite, Outgoing, Publisher, lane
from hub.model.avro import LOCAL_IDS, SchemaIds, decode_as, encode, frame, unframe
from hub.model.base import Model, new_alert_id
from hub.model.compose import DAY_MS, VALID_MAX_MS, cancel
from hub.model.core import Alert as ComposedAlert
from hub.model.core import Label
from hub.model.receipt import NativeKey, SourcePosition

from .convert import Proposed, composed, content_mark, native_key, proposals, set_aside
from .kinds import Alert, BadNative, BadRecord, Cancel, Gap, Listed, Read, Source
from .renewal import RENEWED_AT_ONCE, Renewals

log = structlog.get_logger()

NATIVE: Final = b"native/"
POSITION: Final = b"position"
Item = Read[Any] | BadRecord | Listed
BATCH_RECORDS: Final = 500
# An alert that has ended goes on for so long if its record comes again; later it is another alert. Well before the hub can have
# forgotten the first one (90 days after its end), after which its deliveries would be counted from one again.
SAME_ALERT_MS: Final = 60 * DAY_MS


@dataclass
class Published:
    """What a connector's own topic says: how far its source was published, and which alert each native record became."""

    position: str | None = None
    records: int = 0
    natives: dict[bytes, NativeKey] = field(default_factory=dict)


@dataclass
class Counts:
    """What one run did, in records of the input and in alerts."""

    read: int = 0
    published: int = 0
    renewed: int = 0  # of those published: said anew before their end
    unchanged: int = 0
    cancelled: int = 0
    no_hit: int = 0
    set_aside: int = 0


@dataclass(frozen=True)
class Identity:
    """Who publishes: the agency, the connector, its key, and the cluster's number of partitions."""

    agency: str
    connector: str
    key: bytes
    partitions: int
    ids: SchemaIds = LOCAL_IDS

    @property
    def state_topic(self) -> str:
        return f"connectors.{self.agency}"

    def record(self, topic: str, partition: int, key: bytes, value: Model) -> Outgoing:
        """A record framed with the schema of its model."""
        schema = self.ids.by_name[type(value).__name__]
        return Outgoing(topic, partition, key, frame(schema, encode(value)))


class Publication:
    """Reads a source and publishes what it says, batch by batch."""

    def __init__(
        self,
        source: Source[Any],
        identity: Identity,
        open_publisher: Callable[[], Publisher],
        now_ms: Callable[[], int],
        set_aside: Callable[[BadRecord], None],
        batch_records: int | None = None,
    ) -> None:
        self._source = source
        self._identity = identity
        self._open = open_publisher
        self._now_ms = now_ms
        self._set_aside = set_aside
        self._batch_records = batch_records or BATCH_RECORDS
        self._publisher: Publisher | None = None
        self._published = Published()
        self._standing: Callable[[], Iterator[Item]] | None = getattr(source, "standing", None)
        self._renewals = Renewals(asked=self._standing is not None)
        self.counts = Counts()

    def run(self, stop: Callable[[], bool] = lambda: False) -> Counts:
        """Publishes all that the source has for now, or until `stop`. Raises what the bus raises, except Indefinite,
        after which it learns from the bus what took effect and goes on."""
        while not stop():
            try:
                self._resume()
                if not self._publish_all(stop):
                    self._renew_all(stop)
                    break
            except Indefinite as unknown:
                log.warning("publish.indefinite", connector=self._identity.connector, reason=str(unknown))
                self.close()
        return self.counts

    def close(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher.close()

    def _resume(self) -> None:
        if self._publisher is None:
            self._publisher = self._open()
            self._published = self._restored(self._publisher)

    def _restored(self, publisher: Publisher) -> Published:
        published = Published()
        mine = self._identity.connector.encode() + b"/"
        for _, record in publisher.table(self._identity.state_topic):
            if record.key is None or not record.key.startswith(mine):
                continue
            key = record.key[len(mine) :]
            if key == POSITION and record.value is not None:
                position = decode_as(SourcePosition, unframe(record.value)[1])
                published.position, published.records = position.position, position.records
            elif key.startswith(NATIVE):
                if record.value is None:
                    published.natives.pop(key, None)
                else:
                    published.natives[key] = decode_as(NativeKey, unframe(record.value)[1])
        return published

    def _publish_all(self, stop: Callable[[], bool]) -> bool:
        """True if it stopped before the source was exhausted."""
        if self._published.position is not None:
            self._source.settled(self._published.position)
        after = self._published.position
        for batch in _batched(self._dense(self._source.read(after), after), self._batch_records):
            self._publish(batch)
            if stop():
                return True
        return False

    def _dense(self, items: Iterable[Item], before: str | None) -> Iterator[Item]:
        """The items; raises Gap if the source says that one of its positions does not follow the one before."""
        follows: Callable[[str | None, str], bool] | None = getattr(self._source, "follows", None)
        for item in items:
            if follows is not None and item.position is not None:
                if not follows(before, item.position):
                    raise Gap("a position of the source does not follow the one before it")
                before = item.position
            yield item

    def rewind(self, position: str | None) -> None:
        """Sets the source's position, None for its beginning. What was published before is known by its key: a repeat is
        nothing. Raises what the bus raises."""
        self._resume()
        assert self._publisher is not None
        if position is None:
            key = self._identity.connector.encode() + b"/" + POSITION
            self._publisher.publish([Outgoing(self._identity.state_topic, 0, key, None)])
        else:
            value = SourcePosition(source="main", position=position, records=self._published.records)
            self._publisher.publish([self._state(POSITION, value)])
        self._published.position = position

    def _publish(self, batch: list[Item]) -> None:
        position = next((item.position for item in reversed(batch) if item.position is not None), None)
        counts, staged = Counts(**vars(self.counts)), dict[bytes, NativeKey]()
        records: list[Outgoing] = []
        bad: list[BadRecord] = []
        for item in batch:
            if isinstance(item, Listed):
                records += self._disappeared(item, staged, counts, bad)
                continue
            found = item if isinstance(item, BadRecord) else proposals(self._source, item)
            if isinstance(found, BadRecord):
                bad.append(found)
                counts.set_aside += found.level == "bad"
                continue
            assert isinstance(item, Read)
            counts.read += item.records
            counts.no_hit += not found.alerts and item.records > 0
            bad += found.notes
            for proposed in found.alerts:
                try:
                    records += self._records_of(proposed, staged, counts)
                except BadNative as unsaid:
                    bad.append(set_aside(item, unsaid))
                    counts.set_aside += 1
        for found in bad:  # before the position moves on: told twice after a crash, rather than never
            self._set_aside(found)
        if position is not None:
            total = self._published.records + sum(item.records for item in batch if isinstance(item, Read))
            records.append(self._state(POSITION, SourcePosition(source="main", position=position, records=total)))
        if records:
            assert self._publisher is not None
            self._publisher.publish(records)
            self._published.natives |= staged
            self._published.records = total if position is not None else self._published.records
            self._published.position = position or self._published.position
        self.counts = counts
        if position is not None:
            self._source.settled(position)

    def _records_of(self, proposed: Alert | Cancel, staged: dict[bytes, NativeKey], counts: Counts) -> list[Outgoing]:
        key = NATIVE + native_key(self._identity.key, proposed.key)
        now_ms = self._now_ms()
        known = staged.get(key) or self._published.natives.get(key)
        if isinstance(proposed, Cancel):
            return self._cancel(key, known, staged, counts)
        mark = content_mark(self._identity.key, proposed)
        self._renewals.saw(key, proposed)
        # A repeat is nothing while the alert lives; once it has expired, the same record is news again.
        if known and known.content == mark and not known.cancelled and known.valid_until_ms > now_ms:
            if not self._renewals.is_due(key, known, now_ms):
                counts.unchanged += 1
                return []
            counts.renewed += 1
        made = self._said_on(key, known, proposed, mark, staged, counts)
        counts.published += 1
        return made

    def _renew_all(self, stop: Callable[[], bool]) -> None:
        """Lasting alerts that are near their end, said anew from the records that the source has now. What it does not
        have any more, or cannot be said, is left to end. The position stays; a crash leaves the rest to the next look."""
        now_ms, before = self._now_ms(), self.counts.renewed
        if self._standing is None or not self._renewals.must_look(self._published.natives, now_ms):
            return
        met: set[bytes] = set()
        unsaid = 0
        for batch in _batched(self._standing(), self._batch_records):
            unsaid += self._renew(batch, met)
            if stop():
                return
            if self.counts.renewed - before >= RENEWED_AT_ONCE:
                break
        else:
            self._renewals.end(self._published.natives.keys() - met)
        self._renewals.looked(now_ms)
        renewed = self.counts.renewed - before
        log.info("publish.renewed", connector=self._identity.connector, renewed=renewed, unsaid=unsaid)

    def _renew(self, batch: list[Item], met: set[bytes]) -> int:
        """Publishes what of a batch is due, and adds all its keys to `met`; how many records cannot be said. Those were
        set aside when they were read."""
        counts, staged = Counts(**vars(self.counts)), dict[bytes, NativeKey]()
        records: list[Outgoing] = []
        now_ms, unsaid = self._now_ms(), 0
        for item in batch:
            found = proposals(self._source, item) if isinstance(item, Read) else None
            if not isinstance(found, Proposed):
                unsaid += 1
                continue
            for proposed in found.alerts:
                if isinstance(proposed, Cancel):  # made when its record is read
                    continue
                key = NATIVE + native_key(self._identity.key, proposed.key)
                known = staged.get(key) or self._published.natives.get(key)
                self._renewals.saw(key, proposed)
                met.add(key)
                if known is None or not self._renewals.is_due(key, known, now_ms):
                    continue
                try:
                    mark = content_mark(self._identity.key, proposed)
                    records += self._said_on(key, known, proposed, mark, staged, counts)
                except BadNative:
                    unsaid += 1
                    continue
                counts.published += 1
                counts.renewed += 1
        if records:
            assert self._publisher is not None
            self._publisher.publish(records)
            self._published.natives |= staged
        self.counts = counts
        return unsaid

    def _said_on(
        self,
        key: bytes,
        known: NativeKey | None,
        proposed: Alert,
        mark: bytes,
        staged: dict[bytes, NativeKey],
        counts: Counts,
    ) -> list[Outgoing]:
        """What a record says, as the next revision of its alert; of another one if that ended long ago. The old one is
        cancelled then: copies of it may still be held, and nobody could call them back any more. Raises BadNative."""
        if known is None or self._now_ms() < known.valid_until_ms + SAME_ALERT_MS:
            return self._said(key, known, proposed, mark, staged)
        said: dict[bytes, NativeKey] = {}
        made = self._said(key, None, proposed, mark, said)
        ended = self._cancel(key, known, staged, counts)
        staged.update(said)
        return ended + made

    def _said(
        self, key: bytes, known: NativeKey | None, proposed: Alert, mark: bytes, staged: dict[bytes, NativeKey]
    ) -> list[Outgoing]:
        """What a record says, as the first or next revision of its alert. Raises BadNative."""
        alert = composed(
            proposed,
            agency=self._identity.agency,
            alert_id=known.alert if known else new_alert_id(),
            revision=known.revision + 1 if known else 1,
            now_ms=self._now_ms(),
            key=self._identity.key,
        )
        return self._both(key, alert, mark, staged)

    def _disappeared(
        self, listed: Listed, staged: dict[bytes, NativeKey], counts: Counts, bad: list[BadRecord]
    ) -> list[Outgoing]:
        """Cancels of what a full listing does not have any more. More than fit into one transaction go ahead of it:
        should it fail, the listing is read again and they are known to be cancelled."""
        if not listed.keys:
            reason = "the listing is empty: nothing was withdrawn"
            bad.append(BadRecord(listed.file, reason, code="empty-listing", level="warning"))
            return []
        there = {NATIVE + native_key(self._identity.key, key) for key in listed.keys}
        everything = {**self._published.natives, **staged}
        gone = [key for key, each in everything.items() if key not in there and not each.cancelled]
        records: list[Outgoing] = []
        for key in gone:
            records += self._cancel(key, everything[key], staged, counts)
            if len(records) >= 2 * BATCH_RECORDS:
                assert self._publisher is not None
                self._publisher.publish(records)
                self._published.natives |= staged
                records = []
                staged.clear()
        return records

    def _cancel(
        self, key: bytes, known: NativeKey | None, staged: dict[bytes, NativeKey], counts: Counts
    ) -> list[Outgoing]:
        if known is None or known.cancelled:
            return []
        now_ms = self._now_ms()
        alert = cancel(
            Label.model_validate({"class": known.alert_class, "purposes": known.purposes}),
            originator=self._identity.agency,
            alert_id=known.alert,
            revision=known.revision + 1,
            now_ms=now_ms,
            valid_until_ms=min(known.valid_until_ms, now_ms + VALID_MAX_MS),
        )
        counts.cancelled += 1
        return self._both(key, alert, known.content, staged)

    def _both(self, key: bytes, alert: ComposedAlert, mark: bytes, staged: dict[bytes, NativeKey]) -> list[Outgoing]:
        """The alert, and the memory of it."""
        core = alert.core
        staged[key] = NativeKey(
            alert=core.id,
            revision=core.revision,
            content=mark,
            cancelled=core.kind == "cancel",
            valid_until_ms=core.valid_until_ms,
            alert_class=core.label.class_,
            purposes=core.label.purposes,
        )
        return [self.alert_record(alert), self._state(key, staged[key])]

    def alert_record(self, alert: ComposedAlert) -> Outgoing:
        """The alert on its agency's topic, in its lane."""
        identifier = alert.core.id.bytes
        place = lane(identifier, self._identity.partitions)
        return self._identity.record(f"alerts.{self._identity.agency}", place, identifier, alert)

    def _state(self, key: bytes, value: Model) -> Outgoing:
        full = self._identity.connector.encode() + b"/" + key
        return self._identity.record(self._identity.state_topic, 0, full, value)


def _batched(items: Iterable[Item], records: int) -> Iterator[list[Item]]:
    """Batches of about so many input records: one read may stand for a whole passenger list."""
    batch: list[Item] = []
    size = 0
    for item in items:
        if isinstance(item, Listed):  # alone: what is before it is known when it is looked at
            if batch:
                yield batch
            yield [item]
            batch, size = [], 0
            continue
        batch.append(item)
        size += item.records if isinstance(item, Read) else 1
        if size >= records or (isinstance(item, Read) and item.settle):
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
