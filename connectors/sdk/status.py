"""How a connector is: what it did, what ails it, told to operators on the bus (`health/`) and as metrics. Never a value.

An error is told as its kind and class, and the place in code where it happened; its words stay where they are.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import structlog
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from hub.bus.bus import BusError, Outgoing, Publisher, SlotTaken
from hub.model.receipt import ErrorKind, Health

from .kinds import Credentials, Fault, Gap, Transient
from .publish import Identity

log = structlog.get_logger()

State = Literal["running", "waiting", "stopped", "failed"]

HEALTH: Final = b"health/"
EVERY_MS: Final = 30_000
STATES: Final[tuple[State, ...]] = ("running", "waiting", "stopped", "failed")
_OWN: Final = ("connectors.", "hub.")
_REFUSED: Final = ("Authentication", "Authorization", "Sasl", "SSLError", "CERTIFICATE", "PermissionError")


@dataclass(frozen=True)
class Trouble:
    """What ails a connector: the kind decides what it does, `words` are for people."""

    kind: ErrorKind
    words: str

    @property
    def state(self) -> State:
        return "waiting" if self.kind == "transient" else "failed"


def trouble_of(error: BaseException) -> Trouble:
    """The kind of an error: the other system is not ready, refuses us, left something out, or the fault is our own."""
    words = f"{_class(error)}{_place(error)}"
    if isinstance(error, Credentials) or _refused(error):
        return Trouble("credentials", words)
    if isinstance(error, Gap):
        return Trouble("gap", words)
    if isinstance(error, Transient | BusError):
        return Trouble("transient", words)
    return Trouble("fault", words)


def _refused(error: BaseException) -> bool:
    """Whether the bus refused us: its adapter tells the class of the client's error, in the chain or in its words."""
    chain = [error, *(each for each in (error.__cause__,) if each is not None)]
    if not isinstance(error, BusError):
        return isinstance(error, PermissionError)
    return any(word in type(each).__name__ or word in str(each) for each in chain for word in _REFUSED)


def _class(error: BaseException) -> str:
    """The class whose fault it is: of a Fault, the one that it stands for."""
    cause = error.__cause__ if isinstance(error, Fault) else None
    return type(cause or error).__name__


def _place(error: BaseException) -> str:
    """` in module:line`, the deepest place in code that is not a library's."""
    cause = error.__cause__ if isinstance(error, Fault) else None
    frames = [
        (str(frame.f_globals.get("__name__", "")), line)
        for frame, line in traceback.walk_tb((cause or error).__traceback__)
        if "site-packages" not in frame.f_code.co_filename and "/lib/python" not in frame.f_code.co_filename
    ]
    inner = [each for each in frames if not each[0].startswith("connectors.sdk.")] or frames
    return f" in {inner[-1][0]}:{inner[-1][1]}" if inner else ""


def sayable(error: BaseException) -> str:
    """The words of an error, if it is of the kit's, a transport's or the hub's own types, which hold no values; else its
    class."""
    own = type(error).__module__.startswith(("connectors.sdk", "connectors.transports", "hub."))
    return str(error) if own else type(error).__name__


@dataclass
class Status:
    """What a connector did since it was started, over all restarts."""

    connector: str
    agency: str
    state: State = "waiting"
    trouble: Trouble | None = None
    published: int = 0
    renewed: int = 0
    cancelled: int = 0
    unchanged: int = 0
    set_aside: int = 0
    delivered: int = 0
    rejected: int = 0
    parked: int = 0
    deleted: int = 0
    restarts: int = 0
    caught_up_ms: int | None = None  # when there was last nothing to do
    started_ms: int = 0

    def lag_s(self, now_ms: int) -> float:
        """Seconds since it had last done all that there was to do; 0 while there is nothing."""
        return max(0, now_ms - (self.caught_up_ms or self.started_ms)) / 1000

    def record(self, at_ms: int) -> Health:
        """What operators may know of it."""
        return Health(
            connector=self.connector,
            agency=self.agency,
            at_ms=at_ms,
            state=self.state,
            published=self.published + self.cancelled,
            delivered=self.delivered,
            set_aside=self.set_aside,
            error=f"{self.trouble.kind}: {self.trouble.words}"[:500] if self.trouble else None,
        )


class Reporter:
    """Tells a connector's health on its own topic: on every change of state, and every 30 seconds."""

    def __init__(
        self,
        identity: Identity,
        open_publisher: Callable[[], Publisher],
        now_ms: Callable[[], int],
    ) -> None:
        self._identity = identity
        self._open = open_publisher
        self._now_ms = now_ms
        self._publisher: Publisher | None = None
        self._told: tuple[Any, ...] | None = None
        self._told_ms = 0

    def tell(self, status: Status, force: bool = False) -> None:
        """Never raises but SlotTaken: that the bus is away is told when it is back."""
        now_ms = self._now_ms()
        look = (status.state, status.trouble)
        if not force and look == self._told and now_ms - self._told_ms < EVERY_MS:
            return
        self._told, self._told_ms = look, now_ms
        try:
            if self._publisher is None:
                self._publisher = self._open()
            self._publisher.publish([health_record(self._identity, status, now_ms)])
        except SlotTaken:
            raise
        except Exception as error:
            log.warning("connector.health-not-told", connector=self._identity.connector, error=type(error).__name__)
            self.close()

    def close(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher.close()


def health_record(identity: Identity, status: Status, at_ms: int) -> Outgoing:
    """A connector's health, under `health/`: the recorder reads these keys only."""
    key = HEALTH + identity.connector.encode()
    return identity.record(identity.state_topic, 0, key, status.record(at_ms))


class Metrics:
    """A connector's status in Prometheus' words; the names are documented in docs/connectors/kit.md."""

    def __init__(self, status: Status, now_ms: Callable[[], int]) -> None:
        self._status = status
        self._now_ms = now_ms

    def collect(self) -> Iterator[Metric]:
        status, names = self._status, ["agency", "connector"]
        labels = [status.agency, status.connector]
        for name, words, count in (
            ("published", "alerts published", status.published),
            ("renewed", "of those published, what lasts and was told anew before its end", status.renewed),
            ("cancelled", "alerts cancelled", status.cancelled),
            ("unchanged", "records that said nothing new", status.unchanged),
            ("set_aside", "bad records set aside", status.set_aside),
            ("delivered", "deliveries that had their effect", status.delivered),
            ("rejected", "deliveries that the recipient refused", status.rejected),
            ("parked", "deliveries that could not be delivered", status.parked),
            ("deleted", "copies deleted because they may not be kept longer", status.deleted),
            ("restarts", "starts after a failure", status.restarts),
        ):
            counter = CounterMetricFamily(f"enlace_connector_{name}", words, labels=names)
            counter.add_metric(labels, count)
            yield counter
        lag = GaugeMetricFamily(
            "enlace_connector_lag_seconds", "seconds since all that there was to do was done", labels=names
        )
        lag.add_metric(labels, status.lag_s(self._now_ms()))
        yield lag
        state = GaugeMetricFamily("enlace_connector_state", "1 for the state that it is in", labels=[*names, "state"])
        for each in STATES:
            state.add_metric([*labels, each], float(each == status.state))
        yield state
        error = GaugeMetricFamily(
            "enlace_connector_last_error", "1 for the kind of error that holds it up", labels=[*names, "kind"]
        )
        if status.trouble:
            error.add_metric([*labels, status.trouble.kind], 1.0)
        yield error


def serve_metrics(status: Status, now_ms: Callable[[], int], port: int, host: str) -> Callable[[], None]:
    """Answers Prometheus until the returned function is called. Raises OSError."""
    registry = CollectorRegistry()
    registry.register(Metrics(status, now_ms))
    server, thread = start_http_server(port, host, registry)

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join(5)

    return end
