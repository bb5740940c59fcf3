"""One home, one server and one browser for all tests of the page."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.web.library_files import write_files, write_first

SCRIPT = Path(sys.executable).with_name("cuecard")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
PATIENCE_MS = 60_000

REPORT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Run</title><style>h1 { color: #123 }</style>
<body><h1>Retrieval</h1><script>parent.pwned = 9</script><svg role="img" aria-label="A plot" width="9" height="9"></svg>
</body></html>"""


@pytest.fixture(scope="package")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs, and things that are none."""
    folder = tmp_path_factory.mktemp("web") / "results"
    for name, day, summary in (
        ("retrieval-1", "2026-01-01", {"runs": {"cuecard": {"overall": {"nDCG@10": 0.7512}}}, "shortfalls": ["R@5"]}),
        ("answers-2", "2026-01-02", {"overall": {"accuracy": 0.65, "questions": 30}, "corpus": {"documents": 22}}),
    ):
        (folder / name).mkdir(parents=True)
        (folder / name / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
        (folder / name / "environment.json").write_text(json.dumps({"time": f"{day}T08:00:00+00:00"}), encoding="utf-8")
    (folder / "retrieval-1" / "report.html").write_text(REPORT, encoding="utf-8")
    (folder / "answers-2" / "report.md").write_text("# Answers\n\n<b>well</b>\n", encoding="utf-8")
    (folder / "empty").mkdir()
    (folder / "broken").mkdir()
    (folder / "broken" / "summary.json").write_text("{", encoding="utf-8")
    return folder


@pytest.fixture(scope="package")
def url(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on a home that holds the notes."""
    home = tmp_path_factory.mktemp("web-home") / "home"
    notes = tmp_path_factory.mktemp("web-notes")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CUECARD_", "SLACK_"))}
    environment["CUECARD_RESULTS"] = str(results)
    ingest: list[str | Path] = [SCRIPT, "ingest", notes, "--home", home]
    for write in (write_first, write_files):
        write(notes)
        made = subprocess.run(ingest, capture_output=True, env=environment, check=False)
        assert made.returncode == 3, made.stderr
    command: list[str | Path] = [SCRIPT, "serve", "--home", home, "--port", "0", "--json"]
    log = home / "serve.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, log.read_text(encoding="utf-8")
        try:
            yield json.loads(line)["url"]
        finally:
            process.terminate()
            process.communicate(timeout=60)
    assert "Traceback" not in log.read_text(encoding="utf-8")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: `apt-get install chromium`, or name one with CHROMIUM=/path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE_MS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What a page complained of: errors of its script, and what its security policy kept from happening."""
    return []


@pytest.fixture
def context(browser: Browser, url: str, complaints: list[str]) -> Iterator[BrowserContext]:
    """A fresh profile at the server, whose pages must complain of nothing."""
    context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    yield context
    context.close()
    assert not complaints


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab."""
    return context.new_page()
