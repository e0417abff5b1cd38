"""Deliveries as an e-mail digest: one line each, gathered for a time, sent over SMTP with TLS.

A delivery's line is kept in the transaction of its id, and that is the effect that the receipt speaks of. When a window of
time is over, its lines are frozen into a mail with a Message-ID made from the deliveries' ids, which goes to each recipient.
"Sent" is recorded after the server has taken it: of the two ways to fail, this one is at least once. If the connector dies
between the server's answer and our record, the same bytes go again with the same Message-ID, by which mail systems know a
repeat; the other way a digest could be lost without anybody knowing. What a line says (no personal data: mail is read
anywhere) is left to the party's connector.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import structlog
from pydantic import Field, SecretStr, StringConstraints, model_validator
from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import SQLAlchemyError

from connectors.sdk import Credentials, Delivery, Effect, Options, Transient
from connectors.sdk.effects import once, open_engine

from . import email_store as store

log = structlog.get_logger()

LINE_CHARS: Final = 300
WATCH_S: Final = 30.0
STOP_S: Final = 10.0

# One plain address, as SMTP's envelope takes it (RFC 5321, 4.1.2, without quoted parts).
Address = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9._%+=-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])$")
]
Text = Annotated[str, StringConstraints(pattern=r"^[^\r\n\x00]*$", max_length=200)]


class EmailOptions(Options):
    database: SecretStr = Field(description="where lines wait, as an SQLAlchemy URL, as in sqlite:///digest.db")
    host: str = Field(min_length=1, max_length=253, description="the mail server")
    port: int = Field(587, ge=1, le=65_535, description="587 with starttls, 465 with tls, as a rule")
    security: Literal["starttls", "tls"] = Field(
        "starttls", description="TLS after greeting, or from the start; never none"
    )
    ca_file: Path | None = Field(None, description="certificates (PEM) that are trusted instead of the system's")
    username: str | None = Field(None, description="for the mail server, if it asks")
    password: SecretStr | None = Field(None, description="for the mail server, if it asks")
    sender: Address = Field(description="the address that digests come from")
    recipients: tuple[Address, ...] = Field(min_length=1, max_length=20, description="the addresses that they go to")
    subject: Text = Field("Enlace", description="subject of every digest; the number of lines is added")
    greeting: str = Field("", max_length=2_000, description="text before the lines")
    closing: str = Field("", max_length=2_000, description="text after the lines")
    window_s: float = Field(86_400, gt=0, le=604_800, description="seconds that a digest gathers, counted from 1970")
    lines: int = Field(500, ge=1, le=5_000, description="lines in one mail; the others go into a second one")
    answer_s: float = Field(30.0, gt=0, le=300, description="seconds to wait for the mail server at each step")

    @model_validator(mode="after")
    def _credentials(self) -> EmailOptions:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        return self


@dataclass
class Flushed:
    """What one look at the waiting mails did, in mails to one recipient each."""

    sent: int = 0
    waiting: int = 0
    refused: int = 0
    error: str | None = None


class DigestSink:
    """A sink; its mails go out by a thread of its own, or by `flush`."""

    def __init__(
        self,
        options: EmailOptions,
        line: Callable[[Delivery], str | None],
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        watch: bool = True,
    ) -> None:
        """`line` says what a digest tells of a delivery, None for nothing. Raises ValueError for settings that do not do."""
        self._options = options
        self._line = line
        self._now_ms = now_ms
        self._tls = _context(options.ca_file)
        self._engine = open_engine(options.database.get_secret_value())
        store.make(self._engine)
        self._flushing = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="digest", daemon=True)
        if watch:
            self._thread.start()

    def deliver(self, delivery: Delivery) -> Effect:
        now_ms = self._now_ms()

        def keep(connection: Connection) -> Effect:
            text = self._line(delivery)
            if text is None:
                return Effect(reference="nothing-to-tell")
            store.keep(connection, delivery.id, now_ms, one_line(text))
            return Effect(reference="in-digest")

        return once(self._engine, delivery, now_ms, keep)

    def flush(self) -> Flushed:
        """Freezes what is due and sends what waits; what could not be sent waits for the next time.

        Raises SQLAlchemyError.
        """
        with self._flushing:
            window_ms = int(self._options.window_s * 1000)
            store.freeze(self._engine, self._now_ms(), window_ms, self._options.lines, self._options.recipients)
            waiting = store.waiting(self._engine)
            flushed = Flushed(waiting=len(waiting))
            if waiting:
                try:
                    self._send_all(waiting, flushed)
                except (OSError, smtplib.SMTPException) as error:  # their words may name the account
                    flushed.error = _code(error)
            if flushed.error:
                log.warning("email.waiting", mails=flushed.waiting, error=flushed.error)
            return flushed

    def check(self) -> None:
        """Greets the mail server, with TLS and login. Raises Credentials, Transient."""
        try:
            self._connected().quit()
        except smtplib.SMTPAuthenticationError:
            raise Credentials("mail server: the user or password is refused") from None
        except (OSError, smtplib.SMTPException) as error:
            raise Transient(f"mail server: {_code(error)}") from None

    def close(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        self._engine.dispose()

    def _watch(self) -> None:
        pause_s = min(WATCH_S, self._options.window_s / 4)
        while not self._ended.wait(pause_s):
            try:
                self.flush()
            except SQLAlchemyError as error:
                log.warning("email.waiting", error=type(error).__name__)

    def _send_all(self, waiting: list[RowMapping], flushed: Flushed) -> None:
        with self._connected() as server:
            for row in waiting:
                state, code = self._send(server, row)
                if state == "waiting":
                    flushed.error = code
                    continue
                store.sent(self._engine, row["mail"], row["recipient"], state, code)
                flushed.waiting -= 1
                flushed.sent += state == "sent"
                flushed.refused += state == "refused"
                if state == "refused":
                    log.error("email.refused", code=code)

    def _send(self, server: smtplib.SMTP, row: RowMapping) -> tuple[str, str | None]:
        """The state of this mail for this recipient: sent, refused for good, or waiting."""
        if row["recipient"] not in self._options.recipients:
            return "refused", "no-recipient-any-more"
        mail = self._mail(row)
        try:
            server.send_message(mail, self._options.sender, [row["recipient"]])
        except smtplib.SMTPRecipientsRefused as refused:
            code = next(iter(refused.recipients.values()))[0]
        except smtplib.SMTPResponseException as refused:  # of the sender, or of the text
            code = refused.smtp_code
        else:
            return "sent", None
        return ("refused" if 500 <= code < 600 else "waiting"), f"smtp-{code}"

    def _connected(self) -> smtplib.SMTP:
        """Raises OSError (also of TLS), SMTPException."""
        options = self._options
        name = options.sender.rpartition("@")[2]
        if options.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                options.host, options.port, name, timeout=options.answer_s, context=self._tls
            )
        else:
            server = smtplib.SMTP(options.host, options.port, name, timeout=options.answer_s)
        try:
            if options.security == "starttls":
                server.starttls(context=self._tls)
            if options.username is not None and options.password is not None:
                server.login(options.username, options.password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server

    def _mail(self, row: RowMapping) -> EmailMessage:
        """The same bytes whenever it is made: what is in it was frozen."""
        options = self._options
        lines = store.lines(self._engine, row["mail"])
        mail = EmailMessage(policy=SMTP)
        mail["From"] = options.sender
        mail["To"] = row["recipient"]
        mail["Subject"] = f"{options.subject} ({len(lines)})"
        mail["Date"] = datetime.fromtimestamp(row["until_ms"] / 1000, UTC)
        mail["Message-ID"] = message_id(row["mail"], options.sender)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answers
        parts = [options.greeting, "\n".join(f"- {line}" for line in lines), options.closing]
        mail.set_content("\n\n".join(part for part in parts if part) + "\n")
        return mail


def message_id(mail: str, sender: str) -> str:
    """Always the same for the same deliveries."""
    digest = hashlib.sha256(f"enlace digest {mail}".encode()).hexdigest()[:32]
    return f"<{digest}@{sender.rpartition('@')[2]}>"


def one_line(text: str) -> str:
    """A line stays one, whatever stands in it, and is not endless."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    plain = " ".join(plain.split())
    return plain if len(plain) <= LINE_CHARS else plain[: LINE_CHARS - 1] + "…"


def _code(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "credentials-refused"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "no-tls-or-login-offered"
    if isinstance(error, ssl.SSLError):
        return "certificate-not-trusted" if isinstance(error, ssl.SSLCertVerificationError) else "tls-failed"
    return type(error).__name__


def _context(ca_file: Path | None) -> Any:
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError):
        raise ValueError("ca_file: not a file of certificates (PEM)") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
