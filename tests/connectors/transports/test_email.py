"""An e-mail digest over a real SMTP server with TLS: each delivery in one mail, however often something fails in between."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.sdk import Credentials, Delivery, Transient
from connectors.transports.email import LINE_CHARS, DigestSink, EmailOptions, one_line
from tests.connectors.deliveries import record
from tests.connectors.transports.servers import Certificates, certificates, until

HOUR_MS = 3_600_000
START_MS = 1_800_000_000_000 // HOUR_MS * HOUR_MS


class Mailbox:
    """What the server took; `refuse` says, by recipient, with what answer it refuses."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], bytes]] = []
        self.refuse: dict[str, str] = {}
        self.crash = False
        self.encrypted: list[bool] = []

    async def handle_RCPT(  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        self.mails.append(([str(each) for each in envelope.rcpt_tos], envelope.content))
        return "250 OK"

    def messages(self) -> list[EmailMessage]:
        found = []
        for _, content in self.mails:
            message = email.message_from_bytes(content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            found.append(message)
        return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


def authenticated(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=data == LoginPassword(b"enlace", b"hidden"), handled=False)


@contextmanager
def server(made: Certificates, security: str = "starttls", **fields: Any) -> Iterator[tuple[Mailbox, int]]:
    mailbox = Mailbox()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    if security == "tls":
        fields["ssl_context"] = context
    elif security == "starttls":
        fields |= {"tls_context": context, "require_starttls": True}
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **fields)
    controller.start()
    try:
        yield mailbox, port
    finally:
        controller.stop()


class Clock:
    def __init__(self) -> None:
        self.now_ms = START_MS + 1_000

    def __call__(self) -> int:
        return self.now_ms


def line(delivery: Delivery) -> str | None:
    if delivery.record.kind == "request":
        return None
    return f"{delivery.record.kind} {delivery.record.number}"


def sink(folder: Path, made: Certificates, port: int, clock: Clock, watch: bool = False, **fields: Any) -> DigestSink:
    options = {
        "database": f"sqlite:///{folder / 'digest.db'}",
        "host": "127.0.0.1",
        "port": port,
        "ca_file": made.authority,
        "sender": "enlace@hub.example",
        "recipients": ["consul@embassy.example"],
        "subject": "Avisos",
        "greeting": "Sobre sus nacionales:",
        "window_s": 3600,
        **fields,
    }
    return DigestSink(EmailOptions.model_validate(options), line, clock, watch=watch)


def delivery(number: int, kind: str = "release") -> Delivery:
    return Delivery(record(kind, number=number, recipient="embassy-canada"))


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_lines_of_a_window_go_into_one_mail_when_it_is_over(
    tmp_path: Path, made: Certificates, security: str
) -> None:
    clock = Clock()
    with server(made, security) as (mailbox, port):
        digest = sink(tmp_path, made, port, clock, security=security)
        for number in (1, 2, 2, 3):  # one of them comes twice
            clock.now_ms += 1
            assert digest.deliver(delivery(number)).reference == "in-digest"
        assert digest.deliver(delivery(4, "request")).reference == "nothing-to-tell"
        assert digest.flush().sent == 0 and mailbox.mails == []
        clock.now_ms += HOUR_MS
        assert digest.flush().sent == 1
        assert digest.flush().sent == 0
        digest.close()
    (message,) = mailbox.messages()
    assert message["To"] == "consul@embassy.example" and message["Subject"] == "Avisos (3)"
    text = message.get_content().replace("\r\n", "\n")
    assert text.strip() == "Sobre sus nacionales:\n\n- release 1\n- release 2\n- release 3"
    assert mailbox.encrypted == [True]


def test_each_window_has_its_mail_and_a_long_one_has_several(tmp_path: Path, made: Certificates) -> None:
    clock = Clock()
    with server(made) as (mailbox, port):
        digest = sink(tmp_path, made, port, clock, lines=2)
        for number in (1, 2, 3):
            digest.deliver(delivery(number))
        clock.now_ms += HOUR_MS
        digest.deliver(delivery(4))
        clock.now_ms += HOUR_MS
        assert digest.flush().sent == 3
        digest.close()
    assert [str(each["Subject"]) for each in mailbox.messages()] == ["Avisos (2)", "Avisos (1)", "Avisos (1)"]
    assert len({each["Message-ID"] for each in mailbox.messages()}) == 3


def test_a_line_that_comes_when_the_clock_was_set_back_is_not_lost(tmp_path: Path, made: Certificates) -> None:
    clock = Clock()
    with server(made) as (mailbox, port):
        digest = sink(tmp_path, made, port, clock)
        digest.deliver(delivery(1))
        clock.now_ms += HOUR_MS
        assert digest.flush().sent == 1
        clock.now_ms -= HOUR_MS
        digest.deliver(delivery(2))
        clock.now_ms += HOUR_MS
        assert digest.flush().sent == 1
        digest.close()
    assert len({each["Message-ID"] for each in mailbox.messages()}) == 2


def test_after_a_crash_between_the_server_s_answer_and_our_record_the_same_mail_goes_again(
    tmp_path: Path, made: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    with server(made) as (mailbox, port):
        digest = sink(tmp_path, made, port, clock)
        digest.deliver(delivery(1))
        clock.now_ms += HOUR_MS

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr("connectors.transports.email_store.sent", killed)
            with pytest.raises(KeyboardInterrupt):
                digest.flush()
        digest.close()
        clock.now_ms += HOUR_MS
        again = sink(tmp_path, made, port, clock)
        assert again.deliver(delivery(1)).reference == "in-digest"
        again.deliver(delivery(2))
        assert again.flush().sent == 1
        again.close()
    first, second = mailbox.mails
    assert first == second


def test_while_the_server_is_away_mails_wait(tmp_path: Path, made: Certificates) -> None:
    clock = Clock()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    digest = sink(tmp_path, made, port, clock)
    digest.deliver(delivery(1))
    clock.now_ms += HOUR_MS
    found = digest.flush()
    with pytest.raises(Transient, match="ConnectionRefusedError"):
        digest.check()
    digest.close()
    assert (found.sent, found.waiting, found.error) == (0, 1, "ConnectionRefusedError")
    with server(made) as (mailbox, there):
        digest = sink(tmp_path, made, there, clock)
        assert digest.flush().sent == 1 and len(mailbox.mails) == 1
        digest.close()


def test_a_recipient_that_is_refused_for_good_keeps_no_other_from_the_mail(tmp_path: Path, made: Certificates) -> None:
    clock = Clock()
    with server(made) as (mailbox, port):
        mailbox.refuse = {"gone@embassy.example": "550 no such user", "busy@embassy.example": "451 later"}
        names = ["gone@embassy.example", "busy@embassy.example", "consul@embassy.example"]
        digest = sink(tmp_path, made, port, clock, recipients=names)
        digest.deliver(delivery(1))
        clock.now_ms += HOUR_MS
        found = digest.flush()
        assert (found.sent, found.refused, found.waiting, found.error) == (1, 1, 1, "smtp-451")
        mailbox.refuse = {}
        found = digest.flush()
        assert (found.sent, found.refused, found.waiting) == (1, 0, 0)
        digest.close()
    assert [to for to, _ in mailbox.mails] == [["consul@embassy.example"], ["busy@embassy.example"]]


def test_a_certificate_of_another_authority_is_not_spoken_to(tmp_path: Path, made: Certificates) -> None:
    other = certificates(tmp_path / "other")
    clock = Clock()
    for security in ("starttls", "tls"):
        with server(made, security) as (mailbox, port):
            digest = sink(tmp_path, other, port, clock, security=security)
            digest.deliver(delivery(1))
            clock.now_ms += HOUR_MS
            assert digest.flush().error == "certificate-not-trusted"
            digest.close()
            assert mailbox.mails == []


def test_a_server_that_offers_no_tls_is_told_nothing(tmp_path: Path, made: Certificates) -> None:
    clock = Clock()
    with server(made, "none") as (mailbox, port):
        digest = sink(tmp_path, made, port, clock, username="enlace", password="hidden")
        digest.deliver(delivery(1))
        clock.now_ms += HOUR_MS
        assert digest.flush().error == "no-tls-or-login-offered"
        digest.close()
        assert mailbox.mails == []


def test_a_password_is_used_over_tls_and_shown_nowhere(tmp_path: Path, made: Certificates) -> None:
    clock = Clock()
    with server(made, authenticator=authenticated, auth_required=True) as (mailbox, port):
        for password, error in (("wrong-secret", "credentials-refused"), ("hidden", None)):
            digest = sink(tmp_path, made, port, clock, username="enlace", password=password)
            digest.deliver(delivery(1))
            clock.now_ms += HOUR_MS
            assert digest.flush().error == error
            if error:
                with pytest.raises(Credentials):
                    digest.check()
            else:
                digest.check()
            assert password not in repr(digest._options)
            digest.close()
        assert len(mailbox.mails) == 1


def test_mails_go_out_by_themselves(tmp_path: Path, made: Certificates) -> None:
    clock = Clock()
    with server(made) as (mailbox, port):
        digest = sink(tmp_path, made, port, clock, watch=True, window_s=0.05)
        digest.deliver(delivery(1))
        clock.now_ms += HOUR_MS
        until(lambda: len(mailbox.mails) == 1, "the mail")
        digest.close()


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "a\nBcc: other@example.org"},
        {"sender": "a@b.example\r\nBcc: other@example.org"},
        {"recipients": ["a@b.example\nBcc: c@d.example"]},
        {"recipients": ["a@b.example, c@d.example"]},
        {"recipients": ["-oQ/tmp <a@b.example>"]},
        {"recipients": []},
        {"username": "enlace"},
        {"security": "none"},
    ],
)
def test_settings_that_could_become_another_header_or_no_tls_are_refused(
    tmp_path: Path, made: Certificates, fields: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        sink(tmp_path, made, 25, Clock(), **fields)


@given(st.text())
def test_a_line_stays_one_line_whatever_stands_in_it(text: str) -> None:
    found = one_line(text)
    assert len(found.splitlines()) <= 1 and len(found) <= LINE_CHARS
    assert found == found.strip() and "\0" not in found
