"""Which files a root holds: hidden and ignored ones left out, links followed, whatever can't be read told apart.

A `.zip` is walked like a folder: its members' paths and sources go on after its own.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ingest.errors import DocumentError
from ingest.folders import IGNORE_FILE, Folder
from ingest.formats.decode import check_size, decode
from ingest.formats.front_matter import FOLDER_META, merged, read_folder_meta
from ingest.formats.registry import ARCHIVE, READERS
from ingest.ignoring import Rules, read_rules
from ingest.items import Meta

if TYPE_CHECKING:
    from ingest.formats.archive import Archive

NO_SUFFIX = "(none)"
"""Stands for files without a suffix among those that were skipped."""
MAC_JUNK = "__MACOSX"
"""The folder in which macOS keeps resource forks, in the archives it makes."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read. `path` is relative to the root, with `/`; `source` is where it lies: for a member of an archive,
    the archive's own source and the path in it.

    `folder` is what its folders say about it, or why they can't be understood; then the file can't be taken either.
    """

    path: str
    source: str
    folder: Meta | DocumentError


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read. `source` is where it lies; nothing is known about what lies below it."""

    path: str
    source: str
    reason: str
    line: int | None = None
    hint: str = ""

    @classmethod
    def of(cls, error: DocumentError, source: str) -> Problem:
        """The problem that an error tells of."""
        return cls(error.path, source, error.reason, error.line, error.hint)


@dataclass(frozen=True, slots=True)
class Discovery:
    """What the scopes of a root hold, by path. `skipped` counts files of formats that aren't read, by suffix."""

    files: tuple[Found, ...]
    problems: tuple[Problem, ...]
    skipped: dict[str, int]


def discover(root: Path, scopes: Iterable[str] = ("",)) -> Discovery:
    """The files of `root` that lie in `scopes`: paths of files or folders relative to it, `""` for all of it.

    `.cuecardignore` (gitignore syntax) and `_meta.yaml` count from the root downwards, also for a scope deep inside
    it; what a walk of the root would skip is a problem when it is named as a scope. Never raises for what it finds.
    """
    walk = _Walk(root)
    for scope in outermost(scopes):
        walk.enter(scope)
    files = {found.path: found for found in walk.files}
    problems = {(problem.path, problem.reason): problem for problem in walk.problems}
    return Discovery(
        tuple(files[path] for path in sorted(files)),
        tuple(problems[key] for key in sorted(problems)),
        dict(sorted(walk.skipped.items())),
    )


def outermost(scopes: Iterable[str]) -> list[str]:
    """The scopes that don't lie inside another one, sorted."""
    wanted = set(scopes)
    if "" in wanted:
        return [""]
    return sorted(s for s in wanted if not any(str(above) in wanted for above in PurePosixPath(s).parents))


@dataclass(slots=True)
class _Walk:
    root: Path
    files: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    opened: dict[str, Folder | None] = field(default_factory=dict)

    def enter(self, scope: str) -> None:
        """Walk down to a scope, then through it."""
        folder = self.open("", None)
        parts = scope.split("/") if scope else []
        for depth, name in enumerate(parts, 1):
            if folder is None:
                return
            path = "/".join(parts[:depth])
            info = self.look(path)
            if info is None:
                return
            is_folder = stat.S_ISDIR(info.st_mode)
            if name.startswith("."):
                self.report(path, "hidden files and folders are skipped", hint="Rename it without the leading dot.")
                return
            if folder.ignores(_as_rules_see(path, is_folder)):
                self.report(path, f"excluded by {IGNORE_FILE}", hint="Remove the rule to ingest it.")
                return
            if not is_folder:
                self.take(path, info, folder, named=True)
                return
            folder = self.open(path, folder)
        if folder is not None:
            self.walk(folder)

    def walk(self, top: Folder) -> None:
        """Take everything below a folder."""
        pending = [top]
        while pending:
            folder = pending.pop()
            for name in folder.names:
                path = f"{folder.path}/{name}" if folder.path else name
                if name.startswith(".") or name == FOLDER_META:
                    continue
                info = self.look(path)
                if info is None:
                    continue
                is_folder = stat.S_ISDIR(info.st_mode)
                if folder.ignores(_as_rules_see(path, is_folder)):
                    continue
                if not is_folder:
                    self.take(path, info, folder)
                elif (inner := self.open(path, folder)) is not None:
                    pending.append(inner)

    def take(self, path: str, info: os.stat_result, folder: Folder, *, named: bool = False) -> None:
        """A file: to be read, or counted where its format isn't read."""
        suffix = _suffix(path)
        if suffix not in READERS and suffix != ARCHIVE:
            if named:
                known = " ".join([*READERS, ARCHIVE])
                self.report(path, f"files of type {suffix or NO_SUFFIX} are not read", hint=f"Read are: {known}")
            else:
                self.skipped[suffix or NO_SUFFIX] += 1
        elif not stat.S_ISREG(info.st_mode):
            self.report(path, "not a regular file", hint="Only plain files are read.")
        elif suffix == ARCHIVE:
            self.expand(path, folder)
        else:
            self.files.append(Found(path, self.source(path), folder.meta))

    def expand(self, path: str, outer: Folder) -> None:
        """An archive: its members, or why none of them is taken."""
        from ingest.formats.archive import open_archive, refuse_bomb

        try:
            archive = open_archive(self.source(path), path)
            chosen = dict(self.members(path, archive, outer))
            refuse_bomb([archive.members[member] for member in chosen], path)
        except DocumentError as error:
            self.problems.append(Problem.of(error, self.source(path)))
            return
        for name, refusal in archive.strays.items():
            self.report(f"{path}/{_shown(name)}", refusal.reason, hint=refusal.hint)
        for member, folder in chosen.items():
            place, refused = f"{path}/{member}", archive.refused.get(member)
            if refused is not None:
                self.report(place, refused.reason, hint=refused.hint)
            elif _suffix(member) == ARCHIVE:
                self.report(place, "an archive inside an archive is not opened", hint="Unpack it.")
            else:
                self.files.append(Found(place, self.source(place), folder.meta))

    def members(self, path: str, archive: Archive, outer: Folder) -> Iterator[tuple[str, Folder]]:
        """The members of an archive that are of a known format and not left out, with the folder each stands in."""
        folders = {"": self.enclose(path, archive, "", outer)}
        for member in archive.members:
            above = ""
            for part in member.split("/")[:-1]:
                inner = f"{above}/{part}" if above else part
                if inner not in folders:
                    folders[inner] = self.enclose(path, archive, inner, folders[above])
                above = inner
            folder, name = folders[above], os.path.basename(member)
            place = f"{path}/{member}"
            if folder is None or name.startswith(".") or name == FOLDER_META or folder.ignores(place):
                continue
            suffix = _suffix(member)
            if suffix in READERS or suffix == ARCHIVE or member in archive.refused:
                yield member, folder
            else:
                self.skipped[suffix or NO_SUFFIX] += 1

    def enclose(self, path: str, archive: Archive, inner: str, outer: Folder | None) -> Folder | None:
        """A folder of an archive, `""` for the outermost; None where it is left out."""
        name = os.path.basename(inner)
        place = f"{path}/{inner}" if inner else path
        if outer is None or name.startswith(".") or name == MAC_JUNK or outer.ignores(place + "/"):
            return None
        start = f"{inner}/" if inner else ""
        names = [each for each in (IGNORE_FILE, FOLDER_META) if start + each in archive.members]
        return self.furnish(Folder(place, (0, 0), names, outer.meta, None, outer))

    def look(self, path: str) -> os.stat_result | None:
        """What a path is, links followed. None, and a problem, where it can't be told or its name can't be kept."""
        try:
            path.encode("utf-8")
        except UnicodeEncodeError:
            shown = os.fsencode(path).decode("utf-8", "backslashreplace")
            self.problems.append(Problem(shown, self.source(shown), "its name is not UTF-8", hint="Rename it."))
            return None
        try:
            return os.stat(self.source(path))
        except OSError as error:
            broken = os.path.islink(self.source(path))
            reason = f"the symbolic link leads nowhere: {error.strerror}" if broken else f"{error.strerror}"
            self.report(path, reason, hint="Correct or remove the link." if broken else "")
            return None

    def open(self, path: str, outer: Folder | None) -> Folder | None:
        """A folder with its rules and meta data. None, and a problem, where it must not be entered."""
        if path not in self.opened:
            self.opened[path] = self._open(path, outer)
        return self.opened[path]

    def _open(self, path: str, outer: Folder | None) -> Folder | None:
        source = self.source(path)
        try:
            info = os.stat(source)
            names = sorted(os.listdir(source))
        except OSError as error:
            self.report(path, f"the folder can't be read: {error.strerror}", hint="Correct its permissions.")
            return None
        identity = (info.st_dev, info.st_ino)
        for above in outer.upwards() if outer else ():
            if above.identity == identity:
                self.report(path, f"symlink loop: it leads back to {above.path or '.'}", hint="Remove the link.")
                return None
        return self.furnish(Folder(path, identity, names, outer.meta if outer else Meta(), None, outer))

    def furnish(self, folder: Folder) -> Folder | None:
        """The folder with its own rules and meta data. None, and a problem, where its rules can't be read."""
        path = folder.path
        try:
            if IGNORE_FILE in folder.names:
                folder.rules = self.read_rules(f"{path}/{IGNORE_FILE}" if path else IGNORE_FILE)
        except DocumentError as error:
            # what was meant to stay out must not come in: the folder is left alone
            self.problems.append(Problem.of(error, self.source(path)))
            return None
        if FOLDER_META in folder.names:
            folder.meta = self.inherit(folder.meta, f"{path}/{FOLDER_META}" if path else FOLDER_META)
        return folder

    def read_rules(self, path: str) -> Rules:
        """The rules of an ignore file. Raises DocumentError where it can't be read."""
        try:
            return read_rules(self.read_text(path).splitlines())
        except ValueError as error:
            raise DocumentError(path, f"malformed pattern: {error}", hint="Use gitignore syntax.") from error

    def inherit(self, outer: Meta | DocumentError, path: str) -> Meta | DocumentError:
        """A folder's meta data over that of the folders above it, or why that is unknown: it could hold `audience`."""
        try:
            meta = read_folder_meta(self.read_text(path), path)
        except DocumentError as error:
            self.problems.append(Problem.of(error, self.source(path)))
            return outer if isinstance(outer, DocumentError) else error
        return outer if isinstance(outer, DocumentError) else merged(outer, meta)

    def read_text(self, path: str) -> str:
        """A small text of ours; an empty one is allowed. Raises DocumentError."""
        data = read_bytes(self.source(path), path)
        return decode(data, path) if data.strip() else ""

    def report(self, path: str, reason: str, *, hint: str = "") -> None:
        """Note a problem; the walk goes on."""
        self.problems.append(Problem(path or str(self.root), self.source(path), reason, hint=hint))

    def source(self, path: str) -> str:
        """Where a path lies."""
        return os.path.join(self.root, path) if path else str(self.root)


def read_bytes(source: str, path: str) -> bytes:
    """The bytes of a file, or of a member of an archive. Raises DocumentError, naming it `path`, where they can't be
    read or are too many.
    """
    try:
        with open(source, "rb") as file:
            check_size(os.fstat(file.fileno()).st_size, path)
            return file.read()
    except (NotADirectoryError, FileNotFoundError) as error:
        from ingest.formats.archive import archive_of, open_archive

        archive = archive_of(source)
        if archive is None:
            raise _unreadable(path, error) from error
        return open_archive(archive, path).read(source[len(archive) + 1 :], path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError) -> DocumentError:
    return DocumentError(path, f"can't be read: {error.strerror}", hint="Correct its permissions.")


def _as_rules_see(path: str, is_folder: bool) -> str:
    """A path as rules are asked about it: an archive is a folder to them too."""
    return f"{path}/" if is_folder or _suffix(path) == ARCHIVE else path


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _shown(name: str) -> str:
    """A member's name that isn't fit to be a path, as it can be printed."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in name[:200])
