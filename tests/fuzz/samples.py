"""Small valid files of every format, made in code: where mutation starts from."""

# ruff: noqa: E501 a document in a line is easier to read than one broken in two

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence

MARKDOWN = (
    "# Caching\n\n## What is a TTL?\n\nA time to live.\n\n- one\n  - two\n    1. three\n\n```python\nx = 1\n```\n",
    "**Q1:** What is a lock?\n\n**A1:** A mark of who may go on.\n\nQ: Why?\nA: So.\n",
    "1. What is a queue?\n2. What is a stack?\n\n## Answers\n\n### Q1 Response:\n\nFirst in, first out.\n",
    "<details><summary><b>Why shards?</b></summary>\n\nFor room.\n\n</details>\n<!-- aside\n-->\n<p align='center'>x</p>\n",
    "| Question | Answer |\n|---|:-:|\n| Why? | So. |\n| `a|b` | c \\| d |\n\n> quoted\n> - entry\n\n---\n",
    "---\ntitle: Notes\ntags: [a, b]\nlevel: senior\n---\nSetext\n======\n\ntext[^1]\n\n[^1]: A footnote.\n\n[a]: /u 't'\n",
    "- **Rate limiting:** token bucket.\n- **Backoff**: with jitter.\n- [ ] open\n* star\n+ plus\n\n    indented code\n",
    '## Phase 1: Warm-up (10 minutes)\n\nAsk the candidate.\n\n## Senior Level (5+ years)\n\n- "How do you rank?"\n',
    "[Why a heap?](#why-a-heap)\n\n### Why a heap?\n\n![alt](i.png)\n\n**[⬆ Back to top](#top)**\n\n~~~sh\nls # list\n~~~\n",
    "## Why hash?\n\nTo hide.\n\n**Why not MD5?**\n- fast\n\n**More:** no\n\n<details><summary>x</summary>\n\n**Why so?**\n\ny\n</details>\n",
    "**Situation:** Slow.\n**Task:** Speed.\n**Action:** Cache.\n**Result:** Fast.\n\nTerm: its meaning\nOther: another\n",
    "Expected answer: yes\n\nFollow-ups:\n- Why?\n\n***bold*** __x__ _y_ `z` <kbd>k</kbd> &amp; \\* caf\u00c3\u00a9\n",
)
HTML = (
    "<!doctype html><html><head><title>T</title></head><body><h1>A</h1><p>Why <b>so</b>?<br>x</p>"
    "<ul><li>a<ol><li>b</li></ol></li></ul><pre><code class='language-py'>x = 1</code></pre>"
    "<table><tr><th>Question</th><th>Answer</th></tr><tr><td>Why?</td><td>So.</td></tr></table></body></html>",
    "<details><summary>Why?</summary><p>So.</p></details><dl><dt>a</dt><dd>b</dd></dl><!-- c --><script>x</script>"
    "<blockquote>q</blockquote><hr><img alt='i' src='x'><a href='#a'>l</a><h2 id='a'>What is it?</h2><div>So &amp; so",
)
CSV = (
    'question,answer,topic\nWhy?,So.,a\n"What, then?","two\nlines",b\n',
    "Question;Level;Answer\nWhy?;senior;So.\n",
    "a,b,c\n1,2,3\n4,5\n",
    'term,definition\nheap,"a ""tree"""\n',
)
TSV = ("question\tanswer\nWhy?\tSo.\n", "a\tb\n1\t2\n")
JSON = (
    '[{"question": "Why?", "answer": "So.", "tags": ["a"]}, {"question": "What?", "answer": null}]',
    '{"questions": [{"q": "Why?", "a": "So.", "options": ["A", "B"], "correct": 1}], "title": "T"}',
    '{"a": {"b": [1, 2.5, true, {"c": "d"}]}, "text": "x\\ny"}',
)
JSONL = (
    '{"question": "Why?", "answer": "So."}\n{"question": "What?", "answer": ["a", "b"]}\n',
    '{"a": 1}\n\n{"a": 2}\n',
)
NOTEBOOK = json.dumps(
    {
        "cells": [
            {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# Why?\n", "\n", "So."]},
            {
                "cell_type": "code",
                "id": "b",
                "metadata": {},
                "execution_count": 1,
                "source": "print(1)",
                "outputs": [{"output_type": "stream", "name": "stdout", "text": ["1\n"]}],
            },
            {"cell_type": "raw", "id": "c", "metadata": {}, "source": "raw"},
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
)


def docx() -> bytes:
    """Headings, lists, a table and bold words."""
    from docx import Document

    document = Document()
    document.add_heading("Caching", 1)
    document.add_heading("What is a TTL?", 2)
    document.add_paragraph("A time to live.").add_run(" Bold.").bold = True
    document.add_paragraph("one", style="List Bullet")
    document.add_paragraph("two", style="List Number 2")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        (c for row in table.rows for c in row.cells), ("Question", "Answer", "Why?", "So."), strict=True
    ):
        cell.text = text
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def pdf() -> bytes:
    """Two pages: a heading, a question, its answer, a list."""
    from fpdf import FPDF

    document = FPDF()
    for page in ("Caching", "Locks"):
        document.add_page()
        document.set_font("helvetica", "B", 20)
        document.cell(0, 12, page, new_x="LMARGIN", new_y="NEXT")
        document.set_font("helvetica", "", 11)
        document.multi_cell(0, 6, "What is it?\nIt is a thing that helps.\n- one\n- two\n1. three\n")
    return bytes(document.output())


def archive() -> bytes:
    """A folder with a document of several formats, an ignore file and meta data."""
    members = {
        "a.md": MARKDOWN[0],
        "qa/b.csv": CSV[0],
        "qa/_meta.yaml": "topic: x\n",
        ".cuecardignore": "drafts/\n",
        "drafts/c.txt": "no",
        "d.json": JSON[0],
    }
    return packed(members)


def packed(members: Mapping[str, str | bytes]) -> bytes:
    """A zip archive of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _encoded(texts: Sequence[str]) -> list[bytes]:
    return [text.encode() for text in texts]


_MAKERS: Mapping[str, Callable[[], Sequence[bytes]]] = {
    "line": lambda: [line.encode() for text in MARKDOWN for line in text.split("\n") if line.strip()],
    "md": lambda: _encoded(MARKDOWN),
    "txt": lambda: _encoded(MARKDOWN),
    "html": lambda: _encoded(HTML),
    "csv": lambda: _encoded(CSV),
    "tsv": lambda: _encoded(TSV),
    "json": lambda: _encoded(JSON),
    "jsonl": lambda: _encoded(JSONL),
    "ipynb": lambda: _encoded([NOTEBOOK]),
    "docx": lambda: [docx()],
    "pdf": lambda: [pdf()],
    "zip": lambda: [archive(), packed({"../a.md": "out"}), packed({"a/b/c.txt": "deep", "e.zip": b"PK"})],
}


def samples(name: str) -> Sequence[bytes]:
    """The valid files of a format; of one without samples of its own, those of plain text."""
    return _MAKERS.get(name, _MAKERS["txt"])()


TOKENS: Mapping[str, Sequence[str]] = {
    "md": (
        "# ", "## ", "- ", "* ", "1. ", "2) ", "> ", "```", "~~~", "**", "__", "`", "\n\n", "\n", "    ", "\t", "---\n", "===\n",
        "| a |", "|---|", "Q: ", "A: ", "Q1 ", "**Question**: ", "**Answer:** ", "Answer", "### Q1 Response:\n", "?\n", "[a](#b)",
        "[^1]: ", "[a]: /u\n", "![x](y)", "<details>", "</details>", "<summary>", "</summary>", "<!--", "-->", "<br>", "<table>",
        "<script>", "title: x\n", "tags: [", "&amp;", "\\", "Phase 1", "(10 minutes)", "Senior Level (5+ years)", "Follow-ups:",
        "Situation:", "Talking points:", "TBD", "\u00c3\u00a9", "\u2028", "\ufeff", "\x85", "- [ ] ", "What is it? ",
    ),
    "html": (
        "<h1>", "</h1>", "<h2 id=a>", "<p>", "</p>", "<ul>", "<li>", "<ol start=3>", "</li>", "<table>", "<tr>", "<td>", "<th>",
        "<td colspan=9>", "<pre>", "<code>", "<details>", "<summary>", "<dl>", "<dt>", "<dd>", "<br>", "<script>", "<style>", "<svg>",
        "<!--", "-->", "<![CDATA[", "&nbsp;", "&#0;", "&#x10ffff;", "<a href=#a>", "<blockquote>", "<template>", "<meta charset=x>",
        "<title>", "<b>", "<div hidden>", "Question", "Answer", "Why?", "</", "/>", "='", '"',
    ),
    "csv": (",", ";", "\t", "|", '"', '""', "\n", "\r\n", "question", "answer", "topic", "level", "Why?", "term", "definition", "#"),
    "json": (
        "{", "}", "[", "]", ":", ",", '"', "\\", "\\u0000", "\\ud800", "null", "true", "1e999", "-0", "NaN", '"question":', '"answer":',
        '"q":', '"a":', '"tags":', '"options":', '"title":', '"text":', "\n", '"Why?"', "1", "99999999999999999999",
    ),
    "ipynb": (
        '"cells":', '"cell_type":', '"markdown"', '"code"', '"raw"', '"source":', '"outputs":', '"metadata":', '"nbformat":', "4",
        "3", "{", "}", "[", "]", ",", '"worksheets":', "null", '"text/plain":', '"data":', '"attachments":',
    ),
    "pdf": (
        "obj", "endobj", "stream", "endstream", "xref", "trailer", "/Length", "/Type", "/Pages", "/Kids", "/Count", "BT", "ET", "Tj",
        "Tf", "Td", "<<", ">>", "R", "/FlateDecode", "/Font", "%PDF-1.7", "%%EOF", "startxref",
    ),
}  # fmt: skip
"""What each format's syntax is made of: for the mutator to put together."""
