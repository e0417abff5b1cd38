"""Drafts and approvals as files: what is written can be read again, and what was changed is noticed."""

from __future__ import annotations

import json

import pytest

from hub.guidelines.approval import approve
from hub.guidelines.draft import (
    BadFile,
    approval_file,
    approval_from_text,
    bundle_from_text,
    draft_from_text,
    draft_of,
    draft_to_text,
)
from hub.model.publication import FIRST
from tests.guidelines.published import key
from tests.guidelines.samples import bundle, permit

BUNDLE = bundle(permit("P1"), permit("P2", ["narrative"]))
DRAFT = draft_of(BUNDLE, 3, b"\1" * 32)
TEXT = draft_to_text(DRAFT)


def test_a_draft_is_read_as_it_was_written() -> None:
    assert draft_from_text(TEXT) == DRAFT
    assert bundle_from_text(TEXT) == BUNDLE == bundle_from_text(BUNDLE.to_json().decode())
    assert bundle_from_text(json.dumps(json.loads(BUNDLE.to_json()), indent=4)) == BUNDLE


def test_an_approval_is_read_as_it_was_written() -> None:
    approval = approve(key("ana"), 3, b"\1" * 32, BUNDLE.digest, "ana", "customs")
    file = approval_file(DRAFT, approval)
    assert approval_from_text(file.model_dump_json()).approval() == approval
    assert (file.serial, file.previous, file.digest) == (3, "01" * 32, BUNDLE.name)


def test_a_draft_whose_bundle_was_changed_is_refused() -> None:
    changed = json.loads(TEXT)
    changed["bundle"]["guidelines"].pop()
    with pytest.raises(BadFile, match="was changed"):
        draft_from_text(json.dumps(changed))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        "null",
        TEXT[:-3],
        TEXT.replace('"serial": 3', '"serial": 0'),
        BUNDLE.to_json().decode(),
    ],
    ids=range(8),
)
def test_what_is_no_draft_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadFile) as refused:
        draft_from_text(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "{}", TEXT, "[]"], ids=range(4))
def test_what_is_no_approval_is_refused(text: str) -> None:
    with pytest.raises(BadFile):
        approval_from_text(text)


def test_a_bundle_that_does_not_check_is_refused_with_its_first_finding() -> None:
    fields = json.loads(BUNDLE.to_json())
    fields["guidelines"][0]["to"] = {"any": ["nobody"]}
    with pytest.raises(BadFile, match="nobody"):
        bundle_from_text(json.dumps(fields))


def test_the_first_draft_follows_nothing() -> None:
    assert draft_from_text(draft_to_text(draft_of(BUNDLE, 1, FIRST))).previous == "0" * 64
