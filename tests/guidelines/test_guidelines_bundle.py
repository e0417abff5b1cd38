"""A bundle is one immutable version with one name, and nothing that does not check becomes one."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from pydantic import ValidationError

from hub.guidelines.bundle import Bundle, BundleError, standard_vocabularies
from tests.guidelines.samples import AGENCIES, CUSTOMS, bundle, forbid, permit, withhold

SOME = bundle(permit("P1", ["journey"], to=["embassy", "prosecutor"]), withhold("W1", "victim.*"))


def problems(*guidelines: Any, **fields: Any) -> str:
    with pytest.raises(BundleError) as error:
        bundle(*guidelines, **fields)
    return str(error.value)


def test_its_name_is_the_digest_of_its_canonical_json() -> None:
    data = SOME.to_json()
    assert SOME.digest == hashlib.sha256(data).digest()
    assert SOME.name == SOME.digest.hex()
    assert data == json.dumps(json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_the_same_content_has_the_same_name_however_it_is_written() -> None:
    same = bundle(
        withhold("W1", ["victim.*", "victim.*"]),
        permit("P1", "journey", to={"any": ["prosecutor", "embassy"], "except": []}),
        agencies=AGENCIES[::-1],
    )
    assert same.digest == SOME.digest


def test_another_content_has_another_name() -> None:
    assert bundle(permit("P1", ["journey"])).digest != SOME.digest


def test_it_is_read_back_as_it_was() -> None:
    assert Bundle.from_json(SOME.to_json()) == SOME


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b"\xff",
        b'{"format":2}',
        SOME.to_json().replace(b'"format":1', b'"format":2'),
        SOME.to_json() + b" ",
        SOME.to_json().replace(b'"effect":"permit"', b'"effect":"allow"'),
        SOME.to_json().replace(b'"journey"', b'"journeys"', 1),
        SOME.to_json().replace(b'"mark":"counsel",', b"", 1),
        SOME.to_json().replace(b'"format":1', b'"extra":1,"format":1'),
    ],
)
def test_what_is_not_exactly_a_bundle_of_a_known_format_is_refused(data: bytes) -> None:
    with pytest.raises(BundleError):
        Bundle.from_json(data)


def test_it_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        SOME.guidelines = ()  # type: ignore[misc]


def test_all_findings_are_told_at_once() -> None:
    found = problems(permit("P1", ["jurney"], to="embasy"), forbid("F1", when={"clas": {"any": "x"}}))
    assert "did you mean `journey`" in found
    assert "did you mean `embassy`" in found
    assert "did you mean `class`" in found


def test_ids_are_unique() -> None:
    assert "`P1` stands 2 times" in problems(permit("P1"), permit("P1"))
    assert "`customs` stands 2 times" in problems(agencies=(CUSTOMS, CUSTOMS))


def test_closed_lists_cannot_be_extended_and_no_list_invented() -> None:
    for name, codes in (("consent", ("given", "perhaps")), ("consents", ("given",))):
        with pytest.raises(BundleError):
            Bundle(agencies=AGENCIES, vocabularies={**standard_vocabularies(), name: codes})


@pytest.mark.parametrize(
    ("guideline", "message"),
    [
        (lambda: permit("P1", None), "a permit needs `release`"),
        (lambda: permit("P1", "handling"), "`handling` goes to every recipient"),
        (lambda: permit("P1", "*"), "a release names its categories"),
        (lambda: permit("P1", withhold="journey"), "`withhold` belongs to a withhold"),
        (lambda: permit("P1", safeguard=True), "a permit cannot be one"),
        (lambda: withhold("W1", []), "a withhold needs `withhold`"),
        (lambda: withhold("W1", "journey", release=[]), "`release` belongs to a permit"),
        (lambda: withhold("W1", "journey", obligations={"onward": "ask"}), "`obligations` belongs to a permit"),
        (lambda: forbid(ground="consent"), "`ground` belongs to a permit"),
        (lambda: permit(when={"victims": {"any": "1"}}), "it is a count, so use `min` or `max`"),
        (lambda: permit(when={"class": {"present": True}}), "it is always present"),
        (lambda: permit(when={"class": {}}), "`class` is not tested"),
        (lambda: permit(when={"nationality": {"absent": True, "any": "CA"}}), "can never match"),
        (lambda: permit(when={"victims": {"min": 2, "max": 1}}), "can never match"),
        (lambda: permit(when={"minor": {"any": "unknown"}}), "write `yes`"),
        (lambda: permit(valid={"from": "2026-02-01", "until": "2026-01-01"}), "never be in force"),
        (lambda: permit(to="group:nationals"), "did you mean `national`"),
        (lambda: permit(to="national"), "did you mean `group:national`"),
        (lambda: permit(to="groups:national"), "did you mean `group:`"),
        (lambda: permit(legal_basis="L3"), "no known legal basis"),
        (lambda: permit(obligations={"onward": "channel-c"}), "no known channel"),
        (lambda: permit(obligations={"caveats": "C3"}), "no known caveat"),
        (lambda: permit(obligations={"keep": {"event": "closed"}}), "no known event"),
    ],
)
def test_a_guideline_that_does_not_check_is_refused(guideline: Any, message: str) -> None:
    assert message in problems(guideline())


# --- rule 7


@pytest.mark.parametrize("released", ["victim.identity", "victim.image", "victim.*"])
def test_what_identifies_a_victim_needs_consent_or_a_ground(released: str) -> None:
    assert "needs a ground" in problems(permit("P1", released))
    for fields in (
        {"when": {"consent": {"any": "given"}}},
        {"when": {"consent": {"none": ["withheld", "unknown"]}}},
        {"when": {"consent": {"any": ["given", "not-applicable"]}}, "ground": "consent"},
        {"ground": "legal_duty"},
        {"ground": "vital_interest"},
        {"ground": "best_interests", "when": {"releasable_to": {"any": "embassy"}}},
    ):
        bundle(permit("P1", released, **fields))


def test_a_test_that_a_refusal_passes_is_no_test_of_consent() -> None:
    for test in ({"any": ["given", "withheld"]}, {"none": "withheld"}):
        assert "needs a ground" in problems(permit("P1", "victim.identity", when={"consent": test}))


def test_a_ground_must_show_in_the_conditions() -> None:
    assert "so test it" in problems(permit("P1", ground="consent"))
    assert "test `releasable_to`" in problems(permit("P1", ground="best_interests"))
    assert "test `releasable_to`" in problems(
        permit("P1", ground="best_interests", when={"releasable_to": {"absent": True}})
    )


def test_profiles_and_care_need_no_ground() -> None:
    bundle(permit("P1", ["victim.description", "victim.care", "missing.identity"]))
