"""Every system that an evaluation was asked to measure, asked every question: `Wanted` in, named runs out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from eval.cases import Case
from eval.factories import Factory, build, load_factory
from eval.formats import read_trec_run
from eval.library import Library
from eval.ports import Parts
from eval.runs import Returned, Run, read_run
from eval.systems import (
    Search,
    dense_only,
    first,
    only_arms,
    rank_bm25,
    reciprocal_rank_fusion,
    refuse_degraded,
    returned,
    run_system,
    without,
)
from ingest.errors import UsageError
from retrieval.hits import ARMS, Arm

MAIN = "cuecard"
SYSTEMS = (MAIN, "bm25", "dense", "rrf", "llama-index")
"""What --baseline knows by name: the library's retriever itself, and systems over the library's own chunks."""

_HYBRID = "eval.llama_systems:hybrid"
_DEPTH = 100


class Server(Protocol):
    """A server that ranks passages, as `eval.endpoint` speaks with it."""

    @property
    def name(self) -> str: ...

    def search(self, query: str) -> Returned: ...

    def probe(self, query: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure. Where no run, factory or server is given, the library's own retriever comes first.

    `arms`, `without`: its ablations. `named`: those of SYSTEMS that are compared with.
    """

    files: Sequence[Path] = ()
    factories: Sequence[Factory] = ()
    servers: Sequence[Server] = ()
    arms: Sequence[tuple[Arm, ...]] = ()
    without: Sequence[str] = ()
    named: Sequence[str] = ()
    k: int = 10
    collection: str | None = None
    folder: Path | None = field(default=None)

    @property
    def given(self) -> bool:
        """Whether something else than the library's retriever comes first."""
        return bool(self.files or self.factories or self.servers)

    @property
    def needs_library(self) -> bool:
        """Whether an opened home is needed to make the runs."""
        return (
            not self.given
            or bool(self.arms or self.without or self.named)
            or any(f.needs_library for f in self.factories)
        )


def make_runs(wanted: Wanted, cases: Sequence[Case], parts: Parts | None, library: Library | None) -> dict[str, Run]:
    """Name -> run, what comes first first. `parts`, `library`: the opened home, where `wanted.needs_library`.

    Raises UsageError where two runs have one name, and for what can't be measured at all. A system is asked the first
    question once before, unmeasured: loading a model is no property of a ranking.
    """
    runs: list[tuple[str, Run]] = [(path.stem, read_any_run(path)) for path in wanted.files]
    for factory in wanted.factories:
        search = build(factory, k=wanted.k, folder=wanted.folder, parts=parts, library=library)
        runs.append((factory.name, _asked(factory.name, search, cases)))
    for server in wanted.servers:
        server.probe(cases[0].query)
        runs.append((server.name, run_system(server.search, cases)))
    if parts is not None and library is not None and wanted.needs_library:
        runs += _of_library(wanted, cases, parts, library)
    names = [name for name, _ in runs]
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        raise UsageError(f"Two of the runs have one name: {twice}.", hint="Rename one, or leave it out.")
    return dict(runs)


def read_any_run(path: Path) -> Run:
    """A run file: JSON lines when it ends so, else TREC."""
    return read_run(path) if path.suffix in (".jsonl", ".json") else read_trec_run(path)


def parse_arms(text: str) -> tuple[Arm, ...]:
    """`bm25,dense` -> the arms, in their usual order. Raises UsageError for one that is none."""
    given = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in given if name not in ARMS]
    if unknown or not given:
        raise UsageError(
            f"--arms {text!r}: {(unknown or ['nothing'])[0]} is no arm.", hint=f"There are {', '.join(ARMS)}."
        )
    return tuple(arm for arm in ARMS if arm in given)


def _of_library(
    wanted: Wanted, cases: Sequence[Case], parts: Parts, library: Library
) -> list[tuple[str, Mapping[str, Any]]]:
    """The library's retriever as it is shipped, its arms, and the systems over its chunks."""
    k, collection = wanted.k, wanted.collection

    def run(retriever: Any) -> Run:
        return run_system(lambda query: returned(retriever.search(query, k=k, collection=collection)), cases)

    refuse_degraded(parts.retriever.search(cases[0].query, k=k, collection=collection))
    runs: list[tuple[str, Run]] = [] if wanted.given else [(MAIN, run(parts.retriever))]
    runs += [("arms:" + "+".join(arms), run(only_arms(parts.retrieval, parts.catalog, arms))) for arms in wanted.arms]
    runs += [(f"without:{step}", run(without(parts.retrieval, parts.catalog, step))) for step in wanted.without]
    chosen = set(wanted.named)
    lexical = run_system(rank_bm25(library.chunks(), _DEPTH), cases) if {"bm25", "rrf"} & chosen else {}
    by_cosine = dense_only(parts.retrieval, parts.catalog, _DEPTH, collection)
    dense = run_system(by_cosine, cases) if {"dense", "rrf"} & chosen else {}
    for name in dict.fromkeys(wanted.named):
        if name == MAIN:
            runs.append((f"baseline:{MAIN}", run(parts.retriever)))
        elif name == "llama-index":
            search = build(load_factory(_HYBRID), k=k, folder=None, parts=parts, library=library)
            runs.append((f"baseline:{name}", _asked(name, search, cases)))
        else:
            made = {"bm25": lexical, "dense": dense, "rrf": reciprocal_rank_fusion([lexical, dense], k)}
            runs.append((f"baseline:{name}", first(made[name], k)))
    return runs


def _asked(name: str, search: Search, cases: Sequence[Case]) -> Run:
    """Raises UsageError where every question fails: that is no ranking to measure."""
    run_system(search, cases[:1])
    run = run_system(search, cases)
    if all(returned.error for returned in run.values()):
        raise UsageError(f"{name} fails at every question, first with {run[cases[0].id].error}")
    return run
