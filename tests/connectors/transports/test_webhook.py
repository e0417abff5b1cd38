"""Deliveries pushed to a real server: signed, to allowed addresses only, and every answer understood."""

from __future__ import annotations

import base64
import datetime as dt
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.responses import RedirectResponse, Response, StreamingResponse

from connectors.sdk import Credentials, Delivery, Rejected, Transient
from connectors.transports.addresses import AddressRefused, Resolve, resolved
from connectors.transports.outgoing import (
    AnswerTooLarge,
    BadAddress,
    Busy,
    Redirected,
    retry_after_s,
)
from connectors.transports.signing import Verifier
from connectors.transports.webhook import Webhook, WebhookOptions, WebhookSink
from tests.connectors.deliveries import record, suspect
from tests.connectors.transports.servers import Seen, answers, certificates, serving

SECRETS = tuple(
    "whsec_" + base64.b64encode(text).decode() for text in (b"an invented secret " * 2, b"another secret " * 3)
)
LOOPBACK = ("127.0.0.0/8",)
BODY = json.dumps({"invented": "ñ"}, ensure_ascii=False).encode()


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


@pytest.fixture(scope="module", autouse=True)
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A short list of authorities: reading the system's takes longer than most of these tests."""
    few = certificates(tmp_path_factory.mktemp("few")).authority
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SSL_CERT_FILE", str(few))
        yield


def webhook(url: str, resolve: Resolve = resolved, **options: object) -> Webhook:
    fields = {"url": url, "secrets": SECRETS, "allow_networks": LOOPBACK, "allow_plain": True, **options}
    return Webhook(WebhookOptions.model_validate(fields), resolve)


def sent(answer: Response) -> int:
    with serving(lambda _seen: answer) as stage:
        hook = webhook(f"http://127.0.0.1:{stage.port}/")
        try:
            return hook.send("m1", BODY)
        finally:
            hook.close()


def test_a_delivery_arrives_signed_under_its_own_id() -> None:
    with serving(lambda _seen: Response(status_code=202)) as stage:
        options = WebhookOptions.model_validate(
            {
                "url": f"http://127.0.0.1:{stage.port}/deliveries?agency=one",
                "secrets": SECRETS,
                "allow_networks": LOOPBACK,
                "allow_plain": True,
            }
        )
        sink = WebhookSink(options)
        delivery = Delivery(record("release", [suspect()]), (suspect(),))
        effects = [sink.deliver(delivery), sink.deliver(delivery)]
        sink.close()
    assert {effect.reference for effect in effects} == {"http-202"}
    first, second = stage.seen
    assert first.body == second.body
    for secret in SECRETS:
        assert Verifier([SecretStr(secret)]).verify(first.headers, first.body) == delivery.id.hex()
    said = json.loads(first.body)
    assert said["id"] == second.headers["webhook-id"] and said["kind"] == "release"
    assert said["sections"][0]["content"]["names"][0]["family"] == "Invented"
    assert first.url.endswith("/deliveries?agency=one")


def test_over_tls_the_certificate_must_be_the_name_s_though_the_connection_goes_to_an_address(tmp_path: Path) -> None:
    made = certificates(tmp_path / "right", "receiver.example")
    with serving(lambda _seen: Response(), made) as stage:
        for host, trusted, expected in (
            ("receiver.example", made.authority, 200),
            ("other.example", made.authority, "ConnectError"),
            ("receiver.example", None, "ConnectError"),
        ):
            hook = webhook(f"https://{host}:{stage.port}/", answers("127.0.0.1"), ca_file=trusted, allow_plain=False)
            if expected == 200:
                assert hook.send("m1", BODY) == 200
                assert stage.seen[-1].headers["host"] == f"receiver.example:{stage.port}"
            else:
                with pytest.raises(Transient, match=str(expected)):
                    hook.send("m1", BODY)
            hook.close()
    assert len(stage.seen) == 1


def test_a_name_that_is_bound_to_an_address_inside_reaches_nothing() -> None:
    with serving(lambda _seen: Response()) as stage:
        hook = webhook(f"http://receiver.example:{stage.port}/", answers("127.0.0.1"), allow_networks=())
        with pytest.raises(AddressRefused):
            hook.send("m1", BODY)
        hook.close()
    assert stage.seen == []


def test_a_name_that_changes_between_looking_and_connecting_gains_nothing() -> None:
    """Only one question is asked for a request; the connection goes to what was looked at."""
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.2" if len(asked) == 1 else "127.0.0.1"]

    with serving(lambda _seen: Response()) as stage:  # listens on 127.0.0.1 only
        hook = webhook(f"http://receiver.example:{stage.port}/", rebinding, attempts=1)
        with pytest.raises(Transient):
            hook.send("m1", BODY)
        hook.close()
    assert asked == ["receiver.example"] and stage.seen == []


def test_of_several_addresses_the_next_is_tried_when_one_does_not_answer() -> None:
    async def two(_host: str, _port: int) -> list[str]:
        return ["127.0.0.9", "127.0.0.1"]

    with serving(lambda _seen: Response()) as stage:
        hook = webhook(f"http://receiver.example:{stage.port}/", two)
        assert hook.send("m1", BODY) == 200
        hook.close()


@pytest.mark.parametrize("status", [400, 404, 410, 413, 422])
def test_a_refusal_for_good_is_rejected_with_its_code(status: int) -> None:
    with pytest.raises(Rejected) as rejected:
        sent(Response("words that nobody repeats", status))
    assert rejected.value.reason == f"http-{status}"


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again_and_then_given_back(status: int) -> None:
    with serving(lambda _seen: Response(status_code=status)) as stage:
        hook = webhook(f"http://127.0.0.1:{stage.port}/", attempts=3)
        with pytest.raises(Busy):
            hook.send("m1", BODY)
        hook.close()
    assert len(stage.seen) == 3
    assert len({seen.headers["webhook-id"] for seen in stage.seen}) == 1


def test_a_receiver_that_recovers_is_not_a_failure() -> None:
    left = [503, 429, 202]
    with serving(lambda _seen: Response(status_code=left.pop(0))) as stage:
        hook = webhook(f"http://127.0.0.1:{stage.port}/", attempts=3)
        assert hook.send("m1", BODY) == 202
        hook.close()


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_secrets_are_no_fault_of_the_delivery(status: int) -> None:
    with pytest.raises(Credentials):
        sent(Response(status_code=status))


def test_a_redirect_is_followed_nowhere() -> None:
    with serving(lambda _seen: Response()) as inside:
        with pytest.raises(Redirected):
            sent(RedirectResponse(f"http://127.0.0.1:{inside.port}/admin", 307))
        assert inside.seen == []


def test_a_receiver_that_asks_for_more_patience_than_the_limit_is_given_back_at_once() -> None:
    with serving(lambda _seen: Response(status_code=503, headers={"Retry-After": "3600"})) as stage:
        hook = webhook(f"http://127.0.0.1:{stage.port}/", attempts=3)
        with pytest.raises(Busy) as busy:
            hook.send("m1", BODY)
        hook.close()
    assert busy.value.after_s == 3600 and len(stage.seen) == 1


def test_an_endless_answer_is_cut_off() -> None:
    def endless(_seen: Seen) -> Response:
        return StreamingResponse(b"x" * 65_536 for _ in iter(int, 1))

    with serving(endless) as stage:
        hook = webhook(f"http://127.0.0.1:{stage.port}/", answer_bytes=100_000)
        with pytest.raises(AnswerTooLarge):
            hook.send("m1", BODY)
        hook.close()


def test_a_compressed_answer_is_not_unpacked() -> None:
    with pytest.raises(AnswerTooLarge):
        sent(Response(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}))


def test_a_receiver_that_never_answers_is_left_when_its_time_is_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hook = webhook(f"http://127.0.0.1:{silent.getsockname()[1]}/", answer_s=0.2, attempts=1)
        with pytest.raises(Transient, match=r"ReadTimeout|in time"):
            hook.send("m1", BODY)
        hook.close()


@pytest.mark.parametrize(
    "url", ["ftp://host/", "http://host/", "https://user:secret@host/", "https://", "no address", "file:///etc/passwd"]
)
def test_an_address_that_does_not_do_is_told_without_showing_it(url: str) -> None:
    with pytest.raises(BadAddress) as told:
        webhook(url, allow_plain=False)
    assert "secret" not in str(told.value) and "passwd" not in str(told.value)


def test_secrets_and_addresses_are_in_no_text_of_the_options() -> None:
    options = WebhookOptions.model_validate({"url": "https://host/?token=hidden", "secrets": SECRETS})
    assert "hidden" not in repr(options) and SECRETS[0] not in repr(options)


@given(st.text(max_size=40))
def test_whatever_stands_in_retry_after_is_a_number_of_seconds_or_nothing(text: str) -> None:
    found = retry_after_s(text, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert found is None or found >= 0


def test_retry_after_may_be_a_date() -> None:
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert retry_after_s("Thu, 01 Jan 2026 00:01:00 GMT", now) == 60.0
