"""A real Chromium for tests and pictures of the console, and a console that it can reach, on a free port of loopback."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser, sync_playwright

from hub.console.app import create_app
from tests.console.world import World

CHROMIUM = Path(os.environ.get("ENLACE_TEST_CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZE = {"width": 1280, "height": 800}
WAIT_MS = 30_000


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS), timeout=4 * WAIT_MS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(world: World) -> Iterator[str]:
    """The address of this world's console, while the block lasts."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # from now on whoever comes waits for the server, and is not refused
        port = listening.getsockname()[1]
        house = replace(world.house, port=port)
        server = uvicorn.Server(uvicorn.Config(create_app(house), log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(20)
