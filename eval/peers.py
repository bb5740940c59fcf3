"""Other systems that search the same texts by words and by the same vectors, each in a process of its own.

A peer is given `texts.jsonl`, `vectors.npy`, `queries.jsonl` and `query_vectors.npy` in a folder, builds what it needs
in a folder beside them, and answers every query with the texts of its best ten. Embedding is not its business. Each is
set up as its documentation shows, with its own words and its own fusion.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from eval.latency_cores import cores_waited, memory_mb
from eval.latency_stages import figures, rounds_of
from retrieval.ports import Vectors

Query = Callable[[str, Vectors], Sequence[str]]
"""A question and its vector -> the best texts."""

RRF_K = 60
_DEPTH = 50  # asked of each side before they are fused, as ours does
_APPROXIMATE_FROM = 50_000  # vectors from which a peer that can gets an approximate index, as ours does about there
_ROUNDS_SHARE = 0.7  # of the budget, after which no more questions are asked
_WARM = 5
_LEAST = 10  # questions, fewer of which say nothing


@dataclass(frozen=True, slots=True)
class Peer:
    """One system. `needs`: the modules that it is made of, from `packages`.

    `most`: chunks above which it is not tried, because it would take longer than anybody waits, or more memory than
    there is, and `why`.
    """

    label: str
    needs: tuple[str, ...]
    packages: tuple[str, ...]
    build: Callable[[Sequence[str], Vectors, Path, int], Query]
    most: int
    why: str = "each question is compared with every text in Python"


def lancedb(texts: Sequence[str], vectors: Vectors, folder: Path, k: int) -> Query:
    """LanceDB: hybrid search of a table with a full-text index, fused by its RRF."""
    import lancedb as lance
    import pyarrow as pa

    column = pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors).ravel()), vectors.shape[1])
    rows = pa.table({"vector": column, "text": pa.array(texts)})
    table = lance.connect(str(folder / "lancedb")).create_table("texts", rows, mode="overwrite")
    table.create_fts_index("text", replace=True)
    if len(texts) >= _APPROXIMATE_FROM:
        table.create_index(metric="cosine", vector_column_name="vector", index_type="IVF_HNSW_SQ")
    table.optimize()

    def query(text: str, vector: Vectors) -> Sequence[str]:
        found = table.search(query_type="hybrid").vector(vector.tolist()).text(" ".join(_words(text))).limit(k)
        return [str(row["text"]) for row in found.to_list()]

    return query


def llama_index(texts: Sequence[str], vectors: Vectors, _: Path, k: int) -> Query:
    """llama-index: QueryFusionRetriever over its default vector store and its BM25 retriever, by reciprocal rank."""
    from llama_index.core import MockEmbedding, QueryBundle, VectorStoreIndex
    from llama_index.core.llms import MockLLM
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
    from llama_index.core.schema import TextNode
    from llama_index.retrievers.bm25 import BM25Retriever

    nodes = [
        TextNode(id_=str(number), text=text, embedding=vector.tolist())
        for number, (text, vector) in enumerate(zip(texts, vectors, strict=True))
    ]
    index = VectorStoreIndex(nodes, embed_model=MockEmbedding(embed_dim=vectors.shape[1]))
    lexical = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=_DEPTH)
    retriever = QueryFusionRetriever(
        [index.as_retriever(similarity_top_k=_DEPTH), lexical],
        llm=MockLLM(),
        mode=FUSION_MODES.RECIPROCAL_RANK,
        similarity_top_k=k,
        num_queries=1,
        use_async=False,
    )

    def query(text: str, vector: Vectors) -> Sequence[str]:
        return [node.text for node in retriever.retrieve(QueryBundle(text, embedding=vector.tolist()))]

    return query


def haystack(texts: Sequence[str], vectors: Vectors, _: Path, k: int) -> Query:
    """Haystack: the in-memory store's BM25 and embedding retrievers, joined by reciprocal rank."""
    os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
    from haystack import Document
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    store.write_documents(
        [
            Document(id=str(number), content=text, embedding=vector.tolist())
            for number, (text, vector) in enumerate(zip(texts, vectors, strict=True))
        ]
    )
    lexical = InMemoryBM25Retriever(store, top_k=_DEPTH)
    dense = InMemoryEmbeddingRetriever(store, top_k=_DEPTH)
    joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=k)

    def query(text: str, vector: Vectors) -> Sequence[str]:
        sides = [lexical.run(query=text)["documents"], dense.run(query_embedding=vector.tolist())["documents"]]
        return [str(document.content) for document in joiner.run(documents=sides)["documents"]]

    return query


def rank_bm25(texts: Sequence[str], vectors: Vectors, _: Path, k: int) -> Query:
    """rank-bm25's BM25Okapi and exact cosines by numpy, fused by RRF."""
    from rank_bm25 import BM25Okapi

    scorer = BM25Okapi([_words(text) for text in texts])

    def query(text: str, vector: Vectors) -> Sequence[str]:
        return _fused(texts, [_best(scorer.get_scores(_words(text))), _best(vectors @ vector)], k)

    return query


def bm25s_faiss(texts: Sequence[str], vectors: Vectors, _: Path, k: int) -> Query:
    """bm25s and a FAISS index (exact, HNSW for many vectors), fused by RRF."""
    import bm25s
    import faiss

    words = bm25s.BM25()
    words.index(bm25s.tokenize(list(texts), stopwords="en", show_progress=False), show_progress=False)
    exact = len(texts) < _APPROXIMATE_FROM
    index = (
        faiss.IndexFlatIP(vectors.shape[1])
        if exact
        else faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    )
    index.add(vectors)
    depth = min(_DEPTH, len(texts))

    def query(text: str, vector: Vectors) -> Sequence[str]:
        asked = bm25s.tokenize([text], stopwords="en", show_progress=False)
        lexical, _ = words.retrieve(asked, k=depth, show_progress=False)
        _, dense = index.search(vector[None], depth)
        return _fused(texts, [lexical[0].tolist(), dense[0].tolist()], k)

    return query


PEERS: Mapping[str, Peer] = {
    "lancedb": Peer("LanceDB hybrid", ("lancedb", "pyarrow"), ("lancedb",), lancedb, 2_000_000),
    "llama_index": Peer(
        "llama-index fusion retriever",
        ("llama_index.core", "llama_index.retrievers.bm25"),
        ("llama-index-core", "llama-index-retrievers-bm25"),
        llama_index,
        50_000,
    ),
    "haystack": Peer("Haystack in-memory", ("haystack",), ("haystack-ai",), haystack, 50_000),
    "rank_bm25": Peer("rank-bm25 + numpy", ("rank_bm25",), ("rank-bm25",), rank_bm25, 200_000),
    "bm25s": Peer("bm25s + FAISS", ("bm25s", "faiss"), ("bm25s", "faiss-cpu"), bm25s_faiss, 2_000_000),
}
"""By the name that a figure has (`lancedb_ratio`)."""


def versions() -> dict[str, str | None]:
    """The peers' packages with their versions; None for what is not installed."""
    found: dict[str, str | None] = {}
    for package in (package for peer in PEERS.values() for package in peer.packages):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def write_inputs(
    folder: Path, passages: Iterator[tuple[str, Vectors]], size: int, queries: Sequence[str], asked: Vectors
) -> None:
    """What peers read: `size` texts with their vectors, and the queries with theirs."""
    folder.mkdir(parents=True, exist_ok=True)
    vectors = np.lib.format.open_memmap(folder / "vectors.npy", "w+", np.float32, (size, asked.shape[1]))
    with (folder / "texts.jsonl").open("w", encoding="utf-8") as out:
        for number, (text, vector) in enumerate(passages):
            vectors[number] = vector
            out.write(json.dumps(text, ensure_ascii=False) + "\n")
    vectors.flush()
    np.save(folder / "query_vectors.npy", asked)
    (folder / "queries.jsonl").write_text("".join(json.dumps(q) + "\n" for q in queries), encoding="utf-8")


def measure_peer(name: str, folder: Path, size: int, *, budget: float, rounds: int, k: int = 10) -> dict[str, Any]:
    """A peer's figures, or `left_out` with the reason. `budget`: seconds for all of it, its building included."""
    peer = PEERS[name]
    if not all(map(_is_there, peer.needs)):
        return {"left_out": "not installed"}
    if size > peer.most:
        return {"left_out": f"not tried above {peer.most:,} chunks: {peer.why}"}
    command = [sys.executable, "-m", "eval.peers", name, str(folder), str(k), str(rounds), str(budget)]
    # peers use as many threads as their libraries like; ours are told what suits us
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    environment |= {"PYTHONWARNINGS": "ignore", "HF_HUB_OFFLINE": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, capture_output=True, text=True, timeout=budget, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return {"left_out": f"not built within the budget of {budget:g} s"}
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit code {done.returncode}"]
        return {"left_out": f"failed: {said[-1][:200]}"}
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if measured.pop("cut") and measured["n"] < _LEAST:
        built = f"building took {measured['build_s']:.0f} s of the budget of {budget:g} s"
        return {"left_out": f"{built}, which left time for fewer than {_LEAST} questions"}
    return measured


def _measure(name: str, folder: Path, k: int, rounds: int, budget: float) -> dict[str, Any]:
    """In the peer's process: build, warm up, ask until the rounds are done or the budget is nearly spent."""
    started = time.perf_counter()
    texts = [json.loads(line) for line in (folder / "texts.jsonl").read_text(encoding="utf-8").split("\n") if line]
    queries = [json.loads(line) for line in (folder / "queries.jsonl").read_text(encoding="utf-8").split("\n") if line]
    vectors, asked = np.load(folder / "vectors.npy"), np.load(folder / "query_vectors.npy")
    own = folder / name
    own.mkdir(exist_ok=True)
    begun = time.perf_counter()
    query = PEERS[name].build(texts, vectors, own, k)
    built = time.perf_counter() - begun
    for number in islice(range(len(queries)), _WARM):
        if not query(queries[number], asked[number]):
            raise RuntimeError(f"{name} finds nothing for {queries[number]!r}")
    samples: list[tuple[int, float]] = []
    cpu = time.process_time()
    with cores_waited() as waited:
        for _, block in rounds_of(len(queries), rounds):
            for at in block:
                if samples and time.perf_counter() - started > _ROUNDS_SHARE * budget:
                    break
                before = time.perf_counter()
                query(queries[at], asked[at])
                samples.append((at, (time.perf_counter() - before) * 1000))
    return {
        **figures(samples),
        "cpu_ms": (time.process_time() - cpu) * 1000 / len(samples),
        "cut": len(samples) < rounds * len(queries),
        "build_s": built,
        "waited": waited(),
        "memory_mb": memory_mb(),
        "ms": [ms for _, ms in samples],
    }


def _fused(texts: Sequence[str], sides: Sequence[Sequence[int]], k: int) -> list[str]:
    scores: dict[int, float] = {}
    for side in sides:
        for rank, number in enumerate(side, 1):
            scores[number] = scores.get(number, 0.0) + 1 / (RRF_K + rank)
    return [texts[number] for number in sorted(scores, key=lambda n: -scores[n])[:k]]


def _best(scores: Any) -> list[int]:
    depth = min(_DEPTH, len(scores))
    found = np.argpartition(-scores, depth - 1)[:depth]
    ordered: list[int] = found[np.argsort(-scores[found])].tolist()
    return ordered


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))))  # noqa: T201
