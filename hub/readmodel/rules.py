"""Holds, the history of bundles, alarms. See queries.py."""

from __future__ import annotations

import json
import zlib

from sqlalchemy import Connection, select

from hub.guidelines.bundle import MAX_BYTES

from .results import AlarmEntry, BundleEntry, HoldState
from .tables import Alarm, Bundle, Hold

ROWS_MAX = 1_000
_HOLD = (Hold.scope, Hold.state, Hold.why, Hold.set_by, Hold.set_ms, Hold.asked_by, Hold.asked_ms)


def holds(connection: Connection) -> tuple[HoldState, ...]:
    """What is held, by scope."""
    rows = connection.execute(select(*_HOLD).where(Hold.state != "lifted").order_by(Hold.scope))
    return tuple(HoldState(*row) for row in rows)


def lifted_since(connection: Connection, since_ms: int) -> tuple[HoldState, ...]:
    rows = connection.execute(
        select(*_HOLD).where(Hold.state == "lifted", Hold.lifted_ms >= since_ms).order_by(Hold.scope)
    )
    return tuple(HoldState(*row) for row in rows)


def bundles(connection: Connection) -> tuple[BundleEntry, ...]:
    """Every bundle that came into force, newest first: the first one is in force."""
    rows = connection.execute(
        select(Bundle.serial, Bundle.digest, Bundle.previous, Bundle.log_ms, Bundle.approvals)
        .order_by(Bundle.serial.desc())
        .limit(ROWS_MAX)
    )
    return tuple(
        BundleEntry(
            row.serial,
            bytes(row.digest).hex(),
            bytes(row.previous).hex(),
            row.log_ms,
            tuple((steward, agency) for steward, agency in json.loads(row.approvals)),
            number == 0,
        )
        for number, row in enumerate(rows)
    )


def bundle_json(connection: Connection, digest: str) -> bytes | None:
    """The canonical JSON of a bundle that was published, by its digest in hexadecimal; Bundle.from_json reads it."""
    try:
        wanted = bytes.fromhex(digest)
    except ValueError:
        return None
    packed = connection.execute(select(Bundle.packed).where(Bundle.digest == wanted).limit(1)).scalar_one_or_none()
    return None if packed is None else zlib.decompressobj().decompress(bytes(packed), MAX_BYTES)


def alarms(connection: Connection) -> tuple[AlarmEntry, ...]:
    """What must never happen, and did."""
    rows = connection.execute(
        select(Alarm.kind, Alarm.topic, Alarm.partition, Alarm.offset, Alarm.detail)
        .order_by(Alarm.kind, Alarm.topic, Alarm.partition, Alarm.offset)
        .limit(ROWS_MAX)
    )
    return tuple(AlarmEntry(*row) for row in rows)
