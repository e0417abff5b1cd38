"""What the console counts for Prometheus. Pages by their template of a path, never by an id."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "enlace_console_requests",
            "Requests answered, by page and status.",
            ["page", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "enlace_console_request_seconds", "Time until a page was answered.", ["page"], registry=self.registry
        )
        self.sign_ins = Counter(
            "enlace_console_sign_ins", "Sign-ins: succeeded, failed, limited.", ["outcome"], registry=self.registry
        )
        self.refused = Counter(
            "enlace_console_refused",
            "Requests refused: host, scheme, origin, token, role, size.",
            ["why"],
            registry=self.registry,
        )
        self.streams = Gauge("enlace_console_streams", "Pages that are kept fresh right now.", registry=self.registry)

        self.open_streams = 0

    def stream(self, change: int) -> None:
        """A page begins or ends to be kept fresh."""
        self.open_streams += change
        self.streams.set(self.open_streams)

    def text(self) -> bytes:
        """In Prometheus's text format."""
        return generate_latest(self.registry)
