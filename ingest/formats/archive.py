"""A `.zip` of documents: which members it has, and their bytes, all within bounds. Nothing is ever unpacked to disk.

Bombs are refused whole, by what their directory says; a member that lies about its size is cut off while it is read.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ingest.errors import DocumentError
from ingest.formats.decode import MAX_FILE_BYTES, check_size
from ingest.formats.registry import ARCHIVE

MAX_MEMBERS = 20_000
"""An archive with more is refused: the folder it was made of should be ingested instead."""

MAX_TOTAL_BYTES = 512 * 1024 * 1024
"""Of the members that would be read: 32 documents of the largest size."""

MAX_RATIO = 200
"""Members over RATIO_FROM bytes that were more times as large are a bomb: prose and code shrink 3 to 20 times, and
deflate does at most 1,032."""

RATIO_FROM = 1024 * 1024
MAX_DIRECTORY_BYTES = 8 * 1024 * 1024
MAX_PATH_CHARS = 1024
_CHUNK = 1024 * 1024
_HEADER_BYTES = 30  # of a member's local header, without its name

_METHODS = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz", 98: "PPMd"}
_ANEW = "Make the archive anew, or ingest the files unpacked."
_DAMAGE = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    OverflowError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not read, and what to do."""

    reason: str
    hint: str = _ANEW


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive's files by their path in it, sorted.

    `refused`: those of them that are not read. `strays`: members whose name is no path that could be kept.
    `whole`: why none of it is read.
    """

    members: Mapping[str, zipfile.ZipInfo]
    refused: Mapping[str, Refusal]
    strays: Mapping[str, Refusal]
    whole: Refusal | None
    file: zipfile.ZipFile

    def read(self, member: str, path: str) -> bytes:
        """A member's bytes. Raises DocumentError, naming it `path`."""
        refusal = self.refused.get(member)
        if refusal is not None:
            raise DocumentError(path, refusal.reason, hint=refusal.hint)
        info = self.members.get(member)
        if info is None:
            raise DocumentError(path, "it is not in the archive any more", hint="Ingest the archive again.")
        check_size(info.file_size, path)
        data = bytearray()
        try:
            with self.file.open(info) as opened:
                while chunk := opened.read(_CHUNK):
                    data += chunk
        except _DAMAGE as error:
            raise DocumentError(path, f"damaged in its archive: {error}", hint=_ANEW) from error
        except OSError as error:
            raise DocumentError(path, f"can't be read: {error.strerror}", hint="Correct its permissions.") from error
        if len(data) != info.file_size:
            reason = f"damaged in its archive: {len(data):,} bytes in place of {info.file_size:,}"
            raise DocumentError(path, reason, hint=_ANEW)
        return bytes(data)


def open_archive(source: str, path: str) -> Archive:
    """The archive at `source`, its directory read. Raises DocumentError, naming it `path`, where it can't be read, has
    too many members, or members that overlap.
    """
    try:
        info = os.stat(source)
        archive = _open(source, info.st_size, info.st_mtime_ns, info.st_ino)
    except _DAMAGE as error:
        raise DocumentError(path, f"not a zip archive that can be read: {error}", hint=_ANEW) from error
    except OSError as error:
        raise DocumentError(path, f"can't be read: {error.strerror}", hint="Correct its permissions.") from error
    if archive.whole is not None:
        raise DocumentError(path, archive.whole.reason, hint=archive.whole.hint)
    return archive


def refuse_bomb(infos: Iterable[zipfile.ZipInfo], path: str) -> None:
    """Raises DocumentError, naming the archive `path`, where these members of it would be too much to read."""
    total = 0
    for info in infos:
        if info.file_size > MAX_FILE_BYTES:
            continue  # refused by itself, unread
        total += info.file_size
        if info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * info.compress_size:
            reason = f"it looks like a zip bomb: {info.filename} is {info.file_size / max(1, info.compress_size):,.0f} "
            reason += f"times as large as it is packed; the limit is {MAX_RATIO}"
            raise DocumentError(path, reason, hint="Ingest the files unpacked.")
    if total > MAX_TOTAL_BYTES:
        reason = f"its documents have {total / 1e6:,.0f} MB unpacked; the limit is {MAX_TOTAL_BYTES / 1e6:,.0f} MB"
        raise DocumentError(path, reason, hint="Split it, or ingest the files unpacked.")


def archive_of(source: str) -> str | None:
    """The archive that a source lies in; None for one that lies in none."""
    place = os.path.dirname(source)
    while place != os.path.dirname(place):
        if os.path.splitext(place)[1].lower() == ARCHIVE and os.path.isfile(place):
            return place
        place = os.path.dirname(place)
    return None


class _OutsideError(zipfile.BadZipFile, OSError):
    """zipfile expects the OSError of a real file, where it looks for the end of an empty archive."""


class _Lean:
    """A file for zipfile that is open only while it is read: between two members of an archive nobody holds it.

    A read of more than MAX_DIRECTORY_BYTES is refused: that would be a directory of hundreds of thousands of members.
    """

    def __init__(self, path: str, size: int) -> None:
        self.path = path
        self.size = size
        self.at = 0

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise _OutsideError("an offset lies before the file's beginning")
        self.at = base + offset
        return self.at

    def tell(self) -> int:
        return self.at

    def read(self, size: int = -1) -> bytes:
        left = max(0, self.size - self.at)
        wanted = left if size < 0 else min(size, left)
        if wanted > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"its directory has {wanted / 1e6:,.1f} MB")
        with open(self.path, "rb") as file:
            file.seek(self.at)
            data = file.read(wanted)
        self.at += len(data)
        return data


# the directory of the last archive serves all of its members; what changed has another size, time or place
@lru_cache(maxsize=2)
def _open(source: str, size: int, _mtime: int, _inode: int) -> Archive:
    # the file is opened and closed by every read
    file = zipfile.ZipFile(_Lean(source, size))
    members: dict[str, zipfile.ZipInfo] = {}
    refused: dict[str, Refusal] = {}
    strays: dict[str, Refusal] = {}
    for info in file.infolist():
        name = _name(info)
        stray = _stray(name)
        if stray is not None:
            strays[name] = stray
            continue
        if name.endswith("/"):
            continue  # a folder
        path = "/".join(part for part in name.split("/") if part not in ("", "."))
        if not path:
            strays["(no name)"] = Refusal("it has no name", "Make the archive anew.")
            continue
        refusal = Refusal("it is in the archive twice") if path in members else _refusal(info)
        members[path] = info
        if refusal is not None:
            refused[path] = refusal
    return Archive(dict(sorted(members.items())), refused, strays, _refuse_whole(file.infolist()), file)


def _name(info: zipfile.ZipInfo) -> str:
    """A member's name. Without the UTF-8 flag it should be CP437, but often is UTF-8 all the same."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _stray(name: str) -> Refusal | None:
    """Why a name can't be kept as a path below the archive."""
    if "\\" in name:
        return Refusal("its name holds a backslash", "Make the archive anew, with / between folders.")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return Refusal("its path is absolute", "Make the archive anew, with paths relative to a folder.")
    if ".." in name.split("/"):
        return Refusal("its path leads out of the archive", "Make the archive anew, with paths relative to a folder.")
    if len(name) > MAX_PATH_CHARS:
        return Refusal(f"its path has {len(name):,} characters; the limit is {MAX_PATH_CHARS:,}")
    return None


def _refusal(info: zipfile.ZipInfo) -> Refusal | None:
    """Why a member is not read."""
    if stat.S_ISLNK(info.external_attr >> 16):
        return Refusal("symbolic links inside an archive are not followed", "Put the file itself into the archive.")
    if info.flag_bits & 0x1:
        return Refusal("it is encrypted", "Ingest it unpacked, or make the archive anew without a password.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # bzip2 and LZMA decompress without a bound on what one step gives
        method = _METHODS.get(info.compress_type, f"method {info.compress_type}")
        return Refusal(f"it is compressed with {method}; only deflate is read", "Make the archive anew with deflate.")
    return None


def _refuse_whole(infos: Sequence[zipfile.ZipInfo]) -> Refusal | None:
    """Why a directory speaks against its archive: too many members, or some that share bytes and unpack to far more
    than it holds."""
    if len(infos) > MAX_MEMBERS:
        reason = f"the archive has {len(infos):,} members; the limit is {MAX_MEMBERS:,}"
        return Refusal(reason, "Ingest the folder it was made of.")
    end = 0
    for info in sorted(infos, key=lambda each: each.header_offset):
        if info.header_offset < end:
            reason = f"it looks like a zip bomb: {info.filename} overlaps another member"
            return Refusal(reason, "Ingest the files unpacked.")
        end = info.header_offset + _HEADER_BYTES + info.compress_size
    return None
