"""Which publications come into force: two different stewards, the very bytes, in the order of serials."""

from __future__ import annotations

import hashlib
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.guidelines.approval import (
    DOMAIN,
    REFUSAL_REASONS,
    BadKey,
    InForce,
    NotApproved,
    agency_of_key,
    approve,
    bad_keys,
    public_key,
    publication,
    statement,
    steward_keys,
    verify,
)
from hub.guidelines.bundle import Bundle
from hub.model.avro import Undecodable, decode_as, encode
from hub.model.publication import FIRST, Publication
from tests.guidelines.published import (
    FIRST_KEYS,
    bundle_fields,
    in_force,
    key,
    public,
    published,
    with_stewards,
    without,
)
from tests.guidelines.samples import bundle, permit

DRAFT = with_stewards(bundle(permit("P1"), permit("P2", ["narrative"])), "ana", "luis")
NEXT = without(DRAFT, "P2")
FIRST_RECORD = published(DRAFT)
NOW = in_force(FIRST_RECORD, DRAFT)
ENCODED = encode(FIRST_RECORD)


def refusal(candidate: Publication, now: InForce | None = None, keys: frozenset[bytes] = FIRST_KEYS) -> str:
    with pytest.raises(NotApproved) as refused:
        verify(candidate, now, keys)
    assert refused.value.reason in REFUSAL_REASONS
    return refused.value.reason


def changed(record: Publication, **fields: object) -> Publication:
    return record.model_copy(update=fields)


# What comes into force


def test_a_bundle_that_two_stewards_signed_comes_into_force() -> None:
    assert verify(FIRST_RECORD, None, FIRST_KEYS) == DRAFT
    assert verify(published(NEXT, NOW), NOW, frozenset()) == NEXT


def test_a_rollback_is_a_new_serial_with_an_old_bundle() -> None:
    second = published(NEXT, NOW)
    back = published(DRAFT, in_force(second, NEXT))
    assert back.serial == 3
    assert verify(back, in_force(second, NEXT), frozenset()).digest == DRAFT.digest


def test_serials_may_skip_but_not_go_back() -> None:
    assert verify(published(NEXT, NOW, serial=7), NOW, frozenset()) == NEXT


def test_three_stewards_may_sign_too() -> None:
    three = with_stewards(DRAFT, "ana", "luis", "marta")
    signed = published(NEXT, in_force(published(three), three), ("marta", "ana", "luis"))
    assert verify(signed, in_force(published(three), three), frozenset()) == NEXT


def test_what_is_signed_is_what_the_documentation_says() -> None:
    signed = statement(258, b"\1" * 32, b"\2" * 32)
    assert signed == b"enlace/publication/1\0" + b"\0\0\0\0\0\0\1\2" + b"\1" * 32 + b"\2" * 32
    assert len(signed) == 93 and signed.startswith(DOMAIN)


# Keys


def test_new_keys_come_with_a_bundle_that_the_old_ones_signed() -> None:
    renewed = with_stewards(NEXT, "marta", "jose")
    second = published(renewed, NOW)
    assert verify(second, NOW, frozenset()) == renewed
    third = in_force(second, renewed)
    assert verify(published(DRAFT, third, ("marta", "jose")), third, frozenset()) == DRAFT
    assert refusal(published(DRAFT, third), third) == "unknown-key"


def test_the_keys_of_the_settings_count_for_the_first_bundle_only() -> None:
    marta_and_jose = frozenset({public("marta"), public("jose")})
    assert verify(published(DRAFT, None, ("marta", "jose")), None, marta_and_jose) == DRAFT
    assert refusal(published(NEXT, NOW, ("marta", "jose")), NOW, marta_and_jose) == "unknown-key"


def test_a_suspended_agencys_stewards_sign_nothing() -> None:
    suspended = (DRAFT.agencies[0].model_copy(update={"status": "suspended"}), *DRAFT.agencies[1:])
    without_them = Bundle(**{**bundle_fields(DRAFT), "agencies": suspended})
    assert steward_keys(without_them) == frozenset()
    assert refusal(published(without_them, NOW), NOW) == "too-few-stewards"


def test_what_is_no_key_is_named_and_counts_for_nothing() -> None:
    agencies = (DRAFT.agencies[0].model_copy(update={"stewards": ("not base64", "QUJD")}), *DRAFT.agencies[1:])
    faulty = Bundle(**{**bundle_fields(DRAFT), "agencies": agencies})
    assert bad_keys(faulty) == [DRAFT.agencies[0].id] and steward_keys(faulty) == frozenset()
    for text in ("not base64", "QUJD", ""):
        with pytest.raises(BadKey):
            public_key(text)


def test_a_steward_is_found_by_the_key() -> None:
    assert agency_of_key(DRAFT, public("ana")) == DRAFT.agencies[0].id
    assert agency_of_key(DRAFT, public("marta")) is None


# What does not


def test_an_unsigned_bundle_is_refused() -> None:
    assert refusal(published(DRAFT, None, ())) == "unsigned"


def test_a_single_signed_bundle_is_refused() -> None:
    assert refusal(published(DRAFT, None, ("ana",))) == "single-signed"


def test_one_steward_who_signs_twice_is_one_steward() -> None:
    assert refusal(published(DRAFT, None, ("ana", "ana"))) == "same-steward"
    other_name = approve(key("ana"), 1, FIRST, DRAFT.digest, "somebody else")
    assert refusal(changed(FIRST_RECORD, approvals=(FIRST_RECORD.approvals[0], other_name))) == "same-steward"
    second_key = approve(key("luis"), 1, FIRST, DRAFT.digest, "ana")
    assert refusal(changed(FIRST_RECORD, approvals=(FIRST_RECORD.approvals[0], second_key))) == "same-steward"


def test_a_signature_by_somebody_else_is_refused_even_beside_two_that_hold() -> None:
    assert refusal(published(DRAFT, None, ("ana", "mallory"))) == "unknown-key"
    assert refusal(published(DRAFT, None, ("ana", "luis", "mallory"))) == "unknown-key"


def test_a_signature_of_another_serial_bundle_or_predecessor_is_refused() -> None:
    for number, previous, digest in (
        (2, FIRST, DRAFT.digest),
        (1, DRAFT.digest, DRAFT.digest),
        (1, FIRST, NEXT.digest),
    ):
        other = approve(key("luis"), number, previous, digest, "luis")
        assert refusal(changed(FIRST_RECORD, approvals=(FIRST_RECORD.approvals[0], other))) == "bad-signature"


def test_a_bundle_in_anothers_place_is_refused() -> None:
    swapped = zlib.compress(NEXT.to_json(), 9)
    assert refusal(changed(FIRST_RECORD, bundle=swapped)) == "altered-bundle"
    assert refusal(changed(FIRST_RECORD, bundle=swapped, digest=NEXT.digest)) == "bad-signature"
    assert refusal(changed(FIRST_RECORD, bundle=FIRST_RECORD.bundle + b"\0")) == "altered-bundle"
    assert refusal(changed(FIRST_RECORD, bundle=b"")) == "altered-bundle"


def test_a_bundle_that_inflates_without_end_is_refused() -> None:
    assert refusal(changed(FIRST_RECORD, bundle=zlib.compress(bytes(60_000_000), 9))) == "altered-bundle"


def test_an_older_serial_or_the_same_again_is_refused() -> None:
    second = in_force(published(NEXT, NOW), NEXT)
    assert refusal(FIRST_RECORD, second) == "older-serial"
    assert refusal(published(DRAFT, NOW), second) == "older-serial"


def test_a_bundle_that_follows_another_one_is_refused() -> None:
    elsewhere = in_force(published(NEXT, NOW), NEXT)
    assert refusal(published(DRAFT, elsewhere), NOW) == "wrong-previous"
    assert refusal(published(DRAFT, NOW), None) == "wrong-previous"


def test_what_two_stewards_signed_must_load_too() -> None:
    for text in (b"{}", b"not JSON", DRAFT.to_json().replace(b'"format":1', b'"format":2'), DRAFT.to_json() + b" "):
        digest = hashlib.sha256(text).digest()
        signed = tuple(approve(key(each), 1, FIRST, digest, each) for each in ("ana", "luis"))
        record = Publication(serial=1, previous=FIRST, digest=digest, bundle=zlib.compress(text), approvals=signed)
        assert refusal(record) == "does-not-load"


def test_a_bundle_that_none_could_follow_is_refused() -> None:
    for stewards in ((), ("ana",)):
        assert refusal(published(with_stewards(DRAFT, *stewards))) == "too-few-stewards"


def test_a_bundle_too_large_for_a_record_is_not_made_into_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.guidelines.approval.PACKED_MAX_BYTES", 100)
    with pytest.raises(NotApproved):
        publication(1, FIRST, DRAFT, ())


# Altered on the way


@settings(max_examples=400)
@given(at=st.integers(0, len(ENCODED) - 1), bits=st.integers(1, 255))
def test_a_publication_with_any_byte_altered_is_refused_unless_only_a_name_is_other(at: int, bits: int) -> None:
    """The names of stewards and their agencies are for people, and are not signed."""
    altered = bytearray(ENCODED)
    altered[at] ^= bits
    try:
        record = decode_as(Publication, bytes(altered))
        found = verify(record, None, FIRST_KEYS)
    except (Undecodable, NotApproved):
        return
    assert found == DRAFT
    assert (record.serial, record.previous, record.digest) == (1, FIRST, DRAFT.digest)
    before = [(each.key, each.signature) for each in FIRST_RECORD.approvals]
    assert [(each.key, each.signature) for each in record.approvals] == before
    assert hashlib.sha256(zlib.decompress(record.bundle)).digest() == DRAFT.digest


@given(
    serial=st.integers(0, 2**31 - 1),
    previous=st.binary(min_size=32, max_size=32),
    digest=st.binary(min_size=32, max_size=32),
    other=st.tuples(
        st.integers(0, 2**31 - 1), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32)
    ),
)
def test_no_two_things_to_sign_give_the_same_bytes(
    serial: int, previous: bytes, digest: bytes, other: tuple[int, bytes, bytes]
) -> None:
    same = (serial, previous, digest) == other
    assert (statement(serial, previous, digest) == statement(*other)) is same


def test_every_byte_of_a_signature_and_of_the_bundle_counts() -> None:
    first = FIRST_RECORD.approvals[0]
    for at in range(64):
        signature = bytearray(first.signature)
        signature[at] ^= 1
        forged = first.model_copy(update={"signature": bytes(signature)})
        assert refusal(changed(FIRST_RECORD, approvals=(forged, FIRST_RECORD.approvals[1]))) == "bad-signature"
    for at in range(0, len(FIRST_RECORD.bundle), 7):
        packed = bytearray(FIRST_RECORD.bundle)
        packed[at] ^= 1
        try:
            assert verify(changed(FIRST_RECORD, bundle=bytes(packed)), None, FIRST_KEYS) == DRAFT
        except NotApproved as refused:
            assert refused.reason == "altered-bundle"
