"""What is on, what is off and why, and what to do about it."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from api.settings import Settings, table
from ingest.errors import CuecardError

if TYPE_CHECKING:
    from api.compose import Parts
    from api.library import Body

NEEDED = ("catalog", "embedding model", "index")
"""What questions can't be answered without."""

LATER = {
    "rerank_model": "reranker",
    "verifier": "verifier model",
    "redis_url": "shared cache",
    "llm": "language model",
    "slack_bot_token": "Slack",
}


def examine(settings: Settings, parts: Parts | None) -> Body:
    """Every part with its state: `on`, `off`, `degraded` or `failed`. `parts` is None where there is no home yet.

    `ready`: questions can be answered. `ok`: nothing failed. Never raises for what it finds.
    """
    checks = [_check("home", "on", f"{settings.home}")]
    if parts is None:
        checks = [_check("home", "off", f"{settings.home} is not there yet.", "Make it with `cuecard ingest PATH`.")]
    else:
        checks += [_catalog(parts), _model(parts), _index(parts), _quarantine(parts)]
    checks.append(_check("checker", "on", "deterministic checks of every claim."))
    checks += [_later(settings, key, name) for key, name in LATER.items()]
    failed = {check["name"] for check in checks if check["state"] == "failed"}
    return {
        "version": metadata.version("cuecard"),
        "ok": not failed,
        "ready": parts is not None and not failed & set(NEEDED),
        "checks": checks,
        "settings": _settings(settings),
    }


def _check(name: str, state: str, detail: str, hint: str = "") -> Body:
    return {"name": name, "state": state, "detail": detail, "hint": hint}


def _failed(name: str, error: CuecardError) -> Body:
    return _check(name, "failed", error.message, error.hint)


def _catalog(parts: Parts) -> Body:
    try:
        stats = parts.catalog.stats()
    except CuecardError as error:
        return _failed("catalog", error)
    where = "a database server" if parts.settings.database_url else "the home"
    hint = "" if stats["documents"] else "Add documents with `cuecard ingest PATH`."
    return _check("catalog", "on", f"{stats['documents']} documents, {stats['chunks']} chunks, in {where}.", hint)


def _model(parts: Parts) -> Body:
    name = parts.settings.embed_model or "all-MiniLM-L6-v2"
    try:
        embedder = parts.retrieval.embedder
    except CuecardError as error:
        return _failed("embedding model", error)
    return _check("embedding model", "on", f"{name}, {embedder.dim} dimensions, by ONNX Runtime.")


def _index(parts: Parts) -> Body:
    where = "in a Qdrant server" if parts.settings.qdrant_url else "embedded in the home"
    try:
        points = parts.retrieval.index.count()
        served = len(parts.catalog.live_versions())
    except CuecardError as error:
        return _failed("index", error)
    if not points and served:
        hint = "Run `cuecard ingest` on any of your documents: it builds the index anew from the catalog."
        return _check("index", "failed", f"empty, although {served} documents are served.", hint)
    return _check("index", "on", f"{points} points, {where}.")


def _quarantine(parts: Parts) -> Body:
    try:
        count = len(parts.catalog.quarantine())
    except CuecardError as error:
        return _failed("quarantine", error)
    if not count:
        return _check("quarantine", "on", "empty.")
    return _check("quarantine", "on", f"{count} could not be read.", "See `cuecard quarantine list`.")


def _later(settings: Settings, key: str, name: str) -> Body:
    variable = next(row.variable for row in table() if row.key == key)
    if getattr(settings, key) is None:
        return _check(name, "off", "not part of this version.")
    return _check(name, "off", f"not part of this version: {variable} is set, and has no effect.", f"Unset {variable}.")


def _settings(settings: Settings) -> list[Body]:
    shown = []
    for row in table():
        value = getattr(settings, row.key)
        text = "(hidden)" if row.secret and value is not None else str(value or row.default)
        shown.append({"name": row.variable, "set": value is not None, "value": text, "meaning": row.meaning})
    return shown
