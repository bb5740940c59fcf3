"""Listings of commands in code blocks, each with a comment: cut between lines, so that one of them can be found."""

from __future__ import annotations

import re
from itertools import pairwise

from ingest.blocks import Node
from ingest.text import Text

_TRAILING = re.compile(r"\S[ \t]+(?:#|//|--|;;?|%|←|→|=>)[ \t]*(?=\S)")
_TRAILING_COMMENT = re.compile(r"(?<![ \t])[ \t]+(?:#|//|--|←|→)[ \t].*$")
_COMMENT = re.compile(r"[ \t]*(?:#|//|--|;|%|REM\b|::)")
_FENCE = re.compile(r"[ \t>]*(?:`{3,}|~{3,})")
_MIN_LINES = 6
_SHARE = 0.6  # of lines with a comment behind the command, or of commands right under a comment of their own
_INDENTED = 0.15  # more indented lines than this are a program
_BRACES, _STATEMENTS = 0.1, 0.5  # so are more lines that end in a brace, or in a semicolon
_BRACE, _STATEMENT = re.compile(r"[{}(,]\s*$|^\s*[})]"), re.compile(r";\s*$")
_GROUP_LINES, _GROUP_CHARS, _TAIL_LINES = 10, 500, 2


def command_groups(source: Text, node: Node) -> list[tuple[int, int]]:
    """The lines (from 0, end exclusive) of each group of commands in a listing; empty where the code is none."""
    lines = [i for i in range(node.first, node.last) if not _FENCE.match(source.lines[i]) and not source.blank(i)]
    if len(lines) < _MIN_LINES or not _is_listing(source, lines):
        return []
    groups: list[tuple[int, int]] = []
    first, size = lines[0], 1
    for before, line in pairwise(lines):
        long = source.end_of(line) - source.starts[first] > _GROUP_CHARS or size >= _GROUP_LINES
        # a blank line or a comment over the next command is a good place; a comment stays with what it explains
        pause = line > before + 1 or (_is_comment(source, line) and not _is_comment(source, before))
        if (pause and size >= _GROUP_LINES // 2) or (long and not _is_comment(source, before)):
            groups.append((first, before + 1))
            first, size = line, 0
        size += 1
    if groups and size <= _TAIL_LINES:
        first = groups.pop()[0]
    groups.append((first, lines[-1] + 1))
    return groups


def _is_listing(source: Text, lines: list[int]) -> bool:
    texts = [source.lines[i] for i in lines]
    margin = min(len(t) - len(t.lstrip()) for t in texts)
    if sum(t[margin : margin + 1].isspace() for t in texts) > _INDENTED * len(texts):
        return False
    comments = {i for i in lines if _is_comment(source, i)}
    commands = [i for i in lines if i not in comments]
    ends = [_TRAILING_COMMENT.sub("", source.lines[i]) for i in commands]
    braces, statements = sum(bool(_BRACE.search(e)) for e in ends), sum(bool(_STATEMENT.search(e)) for e in ends)
    if braces > _BRACES * len(commands) or (statements > _STATEMENTS * len(commands) and not _is_sql(source, lines)):
        return False
    told = sum(bool(_TRAILING.search(source.lines[i])) or i - 1 in comments for i in commands)
    return len(commands) >= _MIN_LINES // 2 and told >= _SHARE * len(commands)


def _is_sql(source: Text, lines: list[int]) -> bool:
    return any("--" in source.lines[i] for i in lines)


def _is_comment(source: Text, line: int) -> bool:
    return bool(_COMMENT.match(source.lines[line]))
