"""The parser's one door: canonical text → document with items, chunks and the account of every line."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from ingest.blocks import UNMARKED, SourceText, most_blocks
from ingest.errors import DocumentError
from ingest.items import AccountLine, Document, Item, Meta, Role, Span
from ingest.parse.chunks import breaks_of, make_chunks
from ingest.parse.drafts import Draft, Reply, Stretch
from ingest.parse.facets import Facets, section_facets
from ingest.parse.guide import find_parts, is_guide
from ingest.parse.halves import join
from ingest.parse.notes import find_notes
from ingest.parse.outline import Outline, heading_text, make_outline
from ingest.parse.questions import find_questions
from ingest.parse.wording import pictured
from ingest.text import Text, fold, plain

PARSER_VERSION = "3"  # raised when the same text would give other items: documents are then parsed anew


def document_id(collection: str, path: str) -> str:
    """The id of a document: stable for a collection and a path."""
    return hashlib.sha256(f"{collection}\0{path}".encode()).hexdigest()[:16]


def parse_document(*, collection: str, path: str, version: str, source: SourceText) -> Document:
    """Parses what a reader gave. Its blocks are used up: headings are promoted in place.

    Every non-blank line ends up in an item or in structure; the account says which. Raises DocumentError where there is
    too much of it for one document.
    """
    text, meta, body = Text(source.text, source.pages), source.meta, source.body_line - 1
    outline = make_outline(text, source.blocks)
    _refuse_more(len(outline.places), "headings, paragraphs, list entries, and the like", text, path)
    drafts = _drafts(text, outline, meta)
    _refuse_more(len(drafts), "items", text, path)
    title = meta.title or _title(outline, path)
    items = _items(text, document_id(collection, path), drafts, meta)
    breaks = breaks_of([place.node for place in outline.places])
    return Document(
        id=document_id(collection, path),
        collection=collection,
        path=path,
        version=version,
        title=title,
        text=source.text,
        meta=meta,
        items=tuple(items),
        chunks=tuple(chunk for item in items for chunk in make_chunks(text, title, item, breaks)),
        pages=source.pages,
        account=tuple(_account(text, drafts, items, body)),
    )


def _refuse_more(count: int, what: str, source: Text, path: str) -> None:
    most = most_blocks(len(source.text))
    if count > most:
        raise DocumentError(path, f"more than {most:,} {what}", hint="Split it into several files.")


def _drafts(source: Text, outline: Outline, meta: Meta) -> list[Draft]:
    guide = is_guide(source, outline, meta.audience)
    questions = find_questions(source, outline, guide=guide, columns=meta.columns)
    drafts = list(questions.drafts)
    orphans = join(source, drafts, questions.replies)
    drafts += [_orphan(source, reply) for reply in orphans]
    if guide:
        drafts += find_parts(source, outline)
    claimed = {line for draft in drafts for line in _lines(source, draft)}
    notes = find_notes(source, outline, claimed, guide=guide)
    structure = questions.structure | notes.structure
    drafts += notes.drafts
    drafts += _missed(source, outline, {line for draft in drafts for line in _lines(source, draft)} | structure)
    for draft in drafts:
        if draft.kind == "qa" and not draft.question and not draft.apart:
            # a heading of marks alone asks nothing
            draft.kind, draft.question, draft.asked, draft.answer, draft.points = "note", None, None, None, []
    # marks without a word ("- 1.") make no item
    return sorted(
        (d for d in drafts if d.apart or source.text[d.start : d.end].strip()), key=lambda d: (d.start, d.end)
    )


def _orphan(source: Text, reply: Reply) -> Draft:
    stretches = [s for s in [reply.answer, *reply.points, *reply.asides] if s is not None]
    start, end = min(s.start for s in stretches), max(s.end for s in stretches)
    title = reply.path[-1] if reply.path else source.lines[source.line_of(start)][:80]
    draft = Draft("note", title, reply.path, start)
    draft.end = end
    return draft


def _missed(source: Text, outline: Outline, known: set[int]) -> list[Draft]:
    """Content that stands inside a claimed node but in none of the claims, so that nothing is lost."""
    out: list[Draft] = []
    for place in outline.places:
        node = place.node
        if node.kind in ("heading", "close", "rule", "empty"):
            continue
        lines = [i for i in range(node.first, node.last) if i not in known and not source.blank(i)]
        runs: list[list[int]] = []
        for line in lines:
            if runs and line == runs[-1][-1] + 1:
                runs[-1].append(line)
            else:
                runs.append([line])
        for run in runs:
            if not any(c.isalnum() for i in run for c in plain(source.lines[i]) or pictured(source.lines[i])):
                continue
            draft = Draft("note", place.path[-1] if place.path else "", place.path, source.content_start(run[0]))
            draft.end, draft.leftover = source.end_of(run[-1]), True
            draft.title = draft.title or source.lines[run[0]].strip()[:80]
            out.append(draft)
    return out


def _stretches(draft: Draft) -> list[Stretch]:
    if not draft.apart:
        return [Stretch(draft.start, max(draft.end, draft.start + 1))]
    asked = draft.asked or Stretch(draft.start, draft.start + 1)
    answer = [draft.answer] if draft.answer else []
    return [Stretch(draft.start, asked.end), *answer, *draft.points, *draft.asides]


def _lines(source: Text, draft: Draft) -> set[int]:
    out: set[int] = set()
    for stretch in _stretches(draft):
        out.update(range(source.line_of(stretch.start), source.line_of(max(stretch.start, stretch.end - 1)) + 1))
    return out


def _title(outline: Outline, path: str) -> str:
    """The first heading, if it stands over all others; else the file's name in words."""
    stem = PurePosixPath(path).stem
    named = stem.replace("-", " ").replace("_", " ").strip() or path
    headings = [outline.places[i].node for i in outline.headings()]
    if not headings or not heading_text(headings[0]):
        return named
    first = headings[0]
    above_all = all(node.level > first.level for node in headings[1:])
    if (
        (above_all and first.level != UNMARKED)
        or (first.level == UNMARKED and _opens(outline))
        or stem.lower() in _NAMELESS
    ):
        return heading_text(first)
    return named


_NAMELESS = ("readme", "index", "main", "notes", "document")


def _opens(outline: Outline) -> bool:
    """Whether an unmarked heading at the top stands over another heading, as a title does."""
    nodes = [p.node for p in outline.places if p.node.kind not in ("empty", "rule", "close")]
    return len(nodes) > 1 and nodes[0].kind == "heading" and nodes[1].kind == "heading"


def _items(source: Text, document: str, drafts: Sequence[Draft], meta: Meta) -> list[Item]:
    keys = [fold(draft.question or f"{draft.title}\n{_first_line(source, draft)}") for draft in drafts]
    counts = Counter(keys)
    seen: Counter[str] = Counter()
    items = []
    for draft, key in zip(drafts, keys, strict=True):
        span, facets = _span(source, draft), _facets(draft, meta)
        identity = key
        if counts[key] > 1 or not key:
            identity = f"{key}\0{fold(source.slice(span))}"
        seen[identity] += 1
        if seen[identity] > 1:
            identity += f"\0{seen[identity]}"
        items.append(
            Item(
                id=hashlib.sha256(f"{document}\0{identity}".encode()).hexdigest()[:16],
                kind=draft.kind,
                title=draft.title,
                span=span,
                heading=draft.path,
                question=draft.question,
                question_span=_to_span(source, draft.asked),
                answer=_to_span(source, draft.answer),
                talking_points=tuple(s for p in draft.points if (s := _to_span(source, p)) is not None),
                level=facets.level,
                difficulty=facets.difficulty,
                topic=facets.topic,
                company=facets.company,
                tags=facets.tags,
                leftover=draft.leftover,
            )
        )
    return items


def _facets(draft: Draft, meta: Meta) -> Facets:
    """What is stated about an item: by itself, else by the headings above it, nearest first, else by its document."""
    facets = draft.facets
    for title in reversed(draft.path):
        facets = facets.over(section_facets(title))
    return facets.over(Facets(level=meta.level, topic=meta.topic, company=meta.company, tags=meta.tags))


def _first_line(source: Text, draft: Draft) -> str:
    return source.text[draft.start : draft.end].split("\n", 1)[0]


def _to_span(source: Text, stretch: Stretch | None) -> Span | None:
    span = source.span(stretch.start, stretch.end) if stretch is not None else None
    # marks of emphasis alone may be taken for words
    return span if span is not None and span.start < span.end else None


def _span(source: Text, draft: Draft) -> Span:
    parts = [s for s in [draft.answer, *draft.points] if s is not None]
    if draft.apart and parts:
        return source.span(parts[0].start, max(p.end for p in parts if p.start >= parts[0].start))
    return source.span(draft.start, draft.end)


def _account(source: Text, drafts: Sequence[Draft], items: Sequence[Item], body: int) -> list[AccountLine]:
    owner: dict[int, tuple[Role, str | None]] = {}
    for draft, item in zip(drafts, items, strict=True):
        role: Role = "leftover" if item.leftover else "item"
        for line in _lines(source, draft):
            # a question inside a part of a guide is the finer answer to where a line went
            if line not in owner or draft.kind == "qa":
                owner[line] = (role, item.id)
    out: list[AccountLine] = []
    for line in range(len(source)):
        if source.blank(line):
            continue
        role, item_id = owner.get(line, ("structure", None)) if line >= body else ("structure", None)
        if out and out[-1].role == role and out[-1].item_id == item_id:
            out[-1] = AccountLine(out[-1].line_start, line + 1, role, item_id)
        else:
            out.append(AccountLine(line + 1, line + 1, role, item_id))
    return out
