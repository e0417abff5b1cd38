"""The pages on change control and holds say what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from hub.guidelines.approval import DOMAIN, REFUSAL_REASONS, RefusalReason, statement
from hub.guidelines.holds import HoldRefusal

DOCS = Path(__file__).parents[2] / "docs"


def codes(page: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)


def test_every_reason_to_refuse_a_publication_is_documented_in_the_order_in_which_they_are_asked() -> None:
    assert tuple(codes("change-control.md")) == REFUSAL_REASONS == get_args(RefusalReason)


def test_every_reason_to_refuse_a_hold_order_is_documented() -> None:
    assert set(codes("holds.md")) - {"everything"} == set(get_args(HoldRefusal))


def test_what_is_signed_is_as_the_page_says() -> None:
    text = (DOCS / "change-control.md").read_text(encoding="utf-8")
    sizes = [int(size) for size in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)]
    assert sum(sizes) == len(statement(1, bytes(32), bytes(32))) == 93
    assert f"`{DOMAIN[:-1].decode()}`" in text and len(DOMAIN) == sum(sizes[:2])
