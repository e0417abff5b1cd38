"""Writing what was taken, in one transaction with the positions. The rows depend on what was read, never on when or in how
many steps, so that a rebuilt read model equals the one that ran live.

Decoding is taking.py's; reading the topics, hub/recorder.py's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from hub.bus.bus import TopicPartition

from .bulk import by_ids, change, drop, filling, newer, put, replacing
from .chain import Chain
from .ends import EXPIRED, Ended
from .tables import (
    Agency,
    Alarm,
    Alert,
    Bundle,
    Decision,
    Delivery,
    End,
    Fragment,
    Health,
    Hold,
    Minute,
    Note,
    Order,
    Position,
    Quarantined,
    Receipt,
    Segment,
    Tag,
    Unmatched,
)
from .taking import Decided, Sent, Taken, is_restricted

MINUTE_MS: Final = 60_000
FRAGMENTS_KNOWN: Final = 65_536
REFUSED: Final = ("rejected", "parked")
_COLUMNS: Final = [column.name for column in Delivery.__table__.columns]
_NONE: Final[list[Any]] = [None] * len(_COLUMNS)
_AT: Final = {name: number for number, name in enumerate(_COLUMNS)}
_ALERTS: Final = replacing(
    "id",
    (
        "decided_ms",
        "revision",
        "originator",
        "alert_class",
        "exercise",
        "tlp",
        "state",
        "recipients",
        "valid_until_ms",
        "restricted",
    ),
)
_STATE: Final = _AT["state"]  # and what follows: acknowledged_ms, receipt_reason
_DELIVERIES: Final = filling(
    "deliveries", "id", [name for name in _COLUMNS if name not in ("id", "alert", "recipient", "receipt_reason")]
) + (  # the reason goes with the state
    ", receipt_reason = CASE WHEN excluded.state IS NULL THEN deliveries.receipt_reason ELSE excluded.receipt_reason END"
)
_LOG: Final = _AT["log_ms"]
_first: Final = itemgetter(0)
_last: Final = itemgetter(-1)
_standing_at: Final = attrgetter("partition", "offset")
_when: Final = itemgetter(1, 2)  # of a receipt: partition and offset
_MINUTES: Final = '(minute_ms, agency, what) DO UPDATE SET "count" = minutes."count" + excluded."count"'
_HEALTH: Final = newer(
    "health",
    "agency, connector",
    ("offset", "log_ms", "at_ms", "state", "published", "delivered", "set_aside", "error"),
)
_HOLDS: Final = newer("holds", "scope", [column.name for column in Hold.__table__.columns if column.name != "scope"])
_PIECES: Final = replacing("topic, partition, previous", ("last",))


class AnotherRecorder(Exception):
    """Another recorder has moved the positions: this one must end, and not be started again."""


class Moved(NamedTuple):
    """How far a partition was read: `before` is what the row must still say (None: there is no row)."""

    at: TopicPartition
    before: int | None
    after: int


@dataclass
class _Known:
    """An alert as it stands in the table, or will."""

    opened_ms: int
    decided_ms: int
    revision: int
    originator: str
    alert_class: str
    exercise: str
    tlp: str
    state: str
    recipients: int
    valid_until_ms: int
    restricted: bool
    changed: bool = False
    was_restricted: bool | None = None


class _Heard(NamedTuple):
    """What of a delivery its receipts are held against."""

    alert: bytes
    recipient: str
    revision: int
    restricted: bool
    state: str | None


_HEARD_OF: Final = (
    Delivery.id,
    Delivery.alert,
    Delivery.recipient,
    Delivery.revision,
    Delivery.restricted,
    Delivery.state,
)


class Writing:
    """Writes batch by batch; keeps the chain of positions, and which fragments stand in the database already."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self._fragments: set[bytes] = set()
        self._pending: set[bytes] = set()
        self._agencies_known: set[str] = set()
        self._new_agencies: set[str] = set()
        self._left: bool | None = None  # whether receipts wait for their deliveries; None: not looked yet

    def write(self, connection: Connection, taken: Taken, moved: Iterable[Moved]) -> None:
        """Adds everything; the caller commits and then calls saved(). Raises AnotherRecorder: roll back and end."""
        move(connection, moved)
        minutes: Counter[tuple[int, str, str]] = Counter()
        restricted = self._alerts(connection, taken, minutes)
        self._links(taken)
        put(connection, Fragment, [each for each in taken.fragments.items() if each[0] not in self._fragments])
        put(connection, Decision, [each.row for each in taken.decided])
        put(connection, End, [each.row for each in taken.ended])
        put(connection, Note, taken.notes)
        put(connection, Order, taken.orders)
        put(connection, Quarantined, taken.quarantine)
        for row in taken.quarantine:
            if row[13]:
                minutes[_minute(row[2]), row[13], "quarantined"] += 1
        put(connection, Receipt, taken.receipts)
        self._deliveries(connection, taken, restricted, minutes)
        self._agencies(connection, taken, minutes)
        put(connection, Minute, [(*key, count) for key, count in minutes.items()], _MINUTES)
        put(connection, Health, list(taken.health.values()), _HEALTH)
        put(connection, Hold, list(taken.holds.values()), _HOLDS)
        put(connection, Bundle, list(taken.bundles.values()))
        self._chain(connection)
        put(connection, Alarm, [(*key, detail) for key, detail in taken.alarms.items()])
        self._pending = set(taken.fragments)

    def saved(self) -> None:
        """What was written is committed."""
        self.chain.saved()
        if len(self._fragments) > FRAGMENTS_KNOWN:
            self._fragments.clear()
        self._fragments |= self._pending
        self._agencies_known |= self._new_agencies

    def _agencies(self, connection: Connection, taken: Taken, minutes: Counter[tuple[int, str, str]]) -> None:
        """Agencies that something was counted of, or whose connector told its health."""
        heard = {agency for _, agency, _ in minutes} | {agency for agency, _ in taken.health}
        self._new_agencies = heard - self._agencies_known
        put(connection, Agency, [(agency,) for agency in sorted(self._new_agencies)])

    def _links(self, taken: Taken) -> None:
        for link, at, offset in taken.links:
            if not self.chain.add(link.place, link.previous, link.offset):
                detail = f"accounted for again by {at.topic}-{at.partition} at {offset}, after {link.previous}"
                taken.alarm("repeat", link.place.topic, link.place.partition, link.offset, detail)

    def _chain(self, connection: Connection) -> None:
        gone, come = self.chain.changes()
        for topic, partition, previous in gone:
            connection.execute(
                delete(Segment).where(
                    Segment.topic == topic, Segment.partition == partition, Segment.previous == previous
                )
            )
        put(connection, Segment, come, _PIECES)

    def _alerts(
        self, connection: Connection, taken: Taken, minutes: Counter[tuple[int, str, str]]
    ) -> Mapping[bytes, bool]:
        """The alerts as these decisions and ends leave them, in order; whether each is restricted."""
        events: list[Decided | Ended] = [*taken.decided, *taken.ended]
        if taken.ended:
            events.sort(key=_standing_at)
        known = self._known(connection, {each.alert for each in events})
        tags: dict[tuple[str, int, bytes], None] = {}
        for each in events:
            if isinstance(each, Ended):
                _end(known, each, minutes)
                continue
            alert = known.get(each.alert)
            if alert is None or (each.standing is not None):
                alert = known[each.alert] = _standing(alert, each)
            for value in each.tags:
                tags[value, alert.opened_ms, each.alert] = None
            if not alert.restricted:
                minute_ms = _minute(each.log_ms)
                minutes[minute_ms, each.originator, "decided"] += 1
                for agency, _ in each.sent:
                    minutes[minute_ms, agency, "delivered"] += 1
        put(connection, Alert, [_alert_row(key, each) for key, each in known.items() if each.changed], _ALERTS)
        put(connection, Tag, sorted(tags))
        hidden = [key for key, each in known.items() if each.restricted and each.was_restricted is False]
        for key in hidden:  # it became of a class that only its parties may know of
            connection.execute(
                update(Delivery).where(Delivery.alert == key, Delivery.restricted.is_(False)).values(restricted=True)
            )
        return {key: each.restricted for key, each in known.items()}

    def _known(self, connection: Connection, ids: set[bytes]) -> dict[bytes, _Known]:
        columns = list(Alert.__table__.columns)
        rows = by_ids(connection, columns, Alert.id, ids)
        found = {bytes(row[0]): _Known(*row[1:]) for row in rows}
        for alert in found.values():
            alert.was_restricted = alert.restricted
        return found

    def _deliveries(
        self,
        connection: Connection,
        taken: Taken,
        restricted: Mapping[bytes, bool],
        minutes: Counter[tuple[int, str, str]],
    ) -> None:
        """Each delivery from the sides that this batch knows; then the receipts of those that are complete enough."""
        rows: dict[bytes, list[Any]] = {}
        ready: set[bytes] = set()  # deliveries whose ordering decision, or own record for a feedback, came just now
        ordering: list[Decided | Ended] = [*taken.decided, *taken.ended]
        for each in ordering:
            for agency, identifier in each.sent:
                row = rows[identifier] = [*_NONE]
                row[:4] = identifier, each.alert, agency, each.revision
                row[4:8] = restricted.get(each.alert, True), each.log_ms, each.partition, each.offset
                ready.add(identifier)
        for sent in taken.sent.values():
            row = rows.setdefault(sent.id, [*_NONE])
            _header(row, sent)
            if sent.kind == "feedback":
                row[_AT["restricted"]] = False
                ready.add(sent.id)
        self._receipts(connection, taken, rows, ready, minutes)
        put(
            connection, Delivery, sorted(rows.values(), key=_first), _DELIVERIES
        )  # ids are random: one way through the index

    def _receipts(
        self,
        connection: Connection,
        taken: Taken,
        rows: Mapping[bytes, list[Any]],
        ready: Iterable[bytes],
        minutes: Counter[tuple[int, str, str]],
    ) -> None:
        """What recipients said of deliveries, once the delivery is known: a receipt may be read before it, and waits then.
        Into `rows`, if the delivery is among them and `ready`; into the table otherwise."""
        heard = dict.fromkeys(row[4] for row in taken.receipts)
        known = {key: _Heard(row[1], row[2], row[3], row[4], None) for key in ready if (row := rows[key])}
        new = known.keys() & rows.keys()
        for found in by_ids(connection, _HEARD_OF, Delivery.id, [key for key in heard if key not in known]):
            if found.restricted is not None:
                known[bytes(found.id)] = _Heard(bytes(found.alert), *found[2:])
        before = self._before(connection, new)
        again = before | {key for key in heard if key in known and known[key].state is not None}
        said: dict[bytes, list[Any]] = {}
        for receipt in taken.receipts:
            if receipt[4] not in again:
                said.setdefault(receipt[4], []).append(receipt)
        for each in by_ids(
            connection, list(Receipt.__table__.columns), Receipt.alert, {known[key].alert for key in again}
        ):
            if bytes(each.delivery) in again:
                said.setdefault(bytes(each.delivery), []).append(each)
        later = []
        for key, receipts in said.items():
            delivery = known.get(key)
            mine = [each for each in receipts if delivery and (bytes(each[5]), each[6]) == delivery[:2]]
            if delivery is None or not mine:
                continue
            mine.sort(key=_when)
            stands = _applied(delivery, mine, minutes)
            if key in new:
                rows[key][_STATE:] = stands
            else:
                later.append((*stands, key))
        change(connection, Delivery, ("state", "acknowledged_ms", "receipt_reason"), sorted(later, key=_last))
        unmatched = [(key,) for key in heard if key not in known]
        put(connection, Unmatched, unmatched)
        self._left = self._left or bool(unmatched)
        drop(connection, Unmatched.delivery, before)

    def _before(self, connection: Connection, ready: Iterable[bytes]) -> set[bytes]:
        """Of these deliveries, those that receipts were read of before."""
        if self._left is None:
            self._left = connection.execute(select(Unmatched.delivery).limit(1)).first() is not None
        if not self._left:
            return set()
        return {bytes(row[0]) for row in by_ids(connection, [Unmatched.delivery], Unmatched.delivery, ready)}


def _applied(
    delivery: _Heard, receipts: Sequence[Any], minutes: Counter[tuple[int, str, str]]
) -> tuple[str, int, str | None]:
    """How a delivery stands by its receipts, all of them in order: now, when it was first heard of, and why."""
    first, newest = receipts[0], receipts[-1]
    if not delivery.restricted and delivery.state is None:
        minutes[_minute(first[3]), delivery.recipient, "acknowledged"] += 1
        if first[7] in REFUSED:
            minutes[_minute(first[3]), delivery.recipient, "rejected"] += 1
    return newest[7], first[3], newest[9]


def move(connection: Connection, moved: Iterable[Moved]) -> None:
    """Sets positions by compare-and-set. Raises AnotherRecorder if one is not where it was left."""
    for at, before, after in moved:
        if before is None:
            try:
                connection.execute(insert(Position).values(topic=at.topic, partition=at.partition, next_offset=after))
            except IntegrityError:
                raise AnotherRecorder(f"{at.topic}-{at.partition} was begun by another recorder") from None
            continue
        changed = connection.execute(
            update(Position)
            .where(Position.topic == at.topic, Position.partition == at.partition, Position.next_offset == before)
            .values(next_offset=after)
        )
        if changed.rowcount != 1:
            raise AnotherRecorder(f"{at.topic}-{at.partition} is not at {before} any more: another recorder runs")


def positions(connection: Connection) -> dict[TopicPartition, int]:
    """Where each partition is to be read on."""
    rows = connection.execute(select(Position.topic, Position.partition, Position.next_offset))
    return {TopicPartition(row.topic, row.partition): row.next_offset for row in rows}


def stored_chain(connection: Connection) -> Chain:
    """The chain as it was saved."""
    rows = connection.execute(select(Segment.topic, Segment.partition, Segment.previous, Segment.last))
    return Chain((row.topic, row.partition, row.previous, row.last) for row in rows)


def _minute(time_ms: int) -> int:
    return time_ms - time_ms % MINUTE_MS


def _standing(before: _Known | None, each: Decided) -> _Known:
    """How an alert stands after a decision; after one that decides nothing, only if nothing was known of it."""
    return _Known(
        opened_ms=before.opened_ms if before else each.log_ms,
        decided_ms=each.log_ms,
        revision=each.revision,
        originator=each.originator,
        alert_class=each.alert_class,
        exercise=each.exercise,
        tlp=each.tlp,
        state=each.standing or "nobody",
        recipients=each.recipients,
        valid_until_ms=each.valid_until_ms,
        restricted=is_restricted(each.alert_class) or (before is not None and before.restricted),
        changed=True,
        was_restricted=before.was_restricted if before else None,
    )


def _end(known: dict[bytes, _Known], each: Ended, minutes: Counter[tuple[int, str, str]]) -> None:
    """How an alert stands after its end. One of which nothing is recorded stays unknown."""
    alert = known.get(each.alert)
    if alert is None:
        return
    if each.outcome == EXPIRED:
        known[each.alert] = replace(alert, decided_ms=each.log_ms, state=EXPIRED, recipients=0, changed=True)
    if not alert.restricted:
        minutes.update((_minute(each.log_ms), agency, "delivered") for agency, _ in each.sent)


def _alert_row(key: bytes, alert: _Known) -> tuple[Any, ...]:
    return (
        key,
        alert.opened_ms,
        alert.decided_ms,
        alert.revision,
        alert.originator,
        alert.alert_class,
        alert.exercise,
        alert.tlp,
        alert.state,
        alert.recipients,
        alert.valid_until_ms,
        alert.restricted,
    )


def _header(row: list[Any], sent: Sent) -> None:
    row[:4] = sent[:4]
    row[_LOG:_STATE] = sent[4:]
