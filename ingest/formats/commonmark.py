"""markdown-it-py as it is used here: CommonMark with tables, blocks only, bounded in nesting and in number.

It is imported here, and this module only where a text is read.

Four rules differ from the library's own. A table is one token, not six for each cell. A paragraph and a setext heading
are found in one pass over their lines. A footnote's definition is no link definition, so that its text is kept. What is
nested too deeply is one paragraph, where the library leaves it out with all that follows.
"""

from __future__ import annotations

from functools import cache, partial

from markdown_it import MarkdownIt
from markdown_it.common.utils import mdTrim
from markdown_it.rules_block import StateBlock, reference, table
from markdown_it.token import Token

from ingest.blocks import most_blocks

MAX_LINES = 200_000
"""A text of more lines is refused: thousands of pages, or no text for reading."""

_MAX_NESTING = 24  # a list counts twice, itself and its entry; deeper blocks are one paragraph
_MAX_LINE = 20_000  # a block whose first line is longer is a paragraph, whatever it begins with
_BLOCKS, _MOST = "blocks", "most"  # how many there were so far, and how many there may be
# A line that begins with none of these ends no paragraph, unless it is a table's first one.
_MARKS = frozenset("`~>*-_+#<0123456789")
_TABLE_MARKS = frozenset("|-:")


class TooMuchError(Exception):
    """The text has more blocks or lines than a document may have. `line`: from 0, where the bound was passed."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def parse(text: str, *, plain_text: bool) -> list[Token]:
    """The block tokens of a text. `plain_text`: indentation makes no code, underlining no heading.

    Raises TooMuchError past MAX_LINES, and past as many blocks as a text of that length may have.
    """
    if text.count("\n") > MAX_LINES:
        raise TooMuchError(f"more than {MAX_LINES:,} lines", MAX_LINES)
    return _parser(plain_text).parse(text, {_BLOCKS: 0, _MOST: most_blocks(len(text))})


@cache
def _parser(plain_text: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING + 10}).enable("table")
    parser.core.ruler.disable(["inline", "text_join"])  # only lines matter here
    rules = parser.block.ruler
    rules.at("table", _table, {"alt": ["paragraph", "reference"]})
    rules.at("reference", _reference)
    rules.at("paragraph", partial(_text, underlined=not plain_text))
    rules.disable(["lheading", "code"] if plain_text else ["lheading"])
    rules.before("table", "bound", _bound)
    return parser


def _bound(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """Counts the blocks; takes as one paragraph what stands too deep, or begins with a line too long."""
    if silent:
        return False
    state.env[_BLOCKS] += 1
    if state.env[_BLOCKS] > state.env[_MOST]:
        raise TooMuchError(f"more than {state.env[_MOST]:,} headings, paragraphs, list entries, and the like", first)
    deep = state.level >= _MAX_NESTING
    if not deep and state.eMarks[first] - state.bMarks[first] <= _MAX_LINE:
        return False
    line = first + 1
    while deep and line < end and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent):
        line += 1
    _push(state, "paragraph", "p", first, line, line)
    return True


def _reference(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """A link definition; `[^1]: …` is none, it is text."""
    at = state.bMarks[first] + state.tShift[first]
    return state.src[at : at + 1] == "[" and state.src[at + 1 : at + 2] != "^" and reference(state, first, end, silent)


def _table(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """A table as one token. Its head is the library's to judge; its rows end as they do there."""
    if not _may_head_table(state, first) or not table(state, first, end, True):
        return False
    if silent:
        return True
    kind, state.parentType = state.parentType, "table"
    ends = state.md.block.ruler.getRules("blockquote")
    line = first + 2
    while (
        line < end
        and state.sCount[line] >= state.blkIndent
        and not state.isEmpty(line)
        and not state.is_code_block(line)
        and not (_first_mark(state, line) in _MARKS and any(rule(state, line, end, True) for rule in ends))
    ):
        line += 1
    state.parentType = kind
    token = state.push("table", "table", 0)
    token.map = [first, line]
    state.line = line
    return True


def _may_head_table(state: StateBlock, first: int) -> bool:
    """Whether the line below one begins as the line under a table's head does."""
    below = first + 1
    return below < state.lineMax and _first_mark(state, below) in _TABLE_MARKS


def _text(state: StateBlock, first: int, end: int, _silent: bool, *, underlined: bool) -> bool:
    """A paragraph, or the setext heading that it is where `underlined` lines may make one."""
    kind, state.parentType = state.parentType, "paragraph"
    line, level = first + 1, 0
    while line < state.lineMax and not state.isEmpty(line):
        # what is indented further would be code elsewhere: here it goes on with the paragraph
        if state.sCount[line] - state.blkIndent <= 3:
            if underlined and line < end and state.sCount[line] >= state.blkIndent and (level := _level(state, line)):
                break
            # a negative count marks a line that a quote takes though it has no mark
            if state.sCount[line] >= 0 and _ends_paragraph(state, line):
                break
        line += 1
    state.parentType = kind
    if level:
        _push(state, "heading", f"h{level}", first, line, line + 1)
    else:
        _push(state, "paragraph", "p", first, line, line)
    return True


def _level(state: StateBlock, line: int) -> int:
    """The level of the heading that a line of `===` or `---` underlines; 0 for any other line."""
    marks = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip(" \t")
    if marks[0] == "=" and not marks.strip("="):
        return 1
    return 2 if marks[0] == "-" and not marks.strip("-") else 0


def _ends_paragraph(state: StateBlock, line: int) -> bool:
    if _first_mark(state, line) not in _MARKS and not _may_head_table(state, line):
        return False
    return any(rule(state, line, state.lineMax, True) for rule in state.md.block.ruler.getRules("paragraph"))


def _first_mark(state: StateBlock, line: int) -> str:
    at = state.bMarks[line] + state.tShift[line]
    return state.src[at : at + 1]


def _push(state: StateBlock, kind: str, tag: str, first: int, last: int, end: int) -> None:
    """A block of text: its words stand in the lines from `first` to `last`, the block reaches to `end`."""
    words = mdTrim(state.getLines(first, last, state.blkIndent, False))
    state.line = end
    state.push(f"{kind}_open", tag, 1).map = [first, end]
    inline = state.push("inline", "", 0)
    inline.map, inline.content, inline.children = [first, last], words, []
    state.push(f"{kind}_close", tag, -1)
