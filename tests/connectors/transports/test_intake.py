"""Signed HTTP in, over a real server: 202 only for what the bus has, and a plain answer to everything else."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import SecretStr, ValidationError

from connectors.sdk import Alert, BadNative, Draft, Facts, Label, Options, Read
from connectors.transports.intake import PATH, Intake, Received, publishable
from connectors.transports.intake_options import IntakeOptions
from connectors.transports.server import CannotListen
from connectors.transports.signing import Signer
from connectors.transports.spool import LostPosition
from tests.connectors.deliveries import narrative
from tests.connectors.transports.servers import Certificates, certificates, until

OLD, NEW = ("whsec_" + base64.b64encode(text).decode() for text in (b"an invented secret " * 2, b"another secret " * 3))
SCHEMA: dict[str, Any] = {"type": "object", "required": ["case"], "properties": {"case": {"type": "string"}}}
SENSITIVE = "Invented-Name"


def options(folder: Path, **fields: object) -> IntakeOptions:
    return IntakeOptions.model_validate(
        {"secrets": [OLD, NEW], "spool": folder / "spool.db", "port": 0, "commit_s": 60, **fields}
    )


def check(received: Received) -> None:
    if not isinstance(received.value, dict) or "case" not in received.value:
        raise BadNative("needs a case", "case")


class Bus:
    """The connector's loop: what it reads is committed, unless it is told not to."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self._committing = True
        self._turn = threading.Lock()
        self.committed: list[Received] = []
        self.position: str | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def pause(self) -> None:
        """Nothing that comes from now on is committed: a turn that was under way is over."""
        with self._turn:
            self._committing = False

    def resume(self) -> None:
        self._committing = True

    def step(self) -> None:
        for read in self.intake.read(self.position):
            assert isinstance(read, Read)
            self.committed.append(read.native)
            self.position = read.position
        if self.position:
            self.intake.settled(self.position)

    def _run(self) -> None:
        while not self._ended.wait(0.01):
            with self._turn:
                if self._committing:
                    self.step()

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._thread.join()


class Sender:
    def __init__(self, port: int, secret: str = NEW, scheme: str = "http", ca: Certificates | None = None) -> None:
        verify = ssl.create_default_context(cafile=str(ca.authority)) if ca else False  # without TLS, nothing to verify
        self.client = httpx.Client(base_url=f"{scheme}://127.0.0.1:{port}", verify=verify, timeout=60, trust_env=False)
        self.signer = Signer([SecretStr(secret)])

    def post(self, message_id: str, body: bytes | str, **headers: str) -> httpx.Response:
        data = body.encode() if isinstance(body, str) else body
        signed = self.signer.headers(message_id, datetime.now(UTC), data)
        return self.client.post(PATH, content=data, headers={"Content-Type": "application/json", **signed, **headers})


@contextmanager
def open_intake(folder: Path, position: str | None = None, **fields: object) -> Iterator[tuple[Intake, Bus, Sender]]:
    """A connector that starts at a position, as its bus tells it."""
    intake = Intake(options(folder, **fields), check, SCHEMA)
    bus, sender = Bus(intake), Sender(intake.start())
    bus.position = position
    if position is not None:
        intake.settled(position)
    try:
        with bus.running(), sender.client:
            yield intake, bus, sender
    finally:
        intake.close()


def body(case: str = "c1") -> str:
    return json.dumps({"case": case, "name": SENSITIVE})


def test_a_message_that_is_answered_202_is_on_the_bus_once_and_a_repeat_has_the_same_answer(tmp_path: Path) -> None:
    with open_intake(tmp_path) as (_, bus, sender):
        first, second = sender.post("m1", body()), sender.post("m1", body())
        assert first.status_code == second.status_code == 202
        assert first.content == second.content == b'{"id":"m1","status":"committed"}'
        assert [(each.id, each.value) for each in bus.committed] == [("m1", json.loads(body()))]


def test_there_is_no_answer_before_the_bus_has_it(tmp_path: Path) -> None:
    with open_intake(tmp_path) as (intake, bus, sender), ThreadPoolExecutor(1) as pool:
        bus.pause()
        answer = pool.submit(sender.post, "m1", body())
        until(lambda: intake._spool.state() == "waiting", "the message in the spool")
        assert not answer.done()
        bus.resume()
        assert answer.result(60).status_code == 202


def test_a_sender_that_was_asked_to_repeat_finds_its_message_on_the_bus(tmp_path: Path) -> None:
    with open_intake(tmp_path, commit_s=0.05) as (_, bus, sender):
        bus.pause()
        answer = sender.post("m1", body())
        assert answer.status_code == 503 and answer.json()["code"] == "not-ready"
        assert int(answer.headers["retry-after"]) > 0
        bus.step()
        assert sender.post("m1", body()).status_code == 202
        assert len(bus.committed) == 1


def test_what_was_taken_before_a_crash_goes_on_after_it(tmp_path: Path) -> None:
    with open_intake(tmp_path, commit_s=0.05) as (_, bus, sender):
        bus.pause()
        assert sender.post("m1", body()).status_code == 503
    with open_intake(tmp_path) as (_, bus, sender):
        assert sender.post("m1", body()).status_code == 202
        assert [each.id for each in bus.committed] == ["m1"]


def test_after_a_crash_between_the_bus_and_the_answer_nothing_goes_twice(tmp_path: Path) -> None:
    with open_intake(tmp_path, commit_s=0.05) as (intake, bus, sender):
        bus.pause()
        assert sender.post("m1", body()).status_code == 503
        position = [read.position for read in intake.read(None)][-1]  # committed, and then the crash
    with open_intake(tmp_path, position) as (intake, bus, sender):
        assert sender.post("m1", body()).status_code == 202
        assert bus.committed == []


def test_a_repeat_has_its_first_answer_though_the_record_would_be_refused_by_now(tmp_path: Path) -> None:
    taken: list[Received] = []

    def once(received: Received) -> None:
        if taken:
            raise BadNative("is too old by now", "case")
        taken.append(received)

    intake = Intake(options(tmp_path), once)
    bus, sender = Bus(intake), Sender(intake.start())
    with bus.running(), sender.client:
        assert [sender.post(name, body()).status_code for name in ("m1", "m1", "m2")] == [202, 202, 400]
    intake.close()


def test_a_field_that_is_the_sender_s_own_text_is_not_repeated(tmp_path: Path) -> None:
    class Case(Options):
        case: str

    def validated(received: Received) -> None:
        Case.model_validate(received.value)

    intake = Intake(options(tmp_path), validated)
    sender = Sender(intake.start())
    with sender.client:
        answers = [sender.post("m1", text).json() for text in ('{"case": "x", "Invented-Name": 1}', '{"case": 1}')]
    intake.close()
    assert [(each["field"], each["reason"]) for each in answers] == [("?", "extra_forbidden"), ("case", "string_type")]


def test_the_same_id_for_another_body_is_refused(tmp_path: Path) -> None:
    with open_intake(tmp_path) as (_, bus, sender):
        assert sender.post("m1", body("c1")).status_code == 202
        answer = sender.post("m1", body("c2"))
        assert (answer.status_code, answer.json()["code"]) == (409, "id-reused")
        assert len(bus.committed) == 1


def test_bodies_leave_the_spool_when_they_are_on_the_bus(tmp_path: Path) -> None:
    with open_intake(tmp_path) as (_, _bus, sender):
        assert sender.post("m1", body()).status_code == 202
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert SENSITIVE.encode() not in stored
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


def test_a_position_of_a_spool_that_was_lost_hides_nothing_of_the_new_one(tmp_path: Path) -> None:
    with open_intake(tmp_path) as (_, bus, sender):
        for number in range(3):
            assert sender.post(f"m{number}", body()).status_code == 202
        position = bus.position
    for path in list(tmp_path.iterdir()):
        path.unlink()
    with open_intake(tmp_path, position) as (_, bus, sender):
        assert sender.post("m9", body()).status_code == 202
        assert [each.id for each in bus.committed] == ["m9"]


def test_a_position_that_is_none_is_told(tmp_path: Path) -> None:
    intake = Intake(options(tmp_path))
    with pytest.raises(LostPosition):
        list(intake.read("nonsense"))
    intake.close()


def test_either_secret_is_accepted_while_they_are_changed_and_no_other(tmp_path: Path) -> None:
    with open_intake(tmp_path) as (intake, _bus, _sender):
        for secret, status in ((OLD, 202), (NEW, 202), ("whsec_" + base64.b64encode(b"x" * 32).decode(), 401)):
            sender = Sender(intake.start(), secret)
            assert sender.post("m1", body()).status_code == status
            sender.client.close()


REFUSED: list[tuple[str, bytes, dict[str, str], int, str]] = [
    ("a body that is another", b'{"case":"Invented-Name"}', {"webhook-id": "m2"}, 401, "not-signed"),
    ("an old message", b'{"case":"Invented-Name"}', {"webhook-timestamp": "1000000000"}, 401, "not-signed"),
    ("no signature", b'{"case":"Invented-Name"}', {"webhook-signature": ""}, 401, "not-signed"),
    ("another media type", b'{"case":"Invented-Name"}', {"Content-Type": "text/plain"}, 415, "media-type"),
    ("a compressed body", b"\x1f\x8b", {"Content-Encoding": "gzip"}, 415, "media-type"),
    ("a large body", b'"' + b"x" * 3_000 + b'"', {}, 413, "too-large"),
    ("no JSON", b'{"case": Invented-Name', {}, 400, "bad-json"),
    ("nothing", b"", {}, 400, "bad-json"),
    ("deep JSON", b"[" * 200 + b"]" * 200, {}, 400, "bad-json"),
    ("a field twice", b'{"case":"Invented-Name","case":"b"}', {}, 400, "bad-json"),
    ("a number that is none", b'{"case":NaN}', {}, 400, "bad-json"),
    ("bytes that are no text", b'{"case":"\xff"}', {}, 401, "not-signed"),
    ("a record that cannot be said", b'{"name":"Invented-Name"}', {}, 400, "bad-record"),
]


def test_every_refusal_says_what_is_wrong_and_repeats_no_value(tmp_path: Path) -> None:
    with open_intake(tmp_path, body_bytes=2_000) as (intake, bus, sender):
        for what, data, headers, status, code in REFUSED:
            signable = data if code != "not-signed" or b"\xff" not in data else b"{}"
            signed = sender.signer.headers("m1", datetime.now(UTC), signable.decode("utf-8", "replace").encode())
            answer = sender.client.post(
                PATH, content=data, headers={"Content-Type": "application/json", **signed, **headers}
            )
            assert (answer.status_code, answer.json()["code"]) == (status, code), what
            assert answer.headers["content-type"] == "application/problem+json"
            assert SENSITIVE not in answer.text and SENSITIVE not in str(answer.headers)
        assert sender.client.get("/nowhere").json()["code"] == "not-found"
        assert sender.client.get(PATH).json()["code"] == "method-not-allowed"
        assert bus.committed == [] and intake._spool.state() == "empty"


def test_a_failure_of_our_own_says_nothing_of_what_was_sent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def broken(received: Received) -> None:
        raise RuntimeError(str(received.value))

    intake = Intake(options(tmp_path), broken)
    sender = Sender(intake.start())
    answer = sender.post("m1", body())
    assert (answer.status_code, answer.json()["code"]) == (500, "failed")
    sender.client.close()
    intake.close()
    out, err = capfd.readouterr()
    assert SENSITIVE not in answer.text + out + err


def proposed(received: Received) -> list[Alert]:
    """The largest narrative there may be is one that cannot travel, twice."""
    assert isinstance(received.value, dict)
    size = received.value["characters"]
    assert isinstance(size, int)
    label = Label.model_validate({"class": "missing-person", "purposes": ["search"]})
    many = tuple(narrative("x" * 20_000) for _ in range(size // 20_000))
    return [Alert(received.id, Draft(label=label, facts=Facts()), many)]


def test_what_could_not_travel_is_refused_before_anything_is_promised(tmp_path: Path) -> None:
    intake = Intake(options(tmp_path), publishable(proposed, "embassy"))
    bus, sender = Bus(intake), Sender(intake.start())
    with bus.running(), sender.client:
        assert sender.post("m1", '{"characters": 20000}').status_code == 202
        answer = sender.post("m2", '{"characters": 2000000}')
        assert (answer.status_code, answer.json()["code"]) == (400, "bad-record")
        assert "1000000 can travel" in answer.json()["reason"]
    intake.close()
    assert [each.id for each in bus.committed] == ["m1"]


def test_an_endless_body_is_refused_while_it_arrives(tmp_path: Path) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 200_000_000:
            sent += 65_536
            yield b" " * 65_536

    with open_intake(tmp_path, body_bytes=100_000) as (_, _bus, sender):
        try:
            answer = sender.client.post(PATH, content=endless(), headers={"Content-Type": "application/json"})
            assert answer.status_code == 413
        except httpx.NetworkError:  # the server hung up while we were still writing
            pass
    assert sent < 200_000_000


def test_a_body_that_does_not_arrive_is_not_waited_for(tmp_path: Path) -> None:
    with (
        open_intake(tmp_path, body_s=0.1) as (intake, _bus, _sender),
        socket.create_connection(("127.0.0.1", intake.start()), timeout=60) as slow,
    ):
        slow.sendall(f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n".encode())
        slow.sendall(b"Content-Length: 100\r\n\r\n{")
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")


def test_more_messages_than_agreed_are_asked_to_wait(tmp_path: Path) -> None:
    with open_intake(tmp_path, per_minute=2) as (_, _bus, sender):
        found = [sender.post(f"m{number}", body()).status_code for number in range(3)]
        assert found == [202, 202, 429]


def test_strangers_do_not_use_up_what_the_agency_may_send(tmp_path: Path) -> None:
    with open_intake(tmp_path, per_minute=2) as (intake, _bus, sender):
        stranger = Sender(intake.start(), "whsec_" + base64.b64encode(b"y" * 32).decode())
        assert {stranger.post("s", body()).status_code for _ in range(5)} == {401}
        assert sender.post("m1", body()).status_code == 202
        stranger.client.close()


def test_a_full_spool_takes_no_more_until_the_bus_has_taken_from_it(tmp_path: Path) -> None:
    with open_intake(tmp_path, waiting=2, commit_s=0.02) as (_, bus, sender):
        bus.pause()
        assert {sender.post(f"m{number}", body()).status_code for number in range(4)} == {503}
        bus.resume()
        until(lambda: len(bus.committed) == 2, "the bus")
        bus.pause()
        assert sender.post("m0", body()).status_code == sender.post("m1", body()).status_code == 202
        assert {each.id for each in bus.committed} == {"m0", "m1"}


def test_many_at_once_are_each_on_the_bus_once(tmp_path: Path) -> None:
    with open_intake(tmp_path) as (_, bus, sender), ThreadPoolExecutor(16) as pool:
        ids = [f"m{number % 25}" for number in range(100)]  # each four times
        found = list(pool.map(lambda each: sender.post(each, body()).status_code, ids))
        assert set(found) == {202}
        assert sorted(each.id for each in bus.committed) == sorted(set(ids))


def test_the_description_is_served_and_says_what_is_taken(tmp_path: Path) -> None:
    with open_intake(tmp_path) as (_, _bus, sender):
        found = sender.client.get("/openapi.json").json()
        refusal = sender.post("m1", "{}")
    assert found["openapi"].startswith("3.")
    said = found["paths"][PATH]["post"]
    assert said["requestBody"]["content"]["application/json"]["schema"] == SCHEMA
    assert {each["name"] for each in said["parameters"]} == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert {"202", "400", "401", "409", "413", "429", "503"} <= set(said["responses"])
    schema = said["responses"][str(refusal.status_code)]["content"]["application/problem+json"]["schema"]
    Draft202012Validator(schema).validate(refusal.json())


def test_tls_is_spoken_if_it_is_set(tmp_path: Path) -> None:
    made = certificates(tmp_path / "tls")
    intake = Intake(options(tmp_path, certificate=made.certificate, private_key=made.key))
    bus, sender = Bus(intake), Sender(intake.start(), scheme="https", ca=made)
    with bus.running(), sender.client:
        assert sender.post("m1", body()).status_code == 202
    intake.close()


def test_other_machines_are_heard_with_tls_only(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="TLS"):
        options(tmp_path, host="0.0.0.0")
    assert options(tmp_path, host="0.0.0.0", behind_proxy=True)
    assert options(tmp_path, host="::1")


def test_a_port_or_certificate_that_does_not_do_is_told(tmp_path: Path) -> None:
    first = Intake(options(tmp_path))
    second = Intake(options(tmp_path, spool=tmp_path / "two.db", port=first.start()))
    with pytest.raises(CannotListen, match="cannot listen"):
        second.start()
    made, other = certificates(tmp_path / "a"), certificates(tmp_path / "b")
    third = Intake(options(tmp_path, spool=tmp_path / "three.db", certificate=made.certificate, private_key=other.key))
    with pytest.raises(CannotListen):
        third.start()
    for intake in (first, second, third):
        intake.close()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[bytes], int]]:
    with open_intake(tmp_path_factory.mktemp("hostile"), per_minute=100_000) as (_, _bus, sender):
        count = 0

        def post(data: bytes) -> int:
            nonlocal count
            count += 1
            return sender.post(f"h{count}", data).status_code

        yield post


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.one_of(st.text().map(str.encode), st.recursive(st.text(), st.lists).map(lambda v: json.dumps(v).encode())))
def test_whatever_is_signed_is_answered(hostile: Callable[[bytes], int], data: bytes) -> None:
    assert hostile(data) in (202, 400)
