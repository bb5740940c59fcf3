"""What ingest hands on: documents, their items, and the chunks that are indexed. Frozen; standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Kind = Literal["qa", "note", "guide"]
KINDS: tuple[Kind, ...] = ("qa", "note", "guide")

Role = Literal["item", "structure", "leftover"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a document's canonical text.

    `start`, `end`: code point offsets, end exclusive. `line_start`, `line_end`: 1-based, both inclusive.
    `page`: 1-based, for paged formats only.
    """

    start: int
    end: int
    line_start: int
    line_end: int
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Meta:
    """What a document says about itself, in front matter or in its folder's `_meta.yaml`. Dates: YYYY-MM-DD.

    `columns`: for tables, which part of an item (question, answer, …) stands in the column of which name.
    """

    title: str | None = None
    topic: str | None = None
    level: str | None = None
    role: str | None = None
    company: str | None = None
    candidate: str | None = None
    audience: str | None = None
    effective_date: str | None = None
    expires: str | None = None
    trust: str | None = None
    url: str | None = None
    tags: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()

    def stale(self, today: date) -> str | None:
        """Why what says this should not be relied on today, in words; None where its dates don't speak against it.

        The last day of `expires` and the first of `effective_date` still count, and already count.
        """
        now = today.isoformat()
        # ISO dates compare as text
        if self.expires is not None and self.expires < now:
            return f"expired on {self.expires}"
        if self.effective_date is not None and self.effective_date > now:
            return f"takes effect on {self.effective_date}"
        return None


@dataclass(frozen=True, slots=True)
class Item:
    """The unit a person would recognise: a question with its answer, a cheat-sheet bullet, a part of a guide.

    `id` survives changes elsewhere in the document. `span` is the item's own text; where question and answer stand
    apart in the document, it is the answer's (the question's is `question_span`). `answer` is the model answer,
    None where the document gives none; `talking_points` are the spans of hints on what to say. `title` is a short
    name: the question, the bold lead, or the heading. `level`, `difficulty`, `topic`, `company` and `tags` are what
    the text states about this item, else about its document. `leftover` marks text that no shape claimed.
    """

    id: str
    kind: Kind
    title: str
    span: Span
    heading: tuple[str, ...] = ()
    question: str | None = None
    question_span: Span | None = None
    answer: Span | None = None
    talking_points: tuple[Span, ...] = ()
    level: str | None = None
    difficulty: str | None = None
    topic: str | None = None
    company: str | None = None
    tags: tuple[str, ...] = ()
    leftover: bool = False

    @property
    def has_answer(self) -> bool:
        """Whether the document says anything in reply to the question."""
        return self.answer is not None or bool(self.talking_points)


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is indexed: one item, or a piece of a long one.

    `text` is the canonical text of `span`. `context` stands before it in what is embedded and matched (document
    title, headings, question) and is never cited. `questions` are the forms in which the item's question can be
    asked (whole, and sentence by sentence), for the question arm; empty for chunks that answer no stated question.
    """

    id: str
    item_id: str
    ordinal: int
    kind: Kind
    span: Span
    text: str
    context: str
    heading: tuple[str, ...] = ()
    question: str | None = None
    questions: tuple[str, ...] = ()
    level: str | None = None
    difficulty: str | None = None
    topic: str | None = None
    company: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One stretch of lines of the parser's account: what became of them. Inclusive, 1-based."""

    line_start: int
    line_end: int
    role: Role
    item_id: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed version of one source file.

    `id` is made from `collection` and `path` (relative to the ingested root, `/` between parts). `version` is
    `sha256:` and the hash of the file's bytes. `text` is the canonical text all spans refer to. `account` covers
    every non-blank line of `text`. `pages`: the 1-based lines at which pages begin; empty where the format has none.
    """

    id: str
    collection: str
    path: str
    version: str
    title: str
    text: str
    meta: Meta = field(default_factory=Meta)
    items: tuple[Item, ...] = ()
    chunks: tuple[Chunk, ...] = ()
    account: tuple[AccountLine, ...] = ()
    pages: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk of a live version as the catalog gives it back, with what a citation needs to know about its document."""

    id: str
    item_id: str
    version_key: int
    ordinal: int
    kind: Kind
    text: str
    context: str
    span: Span
    heading: tuple[str, ...]
    question: str | None
    questions: tuple[str, ...]
    answer: Span | None
    talking_points: tuple[Span, ...]
    document_id: str
    document: str
    collection: str
    version: str
    title: str
    meta: Meta
