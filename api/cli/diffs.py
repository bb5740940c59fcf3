"""What changed between two versions of a document, as a person likes to read it."""

from __future__ import annotations

from typing import Any

import click

Body = dict[str, Any]

MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow"), "moved": ("→", "cyan")}


def render_diff(diff: Body) -> str:
    """Both versions, how many items changed in which way, then each of them with its lines."""
    parts = [
        "\n".join(
            [
                click.style(diff["path"], bold=True),
                _version("from", diff["old"]),
                _version("to", diff["new"]),
                f"  {describe_counts(diff['changes'])}",
            ]
        )
    ]
    if diff["meta"]:
        parts.append("\n".join(_field(change) for change in diff["meta"]))
    parts += [_item(item) for item in diff["items"]]
    if not diff["items"] and diff["text_differs"]:
        parts.append("No item differs; the texts do, in their headings or other structure.")
    return "\n\n".join(parts)


def describe_counts(changes: Body) -> str:
    """`2 added, 1 changed`."""
    return ", ".join(f"{count} {kind}" for kind, count in changes.items() if count) or "no item differs"


def short(text: str, columns: int) -> str:
    """`text`, cut where it is longer."""
    return text if len(text) <= columns else f"{text[: columns - 2].rstrip()} …"


def _version(name: str, version: Body) -> str:
    served = f"served since {version['live_at']}"
    if version["retired_at"]:
        served = f"served from {version['live_at']} to {version['retired_at']}"
    return f"  {name:<5} {version['version'].removeprefix('sha256:')[:12]}  {served}"


def _field(change: Body) -> str:
    old, new = (_value(change[name]) for name in ("old", "new"))
    return f"{click.style(change['field'], bold=True)}: {old} → {new}"


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value) or "none"
    return "none" if value is None else str(value)


def _item(item: Body) -> str:
    mark, color = MARKS[item["change"]]
    places = [str(line) for line in (item["old_line"], item["new_line"]) if line is not None]
    where = click.style(f"line {' → '.join(dict.fromkeys(places))}", dim=True)
    head = click.style(f"{mark} {item['title']}", fg=color, bold=True)
    return "\n".join([f"{head}  {where}", *(_line(line) for line in item["diff"].split("\n") if line)])


def _line(line: str) -> str:
    color = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
    return click.style(line, fg=color) if color else line
