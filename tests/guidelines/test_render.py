"""A bundle as a document: everything that decides is in it, in whole sentences, and nothing of it becomes markup."""

from __future__ import annotations

import html
import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hub.guidelines.bundle import Bundle
from hub.guidelines.language import Language, Words
from hub.guidelines.profile import load_profile
from hub.guidelines.render import to_html, to_markdown
from tests.guidelines.samples import CUSTOMS, bundle, forbid, permit, withhold

ROOT = Path(__file__).parents[2]
LANGUAGES: tuple[Language, ...] = ("es", "en")


@pytest.fixture(scope="module")
def panama() -> Bundle:
    return load_profile(ROOT / "profiles" / "panama")


def article(document: str, guideline: str) -> str:
    """The text of one article."""
    found = re.search(
        rf"^### \w+ \d+ \({re.escape(guideline)}\)\. .*?(?=^###? |\Z)", document, re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return found[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entry_of_the_bundle_is_in_the_document(panama: Bundle, language: Language) -> None:
    document = to_markdown(panama, language, serial=7)
    plain = document.replace("\\", "")
    assert panama.name in document
    assert re.search(r":\*\* 7$", document, re.MULTILINE)
    for agency in panama.agencies:
        assert getattr(agency.name, language) in plain
    for guideline in panama.guidelines:
        text = article(document, guideline.id).replace("\\", "")
        assert getattr(guideline.title, language) in text
        assert getattr(guideline.rationale, language) in text
        assert all(f"`{key}`" in text for key in guideline.legal_basis)
        assert all(f"`{key}`" in text for key in (guideline.obligations.caveats if guideline.obligations else ()))
    for caveat in panama.caveats:
        assert getattr(caveat.text, language) in plain
    for instrument in panama.legal_basis:
        assert getattr(instrument.title, language) in plain


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_code_of_the_language_is_left_where_people_read(panama: Bundle, language: Language) -> None:
    """Articles call everything by its name; codes stand in the definitions, between back-ticks."""
    for guideline in panama.guidelines:
        text = re.sub(r"`[^`]*`", "", article(to_markdown(panama, language), guideline.id)).split("\n", 1)[1]
        codes = {
            code
            for name in ("class", "category", "purposes", "event", "channel")
            for code in panama.vocabularies[name]
            if not code.isalpha()  # the others are words themselves
        }
        left = {code for code in codes if re.search(rf"(?<![\w.-]){re.escape(code)}(?![\w.-])", text)}
        assert left <= {"i-24-7", "child-protection"}  # as its authors write them
        assert not any(mark in text for mark in ("{", "}", "None", "any:", "_"))


def test_an_article_says_who_to_whom_when_what_and_why(panama: Bundle) -> None:
    assert article(to_markdown(panama, "en"), "PA-G09") == (
        "### Article 27 (PA-G09). An adult who consents is referred to IOM for assistance, with what assistance needs and "
        "nothing on suspects.\n\n"
        "27.1. Of alerts that come from **Attorney General's Office (Public Ministry)** or **National Commission against "
        "Trafficking in Persons**, **International Organization for Migration** shall receive the core of the alert and, "
        "where it holds them, the victim's care and needs, the victim's contact data, the victim's description, the victim's "
        "identity and the victim's whereabouts, provided that the alert:\n\n"
        "- (a) is not an exercise;\n"
        "- (b) is of the class “victim identified”;\n"
        "- (c) serves, among its purposes, victim assistance;\n"
        "- (d) concerns nobody who is or may be a child; and\n"
        "- (e) records the consent of the victim or of the person sought as given.\n\n"
        "27.2. The ground of this communication is the victim's consent.\n\n"
        "27.3. Whoever receives it shall:\n\n"
        "- (a) acknowledge receipt within 24 hours;\n"
        "- (b) keep the data, at the latest, until one year after assistance has ended;\n"
        "- (c) review every 365 days whether they are still needed;\n"
        "- (d) pass them on to nobody; and\n"
        "- (e) show every reader the warnings `C4`, `C7`.\n\n"
        "*Reason.* IOM assists; it does not investigate, and its files should not be worth a subpoena.\n\n"
        "*Legal basis.* `IOM1`\\*, `IOM2`\\*, `IOM3`\\*, `IOM4`\\*, `IOM5`\\*, `IOM6`\\*, `IOM7`\\*, `IOM8`\\*, `IOM9`\\*, "
        "`L79`\\*, `PAL6`\\*, `PAL8`\\*. Whether this basis bears the article: to be confirmed by counsel.\n\n"
    )


def test_a_safeguard_against_all_reads_as_a_denial(panama: Bundle) -> None:
    assert (
        "De las alertas que origine cualquiera de las partes, ninguna de las partes, con excepción de **Comisión Nacional "
        "contra la Trata de Personas** y **Organización Internacional para las Migraciones**, recibirá la atención y las "
        "necesidades de la víctima." in article(to_markdown(panama, "es"), "PA-S2")
    )


def test_safeguards_come_before_guidelines_and_articles_are_numbered_through() -> None:
    some = bundle(permit("A1", "case"), withhold("Z1", "case", safeguard=True), forbid("B1", to="charity"))
    assert re.findall(r"^### Article (\d+) \((\w+)\)", to_markdown(some, "en"), re.MULTILINE) == [
        ("1", "Z1"),
        ("2", "A1"),
        ("3", "B1"),
    ]


def test_the_days_in_force_are_said() -> None:
    some = bundle(permit("P1", valid={"from": date(2026, 1, 1), "until": date(2026, 12, 31)}))
    assert "in force from 2026-01-01 until 2026-12-31, that day included" in article(to_markdown(some, "en"), "P1")


def test_a_group_is_written_out() -> None:
    document = to_markdown(bundle(permit("P1", to="group:national")), "en")
    assert "| the parties of the group “national” | x; x |" in document


def test_a_draft_says_that_it_is_one() -> None:
    assert "draft, not published" in to_markdown(bundle(), "en")
    assert "borrador, no publicado" in to_markdown(bundle(), "es")


def test_the_same_bundle_gives_the_same_document(panama: Bundle) -> None:
    again = Bundle.from_json(panama.to_json())
    assert to_html(panama, "es") == to_html(again, "es")


class Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "hr", "br"):
            self.open.append(tag)
        self.found.setdefault(tag, []).append(str(attrs))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


HOSTILE = '<script>alert(1)</script> | **bold** [a](javascript:x) `c` # h &lt; ![i](http://example.org/x.png) "q"'


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_of_a_bundle_becomes_markup(language: Language) -> None:
    words = Words(es=HOSTILE, en=HOSTILE)
    some = bundle(
        permit("P1", ["case"], title=words, rationale=words).model_copy(update={"rationale": words}),
        agencies=(CUSTOMS.model_copy(update={"name": words}),),
    )
    calm = bundle(permit("P1", ["case"]), agencies=(CUSTOMS,))
    page, usual = Elements(to_html(some, language)), Elements(to_html(calm, language))
    assert page.open == usual.open == []
    assert {tag: len(each) for tag, each in page.found.items()} == {tag: len(each) for tag, each in usual.found.items()}
    assert html.escape(HOSTILE, quote=False).split(" | ")[0] in to_html(some, language)


def test_the_page_needs_nothing_from_elsewhere(panama: Bundle) -> None:
    page = to_html(panama, "es")
    assert page.startswith('<!doctype html>\n<html lang="es">')
    assert Elements(page).open == []
    assert not re.search(r"<(script|link|img|iframe|a)\b|url\(|@import", page)
    assert "@media print" in page


def test_both_forms_say_the_same(panama: Bundle) -> None:
    text = html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", "", to_html(panama, "en"), flags=re.DOTALL))
    for guideline in panama.guidelines:
        assert " ".join(guideline.title.en.split()) in text
        assert " ".join(guideline.rationale.en.split()) in text
