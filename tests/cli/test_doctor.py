"""What the doctor looks at beside topics: what is well, what is not, and what to do about it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hub.bus.local import LocalKafka
from hub.bus.schema_ids import asked
from hub.cli import checks
from hub.guidelines.language import Validity
from tests.bus import registry_server
from tests.cli.command import enlace
from tests.routing.alerts import BUNDLE, bundle

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1000)
PRODUCTION = {
    "unclean.leader.election.enable": "false",
    "auto.create.topics.enable": "false",
    "offsets.retention.minutes": "525600",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "false",
}


def test_a_broker_set_up_as_in_production_has_nothing_wrong() -> None:
    assert list(checks.wrong_settings(1, PRODUCTION, production=True)) == []


@pytest.mark.parametrize(("name", "value"), [
    ("unclean.leader.election.enable", "true"),
    ("auto.create.topics.enable", "true"),
    ("offsets.retention.minutes", "10080"),
    ("min.insync.replicas", "1"),
    ("default.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("authorizer.class.name", ""),
    ("allow.everyone.if.no.acl.found", "true"),
])  # fmt: skip
def test_a_setting_that_endangers_a_promise_is_found_with_what_to_set(name: str, value: str) -> None:
    (found,) = checks.wrong_settings(3, {**PRODUCTION, name: value}, production=True)
    assert (found.what, found.well) == ("broker 3", False)
    assert f"{name}=" in found.advice and ": else " in found.advice


def test_one_machine_is_not_asked_for_copies_but_for_what_always_holds() -> None:
    one = {**PRODUCTION, "min.insync.replicas": "1", "authorizer.class.name": "", "auto.create.topics.enable": "true"}
    (found,) = checks.wrong_settings(1, one, production=False)
    assert found.found == "auto.create.topics.enable is true"


@pytest.mark.parametrize(("stamp_ms", "well"), [
    (-1, True), (NOW_MS - 60_000, True), (NOW_MS + 900, True), (NOW_MS + 1_500, False)
])  # fmt: skip
def test_a_clock_behind_the_brokers_is_found_by_their_stamps(stamp_ms: int, well: bool) -> None:
    assert checks.clock_against(stamp_ms, NOW_MS).well == well


def certificate(path: Path, days: int) -> Path:
    """A PEM file with a certificate that ends in so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an invented broker")])
    begins = NOW - timedelta(days=100)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(begins).not_valid_after(NOW + timedelta(days=days, hours=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path.write_bytes(path.read_bytes() if path.exists() else b"")
    path.write_bytes(path.read_bytes() + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(("days", "well", "found"), [
    (31, True, "(31 days)"), (29, False, "(29 days)"), (-2, False, "ended on")
])  # fmt: skip
def test_a_certificate_that_ends_within_a_month_is_found(tmp_path: Path, days: int, well: bool, found: str) -> None:
    (seen,) = checks.certificates({"ENLACE_SSL_CAFILE": certificate(tmp_path / "ca.pem", days), "UNSET": None}, NOW)
    assert seen.well == well and found in seen.found and bool(seen.advice) != well


def test_of_several_certificates_in_a_file_the_first_to_end_counts(tmp_path: Path) -> None:
    path = certificate(certificate(tmp_path / "chain.pem", 300), 10)
    (seen,) = checks.certificates({"ENLACE_SSL_CERTFILE": path}, NOW)
    assert not seen.well and "(10 days)" in seen.found


def test_a_file_without_a_certificate_is_found_and_its_content_not_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("SECRET")
    (none, absent) = checks.certificates({"A": tmp_path / "ca.pem", "B": tmp_path / "gone.pem"}, NOW)
    assert not none.well and not absent.well and "SECRET" not in repr((none, absent))


def test_guidelines_that_end_within_a_month_are_found_by_name() -> None:
    first, second, third, *rest = BUNDLE.guidelines
    ends = [date(2026, 12, 20), date(2026, 12, 30), date(2026, 11, 1)]  # soon, later, past
    changed = [
        each.model_copy(update={"valid": Validity(until=until)})
        for each, until in zip((first, second, third), ends, strict=True)
    ]
    (found,) = checks.guidelines(bundle(guidelines=(*changed, *rest)), NOW_MS)
    assert found.what == f"guideline {first.id}" and not found.well and "2026-12-20" in found.found
    (well,) = checks.guidelines(BUNDLE, NOW_MS)
    assert well.well


@pytest.mark.parametrize(("behind", "sampled_ms", "well"), [
    (0, NOW_MS - 20_000, True), (0, None, False), (0, NOW_MS - 600_000, False), (200_000, NOW_MS, False)
])  # fmt: skip
def test_a_recorder_that_is_away_or_behind_is_found(behind: int, sampled_ms: int | None, well: bool) -> None:
    found = checks.recording(behind, sampled_ms, NOW_MS)
    assert found.well == well and bool(found.advice) != well


def test_no_registry_is_asked_where_none_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENLACE_SCHEMA_REGISTRY_URL", raising=False)
    assert list(checks.registry()) == []


def test_a_registry_that_does_not_answer_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENLACE_SCHEMA_REGISTRY_URL", "http://127.0.0.1:9/apis/ccompat/v7")
    (found,) = checks.registry()
    assert not found.well and "127.0.0.1" in found.found


def test_subjects_whose_compatibility_is_not_kept_by_the_registry_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with registry_server.running() as server:
        monkeypatch.setenv("ENLACE_SCHEMA_REGISTRY_URL", server.address)
        asked()
        (well,) = checks.registry()
        subject = min(server.levels)
        server.levels[subject] = "NONE"
        (found,) = checks.registry()
    assert well.well and not found.well
    assert found.what == f"subject {subject}" and found.found == "compatibility is NONE"


@pytest.mark.kafka
def test_the_doctor_asks_a_real_broker_for_its_settings_versions_and_clock(kafka: LocalKafka, tmp_path: Path) -> None:
    answer = enlace(
        "doctor", "--json", ENLACE_BOOTSTRAP_SERVERS=kafka.bootstrap_servers, ENLACE_HOME=str(tmp_path),
        ENLACE_PROFILE=str(Path(__file__).parents[2] / "profiles" / "panama"),
    )  # fmt: skip
    found = {row["what"]: row for row in answer.json}
    assert found["versions"]["well"] and found["brokers' settings"]["well"] and found["clock"]["well"], answer.out
    assert answer.code == 1, "its topics are not there"
    assert all(row["advice"] for row in answer.json if not row["well"])
