"""Following a topic of one partition between other work: all of it at first, then what is new, without waiting for it.

A consumer that raised is thrown away and made anew, from where it was. That the cluster is still there is asked for now and
then, since a poll that finds nothing does not say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from kafka.errors import KafkaError

from hub.bus import library
from hub.bus.bus import Indefinite, Record, TopicPartition
from hub.bus.fetch import walk
from hub.bus.limits import FETCH_BYTES, Limits
from hub.bus.restore import read_table
from hub.bus.settings import Connection

LOOK_EVERY_S: Final = 0.02  # a look takes a millisecond: not one for each small transaction
RETRY_EVERY_S: Final = 2.0  # opening may take as long as FOLLOWING says, and the loop waits meanwhile
ASK_EVERY_S: Final = 5.0  # whether the cluster is there
SILENT_MS: Final = 60_000  # how long it may be away
AT_ONCE: Final = 1_000  # records
# Short, as the loop of a router waits meanwhile.
FOLLOWING: Final = Limits(request_ms=1_500, delivery_ms=2_000, wait_ms=2_500)
_CLOSE_MS: Final = 500


class Follower:
    """New committed records of a partition, each once, in order. Used by one thread."""

    def __init__(
        self,
        connection: Connection,
        at: TopicPartition,
        *,
        limits: Limits = FOLLOWING,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is opened before the first look()."""
        self._connection = connection
        self._at = at
        self._limits = limits
        self._clock_s = clock_s
        self._next: int | None = None
        self._consumer: library.Consumer | None = None
        self._looked_s = self._asked_s = self._heard_s = clock_s()

    def look(self) -> Sequence[Record]:
        """What is new; the first time all that there is, read whole.

        Raises Indefinite if the topic cannot be read: the first time at once, later only after a minute without the
        cluster (until then it is tried again by the next look).
        """
        if self._next is None:
            return self._whole()
        if self._clock_s() - self._looked_s < LOOK_EVERY_S:
            return ()
        self._looked_s = self._clock_s()
        try:
            return self._new()
        except Exception as error:  # whatever the library raises: a consumer that raised is never polled again
            self.close()
            self._looked_s = self._clock_s() + RETRY_EVERY_S
            if self._clock_s() - self._heard_s > SILENT_MS / 1000:
                reason = f"{self._at.topic} cannot be read for over {SILENT_MS // 1000} s: {type(error).__name__}"
                raise Indefinite(reason) from error
            return ()

    def close(self) -> None:
        """Idempotent; a later look() opens it again."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            library.end_consumer(consumer, _CLOSE_MS)

    def _whole(self) -> Sequence[Record]:
        try:
            found = [record for _, record in read_table(self._connection, [self._at], Limits())]
            self._next = found[-1].offset + 1 if found else 0
            self._opened()
        except KafkaError as error:
            self._next = None
            self.close()
            raise Indefinite(f"{self._at.topic}: {type(error).__name__}") from error
        self._heard_s = self._clock_s()
        return found

    def _new(self) -> Sequence[Record]:
        consumer = self._consumer or self._opened()
        found: list[Record] = [record for records in consumer.poll(0, AT_ONCE).values() for record in records]
        now_s = self._clock_s()
        if found:
            self._next = found[-1].offset + 1
            self._heard_s = now_s
        elif now_s - self._asked_s > ASK_EVERY_S:
            self._asked_s = now_s
            library.last_offsets(consumer, [library.partition(self._at)], self._limits.request_ms)
            self._heard_s = now_s
        return found

    def _opened(self) -> library.Consumer:
        consumer = library.open_consumer(
            self._connection, self._limits, group_id=None, max_partition_fetch_bytes=FETCH_BYTES
        )
        library.walk_with(consumer, walk(False))
        self._consumer = consumer
        consumer.assign([library.partition(self._at)])
        consumer.seek(library.partition(self._at), self._next or 0)
        return consumer
