"""What is on, what is off and why, and what to do about it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING

from api.doctor_service import service_checks
from api.settings import Settings, table
from ingest.errors import CuecardError

if TYPE_CHECKING:
    from api.compose import Parts
    from api.library import Body
    from ingest.catalog import Catalog
    from retrieval.mend import Diagnosis

NEEDED = ("catalog", "embedding model", "index")
"""What questions can't be answered without."""

RESTORE = "Nothing can be made of it: restore the home from a copy, or ingest your documents into a new one."

SAMPLE = 8
"""Chunks of which `doctor` sees whether the index finds them."""

LOW_DISK = 200 * 2**20
"""Bytes; the index is written to as long as 48 MB are free."""

LLM_SECONDS = 3.0
"""How long the language model's server may take to say anything."""


def examine(settings: Settings, parts: Parts | None) -> Body:
    """Every part with its state: `on`, `off`, `degraded` or `failed`. `parts` is None where there is no home yet.

    `ready`: questions can be answered. `ok`: nothing failed. `clean`: nothing is degraded either, so that there is
    nothing to repair. Never raises for what it finds.
    """
    checks = [_check("home", "on", f"{settings.home}")]
    if parts is None:
        checks = [_check("home", "off", f"{settings.home} is not there yet.", "Make it with `cuecard ingest PATH`.")]
    else:
        checks += [_catalog(parts), _model(parts), _reranker(parts), _index(parts), _quarantine(parts), _disk(parts)]
        checks.append(_keys(parts))
    checks.append(_checker(settings))
    checks += service_checks(settings)
    checks += [_slack(settings), _mattermost(settings)]
    checks.append(_language_model(settings, parts))
    failed = {check["name"] for check in checks if check["state"] == "failed"}
    return {
        "version": metadata.version("cuecard"),
        "ok": not failed,
        "clean": not failed and all(check["state"] != "degraded" for check in checks),
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
        damage = catalog_damage(parts.catalog)
    except CuecardError as error:
        return _failed("catalog", error)
    if damage:
        return _check("catalog", "failed", f"damaged: {damage}", RESTORE)
    where = "a database server" if parts.settings.database_url else "the home"
    hint = "" if stats["documents"] else "Add documents with `cuecard ingest PATH`."
    return _check("catalog", "on", f"{stats['documents']} documents, {stats['chunks']} chunks, in {where}.", hint)


def catalog_damage(catalog: Catalog) -> str:
    """What SQLite finds wrong with its file, "" where it is whole (or another database's business)."""
    if catalog.engine.dialect.name != "sqlite":
        return ""
    with catalog.transaction() as connection:
        said = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
    return "" if said == "ok" else " ".join(said.split())


def _model(parts: Parts) -> Body:
    name = parts.settings.embed_model or "all-MiniLM-L6-v2"
    try:
        embedder = parts.retrieval.embedder
    except CuecardError as error:
        return _failed("embedding model", error)
    return _check("embedding model", "on", f"{name}, {embedder.dim} dimensions, by ONNX Runtime.")


def _reranker(parts: Parts) -> Body:
    from retrieval.build import NO_RERANKER

    name = parts.settings.rerank_model
    try:
        reranker = parts.retrieval.reranker
        if name and reranker is not None:
            reranker.scores(reranker.read("Is it there?")[1], ["It is."])
    except CuecardError as error:
        return _failed("reranker", error)
    if name == NO_RERANKER:
        return _check("reranker", "off", "none, as CUECARD_RERANK_MODEL says.")
    if reranker is None:
        return _check("reranker", "off", "late interaction was fitted for another embedding model.")
    return _check("reranker", "on", f"the cross-encoder {name}." if name else "late interaction.")


def _checker(settings: Settings) -> Body:
    """Without its verifier, questions are answered all the same, and every answer that needed it says so."""
    from answering.ground.verifier import find_verifier

    try:
        find_verifier(settings.verifier or "").probabilities([("It is there.", "It is there.")])
    except CuecardError as error:
        return _check("checker", "degraded", f"{error.message} The named checks alone look at claims.", error.hint)
    which = f"the verifier {settings.verifier}" if settings.verifier else "the verifier that ships"
    return _check("checker", "on", f"named checks of every claim, and {which}.")


def _index(parts: Parts) -> Body:
    where = "in a Qdrant server" if parts.settings.qdrant_url else "embedded in the home"
    try:
        if parts.catalog.writing.locked():
            return _check(
                "index", "on", f"{parts.retrieval.index.count()} points, {where}; being written to right now."
            )
        found, lost = compare_index(parts)
    except CuecardError as error:
        return _failed("index", error)
    said = findings(found, lost)
    if said:
        unusable = bool(found.failure) or (found.points == 0 and found.chunks > 0)
        hint = "`cuecard doctor --repair` sets it right; the next `cuecard ingest` does most of it too."
        return _check("index", "failed" if unusable else "degraded", " ".join(said), hint)
    detail = f"{found.points} points, {where}."
    if found.upkeep.wants_tuning:
        hint = "`cuecard doctor --repair` arranges so many points for faster questions."
        return _check("index", "on", detail, hint)
    return _check("index", "on", detail)


def compare_index(parts: Parts) -> tuple[Diagnosis, list[str]]:
    """How the index compares with the catalog, and places of a sample that it doesn't find.

    Asked again with nothing written since, and as many points as then, it tells the same again: a server is asked
    every few seconds.
    """
    from retrieval.mend import diagnose, lost_in_sample

    sequence = parts.catalog.sequence()
    known = parts.compared
    if known is None or known[0] != sequence or not _is_as_it_was(parts, known[1]):
        found = diagnose(parts.catalog, parts.retrieval, thorough=True)
        lost = lost_in_sample(parts.catalog, parts.retrieval, SAMPLE) if found.sound else []
        known = parts.compared = (sequence, found, lost)
    return known[1:]


def _is_as_it_was(parts: Parts, found: Diagnosis) -> bool:
    try:
        return not found.failure and parts.retrieval.index.count() == found.points
    except CuecardError:
        return False


def findings(found: Diagnosis, lost: Sequence[str] = ()) -> list[str]:
    """What is wrong with the index, a sentence each; none where it is sound."""
    if found.failure:
        return [found.failure]
    if found.chunks and not found.points:
        return [f"It is empty, although {found.documents} documents are served."]
    said = [
        (found.stale, "of the documents served are in it as another model, other rules or another index had them."),
        (len(found.uneven), "of the documents served are not in it, or only in part."),
        (len(found.unknown), "versions are in it that the catalog doesn't know."),
        (len(found.unfinished), "versions were left unfinished by a run that was interrupted."),
    ]
    sample = f"Of {SAMPLE} chunks asked for by their own vectors it doesn't find {len(lost)}." if lost else ""
    return [f"{count} {what}" for count, what in said if count] + [sample] * bool(lost)


def _quarantine(parts: Parts) -> Body:
    try:
        count = len(parts.catalog.quarantine())
    except CuecardError as error:
        return _failed("quarantine", error)
    if not count:
        return _check("quarantine", "on", "empty.")
    return _check("quarantine", "on", f"{count} could not be read.", "See `cuecard quarantine list`.")


def _keys(parts: Parts) -> Body:
    from api.keys import Keys

    try:
        known = Keys(lambda: parts.catalog, alone=False)
        good, ever = known.count_usable(), known.ever()
    except CuecardError as error:
        return _failed("keys", error)
    if parts.settings.require_key == "no" or not (ever or parts.settings.require_key):
        detail = "whoever sits at this machine needs none."
        return _check("keys", "off", f"{good} are good, but {detail}" if ever else f"there are none: {detail}")
    hint = "" if good else "Make one with `cuecard keys create`."
    return _check("keys", "on", f"{good} are good; whoever asks over HTTP needs one.", hint)


def _disk(parts: Parts) -> Body:
    try:
        free = shutil.disk_usage(parts.settings.home).free
    except OSError as error:
        return _check("disk", "failed", f"{error.strerror or error}.", "See that the home can be read.")
    if free < LOW_DISK:
        return _check(
            "disk", "degraded", f"{free / 2**20:,.0f} MB are free.", "Make room: soon nothing can be ingested."
        )
    return _check("disk", "on", f"{free / 2**30:,.1f} GB are free.")


def _slack(settings: Settings) -> Body:
    from api.slack.installed import missing

    why = missing(settings)
    if settings.slack_bot_token is None and settings.slack_client_id is None:
        return _check("Slack", "off", why, "docs/slack.md takes you from nothing to a working bot.")
    if why:
        return _check("Slack", "failed", why, "Set it, or unset SLACK_BOT_TOKEN.")
    ways = ["HTTP"] * (settings.slack_signing_secret is not None)
    ways += ["Socket Mode"] * (settings.slack_app_token is not None)
    return _check("Slack", "on", f"by {' and '.join(ways)}, while `cuecard serve` runs.")


def _mattermost(settings: Settings) -> Body:
    from api.mattermost.installed import missing, wanted

    why = missing(settings)
    if not wanted(settings):
        return _check("Mattermost", "off", why, "docs/mattermost.md takes you from nothing to a working bot.")
    if why:
        return _check("Mattermost", "failed", why, "Set it, or unset the others.")
    buttons = "" if settings.public_url else ", without buttons as CUECARD_PUBLIC_URL is not set"
    return _check("Mattermost", "on", f"at {settings.mattermost_url}, while `cuecard serve` runs{buttons}.")


def _language_model(settings: Settings, parts: Parts | None) -> Body:
    """Whether the model's server answers at all; asking it something would cost money."""
    name = "language model"
    if settings.llm is None:
        return _check(name, "off", "none: answers are quoted from your documents.")
    import httpx

    from answering.generate.model import address

    url = address(settings.llm, settings.llm_url or "")
    who = f"{settings.llm_model} ({settings.llm})"
    hint = "Until it can be reached, answers are quoted. Check CUECARD_LLM_URL, and that the server runs."
    try:
        if parts is not None and parts.writer is not None and parts.writer.caller.breaker.state == "open":
            return _check(name, "degraded", f"{who} failed again and again and is left alone for a while.", hint)
        httpx.get(url, timeout=LLM_SECONDS)
    except CuecardError as error:
        return _check(name, "degraded", error.message, error.hint)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = str(error) or type(error).__name__
        return _check(name, "degraded", f"{who} can't be reached at {url} ({said}).", hint)
    return _check(name, "on", f"{who} at {url}.")


def _settings(settings: Settings) -> list[Body]:
    shown = []
    for row in table():
        value = getattr(settings, row.key)
        text = "(hidden)" if row.secret and value is not None else str(value or row.default)
        shown.append({"name": row.variable, "set": value is not None, "value": text, "meaning": row.meaning})
    return shown
