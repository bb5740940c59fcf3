"""Runs of styled words → inline Markdown as the parsers read it: bold, italic, code, links within the document."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

# "<div>" among words, where it isn't the end of a "List<String>": in code, so that it isn't taken for markup
_TAG = re.compile(r"(?<![\w`])</?(?!\w+://)[a-zA-Z!][^<>\n`@]{0,300}>")
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")  # soft hyphens and the like part words for a search
_NOT_SLUG = re.compile(r"[^\w\- ]")


class Run(NamedTuple):
    """Words in one style. `link`: the anchor within the document to which they lead."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    link: str = ""


def to_markdown(runs: Iterable[Run]) -> str:
    """Inline Markdown. Line breaks in the runs' texts stay; a style never reaches over one, nor into a word."""
    smooth = _smooth(runs)
    pieces = [
        (link, mark, "".join(_code(run.text) if run.code else _words(run.text) for run in group))
        for (link, mark), group in groupby(smooth, key=lambda run: (run.link, _mark(run)))
    ]
    marked = [
        (
            link,
            text
            if not mark or _parts_word(pieces, at)
            else "\n".join(_marked(line, mark) for line in text.split("\n")),
        )
        for at, (link, mark, text) in enumerate(pieces)
    ]
    grouped = groupby(marked, key=lambda each: each[0])
    return "".join(_linked("".join(text for _, text in group), link) for link, group in grouped)


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it of a Markdown heading's words."""
    return _NOT_SLUG.sub("", " ".join(heading.split()).lower()).replace(" ", "-")


def image(alt: str, source: str = "") -> str:
    """An image by its alternative text: as Markdown, or the text alone where it is no words (an emoji)."""
    words = " ".join(alt.split()).replace("[", "(").replace("]", ")")
    if not any(c.isalnum() for c in words):
        return words
    inline = source.startswith("data:") or len(source) > 200 or re.search(r"[\s()<>]", source)
    return f"![{words}]({'' if inline else source})"


def _smooth(runs: Iterable[Run]) -> list[Run]:
    """Neighbours of one style as one run; white space between words of one style has that style too."""
    styles = groupby(runs, key=lambda run: run[1:])
    joined = [Run(_INVISIBLE.sub("", "".join(run.text for run in group)), *style) for style, group in styles]
    joined = [run for run in joined if run.text]
    for at in range(1, len(joined) - 1):
        before, run, after = joined[at - 1 : at + 2]
        if not run.text.strip() and (before.link, _mark(before)) == (after.link, _mark(after)):
            joined[at] = before._replace(text=run.text, code=before.code and after.code)
    return joined


def _mark(run: Run) -> str:
    return "**" if run.bold else "*" if run.italic else ""


def _words(text: str) -> str:
    return _TAG.sub(lambda tag: f"`{tag[0]}`", text) if "<" in text else text


def _code(text: str) -> str:
    return "\n".join(_code_line(line) for line in text.split("\n"))


def _code_line(line: str) -> str:
    words = line.strip()
    fence = "``" if "`" in words else "`"
    pad = " " if words.startswith("`") or words.endswith("`") else ""
    return _around(line, f"{fence}{pad}{words}{pad}{fence}") if words else line


def _parts_word(pieces: list[tuple[str, str, str]], at: int) -> bool:
    """Whether a style begins or ends within a word: marks there would tear it in two."""
    text = pieces[at][2]
    before = pieces[at - 1][2][-1:] if at else ""
    after = pieces[at + 1][2][:1] if at + 1 < len(pieces) else ""
    return (before.isalnum() and text[0].isalnum()) or (text[-1].isalnum() and after.isalnum())


def _marked(line: str, mark: str) -> str:
    words = line.strip()
    if "*" in words or not any(c.isalnum() for c in words):
        return line
    return _around(line, f"{mark}{words}{mark}")


def _linked(text: str, anchor: str) -> str:
    words = text.strip()
    if not anchor or "\n" in words or "]" in words or not any(c.isalnum() for c in words):
        return text
    return _around(text, f"[{words}](#{anchor})")


def _around(line: str, words: str) -> str:
    """The words with the white space that the line had around its own."""
    return line[: len(line) - len(line.lstrip())] + words + line[len(line.rstrip()) :]
