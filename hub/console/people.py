"""The people who may sign in, their passwords (argon2id), and how often somebody may try."""

from __future__ import annotations

import hashlib
import re
import threading
from typing import Any, Final, cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from .access import ROLES, Person, Role
from .settings import MINUTE_MS
from .tables import FAILED, PEOPLE

WINDOW_MS: Final = 15 * MINUTE_MS
TRIES_OF_ADDRESS: Final = 4  # times the tries of one user from one address
TRIES_OF_NAME: Final = 10  # from anywhere: high, so that a stranger cannot easily lock somebody out
AT_ONCE: Final = 2  # passwords that are checked: each takes 64 MiB
MIN_PASSWORD: Final = 12  # characters
MAX_PASSWORD: Final = 1_000
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class BadPerson(Exception):
    """This person cannot be added or changed. `problem`: name, role, agency, password, exists, unknown."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem: Final = problem


class People:
    """`hasher`: with the library's own strength, unless a test weakens it."""

    def __init__(self, hasher: PasswordHasher | None = None, tries: int = 5) -> None:
        self._hasher = hasher or PasswordHasher()
        self._tries = tries
        self._at_once = threading.Semaphore(AT_ONCE)
        self._nobody = self._hasher.hash("nobody has this password")

    def add(self, db: Connection, name: str, role: str, agency: str | None, password: str, now_ms: int) -> None:
        """Raises BadPerson."""
        if not _NAME.fullmatch(name):
            raise BadPerson("name")
        if role not in ROLES:
            raise BadPerson("role")
        if agency is not None and role != "auditor":
            raise BadPerson("agency")
        if self._of(db, name) is not None:
            raise BadPerson("exists")
        hashed = self._hashed(name, password)
        db.execute(
            insert(PEOPLE).values(
                name=name, role=role, agency=agency, password=hashed, active=True, theme="auto", made_ms=now_ms
            )
        )

    def change_password(self, db: Connection, name: str, password: str) -> None:
        """Raises BadPerson. Whoever calls this also ends the person's sessions."""
        done = db.execute(update(PEOPLE).where(PEOPLE.c.name == name).values(password=self._hashed(name, password)))
        if done.rowcount != 1:
            raise BadPerson("unknown")

    def set_active(self, db: Connection, name: str, active: bool) -> None:
        if db.execute(update(PEOPLE).where(PEOPLE.c.name == name).values(active=active)).rowcount != 1:
            raise BadPerson("unknown")

    def prefer(self, db: Connection, name: str, **chosen: str) -> None:
        """Language and theme, as the person chose them."""
        db.execute(update(PEOPLE).where(PEOPLE.c.name == name).values(**chosen))

    def all(self, db: Connection) -> list[Row[Any]]:
        columns = (PEOPLE.c.name, PEOPLE.c.role, PEOPLE.c.agency, PEOPLE.c.active)
        return list(db.execute(select(*columns).order_by(PEOPLE.c.name)))

    def find(self, db: Connection, name: str) -> Person | None:
        """An active person."""
        row = self._of(db, name)
        if row is None or not row.active:
            return None
        return Person(row.name, cast(Role, row.role), row.agency, row.language, row.theme)

    def signs_in(self, db: Connection, name: str, password: str) -> Person | None:
        """The person, if the password is right. It takes as long if nobody has this name, and reads only."""
        row = self._of(db, name)
        right = self._verified(row.password if row else self._nobody, password)
        return self.find(db, name) if row is not None and right else None

    def is_known(self, db: Connection, name: str) -> bool:
        return self._of(db, name) is not None

    def too_often(self, db: Connection, name: str, address: str, now_ms: int) -> bool:
        """Whether another try must wait: of this user from this address, of the address, or of the user from anywhere."""
        recent = FAILED.c.at_ms > now_ms - WINDOW_MS
        mine, there = FAILED.c.name == _digest(name), FAILED.c.address == address[:64]

        def tried(*which: Any) -> int:
            return db.scalar(select(func.count()).select_from(FAILED).where(recent, *which)) or 0

        return (
            tried(mine, there) >= self._tries
            or tried(there) >= self._tries * TRIES_OF_ADDRESS
            or tried(mine) >= self._tries * TRIES_OF_NAME
        )

    def failed(self, db: Connection, name: str, address: str, now_ms: int) -> None:
        db.execute(delete(FAILED).where(FAILED.c.at_ms <= now_ms - WINDOW_MS))
        db.execute(insert(FAILED).values(at_ms=now_ms, name=_digest(name), address=address[:64]))

    def succeeded(self, db: Connection, name: str, password: str, address: str) -> None:
        """Failures of this user from this address no longer count; a hash of older strength is renewed."""
        db.execute(delete(FAILED).where(FAILED.c.name == _digest(name), FAILED.c.address == address[:64]))
        row = self._of(db, name)
        if row is not None and self._hasher.check_needs_rehash(row.password):
            db.execute(update(PEOPLE).where(PEOPLE.c.name == name).values(password=self._hasher.hash(password)))

    def _of(self, db: Connection, name: str) -> Row[Any] | None:
        return db.execute(select(PEOPLE).where(PEOPLE.c.name == name)).one_or_none()

    def _hashed(self, name: str, password: str) -> str:
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD or name in password.lower():
            raise BadPerson("password")
        return self._hasher.hash(password)

    def _verified(self, hashed: str, password: str) -> bool:
        try:
            with self._at_once:
                return len(password) <= MAX_PASSWORD and self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False


def _digest(name: str) -> str:
    """What was typed as a name may be a password: it is kept as a hash."""
    return hashlib.sha256(name.encode("utf-8", errors="replace")).hexdigest()
