"""Makes the previews in docs, as blocks and in HTML: `python -m tests.chat.previews [--screenshot]`."""

from __future__ import annotations

import html
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from answering.answers import Claim, Conflict, Related, Source
from api.chat.compose import Look, answer_message, gap_message
from api.chat.messages import Asked
from api.slack.blocks import render
from tests.api.fake_library import SOURCE, answer_to

DOCS = Path(__file__).parents[2] / "docs"
LOOK = Look("answer", public_url="https://cards.example", owners=True)
ASKED = Asked("U0ANNA", "How many database connections per worker?", "C0ROOM")

_TEXT = """Size the pool by what the database can do, not by the number of users: [1]

- **Start** with `cores * 2 + spindles`, and measure.
- Keep `max_overflow` small: a queue is cheaper than a hundred idle connections. [2]

| setting | value |
|---|---|
| pool_size | 5 |
| pool_timeout | 3 s |"""
_QUOTE = "Size the pool by what the database can do, not by the number of users: cores * 2 + spindles."


def _source(marker: int, document: str, title: str, quote: str, **changes: Any) -> Source:
    return replace(SOURCE, marker=marker, document=document, title=title, heading=(), quote=quote, **changes)


NEW = _source(1, "notes/connection-pool-sizing-2025.md", "Connection pools", _QUOTE, effective_date="2025-03-01")
OLD = _source(
    2, "notes/connection-pool-sizing-2023.md", "Connection pools", "Use 20 connections.", line_start=9, line_end=9
)
QUESTION = "How do you size a connection pool?"
RELATED = (
    Related("What is a connection leak?", "qa/databases.md", "i1"),
    Related("PgBouncer or not?", "qa/sql.md", "i2"),
)


def payloads() -> dict[str, list[dict[str, Any]]]:
    """The main messages by name."""
    full = answer_to(QUESTION, answer=_TEXT, sources=(NEW, OLD), related=RELATED)
    claim = Claim("Use 20 connections.", 0, 19, "unsupported", 0.2)
    doubtful = answer_to(
        QUESTION,
        answer="Use 20 connections. [1]",
        sources=(replace(OLD, marker=1),),
        claims=(claim,),
        related=(),
        confidence=0.31,
        low_confidence=True,
        reasons=("unsupported_claim", "stale_source"),
    )
    disagreeing = answer_to(
        QUESTION,
        answer="Start with cores * 2 + spindles. [1]",
        sources=(NEW, OLD),
        related=(),
        conflicts=(Conflict((1, 2), "“cores * 2 + spindles” against “20 connections”"),),
        confidence=0.55,
        low_confidence=True,
        reasons=("conflicting_sources",),
    )
    missing = answer_to(
        "How do I tune the JVM garbage collector?",
        kind="abstained",
        answer="Your library does not cover this: no document mentions “JVM”.",
        sources=(),
        claims=(),
        related=RELATED,
        confidence=0.0,
        low_confidence=True,
        reasons=("no_sources",),
    )
    private = replace(LOOK, private=True, shareable=True)
    return {
        "An answer in a channel": render(answer_message(full, replace(LOOK, up=2, down=1))),
        "An answer to /ask, seen by one person": render(answer_message(full, private)),
        "Low confidence": render(answer_message(doubtful, LOOK)),
        "Sources disagree": render(answer_message(disagreeing, LOOK)),
        "Not in the library": render(answer_message(missing, LOOK)),
        "What the owners are told": render(gap_message(missing, ASKED)),
    }


def page(messages: dict[str, list[dict[str, Any]]]) -> str:
    """An approximation of how Slack shows them."""
    parts = []
    for name, said in messages.items():
        blocks = "".join(_block(block) for payload in said for block in payload["blocks"])
        parts.append(f"<h2>{html.escape(name)}</h2><article><b>cuecard</b> <i>APP</i>{blocks}</article>")
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>Slack previews</title>{_STYLE}"
    return f"{head}{''.join(parts)}</html>\n"


_STYLE = """<style>
body { font: 15px/1.46 "Lato", "Noto Sans", sans-serif; color: #1d1c1d; max-width: 44em; margin: 2em auto; }
h2 { font-size: 1em; color: #616061; margin: 2em 0 .5em }
article { border: 1px solid #ddd; border-radius: 8px; padding: .8em 1em }
article i { font: 10px sans-serif; background: #eee; padding: 1px 3px; border-radius: 2px }
p { margin: .5em 0;
  white-space: pre-wrap }
pre { background: #f8f8f8; border: 1px solid #ddd; border-radius: 4px; padding: .5em; font-size: 12px }
code { background: #f8f8f8; border: 1px solid #ddd; border-radius: 3px;
  color: #c01343; font-size: 12px; padding: 0 3px }
.quote { border-left: 4px solid #ddd; padding-left: .7em; display: block }
small { color: #616061; display: block; margin: .4em 0 }
button { border: 1px solid #bbb; background: #fff; border-radius: 4px; padding: .3em .8em; margin: 0 .4em .4em 0;
  font-weight: 700 }
button.primary { background: #007a5a; color: #fff }
a { color: #1264a3 }
</style>"""


def _block(block: dict[str, Any]) -> str:
    if block["type"] == "section":
        return f"<p>{_mrkdwn(block['text']['text'])}</p>"
    if block["type"] == "context":
        return "".join(f"<small>{_mrkdwn(element['text'])}</small>" for element in block["elements"])
    buttons = [
        f'<button class="{element.get("style", "")}">{_thumbs(element["text"]["text"])}</button>'
        for element in block["elements"]
    ]
    return f"<div>{''.join(buttons)}</div>"


def _thumbs(label: str) -> str:
    """Not every machine that makes the picture has a font with thumbs."""
    return html.escape(label).replace("👍", "▲").replace("👎", "▼")


def _mrkdwn(text: str) -> str:
    """Slack's text is escaped as HTML wants it; only its own marks are left."""
    kept: list[str] = []

    def keep(markup: str) -> str:
        kept.append(markup)
        return f"\0{len(kept) - 1}\0"

    text = re.sub(r"```\n?(.*?)\n?```", lambda m: keep(f"<pre>{m[1]}</pre>"), text, flags=re.DOTALL)
    text = re.sub(r"`([^`\n]+)`", lambda m: keep(f"<code>{m[1]}</code>"), text)
    text = re.sub(r"<(https?://[^|>]+)\|([^>]*)>", lambda m: keep(f'<a href="{m[1]}">{m[2]}</a>'), text)
    text = re.sub(r"<([@#])(\w+)>", lambda m: keep(f"<a>{m[1]}{m[2]}</a>"), text)
    text = re.sub(
        r"^> (.*)\n?", lambda m: keep('<span class="quote">') + m[1] + keep("</span>"), text, flags=re.MULTILINE
    )
    text = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"<b>\1</b>", text).replace(":warning:", "⚠️")
    return re.sub(r"\0(\d+)\0", lambda m: kept[int(m[1])], text)


def main(arguments: list[str]) -> None:
    """Write blocks and page, and with `--screenshot` the picture, which needs Chromium."""
    messages = payloads()
    blocks = {name: [payload["blocks"] for payload in said] for name, said in messages.items()}
    (DOCS / "slack-blocks.json").write_text(json.dumps(blocks, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (DOCS / "slack-preview.html").write_text(page(messages), encoding="utf-8")
    if "--screenshot" in arguments:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path="/usr/bin/chromium")
            tab = browser.new_page(viewport={"width": 760, "height": 800})
            tab.goto((DOCS / "slack-preview.html").as_uri())
            tab.screenshot(path=DOCS / "slack-preview.png", full_page=True)
            browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
