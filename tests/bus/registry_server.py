"""A registry in a thread that speaks as much of Confluent's API as the hub asks for, and misbehaves when told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

FIRST_ID = 101


@dataclass
class Registry:
    """What it holds. `answers`: (method, first part of the path) -> what it says instead: status, body, headers."""

    address: str = ""
    schemas: list[str] = field(default_factory=list)
    levels: dict[str, str] = field(default_factory=dict)
    subjects: dict[str, list[int]] = field(default_factory=dict)
    answers: dict[tuple[str, str], tuple[int, bytes, dict[str, str]]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    authorization: set[str | None] = field(default_factory=set)

    def says(self, method: str, part: str, status: int, body: bytes = b"{}", **headers: str) -> None:
        self.answers[method, part] = status, body, headers

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        parts = [unquote(part) for part in path.split("/")[1:]]
        match method, parts:
            case "POST", ["subjects", subject, "versions"]:
                if body["schema"] not in self.schemas:
                    self.schemas.append(body["schema"])
                number = FIRST_ID + self.schemas.index(body["schema"])
                self.subjects.setdefault(subject, []).append(number)
                return 200, {"id": number}
            case "GET", ["schemas", "ids", number]:
                return 200, {"schema": self.schemas[int(number) - FIRST_ID]}
            case "GET", ["config", subject] if subject in self.levels:
                return 200, {"compatibilityLevel": self.levels[subject]}
            case "PUT", ["config", subject]:
                self.levels[subject] = body["compatibility"]
                return 200, body
        return 404, {"error_code": 40401, "message": "not found"}


@contextmanager
def running() -> Iterator[Registry]:
    """A registry at `address`, until this block ends."""
    registry = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_PUT(self) -> None:
            self._answer()

        def _answer(self) -> None:
            path = urlsplit(self.path).path
            registry.asked.append((self.command, path))
            registry.authorization.add(self.headers["Authorization"])
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"{}")
            instead = registry.answers.get((self.command, path.split("/")[1]))
            if instead is None:
                status, fields = registry.answer(self.command, path, body)
                instead = status, json.dumps(fields).encode(), {}
            status, content, headers = instead
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
