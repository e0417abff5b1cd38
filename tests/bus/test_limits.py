"""Limits nest, settings come from the environment, secrets do not show, and quiet processes are ended."""

from __future__ import annotations

import logging
import threading

import pytest
from pydantic import SecretStr, ValidationError

from hub.bus import library
from hub.bus.limits import Limits
from hub.bus.membership import _subscription
from hub.bus.settings import Connection
from hub.bus.watchdog import STUCK, Watchdog


def test_the_default_limits_nest() -> None:
    limits = Limits()
    assert limits.request_ms < limits.delivery_ms < limits.wait_ms < limits.transaction_ms
    assert limits.transaction_ms < limits.watchdog_ms < limits.max_poll_ms


@pytest.mark.parametrize(
    "changed",
    [
        {"request_ms": 10_000},
        {"delivery_ms": 12_000},
        {"wait_ms": 20_000},
        {"transaction_ms": 30_000},
        {"watchdog_ms": 60_000},
        {"heartbeat_ms": 4_000},
        {"session_ms": 0},
    ],
)
def test_limits_that_do_not_nest_are_refused(changed: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Limits(**changed)


def test_a_connection_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENLACE_BOOTSTRAP_SERVERS", "broker:9093")
    monkeypatch.setenv("ENLACE_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("ENLACE_SASL_MECHANISM", "PLAIN")
    monkeypatch.setenv("ENLACE_SASL_PLAIN_USERNAME", "router")
    monkeypatch.setenv("ENLACE_SASL_PLAIN_PASSWORD", "open sesame")
    connection = Connection()
    assert connection.client() == {
        "bootstrap_servers": "broker:9093",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "router",
        "sasl_plain_password": "open sesame",
        "ssl_check_hostname": True,
    }
    assert "sesame" not in repr(connection)


def test_a_password_does_not_show_in_an_error() -> None:
    with pytest.raises(ValidationError) as refused:
        Connection(bootstrap_servers="", sasl_plain_password=SecretStr("open sesame"))
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize("pattern", ["alerts", "^alerts", "alerts$", "^(alerts"])
def test_a_pattern_must_be_anchored_at_both_ends(pattern: str) -> None:
    with pytest.raises(Exception, match=r"anchored|unterminated"):
        _subscription(pattern)


def test_the_watchdog_ends_a_process_without_a_sign_of_life() -> None:
    ended = threading.Event()
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    Watchdog(20, end)
    assert ended.wait(30)
    assert codes == [STUCK]


def test_a_watchdog_that_was_stopped_ends_nothing() -> None:
    codes: list[int] = []
    watchdog = Watchdog(60_000, codes.append)
    watchdog.beat()
    watchdog.stop()
    assert codes == []


def test_the_library_never_logs_records() -> None:
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    try:
        logging.getLogger("kafka").setLevel(logging.NOTSET)
        library.quiet()
        assert not logging.getLogger("kafka.producer.kafka").isEnabledFor(logging.DEBUG)
        logging.getLogger("kafka").setLevel(logging.DEBUG)
        library.quiet()
        assert not logging.getLogger("kafka.producer.sender").isEnabledFor(logging.DEBUG)
    finally:
        root.setLevel(level)
        logging.getLogger("kafka").setLevel(logging.WARNING)


def test_a_new_epoch_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    library.quiet()
    logger = logging.getLogger("kafka.producer.transaction_manager")
    logger.warning("Bumping producer epoch for %s after recoverable error", 7)
    logger.warning("Something else")
    assert caplog.messages == ["Something else"]
