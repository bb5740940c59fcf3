"""Retrievers of llama-index as systems to evaluate: its own hybrid, and whatever a factory makes.

Importing this module imports llama-index (more than a second), so it happens only where one is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llama_index.core import VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms.mock import MockLLM
from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever
from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
from llama_index.core.schema import BaseNode, MetadataMode, NodeWithScore, QueryBundle, TextNode

from eval.runs import Result, Returned
from eval.systems import Search
from ingest.errors import UsageError
from ingest.items import Chunk
from retrieval.indexer import ChunkIndexer, passage_text
from retrieval.ports import Embedder
from retrieval.terms import tokenize

DEPTH = 100
"""Candidates of each half of the hybrid, as many as the baseline `rrf` fuses."""

FILE_KEYS = ("file", "document", "file_path", "file_name")
"""Where a node's metadata may name its file; the first that is there counts. The last two are llama-index's."""


class LibraryEmbedding(BaseEmbedding):
    """The library's embedding model as llama-index wants it. Passages of the library come from the cache."""

    _embedder: Embedder = PrivateAttr()
    _known: Mapping[str, list[float]] = PrivateAttr()

    def __init__(self, embedder: Embedder, known: Mapping[str, list[float]] | None = None) -> None:
        """`known`: passages whose vectors need not be made again."""
        super().__init__(model_name=embedder.fingerprint)
        self._embedder, self._known = embedder, known or {}

    def _get_query_embedding(self, query: str) -> list[float]:
        return _floats(self._embedder.embed_queries([query])[0])

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        made = map(_floats, self._embedder.embed_passages(missing)) if missing else ()
        fresh = dict(zip(missing, made, strict=True))
        return [self._known[text] if text in self._known else fresh[text] for text in texts]


class Bm25Retriever(BaseRetriever):
    """rank-bm25's BM25Okapi over nodes, with the terms of the library's lexical arm."""

    def __init__(self, nodes: Sequence[BaseNode], k: int) -> None:
        from rank_bm25 import BM25Okapi

        super().__init__()
        self._nodes, self._k = nodes, k
        texts = [node.get_content(MetadataMode.EMBED) for node in nodes]
        self._scorer = BM25Okapi([tokenize(text) for text in texts])

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        scores = self._scorer.get_scores(tokenize(query_bundle.query_str))
        best = sorted(range(len(self._nodes)), key=lambda at: -scores[at])[: self._k]
        return [NodeWithScore(node=self._nodes[at], score=float(scores[at])) for at in best]


def hybrid(nodes: Sequence[BaseNode], embed_model: BaseEmbedding, k: int) -> BaseRetriever:
    """llama-index's own hybrid: QueryFusionRetriever by reciprocal rank over its vector retriever and BM25.

    No further queries are generated, so no language model is asked.
    """
    vectors = VectorStoreIndex(nodes=list(nodes), embed_model=embed_model, transformations=[])
    return QueryFusionRetriever(
        [vectors.as_retriever(similarity_top_k=DEPTH), Bm25Retriever(nodes, DEPTH)],
        llm=MockLLM(),
        mode=FUSION_MODES.RECIPROCAL_RANK,
        similarity_top_k=k,
        num_queries=1,
        use_async=False,
    )


def library_nodes(chunks: Sequence[tuple[str, Chunk]]) -> list[BaseNode]:
    """The library's chunks as nodes. What is embedded is what the library embeds: the context and the text."""
    return [
        TextNode(
            id_=f"{path}#{chunk.id}",
            text=chunk.text,
            metadata={"file": path, "start": chunk.span.start, "end": chunk.span.end, "context": chunk.context},
            excluded_embed_metadata_keys=["file", "start", "end"],
            metadata_template="{value}",
            text_template="{metadata_str}\n{content}",
        )
        for path, chunk in chunks
    ]


def library_embedding(
    embedder: Embedder, indexer: ChunkIndexer, chunks: Sequence[tuple[str, Chunk]]
) -> LibraryEmbedding:
    """The library's model, with the vectors of all its chunks at hand."""
    found = [chunk for _, chunk in chunks]
    vectors = indexer.embed_passages(found)
    known = {passage_text(chunk): _floats(vector) for chunk, vector in zip(found, vectors, strict=True)}
    return LibraryEmbedding(embedder, known)


def as_search(retriever: Any, k: int, folder: Path | None) -> Search:
    """A llama-index retriever as a system. `folder`: what absolute paths in metadata count from.

    Raises UsageError where `retriever` is none. The search raises UsageError for a node that names no file.
    """
    if not isinstance(retriever, BaseRetriever):
        raise UsageError(f"The factory made a {type(retriever).__name__}, which is no llama-index BaseRetriever.")

    def search(query: str) -> Returned:
        return Returned(tuple(to_result(found, folder) for found in retriever.retrieve(query)[:k]))

    return search


def to_result(found: NodeWithScore, folder: Path | None) -> Result:
    """A node as a passage: its file by metadata, its span where metadata has `start` and `end`, else its text alone.

    llama-index's own `start_char_idx` counts from the part of the file that a reader made a document of, so it is no
    span. Raises UsageError for a node that names no file.
    """
    metadata = found.node.metadata
    named = next((str(metadata[key]) for key in FILE_KEYS if metadata.get(key)), None)
    if named is None:
        hint = f"Put the path from the corpus folder into its metadata, as {FILE_KEYS[0]!r}."
        raise UsageError(f"The node {found.node.node_id} doesn't say which file it is from.", hint=hint)
    start, end = metadata.get("start"), metadata.get("end")
    whole = isinstance(start, int) and isinstance(end, int)
    return Result(
        file=_relative(named, folder),
        start=start if whole else None,
        end=end if whole else None,
        text=found.node.get_content(MetadataMode.NONE),
        score=None if found.score is None else float(found.score),
        chunk_id=found.node.node_id,
    )


def _relative(file: str, folder: Path | None) -> str:
    path = Path(file)
    if folder is not None and path.is_absolute() and path.is_relative_to(folder.absolute()):
        return path.relative_to(folder.absolute()).as_posix()
    return file.removeprefix("./")


def _floats(vector: Any) -> list[float]:
    return [float(value) for value in vector]
