"""A connector kept running: errors told apart, started again, paused and rewound, its health told without a value."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from connectors.sdk import Credentials, Gap, Transient
from connectors.sdk.control import Control
from connectors.sdk.deliver import Counts as TakenCounts
from connectors.sdk.kinds import Fault
from connectors.sdk.publish import Counts, Identity
from connectors.sdk.run import FIRST_PAUSE_S, LOOK_S, Failed, Supervision
from connectors.sdk.status import EVERY_MS, HEALTH, Reporter, Status, Trouble, sayable, serve_metrics, trouble_of
from hub.bus.bus import BusError, Indefinite, Publisher, SlotTaken
from hub.bus.memory import MemoryPublisher
from hub.bus.memory_log import START_MS, MemoryLog
from hub.model.avro import decode_as, unframe
from hub.model.receipt import Health
from tests.connectors.deliveries import KEY


class Half:
    def __init__(self, counts: Any) -> None:
        self.counts = counts
        self.waits = False


class Scripted:
    """A `Running` whose turns are written down: numbers of records, or what is raised."""

    starts = 0

    def __init__(self, script: list[Any], log: list[str], alive: Callable[[], None] = lambda: None) -> None:
        self._script = script
        self._log = log
        self.publication = Half(Counts())
        self.reception = Half(TakenCounts())
        self.housekeeping = None
        self.waits = False
        self._alive = alive
        log.append("start")

    def turn(self, stop: Callable[[], bool]) -> int:
        if not self._script:
            return 0
        step = self._script.pop(0)
        if isinstance(step, BaseException):
            raise step
        if step == "waits":
            self.waits = True
            return 0
        self.waits = False
        assert isinstance(step, int)
        self.publication.counts.published += step
        stop()
        return step

    def beat(self) -> None:
        self._alive()

    def rewind(self, position: str | None) -> None:
        self._log.append(f"rewind {position}")

    def close(self) -> None:
        self._log.append("close")


class Stage:
    """A supervision over a script, with a clock that only sleeping moves."""

    def __init__(self, folder: Path, *script: Any) -> None:
        self.script = list(script)
        self.log: list[str] = []
        self.now_ms = START_MS
        self.told: list[tuple[str, str | None]] = []
        self.status = Status("book", "customs")
        self.control = Control(folder)
        self.slept_s = 0.0
        self.alive_ms, self.silent_ms = START_MS, 0  # the last sign of life, and the longest time without one
        start: Any = lambda: Scripted(self.script, self.log, self._alive)  # noqa: E731
        self.supervision = Supervision(
            start, self.control, self.status, self._tell, self._sleep, now=lambda: self.now_ms
        )

    def _tell(self, status: Status, _force: bool) -> None:
        look = (status.state, status.trouble.kind if status.trouble else None)
        if not self.told or self.told[-1] != look:
            self.told.append(look)

    def _sleep(self, pause_s: float) -> None:
        self.slept_s += pause_s
        self.now_ms += int(pause_s * 1000)
        self.silent_ms = max(self.silent_ms, self.now_ms - self.alive_ms)

    def _alive(self) -> None:
        self.alive_ms = self.now_ms

    def until_done(self) -> None:
        self.supervision.run(lambda: not self.script)


def test_a_bad_connection_is_waited_for_and_the_connector_stays_as_it_is(tmp_path: Path) -> None:
    stage = Stage(tmp_path, 3, Transient("SECRET"), Indefinite("lost"), BusError("away"), 2, 0)
    stage.until_done()
    assert stage.log == ["start", "close"] and stage.status.published == 5 and stage.status.restarts == 0
    assert stage.told == [("running", None), ("waiting", "transient"), ("running", None), ("stopped", None)]
    assert stage.slept_s > 0.5 * FIRST_PAUSE_S


@pytest.mark.parametrize(
    ("error", "kind"),
    [(Credentials("x"), "credentials"), (Gap("x"), "gap"), (KeyError("SECRET"), "fault"), (Fault("x"), "fault")],
)
def test_what_waiting_does_not_mend_closes_the_connector_and_starts_it_again(
    tmp_path: Path, error: Exception, kind: str
) -> None:
    stage = Stage(tmp_path, 3, error, error, 2, 0)
    stage.until_done()
    assert stage.log == ["start", "close", "start", "close", "start", "close"]
    assert stage.told == [("running", None), ("failed", kind), ("running", None), ("stopped", None)]
    assert stage.status.restarts == 2 and stage.status.published == 5


def test_a_system_that_is_away_at_the_first_start_is_waited_for(tmp_path: Path) -> None:
    stage = Stage(tmp_path, 1, 0)
    away = [Transient("x"), Transient("x"), Transient("x")]

    def start() -> Any:
        if away:
            raise away.pop()
        return Scripted(stage.script, stage.log)

    stage.supervision._start = start
    stage.until_done()
    assert stage.status.published == 1 and stage.status.restarts == 0
    assert stage.told[0] == ("waiting", "transient")


def test_options_that_do_not_fit_are_told_at_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    def start() -> Any:
        raise ValueError("no such folder")

    stage.supervision._start = start
    with pytest.raises(ValueError, match="no such folder"):
        stage.supervision.run(lambda: False)


def test_pauses_grow_and_a_success_makes_them_short_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, *[Transient("x")] * 12, 0)
    stage.until_done()
    assert stage.slept_s > 60
    short = Stage(tmp_path, *[Transient("x"), 1] * 12, 0)
    short.until_done()
    assert short.slept_s <= 12 * (FIRST_PAUSE_S + LOOK_S)


def test_a_process_whose_place_was_taken_ends(tmp_path: Path) -> None:
    stage = Stage(tmp_path, SlotTaken("another"), 1)
    with pytest.raises(SlotTaken):
        stage.until_done()
    assert stage.log == ["start", "close"]


def test_once_ends_with_a_failure_that_waiting_does_not_mend(tmp_path: Path) -> None:
    stage = Stage(tmp_path, 1, KeyError("SECRET"))
    with pytest.raises(Failed) as failed:
        stage.supervision.run(lambda: False, once=True)
    assert failed.value.trouble.kind == "fault" and "SECRET" not in str(failed.value)


def test_a_stop_is_heeded_while_it_waits(tmp_path: Path) -> None:
    stage = Stage(tmp_path, *[Credentials("x")] * 100)
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 50

    stage.supervision.run(stop)
    assert stage.told[-1] == ("stopped", "credentials") and stage.slept_s < 60


def test_a_sink_that_waits_is_told_as_waiting(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "waits", 1, 0)
    stage.until_done()
    assert stage.told[:2] == [("waiting", "transient"), ("running", None)]


def test_a_paused_connector_does_nothing_until_it_is_resumed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, 1, 1)
    stage.control.pause()
    looks = []

    def stop() -> bool:
        looks.append(stage.status.published)
        if len(looks) == 20:
            Control(tmp_path).resume()
        return not stage.script

    stage.supervision.run(stop)
    assert set(looks[:20]) == {0} and stage.status.published == 2
    assert stage.told[0] == ("waiting", None)


def test_a_connector_that_waits_or_is_paused_is_alive_all_the_while(tmp_path: Path) -> None:
    """The bus ends a process that shows no sign of life for half a minute."""
    stage = Stage(tmp_path, 1, *[Transient("x")] * 12, 0)
    stage.until_done()
    assert stage.slept_s > 60 and stage.silent_ms < 1_000
    paused = Stage(tmp_path, 1)
    paused.control.pause()
    paused.supervision.run(lambda: paused.slept_s > 60)
    assert paused.silent_ms < 1_000


def test_a_rewind_is_made_once_and_outlives_a_restart(tmp_path: Path) -> None:
    Control(tmp_path).ask_rewind(None)
    stage = Stage(tmp_path, 1, 1, 0)
    stage.until_done()
    assert stage.log == ["start", "rewind None", "close"] and Control(tmp_path).rewind() is None
    Control(tmp_path).ask_rewind("7")
    again = Stage(tmp_path, 1, 0)
    again.until_done()
    assert "rewind 7" in again.log


def test_a_rewind_to_no_position_is_refused(tmp_path: Path) -> None:
    for position in ("", "x" * 10_001):
        with pytest.raises(ValueError, match="a position has"):
            Control(tmp_path).ask_rewind(position)
    (tmp_path / "rewind.json").write_text("not JSON")
    assert Control(tmp_path).rewind() is None


def test_lag_is_the_time_since_all_was_done(tmp_path: Path) -> None:
    stage = Stage(tmp_path, 0, Transient("x"), Transient("x"), 1)
    stage.supervision.run(lambda: len(stage.script) == 1)
    assert stage.status.lag_s(stage.now_ms) > 0
    stage.status.caught_up_ms = stage.now_ms
    assert stage.status.lag_s(stage.now_ms) == 0


# --- what is told


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as found:
        return found


def test_an_error_is_told_by_kind_class_and_place_and_never_by_its_words() -> None:
    for error in (KeyError("SECRET"), ValueError("SECRET"), Transient("SECRET"), Credentials("SECRET")):
        trouble = trouble_of(raised(error))
        assert type(error).__name__ in trouble.words and "SECRET" not in trouble.words
    assert "test_run:" in trouble_of(raised(KeyError("x"))).words


def test_a_bus_that_refuses_us_is_a_matter_of_credentials() -> None:
    class SaslAuthenticationFailedError(Exception):
        pass

    error = Indefinite("no answer")
    error.__cause__ = SaslAuthenticationFailedError()
    assert trouble_of(error).kind == "credentials"
    assert trouble_of(Indefinite("TopicAuthorizationFailedError")).kind == "credentials"
    assert trouble_of(Indefinite("no answer in time")).kind == "transient"
    assert trouble_of(PermissionError(13, "x")).kind == "credentials"


def test_only_words_of_our_own_types_are_sayable() -> None:
    assert sayable(KeyError("SECRET")) == "KeyError"
    assert sayable(Gap("a gap")) == "a gap"


class Place:
    def __init__(self) -> None:
        self.log = MemoryLog()
        self.log.create("connectors.customs", 1)
        self.now_ms = START_MS
        self.away = False
        self.reporter = Reporter(Identity("customs", "book", KEY, 6), self._open, lambda: self.now_ms)

    def _open(self) -> Publisher:
        if self.away:
            raise BusError("away")
        return MemoryPublisher(self.log, name="health")

    def told(self) -> list[Health]:
        records = self.log.table(self.log.partitions("connectors.customs"))
        assert {record.key for _, record in records} <= {HEALTH + b"book"}
        return [decode_as(Health, unframe(record.value or b"")[1]) for _, record in records]


def test_health_is_told_on_every_change_of_state_and_every_half_minute() -> None:
    place, status = Place(), Status("book", "customs", "running")
    place.reporter.tell(status)
    status.published = 7
    place.reporter.tell(status)
    place.now_ms += EVERY_MS
    place.reporter.tell(status)
    status.state, status.trouble = "failed", Trouble("fault", "KeyError in book:7")
    place.reporter.tell(status)
    place.reporter.tell(status)
    told = place.told()
    assert [each.state for each in told] == ["running", "running", "failed"]
    assert [each.published for each in told] == [0, 7, 7] and told[-1].error == "fault: KeyError in book:7"


def test_a_bus_that_is_away_does_not_end_the_telling() -> None:
    place, status = Place(), Status("book", "customs", "running")
    place.away = True
    place.reporter.tell(status)
    place.away = False
    place.now_ms += EVERY_MS
    place.reporter.tell(status)
    assert len(place.told()) == 1


def test_metrics_are_answered_in_prometheus_words() -> None:
    status = Status("book", "customs", "failed", Trouble("gap", "x"), published=3, set_aside=2, started_ms=START_MS)
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    end = serve_metrics(status, lambda: START_MS + 5_000, port, "127.0.0.1")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            found = {
                (sample.name, *sample.labels.values()): sample.value
                for family in text_string_to_metric_families(answer.read().decode())
                for sample in family.samples
            }
    finally:
        end()
    assert found["enlace_connector_published_total", "customs", "book"] == 3
    assert found["enlace_connector_set_aside_total", "customs", "book"] == 2
    assert found["enlace_connector_lag_seconds", "customs", "book"] == 5
    assert found["enlace_connector_state", "customs", "book", "failed"] == 1
    assert found["enlace_connector_last_error", "customs", "book", "gap"] == 1
