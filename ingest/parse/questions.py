"""Questions and their answers, wherever in the outline they stand.

One walk over the outline keeps at most one question open. Headings that ask, bold questions, `<summary>` lines,
labelled lines ("Q7:", "Question:"), list entries that ask, rows of tables and questions that link to their answer all
open one; what follows belongs to it until the next question or a heading of its own level or above. Answers that stand
elsewhere are collected as replies (see halves.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest.blocks import BOLD, SUMMARY, Node
from ingest.parse.anchors import Linked, find_linked, leads_around, place_of
from ingest.parse.asking import Asking
from ingest.parse.drafts import Draft, Reply, Stretch
from ingest.parse.entries import entry_parts, flatten
from ingest.parse.facets import badge_at, read_badges
from ingest.parse.labels import (
    Label,
    answer_heading,
    bold_lead,
    is_answers_part,
    is_lettered,
    numbering,
    read_label,
    read_label_heading,
)
from ingest.parse.opened import ENTRY, Opened, Questions, tidy
from ingest.parse.outline import FRAME, Outline, Place, heading_text, rank
from ingest.parse.rows import labelled_questions, question_rows
from ingest.parse.tables import read_table
from ingest.parse.within import Asked, find_within
from ingest.parse.wording import asks
from ingest.text import Text, fold, plain

_IN_LABELLED, _IN_ENTRY = -1, -2  # a draft's depth where its question is a labelled bullet, or a bullet that asks


def find_questions(
    source: Text, outline: Outline, *, guide: bool, columns: Sequence[tuple[str, str]] = ()
) -> Questions:
    """Walks the outline. `guide`: quoted list entries are questions to ask. `columns`: see `Meta`."""
    walk = _Walk(source, outline, Asking(source, outline, guide=guide), columns)
    walk.run()
    return walk.found


class _Walk(Opened):
    """Finds what asks and what replies; the rest belongs to what is open."""

    def __init__(self, source: Text, outline: Outline, asking: Asking, columns: Sequence[tuple[str, str]]) -> None:
        super().__init__(source)
        self.outline = outline
        self.asking = asking
        self.columns = columns
        self.linked = find_linked(source, outline, asking.heading)
        self.within: list[Asked] = []
        self.answers_level: int | None = None
        self.entry_at = 0

    def run(self) -> None:
        for index, place in enumerate(self.outline.places):
            node = place.node
            if node.kind == "heading":
                self.heading(index, place)
            elif node.kind == "close":
                self.leave(node.level)
            elif node.kind not in ("rule", "empty") or index in self.linked:
                for flat in flatten(self.source, node):
                    self.content(index, place, flat)
        self.close_all()
        self.found.drafts += find_within(self.source, self.outline, self.asking, self.found.drafts, self.within)

    # -- headings

    def heading(self, index: int, place: Place) -> None:
        node, text = place.node, plain(place.node.text)
        if self.answers_level is not None and node.level <= self.answers_level:
            self.answers_level = None
        if self._label_heading(place, node) or self._reply_heading(place, node, text):
            return
        if is_answers_part(heading_text(node)) and self.found.drafts and rank(node) < BOLD:
            self.close_all()
            self.answers_level = node.level
            return
        if not self._hides_answer(node) and not self._parts_answer(index, node):
            self.leave(node.level)
        inside = self.open is not None
        if index in self.linked:
            self._link(index, self.linked[index])
        elif not self.asking.heading(index, inside=inside, awaited=self.awaits()):
            if inside:
                self.extend_heading(node)
        elif self.open is not None and self._asks_within(index, node):
            self.within.append(Asked(index, self.open))
            self.extend_heading(node)
        else:
            words = self.asking.words(node)
            draft = Draft("qa", tidy(words.text), place.path, node.start, node.level, node.depth)
            draft.number, draft.facets = words.number, words.facets
            draft.question, draft.asked = draft.title, Stretch(words.start, words.end)
            draft.end = self.source.end_of(node.last - 1)
            self.drop_topic(node.level)
            self.ask(draft, within=inside and rank(node) == SUMMARY)
            self.dotted = node.text.startswith("Q. ")

    def _hides_answer(self, node: Node) -> bool:
        """Whether a summary that asks nothing holds the answer of a labelled question or a list entry."""
        draft = self.open
        waiting = isinstance(draft, Draft) and rank(node) == SUMMARY and draft.level % FRAME == ENTRY
        return waiting and draft is not None and not asks(node.text) and draft.answer is None

    def _parts_answer(self, index: int, node: Node) -> bool:
        """Whether a heading in bold is one of the answer to a labelled question: text stands under it, no question."""
        draft = self.open
        if (
            not isinstance(draft, Draft)
            or rank(node) != BOLD
            or draft.level != node.level - BOLD + ENTRY
            or draft.depth < 0
        ):
            return False
        places = enumerate(self.outline.places[index + 1 : index + 8], index + 1)
        at, below = next(((at, p.node) for at, p in places if p.node.kind not in ("empty", "rule")), (0, None))
        if below is None or below.kind in ("heading", "close") or asks(node.text):
            return False
        label = self._label(below) if below.kind in ("paragraph", "bullet") else None
        return (label is None or label.kind != "question") and not self.asking.entry(at)

    def _asks_within(self, index: int, node: Node) -> bool:
        """Whether a question belongs to the answer it stands in: in bold without a label, or where that begins.

        One whose own answer is announced below it does not.
        """
        if self.asking.answered_below(index):
            return False
        begins = self.open is not None and self.open.explicit and not self.has_content()
        return begins or (rank(node) == BOLD and self.has_content() and read_label(node.text) is None)

    def _link(self, index: int, linked: Linked) -> None:
        """The place that the link of a question leads to."""
        place = place_of(self.outline, index)
        level = place.node.level if place.node.kind == "heading" else place.frame * FRAME + ENTRY
        draft = Draft("qa", linked.question, place.path, linked.asked.start, level, number=linked.number)
        draft.question, draft.asked, draft.end = linked.question, linked.asked, linked.asked.end
        draft.apart = True
        self.ask(draft)

    def _label_heading(self, place: Place, node: Node) -> bool:
        """A heading that is a label: "## Question" opens one; "#### Answer: D" goes on with the open (or last) one."""
        label = read_label_heading(node.text)
        if label is None:
            return False
        rest = plain(node.text[label.rest :]).strip(" *_")
        if label.number is not None and (label.kind != "question" or rest):
            return False
        if label.kind == "question":
            if not rest:
                end = self.source.end_of(node.last - 1)
                self.leave(node.level)
                draft = Draft("qa", "", place.path, node.start, node.level, number=label.number, end=end)
                self.ask(draft, within=rank(node) == SUMMARY and self.open is not None, announced=True)
            return not rest
        if label.kind == "aside" and (self.open is None or node.level < self.open.level):
            return False
        above = self.open is None or node.level < self.open.level
        if above and is_answers_part(heading_text(node)) and rank(node) < BOLD and self.waiting() > 1:
            return False
        if self.open is None and self.last is not None and self.last.answer is None:
            self.open = self.last
        if self.open is None:
            return False
        self.found.structure.update(range(node.first, node.last))
        self.turn(label)
        self.label_level = node.level
        if rest:
            self.grow(node.start + label.rest, self.source.end_of(node.last - 1))
        return True

    def _reply_heading(self, place: Place, node: Node, text: str) -> bool:
        announced = answer_heading(text)
        key, number = "", None
        if announced:
            number = announced[0]
            if isinstance(self.open, Draft) and self.open.number == number and not announced[1]:
                self.found.structure.update(range(node.first, node.last))
                self.turn(Label("answer", number, 0, closes_bold=False, strict=True))
                return True
        elif self.answers_level is not None and node.level > self.answers_level:
            words = self.asking.words(node)
            number, key = words.number, fold(words.text)
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
        if index in self.linked:
            self._link(index, self.linked.pop(index))
        if leads_around(self.source, node, strictly=True):
            self.found.structure.update(range(node.first, node.last))
            return
        if self._table(place, node) or self.states_facets(node):
            return
        if node.kind in ("bullet", "paragraph") and node.text and index not in self.outline.stories:
            label = self._label(node)
            if label is not None and self._labelled_line(place, node, label):
                return
            if self.role == "aside" and self.aside_entry(place, node):
                return
            if self._listed_reply(place, node) or self._entry(index, place, node):
                return
        if self.open is None:
            return
        if self._left_behind(node):
            self.close()
            return
        if self.role == "question" and isinstance(self.open, Draft):
            self.pose(self.open, node)
            return
        self.extend(node)

    def _label(self, node: Node) -> Label | None:
        """The label of a line, unless it is a letter among letters."""
        if self.dotted and node.text.startswith("A. "):
            return Label("answer", None, 3, closes_bold=False, strict=True)
        return None if is_lettered(self.source.lines, node.first) else read_label(node.text[:300])

    def _table(self, place: Place, node: Node) -> bool:
        """A table whose rows are questions, unless it stands in an answer and does not say so in its head."""
        table = read_table(self.source, node, self.columns) if node.kind == "table" else None
        if table is None:
            return False
        drafts = labelled_questions(place, table)
        if not drafts and table.has_questions and (table.names_questions or not self.has_content()):
            drafts = question_rows(place, table)
        if not any(draft.replied() for draft in drafts):
            return False
        self.drop_topic(place.frame * FRAME + ENTRY)
        self.close_all()
        self.found.drafts += drafts
        self.found.structure.update(range(node.first, node.last))
        self.last = drafts[-1]
        return True

    def _left_behind(self, node: Node) -> bool:
        """Whether a node can't belong to a question that is a list entry.

        The next entry of the list is another matter; so is plain text after a list whose entry held the reply too,
        unless the list counts on below it.
        """
        draft = self.open
        if not isinstance(draft, Draft) or draft.depth >= 0 or node.depth > 0:
            return False
        if node.kind == "bullet":
            return draft.depth == _IN_ENTRY
        if draft.depth == _IN_ENTRY and (node.kind in ("code", "table") or self.asking.goes_on(self.entry_at)):
            return False
        return self.has_content()

    def _labelled_line(self, place: Place, node: Node, label: Label) -> bool:
        rest = node.start + label.rest
        end = self.source.end_of(node.last - 1)
        level = place.frame * FRAME + ENTRY
        if label.kind == "question":
            depth = _IN_LABELLED if node.kind == "bullet" else 0
            self.drop_topic(level)
            draft = Draft("qa", "", place.path, node.start, level, depth, label.number)
            draft.end = end
            self.ask(draft)
            self.dotted = node.text.startswith("Q. ")
            self.pose_text(draft, rest, end, closes_bold=label.closes_bold)
            return True
        if label.number is not None and label.kind == "answer" and self.is_reply(label.number):
            self.reply(Reply(label.number, "", place.path, level=level, start=node.start), node.first)
            self.found.structure.discard(node.first)
        if self.open is None:
            if self.last is None or self.last.replied() or place.path != self.last.path:
                return False
            self.open = self.last
        if label.kind == "aside" and self.follow_up(place, node, label):
            return True
        self.turn(label)
        self.grow(rest, end)
        if label.kind == "aside" and self.open.answer is None and plain(self.source.text[rest:end]).strip(" *_"):
            self.role = "answer"  # "Follow-ups: …" may stand over the answer
        return True

    def _entry(self, index: int, place: Place, node: Node) -> bool:
        """A list entry or a paragraph with a bold question that opens a question of its own."""
        if node.kind == "paragraph":
            lead = bold_lead(node.text)
            if lead is None or not asks(lead.text) or len(lead.text.split()) < 3:
                return False
            if isinstance(self.open, Draft) and self.open.level % FRAME < BOLD and self.has_content():
                return False
            asked = rest = node.start + lead.rest
        elif node.depth == 0 and self.asking.entry(index) and not self.inside_answer():
            asked, rest = entry_parts(self.source, node)
        else:
            return False
        words = self.asking.words(node)
        end = self.source.end_of(node.last - 1)
        start = min(words.start, asked)
        behind = read_badges(self.source.text[start:asked].rstrip())
        question = tidy(self.source.text[start : start + behind.end] if asked > words.start else words.text)
        draft = Draft("qa", question, place.path, node.start, place.frame * FRAME + ENTRY, question=question)
        draft.depth = _IN_ENTRY if node.kind == "bullet" else 0
        draft.number = node.number if node.number is not None else words.number
        draft.facets = behind.facets.over(words.facets)
        draft.asked = Stretch(start, min(start + behind.end, self.source.end_of(node.head - 1)))
        draft.end = end
        self.drop_topic(draft.level)
        self.ask(draft)
        self.entry_at = index
        badge, facets = badge_at(self.source.text[rest:end]) if rest > start else (0, draft.facets)
        draft.facets = draft.facets.over(facets)
        if plain(self.source.text[rest + badge : end]).strip(" *_:-–—"):
            self.grow(rest + badge, end)
        return True

    def _listed_reply(self, place: Place, node: Node) -> bool:
        """An entry of the part that holds the answers, by its number: "3. …", "**3.** …"."""
        number, words = (node.number, node.text) if node.kind == "bullet" else numbering(node.text)
        if self.answers_level is None or number is None or node.depth > 0:
            return False
        end = self.source.end_of(node.last - 1)
        reply = Reply(number, "", place.path, level=place.frame * FRAME + ENTRY, start=node.start)
        self.reply(reply, node.first)
        self.found.structure.discard(node.first)
        self.grow(node.start + len(node.text) - len(words), end)
        if node.kind == "bullet":
            self.close()
        return True
