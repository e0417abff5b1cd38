"""What is in force: a router's side of the topic `guidelines`. It follows the topic, takes what is valid, reports what is not.

What the records add up to is guidelines/rulebook.py's. A router takes the rules between two transactions, from `rules()`,
which does not wait. While nothing was ever published, a local profile may stand in if the setting says so; it never stands
in for a publication that was refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import structlog

from hub.bus.bus import Indefinite, Record, TopicPartition
from hub.bus.topics import GUIDELINES
from hub.guidelines.approval import NotApproved
from hub.guidelines.bundle import Bundle
from hub.guidelines.holds import DELIVERIES, EVERYTHING, INTAKE, NotAHold, agencies
from hub.guidelines.rulebook import Rulebook, Stray
from hub.model.avro import LOCAL_IDS, SchemaIds
from hub.model.publication import HoldOrder, Publication
from hub.routing.state import EVERYBODY

log = structlog.get_logger()

PLACE: Final = TopicPartition(GUIDELINES, 0)


class Feed(Protocol):
    """The topic `guidelines`, read-committed: all of it at first, then what is new."""

    def look(self) -> Sequence[Record]:
        """Does not wait, but the first time. Raises Indefinite if the topic cannot be read (any more)."""


class Rules(NamedTuple):
    """What one transaction is decided under. `held`: agencies whose deliveries wait (EVERYBODY: all of them); `closed`:
    agencies whose intake is held."""

    bundle: Bundle
    held: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()


def waiting(scopes: frozenset[str]) -> frozenset[str]:
    """Whose deliveries wait while these scopes are held, as routing has it."""
    return agencies(scopes, DELIVERIES) | ({EVERYBODY} if EVERYTHING in scopes else frozenset())


class NothingInForce(Indefinite):
    """No bundle is in force, and no local profile may stand in: nothing is routed until one is published."""


class InForce:
    """The rules as of now. `refused`: how many records were refused since the start, by reason."""

    def __init__(
        self,
        feed: Feed,
        keys_of_first: frozenset[bytes],
        *,
        unpublished: Bundle | None = None,
        ids: SchemaIds = LOCAL_IDS,
    ) -> None:
        """`unpublished`: the local profile that is used for as long as no bundle was published."""
        self._feed = feed
        self._book = Rulebook(keys_of_first, ids)
        self._unpublished = unpublished
        self._using: str | None = None
        self._rules: Rules | None = None
        self.refused: Counter[str] = Counter()

    def rules(self) -> Rules:
        """The bundle in force and the holds, as far as the topic could be read by now. The first call reads all of it.

        Raises Indefinite if it cannot be read, or nothing is in force: nothing may be routed then.
        """
        found = self._feed.look()
        for record in found:
            self._take(record)
        if found or self._rules is None:
            self._rules = self._made()
        return self._rules

    def _take(self, record: Record) -> None:
        try:
            taken = self._book.take(record.key, record.value)
        except NotApproved as refused:
            self._report(record, refused.reason, refused.detail)
        except NotAHold as refused:
            self._report(record, refused.reason, refused.scope)
        except Stray as refused:
            self._report(record, refused.reason, "")
        else:
            if isinstance(taken, Publication):
                log.info("guidelines.published", serial=taken.serial, bundle=taken.digest.hex(), offset=record.offset)
            elif isinstance(taken, HoldOrder):
                log.warning("hold." + taken.state, scope=taken.scope, offset=record.offset)

    def _report(self, record: Record, reason: str, detail: str) -> None:
        self.refused[reason] += 1
        log.error("guidelines.refused", reason=reason, detail=detail, offset=record.offset)

    def _made(self) -> Rules:
        held = self._book.held
        return Rules(self._bundle(), waiting(held), agencies(held, INTAKE))

    def _bundle(self) -> Bundle:
        if self._book.in_force is not None:
            serial, bundle = self._book.in_force
            self._tell("guidelines.in-force", bundle, serial=serial)
            return bundle
        if self._unpublished is None or (self._book.published and self._rules is None):
            refused = "; what was published is refused" if self._book.published else ""
            raise NothingInForce(f"no bundle is in force{refused}: publish one (enlace guidelines publish)")
        self._tell("guidelines.unpublished", self._unpublished)
        return self._unpublished

    def _tell(self, event: str, bundle: Bundle, **more: int) -> None:
        if self._using != bundle.name:
            self._using = bundle.name
            log.info(event, bundle=bundle.name, **more)
