"""From an answer to what the bot says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from api.chat.events import DIFFERENTLY, MORE, RATE_DOWN, RATE_UP, RELATED, SHARE, TELL
from api.chat.messages import Asked, Button, Buttons, Cited, Message, Notice, Part, Prose, Small, Sources
from api.library import Body
from api.wording import KINDS, REASONS

SHORT = 1_500
"""Characters of an answer that are said at once; the rest is behind "Show more"."""

_FENCES = ("```", "~~~")
QUOTED_LINE = 160
MAX_RELATED = 3
MAX_DETAIL, MAX_SIDES, MAX_PATH = 600, 4, 150
WORST = ("contradicted", "unsupported", "partial")
"""Verdicts that a reader must see, the worst first."""


@dataclass(frozen=True, slots=True)
class Look:
    """What of an answer's message can change, and what can be offered with it. `ref` is what its buttons name."""

    ref: str
    public_url: str = ""
    owners: bool = False
    private: bool = False
    shareable: bool = False
    up: int = 0
    down: int = 0
    more_shown: bool = False
    shared: bool = False
    told: bool = False
    asked: Asked | None = None


def answer_message(body: Body, look: Look) -> Message:
    """An answer with everything that belongs to it; of a long text its beginning."""
    parts: list[Part] = [] if look.asked is None else [look.asked]
    if body.get("effective_question"):
        parts.append(Small(f"Read as: {cut(body['effective_question'], MAX_DETAIL)}"))
    parts += _warnings(body)
    short = shorten(body["answer"])
    parts.append(Prose(short))
    if len(short) < len(body["answer"].strip()) and not look.more_shown:
        parts.append(Small("This is the beginning; “Show more” gives the rest."))
    parts += _disagreements(body, look)
    if body["sources"]:
        parts.append(Sources(tuple(_cited(source, look) for source in body["sources"])))
    parts += _buttons(body, look)
    parts.append(Small(_footer(body, look)))
    return Message(tuple(parts))


def details_message(body: Body, look: Look) -> Message:
    """All of an answer: its whole text, what was found of each claim, and the passages it rests on."""
    parts: list[Part] = []
    if len(shorten(body["answer"])) < len(body["answer"].strip()):
        parts.append(Prose(body["answer"].strip()))
    checked = [claim for claim in body["claims"] if claim["verdict"] in WORST]
    if checked:
        lines = [f"- {claim['verdict']}: {_flat(claim['text'])}" for claim in checked]
        parts.append(Prose("\n".join(["**What the check found**", "", *lines])))
    for source in body["sources"]:
        cited = _cited(source, look)
        parts += [Sources((cited,), head=""), Prose(source["quote"].strip())]
    return Message(tuple(parts))


def has_details(body: Body) -> bool:
    """Whether "Show more" would show anything."""
    return bool(body["sources"]) or len(shorten(body["answer"])) < len(body["answer"].strip())


def gap_message(body: Body, asked: Asked) -> Message:
    """What the owners of the library are told about a question it does not answer."""
    why = "; ".join(REASONS.get(reason, reason) for reason in body["reasons"])
    return Message((Notice("A question without an answer", why), asked, Prose(body["answer"])))


def shorten(text: str) -> str:
    """The beginning of a Markdown text: whole paragraphs while they fit, at least the first one as far as it does."""
    text = text.strip()
    if len(text) <= SHORT:
        return text
    first, *others = _paragraphs(text)
    if len(first) > SHORT:
        return _lines(first).strip()
    kept = first
    for paragraph in others:
        if len(kept) + len(paragraph) > SHORT:
            break
        kept += paragraph
    return kept.strip()


def _lines(paragraph: str) -> str:
    """The first lines of a paragraph, or of a fence of code, which is closed again."""
    opening = paragraph.lstrip()[:3]
    kept = ""
    for line in paragraph.splitlines(keepends=True):
        if kept and len(kept) + len(line) > SHORT:
            break
        kept += line
    kept = kept if len(kept) <= SHORT else kept[:SHORT].rpartition(" ")[0] or kept[:SHORT]
    return f"{kept.rstrip()}\n{opening}" if opening in _FENCES else kept


def cut(text: str, most: int) -> str:
    """`text` in one line of at most `most` characters."""
    flat = _flat(text)
    return flat if len(flat) <= most else f"{flat[: most - 1].rstrip()}…"


def _paragraphs(text: str) -> list[str]:
    """Paragraphs with the blank lines after them; a fence of code is one, blank lines and all."""
    found: list[str] = []
    current, fence = "", ""
    for line in text.splitlines(keepends=True):
        mark = line.lstrip()[:3]
        if mark in _FENCES:
            fence = "" if fence == mark else fence or mark
        if not line.strip() and not fence and current:
            found.append(current + line)
            current = ""
        else:
            current += line
    return [*found, current] if current else found


def _flat(text: str) -> str:
    return " ".join(text.split())


def _warnings(body: Body) -> list[Part]:
    if not body["low_confidence"]:
        return []
    reasons = [REASONS.get(reason, reason) for reason in body["reasons"]] or ["confidence is under the threshold"]
    if body["kind"] == "abstained":
        return [Notice("Not in the library", "; ".join(reasons))]
    doubted = [
        f"{claim['verdict']}: “{cut(claim['text'], QUOTED_LINE)}”"
        for verdict in WORST
        for claim in body["claims"]
        if claim["verdict"] == verdict
    ]
    detail = "; ".join(reasons) + "".join(f"\n{line}" for line in doubted[:3])
    return [Notice(f"Low confidence ({body['confidence']:.2f})", detail)]


def _disagreements(body: Body, look: Look) -> list[Part]:
    by_marker = {source["marker"]: source for source in body["sources"]}
    parts: list[Part] = []
    for conflict in body["conflicts"]:
        sides = tuple(_cited(by_marker[marker], look) for marker in conflict["sources"] if marker in by_marker)
        parts += [Notice("Sources disagree", cut(conflict["detail"], MAX_DETAIL)), Sources(sides[:MAX_SIDES], head="")]
    return parts


def _cited(source: dict[str, Any], look: Look) -> Cited:
    first, last = source["line_start"], source["line_end"]
    lines = f"{first}" if first == last else f"{first}-{last}"
    page = f" (page {source['page']})" if source.get("page") else ""
    dated = f", {source['effective_date']}" if source.get("effective_date") else ""
    title = " › ".join([source["title"] or source["document"], *source["heading"][-1:]])
    return Cited(
        source["marker"],
        cut(f"{title}{dated}", QUOTED_LINE),
        f"{_tail(source['document'])}:{lines}{page}",
        cut(source["quote"], QUOTED_LINE),
        _viewer(source, look.public_url),
    )


def _tail(path: str) -> str:
    """The end of a path, which says most: only paths that nobody can read are longer."""
    return path if len(path) <= MAX_PATH else f"…{path[-MAX_PATH:]}"


def _viewer(source: dict[str, Any], public_url: str) -> str:
    """The passage in the web viewer."""
    if not public_url:
        return ""
    where = {name: source[name] for name in ("collection", "version", "start", "end")}
    return f"{public_url.rstrip('/')}/library/document?{urlencode({'path': source['document'], **where})}#cited"


def _buttons(body: Body, look: Look) -> list[Part]:
    answer_id = look.ref
    related = tuple(
        Button(RELATED, cut(each["question"], 75), f"{answer_id} {number}")
        for number, each in enumerate(body["related"][:MAX_RELATED])
    )
    row = [
        Button(RATE_UP, f"👍 {look.up}" if look.up else "👍", answer_id),
        Button(RATE_DOWN, f"👎 {look.down}" if look.down else "👎", answer_id),
    ]
    if has_details(body) and not look.more_shown:
        row.append(Button(MORE, "Show more", answer_id))
    row.append(Button(DIFFERENTLY, "Ask differently", answer_id))
    if look.shareable and not look.shared:
        row.append(Button(SHARE, "Share in channel", answer_id))
    if body["kind"] == "abstained" and look.owners and not look.told:
        row.append(Button(TELL, "Tell the owners", answer_id, primary=True))
    parts: list[Part] = [Buttons(related, head="Related questions in the library")] if related else []
    return [*parts, Buttons(tuple(row))]


def _footer(body: Body, look: Look) -> str:
    said = [KINDS.get(body["kind"], str(body["kind"])), f"confidence {body['confidence']:.2f}"]
    if look.private:
        said.append("only you see this")
    said += ["shared in the channel"] * look.shared + ["the owners have been told"] * look.told
    return " · ".join(said)
