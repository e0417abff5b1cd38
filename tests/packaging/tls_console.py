"""A console that ends TLS itself, on a free port of loopback: enough of it to be asked whether it is well."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import uvicorn

from hub.bus.secured import Security
from hub.console.app import create_app
from hub.console.ask import House
from hub.console.people import People
from hub.console.sessions import lifetimes
from hub.console.settings import ConsoleSettings
from hub.readmodel.database import open_database


@contextmanager
def answering(folder: Path) -> Iterator[int]:
    """Its port, while the block lasts."""
    Security(folder).prepare("127.0.0.1")
    pem = folder / "security" / "broker.pem"  # a certificate for localhost with its key
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        settings = ConsoleSettings(tls_certfile=pem, tls_keyfile=pem, origin=f"https://localhost:{port}", port=port)
        house = House(
            engine=open_database("sqlite://"),
            cluster=cast(Any, None),
            settings=settings,
            people=People(),
            sessions=lifetimes(settings),
            clock=lambda: 0,
            port=port,
        )
        config = uvicorn.Config(create_app(house), log_level="error", ssl_certfile=pem)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield port
        finally:
            server.should_exit = True
            thread.join(20)
            house.engine.dispose()
