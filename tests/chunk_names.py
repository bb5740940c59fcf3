"""Short names for chunks where a test makes points of its own: an index takes ids of the form that ingest makes."""

from __future__ import annotations

from retrieval.ports import ArmHit

_LETTERS = 8


def chunk_id(name: str) -> str:
    """The chunk id that stands for a name of at most 8 ASCII characters."""
    assert len(name) <= _LETTERS, name
    return f"{int.from_bytes(name.encode('ascii'), 'big'):016x}-0"


def chunk_name(chunk: str) -> str:
    """The name that `chunk_id` was given."""
    return bytes.fromhex(chunk.partition("-")[0]).lstrip(b"\0").decode("ascii")


def named(hits: list[ArmHit]) -> list[str]:
    """The names of an arm's hits, in their order."""
    return [chunk_name(hit.chunk_id) for hit in hits]
