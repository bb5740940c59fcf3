"""The page as a reader uses it, in a real Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import ANY
from urllib.parse import urlencode

import httpx
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.web.conftest import PATIENCE_MS
from tests.web.library_files import FILES, HOSTILE, POOL, STAMPEDE, UNKNOWN

expect.set_options(timeout=PATIENCE_MS)


def ask(page: Page, question: str) -> None:
    page.goto("/")
    page.get_by_role("combobox", name="Your question").fill(question)
    page.get_by_role("button", name="Ask").first.click()
    expect(page.locator(".turn .about")).to_be_visible()


def answer_of(url: str, question: str) -> Any:
    return httpx.post(f"{url}/ask", json={"question": question}, timeout=60).raise_for_status().json()


def highlighted(page: Page, within: str) -> str:
    """All marked text, as it stands in the page."""
    return str(page.evaluate(f"[...document.querySelectorAll('{within} mark.cited')].map(m => m.textContent).join('')"))


def test_a_citation_opens_its_source_with_exactly_the_quote_marked(page: Page, url: str) -> None:
    [source, *_] = answer_of(url, STAMPEDE)["sources"]
    assert source["quote"].count("\n") > 5
    ask(page, STAMPEDE)
    expect(page.locator(".turn h2")).to_have_text(STAMPEDE)
    page.locator(".prose a.cite").first.click()
    expect(page.locator("#panel mark.cited").first).to_be_in_viewport()
    assert highlighted(page, "#panel") == source["quote"]
    shown = page.evaluate("[...document.querySelectorAll('#panel .line')].map(line => line.textContent).join('')")
    assert shown == FILES["qa/caching.md"]
    page.get_by_role("link", name="Whole page").click()
    expect(page.locator("#cited")).to_be_in_viewport()
    assert highlighted(page, "main") == source["quote"]


def test_every_source_of_an_answer_can_be_opened(page: Page, url: str) -> None:
    sources = answer_of(url, POOL)["sources"]
    assert len(sources) == 2
    ask(page, POOL)
    for source in sources:
        page.locator(f".sources a[data-source='{source['marker']}']").click()
        expect(page.locator("#panel-title")).to_have_text(f"Source {source['marker']}")
        expect(page.locator("#panel .source-head")).to_contain_text(source["document"])
        assert highlighted(page, "#panel") == source["quote"]


def test_what_the_notes_do_not_cover_is_said_on_a_banner(page: Page) -> None:
    ask(page, UNKNOWN)
    banner = page.get_by_role("note", name="Low confidence")
    expect(banner).to_contain_text("Your notes don't cover this")
    expect(banner).to_contain_text("What was found fits the question only loosely.")
    expect(page.locator(".prose")).to_contain_text("JVM")
    expect(page.locator(".sources")).to_have_count(0)


def test_notes_that_disagree_stand_side_by_side(page: Page) -> None:
    ask(page, POOL)
    expect(page.get_by_role("note", name="Low confidence")).to_contain_text("disagree")
    sides = page.locator(".conflicts figure")
    expect(sides).to_have_count(2)
    first, second = (sides.nth(i).bounding_box() for i in (0, 1))
    assert first is not None
    assert second is not None
    assert first["y"] == second["y"]
    assert first["x"] != second["x"]
    expect(sides.nth(0)).to_contain_text("2023-04-17")
    expect(sides.nth(1)).to_contain_text("2025-02-10")


def test_sentences_are_coloured_by_what_backs_them_on_demand(page: Page) -> None:
    ask(page, STAMPEDE)
    claim = page.locator(".prose .claim").first
    expect(claim).to_have_css("text-decoration-line", "none")
    expect(page.get_by_role("heading", name="Sentence by sentence")).to_be_hidden()
    page.get_by_role("checkbox", name="Show what backs each sentence").check()
    expect(claim).to_have_css("text-decoration-line", "underline")
    expect(page.locator(".claims li").first).to_contain_text("Supported")


def test_questions_are_suggested_and_chosen_with_the_keyboard(page: Page) -> None:
    page.goto("/")
    field = page.get_by_role("combobox", name="Your question")
    field.press_sequentially("evict red")
    expect(page.locator("#suggestions li")).to_have_count(1)
    field.press("ArrowDown")
    expect(page.locator("#suggestions li[aria-selected=true]")).to_contain_text("Which Redis eviction policy")
    field.press("Enter")
    expect(page.locator(".turn h2")).to_have_text("Which Redis eviction policy do you choose?")
    expect(page.locator(".prose")).to_contain_text("allkeys-lru")


def test_all_of_it_works_with_the_keyboard_alone(page: Page) -> None:
    page.goto("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type(STAMPEDE)
    page.keyboard.press("Enter")
    expect(page.locator(".turn .about")).to_be_visible()
    expect(page.locator(".turn h2")).to_be_focused()
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.prose a.cite')"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#panel-title")).to_be_focused()
    expect(page.locator("#panel mark.cited").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator(".prose a.cite").first).to_be_focused()


def test_the_library_is_read_with_the_keyboard_alone(page: Page) -> None:
    def go_to(selector: str) -> None:
        for _ in range(60):
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{selector} is not reached with the Tab key")

    page.goto("/")
    go_to("nav a[href='/library']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Library")).to_be_visible()
    go_to(".skip")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    go_to("#documents a[href*='pool-2023']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Pool sizing 2023")).to_be_visible()
    go_to(".items a")
    page.keyboard.press("Enter")
    expect(page.locator("#cited")).to_be_in_viewport()
    go_to(".versions a")
    page.keyboard.press("Enter")
    expect(page.locator(".diff ins").first).to_contain_text("20 connections")
    go_to(".diff")
    page.goto("/library")
    go_to(".quarantine button[data-do='retry']")
    page.keyboard.press("Enter")
    expect(page.locator(".quarantine [role='status']").first).to_contain_text("damaged")
    page.goto("/evaluations")
    go_to(".report h2 a")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="answers-2")).to_be_visible()


def test_a_question_is_narrowed_down(page: Page) -> None:
    page.goto("/")
    page.get_by_text("Narrow it down").click()
    page.get_by_label("Kind").select_option("note")
    page.get_by_role("combobox", name="Your question").fill(STAMPEDE)
    page.get_by_role("button", name="Ask").first.click()
    expect(page.locator(".turn .about")).to_be_visible()
    assert "kind=note" in page.url
    expect(page.locator(".prose")).not_to_contain_text("short lock")


def test_asking_on_adds_a_turn(page: Page) -> None:
    ask(page, STAMPEDE)
    page.get_by_label("Ask on").fill("Which Redis eviction policy do you choose?")
    page.locator("#follow button").click()
    expect(page.locator(".turn .about")).to_have_count(2)
    expect(page.locator(".turn h2").last).to_be_focused()


def test_a_document_is_uploaded_and_answers(page: Page, tmp_path: Path) -> None:
    notes = tmp_path / "zeppelin.md"
    notes.write_text("# Zeppelins\n\n## What lifts a zeppelin?\n\nHydrogen lifts a zeppelin.\n", encoding="utf-8")
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.4 broken")
    page.goto("/library")
    page.get_by_label("Folder").fill("air")
    page.locator("#files").set_input_files([notes, broken])
    expect(page.locator("#jobs li[data-done]")).to_contain_text("1 added")
    expect(page.get_by_role("link", name="Zeppelins")).to_be_visible()
    entry = page.locator(".quarantine li", has_text="air/broken.pdf")
    entry.get_by_role("button", name="Try again").click()
    expect(entry.get_by_role("status")).to_contain_text("damaged")
    entry.get_by_role("button", name="Put aside").click()
    expect(entry).to_have_count(0)
    ask(page, "What lifts a zeppelin?")
    expect(page.locator(".prose")).to_contain_text("Hydrogen lifts a zeppelin.")


def test_files_are_dropped_and_a_new_version_tells_what_changed(page: Page) -> None:
    for text in ("Ropes hold a balloon.", "Ropes hold a balloon down."):
        page.goto("/library")
        page.evaluate(
            """text => {
                const data = new DataTransfer();
                data.items.add(new File([`# Balloons\\n\\n## What holds a balloon?\\n\\n${text}\\n`], "balloon.md"));
                document.querySelector("#upload").dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
            }""",
            text,
        )
        expect(page.locator("#jobs li[data-done]")).to_be_visible()
    page.get_by_role("link", name="Balloons").click()
    page.get_by_role("link", name="What changed").click()
    expect(page.locator(".diff .place")).to_have_text("line 3")
    expect(page.locator(".diff del")).to_have_text("Ropes hold a balloon.")
    expect(page.locator(".diff ins")).to_have_text("Ropes hold a balloon down.")


def test_asking_needs_no_script(browser: Browser, url: str) -> None:
    context = browser.new_context(base_url=url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Your question").fill(STAMPEDE)
    page.get_by_role("button", name="Ask").first.click()
    expect(page.locator(".turn h2")).to_have_text(STAMPEDE)
    expect(page.locator(".prose")).to_contain_text("A short lock lets only one request do the work")
    page.locator(".prose a.cite").first.click()
    expect(page.locator("mark.cited").first).to_contain_text("A cache stampede happens")
    expect(page.locator("#cited")).to_be_in_viewport()
    context.close()


def test_a_document_stays_text_whatever_it_says(page: Page) -> None:
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    ask(page, HOSTILE)
    expect(page.locator(".prose")).to_contain_text("<script>window.pwned = 1</script>")
    expect(page.locator(".prose")).to_contain_text("<b>more</b> *stars*")
    page.locator(".prose a.cite").first.click()
    expect(page.locator("#panel mark.cited").first).to_contain_text("<script>")
    for address in ("/library", "/?" + urlencode({"q": HOSTILE}), "/"):
        page.goto(address)
        assert page.evaluate("window.pwned") is None
        assert page.locator("main img, main style, main script, [onerror], a[href^=javascript]").count() == 0
    page.get_by_role("combobox", name="Your question").press_sequentially("grommets")
    expect(page.locator("#suggestions li")).to_have_count(1)
    assert page.evaluate("window.pwned") is None
    assert not dialogs


def test_reports_are_shown_and_may_run_nothing(page: Page, complaints: list[str]) -> None:
    page.goto("/evaluations")
    expect(page.locator(".report h2")).to_have_text(["answers-2", "retrieval-1"])
    expect(page.locator(".report").nth(1)).to_contain_text("0.751")
    page.get_by_role("link", name="retrieval-1").click()
    expect(page.frame_locator("iframe").get_by_role("heading", name="Retrieval")).to_be_visible()
    assert page.evaluate("window.pwned") is None
    # the frame's own script is what its policy is there for
    assert all("script" in each for each in complaints)
    complaints.clear()
    page.goto("/evaluations/answers-2")
    expect(page.get_by_text("<b>well</b>")).to_be_visible()


def test_thumbs_and_what_was_wrong_are_kept(page: Page) -> None:
    ask(page, STAMPEDE)
    bad = page.get_by_role("button", name="Bad answer")
    bad.click()
    expect(bad).to_have_attribute("aria-pressed", "true")
    page.get_by_label("What was wrong with it?").fill("too long")
    with page.expect_request("**/feedback") as sent:
        page.get_by_role("button", name="Send").click()
    assert sent.value.post_data_json == {"answer_id": ANY, "rating": "down", "comment": "too long"}
    # it goes once the server has kept it
    expect(page.locator("form.comment")).to_be_hidden()
    good = page.get_by_role("button", name="Good answer")
    good.click()
    expect(good).to_have_attribute("aria-pressed", "true")
    expect(bad).to_have_attribute("aria-pressed", "false")
