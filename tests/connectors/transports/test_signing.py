"""Standard Webhooks: what one side signs the other accepts, and nothing else, while secrets change."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from connectors.sdk import Options
from connectors.transports.signing import ID, SIGNATURE, TIMESTAMP, NotSigned, Signer, SigningSecrets, Verifier

OLD = SecretStr("whsec_" + base64.b64encode(b"an old invented secret..").decode())
NEW = SecretStr("whsec_" + base64.b64encode(b"a new invented secret...").decode())


def now() -> datetime:
    return datetime.now(UTC)


def test_the_specification_s_own_example_is_signed_as_it_says() -> None:
    secret = SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = Signer([secret]).headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers[SIGNATURE] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.text(), st.sampled_from([(OLD,), (NEW,), (OLD, NEW)]), st.sampled_from([(OLD,), (NEW,), (NEW, OLD)]))
def test_what_is_signed_is_accepted_if_the_two_sides_share_a_secret(
    text: str, sent: tuple[SecretStr, ...], known: tuple[SecretStr, ...]
) -> None:
    body = text.encode("utf-8", "ignore")
    headers = Signer(sent).headers("m1", now(), body)
    if set(sent) & set(known):
        assert Verifier(known).verify(headers, body) == "m1"
    else:
        with pytest.raises(NotSigned):
            Verifier(known).verify(headers, body)


def test_time_and_zone_do_not_change_the_moment_that_is_signed() -> None:
    at = now()
    elsewhere = at.astimezone(datetime.now().astimezone().tzinfo) + timedelta(0)
    assert Signer([NEW]).headers("m1", at, b"{}") == Signer([NEW]).headers("m1", elsewhere, b"{}")


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_message_of_another_time_is_not_accepted(minutes: int) -> None:
    headers = Signer([NEW]).headers("m1", now() + timedelta(minutes=minutes), b"{}")
    with pytest.raises(NotSigned):
        Verifier([NEW]).verify(headers, b"{}")


@given(st.sampled_from([ID, TIMESTAMP, SIGNATURE]), st.text(max_size=40))
def test_headers_that_were_tampered_with_are_refused_and_never_break_the_reader(name: str, text: str) -> None:
    headers = Signer([NEW]).headers("m1", now(), b"{}")
    if headers[name] == text:
        return
    with pytest.raises(NotSigned):
        Verifier([NEW]).verify({**headers, name: text}, b"{}")


@given(st.binary(max_size=30))
def test_another_body_is_refused_even_one_that_is_no_text(body: bytes) -> None:
    headers = Signer([NEW]).headers("m1", now(), b"{ }")
    with pytest.raises(NotSigned):
        Verifier([NEW]).verify(headers, body)


def test_what_belongs_to_the_id_cannot_be_moved_into_the_time() -> None:
    headers = Signer([NEW]).headers("m1.1", now(), b"{}")
    with pytest.raises(NotSigned):
        Verifier([NEW]).verify(headers, b"{}")


class Sample(Options):
    secrets: SigningSecrets


@pytest.mark.parametrize("secret", ["whsec_", "whsec_c2hvcnQ=", "whsec_not/base64!", "whsec_" + "A" * 400])
def test_a_secret_that_is_none_is_told_and_not_shown(secret: str) -> None:
    with pytest.raises(ValidationError) as told:
        Sample.model_validate({"secrets": [secret]})
    assert "a signing secret " in str(told.value)
    assert secret == "whsec_" or secret not in str(told.value)
