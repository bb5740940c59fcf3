"""What pages are made of: an answer's Markdown, the marked text of a document, reports, suggestions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.http.access import Access
from api.http.app import create_app
from api.keys import Keys
from api.library import Body
from api.web.markdown import answer_html, plain_text
from api.web.pages import source_url
from api.web.sources import MOST_LINES, excerpt
from ingest.catalog import Catalog
from ingest.errors import IndexUnavailableError
from tests.api.fake_library import QUOTE, SOURCE, FakeLibrary, answer_to

HERE = "http://127.0.0.1"


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary()


@pytest.fixture
def client(library: FakeLibrary) -> Iterator[TestClient]:
    with TestClient(create_app(library, local=True), HERE, raise_server_exceptions=False) as client:
        yield client


def html_of(text: str, claims: list[Body] | None = None) -> BeautifulSoup:
    answer = {**answer_to("What?"), "answer": text, "claims": claims or []}
    return BeautifulSoup(answer_html(answer, source_url), "html.parser")


def claim(text: str, words: str, verdict: str = "supported") -> Body:
    start = text.index(words)
    return {"text": words, "start": start, "end": start + len(words), "verdict": verdict, "score": 1.0}


def test_markers_of_sources_are_links_and_nothing_else_is() -> None:
    found = html_of(
        "Redis evicts [1]. As [7] says, `x[1]` and [1](https://evil.example) and \\[1\\] too.\n\n    y[1]\n"
    )
    [link, escaped] = found.select("a.cite")
    assert link.text == escaped.text == "[1]"
    assert link["href"] == source_url(answer_to("What?")["sources"][0])
    assert link["aria-label"] == "Source 1: qa/caching.md, line 3"
    [other] = [a for a in found.select("a") if "cite" not in (a.get("class") or "")]
    assert other["href"] == "https://evil.example"
    assert other["rel"] == ["noopener", "noreferrer", "nofollow"]
    assert [code.text for code in found.select("code")] == ["x[1]", "y[1]\n"]


def test_a_reference_in_a_document_takes_no_marker_over() -> None:
    found = html_of("Redis evicts. [1]\n\n[1]: https://evil.example\n")
    assert [a["class"] for a in found.select("a")] == [["cite"], ["cite"]]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JAVASCRIPT:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](/logout)",
        "![x](https://evil.example/pixel.png)",
        '[x](https://a.example "onmouseover=alert(1)")',
        "<https://a.example/\"onmouseover='alert(1)'>",
        "`<svg onload=alert(1)>`",
        "```<svg onload=alert(1)>\n<svg onload=alert(1)>\n```",
        "| <b> | [1]<i> |\n|---|---|\n| <u> | </table><script> |",
    ],
)
def test_nothing_of_a_document_is_more_than_text_and_links_to_web_sites(text: str) -> None:
    found = html_of(text)
    for tag in found.find_all(True):
        assert tag.name in {"p", "a", "pre", "code", "div", "table", "thead", "tbody", "tr", "th", "td"}
        assert not [name for name in tag.attrs if name.startswith("on") or name == "style"]
        if tag.name == "a" and "cite" not in (tag.get("class") or ""):
            assert str(tag["href"]).startswith("https://")


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet="ab*_`[]1()<>&\\#-| \n:/\"'!", max_size=60))
def test_any_text_is_laid_out_without_more_than_markup(text: str) -> None:
    found = html_of(text)
    assert not found.select("script, img, style, iframe, form, input, [onerror], [style]")


def test_claims_are_marked_across_markup() -> None:
    text = "**First** one is *so*. Second &amp; `last` one. [1]\n\n- third\n"
    claims = [
        claim(text, "**First** one is *so*."),
        claim(text, "Second &amp; `last` one. [1]", "partial"),
        claim(text, "third", "contradicted"),
    ]
    found = html_of(text, claims)

    def words(verdict: str) -> str:
        return "".join(span.text for span in found.select(f'.claim[data-verdict="{verdict}"]'))

    assert words("supported") == "First one is so."
    assert words("partial") == "Second & last one. [1]"
    assert words("contradicted") == "third"
    assert [a.text for a in found.select(".claim a.cite")] == ["[1]"]


def test_plain_text_is_words_on_one_line() -> None:
    assert plain_text("**Lead:** a `b`\nc\n\n- *d* [e](https://x.example)\n\n```\nf\n```") == "Lead: a b c d e f"


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet="ab é𝄞\n", max_size=80), st.integers(-3, 90), st.integers(-3, 90))
def test_what_is_marked_is_the_stretch_and_the_lines_are_the_text(text: str, start: int, end: int) -> None:
    found = excerpt(text, start, end)
    valid = 0 <= start < end <= len(text)
    assert "".join(line.cited for line in found.lines) == (text[start:end] if valid else "")
    assert "".join(line.before + line.cited + line.after for line in found.lines) == text
    assert found.cited == (text.count("\n", 0, start) + 1 if valid else None)


def test_a_long_document_is_shown_around_what_is_cited() -> None:
    text = "".join(f"line {n}\n" for n in range(1, 10_001))
    at = text.index("line 7000\n")
    found = excerpt(text, at, at + 9)
    assert found.first < 7000 < found.last
    assert len(found.lines) == MOST_LINES
    assert [line.number for line in found.lines if line.cited] == [7000]
    assert excerpt(text, None, None, 9_990).last == found.total == 10_001
    assert excerpt(text, None, None, 99_999).first == found.total


def test_the_page_asks_with_what_was_chosen(client: TestClient, library: FakeLibrary) -> None:
    asked = {"q": " What? ", "topic": "Caching", "kind": "qa", "collection": "c", "conversation_id": "t1"}
    response = client.get("/", params=asked)
    assert response.status_code == 200
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    question = next(each for each in library.asked if "question" in each)
    assert (question["question"], question["collection"]) == ("What?", "c")
    assert question["filters"] == {"topic": ["Caching"], "kind": ["qa"]}
    page = BeautifulSoup(response.text, "html.parser")
    assert page.select_one(".prose").text.strip() == f"{QUOTE} [1]"  # type: ignore[union-attr]
    assert page.select_one(".related a")["href"] == "/?q=Why+cache%3F"  # type: ignore[index]
    assert not page.select("[style], [onclick], script:not([src])")


def test_what_goes_wrong_is_said_on_the_page(client: TestClient, library: FakeLibrary) -> None:
    def fail(_: str) -> None:
        raise IndexUnavailableError("The index <b>can't</b> be searched.", hint="Wait.")

    library.on_ask = fail
    response = client.get("/", params={"q": "What?"})
    assert response.status_code == 503
    assert "The index &lt;b&gt;can&#39;t&lt;/b&gt; be searched." in response.text
    missing = client.get("/library/document", params={"path": "no.md"})
    assert missing.status_code == 404
    assert missing.headers["Content-Type"].startswith("text/html")
    assert client.get("/library/document").status_code == 422


def test_answers_of_every_kind_are_laid_out(client: TestClient) -> None:
    changes: list[Any] = [
        {"kind": "abstained", "sources": (), "claims": (), "low_confidence": True, "reasons": ("index_degraded",)},
        {"effective_question": "What does Redis evict?", "conversation_id": "t1", "question": "and that?"},
        {"answer": "", "claims": ()},
    ]
    for change in changes:
        response = client.post("/answers/page", json=answer_to("What?") | change)
        assert response.status_code == 200, response.text
        page = BeautifulSoup(response.text, "html.parser")
        if "index_degraded" in change.get("reasons", ()):
            assert "Your notes can't be searched right now" in page.text
        if "effective_question" in change:
            assert "What does Redis evict?" in page.select_one(".read-as").text  # type: ignore[union-attr]
            assert page.select_one(".turn")["data-conversation"] == "t1"  # type: ignore[index]


def test_a_document_that_changed_is_not_marked(client: TestClient) -> None:
    here: dict[str, str | int] = {"path": "d1d1d1d1", "start": SOURCE.start, "end": SOURCE.end}
    same = client.get("/library/document", params=here | {"version": SOURCE.version})
    marks = BeautifulSoup(same.text, "html.parser").select("mark.cited")
    assert "".join(mark.text for mark in marks) == QUOTE
    other = client.get("/library/document", params=here | {"version": "sha256:" + "1" * 64})
    assert "has changed since" in other.text
    assert "<mark" not in other.text


def test_questions_and_facets_come_from_the_library(client: TestClient, library: FakeLibrary) -> None:
    held = client.get("/questions", params={"q": "red", "limit": 3}).json()["questions"]
    assert [each["question"] for each in held] == ["What does Redis evict?"]
    assert {"text": "red", "limit": 3} in library.asked
    assert client.get("/questions", params={"limit": 0}).status_code == 422
    assert client.get("/facets").json()["facets"]["topic"] == {"Caching": 1}


@pytest.mark.parametrize("name", ["empty", "link", "nothing", "broken", "%2e%2e%2fsecret", "..%2fsecret"])
def test_only_reports_of_the_folder_are_shown(name: str, results: Path) -> None:
    secret = results.parent / "secret"
    secret.mkdir(exist_ok=True)
    for file, text in (("summary.json", "{}"), ("report.html", "secret")):
        (secret / file).write_text(text, encoding="utf-8")
    if not (results / "link").exists():
        (results / "link").symlink_to(secret)
    app = create_app(FakeLibrary(), local=True)
    app.state.results = str(results)
    with TestClient(app, HERE, raise_server_exceptions=False) as client:
        for address in (f"/evaluations/{name}", f"/evaluations/{name}/report"):
            response = client.get(address)
            assert "secret" not in response.text.replace("/secret", "").replace("%2fsecret", "")
            assert response.status_code == 404
        framed = client.get("/evaluations/retrieval-1/report")
        assert "sandbox" in framed.headers["Content-Security-Policy"]
        assert "script-src" not in framed.headers["Content-Security-Policy"]


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keys]:
    """Real keys in a catalog of their own."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    yield Keys(lambda: catalog, alone=True)
    catalog.close()


def test_pages_show_what_the_key_may_see_and_offer_what_it_may_do(
    keys: Keys, library: FakeLibrary, results: Path
) -> None:
    _, candidate = keys.create("bob", ["ask"], audience="candidate")
    _, owner = keys.create("eve", ["ask", "ingest"], audience="interviewer")
    app = create_app(library)
    app.state.results = str(results)
    with TestClient(app, HERE, raise_server_exceptions=False, follow_redirects=False) as client:
        app.state.access = Access(keys=keys)
        for path in ("/", "/?q=What%3F", "/library", "/library/document?path=d1d1d1d1", "/evaluations"):
            without = client.get(path)
            assert without.status_code == 303
            assert without.headers["Location"].startswith("/login?next=%2F")
            library.views.clear()
            client.get(path, headers={"Authorization": f"Bearer {candidate}"})
            assert {view.audience for view in library.views} <= {"candidate"}
            assert library.views or path == "/evaluations"

        def shown(path: str, key: str) -> str:
            return client.get(path, headers={"Authorization": f"Bearer {key}"}).text

        assert 'id="upload"' not in shown("/library", candidate)
        assert 'id="upload"' in shown("/library", owner)
        assert "retrieval-1" not in shown("/evaluations", candidate)
        assert "There is no report" in shown("/evaluations/retrieval-1/report", candidate)
        assert "retrieval-1" in shown("/evaluations", owner)
        assert client.post("/answers/page", json=answer_to("What?")).status_code == 401
