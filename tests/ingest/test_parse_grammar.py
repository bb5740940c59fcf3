"""Whole documents made of every shape of interview material: nothing is lost, answers are found, ids stay."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from ingest.formats.markdown import read_markdown
from ingest.items import Document, Item, Meta
from ingest.parse.document import parse_document

PHRASES = [
    "a cache",
    "one queue of p99 latency",
    "`key` order",
    "C++",
    "naïve TTLs",
    "café",
    "the shard and its broker, Ä 1",
]
LEVELS = ["Easy", "Medium", "Hard"]


@dataclass
class Section:
    """A part of a document under a heading of its own: its text, and which questions it answers how."""

    text: str
    answered: dict[str, str] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)


class Maker:
    """Draws words; no two sentences and no two questions are the same."""

    def __init__(self, draw: DrawFn) -> None:
        self.draw = draw
        self._numbers = itertools.count(1)

    def words(self) -> str:
        return f"{self.pick(*PHRASES)} w{next(self._numbers)}"

    def question(self) -> str:
        opening = self.draw(st.sampled_from(["How does", "Why would you use", "What is", "When do you need"]))
        return f"{opening} {self.words()}?"

    def sentence(self) -> str:
        return f"It is about {self.words()}."

    def answer(self) -> str:
        """A paragraph, a list, code, a table, or an image that says something."""
        kind = self.draw(st.sampled_from(["text", "text", "long", "list", "code", "table", "image"]))
        if kind == "text":
            return self.sentence()
        if kind == "long":
            return f"{self.sentence()}\n{self.sentence()}\n\n{self.sentence()}"
        if kind == "list":
            return f"- {self.sentence()}\n- {self.sentence()}"
        if kind == "code":
            return f"```python\nx = 1  # {self.words()}\n\n# why?\n```"
        if kind == "table":
            return f"| kind | cost |\n|---|---|\n| {self.words()} | 1 |\n| b | 2 |"
        return f"![Drawing of {self.words()}](drawing.png)"

    def pick(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def gap(self) -> str:
        """An empty line, or none, where Markdown needs none."""
        return self.pick("\n", "\n\n")

    def some(self, least: int = 1, most: int = 3) -> range:
        return range(self.draw(st.integers(least, most)))


Shape = Callable[[Maker], Section]
SHAPES: dict[str, Shape] = {}


def shape(function: Shape) -> Shape:
    SHAPES[function.__name__] = function
    return function


@shape
def headings(make: Maker) -> Section:
    out = Section("")
    marks = "#" * make.draw(st.integers(3, 6))
    style = make.pick("{q}", "{n}. {q}", "Q{n}. {q}", "Q{n}: {q}", "{n}) {q}", "Question {n}: {q}", "📌 Q{n}: {q}")
    badge = make.pick("", "", " (Senior)", " [Hard]")
    for number in make.some():
        question, answer = make.question(), make.answer()
        facets = make.pick("", f"**Difficulty:** {make.pick(*LEVELS)}\n\n", "Tags: a, b\nLevel: junior\n\n")
        title = style.format(q=question, n=number + 1) + badge
        out.text += f"{marks} {title}\n\n{facets}{answer}\n\n"
        out.text += make.pick(
            "", "###### Source\n\n- https://example.org/a\n\n", "**[⬆ Back to top](#top)**\n\n", "---\n\n"
        )
        out.answered[question] = answer
    return out


@shape
def tight_headings(make: Maker) -> Section:
    """Without an empty line anywhere."""
    pairs = {make.question(): make.sentence() for _ in make.some()}
    return Section("".join(f"#### {question}\n{answer}\n" for question, answer in pairs.items()), pairs)


@shape
def bold(make: Maker) -> Section:
    out = Section("")
    for number in make.some():
        question, answer = make.question(), make.sentence()
        lead = make.pick(f"**{question}**", f"**{number + 1}. {question}**", f"__{question}__")
        out.text += f"{lead}{make.gap()}{answer}\n\n"
        out.answered[question] = answer
    return out


@shape
def asked_within(make: Maker) -> Section:
    """An answer that asks in bold, and answers, in its middle or at its end."""
    question, inner = make.question(), make.question()
    before, within, after = (
        make.sentence(),
        make.answer(),
        make.pick("", f"**Cost of {make.words()}:**\n\n- {make.sentence()}"),
    )
    text = f"{before}\n\n**{inner}**\n\n{within}\n\n{after}".rstrip()
    return Section(f"#### {question}\n\n{text}\n\n", {question: text, inner: within})


@shape
def labels(make: Maker) -> Section:
    out = Section("")
    style = make.pick(
        "Q: {q}{g}A: {a}", "**Q:** {q}{g}**A:** {a}", "**Question**: {q}{g}**Answer**: {a}", "Q{n}. {q}{g}A{n}. {a}"
    )
    for number in make.some():
        question, answer = make.question(), make.sentence()
        out.text += style.format(q=question, a=answer, n=number + 1, g=make.gap()) + "\n\n"
        out.answered[question] = answer
    if make.draw(st.booleans()):
        out.text += f"Follow-up: {make.words()}?\n\n"
    return out


@shape
def label_headings(make: Maker) -> Section:
    out = Section("")
    for number in make.some():
        question, answer = make.question(), make.answer()
        name = make.pick("Question", f"Question {number + 1}")
        out.text += f"### {name}\n\n{question}\n\n#### Answer\n\n{answer}\n\n"
        if make.draw(st.booleans()):
            out.text += f"#### Follow-ups\n\n- {make.question()}\n\n"
        out.answered[question] = answer
    return out


@shape
def details(make: Maker) -> Section:
    out = Section("")
    for _ in make.some():
        question, answer = make.question(), make.answer()
        bold_open, bold_close = make.pick("|", "<b>|</b>").split("|")
        out.text += f"<details>\n<summary>{bold_open}{question}{bold_close}</summary>\n\n{answer}\n\n"
        if make.draw(st.booleans()):
            inner, more = make.question(), make.sentence()
            out.text += f"<details><summary>{inner}</summary>\n\n{more}\n\n</details>\n\n"
            out.answered[inner] = more
        out.text += "</details>\n\n"
        out.answered[question] = answer
    return out


@shape
def hidden_answers(make: Maker) -> Section:
    question, stated, answer = make.question(), make.sentence(), make.answer()
    text = f"### {question}\n\n{stated}\n\n<details><summary>Answer</summary>\n\n{answer}\n\n</details>\n"
    return Section(text, {question: answer})


@shape
def list_entries(make: Maker) -> Section:
    out = Section("")
    for number in make.some(2, 4):
        question, answer = make.question(), make.sentence()
        style = make.pick("{n}. {q}\n   {a}", "{n}. {q}\n\n   {a}", "{n}. {q} — {a}", "{n}. **{q}**\n   - {a}")
        out.text += style.format(n=number + 1, q=question, a=answer) + "\n\n"
        out.answered[question] = answer
    return out


@shape
def question_table(make: Maker) -> Section:
    out = Section("| # | Question | Answer | Difficulty |\n|---|---|---|---|\n")
    for number in make.some(1, 4):
        question, answer = make.question(), make.sentence()
        out.text += f"| {number + 1} | {question} | {answer}<br>`a \\| b` | {make.pick(*LEVELS)} |\n"
        out.answered[question] = answer
    return out


@shape
def linked(make: Maker) -> Section:
    out, links, answers = Section(""), "", ""
    for number in make.some(2, 3):
        question, answer, name = make.question(), make.sentence(), make.words().split()[-1]
        links += f"{number + 1}. [{question}](#about-{name})\n"
        answers += make.pick(f"### About {name}\n\n{answer}\n\n", f'<a name="about-{name}"></a>\n\n{answer}\n\n')
        out.answered[question] = answer
    out.text = f"{links}\n### Explained\n\n{answers}"
    return out


@shape
def story(make: Maker) -> Section:
    out = Section("")
    for _ in make.some(1, 2):
        prompt = f"Tell me about a time when you changed {make.words()}."
        parts = [make.sentence() for _ in range(4)]
        style = make.pick("**{p}:** {s}", "#### {p}\n\n{s}", "- **{p}**: {s}", "{p}: {s}")
        told = [style.format(p=p, s=s) for p, s in zip(["Situation", "Task", "Action", "Result"], parts, strict=True)]
        out.text += f"### {prompt}\n\n" + "\n\n".join(told) + "\n\n"
        out.answered[prompt] = parts[make.draw(st.integers(0, 3))]
    return out


@shape
def for_interviewers(make: Maker) -> Section:
    question, answer = make.question(), make.sentence()
    text = f"### {question}\n\n**What to listen for:** {make.sentence()}\n\n**Good answer:** {answer}\n\n"
    text += f"**Red flags:** {make.sentence()}\n\n**Follow-up questions:**\n\n- {make.question()}\n"
    return Section(text, {question: answer})


@shape
def unanswered(make: Maker) -> Section:
    question = make.question()
    return Section(f"### {question}\n\n{make.pick('', 'TBD', 'To be completed.')}\n", unanswered=[question])


@shape
def glossary(make: Maker) -> Section:
    style = make.pick("**{t}** – {s}\n\n", "- **{t}**: {s}\n", "{t}\n: {s}\n\n")
    return Section(
        "### Glossary\n\n" + "".join(style.format(t=make.words(), s=make.sentence()) for _ in make.some(3, 5))
    )


@shape
def commands(make: Maker) -> Section:
    lines = "".join(f"run {make.words()}  # {make.words()}\n" for _ in make.some(6, 14))
    rows = "".join(f"| `{make.words()}` | {make.sentence()} |\n" for _ in make.some(4, 6))
    return Section(make.pick(f"```bash\n{lines}```\n", f"| Command | Description |\n|---|---|\n{rows}"))


@shape
def prose(make: Maker) -> Section:
    parts = [make.sentence(), f"- {make.sentence()}\n- {make.sentence()}", f"> {make.sentence()}", "---", "<br>", "***"]
    parts += [
        "[![build](https://x/badge.svg)](https://x)",
        "- [one](#one)\n- [two](#two)",
        "<!-- aside -->",
        "\\-",
        "-",
    ]
    parts += [f"    {make.words()}", f"~~~\n{make.words()}\n~~~", "[^1]: a footnote", make.words(), "| a |", "#"]
    return Section("\n\n".join(make.draw(st.lists(st.sampled_from(parts), min_size=1, max_size=6))))


@st.composite
def documents(draw: DrawFn) -> tuple[str, list[Section]]:
    """Front matter or none, and sections of any shapes."""
    make = Maker(draw)
    # with one heading or none, short lines over text count as headings too
    names = draw(st.lists(st.sampled_from(sorted(SHAPES)), min_size=2, max_size=5))
    front = draw(st.sampled_from(["", "---\ntitle: Notes\ntags: [a]\n---\n", "# Notes\n\n"]))
    sections = []
    for number, name in enumerate(names):
        section = SHAPES[name](make)
        section.text = f"## Part {number} of {make.words()}\n\n{section.text.rstrip()}\n"
        sections.append(section)
    return front, sections


@st.composite
def halves(draw: DrawFn) -> tuple[str, dict[str, str]]:
    """Questions in one part, their answers by number in another."""
    make = Maker(draw)
    asked, replied = draw(
        st.sampled_from(
            [
                ("{n}. {q}\n", "{n}. {a}\n"),
                ("**Q{n}:** {q}\n\n", "### Q{n} Response:\n\n{a}\n\n"),
                ("**Q{n}:** {q}\n\n", "**A{n}:** {a}\n\n"),
                ("### Question {n}: {q}\n\n", "### Answer {n}\n\n{a}\n\n"),
                ("{n}. {q}\n", "**{n}.** {a}\n\n"),
            ]
        )
    )
    pairs = {make.question(): make.sentence() for _ in make.some(2, 5)}
    questions = "".join(asked.format(n=n, q=q) for n, q in enumerate(pairs, 1))
    answers = "".join(replied.format(n=n, a=a) for n, a in enumerate(pairs.values(), 1))
    return f"# Sheet\n\n## Questions\n\n{questions}\n## {make.pick('Answers', 'Model answers')}\n\n{answers}", pairs


def parse(text: str) -> Document:
    source = read_markdown(text.encode(), "d.md", Meta())
    return parse_document(collection="default", path="d.md", version="v", source=source)


def written(front: str, sections: list[Section]) -> str:
    return front + "\n".join(section.text for section in sections)


def spans(item: Item) -> Iterator[tuple[str, int, int]]:
    for name, span in (("item", item.span), ("question", item.question_span), ("answer", item.answer)):
        if span is not None:
            yield name, span.start, span.end
    for span in item.talking_points:
        yield "point", span.start, span.end


def check_account(doc: Document) -> None:
    lines = doc.text.split("\n")
    counted = [n for a in doc.account for n in range(a.line_start, a.line_end + 1) if lines[n - 1].strip()]
    assert counted == [n for n, line in enumerate(lines, 1) if line.strip()], "a line is lost, or accounted for twice"
    held = {i.id: i for i in doc.items}
    assert len(held) == len(doc.items), "two items with one id"
    assert {a.item_id for a in doc.account if a.item_id} <= held.keys()


def check_spans(doc: Document) -> None:
    for item in doc.items:
        for name, start, end in spans(item):
            text = doc.text[start:end]
            assert text.strip(), f"an empty {name}"
            assert text == text.strip()
    for chunk in doc.chunks:
        assert doc.text[chunk.span.start : chunk.span.end] == chunk.text


def check_answers(doc: Document, answered: dict[str, str]) -> None:
    found = {i.question: i for i in doc.items if i.kind == "qa"}
    for question, answer in answered.items():
        plain = question.replace("`", "")
        assert plain in found, f"not a question: {question}"
        item = found[plain]
        assert item.answer is not None, f"without an answer: {question}"
        assert answer in doc.text[item.answer.start : item.answer.end]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(documents())
def test_documents_of_all_shapes(drawn: tuple[str, list[Section]]) -> None:
    front, sections = drawn
    doc = parse(written(front, sections))
    check_account(doc)
    check_spans(doc)
    for section in sections:
        check_answers(doc, section.answered)
    silent = {i.question for i in doc.items if i.kind == "qa" and not i.has_answer}
    for section in sections:
        assert {question.replace("`", "") for question in section.unanswered} <= silent


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(halves())
def test_answers_by_number_in_another_part(drawn: tuple[str, dict[str, str]]) -> None:
    text, pairs = drawn
    doc = parse(text)
    check_account(doc)
    check_spans(doc)
    check_answers(doc, pairs)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(documents(), st.data())
def test_text_elsewhere_leaves_ids_alone(drawn: tuple[str, list[Section]], data: st.DataObject) -> None:
    front, sections = drawn
    before = {i.id for i in parse(written(front, sections)).items}
    added = Section("## An unrelated part\n\nNobody asked about this one.\n")
    at = data.draw(st.integers(0, len(sections)), label="place of the added section")
    after = {i.id for i in parse(written(front, [*sections[:at], added, *sections[at:]])).items}
    assert before <= after
