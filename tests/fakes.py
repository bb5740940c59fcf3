"""Small stand-ins that go through the same doors as the real parts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ingest.items import AccountLine, Chunk, Document, Item, Meta, Span
from ingest.ports import NewVersion
from ingest.sync_run import Parser


class MemoryIndexer:
    """An index that only remembers. `fail_on_put` and `fail_on_drop` are raised, once, after half of the work."""

    def __init__(self, fingerprint: str = "memory") -> None:
        self.name = fingerprint
        self.versions: dict[int, Document] = {}
        self.puts: list[list[int]] = []
        self.fail_on_put: BaseException | None = None
        self.fail_on_drop: BaseException | None = None

    def put(self, versions: Sequence[NewVersion]) -> None:
        self.puts.append([version.key for version in versions])
        failure, self.fail_on_put = self.fail_on_put, None
        done = versions[: len(versions) // 2] if failure else versions
        self.versions.update({version.key: version.document for version in done})
        if failure:
            raise failure

    def drop(self, keys: Sequence[int]) -> None:
        failure, self.fail_on_drop = self.fail_on_drop, None
        for key in keys[: len(keys) // 2] if failure else keys:
            self.versions.pop(key, None)
        if failure:
            raise failure

    def fingerprint(self) -> str:
        return self.name


def parse_lines(
    *, collection: str, path: str, version: str, text: str, meta: Meta, body_line: int, plain: bool
) -> Document:
    """Every line of the body that isn't blank is a note of one chunk, named by its words."""
    items: list[Item] = []
    chunks: list[Chunk] = []
    account: list[AccountLine] = []
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and number >= body_line:
            span = Span(start, start + len(line), number, number)
            name = hashlib.sha256(f"{path}\0{line}\0{number}".encode()).hexdigest()[:12]
            items.append(Item(name, "note", line[:40], span, tags=("plain",) if plain else ()))
            chunks.append(Chunk(f"{name}.0", name, 0, "note", span, line, context=path))
            account.append(AccountLine(number, number, "item", name))
        start += len(line) + 1
    return Document(
        id=hashlib.sha256(f"{collection}\0{path}".encode()).hexdigest()[:16],
        collection=collection,
        path=path,
        version=version,
        title=meta.title or path,
        text=text,
        meta=meta,
        items=tuple(items),
        chunks=tuple(chunks),
        account=tuple(account),
    )


LINES = Parser(parse_lines, "1")
"""The parser for tests that are about something else."""
