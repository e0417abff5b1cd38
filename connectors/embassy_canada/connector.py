"""Embassy of Canada to Panama: consular reports in (signed HTTP), an e-mail digest about its nationals out.

What a report means is in mapping.yaml, what a digest says in digest.py. A release that is not about Canadian nationals should
not have been sent: it is rejected, and nothing of it is told or kept. A mail cannot be taken back; so a withdrawal is announced
in the next digest, for alerts that a digest told of, and no digest ever held anything of a person.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, StringConstraints
from sqlalchemy import BigInteger, Column, String, Table, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError

from connectors.generic.messages import MessageOptions, MessageSource
from connectors.sdk import Connector, Delivery, Effect, Transient
from connectors.sdk.effects import metadata, open_engine
from connectors.sdk.mapping import Mapping, mapping_of
from connectors.transports.email import DigestSink, EmailOptions

from . import digest

AGENCY: Final = "embassy-canada"
TITLE: Final = "Enlace: Embassy of Canada to Panama"
CaveatWords = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\r\n\x00]*$")]

# The alerts that a digest tells, or is about to tell, of: a withdrawal of any other would be a riddle.
told = Table(
    "embassy_told",
    metadata,
    Column("alert", String(36), primary_key=True),
    Column("since_ms", BigInteger, nullable=False),
)


class EmbassyOptions(MessageOptions):
    email: EmailOptions | None = Field(None, description="the digest, and where it is sent; needed to run")
    french: bool = Field(False, description="labels of the digest in English and French")
    caveats: dict[str, CaveatWords] = Field(
        default_factory=dict,
        max_length=20,
        description="words of the bundle's caveats by code, told under every digest",
    )


class EmbassySink:
    def __init__(
        self,
        options: EmbassyOptions,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        watch: bool = True,
    ) -> None:
        """`watch`: mails go out by themselves, or else by `digest.flush()`. Raises ValueError for options that do not do."""
        if options.email is None:
            raise ValueError("email: say where the digest is sent")
        self._french = options.french
        self._now_ms = now_ms
        self._engine = open_engine(options.email.database.get_secret_value())
        metadata.create_all(self._engine, tables=[told])
        closing = "\n\n".join(part for part in (digest.legend(options.caveats), options.email.closing) if part)
        email = options.email.model_copy(update={"closing": closing})
        self.digest = DigestSink(email, self._line, now_ms, watch)

    def deliver(self, delivery: Delivery) -> Effect:
        """Raises Rejected for a release that is not about nationals, and Transient."""
        if delivery.record.kind == "release":
            alert = str(delivery.alert)
            digest.must_be_about_nationals(delivery, known=self._is_told(alert))
            self._tell_of(alert)
        return self.digest.deliver(delivery)

    def check(self) -> None:
        """Greets the mail server. Raises Credentials, Transient."""
        self.digest.check()

    def close(self) -> None:
        self.digest.close()
        self._engine.dispose()

    def _line(self, delivery: Delivery) -> str | None:
        if delivery.record.kind == "withdrawal" and not self._is_told(str(delivery.alert)):
            return None
        return digest.line(delivery, self._french)

    def _tell_of(self, alert: str) -> None:
        """Before the line: a crash in between leaves an alert told of that is delivered again."""
        try:
            if not self._is_told(alert):
                with self._engine.begin() as connection:
                    connection.execute(insert(told).values(alert=alert, since_ms=self._now_ms()))
        except (OperationalError, IntegrityError) as error:
            raise Transient(type(error).__name__) from None

    def _is_told(self, alert: str) -> bool:
        try:
            with self._engine.connect() as connection:
                return connection.execute(select(told.c.alert).where(told.c.alert == alert)).first() is not None
        except OperationalError as error:
            raise Transient(type(error).__name__) from None


def mapping() -> Mapping:
    """Raises BadMapping."""
    return mapping_of(files(__package__).joinpath("mapping.yaml").read_bytes(), "mapping.yaml")


def source(options: EmbassyOptions) -> MessageSource:
    """Raises what MessageSource raises."""
    return MessageSource(
        options, mapping(), agency=AGENCY, ask="Embassy of Canada to Panama, consular section", title=TITLE
    )


def _files(paths: Sequence[Path], _watchlist: Path | None) -> EmbassyOptions:
    return EmbassyOptions(files=tuple(paths))


CONNECTOR = Connector(
    name="embassy-canada",
    agency=AGENCY,
    title="Embassy of Canada: consular reports (signed HTTP); digest about its nationals (e-mail)",
    options=EmbassyOptions,
    source=source,
    sink=EmbassySink,
    files=_files,
)
