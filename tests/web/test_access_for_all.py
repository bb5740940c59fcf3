"""Every view in both themes: axe finds nothing serious, and nothing runs off the side of a phone."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.web.conftest import PATIENCE_MS
from tests.web.library_files import CHANGED, POOL, STAMPEDE, UNKNOWN, UNREADABLE

SERIOUS = ("serious", "critical")


def cited(page: Page) -> None:
    page.locator(".prose a.cite").first.click()
    expect(page.locator("#panel mark.cited").first).to_be_visible(timeout=PATIENCE_MS)


def by_sentence(page: Page) -> None:
    page.locator(".show-claims").first.check()
    page.locator("details.narrow summary").click()


def wrong_key(page: Page) -> None:
    page.get_by_label("Your key").fill("no key at all")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible(timeout=PATIENCE_MS)


def tried_again(page: Page) -> None:
    entry = page.locator(".quarantine li", has_text=UNREADABLE)
    entry.get_by_role("button", name="Try again").click()
    expect(entry.get_by_role("status")).to_contain_text("damaged", timeout=PATIENCE_MS)


VIEWS: dict[str, tuple[str, Callable[[Page], None] | None]] = {
    "home": ("/", None),
    "answer": ("/?" + urlencode({"q": STAMPEDE}), cited),
    "conflict": ("/?" + urlencode({"q": POOL}), by_sentence),
    "abstention": ("/?" + urlencode({"q": UNKNOWN}), None),
    "login": ("/login", None),
    "login refused": ("/login?next=/library", wrong_key),
    "library": ("/library", None),
    "quarantine": ("/library#quarantine", tried_again),
    "diff": ("/library/diff?" + urlencode({"id": CHANGED}), None),
    "items": ("/library/document?" + urlencode({"path": CHANGED}), None),
    "changed since": ("/library/document?path=qa/caching.md&start=5&end=9&version=sha256:0", None),
    "document": ("/library/document?path=qa/caching.md&start=50&end=90", None),
    "evaluations": ("/evaluations", None),
    "report": ("/evaluations/retrieval-1", None),
    "error": ("/library/document?path=nowhere.md", None),
}


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_every_view_can_be_used_by_everybody(browser: Browser, url: str, theme: str, width: int) -> None:
    context = browser.new_context(
        base_url=url,
        color_scheme="dark" if theme == "dark" else "light",
        viewport={"width": width, "height": 844},
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    found = []
    for name, (address, prepare) in VIEWS.items():
        page.goto(address)
        if prepare is not None:
            prepare(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} runs off the side"
        # the frame of a report runs no script, not even axe's
        report = Axe().run(page, options={"iframes": False, "resultTypes": ["violations"]})
        found += [
            f"{name}: {each['id']}: {each['nodes'][0]['html']}"
            for each in report.response["violations"]
            if each["impact"] in SERIOUS
        ]
    context.close()
    assert not found
