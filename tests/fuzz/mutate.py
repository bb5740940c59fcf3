"""Valid files spoilt: bytes dropped, doubled, swapped, put in from the format's syntax; zip members spoilt inside."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from functools import lru_cache
from random import Random

from tests.fuzz.samples import TOKENS, packed, samples

_MAX_STEPS = 12
_ZIPPED = ("docx", "zip")


def mutated(name: str, rng: Random) -> bytes:
    """A file of a format, spoilt in some places. The same for the same state of `rng`."""
    return spoilt(rng.choice(_samples(name)), name, rng)


def spoilt(data: bytes, name: str, rng: Random) -> bytes:
    """The bytes after a few steps of spoiling; mostly those of a member, where they are an archive's."""
    if name in _ZIPPED and rng.random() < 0.8 and zipfile.is_zipfile(io.BytesIO(data)):
        try:
            return _mutated_member(data, rng)
        except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error):
            pass  # spoilt before: nothing but bytes
    for _ in range(rng.randint(1, _MAX_STEPS)):
        data = rng.choice(_STEPS)(data, name, rng)
    return data


@lru_cache
def _samples(name: str) -> tuple[bytes, ...]:
    return tuple(samples(name))


def _mutated_member(data: bytes, rng: Random) -> bytes:
    """The archive anew, with one of its members spoilt as what it is."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        members = {info.filename: file.read(info) for info in file.infolist()}
    if not members:
        return data
    chosen = rng.choice([name for name in members if name.endswith("document.xml")] or sorted(members))
    members[chosen] = spoilt(members[chosen], chosen.rsplit(".", 1)[-1].replace("xml", "html"), rng)
    return packed(members)


def _drop(data: bytes, _name: str, rng: Random) -> bytes:
    start, end = _cut(data, rng)
    return data[:start] + data[end:]


def _double(data: bytes, _name: str, rng: Random) -> bytes:
    start, end = _cut(data, rng)
    return data[:end] + data[start:end] * rng.choice((1, 1, 2, 30)) + data[end:]


def _move(data: bytes, _name: str, rng: Random) -> bytes:
    start, end = _cut(data, rng)
    at = rng.randint(0, start)
    return data[:at] + data[start:end] + data[at:start] + data[end:]


def _put(data: bytes, name: str, rng: Random) -> bytes:
    at = rng.randint(0, len(data))
    token = rng.choice(TOKENS.get(name, TOKENS["md"])) * rng.choice((1, 1, 1, 2, 40))
    return data[:at] + token.encode("utf-8", "surrogatepass") + data[at:]


def _flip(data: bytes, _name: str, rng: Random) -> bytes:
    at = rng.randint(0, max(0, len(data) - 1))
    return data[:at] + bytes([rng.choice((0, 9, 10, 32, 0x80, 0xC3, 0xFF, rng.randint(0, 255)))]) + data[at + 1 :]


def _cross(data: bytes, name: str, rng: Random) -> bytes:
    other = rng.choice(_samples(name)) if name in TOKENS else data
    return data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]


def _cut(data: bytes, rng: Random) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.choice((1, 2, 5, 20, 100)))


_STEPS: tuple[Callable[[bytes, str, Random], bytes], ...] = (_drop, _double, _move, _put, _put, _flip, _cross)
