"""Where uploaded files are kept: `home/uploads/<collection>/<path>`, an ordinary root that sync mirrors file by file.

A file is there whole and on disk, or not at all: it is written aside first, and takes its place by a rename. What is
uploaded under the same path takes the place of the one before.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from api.errors import TooLargeError, UnsupportedError
from ingest.errors import IndexUnavailableError, UsageError
from ingest.formats.decode import MAX_FILE_BYTES
from ingest.formats.registry import ARCHIVE, READERS

MAX_REQUEST_BYTES = 256 * 1024 * 1024
"""Bytes of one upload with all its files; an archive may be as large, another file MAX_FILE_BYTES."""

MAX_FILES = 200
"""Files of one upload; more go into a `.zip`."""

MAX_NAME_BYTES = 200
"""Bytes of one file or folder name in UTF-8: file systems end at 255."""

MAX_PATH_BYTES = 1000
DRAFTS = ".drafts"
DRAFT_SECONDS = 3600
"""Drafts older than this belong to no upload any more."""

_COPIED = 1024 * 1024
_PLAIN_FOLDER = re.compile(r"[a-z0-9_-][a-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way: the path it is to have, and its bytes."""

    path: str
    file: BinaryIO


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that is on disk, and not in its place yet."""

    path: str
    sha256: str
    file: Path


def document_path(name: str, prefix: str = "") -> str:
    """The path of an uploaded file: its name, which may have folders, below `prefix`, in Unicode's composed form.

    Raises UsageError for a path that is empty, absolute, hidden, leads out of its folder, or can't be a path on
    every machine, and UnsupportedError for a file of a format that is not read.
    """
    folders = prefix.strip().replace("\\", "/").removesuffix("/")
    path = unicodedata.normalize("NFC", f"{folders}/{name.strip()}" if folders else name.strip()).replace("\\", "/")
    reason = _unusable(path)
    if reason:
        raise UsageError(f"The file name {_shown(path)} can't be taken: {reason}.", hint="Rename the file.")
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in READERS and suffix != ARCHIVE:
        known = " ".join([*READERS, ARCHIVE])
        raise UnsupportedError(f"{path}: files of type {suffix or '(none)'} are not read.", hint=f"Read are: {known}")
    return path


class UploadStore:
    """The uploads of one home. OSErrors come out as IndexUnavailableError: the disk is full, or can't be written."""

    def __init__(self, home: Path) -> None:
        self.folder = Path(os.path.realpath(home)) / "uploads"

    def root(self, collection: str) -> Path:
        """The folder of a collection's uploads; another one for every collection."""
        if _PLAIN_FOLDER.fullmatch(collection):
            return self.folder / collection
        slug = re.sub(r"[^a-z0-9]+", "-", collection.lower()).strip("-")[:40]
        return self.folder / f"{slug}~{hashlib.sha256(collection.encode()).hexdigest()[:12]}"

    def keeps(self, source: str) -> bool:
        """Whether a document's file is one that was uploaded."""
        return Path(source).is_relative_to(self.folder) and Path(source).is_file()

    def remove(self, source: str) -> None:
        """Delete a file that was uploaded, and the folders that it leaves empty."""
        with _disk():
            Path(source).unlink(missing_ok=True)
            for folder in Path(source).parents:
                if folder in (self.folder, *self.folder.parents):
                    break
                with suppress(OSError):
                    folder.rmdir()
            _flush_folder(Path(source).parent)

    @contextmanager
    def drafts(self, uploads: Sequence[Upload]) -> Iterator[list[Draft]]:
        """The files written to disk beside their places, until the block ends.

        Raises UsageError for an empty file and for two of the same path, TooLargeError for one over its limit.
        """
        folder = self.folder / DRAFTS / os.urandom(8).hex()
        try:
            with _disk():
                folder.mkdir(parents=True)
            yield [self._write(upload, folder / str(number)) for number, upload in enumerate(_distinct(uploads))]
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def place(self, collection: str, drafts: Sequence[Draft]) -> None:
        """Move drafts to their places. UsageError where a file would have to be a folder, or the other way round."""
        root = self.root(collection)
        touched: set[Path] = set()
        with _disk():
            for draft in drafts:
                _refuse_clash(root, draft.path)
            for draft in drafts:
                target = root / draft.path
                target.parent.mkdir(parents=True, exist_ok=True)
                draft.file.replace(target)
                touched.update(folder for folder in target.parents if folder.is_relative_to(self.folder))
            for folder in touched:
                _flush_folder(folder)

    def tidy(self) -> None:
        """Remove drafts that a killed process left."""
        before = time.time() - DRAFT_SECONDS
        with suppress(OSError):
            for left in (self.folder / DRAFTS).iterdir():
                if left.stat().st_mtime < before:
                    shutil.rmtree(left, ignore_errors=True)

    def _write(self, upload: Upload, target: Path) -> Draft:
        limit = MAX_REQUEST_BYTES if upload.path.lower().endswith(ARCHIVE) else MAX_FILE_BYTES
        digest, size = hashlib.sha256(), 0
        with _disk(), target.open("wb") as file:
            while part := upload.file.read(_COPIED):
                size += len(part)
                if size > limit:
                    raise TooLargeError(
                        f"{upload.path} is too large: a file may have {limit / 1024**2:.0f} MiB.",
                        hint="Split it into several files.",
                    )
                digest.update(part)
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        if not size:
            raise UsageError(f"{upload.path} is empty.", hint="Send a file that holds something.")
        return Draft(upload.path, digest.hexdigest(), target)


def body_hash(collection: str, drafts: Sequence[Draft]) -> str:
    """What tells two uploads apart, however they were put into a request."""
    parts = [collection, *sorted(f"{draft.path}\0{draft.sha256}" for draft in drafts)]
    return hashlib.sha256("\0\0".join(parts).encode()).hexdigest()


def _distinct(uploads: Sequence[Upload]) -> Sequence[Upload]:
    seen: Mapping[str, Upload] = {upload.path: upload for upload in uploads}
    if len(seen) < len(uploads):
        twice = next(path for path in seen if sum(upload.path == path for upload in uploads) > 1)
        raise UsageError(f"{twice} was sent twice.", hint="Send each file once.")
    return uploads


def _unusable(path: str) -> str:
    """Why a path can't be one; empty where it can."""
    parts = path.split("/")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "it is absolute"
    if ".." in parts:
        return "it leads out of its folder"
    if not all(part.strip() for part in parts):
        return "a part of it is empty"
    if any(part.startswith(".") for part in parts):
        return "hidden files and folders are not taken"
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in path):
        return "it holds a control character"
    if len(path.encode()) > MAX_PATH_BYTES or any(len(part.encode()) > MAX_NAME_BYTES for part in parts):
        return f"it is too long; a name may have {MAX_NAME_BYTES} bytes, the whole path {MAX_PATH_BYTES}"
    return ""


def _refuse_clash(root: Path, path: str) -> None:
    """Raises UsageError where a file is kept in place of a folder of this path, or a folder in place of its file."""
    above = [root.joinpath(*path.split("/")[:depth]) for depth in range(1, path.count("/") + 1)]
    if (root / path).is_dir() or any(folder.is_file() for folder in above):
        raise UsageError(
            f"{path} can't be kept: there is a folder where its file would be, or a file where its folder would be.",
            hint="Use another path, or delete that document first.",
        )


def _shown(path: str) -> str:
    return "".join(char if char.isprintable() else "�" for char in path[:100]) + ("…" if len(path) > 100 else "")


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"The upload can't be kept: {error.strerror or error}."
        raise IndexUnavailableError(message, hint="Free some space, or correct the permissions of the home.") from error


def _flush_folder(folder: Path) -> None:
    """Make names in a folder survive a power cut; where a system can't, it does without."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
