"""Files and folders under watch: told when something below them has changed, and rests again."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.folders import IGNORE_FILE

if TYPE_CHECKING:
    from watchfiles import Change

REST_MS = 500
"""Changes count as finished when nothing changed for so long: an editor saves in several steps."""

LONGEST_MS = 5_000
"""Changes that don't end are told of after this time: the first files of a long copy needn't wait for the last."""

TICK_MS = 1_000
"""How often it is looked whether the watched files and folders are still the same ones."""

Identity = tuple[int, ...] | None


def watch(paths: Sequence[Path], *, home: Path, tell: Callable[[str], None]) -> Iterator[bool]:
    """Yields True when what the paths hold may have changed, at first always; else False about every second.

    A path may vanish and come back, be replaced, or be a symbolic link to another place from one moment to the next.
    What happens while the caller works is told at the next turn. Changes of hidden and editors' own files, and of
    those below `home`, count for nothing. Ctrl-C comes out as KeyboardInterrupt.
    """
    polling: bool | None = None
    while True:
        known = [_identity(path) for path in paths]
        folders = [path for path in paths if path.is_dir()]
        fresh = True
        try:
            for changed in _changes(folders, home, polling):
                now = [_identity(path) for path in paths]
                if _other_folder(known, now):
                    break  # and watch that one, which begins with a True
                yield fresh or changed or now != known
                known, fresh = now, False
        except FileNotFoundError:
            time.sleep(TICK_MS / 1000)  # it vanished just now
        except OSError as error:
            if polling:
                raise
            tell(f"the system can't watch so many files ({error}): they are looked at one by one.")
            polling = True


def _changes(folders: Sequence[Path], home: Path, polling: bool | None) -> Iterator[bool]:
    """Whether something changed below the folders, whenever that has come to rest, and about every second."""
    if not folders:
        while True:
            yield False
            time.sleep(TICK_MS / 1000)
    import watchfiles

    # the folders themselves: a link is not followed by every system
    roots = [os.path.realpath(folder) for folder in folders]
    for changes in watchfiles.watch(
        *roots,
        watch_filter=_Filter(roots, home),
        debounce=LONGEST_MS,
        step=REST_MS,
        rust_timeout=TICK_MS,
        yield_on_timeout=True,
        force_polling=polling,
        ignore_permission_denied=True,
    ):
        yield bool(changes)


class _Filter:
    """Leaves out what no sync looks at: hidden names, what editors write on the way, and the home's own files."""

    def __init__(self, roots: Sequence[str], home: Path) -> None:
        from watchfiles import DefaultFilter

        self._roots = roots
        self._home = os.path.realpath(home)
        self._others = DefaultFilter(ignore_dirs=(), ignore_paths=(self._home + os.sep,))

    def __call__(self, change: Change, path: str) -> bool:
        root = next((root for root in self._roots if path.startswith(root)), "")
        names = path[len(root) :].split(os.sep)
        if any(name.startswith(".") and name != IGNORE_FILE for name in names):
            return False
        return path != self._home and self._others(change, path)


def _identity(path: Path) -> Identity:
    """What changes when a path stands for another folder, or another state of a file; None where there is nothing."""
    try:
        info = os.stat(path)
    except OSError:
        return None
    if stat.S_ISDIR(info.st_mode):
        return (info.st_dev, info.st_ino)
    return (info.st_dev, info.st_ino, info.st_mtime_ns, info.st_size)


def _other_folder(before: Sequence[Identity], now: Sequence[Identity]) -> bool:
    """Whether a path stands for another folder than before, or for one where there was none, or for none any more."""
    return any(a != b for a, b in zip(before, now, strict=True) if 2 in (len(a or ()), len(b or ())))
