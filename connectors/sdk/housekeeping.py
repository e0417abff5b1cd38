"""What a sink may not keep longer is deleted though nothing is delivered, and the hub is told: one receipt for each copy.

The sink deletes and notes the receipt that it owes in one local transaction; the note goes when the receipt is on the bus.
Ended in between, the same receipt is sent again: the recorder takes the last one of a delivery, so a repeat changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from hub.bus.bus import BusError, Outgoing, Publisher, lane
from hub.model.receipt import Receipt

from .kinds import Deletion, Sink
from .publish import Identity

log = structlog.get_logger()

EVERY_MS: Final = 600_000  # from one look for what must go to the next


@dataclass
class Counts:
    deleted: int = 0


class Housekeeping:
    """Asks a sink now and then to delete what must go; nothing, for a sink without `housekeeping`."""

    def __init__(
        self, sink: Sink, identity: Identity, open_publisher: Callable[[], Publisher], now_ms: Callable[[], int]
    ) -> None:
        self._delete = getattr(sink, "housekeeping", None)
        self._receipted = getattr(sink, "receipted", None)
        self._identity = identity
        self._open = open_publisher
        self._now_ms = now_ms
        self._publisher: Publisher | None = None
        self._next_ms = 0
        self.counts = Counts()

    def turn(self) -> int:
        """Does what is due, some hundreds of copies at a time; how many. Raises what the sink and the bus raise."""
        now_ms = self._now_ms()
        if self._delete is None or self._receipted is None or now_ms < self._next_ms:
            return 0
        deletions: list[Deletion] = list(self._delete(now_ms))
        if not deletions:
            self._next_ms = now_ms + EVERY_MS
            return 0
        try:
            if self._publisher is None:
                self._publisher = self._open()
            self._publisher.publish([self._receipt(each) for each in deletions])
        except BusError:
            self.close()
            raise
        self._receipted(deletions)
        self.counts.deleted += len(deletions)
        log.info("housekeeping.deleted", connector=self._identity.connector, copies=len(deletions))
        return len(deletions)

    def close(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher.close()

    def _receipt(self, deletion: Deletion) -> Outgoing:
        agency, alert = self._identity.agency, deletion.alert.bytes
        receipt = Receipt(
            delivery=deletion.delivery,
            alert=alert,
            recipient=agency,
            state="deleted",
            at_ms=deletion.at_ms,
            reason=deletion.reason,
        )
        return self._identity.record(f"receipts.{agency}", lane(alert, self._identity.partitions), alert, receipt)
