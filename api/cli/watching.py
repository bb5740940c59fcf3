"""`cuecard ingest --watch`: a sync after every change, until Ctrl-C."""

from __future__ import annotations

import json
import math
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from api.cli.context import Context, tell
from api.cli.progress import showing_progress
from api.errors import DONE, INTERRUPTED, kind_of
from api.library import Body
from ingest.errors import CuecardError, UsageError

PAUSE_SECONDS = 10.0
"""After which a sync is tried again that index, model or catalog kept from being done."""

KINDS = ("added", "updated", "renamed", "removed", "quarantined", "released")
NAMED = 3
"""So many documents of each kind are named."""


@dataclass
class Watching:
    """The syncs of one watch. The home is held during a sync only, so that other commands work in between."""

    context: Context
    paths: Sequence[Path]
    collection: str
    yes: bool
    syncs: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    missing: set[Path] = field(default_factory=set)
    due: float = math.inf
    working: bool = False

    def run(self) -> int:
        """Watch until Ctrl-C or SIGTERM; the exit code. What the first sync raises goes through."""
        from api.watch import watch

        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            for changed in watch(self.paths, home=self.context.settings().home, tell=tell):
                if changed or time.monotonic() >= self.due:
                    self.turn()
        except KeyboardInterrupt:
            counts = ", ".join(f"{self.counts[kind]:,} {kind}" for kind in KINDS if self.counts[kind])
            unfinished = "; the last one did not come to its end, and the next goes on with it" if self.working else ""
            tell(f"stopped watching after {self.syncs} syncs: {counts or 'nothing changed'}{unfinished}.")
            return INTERRUPTED if self.working else DONE
        finally:
            signal.signal(signal.SIGTERM, before)
        return DONE

    def turn(self) -> None:
        """Sync what is there, and tell of it. After the first sync, whatever is wrong is only told."""
        present = self.look()
        if not present:
            return
        self.due = math.inf
        try:
            self.sync(present)
        except CuecardError as error:
            self.working = False
            if not self.syncs:
                raise
            self.fail(error)

    def look(self) -> list[Path]:
        """The paths that are there. Which ones vanished or came back is told."""
        missing = {path for path in self.paths if not path.exists()}
        if missing and not self.syncs:
            raise UsageError(f"There is no file or folder {min(missing)}.", hint="Nothing was changed.")
        for path in sorted(missing - self.missing):
            tell(f"{path} is gone; what it held stays in the library until it is back.")
        for path in sorted(self.missing - missing):
            tell(f"{path} is back.")
        self.missing = missing
        return [path for path in self.paths if path not in missing]

    def sync(self, paths: Sequence[Path]) -> None:
        """One sync, and its line. `working` stays where Ctrl-C breaks it off."""
        self.working = True
        with self.context.connect(create=True, wait=math.inf) as library:
            sequence = library.stats()["sequence"]
            with showing_progress(self.context) as progress:
                # removing more than half is allowed once, not whenever a disk is not mounted
                yes = self.yes and not self.syncs
                report = library.ingest(paths, collection=self.collection, yes=yes, progress=progress)
            changes = [each for each in library.changes(sequence)["changes"] if each["collection"] == self.collection]
        self.working = False
        self.syncs += 1
        found = _counts(report, changes)
        self.counts.update(found)
        if self.context.as_json:
            click.echo(json.dumps(report, ensure_ascii=False))
        else:
            click.echo(_line(found, changes, report))
        for change in changes:
            if change["kind"] == "quarantined":
                tell(f"in quarantine: {change['path']}: {change['detail'].rstrip('.')}.")
        if self.syncs == 1:
            tell("watching for changes; stop with Ctrl-C.")

    def fail(self, error: CuecardError) -> None:
        """Tell what is wrong. What may pass by itself is tried again before long, the rest at the next change."""
        kind = kind_of(error)
        tell(" ".join(str(error).split()))
        if self.context.as_json:
            click.echo(json.dumps({"error": {"type": kind.name, "message": str(error)}}, ensure_ascii=False))
        if kind.status == 503:
            self.due = time.monotonic() + PAUSE_SECONDS


def _counts(report: Body, changes: Sequence[Body]) -> Counter[str]:
    """What changed, by kind. The report counts documents; only the feed knows what came into quarantine just now."""
    found = Counter({kind: report["documents"].get(kind, 0) for kind in KINDS[:4]})
    found.update(each["kind"] for each in changes if each["kind"] in KINDS[4:])
    return found


def _line(found: Counter[str], changes: Sequence[Body], report: Body) -> str:
    """The time, what changed with some names, and how long it took."""
    parts = []
    for kind in KINDS:
        if found[kind]:
            names = [each["path"] for each in changes if each["kind"] == kind]
            shown = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
            parts.append(f"{found[kind]:,} {kind} ({shown})" if shown else f"{found[kind]:,} {kind}")
    said = ", ".join(parts) or f"nothing changed ({report['documents']['unchanged']:,} documents)"
    clock = click.style(time.strftime("%H:%M:%S"), dim=True)
    spent = click.style(f"{report['seconds']:.1f} s", dim=True)
    return f"{clock}  {said}  {spent}"
