"""What the hub's processes tell Prometheus, and how they answer whether they are well."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from hub.bus.bus import Outgoing, TopicPartition
from hub.bus.memory import MemoryBus, MemoryPublisher
from hub.bus.memory_log import MemoryLog
from hub.metrics import (
    LATENCIES_S,
    SILENT_S,
    Latencies,
    Progress,
    RecorderMetrics,
    RouterMetrics,
    answer,
    serving,
)
from hub.readmodel.results import Lag, QuarantineGroup, Reconciliation
from hub.router import Lanes, Router
from tests.routing.alerts import BUNDLE, NOW_MS, alert, record_of

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(metrics: RouterMetrics | RecorderMetrics) -> Samples:
    text = generate_latest(metrics.registry).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_router_counts_what_became_of_records_and_why_some_wait() -> None:
    metrics = RouterMetrics()
    metrics.begins()
    metrics.settled({"decided": 3, "unknown-value": 2, "wrong-lane": 1}, [1_000] * 6, 1_030)
    told = samples(metrics)
    assert told["enlace_router_records_total", (("outcome", "decided"),)] == 3
    assert told["enlace_router_records_total", (("outcome", "quarantined"),)] == 3
    assert told["enlace_router_quarantined_total", (("reason", "unknown-value"),)] == 2
    assert told["enlace_router_transactions_total", ()] == 1


def test_what_never_happened_is_told_as_zero_so_that_a_first_time_is_seen() -> None:
    told = samples(RouterMetrics())
    assert told["enlace_router_quarantined_total", (("reason", "fails-alone"),)] == 0
    assert told["enlace_router_records_total", (("outcome", "decided"),)] == 0


def test_the_time_to_delivery_falls_into_the_buckets_of_its_bounds() -> None:
    metrics = RouterMetrics()
    metrics.settled({"decided": 4}, [0, 990, 995, 1_005], 1_000)  # 1 s, 10 ms, 5 ms, a clock that is behind
    told = samples(metrics)

    def upto(bound: str) -> float:
        return told["enlace_router_latency_seconds_bucket", (("le", bound),)]

    assert [upto("0.005"), upto("0.01"), upto("0.5"), upto("1.0"), upto("+Inf")] == [2, 3, 3, 4, 4]
    assert told["enlace_router_latency_seconds_sum", ()] == pytest.approx(1.015)
    assert told["enlace_router_latency_seconds_count", ()] == 4


def test_every_latency_is_counted_once_whatever_it_is() -> None:
    latencies = Latencies("x", "x")
    latencies.observe(range(0, 400_000, 1_000), 400_000)
    (family,) = latencies.collect()
    counts = [sample.value for sample in family.samples if sample.name == "x_bucket"]
    assert counts == sorted(counts) and counts[-1] == 400 and len(counts) == len(LATENCIES_S) + 1


def test_a_turn_that_did_not_go_well_is_counted_when_the_next_begins() -> None:
    metrics = RouterMetrics()
    for went_well in (True, False, False, True):
        metrics.begins()
        if went_well:
            metrics.settled({}, (), 0)
    metrics.begins()
    assert samples(metrics)["enlace_router_failed_turns_total", ()] == 2
    assert samples(metrics)["enlace_router_transactions_total", ()] == 0


def test_a_process_that_only_fails_is_not_well_though_it_is_there() -> None:
    clock = Clock()
    metrics = RouterMetrics(Progress(clock))
    metrics.settled({}, (), 0)
    clock.now_s += SILENT_S + 1
    metrics.begins()
    metrics.begins()
    assert answer("/health", metrics.registry, metrics.progress)[0].startswith("503")
    metrics.settled({}, (), 0)
    assert answer("/health", metrics.registry, metrics.progress)[0].startswith("200")


def test_a_process_is_ready_after_its_first_good_turn() -> None:
    progress = Progress(Clock())
    registry = RouterMetrics(progress).registry
    assert [answer(path, registry, progress)[0][:3] for path in ("/health", "/ready")] == ["200", "503"]
    progress.turn()
    assert answer("/ready", registry, progress)[0].startswith("200")


LAGS = (
    Lag("deliver.iom.b", "deliveries.iom", "stopped", 9, 40.0),
    Lag("enlace-router", "alerts.customs", "stalled", 7, 30.0),
    Lag("deliver.iom.a", "deliveries.iom", "ok", 0, 0.0),
    Lag("enlace-router", "control", "ok", 0, 0.0),
)
SUMS = Reconciliation(7, 2, 1, 0, 0, 1, None)
WAITING = [QuarantineGroup("unknown-value", 2, (), 0, 0)]


def test_the_recorder_tells_the_lag_of_each_agency_the_worst_reader_first() -> None:
    metrics = RecorderMetrics()
    metrics.found({"break": 1}, SUMS, WAITING, LAGS)
    told = samples(metrics)
    customs, iom = (("agency", "customs"), ("topic", "alerts")), (("agency", "iom"), ("topic", "deliveries"))
    assert (told["enlace_lag_records", customs], told["enlace_lag_seconds", customs]) == (7, 30)
    assert told["enlace_lag_records", iom] == 9
    states = {
        labels[1]: value for (name, labels), value in told.items() if name == "enlace_lag_state" and iom[0] in labels
    }
    assert {state for (_, state), value in states.items() if value} == {"stopped"}


def test_the_recorder_tells_what_does_not_add_up_and_what_waits() -> None:
    metrics = RecorderMetrics()
    metrics.stands(12, 1)
    metrics.stands(20, 1)
    metrics.held(3)
    metrics.found({"break": 1}, SUMS, WAITING, LAGS)
    told = samples(metrics)
    assert told["enlace_recorder_records_total", ()] == 20
    assert told["enlace_recorder_stopped_partitions", ()] == 1
    assert told["enlace_held_partitions", ()] == 3
    assert told["enlace_recorder_alarms", (("kind", "break"),)] == 1
    assert told["enlace_reconciliation", (("what", "missing"),)] == 1
    assert told["enlace_quarantine_waiting_records", (("reason", "unknown-value"),)] == 2
    metrics.found({}, SUMS, [], LAGS)
    assert samples(metrics)["enlace_quarantine_waiting_records", (("reason", "unknown-value"),)] == 0


def test_metrics_health_and_readiness_are_answered_on_the_loopback_address() -> None:
    metrics = RouterMetrics()
    with serving(metrics.registry, metrics.progress, 0) as port:
        assert port

        def get(path: str) -> tuple[int, str]:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as found:
                    return found.status, found.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        assert get("/health")[0] == 200
        assert get("/ready")[0] == 503
        metrics.settled({"decided": 1}, [0], 1)
        assert get("/ready")[0] == 200
        status, text = get("/metrics")
        assert status == 200 and 'enlace_router_records_total{outcome="decided"} 1.0' in text
        assert get("/secrets")[0] == 404


def test_without_a_port_nothing_is_answered_and_a_taken_one_is_an_error() -> None:
    metrics = RouterMetrics()
    with serving(metrics.registry, metrics.progress, None) as port:
        assert port is None
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError),
        serving(metrics.registry, metrics.progress, taken.getsockname()[1]),
    ):
        pass


def test_a_router_tells_each_turn_that_went_well_and_when_its_records_were_acknowledged() -> None:
    told: list[tuple[dict[str, int], list[int], int]] = []
    log, lanes = MemoryLog(), Lanes()
    for topic in ("alerts.customs", "deliveries.police", "deliveries.prosecutor", "deliveries.shelter"):
        log.create(topic, 1)
    for topic in ("decisions", "holdings", "quarantine"):
        log.create(topic, 1)
    bus = MemoryBus(log, group="g", slot="s", topics=["alerts.customs"], restore=lanes.restore, state_topic="holdings")
    router = Router(
        bus,
        lanes,
        BUNDLE,
        1,
        clock_ms=lambda: NOW_MS + 7,
        observe=lambda results, times_ms, at_ms: told.append((dict(results), list(times_ms), at_ms)),
    )
    writer = MemoryPublisher(log, name="a connector")
    writer.publish([record_of(alert(1)), Outgoing("alerts.customs", 0, b"k", b"nonsense")])
    for _ in range(5):
        router.step(0)
    (batch,) = [each for each in told if each[0]]
    assert batch[0] == {"decided": 1, "undecodable": 1} and batch[2] == NOW_MS + 7
    assert batch[1] == [record.timestamp_ms for record in log.fetch(TopicPartition("alerts.customs", 0), 0, 9)]
    assert ({}, [], 0) in told, "turns with nothing to do are signs of life"
