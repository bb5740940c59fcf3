"""Processes to be killed, and disks to be filled."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from tests.crash.scene import Crashed

DISK_MB = 88


Start = Callable[..., tuple[BaseProcess, Connection]]
"""Starts a function of the worker with these arguments; the process, and where it talks."""


@pytest.fixture(scope="session")
def start() -> Start:
    """Starts a function of the worker in a process of its own, forked from one that has imported everything."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.worker", "retrieval.mend", "retrieval.edge_folder"])

    def started(target: Callable[..., None], *arguments: Any) -> tuple[BaseProcess, Connection]:
        here, there = context.Pipe()
        process = context.Process(target=target, args=(*arguments[:2], there, *arguments[2:]), daemon=True)
        process.start()
        there.close()
        return process, here

    return started


@pytest.fixture
def crashed(tmp_path: Path) -> Crashed:
    (tmp_path / "folder").mkdir()
    return Crashed(tmp_path / "folder", tmp_path / "home")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of DISK_MB; ext4, because what a full one does to mapped files differs."""
    image, place = tmp_path / "disk.img", tmp_path / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(DISK_MB * 2**20)
    for command in (["mkfs.ext4", "-q", "-F", str(image)], ["mount", "-o", "loop", str(image), str(place)]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip(f"there is no {command[0]} here")
        if done.returncode:
            pytest.skip(f"no file system can be made here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)
