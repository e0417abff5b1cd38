"""What the hub's processes count for Prometheus, and the small server that answers `/metrics`, `/health` and `/ready`.

Names follow Prometheus's conventions (base units, `_total`, `_seconds`). Labels are closed lists and agencies' ids, never an
alert's id and never a value. The console has its own server (hub/console), connectors theirs (connectors/sdk/status.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from hub.model.decision import QUARANTINE_REASONS

if TYPE_CHECKING:
    from collections.abc import Iterator

SILENT_S: Final = 30.0  # without a turn of its loop, a process is not well: as long as the watchdog waits
LATENCIES_S: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
_REASONS: Final = frozenset(QUARANTINE_REASONS)


class Progress:
    """Signs of life of a process's loop. `turn()` is called once in each turn, whether there was anything to do or not."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._turned_s = clock_s()
        self.ready = False

    def turn(self) -> None:
        self._turned_s = self._clock_s()
        self.ready = True

    @property
    def silent_s(self) -> float:
        return self._clock_s() - self._turned_s

    @property
    def alive(self) -> bool:
        return self.silent_s < SILENT_S


class RouterMetrics:
    """What a router counts. `committed()` is told of each transaction, `indefinite()` of each whose outcome is unknown."""

    def __init__(self, progress: Progress | None = None) -> None:
        self.progress = progress or Progress()
        self.registry = registry = CollectorRegistry()
        self._decisions = Counter(
            "enlace_router_records",
            "Records that were settled, by what became of them.",
            ["outcome"],
            registry=registry,
        )
        self._quarantined = Counter(
            "enlace_router_quarantined", "Records that were set aside, by reason.", ["reason"], registry=registry
        )
        self._latency = Histogram(
            "enlace_router_latency_seconds",
            "From the broker's acknowledgement of a record until what followed from it was committed.",
            buckets=LATENCIES_S,
            registry=registry,
        )
        self._transactions = Counter(
            "enlace_router_transactions", "Transactions that were committed.", registry=registry
        )
        self._unknown = Counter(
            "enlace_router_indefinite",
            "Turns that ended with an unknown outcome and were done again.",
            registry=registry,
        )
        Gauge("enlace_router_silent_seconds", "Seconds since the loop last turned.", registry=registry).set_function(
            lambda: self.progress.silent_s
        )
        for reason in QUARANTINE_REASONS:
            self._quarantined.labels(reason)

    def committed(self, results: Mapping[str, int], acknowledged_ms: Iterable[int], now_ms: int) -> None:
        """One transaction: how many records had which result, when each had been acknowledged, and when it was committed."""
        self._transactions.inc()
        for result, count in results.items():
            if result in _REASONS:
                self._quarantined.labels(result).inc(count)
                self._decisions.labels("quarantined").inc(count)
            else:
                self._decisions.labels(result).inc(count)
        for at_ms in acknowledged_ms:
            self._latency.observe(max(0, now_ms - at_ms) / 1000)

    def indefinite(self) -> None:
        self._unknown.inc()


class RecorderMetrics:
    """What the recorder counts."""

    def __init__(self, progress: Progress | None = None) -> None:
        self.progress = progress or Progress()
        self.registry = registry = CollectorRegistry()
        self._records = Counter(
            "enlace_recorder_records",
            "Records taken into the read model, by kind of topic.",
            ["topic"],
            registry=registry,
        )
        self._alarms = Gauge(
            "enlace_recorder_alarms", "Breaks and repeats found in the chain of positions, open.", registry=registry
        )
        self._behind = Gauge(
            "enlace_recorder_lag_records", "Records not yet taken into the read model.", registry=registry
        )
        self._router_behind = Gauge(
            "enlace_router_lag_records",
            "Records of an agency that no router has settled yet.",
            ["agency"],
            registry=registry,
        )
        Gauge("enlace_recorder_silent_seconds", "Seconds since the loop last turned.", registry=registry).set_function(
            lambda: self.progress.silent_s
        )

    def took(self, kind: str, count: int) -> None:
        self._records.labels(kind).inc(count)

    def stands(self, behind: int, alarms: int) -> None:
        self._behind.set(behind)
        self._alarms.set(alarms)

    def routers_behind(self, by_agency: Mapping[str, int]) -> None:
        for agency, count in by_agency.items():
            self._router_behind.labels(agency).set(count)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 10  # seconds for a request to arrive

    def log_message(self, *_: object) -> None:
        """Who asks for metrics is nobody's business."""


@contextmanager
def serving(registry: CollectorRegistry, progress: Progress, port: int, host: str = "127.0.0.1") -> Iterator[int]:
    """Answers until the block ends; gives the port. Raises OSError if it cannot listen there."""
    server = make_server(host, port, _answers(registry, progress), server_class=_Server, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _answers(registry: CollectorRegistry, progress: Progress) -> Any:
    def application(environ: Mapping[str, Any], start: Callable[..., Any]) -> list[bytes]:
        status, kind, body = _answer(str(environ.get("PATH_INFO", "")), registry, progress)
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")])
        return [body]

    return application


def _answer(path: str, registry: CollectorRegistry, progress: Progress) -> tuple[str, str, bytes]:
    """Health is progress, not that a process is there: its loop turned not long ago. Ready: it turned at least once."""
    if path == "/metrics":
        return "200 OK", CONTENT_TYPE_LATEST, generate_latest(registry)
    if path in ("/health", "/ready"):
        well = progress.alive if path == "/health" else progress.alive and progress.ready
        words = f"{'ok' if well else 'not well'}: the loop turned {progress.silent_s:.0f} s ago\n"
        return "200 OK" if well else "503 Service Unavailable", "text/plain; charset=utf-8", words.encode()
    return "404 Not Found", "text/plain; charset=utf-8", b"/metrics, /health and /ready are here\n"
