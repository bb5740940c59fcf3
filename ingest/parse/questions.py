"""Questions and their answers, wherever in the outline they stand.

One walk over the outline keeps at most one question open. Headings that ask, bold questions, `<summary>` lines,
labelled lines ("Q7:", "Question:") and list entries that ask all open one; what follows belongs to it until the next
question or a heading of its own level or above. Answers that stand elsewhere are collected as replies (see halves.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ingest.parse.asking import Asking
from ingest.parse.blocks import BOLD, SUMMARY, Node
from ingest.parse.drafts import Draft, Reply, Stretch, settle
from ingest.parse.labels import (
    Label,
    answer_behind,
    answer_heading,
    asks,
    bold_lead,
    is_answers_part,
    is_question,
    read_label,
    read_label_heading,
)
from ingest.parse.outline import Outline, Place, heading_text, split_lines
from ingest.parse.text import Text, fold, plain

_IN_LABELLED, _IN_ENTRY = -1, -2  # a draft's depth where its question is a labelled bullet, or a bullet that asks
_ENTRY = 9  # the level of a question that is a list entry or a labelled line: any heading ends it


@dataclass(slots=True)
class Questions:
    """What the walk found. `structure`: lines (from 0) that only announce an answer."""

    drafts: list[Draft] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    structure: set[int] = field(default_factory=set)


def find_questions(source: Text, outline: Outline, *, guide: bool) -> Questions:
    """Walks the outline. `guide`: quoted list entries are questions to ask."""
    walk = _Walk(source, outline, guide=guide)
    walk.run()
    return walk.found


def _labelled(node: Node) -> bool:
    words = (n.text for n in node.walk() if n.kind in ("bullet", "paragraph"))
    return any(read_label(line[:300]) for text in words for line in text.split("\n"))


def _flatten(source: Text, node: Node) -> Iterator[Node]:
    """A bullet whose parts carry labels, as the sequence of its parts."""
    if node.kind != "bullet" or not _labelled(node):
        yield node
        return
    words = Node("paragraph", node.first, node.head, node.text, node.start, node.head, depth=node.depth + 1)
    first, *others = split_lines(source, [words])
    yield replace(first, kind="bullet", depth=node.depth, number=node.number)
    yield from others
    for child in node.children:
        yield from _flatten(source, child)


class _Walk:
    def __init__(self, source: Text, outline: Outline, *, guide: bool) -> None:
        self.source = source
        self.outline = outline
        self.asking = Asking(outline, guide=guide)
        self.found = Questions()
        self.open: Draft | Reply | None = None
        self.role = "answer"
        self.answers_level: int | None = None
        self.last: Draft | None = None

    def run(self) -> None:
        for index, place in enumerate(self.outline.places):
            node = place.node
            if node.kind == "heading":
                self.heading(index, place)
            elif node.kind == "close":
                if self.open is not None and self.open.level == SUMMARY:
                    self.close()
            elif node.kind not in ("rule", "empty"):
                for flat in _flatten(self.source, node):
                    self.content(index, place, flat)
        self.close()

    # -- opening and closing

    def close(self) -> None:
        if self.open is not None:
            settle(self.source, self.open)
        self.open, self.role = None, "answer"

    def ask(self, draft: Draft) -> None:
        self.close()
        self.found.drafts.append(draft)
        self.open = self.last = draft
        self.role = "answer" if draft.question else "question"

    def reply(self, reply: Reply, line: int) -> None:
        self.close()
        self.found.replies.append(reply)
        self.open = reply
        self.found.structure.add(line)

    # -- headings

    def heading(self, index: int, place: Place) -> None:
        node, text = place.node, plain(place.node.text)
        if self.answers_level is not None and node.level <= self.answers_level:
            self.answers_level = None
        if self._label_heading(place, node) or self._reply_heading(place, node, text):
            return
        if is_answers_part(heading_text(node)) and self.found.drafts and node.level < BOLD:
            self.close()
            self.answers_level = node.level
            return
        inside = self.open is not None and node.level > self.open.level
        if self.asking.heading(index) and not (inside and node.level >= BOLD and self._open_has_content()):
            number, words, start = self.asking.words(node)
            draft = Draft("qa", plain(words).rstrip(" :"), place.path, node.start, node.level, node.depth, number)
            draft.question, draft.asked = draft.title, Stretch(start, self.source.end_of(node.last - 1))
            draft.end = draft.asked.end
            self.ask(draft)
        elif inside:
            self._extend(node)
        else:
            self.close()

    def _open_has_content(self) -> bool:
        return self.open is not None and (self.open.answer is not None or bool(self.open.points))

    def _label_heading(self, place: Place, node: Node) -> bool:
        """A heading that is a label: "## Question" opens one; "#### Answer: D" goes on with the open (or last) one."""
        label = read_label_heading(node.text)
        if label is None or label.number is not None:
            return False
        rest = plain(node.text[label.rest :]).strip(" *_")
        if label.kind == "question":
            if not rest:
                self.ask(Draft("qa", "", place.path, node.start, node.level, end=self.source.end_of(node.last - 1)))
            return not rest
        if is_answers_part(heading_text(node)) and node.level < BOLD and self.open is None and self._waiting() > 1:
            return False
        if self.open is None and self.last is not None and self.last.answer is None:
            self.open = self.last
        if self.open is None:
            return False
        self.found.structure.update(range(node.first, node.last))
        self.role = label.kind
        if rest:
            self._grow(node.start + label.rest, self.source.end_of(node.last - 1))
        return True

    def _waiting(self) -> int:
        return sum(not draft.replied() for draft in self.found.drafts)

    def _reply_heading(self, place: Place, node: Node, text: str) -> bool:
        announced = answer_heading(text)
        key, number = "", None
        if announced:
            number = announced[0]
        elif self.answers_level is not None and node.level > self.answers_level:
            number, words, _ = self.asking.words(node)
            key = fold(words)
            known = any(fold(d.question or "") == key for d in self.found.drafts)
            if number is None and not known:
                return False
        else:
            return False
        reply = Reply(number, key, place.path, level=node.level, depth=node.depth, start=node.start)
        self.reply(reply, node.first)
        self.found.structure.update(range(node.first, node.last))
        return True

    # -- content

    def content(self, index: int, place: Place, node: Node) -> None:
        if node.kind in ("bullet", "paragraph") and node.text:
            label = read_label(node.text[:300])
            if label is not None and self._labelled_line(place, node, label):
                return
            if self._entry(index, place, node):
                return
        if self.open is None:
            return
        if self._left_behind(node):
            self.close()
            return
        if self.role == "question" and isinstance(self.open, Draft):
            self._pose(self.open, node)
            return
        self._extend(node)

    def _left_behind(self, node: Node) -> bool:
        """Whether a node can't belong to a question that is a list entry.

        The next entry of the list is another matter; so is plain text after a list whose entry held the reply too.
        """
        draft = self.open
        if not isinstance(draft, Draft) or draft.depth >= 0 or node.depth > 0:
            return False
        if node.kind == "bullet":
            return draft.depth == _IN_ENTRY
        return self._open_has_content()

    def _labelled_line(self, place: Place, node: Node, label: Label) -> bool:
        rest = node.start + label.rest
        end = self.source.end_of(node.last - 1)
        if label.kind == "question":
            depth = _IN_LABELLED if node.kind == "bullet" else 0
            self._drop_topic(place)
            draft = Draft("qa", "", place.path, node.start, _ENTRY, depth, label.number)
            draft.end = end
            self.ask(draft)
            self._pose_text(draft, rest, end, closes_bold=label.closes_bold)
            return True
        if label.number is not None and label.kind == "answer" and self._is_reply(label.number):
            self.reply(Reply(label.number, "", place.path, level=_ENTRY, start=node.start), node.first)
            self.found.structure.discard(node.first)
        if self.open is None:
            if self.last is None or self.last.replied() or place.path != self.last.path:
                return False
            self.open = self.last
        self.role = label.kind
        self._grow(rest, end)
        return True

    def _drop_topic(self, place: Place) -> None:
        """A heading over a labelled question is its topic, even where it reads like a question itself."""
        topic = self.open
        if isinstance(topic, Draft) and topic.level < _ENTRY and not topic.replied() and topic.title in place.path[-1:]:
            self.found.drafts.remove(topic)
            self.open = None

    def _is_reply(self, number: int) -> bool:
        """Whether an answer label's number names another question than the one that is open."""
        if isinstance(self.open, Draft) and self.open.number in (number, None):
            return False
        return any(d.number == number for d in self.found.drafts)

    def _pose(self, draft: Draft, node: Node) -> None:
        """The question itself, where its label stood on a line of its own."""
        start = self.source.content_start(node.first) if node.kind == "quote" else node.start
        self._pose_text(draft, start, self.source.end_of(node.last - 1), closes_bold=False)

    def _pose_text(self, draft: Draft, start: int, end: int, *, closes_bold: bool) -> None:
        text = self.source.text[start:end]
        if not plain(text).strip(" *_"):
            return
        asked_end = end
        if closes_bold and "**" in text:
            asked_end = start + text.index("**")
        draft.question = draft.title = plain(self.source.text[start:asked_end])
        draft.asked = Stretch(start, asked_end)
        draft.end, self.role = max(draft.end, asked_end), "answer"
        after = asked_end + 2 if asked_end < end else end
        if plain(self.source.text[after:end]).strip(" *_:"):
            self._grow(after, end)

    def _entry(self, index: int, place: Place, node: Node) -> bool:
        """A list entry or a paragraph with a bold question that opens a question of its own."""
        if node.kind == "paragraph":
            lead = bold_lead(node.text)
            if lead is None or not asks(lead.text) or len(lead.text.split()) < 3:
                return False
            if isinstance(self.open, Draft) and self.open.level < BOLD and self._open_has_content():
                return False
            asked = rest = node.start + lead.rest
        elif self.answers_level is not None and node.number is not None and node.depth == 0:
            self.reply(Reply(node.number, "", place.path, level=_ENTRY, start=node.start), node.first)
            self.found.structure.discard(node.first)
            self._grow(node.start, self.source.end_of(node.last - 1))
            self.close()
            return True
        elif node.depth == 0 and self.asking.entry(index) and not self._inside_answer():
            asked, rest = self._entry_parts(node)
        else:
            return False
        number, words, start = self.asking.words(node)
        question = plain(self.source.text[start:asked] if asked > start else words).strip(' "“”')
        draft = Draft("qa", question, place.path, node.start, _ENTRY, _IN_ENTRY if node.kind == "bullet" else 0)
        draft.number = node.number if node.number is not None else number
        draft.question, draft.asked = question, Stretch(start, min(asked, self.source.end_of(node.head - 1)))
        draft.end = self.source.end_of(node.last - 1)
        self.ask(draft)
        if plain(self.source.text[rest : draft.end]).strip(" *_:-–—"):
            self._grow(rest, draft.end)
        return True

    def _inside_answer(self) -> bool:
        """Whether a heading's question is open: a list of questions in it is part of its answer."""
        return self.open is not None and self.open.level < _ENTRY

    def _entry_parts(self, node: Node) -> tuple[int, int]:
        """Where a list entry's question ends and its answer begins: after bold words, a question mark, or a line."""
        lead = bold_lead(node.text)
        if lead is not None and asks(lead.text):
            return node.start + lead.rest, node.start + lead.rest
        first_line = node.text.split("\n", 1)[0]
        parted = answer_behind(first_line)
        if parted is not None:
            return node.start + parted[0], node.start + parted[1]
        end = self.source.end_of(node.first if "\n" in node.text and is_question(first_line) else node.head - 1)
        return end, end

    # -- growing what is open

    def _extend(self, node: Node) -> None:
        self._grow(
            self.source.starts[node.first] if node.kind in ("code", "table") else node.start,
            self.source.end_of(node.last - 1),
            whole=node,
        )

    def _grow(self, start: int, end: int, whole: Node | None = None) -> None:
        target = self.open
        if target is None:
            return
        if whole is not None and whole.kind in ("bullet", "heading", "quote", "html"):
            start = self.source.starts[whole.first] + _indent(self.source.lines[whole.first])
        if self.role == "talking_point":
            if target.points and whole is not None:
                target.points[-1].grow(end)
            else:
                target.points.append(Stretch(start, end))
        elif target.answer is None:
            target.answer = Stretch(start, end)
        elif not target.points:
            target.answer.grow(end)
        else:
            target.points.append(Stretch(start, end))
        if isinstance(target, Draft):
            target.end = max(target.end, end)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
