"""The lines of a digest and the mails they were frozen into, in SQL. Sending is left to email.py."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    LargeBinary,
    RowMapping,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from connectors.sdk.effects import effects, metadata

MAX_MAILS: Final = 100  # sent in one go

# A line waits without a mail; it goes when every recipient's copy of its mail is settled.
digest_lines = Table(
    "enlace_digest_line",
    metadata,
    Column("delivery", LargeBinary(16), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("text", String(400), nullable=False),
    Column("mail", String(32)),
    Index("enlace_digest_line_mail", "mail", "at_ms"),
)
# One row for each copy. `state`: waiting, sent, refused (for good, with `code`).
digest_mails = Table(
    "enlace_digest_mail",
    metadata,
    Column("mail", String(32), primary_key=True),
    Column("recipient", String(320), primary_key=True),
    Column("until_ms", BigInteger, nullable=False),
    Column("state", String(20), nullable=False),
    Column("code", String(40)),
)


def make(engine: Engine) -> None:
    metadata.create_all(engine, tables=[effects, digest_lines, digest_mails])


def keep(connection: Connection, delivery: bytes, at_ms: int, text: str) -> None:
    connection.execute(insert(digest_lines).values(delivery=delivery, at_ms=at_ms, text=text))


def freeze(engine: Engine, now_ms: int, window_ms: int, max_lines: int, recipients: Sequence[str]) -> int:
    """Makes mails of the windows that are over; how many. A line that came late goes into a mail of its own."""
    begun_ms = now_ms // window_ms * window_ms
    made = 0
    while True:
        with engine.begin() as connection:
            due = connection.execute(
                select(digest_lines.c.delivery, digest_lines.c.at_ms)
                .where(digest_lines.c.mail.is_(None), digest_lines.c.at_ms < begun_ms)
                .order_by(digest_lines.c.at_ms, digest_lines.c.delivery)
                .limit(max_lines)
            ).all()
            if not due:
                return made
            until_ms = (due[0].at_ms // window_ms + 1) * window_ms
            mine = [row.delivery for row in due if row.at_ms < until_ms]
            mail = hashlib.sha256(b"".join(mine)).hexdigest()[:32]
            for delivery in mine:
                connection.execute(update(digest_lines).where(digest_lines.c.delivery == delivery).values(mail=mail))
            rows = [{"mail": mail, "recipient": each, "until_ms": until_ms, "state": "waiting"} for each in recipients]
            connection.execute(insert(digest_mails), rows)
            made += 1


def waiting(engine: Engine) -> list[RowMapping]:
    """The copies that are to be sent, the oldest first."""
    with engine.begin() as connection:
        found = connection.execute(
            select(digest_mails)
            .where(digest_mails.c.state == "waiting")
            .order_by(digest_mails.c.until_ms, digest_mails.c.mail, digest_mails.c.recipient)
            .limit(MAX_MAILS)
        )
        return list(found.mappings())


def lines(engine: Engine, mail: str) -> list[str]:
    with engine.begin() as connection:
        found = connection.execute(
            select(digest_lines.c.text)
            .where(digest_lines.c.mail == mail)
            .order_by(digest_lines.c.at_ms, digest_lines.c.delivery)
        )
        return list(found.scalars())


def sent(engine: Engine, mail: str, recipient: str, state: str, code: str | None) -> None:
    """This copy is settled; with the last one the lines go."""
    with engine.begin() as connection:
        mine = (digest_mails.c.mail == mail, digest_mails.c.recipient == recipient)
        connection.execute(update(digest_mails).where(*mine).values(state=state, code=code))
        others = select(digest_mails.c.mail).where(digest_mails.c.mail == mail, digest_mails.c.state == "waiting")
        if connection.execute(others.limit(1)).first() is None:
            connection.execute(delete(digest_lines).where(digest_lines.c.mail == mail))
