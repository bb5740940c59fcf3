"""The retriever as a llama-index `BaseRetriever`, for anything that is built from llama-index parts.

Importing this module imports llama-index (more than a second): nothing on cuecard's own way to an answer does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llama_index.core.callbacks import CallbackManager
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeRelationship, NodeWithScore, QueryBundle, RelatedNodeInfo, TextNode

from retrieval.hits import Hit
from retrieval.retriever import Retriever

# What a language model should not read: numbers and hashes are for citing, not for answering.
_FOR_MACHINES = ["start", "end", "line_start", "line_end", "page", "version", "collection", "rank", "kind"]


class CuecardRetriever(BaseRetriever):
    """Hits as nodes: their text is verbatim, their metadata says where it stands (path, span, lines, version)."""

    def __init__(
        self,
        retriever: Retriever,
        *,
        k: int = 10,
        collection: str | None = None,
        filters: Mapping[str, str | Sequence[str]] | None = None,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        """`k`, `collection` and `filters` as in `Retriever.search`; they hold for every query."""
        super().__init__(callback_manager=callback_manager)
        self._retriever = retriever
        self._k = k
        self._collection = collection
        self._filters = filters

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        result = self._retriever.search(
            query_bundle.query_str, k=self._k, collection=self._collection, filters=self._filters
        )
        return [to_node(hit) for hit in result.hits]


def to_node(hit: Hit) -> NodeWithScore:
    """A hit as a scored node. `start`, `end` in its metadata are offsets into the document's canonical text."""
    chunk = hit.chunk
    metadata = {
        "title": chunk.title,
        "heading": " > ".join(chunk.heading),
        "question": chunk.question,
        "document": chunk.document,
        "collection": chunk.collection,
        "version": chunk.version,
        "kind": chunk.kind,
        "rank": hit.rank,
        "start": chunk.span.start,
        "end": chunk.span.end,
        "line_start": chunk.span.line_start,
        "line_end": chunk.span.line_end,
        "page": chunk.span.page,
    }
    node = TextNode(
        id_=chunk.id,
        text=chunk.text,
        metadata={key: value for key, value in metadata.items() if value not in (None, "")},
        excluded_llm_metadata_keys=_FOR_MACHINES,
        excluded_embed_metadata_keys=list(metadata),
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=chunk.document_id)},
    )
    return NodeWithScore(node=node, score=hit.score)
