"""The demonstration as a newcomer runs it: the whole way of an alert through real processes and a real Kafka."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demonstration's folder and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ENLACE_")}
    command = [sys.executable, "-m", "hub.cli", "demo", "--folder", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=380, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return folder / "demo", ran.stdout


def _rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(database) as connection:
        return connection.execute(query).fetchall()


def test_a_notice_makes_the_next_passenger_list_an_alert_for_the_prosecutor(demo: tuple[Path, str]) -> None:
    hits = _rows(
        demo[0] / "attorney-general.db",
        "select class, handling from inbox_alert where originator = 'customs' order by class",
    )
    assert ("wanted-person", "H1") in hits
    assert ("missing-person", "H1") in hits


def test_indicators_make_alerts_without_a_watch_list(demo: tuple[Path, str]) -> None:
    found = _rows(
        demo[0] / "attorney-general.db",
        "select count(*) from inbox_alert where originator = 'customs' and class = 'suspected-transit'",
    )
    assert found == [(4,)]  # two children alone, one of whom is sought, one group, one route with two travellers


def test_the_watch_list_has_an_end_date_for_each_person(demo: tuple[Path, str]) -> None:
    entries = _rows(demo[0] / "customs.db", "select sought, until_ms from watch_entry order by sought")
    assert {sought for sought, _ in entries} == {"missing", "suspect"}
    assert all(until_ms for _, until_ms in entries)


def test_the_table_says_who_received_what_and_why(demo: tuple[Path, str]) -> None:
    printed = demo[1]
    for word in ("Who received what", "no-permit", "originator", "PA-G15", "A delivery to unodc-ropan"):
        assert word in printed
    assert "0 in quarantine" in printed


def test_every_party_has_in_its_own_system_what_it_was_released(demo: tuple[Path, str]) -> None:
    home = demo[0]
    for found in (
        "interpol/solicitudes/pending/*.json",
        "iom/remisiones/pending/*.xlsx",
        "sica/paquetes/*.json",
        "unodc-ropan/statistics_victim-identified_*.csv",
        "webhook/*.json",
        "mail/*.eml",
    ):
        assert list(home.glob(found)), found
    assert _rows(home / "commission.db", "select count(*) from register_case") > [(0,)]
    assert _rows(home / "readmodel.sqlite", "select count(distinct originator) from alerts") == [(8,)]


def test_a_digest_by_mail_names_nobody_and_tells_of_the_withdrawal(demo: tuple[Path, str]) -> None:
    mails = [message_from_bytes(path.read_bytes()) for path in sorted((demo[0] / "mail").glob("*.eml"))]
    texts = "".join(mail.get_payload(decode=True).decode() for mail in mails)  # type: ignore[union-attr]
    assert "WITHDRAWN" in texts and "URGENT" in texts
    assert not [name for name in ("IMAGINED", "Chloe", "2010") if name in texts]


def test_no_log_names_a_person(demo: tuple[Path, str]) -> None:
    for log in (demo[0] / "logs").glob("*.log"):
        text = log.read_text(encoding="utf-8").upper()
        assert not [name for name in ("CLARK", "PAREDES", "GOMEZ", "AN700146") if name in text]


@pytest.mark.long
def test_a_secured_demonstration_ends_as_the_other(tmp_path: Path) -> None:
    """Each party comes by TLS, with a password of its own, and may do what is its own."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ENLACE_")}
    command = [sys.executable, "-m", "hub.cli", "demo", "--secure", "--folder", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=380, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    assert "0 in quarantine" in ran.stdout
    assert (tmp_path / "demo" / "agencies" / "customs.env").stat().st_mode & 0o077 == 0
