"""An opened home as an evaluation sees it: documents by path, with their texts and chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from eval.ports import Catalog
from ingest.errors import NotFoundError, UsageError
from ingest.items import Chunk, Document

_KEPT = 512


class Library:
    """The documents that are served in one collection, or in all where none is named."""

    def __init__(self, catalog: Catalog, collection: str | None = None) -> None:
        self._keys: dict[str, int] = {}
        documents = sorted(catalog.documents(collection), key=lambda d: (d.collection, d.path))
        for info in documents:
            if info.path in self._keys:
                hint = "Name one with --collection."
                raise UsageError(f"Two collections hold {info.path}, and questions name paths only.", hint=hint)
            self._keys[info.path] = info.version_key
        self.fingerprint = fingerprint((info.path, info.version) for info in documents)
        self._load = lru_cache(maxsize=_KEPT)(catalog.load)

    def __len__(self) -> int:
        return len(self._keys)

    def must_hold(self, files: set[str]) -> None:
        """Raises UsageError where `files` are judged and the library has none of them: it is the wrong one."""
        if files and not any(file in self._keys for file in files):
            raise UsageError(
                f"The library has none of the {len(files)} documents that the questions are judged by.",
                hint=f"Paths count from the ingested folder, as in {min(files)!r}.",
            )

    def document(self, path: str) -> Document | None:
        """The document at `path`, None where the library has none."""
        key = self._keys.get(path)
        return None if key is None else self._load(key)

    def texts(self, paths: set[str]) -> dict[str, str]:
        """Path -> canonical text, for those of `paths` that the library has."""
        return {path: found.text for path in sorted(paths) if (found := self.document(path)) is not None}

    def chunks(self) -> Iterator[tuple[str, Chunk]]:
        """(path, chunk) of everything that is indexed."""
        for path in self._keys:
            found = self.document(path)
            for chunk in found.chunks if found else ():
                yield path, chunk


def fingerprint(documents: Iterable[tuple[str, str]]) -> str:
    """Names a corpus: the paths and versions of its documents, by collection and path."""
    digest = hashlib.sha256()
    for path, version in documents:
        digest.update(f"{path}\0{version}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def folder_texts(folder: Path, paths: set[str]) -> Mapping[str, str]:
    """Path -> text of the files under `folder`, newlines as they are; for runs that were made elsewhere."""
    if not folder.is_dir():
        raise NotFoundError(f"{folder} is not a folder.")
    return {
        path: (folder / path).read_bytes().decode("utf-8", errors="replace")
        for path in sorted(paths)
        if (folder / path).is_file()
    }
