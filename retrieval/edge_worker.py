"""What is done to an embedded shard in a process of its own.

Measured on `qdrant-edge-py` 0.9.0: `optimize` holds Python's interpreter lock for its whole run (60,000 points:
minutes), so that nothing else runs and Ctrl-C is not heard; and a damaged file can end the process that opens it (a
broken table of ids asks for 93 GB and aborts). A process of its own can be ended, and its end can be told.
"""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
from pathlib import Path
from typing import Literal

import qdrant_edge as qe

from ingest.errors import IndexUnavailableError
from retrieval import points as p
from retrieval.edge_threads import search_threads

Task = Literal["read", "part", "graph"]

TUNED_FROM = 16_384
"""Points from which an index is worth cutting into parts, one for each core: over 60,000 both dense arms took 3.6 ms in
one part and 1.7 in two, on two cores. More parts cost more: of each the nearest vectors are compared whole."""
GRAPHS_FROM = 250_000
"""Points from which graphs are worth building. Over 250,000 comparing all compressed vectors took 12 ms for both dense
arms on two cores, over 500,000 24 and over 1,000,000 51, and finds the exact best 50; graphs take 5 to 9 ms over
1,000,000, and 194 s to build, but miss some (`_GRAPH_CANDIDATES` in `retrieval.edge`)."""

_EDGES, _TRIED_EDGES = 16, 100  # of each point in a graph; the engine's own defaults
_SCANNED_KB = 10_000  # of vectors that a filter leaves over: fewer are compared without the graph
_MOST_PARTS = 256
_READ_AT_ONCE = 1000
_TOLD = 300  # characters of what a worker that failed has said
_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def run(task: Task, shard: Path, dim: int) -> None:
    """`read`: open the shard and read all of it. `part`: close the part that is written to. `graph`: that, and build
    graphs of all parts.

    The shard must not be open. Raises IndexUnavailableError where the work failed or ended the worker. Whatever is
    raised here meanwhile (Ctrl-C) ends the worker first.
    """
    command = [sys.executable, "-P", "-m", "retrieval.edge_worker", task, str(shard), str(dim)]
    with subprocess.Popen(  # noqa: S603 - our own module
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        try:
            _, said = process.communicate()
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        lines = [line for line in said.splitlines() if line.strip()] or [f"exit code {process.returncode}"]
        raise IndexUnavailableError(f"The index in {shard.parent} can't be read: {lines[0][:_TOLD]}")


def config(dim: int, *, graphs: bool = False) -> qe.EdgeConfig:
    """How a shard keeps vectors of length `dim`: in 16 bits a number, and in 4 (TurboQuant, Zandieh et al. 2025).

    `graphs`: what `optimize` builds. Those in 16 bits stay on disk, of which pages are mapped as they are needed.
    """
    compressed = qe.TurboQuantQuantizationConfig(bits=qe.TurboQuantBitSize.Bits4, memory=qe.Memory.Pinned)
    half = qe.VectorStorageDatatype.Float16
    best_of_several = qe.MultiVectorConfig(comparator=qe.MultiVectorComparator.MaxSim)
    return qe.EdgeConfig(
        vectors={
            p.PASSAGE: qe.EdgeVectorParams(
                dim, qe.Distance.Cosine, datatype=half, quantization_config=compressed, memory=qe.Memory.Cold
            ),
            p.QUESTION: qe.EdgeVectorParams(
                dim,
                qe.Distance.Cosine,
                multivector_config=best_of_several,
                datatype=half,
                quantization_config=compressed,
                memory=qe.Memory.Cold,
            ),
        },
        sparse_vectors={p.TERMS: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)},
        hnsw_config=qe.HnswIndexConfig(
            m=_EDGES if graphs else 0, ef_construct=_TRIED_EDGES, full_scan_threshold=_SCANNED_KB
        ),
        # any part is closed, however small, and none is merged with others: that would make one of all
        optimizers=qe.EdgeOptimizersConfig(indexing_threshold=1, default_segment_number=_MOST_PARTS),
        max_search_threads=search_threads(),
    )


def _main(task: str, folder: str, dim: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends this process
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGKILL)
    shard = qe.EdgeShard.load(folder, config(dim, graphs=task == "graph"))
    if task in ("part", "graph"):
        shard.optimize()
        shard.flush()
    else:
        _read(shard, dim)
    shard.close()


def _read(shard: qe.EdgeShard, dim: int) -> None:
    """Everything that a question or an update reads."""
    offset = None
    while True:
        _, offset = shard.scroll(
            qe.ScrollRequest(offset=offset, limit=_READ_AT_ONCE, with_payload=True, with_vector=True)
        )
        if offset is None:
            break
    plain = [1.0] + [0.0] * (dim - 1)
    for using, asked in ((p.PASSAGE, plain), (p.QUESTION, [plain])):
        shard.query(qe.QueryRequest(query=qe.Query.Nearest(asked, using=using), limit=1))


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
