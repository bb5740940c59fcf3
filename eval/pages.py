"""A report as a list of blocks, and the two ways to write it: Markdown, and one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from eval.results import cell, table


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading below the title."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of plain words."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first column names the row. Numbers get three places, None is a dash."""

    header: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Items:
    """A list of things: (its id, words about it). An empty one says "None."."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing for the page; Markdown leaves it out. `alt` says what it shows to those who don't see it."""

    svg: str
    alt: str


Block = Heading | Paragraph | Table | Items | Plot


def markdown(title: str, blocks: Iterable[Block]) -> str:
    """The report as Markdown."""
    return f"# {title}\n\n{text(blocks)}\n"


def text(blocks: Iterable[Block]) -> str:
    """The blocks for a terminal, which reads Markdown tables well."""
    return "\n\n".join(_markdown(block) for block in blocks if not isinstance(block, Plot))


def html(title: str, blocks: Iterable[Block]) -> str:
    """The report as a page: no script, nothing loaded from elsewhere, everything that is text escaped."""
    body = "\n".join(_html(block) for block in blocks)
    return _PAGE.format(title=escape(title), style=_STYLE, body=body)


def compared(summary: Mapping[str, Any]) -> list[Block]:
    """What a summary's `comparisons`, `notes` and `shortfalls` tell, in tables and words."""
    names = ("questions", "difference", "effect", "wins", "losses", "ties")
    rows = [
        [f"{c['a']} / {c['b']}", *(c[n] for n in names), f"{c['p']:.4f}", f"{c['p_holm']:.4f}"]
        for c in summary["comparisons"]
    ]
    header = [f"{summary['measure']}: a against b", "n", "a - b", "effect", "wins", "losses", "ties", "p", "p (Holm)"]
    blocks: list[Block] = [Table(header, rows)] if rows else []
    blocks.extend(
        Paragraph(
            f"{r['measure']} against {r['baseline']}: {r['then']:.4f} then, {r['now']:.4f} now over {r['questions']} "
            f"questions (p = {r['p']:.4f}); it may fall by {r['max_regression']:g}."
        )
        for r in summary.get("regressions", ())
    )
    blocks.extend(Paragraph(line) for line in summary["notes"])
    blocks.extend(Paragraph(f"Fell short: {line}.") for line in summary["shortfalls"])
    return blocks


def about(summary: Mapping[str, Any]) -> Paragraph:
    """What was asked, as the summary's `corpus` tells: counts, and the fingerprint by which it is known again."""
    known = ", ".join(f"{name} {value}" for name, value in summary["corpus"].items())
    return Paragraph(f"Corpus: {known or 'not known'}.")


def _markdown(block: Block) -> str:
    match block:
        case Heading():
            return f"## {block.text}"
        case Paragraph():
            return block.text
        case Table():
            return table(block.header, block.rows)
        case Items():
            return "\n".join(f"- `{name}` {_line(words)}" for name, words in block.rows) or "None."
        case Plot():
            return ""


def _html(block: Block) -> str:
    match block:
        case Heading():
            return f"<h2>{escape(block.text)}</h2>"
        case Paragraph():
            return f"<p>{escape(block.text)}</p>"
        case Table():
            head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in block.header)
            rows = "\n".join(_row(row) for row in block.rows)
            return (
                f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>'
            )
        case Items():
            rows = "\n".join(
                f"<li><code>{escape(name)}</code> {escape(_line(words))}</li>" for name, words in block.rows
            )
            return f"<ul>\n{rows}\n</ul>" if rows else "<p>None.</p>"
        case Plot():
            drawing = block.svg.replace("<svg ", f'<svg role="img" aria-label="{escape(block.alt)}" ', 1)
            return f"<figure>\n{drawing}\n<figcaption>{escape(block.alt)}</figcaption>\n</figure>"


def _row(row: Sequence[Any]) -> str:
    first, *rest = (escape(cell(value)) for value in row)
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{value}</td>" for value in rest)}</tr>'


def _line(words: str) -> str:
    return " ".join(words.split())


_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, "DejaVu Sans", Verdana, sans-serif; color: #1c1c1c; background: #fff;
  max-width: 64rem; margin: 2rem auto 4rem; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin: 0 0 1rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
p, ul { max-width: 46rem; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #e2e2e2; white-space: nowrap; }
thead th { border-bottom: 2px solid #9a9a9a; }
th:first-child { text-align: left; }
tbody th { font-weight: 500; }
tbody tr:hover { background: #f5f7fa; }
figure { margin: 1.4rem 0; }
figcaption { color: #555; font-size: .86rem; max-width: 46rem; }
code { font-size: .9em; background: #f2f2f2; padding: .05em .3em; border-radius: 3px; }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""
