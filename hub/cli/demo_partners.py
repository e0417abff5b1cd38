"""The systems on the other side in a demonstration: one that takes signed webhooks, a mail server, one that posts messages.

They stand for what agencies run, on this machine only; each keeps what it was sent in a folder, for whoever wants to look.
"""

from __future__ import annotations

import json
import secrets
import ssl
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import SecretStr

from hub.bus.ports import HOST, free_ports

BODY_BYTES: Final = 8 << 20
PATIENCE_S: Final = 60.0
PORTS: Final = 2


class Partners(NamedTuple):
    """Where they are. `words` fill the options of connectors in demo.yaml: {secret}, {webhook}, {mail_port}, {mail_ca},
    {port_1} and so on."""

    secret: str
    words: Mapping[str, object]


@contextmanager
def partners(home: Path) -> Iterator[Partners]:
    """Runs them until the block ends."""
    from aiosmtpd.controller import Controller

    from hub.bus.secured import CA_FILE, Security

    secret = "whsec_" + _base64(secrets.token_bytes(32))
    mail = Security(home / "mail")  # the same authority made on the spot as for a secured Kafka
    mail.prepare(HOST)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(home / "mail" / "security" / "broker.pem")
    server = ThreadingHTTPServer((HOST, 0), _receiver(home / "webhook", secret))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    mail_port, *ports = free_ports(1 + PORTS)
    mails = Controller(
        _Mailbox(home / "mail"), hostname=HOST, port=mail_port, tls_context=context, require_starttls=True
    )
    (home / "webhook").mkdir(parents=True, exist_ok=True)
    thread.start()
    mails.start()
    try:
        words = {
            "secret": secret,
            "webhook": f"http://{HOST}:{server.server_port}/deliveries",
            "mail_port": mail_port,
            "mail_ca": home / "mail" / "security" / CA_FILE,
            **{f"port_{number}": port for number, port in enumerate(ports, start=1)},
        }
        yield Partners(secret, words)
    finally:
        mails.stop()
        server.shutdown()
        server.server_close()
        thread.join(5)


def post(address: str, secret: str, path: Path) -> int:
    """Posts each line of a file as a signed message; how many were taken (202). What is refused is the sender's to mend."""
    import httpx

    from connectors.transports.signing import Signer

    signer = Signer([SecretStr(secret)])
    taken = 0
    with httpx.Client(timeout=PATIENCE_S, trust_env=False) as client:
        for line in path.read_bytes().splitlines():
            if not line.strip():
                continue
            identity = str(uuid.uuid4())
            headers = {**signer.headers(identity, datetime.now(UTC), line), "content-type": "application/json"}
            taken += _answer(client, address, line, headers) == 202
    return taken


def _answer(client: Any, address: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Again while the connector is still starting, or asks for patience."""
    import httpx

    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            status: int = client.post(address, content=body, headers=dict(headers)).status_code
        except httpx.TransportError:
            status = 503
        if status not in (429, 503) or time.monotonic() > deadline_s:
            return status
        time.sleep(0.3)


def _receiver(folder: Path, secret: str) -> type[BaseHTTPRequestHandler]:
    from connectors.transports.signing import NotSigned, Verifier

    verifier = Verifier([SecretStr(secret)])

    class Receiver(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            """Keeps what is signed, once: a repeat has the same id."""
            size = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(min(size, BODY_BYTES))
            try:
                identity = verifier.verify({name.lower(): value for name, value in self.headers.items()}, body)
            except NotSigned:
                self.send_error(401)
                return
            name = "".join(each for each in identity if each.isalnum())[:64]
            (folder / f"{name}.json").write_text(json.dumps(json.loads(body), ensure_ascii=False, indent=1), "utf-8")
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002  the library's name
            """A demonstration prints what it shows, and nothing else."""

    return Receiver


class _Mailbox:
    """Keeps each mail in a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802  the library's name
        (self._folder / f"{time.time_ns()}.eml").write_bytes(envelope.original_content or envelope.content)
        return "250 taken"


def _base64(content: bytes) -> str:
    import base64

    return base64.b64encode(content).decode()
