"""An HTTP server in a thread of its own beside the connector's loop. What is served is left to intake.py."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any, Final

import uvicorn

HEADER_BYTES: Final = 16_384
IDLE_S: Final = 5
STOP_S: Final = 5
START_S: Final = 30.0


class CannotListen(OSError):
    """The address, the port, the certificate or its key cannot be used."""


class Server:
    """Listens from its making until `close`."""

    def __init__(
        self, app: Any, host: str, port: int, certificate: Path | None, private_key: Path | None, connections: int
    ) -> None:
        """Raises CannotListen."""
        self._server = _Announced(
            uvicorn.Config(
                app,
                ssl_certfile=certificate,
                ssl_keyfile=private_key,
                limit_concurrency=connections * 2,  # open connections; beyond them uvicorn itself says 503
                timeout_keep_alive=IDLE_S,
                timeout_graceful_shutdown=STOP_S,
                h11_max_incomplete_event_size=HEADER_BYTES,
                http="h11",
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
            )
        )
        self._socket = _listening(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()
        self._server.announced.wait(START_S)
        if not self._server.started:
            self._socket.close()
            raise CannotListen("the server did not start: is the certificate that of the private key?")

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(STOP_S * 2)
        self._socket.close()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        except (Exception, SystemExit):  # told by `started`
            self._server.started = False
        finally:
            self._server.announced.set()


class _Announced(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.announced = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.announced.set()


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
    except OSError as error:
        raise CannotListen(f"cannot listen on {host}, port {port}: {error.strerror}") from None
    return opened
