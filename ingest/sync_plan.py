"""What a sync would do, before anything is done: which files belong to which paths, and which documents are gone."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import basename

from ingest.catalog_info import QuarantineEntry
from ingest.catalog_quarantine import DOCUMENT
from ingest.catalog_switch import Known
from ingest.catalog_writer import is_within
from ingest.discover import Discovery, Found, Problem, discover, read_bytes
from ingest.errors import DocumentError, RefusedError, UsageError

MAX_LOSS = 0.5
"""The share of a collection that may be removed without being asked for."""

ARCHIVE_SUFFIX = ".zip"
"""Files below a file of this name are what it holds."""


@dataclass(frozen=True, slots=True)
class Target:
    """A root and what of it is to be synced: paths relative to it, `""` for all of it."""

    root: str
    scopes: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether all of the root is meant."""
        return "" in self.scopes


@dataclass(frozen=True, slots=True)
class Job:
    """A file to read for a document path. `known` is what that path serves now."""

    root: str
    found: Found
    known: Known | None


@dataclass(slots=True)
class Plan:
    """What is to be done."""

    jobs: list[Job] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    gone: list[Known] = field(default_factory=list)
    """Documents whose file is gone."""
    renamed: dict[str, Known] = field(default_factory=dict)
    """Documents that go on under another path, by that path, which served nothing yet."""
    moved: list[tuple[Known, str]] = field(default_factory=list)
    """Documents whose file now belongs to another path, which served something already, with that path."""
    skipped: dict[str, int] = field(default_factory=dict)
    covered: dict[str, str] = field(default_factory=dict)
    """Roots, by the files and folders that were looked through."""
    blind: set[str] = field(default_factory=set)
    """Files and folders that could not be looked into: what they held is left as it was."""


def find_targets(paths: Sequence[str | os.PathLike[str]], roots: Sequence[str]) -> list[Target]:
    """The roots that `paths` belong to: one of `roots` where they lie inside it, else the folder itself.

    For a file outside all roots that is the folder it lies in. UsageError where a path is missing.
    """
    if not paths:
        raise UsageError("No files or folders were given.", hint="Name at least one: cuecard ingest PATH")
    given = [os.path.abspath(path) for path in paths]
    for path in given:
        _refuse_missing(path)
    folders = [os.path.realpath(path) for path in given if os.path.isdir(path) and not _place(path, roots)]
    scopes: dict[str, list[str]] = {}
    for path in given:
        root, scope = _place(path, [*roots, *folders]) or _own_place(path)
        scopes.setdefault(root, []).append(scope)
    return [Target(root, tuple(found)) for root, found in scopes.items()]


def make_plan(targets: Sequence[Target], known: Mapping[str, Known]) -> Plan:
    """Compare what the targets hold with `known`, what their collection serves by path."""
    plan = Plan()
    claims: dict[str, str] = {}
    for target in targets:
        plan.covered.update({os.path.join(target.root, s) if s else target.root: target.root for s in target.scopes})
        found = discover(Path(target.root), target.scopes)
        _add(plan, target.root, found, known, claims)
    _find_gone(plan, known, claims)
    _find_renamed(plan)
    return plan


def refuse_large_loss(plan: Plan, known: Mapping[str, Known], collection: str) -> None:
    """Raises RefusedError when more than MAX_LOSS of the collection would be removed."""
    if len(plan.gone) > MAX_LOSS * len(known):
        names = ", ".join(each.path for each in plan.gone[:3]) + (", …" if len(plan.gone) > 3 else "")
        raise RefusedError(
            f"This would remove {len(plan.gone)} of the {len(known)} documents in collection {collection} ({names}).",
            hint="Repeat it with --yes if that is meant.",
        )


def find_released(plan: Plan, entries: Sequence[QuarantineEntry], still: Collection[str]) -> list[QuarantineEntry]:
    """The entries of files and folders that were looked at and are none of the sources that `still` can't be taken.

    What is entered of served documents goes with their versions.
    """
    return [
        entry
        for entry in entries
        if entry.scope == DOCUMENT
        and entry.source not in still
        and reached(plan, entry.source)
        and not _hidden(plan, entry.source)
    ]


def _refuse_missing(path: str) -> None:
    try:
        path.encode("utf-8")
        os.stat(path)
    except ValueError as error:
        raise UsageError(f"The path {path!a} can't be used: {error}.", hint="Rename it.") from error
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"There is no file or folder {path}.", hint="Nothing was changed.") from None
    except OSError:
        return  # it is there, but can't be read: the walk reports it


def _place(path: str, roots: Sequence[str]) -> tuple[str, str] | None:
    """The outermost root that a path lies in, and the path relative to it."""
    for candidate in (path, os.path.realpath(path)):
        for root in sorted(roots, key=len):
            if candidate == root:
                return root, ""
            if is_within(candidate, root):
                return root, os.path.relpath(candidate, root).replace(os.sep, "/")
    return None


def _own_place(path: str) -> tuple[str, str]:
    """A file outside all roots: its folder is the root."""
    return os.path.realpath(os.path.dirname(path)), os.path.basename(path)


def _add(plan: Plan, root: str, discovery: Discovery, known: Mapping[str, Known], claims: dict[str, str]) -> None:
    plan.problems += discovery.problems
    plan.blind.update(problem.source for problem in discovery.problems)
    for suffix, count in discovery.skipped.items():
        plan.skipped[suffix] = plan.skipped.get(suffix, 0) + count
    for found in discovery.files:
        mine = known.get(found.path)
        holder = claims.get(found.path) or (mine and _holder(mine, found.source, root))
        if holder and holder != found.source:
            plan.problems.append(_conflict(found, holder))
        else:
            claims[found.path] = found.source
            plan.jobs.append(Job(root, found, mine))


def _holder(known: Known, source: str, root: str) -> str | None:
    """The file that keeps a path from `source`: another one, still there, from a root that isn't inside `root`."""
    if known.source == source or is_within(known.root, root) or not _may_be_there(known.source):
        return None
    return known.source


def _may_be_there(source: str) -> bool:
    """Whether a file is there, or can't be told to be gone: what lies in an archive is as the archive."""
    try:
        os.lstat(source)
    except (FileNotFoundError, NotADirectoryError):
        nearest = next(place for place in lineage(source) if os.path.lexists(place))
        return os.path.isfile(nearest) and nearest.lower().endswith(ARCHIVE_SUFFIX)
    except OSError:
        return True
    return True


def _conflict(found: Found, holder: str) -> Problem:
    reason = f"its path {found.path} is already taken by {holder}"
    hint = "Ingest one of the two into another collection: --collection NAME"
    return Problem(found.path, found.source, reason, hint=hint)


def _find_gone(plan: Plan, known: Mapping[str, Known], claims: Mapping[str, str]) -> None:
    path_of = {source: path for path, source in claims.items()}
    for each in known.values():
        if each.path in claims:
            continue
        root = reached(plan, each.source)
        if root is None or not (each.root == root or is_within(each.root, root)):
            continue
        path = path_of.get(each.source)
        if path is None:
            if not _hidden(plan, each.source):
                plan.gone.append(each)
        elif path in known or path in plan.renamed:
            plan.moved.append((each, path))
        else:
            plan.renamed[path] = each


def _find_renamed(plan: Plan) -> None:
    """Take the documents out of `gone` whose bytes have come up under a new path.

    Only the very same bytes count. Of several the one with the same file name goes first, then the order of paths.
    """
    if not plan.gone:
        return
    new = [job.found for job in plan.jobs if job.known is None and job.found.path not in plan.renamed]
    hashes = {found.path: content_of(found.source, found.path) for found in new}
    plan.gone.sort(key=lambda known: known.path)
    for by_name in (True, False):
        waiting: dict[tuple[str | None, str], deque[Known]] = {}
        for known in plan.gone:
            waiting.setdefault((known.version, basename(known.path) if by_name else ""), deque()).append(known)
        for found in new:
            alike = waiting.get((hashes[found.path], basename(found.path) if by_name else ""))
            if alike and found.path not in plan.renamed:
                plan.renamed[found.path] = alike.popleft()
        taken = {known.id for known in plan.renamed.values()}
        plan.gone = [known for known in plan.gone if known.id not in taken]


def reached(plan: Plan, source: str) -> str | None:
    """The root under which a source was looked for; None where it was not looked for."""
    return next((plan.covered[place] for place in lineage(source) if place in plan.covered), None)


def _hidden(plan: Plan, source: str) -> bool:
    return any(place in plan.blind for place in lineage(source))


def lineage(source: str) -> Iterator[str]:
    """A path and all folders above it."""
    while True:
        yield source
        above = os.path.dirname(source)
        if above == source:
            return
        source = above


def content_hash(data: bytes) -> str:
    """What names the bytes of a file: `sha256:` and their hash."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def content_of(source: str, path: str) -> str | None:
    """The hash of a file's bytes; None where they can't be read, or `source` is no file."""
    try:
        return content_hash(read_bytes(source, path))
    except DocumentError:
        return None
