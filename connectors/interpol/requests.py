"""Requests for notices as files that wait to be taken over by the bureau, each delivery once.

    pending/<alert>-<number>.json       a request (request.py); `number` counts the alert's deliveries
    withdrawals/<alert>-<number>.json   asks to take a request back, without personal data
    messages/<alert>-<number>.json      requests and answers about alerts of one's own

A file appears whole (it is renamed into its place). A later delivery of the alert replaces the request that still waits; one
that is no request any more, or a withdrawal, takes it away and asks to withdraw it. Deliveries are remembered in a database
beside the files (effects.py); should the process end in between, the same file is written again under the same name.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Connection, Integer, String, Table, delete, insert, select

from connectors.sdk import Delivery, Effect, Transient
from connectors.sdk.effects import metadata, once, open_engine
from connectors.sdk.terms import load_words

from .request import NoRequest, request_of, withdrawal_of

PENDING, WITHDRAWALS, MESSAGES = "pending", "withdrawals", "messages"
DATABASE: Final = ".enlace.db"
PART: Final = ".part"
REQUESTED, WITHDRAWN = "requested", "withdrawn"

requests = Table(
    "interpol_request",
    metadata,
    Column("alert", String(36), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("state", String(20), nullable=False),
)


class NoFolder(ValueError):
    """The folder in which the one for requests would stand is not there."""


class RequestSink:
    """Deliveries become requests for notices."""

    def __init__(self, folder: Path, profile: Path | None) -> None:
        """Raises NoFolder, and terms.BadProfile."""
        if not folder.parent.is_dir():
            raise NoFolder(f"{folder.parent.name}: no such folder, in which requests would be put")
        self._folder = folder
        self._words = load_words(profile)
        for name in (PENDING, WITHDRAWALS, MESSAGES):
            (folder / name).mkdir(parents=True, exist_ok=True)
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
        except OSError as error:
            raise Transient(type(error).__name__) from None

    def close(self) -> None:
        self._engine.dispose()

    def _take(self, db: Connection, delivery: Delivery) -> Effect:
        record = delivery.record
        if record.kind not in ("release", "withdrawal"):
            message = {"kind": record.kind, "alert": str(record.alert), "reason": record.reason}
            self._put(MESSAGES, _name(delivery), message)
            return Effect(reference=_name(delivery))
        known = db.execute(select(requests).where(requests.c.alert == str(record.alert))).one_or_none()
        if known is not None and known.number > record.number:
            return Effect(reference=_name(delivery), reason="superseded")
        if record.kind == "release":
            try:
                return self._request(db, delivery)
            except NoRequest as none:
                effect = self._withdraw(db, delivery, none.code, was=known.state if known is not None else None)
                return Effect("rejected" if none.refused else "effected", effect.reference, none.code)
        return self._withdraw(
            db, delivery, record.reason or "withdrawn", was=known.state if known is not None else None
        )

    def _request(self, db: Connection, delivery: Delivery) -> Effect:
        request = request_of(delivery, self._words)
        self._put(PENDING, _name(delivery), request)
        self._remove(delivery, but=_name(delivery))
        self._remember(db, delivery, REQUESTED)
        return Effect(reference=_name(delivery))

    def _withdraw(self, db: Connection, delivery: Delivery, reason: str, was: str | None) -> Effect:
        """Only what was requested is withdrawn; that an alert came and made no request is remembered nowhere."""
        if was is None:
            return Effect(reference="no-request")
        self._remove(delivery)
        if was == REQUESTED:
            self._put(WITHDRAWALS, _name(delivery), withdrawal_of(delivery, reason))
        self._remember(db, delivery, WITHDRAWN)
        return Effect(reference=_name(delivery))

    def _remember(self, db: Connection, delivery: Delivery, state: str) -> None:
        alert = str(delivery.alert)
        db.execute(delete(requests).where(requests.c.alert == alert))
        db.execute(insert(requests).values(alert=alert, number=delivery.record.number, state=state))

    def _put(self, folder: str, name: str, content: dict[str, Any]) -> None:
        """The file appears whole, for the bureau's eyes only, and stays after a power cut."""
        target = self._folder / folder / f"{name}.json"
        part = target.with_name(f".{target.name}{PART}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o660)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=2)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)

    def _remove(self, delivery: Delivery, but: str = "") -> None:
        for path in (self._folder / PENDING).glob(f"{delivery.alert}-*.json"):
            if path.stem != but:
                path.unlink(missing_ok=True)


def _name(delivery: Delivery) -> str:
    return f"{delivery.alert}-{delivery.record.number:04d}"
