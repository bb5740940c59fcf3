"""What a sync would do, before anything is done: which files belong to which paths, and which documents are gone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.catalog_info import QuarantineEntry
from ingest.catalog_writer import Known, is_within
from ingest.discover import Discovery, Found, Problem, discover
from ingest.errors import RefusedError, UsageError

MAX_LOSS = 0.5
"""The share of a collection that may be removed without being asked for."""


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
    """What is to be done. `moved`: documents whose file has another path now, with that path."""

    jobs: list[Job] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    gone: list[Known] = field(default_factory=list)
    moved: list[tuple[Known, str]] = field(default_factory=list)
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
    return plan


def refuse_large_loss(plan: Plan, known: Mapping[str, Known], collection: str) -> None:
    """Raises RefusedError when more than MAX_LOSS of the collection would be removed."""
    if len(plan.gone) > MAX_LOSS * len(known):
        names = ", ".join(each.path for each in plan.gone[:3]) + (", …" if len(plan.gone) > 3 else "")
        raise RefusedError(
            f"This would remove {len(plan.gone)} of the {len(known)} documents in collection {collection} ({names}).",
            hint="Repeat it with --yes if that is meant.",
        )


def find_released(plan: Plan, entries: Sequence[QuarantineEntry], problems: Sequence[Problem]) -> list[QuarantineEntry]:
    """The entries whose source was looked at and is no problem any more."""
    still = {problem.source for problem in problems}
    return [
        entry
        for entry in entries
        if entry.source not in still and _reached(plan, entry.source) and not _hidden(plan, entry.source)
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
    if known.source == source or is_within(known.root, root):
        return None
    try:
        os.lstat(known.source)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        pass
    return known.source


def _conflict(found: Found, holder: str) -> Problem:
    reason = f"its path {found.path} is already taken by {holder}"
    hint = "Ingest one of the two into another collection: --collection NAME"
    return Problem(found.path, found.source, reason, hint=hint)


def _find_gone(plan: Plan, known: Mapping[str, Known], claims: Mapping[str, str]) -> None:
    path_of = {source: path for path, source in claims.items()}
    for each in known.values():
        if each.path in claims:
            continue
        root = _reached(plan, each.source)
        if root is None or not (each.root == root or is_within(each.root, root)):
            continue
        if each.source in path_of:
            plan.moved.append((each, path_of[each.source]))
        elif not _hidden(plan, each.source):
            plan.gone.append(each)


def _reached(plan: Plan, source: str) -> str | None:
    """The root under which a source was looked for; None where it was not looked for."""
    return next((plan.covered[place] for place in _lineage(source) if place in plan.covered), None)


def _hidden(plan: Plan, source: str) -> bool:
    return any(place in plan.blind for place in _lineage(source))


def _lineage(source: str) -> Iterator[str]:
    """A path and all folders above it."""
    while True:
        yield source
        above = os.path.dirname(source)
        if above == source:
            return
        source = above
