"""`cuecard doctor --repair`: what is derived is made anew from what is true, and what was found and done is told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from api.doctor import RESTORE, catalog_damage, compare_index, findings
from ingest.errors import IndexUnavailableError

if TYPE_CHECKING:
    from api.compose import Parts
    from api.library import Body, Progress


def repair_home(parts: Parts, progress: Progress | None = None) -> Body:
    """As `api.compose.repair` says."""
    from retrieval.mend import prune_cache, rebuild_index

    started = time.monotonic()
    damage = catalog_damage(parts.catalog)
    if damage:
        raise IndexUnavailableError(f"The catalog {parts.catalog_url} is damaged: {damage}.", hint=RESTORE)
    room = parts.retrieval
    done = ["Prepared the embedding model anew: what was kept of it could not be loaded."] * room.model_remade
    compared, lost = compare_index(parts)
    found = findings(compared, lost)
    before = room.indexer.embedded
    rebuild_index(parts.catalog, room, progress, tuned=True)
    embedded = room.indexer.embedded - before
    done.append(
        f"Built the index anew from the catalog: {room.index.count()} chunks of {len(parts.catalog.live_versions())} "
        f"documents, {embedded} of them embedded, the others' vectors kept from before."
    )
    forgotten = prune_cache(parts.catalog, room)
    if forgotten:
        done.append(f"Forgot {forgotten} kept vectors that nothing served has any more.")
    left, lost = compare_index(parts)
    done += [f"Still to be done: {what}" for what in findings(left, lost)]
    return {"found": found, "done": done, "seconds": round(time.monotonic() - started, 3)}
