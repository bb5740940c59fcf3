"""Answers and hits as a person likes to read them. Styles vanish by themselves where the output is not a terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import Any

import click

from api.wording import KINDS, REASONS

Body = dict[str, Any]

SNIPPET_LINES = 3


def render_answer(answer: Body) -> str:
    """The answer, a mark where confidence is low, its sources with their lines, and related questions."""
    parts = []
    if answer["low_confidence"]:
        parts.append(_low_confidence(answer))
    parts.append(_prose(answer["answer"]))
    if answer["sources"]:
        parts.append("\n".join([_title("Sources"), *(_source(source) for source in answer["sources"])]))
    if answer["conflicts"]:
        parts.append("\n".join([_title("The sources disagree"), *(_conflict(c) for c in answer["conflicts"])]))
    if answer["related"]:
        parts.append("\n".join([_title("Related questions in the library"), *(_related(r) for r in answer["related"])]))
    kind = KINDS.get(answer["kind"], answer["kind"])
    sure = f"confidence {answer['confidence']:.2f}"
    if answer["kind"] == "abstained":
        sure = f"chance that an answer is held: {answer['confidence']:.0%}"
    footer = f"{kind} · {sure} · {answer['latency_ms']:.0f} ms"
    parts.append(click.style(footer, dim=True))
    return "\n\n".join(parts)


def render_hits(result: Body) -> str:
    """Ranked hits: place, heading, and the first lines of the text."""
    if not result["hits"]:
        return "Nothing found. `cuecard docs list` shows what the library holds."
    return "\n\n".join(_hit(hit) for hit in result["hits"])


def render_check(report: Body) -> str:
    """The verdict on the whole text, then on each claim."""
    word, color = ("LOW CONFIDENCE", "yellow") if report["low_confidence"] else ("supported", "green")
    lines = [click.style(f"{word} · score {report['score']:.2f}", fg=color, bold=True)]
    lines += [f"  {REASONS.get(reason, reason)}" for reason in report["reasons"]]
    for claim in report["claims"]:
        lines.append("")
        lines.append(f"{_verdict(claim['verdict'])} {claim['score']:.2f}  {_one_line(claim['text'])}")
        lines += [
            click.style(f"    {check['name']}: {check['detail'] or 'failed'}", dim=True)
            for check in claim["checks"]
            if not check["ok"]
        ]
    return "\n".join(lines)


def place(found: Body) -> str:
    """`path:first-last`, as editors and grep spell it."""
    lines = (
        f"{found['line_start']}"
        if found["line_start"] == found["line_end"]
        else f"{found['line_start']}-{found['line_end']}"
    )
    page = f" (page {found['page']})" if found.get("page") else ""
    return f"{found['document']}:{lines}{page}"


def width() -> int:
    """Columns to wrap at."""
    return min(shutil.get_terminal_size((100, 24)).columns, 110)


def _low_confidence(answer: Body) -> str:
    reasons = [REASONS.get(reason, reason) for reason in answer["reasons"]] or ["confidence is under the threshold"]
    lines = [
        click.style(f"▲ LOW CONFIDENCE ({answer['confidence']:.2f})", fg="yellow", bold=True)
        + f": {'; '.join(reasons)}"
    ]
    lines += [
        f"  {_verdict(claim['verdict'])} {_one_line(claim['text'])}"
        for claim in answer["claims"]
        if claim["verdict"] in ("unsupported", "contradicted", "partial")
    ]
    return "\n".join(lines)


def _prose(text: str) -> str:
    """Markdown drawn for a terminal; the text as it is where nobody watches."""
    if not sys.stdout.isatty():
        return text
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.theme import Theme

    console = Console(width=width(), theme=Theme({"markdown.code": "cyan"}))
    with console.capture() as capture:
        console.print(Markdown(text))
    return "\n".join(line.rstrip() for line in capture.get().strip("\n").splitlines())


def _source(source: Body) -> str:
    heading = _heading(source)
    first = click.style(f"[{source['marker']}]", fg="cyan", bold=True) + f" {click.style(place(source), bold=True)}"
    if heading:
        first += f"  {heading}"
    lines = [f"  {first}"]
    if source["effective_date"]:
        lines.append(f"      as of {source['effective_date']}")
    lines.append(click.style(f"      “{_short(source['quote'], width() - 8)}”", dim=True))
    return "\n".join(lines)


def _conflict(conflict: Body) -> str:
    marks = "".join(f"[{marker}]" for marker in conflict["sources"])
    return f"  {click.style(marks, fg='yellow')} {conflict['detail']}"


def _related(related: Body) -> str:
    question = _short(related["question"], max(width() - len(related["document"]) - 6, 30))
    return f"  · {question}  {click.style(related['document'], dim=True)}"


def _hit(hit: Body) -> str:
    heading = _heading(hit)
    rank = click.style(f"{hit['rank']:>2}", fg="cyan", bold=True)
    head = f"{rank}  {hit['score']:.2f}  {click.style(place(hit), bold=True)}"
    lines = [f"{head}  {heading}" if heading else head]
    if hit["question"]:
        lines.append(f"   Q: {_short(hit['question'], width() - 6)}")
    snippet = textwrap.wrap(_one_line(hit["text"]), width() - 4, max_lines=SNIPPET_LINES, placeholder=" …")
    lines += [click.style(f"   {line}", dim=True) for line in snippet]
    return "\n".join(lines)


def _heading(found: Body) -> str:
    """The headings that a passage stands under; the two nearest are enough to know it by."""
    return " › ".join(found["heading"][-2:])


def _verdict(verdict: str) -> str:
    color = {"supported": "green", "partial": "yellow", "contradicted": "red", "unsupported": "red"}.get(verdict)
    return click.style(verdict.replace("_", " "), fg=color)


def _title(text: str) -> str:
    return click.style(text, bold=True, underline=True)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _short(text: str, columns: int) -> str:
    line = _one_line(text)
    return line if len(line) <= columns else f"{line[: columns - 2].rstrip()} …"


def checks_as_text(found: dict[str, Any]) -> str:
    """What the doctor of a chat found: each check in a line, what to do below it."""
    marks = {"on": "✓", "off": "–", "failed": "✗"}
    lines = []
    for check in found["checks"]:
        lines.append(f"{marks[check['state']]} {check['name']}: {check['detail']}")
        lines += [f"    {check['hint']}"] * bool(check["hint"])
    return "\n".join(lines)
