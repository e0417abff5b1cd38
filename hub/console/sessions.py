"""Sessions: a random id in a cookie, its hash in SQL. They end by rest, by age, at sign-out and when a password changes.

A form's token is made from the session's id, so that no other site can know it and nothing more must be kept.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from .settings import HOUR_MS, MINUTE_MS, ConsoleSettings
from .tables import SESSIONS

ID_BYTES: Final = 32
TOUCH_MS: Final = 10_000  # how exactly the last use is known: not every request writes


class Lifetimes(NamedTuple):
    idle_ms: int
    absolute_ms: int


class Found(NamedTuple):
    """Whose session it is; `stale`: that it is in use should be written down."""

    name: str
    stale: bool


class Sessions:
    def __init__(self, lifetimes: Lifetimes) -> None:
        self._idle_ms, self._absolute_ms = lifetimes

    def begin(self, db: Connection, name: str, now_ms: int) -> str:
        """A new session's id, for the cookie. It is kept nowhere else."""
        identifier = secrets.token_urlsafe(ID_BYTES)
        ended = (SESSIONS.c.begun_ms <= now_ms - self._absolute_ms) | (SESSIONS.c.used_ms <= now_ms - self._idle_ms)
        db.execute(delete(SESSIONS).where(ended))
        db.execute(insert(SESSIONS).values(digest=_digest(identifier), name=name, begun_ms=now_ms, used_ms=now_ms))
        return identifier

    def find(self, db: Connection, identifier: str, now_ms: int) -> Found | None:
        """The session, if it goes on. It only reads."""
        row = db.execute(select(SESSIONS).where(SESSIONS.c.digest == _digest(identifier))).one_or_none()
        if row is None or now_ms - row.begun_ms >= self._absolute_ms or now_ms - row.used_ms >= self._idle_ms:
            return None
        return Found(str(row.name), now_ms - row.used_ms >= TOUCH_MS)

    def touch(self, db: Connection, identifier: str, now_ms: int) -> None:
        """It was used just now."""
        db.execute(update(SESSIONS).where(SESSIONS.c.digest == _digest(identifier)).values(used_ms=now_ms))

    def end(self, db: Connection, identifier: str) -> None:
        db.execute(delete(SESSIONS).where(SESSIONS.c.digest == _digest(identifier)))


def end_all(db: Connection, name: str) -> None:
    """Ends a person's sessions everywhere: the password changed, or the person may not sign in any more."""
    db.execute(delete(SESSIONS).where(SESSIONS.c.name == name))


def lifetimes(settings: ConsoleSettings) -> Sessions:
    """Sessions that last as the settings say."""
    return Sessions(Lifetimes(settings.idle_minutes * MINUTE_MS, settings.session_hours * HOUR_MS))


def _digest(identifier: str) -> bytes:
    return hashlib.sha256(identifier.encode("utf-8", errors="replace")).digest()


def form_token(identifier: str) -> str:
    """What a form of this session must carry."""
    return hmac.new(identifier.encode("utf-8", errors="replace"), b"form", hashlib.sha256).hexdigest()


def is_form_token(given: str, identifier: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", errors="replace"), form_token(identifier).encode())
