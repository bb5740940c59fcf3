"""What is done to an embedded shard in a process of its own.

Measured on `qdrant-edge-py` 0.9.0: building graphs holds Python's interpreter lock for its whole run (60,000 points:
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

Task = Literal["read", "graph"]

GRAPH_FROM_KB = 375_000
"""KB of vectors of one kind from which a graph is worth building: 250,000 vectors of 384 numbers. Over 100,000 points
comparing all compressed vectors takes 4.7 ms for both dense arms, and finds the exact best 50; with graphs it is
0.9 ms, but of the 50 they miss 6 and 19 % (vectors mixed from real ones and noise; plain vectors take 25 ms)."""

_READ_AT_ONCE = 1000
_TOLD = 300  # characters of what a worker that failed has said
_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def run(task: Task, shard: Path, dim: int) -> None:
    """`read`: open the shard and read all of it. `graph`: build the graphs its size calls for, and make them durable.

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


def config(dim: int) -> qe.EdgeConfig:
    """How a shard keeps vectors of length `dim`: whole, and in 4 bits a number (TurboQuant, Zandieh et al. 2025).

    A shard that was made without the latter is opened without it.
    """
    compressed = qe.TurboQuantQuantizationConfig(bits=qe.TurboQuantBitSize.Bits4, memory=qe.Memory.Pinned)
    best_of_several = qe.MultiVectorConfig(comparator=qe.MultiVectorComparator.MaxSim)
    return qe.EdgeConfig(
        vectors={
            p.PASSAGE: qe.EdgeVectorParams(dim, qe.Distance.Cosine, quantization_config=compressed),
            p.QUESTION: qe.EdgeVectorParams(
                dim, qe.Distance.Cosine, multivector_config=best_of_several, quantization_config=compressed
            ),
        },
        sparse_vectors={p.TERMS: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)},
        optimizers=qe.EdgeOptimizersConfig(indexing_threshold=GRAPH_FROM_KB),
    )


def _main(task: str, folder: str, dim: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends this process
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGKILL)
    shard = qe.EdgeShard.load(folder, config(dim))
    if task == "graph":
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
