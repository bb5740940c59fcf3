"""Factories for `--system`, as somebody outside would write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from llama_index.core import SimpleDirectoryReader, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import BaseNode, NodeWithScore, QueryBundle, TextNode


class Fixed(BaseRetriever):
    """Gives the same nodes to every question."""

    def __init__(self, nodes: Sequence[BaseNode]) -> None:
        super().__init__()
        self._nodes = nodes

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if "colour" in query_bundle.query_str:
            raise RuntimeError("no colours")
        return [NodeWithScore(node=node, score=1.0) for node in self._nodes]


def by_vectors(nodes: list[BaseNode], embed_model: BaseEmbedding, k: int) -> BaseRetriever:
    """Over the library's chunks, with the library's model."""
    return VectorStoreIndex(nodes, embed_model=embed_model, transformations=[]).as_retriever(similarity_top_k=k)


def from_folder(folder: Path) -> BaseRetriever:
    """Over the files themselves, read by llama-index."""
    documents = SimpleDirectoryReader(str(folder), recursive=True).load_data()
    return Fixed([node for node in documents if "stampede" in node.get_content()])


def alone() -> BaseRetriever:
    """Made from nothing that was given."""
    return Fixed([TextNode(text="x", metadata={"file": "./qa/caching.md", "start": 0, "end": 400})])


def nameless() -> BaseRetriever:
    """Its nodes don't say where they are from."""
    return Fixed([TextNode(text="x")])


def broken() -> BaseRetriever:
    """Fails."""
    raise ZeroDivisionError


def no_retriever() -> dict[str, str]:
    """Makes something else."""
    return {}
