"""Pictures of every page in both languages, for docs/screens: `python -m tests.console.screens [FOLDER [NAME...]]`.

They show the invented night of world.py. A picture is kept small: few colours, well packed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from playwright.sync_api import Page

from tests.console.browser import SIZE, WAIT_MS, chromium, served
from tests.console.picture import packed
from tests.console.world import PASSWORD, WANTED, world

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
# name, who looks, where
PAGES = (
    ("now", "olga", "/now"),
    ("handover", "olga", "/handover"),
    ("alerts", "olga", "/alerts"),
    ("alert", "olga", f"/alerts/{WANTED}"),
    ("why", "olga", f"/alerts/{WANTED}/why?agency=iom"),
    ("quarantine", "olga", "/quarantine"),
    ("quarantine-reason", "olga", "/quarantine/unknown-value"),
    ("runbook", "olga", "/reasons/unknown-value"),
    ("agencies", "olga", "/agencies"),
    ("agency", "olga", "/agencies/iom"),
    ("holds", "olga", "/holds"),
    ("hold-new", "olga", "/holds/new?agency=iom"),
    ("topics", "olga", "/topics"),
    ("topic", "olga", "/topics/alerts.customs"),
    ("records", "olga", "/topics/alerts.customs/records"),
    ("guidelines", "sonia", "/guidelines"),
    ("guidelines-history", "sonia", "/guidelines/history"),
    ("guidelines-compare", "sonia", "compare"),
    ("guidelines-findings", "sonia", "/guidelines/findings"),
    (
        "guidelines-preview",
        "sonia",
        "/guidelines/preview?originator=customs&class=suspected-transit&purposes=investigation&sections=narrative#answer",
    ),
    ("audit", "aurora", "/audit"),
    ("recompute", "aurora", "recompute"),
    ("account", "olga", "/account"),
)
DARK = ("now", "alert", "quarantine", "records", "guidelines-preview")


def main(folder: Path = FOLDER, names: Collection[str] = ()) -> None:
    """Every page, or those of these names."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as kept, served(world(Path(kept))) as address, chromium() as browser:
        for language in ("es", "en"):
            context = browser.new_context(viewport=SIZE, locale=language, color_scheme="light")  # type: ignore[arg-type]
            page = context.new_page()
            page.set_default_timeout(WAIT_MS)
            page.goto(f"{address}/sign-in")
            take(page, folder / f"sign-in.{language}.png")
            signed = ""
            for name, who, where in PAGES:
                if names and name not in names:
                    continue
                if who != signed:
                    context.clear_cookies()
                    sign_in(page, address, who)
                    signed = who
                page.goto(f"{address}{place(page, address, where)}")
                page.evaluate("document.fonts.ready")
                take(page, folder / f"{name}.{language}.png")
                if name in DARK:
                    page.emulate_media(color_scheme="dark")
                    take(page, folder / f"{name}.{language}.dark.png")
                    page.emulate_media(color_scheme="light")
                if name == "quarantine-reason":
                    page.check("#all")
                    page.click("button[value=replay]")
                    page.wait_for_selector("#why")
                    take(page, folder / f"quarantine-dry-run.{language}.png")
            context.close()


def place(page: Page, address: str, where: str) -> str:
    """Two pages are reached by what another one shows."""
    if where == "compare":
        page.goto(f"{address}/guidelines/history")
        return page.get_attribute("td a[href*=compare]", "href") or ""
    if where == "recompute":
        page.goto(f"{address}/alerts/{WANTED}")
        return page.get_attribute("a[href*='/audit/delivery']", "href") or ""
    return where


def sign_in(page: Page, address: str, who: str) -> None:
    page.goto(f"{address}/sign-in")
    page.fill("#name", who)
    page.fill("#password", PASSWORD)
    page.click("button.big")
    page.wait_for_url("**/now")


def take(page: Page, path: Path) -> None:
    path.write_bytes(packed(page.screenshot()))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER, sys.argv[2:])
