"""Rules of ignore files: as git reads them, and in bounded time."""

from __future__ import annotations

import time

import pytest

from ingest.ignoring import MAX_RULES, read_rules


def ignored(text: str, path: str) -> bool:
    """As a walk sees it: a path is out when it, or a folder above it, is."""
    rules = read_rules(text.split("\n"))
    names = path.split("/")
    above = ["/".join(names[:depth]) + "/" for depth in range(1, len(names))]
    return any(rules.verdict(each) is True for each in [*above, path])


@pytest.mark.parametrize(
    ("rules", "out", "kept"),
    [
        ("drafts/", ["drafts/a.md", "x/drafts/b.md"], ["drafts", "drafts.md"]),
        ("*.tmp", ["a.tmp", "x/y/b.tmp", "c.tmp/d.md"], ["a.tmp.md", "tmp"]),
        ("/a.md", ["a.md"], ["x/a.md"]),
        ("x/*.md", ["x/a.md"], ["a.md", "y/x/a.md", "x/y/a.md"]),
        ("x/**/a.md", ["x/a.md", "x/y/a.md", "x/y/z/a.md"], ["y/x/a.md", "x/b.md"]),
        ("**/x/a", ["x/a", "y/z/x/a", "x/a/b"], ["x/b/a"]),
        ("x/**", ["x/a", "x/y/b"], ["y/x/a", "x"]),
        ("**", ["a", "x/b"], []),
        ("a?[0-9].md\n[!a]z", ["ab3.md", "bz"], ["a3.md", "abx.md", "az"]),
        ("*.md\n!keep.md", ["a.md", "x/b.md"], ["keep.md", "x/keep.md"]),
        ("x/\n!x/keep.md", ["x/keep.md"], ["keep.md"]),
        ("# a comment\n\n/\na.md   ", ["a.md"], ["# a comment", "b.md"]),
        ("\\#a\n\\!b\n\\*c\nd\\ ", ["#a", "!b", "*c", "d "], ["a", "b", "xc", "d"]),
    ],
)
def test_rules_are_those_of_gitignore(rules: str, out: list[str], kept: list[str]) -> None:
    assert [path for path in [*out, *kept] if ignored(rules, path)] == out


@pytest.mark.parametrize("rule", ["a*" * 200 + "b", "*" * 400 + "b", "**/a/" * 90 + "b", "*a/" * 90 + "**/b"])
@pytest.mark.parametrize("path", ["a" * 250, "a/" * 500 + "a", "/".join(["a" * 250] * 16)])
def test_many_wildcards_take_no_time(rule: str, path: str) -> None:
    rules = read_rules([rule])
    started = time.process_time()
    assert rules.verdict(path) is None
    assert time.process_time() - started < 2


@pytest.mark.parametrize("text", ["!", "a\\", "[z-a]", "a" * 501, "\n".join(["a"] * (MAX_RULES + 1))])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Invalid git pattern|bad character range|longer|more than"):
        read_rules(text.split("\n"))
