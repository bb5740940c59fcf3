"""Makes the pictures in docs from the bundled corpus: `python -m tests.web.screenshots [FOLDER]`.

Every view in both themes and at two widths goes to FOLDER, to be looked at; without one, only those that docs show.
The evaluations are those in `results`, or in CUECARD_RESULTS.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from api.home import own
from api.http.app import create_app
from api.local import LocalLibrary
from api.settings import load_settings
from tests.service.running import running
from tests.web.conftest import CHROMIUM, FLAGS, PATIENCE_MS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "screenshots"
WIDTHS = {"": (1280, 860), "-phone": (390, 844)}
SHOWN = (
    "answer-dark",
    "answer-phone-dark",
    "conflict-light",
    "diff-light",
    "document-light",
    "evaluation-dark",
    "home-light",
    "library-light",
    "library-phone-dark",
)
"""The pictures that docs/web.md and the README show."""

CHANGED = "qa/cloud-and-deployment.md"


def ask(question: str) -> str:
    return "/?" + urlencode({"q": question})


def cited(page: Page) -> None:
    page.locator(".prose a.cite").first.click()
    expect(page.locator("#panel mark.cited").first).to_be_visible(timeout=PATIENCE_MS)


def by_sentence(page: Page) -> None:
    page.locator(".show-claims").first.check()


VIEWS: dict[str, tuple[str, Callable[[Page], None] | None]] = {
    "home": ("/", None),
    "answer": (ask("our pods get killed in the middle of requests on every rollout"), cited),
    "claims": (ask("our pods get killed in the middle of requests on every rollout"), by_sentence),
    "conflict": (ask("how big should the connection pool be per process"), None),
    "abstention": (ask("How do I tune the JVM garbage collector for low pauses?"), None),
    "library": ("/library", None),
    "quarantine": ("/library#quarantine", None),
    "document": ("/library/document?path=qa/cloud-and-deployment.md&line=60", None),
    "diff": ("/library/diff?" + urlencode({"id": CHANGED}), None),
    "evaluations": ("/evaluations", None),
    "evaluation": ("/evaluations", lambda page: page.locator(".report h2 a").first.click()),
    "login": ("/login", None),
}


@contextmanager
def served(results: str) -> Iterator[str]:
    """A server over the corpus, of which one document has two versions, with a file that can't be read."""
    with tempfile.TemporaryDirectory() as folder:
        notes, home = Path(folder, "notes"), Path(folder, "home")
        shutil.copytree(ROOT / "corpus", notes)
        (notes / "scans").mkdir()
        (notes / "scans" / "whiteboard.pdf").write_bytes(b"%PDF-1.4 broken")
        settings = load_settings(home, {"CUECARD_RESULTS": results})
        library = LocalLibrary(settings, own(settings, "serve", create=True))
        try:
            now = (notes / CHANGED).read_text(encoding="utf-8")
            for text in (now.replace("sleep of 5 to 10 seconds", "sleep of a few seconds"), now):
                (notes / CHANGED).write_text(text, encoding="utf-8")
                library.ingest([notes], collection="default", yes=True, progress=None)
            with running(create_app(library, settings, token="-", local=True)) as url:
                yield url
        finally:
            library.close()


def main() -> None:
    """Take them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with served(os.environ.get("CUECARD_RESULTS", str(ROOT / "results"))) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE_MS)
        for theme in ("light", "dark"):
            for suffix, (width, height) in WIDTHS.items():
                wanted = [name for name in VIEWS if folder or f"{name}{suffix}-{theme}" in SHOWN]
                context = browser.new_context(
                    base_url=url,
                    color_scheme="dark" if theme == "dark" else "light",
                    viewport={"width": width, "height": height},
                    reduced_motion="reduce",
                )
                context.set_default_timeout(PATIENCE_MS)
                page = context.new_page()
                for name in wanted:
                    address, prepare = VIEWS[name]
                    page.goto(address)
                    if prepare is not None:
                        prepare(page)
                    page.wait_for_load_state("networkidle")
                    path = (folder or DOCS) / f"{name}{suffix}-{theme}.png"
                    page.screenshot(path=path)
                    small = Image.open(path).convert("RGB").quantize(128, dither=Image.Dither.NONE)
                    small.save(path, optimize=True)  # a third of the bytes, and nothing to be seen of it
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
