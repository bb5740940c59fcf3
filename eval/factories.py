"""`--system MODULE:FACTORY`: a llama-index retriever that somebody's function makes.

The factory is called with those of four things that it has parameters for, by name:

    folder       Path, the folder of --corpus: for a factory that reads and cuts the files itself
    nodes        list[TextNode], the library's chunks: for one that searches the same passages
    embed_model  BaseEmbedding, the library's model (vectors of `nodes` are at hand)
    k            int, how many hits a question gets

It returns a llama-index BaseRetriever. MODULE is found as `python -m` finds it, the working directory first.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.systems import Search
from ingest.errors import UsageError

if TYPE_CHECKING:
    from eval.library import Library
    from eval.ports import Parts

_FROM_LIBRARY = frozenset({"nodes", "embed_model"})
_OFFERED = ("folder", "nodes", "embed_model", "k")


@dataclass(frozen=True, slots=True)
class Factory:
    """A function that makes a retriever. `wants`: those of its parameters that it is given."""

    name: str
    make: Callable[..., Any]
    wants: tuple[str, ...]

    @property
    def needs_library(self) -> bool:
        """Whether it asks for the library's chunks or model."""
        return not _FROM_LIBRARY.isdisjoint(self.wants)

    @property
    def needs_folder(self) -> bool:
        """Whether it asks for the corpus folder."""
        return "folder" in self.wants


def load_factory(spec: str) -> Factory:
    """The factory of `module:name`. Raises UsageError where there is none, or one that wants what nobody can give."""
    module_name, _, attribute = spec.partition(":")
    if not module_name or not attribute:
        raise UsageError(f"--system {spec!r} names no factory.", hint="Write MODULE:FACTORY.")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        make = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"--system {spec}: {error}.", hint="Name a module that can be imported here.") from error
    except Exception as error:
        raise UsageError(f"--system {spec}: importing it fails with {type(error).__name__}: {error}.") from error
    if not callable(make):
        raise UsageError(f"--system {spec}: is a {type(make).__name__}, not a function.")
    return Factory(spec, make, _wanted(spec, make))


def build(factory: Factory, *, k: int, folder: Path | None, parts: Parts | None, library: Library | None) -> Search:
    """The factory's retriever as a system.

    Raises UsageError where the factory fails, where it wants a folder or a library that is not given, or where what
    it makes is no retriever.
    """
    if factory.needs_folder and folder is None:
        raise UsageError(f"--system {factory.name} reads a folder.", hint="Name it with --corpus DIR.")
    given: dict[str, Any] = {"folder": folder, "k": k}
    if factory.needs_library:
        if parts is None or library is None:
            raise UsageError(f"--system {factory.name} searches the library's chunks, and there is no library.")
        given |= _of_library(parts, library)
    from eval.llama_systems import as_search

    try:
        made = factory.make(**{name: given[name] for name in factory.wants})
    except Exception as error:
        raise UsageError(f"--system {factory.name} fails with {type(error).__name__}: {error}.") from error
    return as_search(made, k, folder)


def _of_library(parts: Parts, library: Library) -> dict[str, Any]:
    from eval.llama_systems import library_embedding, library_nodes

    chunks = list(library.chunks())
    retrieval = parts.retrieval
    return {
        "nodes": library_nodes(chunks),
        "embed_model": library_embedding(retrieval.embedder, retrieval.indexer, chunks),
    }


def _wanted(spec: str, make: Callable[..., Any]) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(make).parameters.values()
    except ValueError as error:
        raise UsageError(f"--system {spec}: doesn't say what it wants.", hint="Name a function of your own.") from error
    known = tuple(p.name for p in parameters if p.name in _OFFERED and p.kind != p.POSITIONAL_ONLY)
    for p in parameters:
        demanded = p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        if demanded and p.name not in known:
            offered = ", ".join(_OFFERED)
            raise UsageError(f"--system {spec}: nobody can give it {p.name!r}.", hint=f"It may want {offered}.")
    return known
