"""Referrals as files that wait to be taken over, each delivery once; what was withdrawn leaves them, and is listed.

    pending/<alert>-<number>.xlsx          the case, by HTCDS 2.0; `number` counts the alert's deliveries
    obligations/<alert>-<number>.csv       what the reader must observe, in Spanish and English
    withdrawn.csv                          alerts that were taken back: delete what was taken over
    notices.csv                            requests and answers about alerts of one's own

A file appears whole (it is renamed into its place). A later delivery of the alert replaces the file that still waits; a
withdrawal takes it away. Deliveries are remembered in a database beside the files (effects.py). Should the process end
between the renaming and that memory, the same file is written again, under the same name. Nothing personal stands in the
database, the lists or the files' names.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Literal

from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, delete, insert, select

from connectors.formats import htcds
from connectors.formats.htcds_case import Case
from connectors.formats.tabular_cells import Value
from connectors.formats.tabular_write import Unwritable, write_csv
from connectors.sdk import Delivery, Effect, Rejected, Transient
from connectors.sdk.effects import metadata, once, open_engine
from connectors.sdk.terms import load_words, terms

from .referral import cases, left_out

Format = Literal["xlsx", "csv"]
_WRITERS: Final[dict[str, Callable[[BinaryIO, Sequence[Case]], None]]] = {
    "xlsx": htcds.write_xlsx,
    "csv": htcds.write_csv,
}
PENDING, OBLIGATIONS = "pending", "obligations"
WITHDRAWN, NOTICES = "withdrawn.csv", "notices.csv"
DATABASE: Final = ".enlace.db"
PART: Final = ".part"

referrals = Table(
    "iom_referral",
    metadata,
    Column("alert", String(36), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", String(64)),
    Column("was_pending", Integer),
    Column("at_ms", BigInteger, nullable=False),
)
notices = Table(
    "iom_notice",
    metadata,
    Column("delivery", String(32), primary_key=True),
    Column("alert", String(36), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("reason", String(64)),
    Column("at_ms", BigInteger, nullable=False),
)


class NoFolder(ValueError):
    """The folder in which the one for referrals would stand is not there."""


class ReferralSink:
    """Deliveries become files of referrals."""

    def __init__(self, folder: Path, format_: Format, profile: Path | None, confirms: Sequence[str]) -> None:
        """Raises NoFolder, and terms.BadProfile."""
        if not folder.parent.is_dir():
            raise NoFolder(f"{folder.parent.name}: no such folder, in which referrals would be put")
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._format = format_
        self._words = load_words(profile)
        self._confirms = tuple(confirms)
        for name in (PENDING, OBLIGATIONS):
            (folder / name).mkdir(exist_ok=True)
            for part in (folder / name).glob(f".*{PART}"):  # half-written when the process ended
                part.unlink(missing_ok=True)
        self._engine = open_engine(f"sqlite:///{folder / DATABASE}")
        metadata.create_all(self._engine)

    def check(self) -> None:
        """Whether files may be put there. Raises OSError."""
        probe = self._folder / PENDING / f".check{PART}"
        probe.touch()
        probe.unlink()

    def deliver(self, delivery: Delivery) -> Effect:
        try:
            return once(self._engine, delivery, time.time_ns() // 1_000_000, lambda db: self._take(db, delivery))
        except Unwritable:  # its words hold no value
            raise Rejected("cannot-be-written") from None
        except OSError as error:
            raise Transient(type(error).__name__) from None

    def close(self) -> None:
        self._engine.dispose()

    def _take(self, db: Connection, delivery: Delivery) -> Effect:
        record = delivery.record
        if record.kind not in ("release", "withdrawal"):
            return self._notice(db, delivery)
        alert = str(record.alert)
        known = db.execute(select(referrals).where(referrals.c.alert == alert)).one_or_none()
        if known is not None and known.number > record.number:
            return Effect(reference=f"{alert}-{record.number:04d}", reason="superseded")
        return self._referred(db, delivery) if record.kind == "release" else self._withdrawn(db, delivery)

    def _referred(self, db: Connection, delivery: Delivery) -> Effect:
        record = delivery.record
        name = f"{record.alert}-{record.number:04d}"
        originator = record.view.core.originator if record.view else ""
        rows = cases(delivery, self._words.agency(originator, "es"), self._confirms)
        case_file, told = io.BytesIO(), io.BytesIO()
        _WRITERS[self._format](case_file, rows)
        write_csv(told, self._obligations(delivery))
        self._put(OBLIGATIONS, f"{name}.csv", told.getvalue())  # first: nobody finds a case without them
        self._put(PENDING, f"{name}.{self._format}", case_file.getvalue())
        self._remove(str(record.alert), but=name)
        self._remember(db, delivery, "referred")
        self._list_withdrawn(db)
        return Effect(reference=name, reason="sections-left-out" if left_out(delivery) else None)

    def _withdrawn(self, db: Connection, delivery: Delivery) -> Effect:
        alert = str(delivery.alert)
        was_pending = self._remove(alert)
        self._remember(db, delivery, "withdrawn", was_pending=was_pending)
        self._list_withdrawn(db)
        return Effect(reference=f"{alert}-{delivery.record.number:04d}")

    def _notice(self, db: Connection, delivery: Delivery) -> Effect:
        record = delivery.record
        row = {"alert": str(record.alert), "kind": record.kind, "reason": record.reason, "at_ms": record.decided_ms}
        db.execute(insert(notices).values(delivery=record.id.hex(), **row))
        found = db.execute(select(notices).order_by(notices.c.at_ms, notices.c.delivery))
        lines = [[_day(each.at_ms), each.kind, each.alert, each.reason] for each in found]
        self._list(NOTICES, [["date", "kind", "alert", "reason"], *lines])
        return Effect(reference=record.id.hex())

    def _remember(self, db: Connection, delivery: Delivery, state: str, *, was_pending: bool | None = None) -> None:
        record = delivery.record
        db.execute(delete(referrals).where(referrals.c.alert == str(record.alert)))
        row = {"number": record.number, "state": state, "reason": record.reason, "at_ms": record.decided_ms}
        pending = None if was_pending is None else int(was_pending)
        db.execute(insert(referrals).values(alert=str(record.alert), was_pending=pending, **row))

    def _obligations(self, delivery: Delivery) -> list[list[Value]]:
        record = delivery.record
        core = record.view.core if record.view else None
        facts: list[list[Value]] = [
            ["delivery", record.id.hex(), record.id.hex()],
            ["alert", f"{record.alert} / {record.revision}", f"{record.alert} / {record.revision}"],
        ]
        if core is not None:
            names = [self._words.agency(core.originator, language) for language in ("es", "en")]
            facts += [["originator", *names], ["class", core.label.class_, core.label.class_]]
        told: list[list[Value]] = [[each.code, each.es, each.en] for each in terms(record, self._words)]
        out = ", ".join(left_out(delivery))
        if out:
            told.append(
                ["left-out", f"No se escribieron en la remisión: {out}.", f"Not written into the referral: {out}."]
            )
        return [["code", "es", "en"], *facts, *told]

    def _list_withdrawn(self, db: Connection) -> None:
        found = db.execute(
            select(referrals).where(referrals.c.state == "withdrawn").order_by(referrals.c.at_ms, referrals.c.alert)
        ).all()
        if not found and not (self._folder / WITHDRAWN).exists():
            return
        lines: list[list[Value]] = [
            [_day(each.at_ms), each.alert, each.reason, *_todo(each.was_pending)] for each in found
        ]
        self._list(WITHDRAWN, [["date", "alert", "reason", "es", "en"], *lines])

    def _list(self, name: str, rows: list[list[Value]]) -> None:
        out = io.BytesIO()
        write_csv(out, rows)
        self._put("", name, out.getvalue())

    def _put(self, folder: str, name: str, data: bytes) -> None:
        """The file appears whole, and stays after a power cut."""
        target = self._folder / folder / name
        part = target.with_name(f".{name}{PART}")
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)

    def _remove(self, alert: str, but: str = "") -> bool:
        """Takes the alert's files away; whether its case was still waiting."""
        was_pending = False
        for folder in (PENDING, OBLIGATIONS):
            for path in (self._folder / folder).glob(f"{alert}-*"):
                if path.stem != but:
                    path.unlink(missing_ok=True)
                    was_pending |= folder == PENDING
        return was_pending


def _todo(was_pending: int | None) -> tuple[str, str]:
    if was_pending:
        return (
            "Retirada antes de que se tomara. Si la copió, suprímala.",
            "Withdrawn before it was taken over. If you copied it, delete the copy.",
        )
    return (
        "Ya no estaba entre las pendientes. Suprima lo que conserve y confirme la supresión.",
        "It was no longer pending. Delete what you hold and confirm the deletion.",
    )


def _day(time_ms: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time_ms / 1000))
