"""Real servers for the tests of transports: HTTP in a thread, and certificates of an authority made on the spot."""

from __future__ import annotations

import datetime as dt
import ipaddress
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.transports.server import Server

TICK_S = 0.01


@dataclass(frozen=True)
class Certificates:
    """An authority, and a server's certificate for localhost and 127.0.0.1."""

    authority: Path
    certificate: Path
    key: Path


def certificates(folder: Path, *names: str) -> Certificates:
    now = dt.datetime.now(dt.UTC)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an invented authority")])

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )

    root = (
        builder(authority, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    alternative: list[x509.GeneralName] = [x509.DNSName(name) for name in names or ("localhost",)]
    if not names:
        alternative.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    leaf = (
        builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server")]), key.public_key())
        .add_extension(x509.SubjectAlternativeName(alternative), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    made = Certificates(folder / "authority.pem", folder / "server.pem", folder / "server.key")
    made.authority.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    made.certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


@dataclass
class Seen:
    """What a server was asked."""

    headers: dict[str, str]
    body: bytes
    url: str


@dataclass
class Stage:
    """Where a server listens, and what it was asked."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)


Answer = Callable[[Seen], Response]


class _Theatre:
    """A server whose answers change from test to test."""

    def __init__(self, certificates: Certificates | None) -> None:
        route = Route("/{path:path}", self._endpoint, methods=["GET", "POST"])
        certificate, key = (certificates.certificate, certificates.key) if certificates else (None, None)
        self.answer: Answer = lambda _seen: Response()
        self.stage = Stage()
        self.server = Server(Starlette(routes=[route]), "127.0.0.1", 0, certificate, key, 64)

    async def _endpoint(self, request: Request) -> Response:
        seen = Seen(dict(request.headers), await request.body(), str(request.url))
        self.stage.seen.append(seen)
        return self.answer(seen)


_IDLE: list[_Theatre] = []


@contextmanager
def serving(answer: Answer, certificates: Certificates | None = None) -> Iterator[Stage]:
    """A server on 127.0.0.1 that gives `answer` to everything. Those without TLS are used again: starting takes time."""
    theatre = _IDLE.pop() if _IDLE and certificates is None else _Theatre(certificates)
    theatre.stage, theatre.answer = Stage(theatre.server.port), answer
    try:
        yield theatre.stage
    finally:
        if certificates is None:
            _IDLE.append(theatre)
        else:
            theatre.server.close()


def until(found: Callable[[], bool], what: str, limit_s: float = 60.0) -> None:
    """Waits for something that another thread does. Fails when it takes far longer than it can."""
    tick = threading.Event()
    for _ in range(int(limit_s / TICK_S)):
        if found():
            return
        tick.wait(TICK_S)
    raise AssertionError(f"waited in vain for {what}")


def answers(*addresses: str) -> Callable[[str, int], Awaitable[list[str]]]:
    """A resolver that gives these in turn, one at each question, the last for ever."""
    left = list(addresses)

    async def resolve(_host: str, _port: int) -> list[str]:
        return [left.pop(0) if len(left) > 1 else left[0]]

    return resolve
