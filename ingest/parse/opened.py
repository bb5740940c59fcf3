"""The question that is open while a document is walked: what follows is its answer, its hints, or beside both."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.blocks import Node
from ingest.parse.drafts import Draft, Reply, Stretch, settle, trimmed
from ingest.parse.entries import entry_parts
from ingest.parse.facets import Facets, read_badges, read_lines
from ingest.parse.labels import Label, LabelKind
from ingest.parse.outline import FRAME, Place
from ingest.parse.wording import answer_behind, asks, says_nothing
from ingest.text import Text, plain

ENTRY = 9
"""The level of a question that is a list entry or a labelled line: any heading ends it."""


@dataclass(slots=True)
class Questions:
    """What the walk found. `structure`: lines (from 0) that only announce an answer, or lead to one."""

    drafts: list[Draft] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    structure: set[int] = field(default_factory=set)


class Opened:
    """`open` takes what follows, as `role` says; `held` are questions that go on after the one inside them.

    `last` is the question asked last. `label_level`: the level of the heading that set the role, 0 without one.
    """

    def __init__(self, source: Text) -> None:
        self.source = source
        self.found = Questions()
        self.open: Draft | Reply | None = None
        self.held: list[Draft | Reply] = []
        self.role: LabelKind = "answer"
        self.last: Draft | None = None
        self.announced = False
        self.dotted = False  # whether the question was labelled "Q.", so that "A." is its answer's label
        self.label_level = 0
        self.headings: list[Node] = []  # of the open answer, as long as nothing stands under them

    # -- opening and closing

    def close(self) -> None:
        """Ends what is open; what is held goes on."""
        if self.open is not None:
            settle(self.source, self.open)
        self.open, self.role = None, "answer"
        self.headings.clear()

    def close_all(self) -> None:
        """Ends what is open and what is held."""
        self.close()
        for held in self.held:
            settle(self.source, held)
        self.held.clear()

    def leave(self, level: int) -> None:
        """Ends what is open at this level or below; the question around it goes on."""
        if self.open is not None and self.open.level >= level:
            self.close()
        while self.held and self.held[-1].level >= level:
            settle(self.source, self.held.pop())
        if self.open is None and self.held:
            self.open = self.held.pop()

    def ask(self, draft: Draft, *, within: bool = False, announced: bool = False) -> None:
        """Opens a question. `within`: the one that is open goes on after it. `announced`: by a heading of its own."""
        if within and self.open is not None:
            self.held.append(self.open)
            self.open = None
        else:
            self.close_all()
        self.close()
        self.found.drafts.append(draft)
        self.open = self.last = draft
        self.announced, self.dotted = announced, False
        self.role = "answer" if draft.question else "question"

    def reply(self, reply: Reply, line: int) -> None:
        """Opens an answer that stands away from its question."""
        self.close_all()
        self.found.replies.append(reply)
        self.open = reply
        self.found.structure.add(line)

    def has_content(self) -> bool:
        """Whether anything stands in reply to what is open."""
        return self.open is not None and (self.open.answer is not None or bool(self.open.points))

    def awaits(self) -> bool:
        """Whether the question before was announced by a heading of its own ("## Question"), so that its answer is."""
        return self.last is not None and self.announced and not self.last.replied()

    def waiting(self) -> int:
        return sum(not draft.replied() for draft in self.found.drafts)

    def is_reply(self, number: int) -> bool:
        """Whether an answer label's number names another question than the one that is open."""
        if isinstance(self.open, Draft) and self.open.number in (number, None):
            return False
        return any(d.number == number for d in self.found.drafts)

    def inside_answer(self) -> bool:
        """Whether a heading's question is open: a list of questions in it is part of its answer."""
        return self.open is not None and self.open.level % FRAME < ENTRY

    def drop_topic(self, level: int) -> None:
        """A heading right over questions is their topic, even where it reads like a question itself."""
        topic = self.open
        if not isinstance(topic, Draft) or topic.level >= level or self.found.drafts[-1] is not topic:
            return
        if not (topic.replied() or topic.asides or topic.explicit):
            self.found.drafts.pop()
            self.open = None

    # -- what is asked

    def pose(self, draft: Draft, node: Node) -> None:
        """The question itself, where its label stood on a line of its own."""
        start = self.source.content_start(node.first) if node.kind == "quote" else node.start
        self.pose_text(draft, start, self.source.end_of(node.last - 1), closes_bold=False)

    def pose_text(self, draft: Draft, start: int, end: int, *, closes_bold: bool) -> None:
        text = self.source.text[start:end]
        if not plain(text).strip(" *_"):
            return
        asked_end = end
        if closes_bold and "**" in text:
            asked_end = start + text.index("**")
        badged = read_badges(self.source.text[start:asked_end])
        draft.question = draft.title = tidy(self.source.text[start + badged.start : start + badged.end])
        draft.asked = trimmed(self.source, start + badged.start, start + badged.end)
        draft.facets = draft.facets.over(badged.facets)
        draft.end, self.role = max(draft.end, asked_end), "answer"
        after = asked_end + 2 if asked_end < end else end
        if plain(self.source.text[after:end]).strip(" *_:"):
            self.grow(after, end)

    # -- what follows up

    def follow_up(self, place: Place, node: Node, label: Label) -> bool:
        """A follow-up with its answer behind it is a question of its own: "Follow-up: Why? (Because …)"."""
        line = node.text[label.rest :].split("\n", 1)[0]
        parted = answer_behind(line) if asks(line) else None
        if parted is None or not self.has_content() or asks(line[parted[1] :]):
            return False
        start, end = node.start + label.rest, self.source.end_of(node.last - 1)
        draft = Draft("qa", plain(line[: parted[0]]), self._path(place), node.start, place.frame * FRAME + ENTRY)
        draft.question, draft.asked, draft.end = draft.title, Stretch(start, start + parted[0]), end
        self.ask(draft, within=True)
        answer = self.source.text[start + parted[1] : end]
        enclosed = answer.startswith("(") and answer.endswith(")") and answer.count("(") == 1
        self.grow(start + parted[1] + enclosed, end - enclosed)
        self.leave(draft.level)
        return True

    def aside_entry(self, place: Place, node: Node) -> bool:
        """An entry of a list of follow-ups: with its answer in it, a question of its own."""
        if node.kind != "bullet":
            return False
        asked, rest = entry_parts(self.source, node)
        end = self.source.end_of(node.last - 1)
        answered = rest < end and asks(self.source.text[node.start : asked])
        if not answered or says_nothing(self.source.text[rest:end]):
            self.aside(node.start, end)
            return True
        draft = Draft("qa", plain(self.source.text[node.start : asked]), self._path(place), node.start)
        draft.level = place.frame * FRAME + ENTRY
        draft.question, draft.asked, draft.end = draft.title, Stretch(node.start, asked), end
        self.ask(draft, within=True)
        self.grow(rest, end)
        self.leave(draft.level)
        self.role = "aside"
        return True

    def _path(self, place: Place) -> tuple[str, ...]:
        """The headings over a follow-up, the question it follows last."""
        return (*self.open.path, self.open.title) if isinstance(self.open, Draft) else place.path

    # -- growing what is open

    def turn(self, label: Label) -> None:
        """From here on, what follows is what the label says. What stood before the answer's label was no answer."""
        self.role, self.label_level = label.kind, 0
        self.headings.clear()
        target = self.open
        if not label.strict or target is None:
            return
        if not target.explicit and target.answer is not None:
            target.asides.append(target.answer)
            target.answer = None
        target.explicit = True

    def states_facets(self, node: Node) -> bool:
        """A line that states difficulty, level, topic, company or tags of the open question."""
        nested = node.children and node.kind != "quote"
        if self.open is None or nested or node.kind not in ("paragraph", "bullet", "quote"):
            return False
        facets = read_lines(self.source.lines[node.first : node.last])
        if not facets or (self.has_content() and facets == Facets(topic=facets.topic)):
            return False
        self.open.facets = self.open.facets.over(facets)
        self.aside(node.start, self.source.end_of(node.last - 1))
        return True

    def extend_heading(self, node: Node) -> None:
        """A heading in an answer counts once something stands under it. It ends follow-ups and hints of its level."""
        if self.role != "question" and node.level <= self.label_level:
            self.role = "answer"
        self.headings.append(node)
        self.aside(node.start, self.source.end_of(node.last - 1))

    def extend(self, node: Node) -> None:
        """A whole block goes to what is open."""
        end = self.source.end_of(node.last - 1)
        if self.has_content() and says_nothing(self.source.text[self.source.starts[node.first] : end]):
            self.aside(node.start, end)  # links behind an answer belong to it once the answer goes on
            return
        start = block_start(self.source, node)
        if self.headings and self.open is not None and self.open.answer is None and self.role == "answer":
            first = self.headings[0].first
            start = self.source.starts[first] + _indent(self.source.lines[first])
        self.headings.clear()
        self.grow(start, end, whole=True)

    def aside(self, start: int, end: int) -> None:
        """What belongs to the open question and answers nothing."""
        if self.open is not None:
            self.open.asides.append(Stretch(start, end))
            if isinstance(self.open, Draft):
                self.open.end = max(self.open.end, end)

    def grow(self, start: int, end: int, *, whole: bool = False) -> None:
        """A stretch goes to the part that the role names."""
        target = self.open
        if target is None:
            return
        if self.role == "aside":
            self.aside(start, end)
            return
        if self.role == "talking_point":
            if target.points and whole:
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


def block_start(source: Text, node: Node) -> int:
    """Where a block begins when it stands in an answer: a list entry with its mark, code and tables with their line."""
    if node.kind in ("code", "table"):
        return source.starts[node.first]
    if node.kind in ("bullet", "quote", "html"):
        return source.starts[node.first] + _indent(source.lines[node.first])
    return node.start


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def tidy(question: str) -> str:
    """A question's words in one line, quotes around them and marks behind them left out."""
    words = plain(question).strip(' "“”').rstrip(" :*")
    return words if words.count('"') % 2 == 0 else plain(question).rstrip(" :*")
