"""An operator's night in a real browser, in both languages: sign in, find what stands still, hold it, work the quarantine,
explain a denial, lift the hold with a second person. And every page held against WCAG 2.1 AA by axe, light and dark."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import CHROMIUM, SIZE, WAIT_MS, chromium, served
from tests.console.screens import DARK, PAGES, place, sign_in
from tests.console.world import WANTED, World

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}: apt-get install chromium"),
    pytest.mark.timeout(900),
]
SAID = {
    "es": {
        "wrong": "4 agencias necesitan atención",
        "stuck": "No recibe desde hace 15 min: 4 entregas esperan.",
        "held": "Retenido. Rige desde la siguiente transacción del enrutador.",
        "again": "3 volverían a cuarentena: corrija antes la causa.",
        "back": "3 volverían a su originador.",
        "told": "Ordenado: se avisa a los originadores.",
        "denied": "no tiene competencia para ninguna de sus finalidades",
        "asked": "Sigue retenido hasta que otra persona lo confirme.",
        "alone": "Usted lo pidió: debe confirmarlo otra persona.",
        "lifted": "Levantado.",
    },
    "en": {
        "wrong": "4 agencies need attention",
        "stuck": "It has received nothing for 15 min: 4 deliveries wait.",
        "held": "Held. It counts from the router's next transaction on.",
        "again": "3 would wait again: mend the cause first.",
        "back": "3 would go back to the originator.",
        "told": "Ordered: the originators are told.",
        "denied": "it has no competence for any of its purposes",
        "asked": "It stays held until another person confirms.",
        "alone": "You asked for it: another person must confirm.",
        "lifted": "Lifted.",
    },
}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def page_of(browser: Browser, language: str, scheme: str = "light") -> Page:
    context = browser.new_context(viewport=SIZE, locale=language, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    return page


@pytest.mark.parametrize("language", ["es", "en"])
def test_an_operator_walks_through_the_night(night: World, browser: Browser, language: str) -> None:
    said = SAID[language]
    expect.set_options(timeout=WAIT_MS)
    with served(night) as address:
        page = page_of(browser, language)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
        sign_in(page, address, "olga")
        expect(page.locator("h1")).to_contain_text(said["wrong"])
        stuck = page.locator("tbody tr").first
        expect(stuck).to_contain_text(said["stuck"])
        stuck.locator(".do a").click()

        page.click("a.stop")
        page.fill("#why", "its connector is silent")
        page.click("button.stop")
        expect(page.locator(".done")).to_contain_text(said["held"])
        assert night.cluster.standing().holds["deliveries/iom"] is not None

        page.goto(f"{address}/now")
        page.click("#do-customs")
        page.click("section.reason h2 a")
        page.check("#all")
        page.click("button[value=replay]")
        expect(page.locator(".answer")).to_contain_text(said["again"])
        page.go_back()
        page.check("#all")
        page.click("button[value=return]")
        expect(page.locator(".answer")).to_contain_text(said["back"])
        page.fill("#why", "not a code of the list")
        page.click("form.fields button.big")
        expect(page.locator(".done")).to_contain_text(said["told"])
        assert [(kind, who) for _, kind, who in night.cluster.ordered] == [("return", "olga")] * 3

        page.goto(f"{address}/alerts")
        page.fill("#id", str(WANTED))
        page.press("#id", "Enter")
        page.click("a[href*='why?agency=iom']")
        expect(page.locator(".answer")).to_contain_text(said["denied"])
        page.click("section.box a >> nth=0")
        expect(page.locator("h3:target")).to_have_count(1)

        page.goto(f"{address}/holds")
        page.locator("section.box", has_text="olga").locator("button").click()
        expect(page.locator(".done")).to_contain_text(said["asked"])
        expect(page.locator("main")).to_contain_text(said["alone"])
        second = page_of(browser, language)
        sign_in(second, address, "pedro")
        second.goto(f"{address}/holds")
        second.locator("section.box", has_text="olga").locator("button").click()
        expect(second.locator(".done")).to_contain_text(said["lifted"])
        assert "deliveries/iom" not in night.cluster.standing().holds
        second.context.close()
        page.context.close()
        assert faults == []


def test_the_whole_console_can_be_walked_by_keyboard(night: World, browser: Browser) -> None:
    with served(night) as address:
        page = page_of(browser, "en")
        page.goto(f"{address}/sign-in")
        page.keyboard.type("olga")
        page.keyboard.press("Tab")
        page.keyboard.type("correct horse battery")
        page.keyboard.press("Enter")
        page.wait_for_url("**/now")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        page.wait_for_function("document.activeElement.id === 'main'")
        page.keyboard.press("Tab")
        found = set()
        for _ in range(12):
            found.add(page.evaluate("document.activeElement.id"))
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", "the focus cannot be seen"
            page.keyboard.press("Tab")
        assert {"hold", "agency-iom", "do-iom"} <= found
        page.context.close()


SOON = (*DARK, "why", "quarantine-reason", "hold-new", "holds", "audit")  # the others in `make test-long`


@pytest.mark.parametrize(("language", "scheme"), [("es", "light"), ("en", "dark")])
def test_the_pages_used_most_are_accessible_by_wcag_aa(
    night: World, browser: Browser, language: str, scheme: str
) -> None:
    assert found_on(night, browser, language, scheme, SOON if scheme == "light" else DARK) == []


@pytest.mark.long
@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("es", "dark")])
def test_every_page_is_accessible_by_wcag_aa(night: World, browser: Browser, language: str, scheme: str) -> None:
    assert found_on(night, browser, language, scheme, [name for name, _, _ in PAGES]) == []


def found_on(night: World, browser: Browser, language: str, scheme: str, names: Collection[str]) -> list[str]:
    """What axe finds on these pages."""
    found: list[str] = []
    with served(night) as address:
        page = page_of(browser, language, scheme)
        page.goto(f"{address}/sign-in")
        found += violations(page, "sign-in")
        signed = ""
        for name, who, where in PAGES:
            if name not in names:
                continue
            if who != signed:
                page.context.clear_cookies()
                sign_in(page, address, who)
                signed = who
            page.goto(f"{address}{place(page, address, where)}")
            found += violations(page, name)
        page.set_content("<html><body><input></body></html>")
        assert violations(page, "a bad page"), "axe looked at nothing"
        page.context.close()
    return found


def violations(page: Page, name: str) -> list[str]:
    """What axe finds on a page. Its script gets in by the browser's own hand: the pages' policy does not let it in."""
    answer = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
    return [f"{name}: {each['id']}: {each['nodes'][0]['html'][:160]}" for each in answer.response["violations"]]
