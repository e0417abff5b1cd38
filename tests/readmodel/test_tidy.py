"""What may stand in the read model of what agencies write themselves: codes of closed lists, whatever else looks like one."""

from __future__ import annotations

import pytest

from hub.model.receipt import ERROR_KINDS, RECEIPT_REASONS
from hub.readmodel import tidy


def test_a_reason_of_the_list_is_kept() -> None:
    assert [tidy.receipt_reason(reason) for reason in RECEIPT_REASONS] == list(RECEIPT_REASONS)


@pytest.mark.parametrize("reason", ["ana-maria", "Superseded", "superseded ", "http-200", "http-4040", ""])
def test_another_reason_is_other(reason: str) -> None:
    assert tidy.receipt_reason(reason) == "other"


@pytest.mark.parametrize("kind", ERROR_KINDS)
def test_of_an_error_the_kind_is_kept(kind: str) -> None:
    assert tidy.error_kind(f"{kind}: Refused in inbox:12") == kind


@pytest.mark.parametrize("said", ["ana-maria", "ana: gap", "Gap: x", " gap: x", ""])
def test_an_error_without_a_kind_is_other(said: str) -> None:
    assert tidy.error_kind(said) == "other"


def test_no_reason_and_no_error_stay_none() -> None:
    assert (tidy.receipt_reason(None), tidy.error_kind(None)) == (None, None)
