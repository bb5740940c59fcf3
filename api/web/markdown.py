"""An answer's Markdown as safe HTML, its markers as links and its claims as spans.

Answers hold text of documents, which nobody vouches for: HTML in them stays text, links lead to web sites only, images
are not loaded, and what comes out is sanitised once more.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from api.library import Body

Env = MutableMapping[str, Any]
"""What the rules of one rendering share: the text, where its lines begin, its claims, and the links of its markers."""

_MARKER = re.compile(r"\[(\d{1,4})\]")
_WEB = ("https://", "http://", "mailto:")
_TAGS = frozenset(
    [
        "a",
        "p",
        "br",
        "hr",
        "em",
        "strong",
        "s",
        "code",
        "pre",
        "span",
        "ul",
        "ol",
        "li",
        "blockquote",
        "h3",
        "h4",
        "h5",
        "h6",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "div",
    ]
)
_ATTRIBUTES = {
    "a": {"href", "class", "data-source", "aria-label"},
    "span": {"class", "data-claim", "data-verdict"},
    "pre": {"class", "tabindex"},
    "div": {"class", "tabindex"},
    "ol": {"start"},
}


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text as it is shown, and where each of its characters stands in the answer; -1 where that isn't known."""

    text: str
    places: Sequence[int]


class _Claims:
    """Which claim a place of the answer belongs to."""

    def __init__(self, claims: Sequence[Body]) -> None:
        self._spans = sorted((c["start"], c["end"], i) for i, c in enumerate(claims) if c["verdict"] != "not_a_claim")
        self._starts = [start for start, _, _ in self._spans]

    def at(self, place: int) -> int | None:
        """The number of the claim at an offset of the answer."""
        index = bisect_right(self._starts, place) - 1
        if index < 0 or place >= self._spans[index][1]:
            return None
        return self._spans[index][2]


def answer_html(answer: Body, link: Callable[[Body], str]) -> str:
    """The answer's text as HTML. `link` gives the address at which a source is shown."""
    links = {source["marker"]: (link(source), _name(source)) for source in answer["sources"]}
    return _rendered(answer["answer"], answer["claims"], links)


def safe_html(text: str) -> str:
    """Markdown of a document as HTML, without markers and claims."""
    return _rendered(text, (), {})


def plain_text(text: str) -> str:
    """Markdown of a document as one line of words."""
    pieces = [_words(token) if token.type == "inline" else token.content for token in _parser().parse(text)]
    return " ".join(" ".join(pieces).split())


def _words(token: Token) -> str:
    return "".join(" " if child.type in ("softbreak", "hardbreak") else child.content for child in token.children or [])


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)
    # joined text could not be found again in its source, where an entity or an escaped character is written otherwise
    parser.enable(["table", "strikethrough"]).disable(["reference", "image", "text_join"])
    parser.validateLink = lambda url: url.lower().startswith(_WEB)  # type: ignore[method-assign]
    return parser


def _rendered(text: str, claims: Sequence[Body], links: Mapping[int, tuple[str, str]]) -> str:
    env = {
        "text": text,
        "lines": _line_starts(text),
        "claims": _Claims(claims),
        "verdicts": [claim["verdict"] for claim in claims],
        "links": links,
    }
    return nh3.clean(
        _parser().render(text, env),
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https", "mailto"},
    )


class _Renderer(RendererHTML):
    """Headings below those of the page; claims, markers, and boxes that can be scrolled from the keyboard."""

    def __init__(self, parser: Any = None) -> None:
        super().__init__(parser)
        own: dict[str, Callable[[Token, Env], str]] = {
            "text": _text,
            "text_special": _text,
            "code_inline": _code,
            "fence": _code_block,
            "code_block": _code_block,
            "table_open": lambda token, env: '<div class="wide" tabindex="0"><table>\n',  # noqa: ARG005
            "table_close": lambda token, env: "</table></div>\n",  # noqa: ARG005
        }
        self.rules.update({name: _rule(shown) for name, shown in own.items()})

    def render(self, tokens: Sequence[Token], options: OptionsDict, env: Env) -> str:
        for token in tokens:
            if token.type in ("heading_open", "heading_close"):
                token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
            elif token.type == "inline" and token.map is not None:
                _place(token, env)
        return super().render(tokens, options, env)


def _rule(shown: Callable[[Token, Env], str]) -> Any:
    return lambda tokens, index, _options, env: shown(tokens[index], env)


def _text(token: Token, env: Env) -> str:
    piece = token.meta.get("piece")
    return _marked(piece, env, cited=not token.meta["linked"]) if piece else escape(token.content)


def _code(token: Token, env: Env) -> str:
    return _in_claim(f"<code>{escape(token.content)}</code>", env["claims"].at(token.meta.get("at", -1)), env)


def _code_block(token: Token, _: Env) -> str:
    return f'<pre tabindex="0"><code>{escape(token.content)}</code></pre>\n'


def _place(token: Token, env: Env) -> None:
    """Say of each piece of an inline token where it stands in the answer, and make neighbouring text one piece.

    The parser does not tell; what it shows stands in the source in the same order, though, nearly always verbatim.
    """
    first, last = token.map or (0, 0)
    text, lines = env["text"], env["lines"]
    at, end = lines[first], lines[last] if last < len(lines) else len(text)
    run: Token | None = None
    links = 0
    for child in token.children or []:
        links += {"link_open": 1, "link_close": -1}.get(child.type, 0)
        if child.type not in ("text", "text_special"):
            run = None
            if child.type == "code_inline":
                found = text.find(child.content, at, end)
                child.meta["at"] = found
                at = found + len(child.content) if found >= 0 else at
            continue
        written = child.markup if child.type == "text_special" else child.content
        found = text.find(written, at, end)
        places = list(range(found, found + len(child.content))) if found >= 0 else [-1] * len(child.content)
        at = found + len(written) if found >= 0 else at
        if run is None:
            run = child
            run.meta |= {"piece": _Piece(child.content, places), "linked": links > 0}
        else:
            joined: _Piece = run.meta["piece"]
            run.meta["piece"] = _Piece(joined.text + child.content, [*joined.places, *places])
            child.meta |= {"piece": None, "linked": links > 0}
            child.content = ""


def _marked(piece: _Piece, env: Env, *, cited: bool) -> str:
    out = []
    for claim, start, end in _stretches(piece, env["claims"]):
        out.append(
            _in_claim(_with_markers(piece.text[start:end], env) if cited else escape(piece.text[start:end]), claim, env)
        )
    return "".join(out)


def _stretches(piece: _Piece, claims: _Claims) -> Iterator[tuple[int | None, int, int]]:
    """The piece cut where a claim begins or ends; never within a marker."""
    markers = [found.span() for found in _MARKER.finditer(piece.text)]
    start, current = 0, claims.at(piece.places[0]) if piece.places else None
    for index, place in enumerate(piece.places):
        claim = claims.at(place) if place >= 0 else current
        if claim != current and not any(a < index < b for a, b in markers):
            yield current, start, index
            start, current = index, claim
    if start < len(piece.text):
        yield current, start, len(piece.text)


def _with_markers(text: str, env: Env) -> str:
    out, at = [], 0
    for found in _MARKER.finditer(text):
        known = env["links"].get(int(found[1]))
        if known is not None:
            address, name = known
            out.append(escape(text[at : found.start()]))
            out.append(
                f'<a class="cite" href="{escape(address)}" data-source="{int(found[1])}" '
                f'aria-label="Source {int(found[1])}: {escape(name)}">{found[0]}</a>'
            )
            at = found.end()
    return "".join([*out, escape(text[at:])])


def _in_claim(html: str, claim: int | None, env: Env) -> str:
    if claim is None or not html:
        return html
    return f'<span class="claim" data-claim="{claim + 1}" data-verdict="{env["verdicts"][claim]}">{html}</span>'


def _line_starts(text: str) -> list[int]:
    return [0, *(found.end() for found in re.finditer("\n", text))]


def _name(source: Body) -> str:
    lines = f"lines {source['line_start']} to {source['line_end']}"
    where = f"line {source['line_start']}" if source["line_start"] == source["line_end"] else lines
    return f"{source['document']}, {where}"
