"""The words file is whole, in both languages; times, spans and numbers are written for people."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from hub.bus.topics import KINDS
from hub.console.ask import words
from hub.console.audit import ACTIONS
from hub.console.browse import MODELS
from hub.console.doors import language_of
from hub.console.shown import Shown, shift_began
from hub.guidelines.outcome import REASONS
from hub.model.decision import DECISION_OUTCOMES, END_OUTCOMES, QUARANTINE_REASONS
from hub.model.delivery import DELIVERY_KINDS
from hub.model.receipt import DELETED_REASONS, EFFECTED_REASONS, ERROR_KINDS, OTHER, PARKED_REASONS, REJECTED_REASONS
from hub.readmodel.results import ALARMS, ALERT_STATES, LAG_STATES, TROUBLES
from tests.console.world import NOW_MS

DOCS = Path(__file__).parents[2] / "docs"
CONSOLE = Path(str(files("hub.console")))


def test_every_word_is_there_in_both_languages_with_the_same_blanks() -> None:
    for key, both in words().items():
        assert both.keys() == {"es", "en"}, key
        blanks = [sorted(re.findall(r"\{(\w+)\}", both[language])) for language in ("es", "en")]
        assert blanks[0] == blanks[1] and all(both.values()), key


def test_every_word_that_a_page_may_use_is_there_and_no_other() -> None:
    sources = [*CONSOLE.glob("templates/*.html"), *CONSOLE.rglob("*.py")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    plain = set(re.findall(r"""["']([a-z][a-z-]*(?:\.[a-z-]+)*)["']""", source)) & set(words())
    begun = set(re.findall(r"""["']([a-z][a-z.-]*\.)["'] ~""", source)) | set(re.findall(r'f"([a-z.-]+\.)\{', source))
    unused = [key for key in words() if key not in plain and not any(key.startswith(each) for each in begun)]
    assert not unused
    asked = set(re.findall(r"""\bt\(["']([a-z.-]+)["']""", source)) | set(re.findall(r'BadForm\("([a-z.-]+)"', source))
    assert {key for key in asked if not key.endswith(".")} <= set(words())


@pytest.mark.parametrize(
    ("begun", "codes"),
    [
        ("now.trouble.", TROUBLES),
        ("now.do.", TROUBLES),
        ("lag.", LAG_STATES),
        ("alarm.", ALARMS),
        ("state.", ALERT_STATES),
        ("outcome.", (*REASONS, "cancelled", "not-in-bundle")),
        ("decision.", DECISION_OUTCOMES),
        ("end.", END_OUTCOMES),
        ("party.", tuple({party for kind in KINDS for party in (kind.writer, *kind.readers)})),
        ("record.", tuple(model.__name__ for model in MODELS)),
        ("delivery.", DELIVERY_KINDS),
        ("withdrawal.", ("cancelled", "expired", "no-longer-permitted")),
        ("audit.", ACTIONS),
        ("receipt-reason.", (*PARKED_REASONS, *EFFECTED_REASONS, *REJECTED_REASONS, *DELETED_REASONS, OTHER)),
        ("connector-error.", (*ERROR_KINDS, OTHER)),
    ],
)
def test_every_code_has_its_words(begun: str, codes: tuple[str, ...]) -> None:
    assert [code for code in codes if begun + code not in words()] == []


def test_the_runbooks_say_what_the_documentation_says() -> None:
    page = (DOCS / "reasons.md").read_text(encoding="utf-8").split("## Why an agency")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \| (.+) \|$", page, re.MULTILINE)
    assert {code for code, _, _ in rows} == set(QUARANTINE_REASONS)
    for code, means, step in rows:
        assert (words()[f"reason.{code}.means"]["en"], words()[f"reason.{code}.do"]["en"]) == (means, step)


@pytest.mark.parametrize(("accepted", "language"), [
    ("", "es"), ("en", "en"), ("es-PA,es;q=0.9,en;q=0.8", "es"), ("en-US,es;q=0.5", "en"), ("fr, en;q=0.2", "en"),
    ("de", "es"), ("en;q=x", "es"), (",;q=,", "es"),
])  # fmt: skip
def test_the_language_is_what_the_browser_asks_for(accepted: str, language: str) -> None:
    assert language_of(None, {}, accepted) == language


# --- times and numbers


@pytest.mark.parametrize(("span_ms", "text"), [
    (0, "0 s"), (99_000, "99 s"), (14 * 60_000, "14 min"), (200 * 60_000, "3 h 20 min"), (3 * 3_600_000, "3 h"),
    (52 * 3_600_000, "2 d 4 h"), (-5, "0 s"), (None, "–"),
])  # fmt: skip
def test_a_span_is_read_at_a_glance(span_ms: int | None, text: str) -> None:
    assert Shown("en", "America/Panama", NOW_MS).span(span_ms) == text


def test_a_time_is_shown_in_the_zone_with_utc_on_hover() -> None:
    shown = Shown("es", "America/Panama", NOW_MS)
    assert 'title="2026-11-28 08:10:00 UTC">03:10:00<' in shown.time(NOW_MS)
    assert ">27 nov 2026, 22:10:00<" in shown.time(NOW_MS - 5 * 3_600_000)
    assert ">hace 14 min<" in shown.ago(NOW_MS - 14 * 60_000)


def test_the_shift_began_when_the_clock_last_showed_it() -> None:
    assert shift_began(NOW_MS, "22:00", "America/Panama") == NOW_MS - 5 * 3_600_000 - 10 * 60_000
    assert shift_began(NOW_MS, "03:00", "America/Panama") == NOW_MS - 10 * 60_000
