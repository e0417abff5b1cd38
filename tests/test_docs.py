"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.sdk.deliver import PARKED_REASONS
from hub.cli.pages import PAGES
from hub.guidelines.outcome import REASONS
from hub.model.decision import QUARANTINE_REASONS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_the_code_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_every_reason_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", (DOCS / "reasons.md").read_text(encoding="utf-8"), re.MULTILINE))
    known = {*QUARANTINE_REASONS, *REASONS, *PARKED_REASONS} - {"permitted"}
    assert documented == known | {"cancelled", "no-longer-permitted"}


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in (*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("profiles/*/*.md"))
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken
