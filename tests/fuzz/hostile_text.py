"""Documents made to hurt a text parser: much of one thing, deep nesting, marks that open and never close."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

MEGABYTE = 1_000_000
Maker = Callable[[int], bytes]
"""A size in bytes → a document of about that size."""


def repeated(line: str, *, head: str = "", tail: str = "") -> Maker:
    """The same line again and again, numbered where it holds `{n}`, so that no cache of equal lines helps."""

    def make(size: int) -> bytes:
        lines, length, n = [head], len(head), 0
        while length < size:
            n += 1
            lines.append(line.replace("{n}", str(n)))
            length += len(lines[-1].encode())
        return "".join([*lines, tail]).encode()

    return make


def long_lines(unit: str, width: int, *, mark: str = "", end: str = "\n\n") -> Maker:
    """Lines of `width` characters of one repeated unit, each with a number of its own behind it."""

    def make(size: int) -> bytes:
        body = unit * (width // len(unit))
        count = max(1, size // len((mark + body + end).encode()))
        return "".join(f"{mark}{body} {n}{end}" for n in range(count)).encode()

    return make


def stairs(mark: str, *, step: str = "") -> Maker:
    """Each line one level deeper than the one before, until the size is reached."""

    def make(size: int) -> bytes:
        lines: list[str] = []
        length, depth = 0, 0
        while length < size:
            lines.append(step * depth + mark * (1 if step else depth + 1) + f"level {depth}\n")
            length += len(lines[-1])
            depth += 1
        return "".join(lines).encode()

    return make


def halves(size: int) -> bytes:
    """Questions in the first half, their answers by number in the second."""
    count = size // 80
    asked = "".join(f"**Q{n}:** What is the {n}th thing?\n\n" for n in range(1, count))
    return (asked + "".join(f"### Q{n} Response:\n\nThe {n}th.\n\n" for n in range(1, count))).encode()


def answers_by_words(size: int) -> bytes:
    """Questions in the first half, and headings that repeat their words under "Answers"."""
    count = size // 90
    asked = "".join(f"## What is thing number {n}?\n\n" for n in range(count))
    said = "".join(f"## What is thing number {n}?\n\nIt is {n}.\n\n" for n in range(count))
    return f"# All\n\n{asked}# Answers\n\n{said}".encode()


def noise(alphabet: str) -> Maker:
    """Characters of an alphabet in random order; the same every time."""

    def make(size: int) -> bytes:
        rng = random.Random(7)  # noqa: S311 the same document every time
        return "".join(rng.choices(alphabet, k=size)).encode()[:size].decode("utf-8", "ignore").encode()

    return make


def random_bytes(size: int) -> bytes:
    """Bytes at random; the same every time."""
    return random.Random(7).randbytes(size)  # noqa: S311 the same document every time


ALIASES = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))

MARKDOWN: Mapping[str, Maker] = {
    "headings": repeated("# h{n}\n"),
    "headings that ask": repeated("## Why is {n} so?\n\nx\n\n"),
    "headings of falling level": repeated("# a\n## b\n### c\n#### d\n##### e\n###### f{n}\n"),
    "one-line bullets": repeated("- b{n}\n"),
    "bullets that ask": repeated("- Why is it {n}?\n"),
    "bold leads": repeated("- **Lead {n}:** text\n"),
    "numbered entries": repeated("{n}. a\n"),
    "numbered entries apart": repeated("{n}. What is a {n}?\n\n    a\n\n"),
    "task boxes": repeated("- [ ] a{n}\n"),
    "short paragraphs": repeated("a\n\n"),
    "short lines": repeated("a\n"),
    "blank lines": repeated("\n", tail="a"),
    "blanks and tabs": repeated(" \t\n", tail="a"),
    "labelled lines": repeated("Q: Why {n}?\nA: So.\n"),
    "labelled lines, numbered": repeated("Q{n}: Why?\n\nA{n}: So.\n\n"),
    "labels alone": repeated("Answer:\n\n"),
    "labelled bullets": repeated("- **Question**: Why {n}?\n  - **Talking Point**: So.\n"),
    "labels in one bullet": repeated("  - **Talking Point**: So {n}.\n", head="- **Question**: Why?\n"),
    "bold paragraphs": repeated("**b{n}**\n\n"),
    "bold questions": repeated("**Why is it {n}?**\n\nSo.\n\n"),
    "unclosed bold": repeated("**b{n}\n\n"),
    "halves by number": halves,
    "halves by words": answers_by_words,
    "answers to one number": repeated("### Q1 Response:\n\na {n}\n\n", head="**Q1:** What is it?\n\n"),
    "table rows": repeated("| a{n} | b |\n", head="| a | b |\n|---|---|\n"),
    "table columns": repeated("| a ", head="| a | b |\n|---|---|\n"),
    "table head columns": lambda size: (
        b"|" + b"a|" * (size // 8) + b"\n|" + b"-|" * (size // 8) + b"\n|" + b"b|" * (size // 8)
    ),
    "tables": repeated("|a|b|\n|-|-|\n|{n}|c|\n\n"),
    "wide table, many short rows": lambda size: (
        b"|" + b"a|" * 2000 + b"\n|" + b"-|" * 2000 + b"\n" + b"|b\n" * ((size - 8000) // 3)
    ),
    "quotes": repeated("> q{n}\n\n"),
    "one quote": repeated("> q{n}\n"),
    "nested quotes": lambda size: (b">" * 10_000 + b" a\n") * (size // 10_003),
    "stairs of quotes": stairs(">"),
    "quote marks": lambda size: b">" * (size - 1),
    "nested list, one line": lambda size: b"- " * (size // 2 - 1) + b"a\n",
    "nested lists of 10,000 levels": lambda size: (b"- " * 10_000 + b"a\n") * (size // 20_002),
    "stairs of lists": stairs("- ", step=" "),
    "stairs of numbered lists": stairs("1. ", step="   "),
    "lists in quotes": lambda size: (b"> - " * 100 + b"a\n") * (size // 402),
    "summaries": repeated("<details><summary>q{n}?</summary>a</details>\n"),
    "summaries on one line": lambda size: b"<summary>q?</summary>" * (min(size, 19_000) // 21) + b"\n",
    "summaries in blocks": repeated("<details>\n<summary>Why {n}?</summary>\n\na\n\n</details>\n\n"),
    "unclosed summaries": repeated("<summary>q{n}\n"),
    "many unclosed summaries a line": repeated("<summary>" * 2000 + "\n"),
    "unclosed details": repeated("<details>\n"),
    "closed details": repeated("</details>\n"),
    "unclosed comments": repeated("<!-- a{n}\n"),
    "many unclosed comments a line": repeated("<!--" * 4000 + "\n"),
    "comments": repeated("<!-- a{n} -->\n"),
    "comments on one line": repeated("<!-- -->" * 2000 + "\n"),
    "framing tags": repeated("<p>a{n}</p>\n"),
    "framing tags on one line": repeated("<b>" * 6000 + "\n"),
    "HTML blocks": repeated("<table>\n<tr><td>{n}\n\n"),
    "HTML openers": repeated("<a"),
    "HTML openers, lines": repeated("<a b{n}\n"),
    "script blocks": repeated("<script>\n"),
    "CDATA": repeated("<![CDATA[\n"),
    "link definitions": repeated("[a{n}]: /u\n"),
    "link definitions apart": repeated("[a{n}]: /u\n\n"),
    "half link definitions": repeated("[a{n}]:\n"),
    "unclosed link definitions": repeated("[a{n}\n"),
    "link definition titles": repeated('[a{n}]: /u "t\n'),
    "footnotes": repeated("a[^{n}]\n\n[^{n}]: b\n\n"),
    "links": repeated("- [a{n}](#a)\n"),
    "badges": repeated("![a](b{n})\n"),
    "setext headings": repeated("a{n}\n=\n"),
    "setext headings apart": repeated("a{n}\n---\n\n"),
    "setext underlines": repeated("===\n"),
    "rules": repeated("---\n\n"),
    "star rules": repeated("* * *\n"),
    "fences": repeated("```\na{n}\n```\n"),
    "unclosed fences": repeated("````{n}\n", head="``````\n"),
    "fences of two kinds": repeated("```\n~~~\n"),
    "fences in lists": repeated("- ```\n  a{n}\n  ```\n"),
    "indented code": repeated("    a{n}\n\n"),
    "question and fence": repeated("## What {n}?\n\n```\na\n```\n\n"),
    "placeholders": repeated("## What {n}?\n\nTBD\n\n"),
    "numbers": repeated("1 "),
    "backslashes": lambda size: b"\\" * (size - 1),
    "words of one line": lambda size: b"word " * (size // 5 - 1),
    "one long word": lambda size: b"w" * (size - 1),
    "one long bullet": lambda size: b"- " + b"w " * (size // 2 - 5),
    "one long heading": lambda size: b"# " + b"w " * (size // 2 - 5),
    "sentences of one paragraph": repeated("A b c. "),
    "mojibake": repeated("Ã©tÃ© {n}\n"),
    "mojibake on one line": lambda size: "Ã©".encode() * (size // 5),
    "characters beyond ASCII": repeated("äöü €{n} — “x”\n"),
    "carriage returns": repeated("a\r"),
    "form feeds": repeated("a\n\x0c\n"),
    "line separators": repeated("a\u2028b\u0085c\n"),
    "combining marks": lambda size: b"a" + "\u0301".encode() * (size // 2 - 1),
    "UTF-16": lambda size: ("Why?\n\nSo.\n\n" * (size // 22)).encode("utf-16"),
    "front matter aliases": lambda size: b"---\na0: &a0 [x]\n" + ALIASES.encode() + b"---\n" + b"a\n" * (size // 2),
    "front matter brackets": lambda size: b"---\ntitle: " + b"[" * 60_000 + b"\n---\n" + b"a\n" * (size // 2),
    "front matter braces": lambda size: b"---\ntags: " + b"{a: " * 15_000 + b"\n---\n" + b"a\n" * (size // 2),
    "front matter keys": lambda size: (
        b"---\n" + b"".join(b"k%d: v\n" % n for n in range(6000)) + b"---\n" + b"a\n" * (size // 2)
    ),
    "front matter not closed": repeated("title: a{n}\n", head="---\n"),
    "random marks": noise("#*_`-+>|[]()!<&;:?.0123456789 \n\t~=\\ab"),
    "random marks, long lines": noise("#*_`-+>|[]()!<&;:?. ab" * 40 + "\n"),
    "random letters": noise("abcdefghij .?\n"),
    "random bytes": random_bytes,
}

UNITS = (
    "*",
    "_",
    "`",
    "[",
    "]",
    "(",
    "<",
    ">",
    "!",
    "|",
    "#",
    "~",
    ":",
    "?",
    "-",
    "=",
    "\\",
    '"',
    "“",
    "&",
    ".",
    " ",
    "\t",
)
PAIRS = (
    "**a", "*a*", "_a ", "__a ", "`a ", "[a](", "[a][", "![", "[](", "<a ", "<!--", "a: ", "? ", "Q1 ", "a. A", "*_",
    "a|", "](", "1. ", "- ", "**?", "<b>", "](#", "é", "Ã©", "http://", "(a", "a\\", ") ", "Q: ",
)  # fmt: skip
WIDTHS = (250, 7_000, 19_000, 900_000)
MARKS = ("", "# ", "- ", "**", "> ")
LINES: Mapping[str, Maker] = {
    f"{mark!r} and {unit!r} to {width:,}": long_lines(unit, width, mark=mark)
    for width in WIDTHS
    for mark in MARKS
    for unit in (*UNITS, *PAIRS)
}
"""Long lines of each mark, in each place that a line can begin with."""
