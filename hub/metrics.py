"""What the hub's processes count for Prometheus, and the small server that answers `/metrics`, `/health` and `/ready`.

Names follow Prometheus's conventions (base units, `_total`, `_seconds`). Labels are closed lists, agencies' ids and names of
topics, never an alert's id and never a value. The console has its own server (hub/console), connectors theirs
(connectors/sdk/status.py). All are listed in docs/metrics.md, which is made from the code.
"""

from __future__ import annotations

import socket
import threading
import time
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from hub.model.decision import QUARANTINE_REASONS
from hub.readmodel.results import ALARMS, LAG_STATES, Lag, QuarantineGroup, Reconciliation
from hub.routing.lifecycle import ENDS

SILENT_S: Final = 30.0  # without a turn that went well, a process is not well: as long as the watchdog waits
LATENCIES_S: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
QUARANTINED: Final = "quarantined"
SETTLED: Final = ("decided", "duplicate", "superseded", "expired", "cancelled", "forgotten", "noted", QUARANTINED)
UNSOUND: Final = ("missing", "unauthorised", "broken")
REQUEST_S: Final = 10  # for a request to arrive
ROUTERS: Final = "enlace-router"  # their group: hub/router.py
_READ: Final = ("alerts", "receipts", "control", "deliveries")  # kinds of topics whose lag is told
_REASONS: Final = frozenset(QUARANTINE_REASONS)


class Progress:
    """Signs of life of a process's loop: `turn()` is called after each turn that went well, with something to do or not."""

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


class Latencies:
    """A histogram that takes a whole batch at once, since observing record by record would cost as much as deciding."""

    def __init__(self, name: str, words: str, bounds_s: Sequence[float] = LATENCIES_S) -> None:
        self._name, self._words = name, words
        self._bounds_s = bounds_s
        self._counts = [0] * (len(bounds_s) + 1)
        self._sum_s = 0.0
        self._lock = threading.Lock()

    def observe(self, begun_ms: Iterable[int], ended_ms: int) -> None:
        """So many times from its beginning to one end. A clock that is behind counts as no time at all."""
        tally = Tally(begun_ms)  # the broker stamps a batch of records at once: there are few different times
        with self._lock:
            for at_ms, count in tally.items():
                seconds = max(0, ended_ms - at_ms) / 1000
                self._counts[bisect_left(self._bounds_s, seconds)] += count
                self._sum_s += seconds * count

    def describe(self) -> Iterator[HistogramMetricFamily]:
        yield HistogramMetricFamily(self._name, self._words)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        with self._lock:
            sums, total_s = list(accumulate(self._counts)), self._sum_s
        bounds = [*(str(float(bound)) for bound in self._bounds_s), "+Inf"]
        yield HistogramMetricFamily(
            self._name, self._words, buckets=list(zip(bounds, map(float, sums), strict=True)), sum_value=total_s
        )


class RouterMetrics:
    """What a router counts: `begins()` is called before each turn, `settled()` after each that went well."""

    def __init__(self, progress: Progress | None = None) -> None:
        self.progress = progress or Progress()
        self.registry = registry = CollectorRegistry()
        self._turning = False
        self._records = Counter(
            "enlace_router_records",
            "Records that were settled, by what became of them.",
            ["outcome"],
            registry=registry,
        )
        self._quarantined = Counter(
            "enlace_router_quarantined", "Records that were set aside, by reason.", ["reason"], registry=registry
        )
        self._latency = Latencies(
            "enlace_router_latency_seconds",
            "From the broker's acknowledgement of a record until what follows from it was delivered (committed).",
        )
        registry.register(self._latency)
        self._transactions = Counter(
            "enlace_router_transactions", "Transactions that were committed.", registry=registry
        )
        self._repeated = Counter(
            "enlace_router_failed_turns",
            "Turns of the loop that failed, or whose outcome was unknown, and were done again.",
            registry=registry,
        )
        self._alarms = Counter(
            "enlace_router_alarms", "Alarms of the bus: see the log for each (bus.alarm).", registry=registry
        )
        self._stopped = Gauge(
            "enlace_router_stopped_partitions", "Partitions that this router does not read any more.", registry=registry
        )
        _silence("enlace_router", self.progress, registry)
        for outcome in SETTLED:
            self._records.labels(outcome)
        for reason in QUARANTINE_REASONS:
            self._quarantined.labels(reason)

    def begins(self) -> None:
        """A turn begins; if the one before did not settle(), it failed."""
        if self._turning:
            self._repeated.inc()
        self._turning = True

    def settled(self, results: Mapping[str, int], acknowledged_ms: Iterable[int], now_ms: int) -> None:
        """A turn went well: how many records had which result, when each was acknowledged, when they were committed.
        Without results there was nothing to do."""
        self._turning = False
        self.progress.turn()
        if not results:
            return
        self._transactions.inc()
        self._latency.observe(acknowledged_ms, now_ms)
        for result, count in results.items():
            if result in _REASONS:
                self._quarantined.labels(result).inc(count)
            self._records.labels(QUARANTINED if result in _REASONS else result).inc(count)

    def alarm(self) -> None:
        self._alarms.inc()

    def stopped(self, partitions: int) -> None:
        self._stopped.set(partitions)


class RecorderMetrics:
    """What the recorder knows: of itself, and of the hub by what it has recorded and sampled."""

    def __init__(self, progress: Progress | None = None) -> None:
        self.progress = progress or Progress()
        self.registry = registry = CollectorRegistry()
        self._recorded = 0
        self._records = Counter("enlace_recorder_records", "Records taken into the read model.", registry=registry)
        self._behind = Gauge(
            "enlace_recorder_lag_records", "Offsets not yet taken into the read model.", registry=registry
        )
        self._stopped = Gauge(
            "enlace_recorder_stopped_partitions", "Partitions that the recorder cannot read on.", registry=registry
        )
        self._alarms = Gauge(
            "enlace_recorder_alarms", "What must never happen, and did, by kind.", ["kind"], registry=registry
        )
        self._unsound = Gauge(
            "enlace_reconciliation",
            "What does not add up: deliveries missing or unauthorised, partitions whose chain is broken.",
            ["what"],
            registry=registry,
        )
        self._waiting = Gauge(
            "enlace_quarantine_waiting_records",
            "Records that wait in quarantine, by reason.",
            ["reason"],
            registry=registry,
        )
        self._held = Gauge(
            "enlace_held_partitions",
            "Partitions that a hanging transaction holds: nobody can read on.",
            registry=registry,
        )
        lag = ["agency", "topic"]
        self._lag_records = Gauge(
            "enlace_lag_records", "Offsets that a topic's readers have not committed.", lag, registry=registry
        )
        self._lag_seconds = Gauge(
            "enlace_lag_seconds", "How long the oldest record has waited at least, as sampled.", lag, registry=registry
        )
        self._lag_state = Gauge(
            "enlace_lag_state", "1 for how the lag is judged by its progress.", [*lag, "state"], registry=registry
        )
        _silence("enlace_recorder", self.progress, registry)
        for kind in ALARMS:
            self._alarms.labels(kind)
        for what in UNSOUND:
            self._unsound.labels(what)

    def stands(self, recorded: int, stopped: int) -> None:
        """After each turn: records taken in since the start, partitions given up."""
        self.progress.turn()
        self._records.inc(recorded - self._recorded)
        self._recorded = recorded
        self._stopped.set(stopped)

    def behind(self, offsets: int) -> None:
        self._behind.set(offsets)

    def held(self, partitions: int) -> None:
        self._held.set(partitions)

    def found(
        self,
        alarms: Mapping[str, int],
        sums: Reconciliation,
        waiting: Sequence[QuarantineGroup],
        lags: Sequence[Lag],
    ) -> None:
        """With each sample: alarms by kind, the reconciliation, what waits in quarantine, and the lags, worst first."""
        for kind in ALARMS:
            self._alarms.labels(kind).set(alarms.get(kind, 0))
        for what in UNSOUND:
            self._unsound.labels(what).set(getattr(sums, what))
        by_reason = {group.reason: group.count for group in waiting}
        for reason in QUARANTINE_REASONS:
            self._waiting.labels(reason).set(by_reason.get(reason, 0))
        for lag in reversed(lags):  # the worst reader of a topic is told
            kind, _, agency = lag.topic.partition(".")
            if kind in _READ and (kind == "deliveries" or lag.group == ROUTERS):
                self._tell(lag, agency, kind)

    def _tell(self, lag: Lag, agency: str, kind: str) -> None:
        self._lag_records.labels(agency, kind).set(lag.records)
        self._lag_seconds.labels(agency, kind).set(lag.seconds)
        for state in LAG_STATES:
            self._lag_state.labels(agency, kind, state).set(state == lag.state)


class SchedulerMetrics:
    """What the scheduler counts."""

    def __init__(self, progress: Progress | None = None) -> None:
        self.progress = progress or Progress()
        self.registry = registry = CollectorRegistry()
        self._written: Mapping[str, int] = {}
        self._orders = Counter(
            "enlace_scheduler_orders", "Orders that end alerts, written, by their kind.", ["order"], registry=registry
        )
        self._alerts = Gauge(
            "enlace_scheduler_alerts", "Alerts that are remembered, by the order to come.", ["order"], registry=registry
        )
        self._unheeded = Gauge(
            "enlace_scheduler_unheeded_orders",
            "Orders from which nothing has followed so far: no router carried them out.",
            registry=registry,
        )
        _silence("enlace_scheduler", self.progress, registry)
        for end in ENDS.values():
            self._orders.labels(end.order)
            self._alerts.labels(end.order)

    def stands(self, written: Mapping[str, int], alerts: Mapping[str, int], unheeded: int) -> None:
        """After each turn: orders written since the start, alerts by the order to come, and orders that are unheeded."""
        self.progress.turn()
        for order, count in written.items():
            self._orders.labels(order).inc(count - self._written.get(order, 0))
        self._written = dict(written)
        for order, count in alerts.items():
            self._alerts.labels(order).set(count)
        self._unheeded.set(unheeded)


def _silence(prefix: str, progress: Progress, registry: CollectorRegistry) -> None:
    gauge = Gauge(f"{prefix}_silent_seconds", "Seconds since the loop's last turn that went well.", registry=registry)
    gauge.set_function(lambda: progress.silent_s)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    timeout = REQUEST_S

    def log_message(self, *_: object) -> None:
        """Who asks for metrics is nobody's business."""


@contextmanager
def serving(
    registry: CollectorRegistry, progress: Progress, port: int | None, host: str = "127.0.0.1"
) -> Iterator[int | None]:
    """Answers until the block ends; gives the port, 0 being a free one. Without a port nothing is answered. Raises OSError
    if it cannot listen there."""
    if port is None:
        yield None
        return
    family = _Server6 if ":" in host else _Server
    server = make_server(host, port, _answers(registry, progress), server_class=family, handler_class=_Quiet)
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
        status, kind, body = answer(str(environ.get("PATH_INFO", "")), registry, progress)
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")])
        return [body]

    return application


def answer(path: str, registry: CollectorRegistry, progress: Progress) -> tuple[str, str, bytes]:
    """Status, media type and body. Health is progress, not that a process is there: its loop turned well not long ago.
    Ready: it did so at least once."""
    if path == "/metrics":
        return "200 OK", CONTENT_TYPE_LATEST, generate_latest(registry)
    if path in ("/health", "/ready"):
        well = progress.alive and (progress.ready or path == "/health")
        words = f"{'ok' if well else 'not well'}: the loop's last good turn was {progress.silent_s:.0f} s ago\n"
        return "200 OK" if well else "503 Service Unavailable", "text/plain; charset=utf-8", words.encode()
    return "404 Not Found", "text/plain; charset=utf-8", b"/metrics, /health and /ready are here\n"
