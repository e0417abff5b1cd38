"""What senders handed in and the bus has not yet: one SQLite file, written through to the disk, bounded.

It also remembers the ids of what went on, so that a repeat finds the first answer. A body stays only until its record is
committed on the bus; then it is overwritten (secure_delete) and its salted digest remains. A lost file loses nothing that
anybody was promised: nobody is answered before the bus has committed.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from connectors.sdk import Gap

PAGE_ROWS: Final = 50
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS spool (name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    salt BLOB NOT NULL,
    digest BLOB NOT NULL,
    received_ms INTEGER NOT NULL,
    committed INTEGER NOT NULL DEFAULT 0,
    body BLOB
);
CREATE INDEX IF NOT EXISTS message_age ON message (committed, received_ms);
"""


class SpoolFull(Exception):
    """So much waits for the bus that no more is taken."""


class OtherContent(Exception):
    """The id was used before, for something else."""


class LostPosition(Gap, ValueError):
    """The position is none of a spool: rewind the connector."""


@dataclass(frozen=True)
class Stored:
    """A message in the spool: its number, and whether the bus has it."""

    number: int
    committed: bool


@dataclass(frozen=True)
class Message:
    number: int
    id: str
    received_ms: int
    body: bytes = field(repr=False)


class Spool:
    """Used by the intake's threads and by the connector's loop at once."""

    def __init__(self, path: Path, max_messages: int, max_bytes: int, remember_ms: int) -> None:
        """`max_messages` and `max_bytes`: what may wait for the bus; ids are remembered for `remember_ms`. Raises OSError,
        sqlite3.Error."""
        self._limits = max_messages, max_bytes
        self._remember_ms = remember_ms
        self._lock = threading.Lock()
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._database = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=10000"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(SCHEMA)
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            if self._database.execute("SELECT 1 FROM spool").fetchone() is None:
                self._database.execute("INSERT INTO spool VALUES (?)", (secrets.token_hex(8),))
            self._name = str(self._database.execute("SELECT name FROM spool").fetchone()[0])

    def put(self, message_id: str, body: bytes, now_ms: int) -> Stored:
        """On the disk when this returns; a repeat finds the first. Raises SpoolFull and OtherContent."""
        with self._lock, self._database as database:
            database.execute("BEGIN IMMEDIATE")
            known = self._known(message_id, body)
            if known is not None:
                return known
            waiting, size_bytes = database.execute(
                "SELECT count(*), coalesce(sum(length(body)), 0) FROM message WHERE committed = 0"
            ).fetchone()
            if waiting >= self._limits[0] or size_bytes + len(body) > self._limits[1]:
                raise SpoolFull
            database.execute(
                "DELETE FROM message WHERE committed = 1 AND received_ms < ?", (now_ms - self._remember_ms,)
            )
            salt = secrets.token_bytes(16)
            added = database.execute(
                "INSERT INTO message (id, salt, digest, received_ms, body) VALUES (?, ?, ?, ?, ?)",
                (message_id, salt, _digest(salt, body), now_ms, body),
            )
            assert added.lastrowid is not None
            return Stored(added.lastrowid, False)

    def find(self, message_id: str, body: bytes) -> Stored | None:
        """The message, if it came before. Raises OtherContent."""
        with self._lock:
            return self._known(message_id, body)

    def waiting(self, after: str | None) -> Iterator[Message]:
        """What the bus does not have, in the order of arrival. Raises LostPosition."""
        number = self._number(after)
        while True:
            with self._lock:
                rows = self._database.execute(
                    "SELECT number, id, received_ms, body FROM message"
                    " WHERE number > ? AND body IS NOT NULL ORDER BY number LIMIT ?",
                    (number, PAGE_ROWS),
                ).fetchall()
            for row in rows:
                yield Message(row[0], row[1], row[2], bytes(row[3]))
            if not rows:
                return
            number = rows[-1][0]

    def position(self, number: int) -> str:
        """The position after a message."""
        return f"{self._name}/{number}"

    def settled(self, position: str) -> int:
        """The bus has everything up to this position: bodies go. The number up to which it is so."""
        number = self._number(position)
        with self._lock, self._database as database:
            database.execute(
                "UPDATE message SET committed = 1, body = NULL WHERE number <= ? AND committed = 0", (number,)
            )
        return number

    def state(self) -> Literal["empty", "waiting"]:
        with self._lock:
            found = self._database.execute("SELECT 1 FROM message WHERE committed = 0 LIMIT 1").fetchone()
        return "waiting" if found else "empty"

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _known(self, message_id: str, body: bytes) -> Stored | None:
        found = self._database.execute(
            "SELECT number, committed, salt, digest FROM message WHERE id = ?", (message_id,)
        ).fetchone()
        if found is None:
            return None
        if _digest(found[2], body) != found[3]:
            raise OtherContent
        return Stored(found[0], bool(found[1]))

    def _number(self, position: str | None) -> int:
        """0 for a position of another file: that one is gone, with nothing in it that anybody was promised."""
        if position is None:
            return 0
        name, _, number = position.partition("/")
        if not (number.isascii() and number.isdecimal()):
            raise LostPosition("this is not a position of an intake: rewind the connector")
        return int(number) if name == self._name else 0


def _digest(salt: bytes, body: bytes) -> bytes:
    return hashlib.sha256(salt + body).digest()
