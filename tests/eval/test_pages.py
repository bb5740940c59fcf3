"""Reports as Markdown and as pages: the same figures, nothing from elsewhere, text that stays text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree  # type: ignore[import-untyped]

from eval import plots
from eval.pages import Block, Heading, Items, Paragraph, Plot, Table, html, markdown
from tests.eval.conftest import FakeHome
from tests.eval.test_commands import run

NASTY = "<script>alert('&')</script> $x_1^2$ \"</svg>\" 問い"


def figures_of(page: str) -> list[str]:
    """The cells of a page's tables, row by row."""
    return [cell.get_text() for row in BeautifulSoup(page, "lxml").select("tr") for cell in row.select("th, td")]


def cells_of(text: str) -> list[str]:
    """The same of Markdown."""
    rows = [line for line in text.splitlines() if line.startswith("|") and not re.match(r"\| -+", line)]
    return [cell.strip() for row in rows for cell in row.strip("|").split("|")]


def check_page(page: str) -> BeautifulSoup:
    """What holds for every page: whole, named, no script, nothing from elsewhere, plots that say what they show."""
    soup = BeautifulSoup(page, "lxml")
    assert soup.title is not None
    assert soup.title.get_text().strip()
    assert not soup.find_all(["script", "link", "iframe", "object", "embed", "img"])
    for tag in soup.find_all(True):
        for name, value in tag.attrs.items():
            assert not name.startswith("on")
            if name in ("href", "xlink:href", "src"):
                assert str(value).startswith("#")
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    for drawing in soup.find_all("svg"):
        assert drawing["role"] == "img"
        assert len(str(drawing["aria-label"])) > 20
        etree.fromstring(str(drawing).encode())
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    references = set(re.findall(r'(?:href="#|url\(#)([^")]+)', page))
    assert references <= set(ids)
    return soup


def test_the_page_of_an_evaluation_shows_the_figures_of_the_markdown(
    home: FakeHome, queries: Path, tmp_path: Path
) -> None:
    lines = [json.loads(line) for line in queries.read_text().splitlines()]
    lines[0]["type"] = NASTY
    lines.append({**lines[1], "id": "<b>", "query": NASTY + " quite absent"})
    queries.write_text("\n".join(map(json.dumps, lines)))
    given = ["--baseline", "bm25", "--baseline", "rrf", "--arms", "bm25", "-k", "1", "--output", tmp_path]
    run(home, "retrieval", "--queries", queries, *given)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    soup = check_page(page)
    assert len(soup.find_all("svg")) == 4
    assert figures_of(page) == cells_of((tmp_path / "report.md").read_text(encoding="utf-8"))
    assert NASTY in soup.get_text()
    assert "<script>" not in page


def test_a_page_is_the_same_for_the_same_figures() -> None:
    curve = {"a": [(0.5, 0.0), (1.0, 0.25)], "b": []}
    assert plots.risk_coverage(curve) == plots.risk_coverage(curve)


@given(st.text(), st.text(), st.floats() | st.none() | st.integers() | st.text())
def test_text_stays_text(words: str, more: str, value: float | str | None) -> None:
    blocks: list[Block] = [
        Heading(words),
        Paragraph(more),
        Table([words, more], [[more, value]]),
        Items([(words, more)]),
    ]

    class Tags(HTMLParser):
        seen: list[str] = []  # noqa: RUF012

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.seen.append(tag)
            assert not [
                name for name, _ in attrs if name not in ("lang", "charset", "name", "content", "class", "scope")
            ]

    parser = Tags()
    parser.seen = []
    parser.feed(html(words, blocks))
    own = "html head meta meta title style body h1 h2 p div table thead tr th th tbody tr th td ul li code"
    assert parser.seen == own.split()


def test_markdown_leaves_plots_out_and_keeps_the_rest() -> None:
    blocks: list[Block] = [
        Paragraph("p"),
        Plot("<svg/>", "what it shows"),
        Heading("h"),
        Items([]),
        Items([("1", "a\nb")]),
    ]
    assert markdown("t", blocks) == "# t\n\np\n\n## h\n\nNone.\n\n- `1` a b\n"
    assert 'aria-label="what it shows"' in html("t", [Plot("<svg />", "what it shows")])


@pytest.mark.parametrize("count", [1, 3, 9])
def test_every_plot_draws_what_it_is_given(count: int) -> None:
    names = [f"run {i} {NASTY[:20]}" for i in range(count - 1)] + ["a very long name of a run " * 9]
    drawings = [
        plots.by_type("nDCG@10", {name: {"a" * 300: (0.5, 0.4, 0.6), NASTY: (1.0, 1.0, 1.0)} for name in names}),
        plots.risk_coverage({name: [(0.5, 0.0), (1.0, 0.5)] for name in names}),
        plots.latencies({name: [1.0, 20.0, 0.0] for name in names}),
        plots.scatter("nDCG@10", "mine", {name: [(0.0, 1.0), (0.5, 0.5), (1.0, 0.2)] for name in names}),
        plots.reliability([{"mean_score": 0.2, "share": 0.1, "n": 5}], "score", "share supported"),
    ]
    page = html("t", [Plot(drawing, "what this one shows to you") for drawing in drawings])
    texts = [text.get_text() for text in check_page(page).select("svg text")]
    assert any(names[-1][:20] in text for text in texts)
    assert count == 1 or any(names[0] in text for text in texts)
