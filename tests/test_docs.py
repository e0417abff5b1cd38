"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.embassy_canada.digest import NOT_OURS, NOTHING_TO_TELL_BY
from hub.bus.topics import KINDS
from hub.cli import app
from hub.cli.pages import PAGES, rooms
from hub.guidelines.outcome import REASONS
from hub.model.decision import QUARANTINE_REASONS
from hub.model.receipt import (
    DELETED_REASONS,
    EFFECTED_REASONS,
    HTTP_REASONS,
    OTHER,
    PARKED_REASONS,
    RECEIPT_REASONS,
    REJECTED_REASONS,
)

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_the_code_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def sources() -> dict[str, str]:
    """The code that runs, by path."""
    found = [path for room in ("hub", "connectors") for path in (ROOT / room).rglob("*.py")]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in found}


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_every_class_of_settings_is_documented() -> None:
    declared = {
        name for text in sources().values() for name in re.findall(r"^class (\w+)\(BaseSettings\)", text, re.MULTILINE)
    }
    assert declared == {model.__name__ for model in rooms().values()}


def test_every_variable_that_the_code_or_a_page_names_is_a_setting() -> None:
    """A name that ends in an underscore begins the names of several."""
    known = set(re.findall(r"`(ENLACE_[A-Z0-9_]+)`", page("settings.md")))
    prefixes = {name[: end + 1] for name in known for end, letter in enumerate(name) if letter == "_"}
    texts = {
        **sources(),
        **{path.name: path.read_text(encoding="utf-8") for path in (*ROOT.glob("*.md"), *DOCS.rglob("*.md"))},
    }
    named = {(name, where) for where, text in texts.items() for name in re.findall(r"\bENLACE_[A-Z0-9_]+", text)}
    own = {(name, where) for name, where in named if name not in known | prefixes}
    assert {name for name, _ in own} <= OF_OTHERS, own


# What a demo or a person's own settings file sets for a command line, and no setting of the hub.
OF_OTHERS: frozenset[str] = frozenset()


def test_every_metric_that_the_code_names_is_documented() -> None:
    text = page("metrics.md")
    telling = [source for source in sources().values() if "prometheus_client" in source]
    names = {name for source in telling for name in re.findall(r'f?"(enlace_[a-z_]+[a-z])"', source)}
    names -= {"enlace_router", "enlace_recorder", "enlace_scheduler"}  # beginnings, for all alike
    assert len(names) > 20
    assert not {name for name in names if f"`{name}`" not in text and f"`{name}_total`" not in text}


def test_every_topic_is_documented() -> None:
    named = set(re.findall(r"^\| `([a-z]+)(?:\.<agency>)?` \|", page("topics.md"), re.MULTILINE))
    assert named >= {kind.name.rstrip(".") for kind in KINDS}


def test_every_command_is_documented() -> None:
    """The page is made from the code: that what makes it sees every command is shown by another way to them."""
    groups = app.registered_groups
    names = {str(command.callback.__name__) for command in app.registered_commands if command.callback}
    names |= {str(group.name) for group in groups}
    shown = set(re.findall(r"^## `enlace ([a-z-]+)", page("commands.md"), re.MULTILINE))
    assert names == shown and len(names) > 15


def test_every_reason_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", (DOCS / "reasons.md").read_text(encoding="utf-8"), re.MULTILINE))
    told = {*PARKED_REASONS, *EFFECTED_REASONS, *REJECTED_REASONS, *DELETED_REASONS, OTHER}
    known = {*QUARANTINE_REASONS, *REASONS, *told} - {"permitted"}
    assert documented == known | {"cancelled", "no-longer-permitted"}


def test_every_reason_that_a_connector_of_ours_tells_is_of_the_closed_list() -> None:
    """Another would be recorded as `other`."""
    text = "\n".join(text for path, text in sources().items() if path.startswith("connectors"))
    told = set(re.findall(r'\b(?:Rejected|NoRequest|Parked)\("([^"]+)"', text))
    told |= set(re.findall(r'\bEffect\([^)\n]*reason="([^"]+)"', text))
    told |= {NOT_OURS, NOTHING_TO_TELL_BY}
    assert len(told) > 15 and told <= set(RECEIPT_REASONS)
    assert "http-404" in HTTP_REASONS


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in (*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("profiles/*/*.md"))
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken
