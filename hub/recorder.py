"""The recording process: what stands on the topics becomes SQL, each record once, in one transaction with the positions.

A batch is read, taken in (readmodel/taking.py) and written (readmodel/writing.py). Positions are rows changed by
compare-and-set in that transaction (KAFKA.md, rule 19), so that two recorders cannot both go on, and a crash anywhere loses and
doubles nothing. This file owns the clock, the loop, and the watch over gaps in the chain of positions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Engine, delete
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from hub.bus.bus import Record, TopicPartition
from hub.bus.topics import CONNECTORS, DECISIONS, GUIDELINES, QUARANTINE
from hub.guidelines.rulebook import Rulebook
from hub.model.avro import LOCAL_IDS, SchemaIds
from hub.readmodel.chain import Piece, Place
from hub.readmodel.database import writing
from hub.readmodel.reading import Reading, ReadingFailed
from hub.readmodel.tables import DERIVED
from hub.readmodel.taking import Taken, Taking
from hub.readmodel.writing import AnotherRecorder, Moved, Writing, positions, stored_chain

log = structlog.get_logger()

BATCH_RECORDS: Final = 10_000
WAIT_MS: Final = 300
LOOK_S: Final = 10.0  # between two looks for new topics
IDLE_S: Final = 1.0  # between two looks at positions and gaps
FAILURES: Final = 3  # of one record, before it is left out
LONGEST_PAUSE_S: Final = 5.0

__all__ = ["AnotherRecorder", "Progress", "Recorder", "empty", "run"]


class Progress(NamedTuple):
    """How far the recorder is: offsets recorded, and in all, over the partitions that it reads."""

    done: int
    total: int


class Recorder:
    """Records batch by batch. After any exception of step() but AnotherRecorder, open() again and go on."""

    def __init__(
        self,
        reading: Callable[[], Reading],
        engine: Engine,
        *,
        ids: SchemaIds = LOCAL_IDS,
        keys_of_first: frozenset[bytes] = frozenset(),
        batch_records: int = BATCH_RECORDS,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`reading` opens the topics, anew after each failure. `keys_of_first`: as a router's (cli/rules.py)."""
        self._open_reading = reading
        self._engine = engine
        self._ids = ids
        self._keys = keys_of_first
        self._limit = batch_records
        self._most = batch_records
        self._clock_s = clock_s
        self._reading: Reading | None = None
        self._positions: dict[TopicPartition, int | None] = {}  # as the rows say
        self._reached: dict[TopicPartition, int] = {}
        self._gaps: dict[Place, list[Piece]] = {}
        self._alarmed: set[tuple[Place, Piece]] = set()
        self._idled_s = -IDLE_S
        self._unfit: set[tuple[TopicPartition, int]] = set()
        self._stopped: dict[TopicPartition, int] = {}  # partitions that could not be read, how often
        self.recorded = 0
        self.caught_up = False  # whether the last look, when nothing came, found nothing left to read

    def open(self) -> None:
        """Begins where the rows say. Raises ReadingFailed and SQLAlchemy's errors."""
        self.close()
        with self._engine.connect() as connection:
            self._positions = dict(positions(connection))
            self._writing = Writing(stored_chain(connection))
        self._taking = Taking(self._ids, Rulebook(self._keys, self._ids))
        self._fresh = not self._positions
        self._reached = {}
        self._reading = self._open_reading()
        self._look()

    def close(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.close()

    def step(self, wait_ms: int = WAIT_MS) -> int:
        """One batch, if there is one; how many records it had. Raises AnotherRecorder, ReadingFailed, and SQLAlchemy's
        errors: nothing of the batch is recorded then."""
        reading = self._opened()
        if self._clock_s() - self._looked_s > LOOK_S:
            self._look()
        found = reading.poll(self._limit, wait_ms)
        try:
            count = self._record(found)
        except (DataError, IntegrityError):
            self._shrink(found)
            raise
        if not count:
            self._idle()
        self._limit = min(self._most, self._limit * 2)
        return count

    @property
    def stopped(self) -> frozenset[TopicPartition]:
        """Partitions that cannot be read on: the others go on."""
        return frozenset(at for at, times in self._stopped.items() if times >= FAILURES)

    def failed(self, error: ReadingFailed) -> None:
        """Notes a failure; a partition that fails again and again is not read any more until the process ends."""
        if error.at is None:
            return
        self._stopped[error.at] = self._stopped.get(error.at, 0) + 1
        if self._stopped[error.at] == FAILURES:
            taken = Taken()
            taken.alarm(
                "unreadable", error.at.topic, error.at.partition, error.offset, "the partition cannot be read on"
            )
            with writing(self._engine) as connection:
                Writing(stored_chain(connection)).write(connection, taken, [])

    def progress(self) -> Progress:
        """How much of what stands on the topics now is recorded."""
        reading = self._opened()
        first, ends = reading.spans(sorted(self._reached))
        done = sum(max(0, min(self._reached[at], end) - first[at]) for at, end in ends.items())
        return Progress(done, sum(end - first[at] for at, end in ends.items()))

    def _opened(self) -> Reading:
        if self._reading is None:
            self.open()
        assert self._reading is not None
        return self._reading

    def _look(self) -> None:
        """Takes in partitions that are new, each from where it was left; the rules are read whole at every start."""
        assert self._reading is not None
        self._looked_s = self._clock_s()
        there = self._reading.places() - self.stopped
        new = sorted(there - self._reached.keys())
        if not new:
            return
        first, _ = self._reading.spans(new)
        taken = Taken()
        for at in new:
            kept = self._positions.setdefault(at, None)
            begin = 0 if kept is None or at.topic == GUIDELINES else kept
            if kept is not None and first[at] > kept and not at.topic.startswith((GUIDELINES, CONNECTORS)):
                taken.alarm(
                    "gap", at.topic, at.partition, first[at], f"the log begins after {kept}, the next to be read"
                )
            self._reached[at] = max(begin, first[at])
        self._reading.start(self._reached)
        begun = [Moved(at, None, self._reached[at]) for at in new if self._positions[at] is None]
        self._write(taken, begun)

    def _record(self, found: Mapping[TopicPartition, Sequence[Record]]) -> int:
        assert self._reading is not None
        taken = Taken()
        for at in sorted(found, key=_order):
            fit = [record for record in found[at] if (at, record.offset) not in self._unfit]
            self._taking.take(taken, at, fit)
            for record in found[at][: len(found[at]) - len(fit)]:
                taken.alarm("unreadable", at.topic, at.partition, record.offset, "it cannot be written")
        count = sum(map(len, found.values()))
        if count:
            after = {
                at: max(self._reading.position(at) or 0, records[-1].offset + 1)
                for at, records in found.items()
                if records
            }
            self._write(taken, self._moved(after))
            self._reached.update(after)
            self.recorded += count
        return count

    def _moved(self, after: Mapping[TopicPartition, int]) -> list[Moved]:
        """The rules are read again at every start: their position never goes back."""
        return [
            Moved(at, before, offset)
            for at, offset in sorted(after.items())
            if (before := self._positions.get(at)) is None or offset > before
        ]

    def _write(self, taken: Taken, moved: Sequence[Moved]) -> None:
        with writing(self._engine) as connection:
            self._writing.write(connection, taken, moved)
        self._writing.saved()
        for each in moved:
            self._positions[each.at] = each.after
        for (kind, topic, partition, offset), detail in taken.alarms.items():
            log.error("recorder.alarm", kind=kind, topic=topic, partition=partition, offset=offset, detail=detail)

    def _idle(self) -> None:
        """Nothing came: positions go on over markers, and once all is read, gaps in the chain are looked at."""
        assert self._reading is not None
        if self._clock_s() - self._idled_s < IDLE_S:
            return
        self._idled_s = self._clock_s()
        _, ends = self._reading.spans(sorted(self._reached))
        after = {at: position for at in self._reached if (position := self._reading.position(at)) is not None}
        moved = self._moved({at: offset for at, offset in after.items() if offset > self._reached[at]})
        taken = Taken()
        self.caught_up = all(after.get(at, 0) >= end for at, end in ends.items())
        if self.caught_up:
            self._watch(taken)
        if moved or taken.alarms:
            self._write(taken, moved)
        self._reached.update({each.at: each.after for each in moved})

    def _watch(self, taken: Taken) -> None:
        """A gap that was there at the last time that all was read, and still is, is a break: nobody decided what stood
        there, or what he wrote is lost. What retention took before a fresh start is no break."""
        gaps = self._writing.chain.gaps()
        if self._fresh:
            self._fresh = False
            for place in self._forgotten(gaps):
                log.warning("recorder.forgotten", topic=place.topic, partition=place.partition)
                self._writing.chain.forgive(place)
                gaps.pop(place)
        for place, found in gaps.items():
            for gap in found:
                if gap in self._gaps.get(place, ()) and (place, gap) not in self._alarmed:
                    self._alarmed.add((place, gap))
                    detail = f"nothing is known of what stood after {gap.previous}"
                    taken.alarm("break", place.topic, place.partition, gap.last, detail)
        self._gaps = gaps

    def _forgotten(self, gaps: Mapping[Place, object]) -> list[Place]:
        """Of these, the partitions whose records are accounted for in lanes that are not kept from their beginning."""
        assert self._reading is not None
        lanes = sorted(at for at in self._reached if at.topic in (DECISIONS, QUARANTINE))
        first, _ = self._reading.spans(lanes)
        cut = {at.partition for at, offset in first.items() if offset > 0}
        return [place for place in gaps if place.partition in cut]

    def _shrink(self, found: Mapping[TopicPartition, Sequence[Record]]) -> None:
        """The database refuses something of this batch: it is halved until one record is left, which is left out."""
        count = sum(map(len, found.values()))
        self._limit = max(1, count // 2)
        if count == 1:
            ((at, (record,)),) = [(at, records) for at, records in found.items() if records]
            self._unfit.add((at, record.offset))


def _order(at: TopicPartition) -> tuple[int, TopicPartition]:
    """Decisions before what follows from them: not needed, but it saves look-ups."""
    return (0 if at.topic == DECISIONS else 1), at


def empty(engine: Engine) -> None:
    """Drops everything that stands on the topics; samples and the audit log stay."""
    with writing(engine) as connection:
        for table in DERIVED:
            connection.execute(delete(table))


def run(recorder: Recorder, stop: Callable[[], bool], turn: Callable[[], None] = lambda: None) -> None:
    """Records until `stop`; `turn` is called between batches. Raises AnotherRecorder. Whatever else fails is tried again from
    the rows, a little later each time."""
    pause_s = 0.1
    while not stop():
        try:
            recorder.step()
            turn()
            pause_s = 0.1
        except ReadingFailed as error:
            log.warning("recorder.reading", reason=str(error))
            _failed(recorder, error)
        except (OperationalError, DataError, IntegrityError) as error:
            log.warning("recorder.database", reason=type(error).__name__)
            recorder.close()
        else:
            continue
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def _failed(recorder: Recorder, error: ReadingFailed) -> None:
    recorder.close()
    try:
        recorder.failed(error)
    except OperationalError:
        log.warning("recorder.database", reason="the alarm was not recorded")
