"""Homes of several sizes, each measured in processes of its own, and peers beside it on the same texts and vectors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from eval.latency_build import build_home, passages_of, read_real
from eval.latency_corpus import Embedded
from eval.latency_process import cuecard, own_environment
from eval.peers import measure_peer, write_inputs
from ingest.errors import CuecardError
from retrieval.ports import Embedder, Vectors

_HOME_S = 1800.0  # after which the measuring of one home is given up


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, and how. `budget`: seconds for each peer at each size. `tuned`: as `build_home` says."""

    sizes: tuple[int, ...]
    queries_file: Path
    queries: tuple[str, ...]
    rounds: int
    threads: int
    http: bool
    tuned: bool
    peers: tuple[str, ...]
    budget: float
    cache: Path
    model: str


def measure_sizes(plan: Plan, texts: Path, folder: Path, output: Path, *, keep: bool) -> dict[str, Any]:
    """Everything at every size; homes are made in `folder`, and stay there with `keep`. Samples go to `output`.

    Raises CuecardError where a home can't be measured.
    """
    _tell(f"ingesting {texts}")
    embedder = _embedder(plan, folder / "real")
    real, ingest = read_real(texts, folder / "real", embedder)
    asked = embedder.embed_queries(plan.queries)
    sizes = {}
    for size in plan.sizes:
        home = folder / f"{size}"
        _tell(f"{size:,} chunks: making a home")
        made = build_home(home, real, size, embedder, tuned=plan.tuned)
        _tell(f"{size:,} chunks: asking")
        measured = _measured(plan, home, output / f"{size}")
        sizes[f"{size}"] = {**measured, "made": made, "load": os.getloadavg()[0]}
        if plan.peers:
            sizes[f"{size}"]["peers"] = _peers(plan, real, size, folder / f"peers-{size}", asked, measured, output)
        if not keep:
            shutil.rmtree(home, ignore_errors=True)
    return {"ingest": ingest, "queries": len(plan.queries), "rounds": plan.rounds, "sizes": sizes}


def _embedder(plan: Plan, folder: Path) -> Embedder:
    from retrieval.embed import OnnxEmbedder
    from retrieval.models import ensure_model

    return OnnxEmbedder(ensure_model(plan.model, folder, plan.cache))


def _measured(plan: Plan, home: Path, output: Path) -> dict[str, Any]:
    """The home's figures, by this very command in a process of its own: memory is that of a process that only asks."""
    command = [*cuecard(), "eval", "latency", "--home", str(home), "--json", "--queries", str(plan.queries_file)]
    command += ["--rounds", str(plan.rounds), "--threads", str(plan.threads), "--output", str(output)]
    command += [] if plan.http else ["--no-http"]
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, capture_output=True, text=True, env=own_environment(), timeout=_HOME_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CuecardError(f"The home in {home} was not measured within {_HOME_S:g} s.") from error
    if done.returncode:
        raise CuecardError(f"The home in {home} can't be measured: {done.stderr.strip()[-500:]}")
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _peers(
    plan: Plan,
    real: Sequence[Embedded],
    size: int,
    folder: Path,
    asked: Vectors,
    measured: dict[str, Any],
    output: Path,
) -> dict[str, Any]:
    """Each peer's figures, with how many times as long it takes as our hybrid search, which `measured` has."""
    write_inputs(folder, passages_of(real, size), size, plan.queries, asked)
    ours, found = measured["stages"]["hybrid"], {}
    try:
        for name in plan.peers:
            _tell(f"{size:,} chunks: {name}")
            peer = measure_peer(name, folder, size, budget=plan.budget, rounds=plan.rounds)
            if "left_out" not in peer:
                (output / f"{size}" / f"{name}.json").write_text(json.dumps(peer.pop("ms")), encoding="utf-8")
                peer |= {"ratio": peer["p50_ms"] / ours["p50_ms"], "ratio_p95": peer["p95_ms"] / ours["p95_ms"]}
                peer |= {"ratio_best": peer["best_p50_ms"] / ours["best_p50_ms"]}
                peer |= {"ratio_cpu": peer["cpu_ms"] / ours["cpu_ms"]}
            found[name] = peer
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _tell(what: str) -> None:
    click.echo(f"cuecard: {what}", err=True)
