"""The words, tables and plot of a measurement of speed: what the terminal shows, `report.md` and `cost.svg`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from eval.peers import PEERS
from eval.results import table

ORDER = (
    *("embed", "index", "fuse", "hybrid", "rerank", "search", "search_reranked", "cached", "answer", "check", "ask"),
    *("check_claim", "check_ten", "ask_cached", "http_search", "http_cached", "http_ask", "http_check"),
)
TIMES = ("p50", "p95", "p99", "best_p50", "best_p95")
TIMES_NAMED = ("p50 ms", "p95 ms", "p99 ms", "best p50", "best p95", "cpu ms")
CONDITIONS = """\
`embed`: the question's vector. `index`: all arms of the index. `fuse`: fusing, loading the chunks that are
live, and describing how well they fit. `search`: all three. `cached`: the same search again. `hybrid`: a search
by a vector that is there already, which is what peers are compared with. None of these is with a reranker;
`search_reranked` is, where there is one. `answer`, `check` and `ask`: the stages of an answer, and all of it;
`ask_cached`: the same question again. `check_claim`, `check_ten`: the checker alone, with one claim and with ten, each
a sentence of the five passages found, in other words. `http_...`: as a client on this machine sees it, on one
connection. `/s`: one after another; `at once`: several threads in process (by default as many as there are cores), or 4
clients. All after a warm-up, garbage collection as in production, every question in each round in another order."""
SYNTHETIC = """\
What is synthetic: the first chunks are the real ones of the given texts, with vectors of the embedding model; all
others have the halves of two real texts and invented words between them, by a Zipf distribution, and vectors mixed from
the two and noise. They were written straight into catalog, embedding cache and index. Links between documents are not
computed. Peers get the same texts, the same passage vectors and the same query vectors; theirs has no question arm."""
WAITED = """\
`waited`: the share of the threads' time in which they were ready to run and others had the cores. On an idle machine
those are the process's own, where several ask at once or search side by side (10 to 20 % with us). Where it is more
than in other runs, the figures say less about the system than about the machine, p95 and p99 first.
`best p50` and `best p95` are over the questions, each by its fastest round: nearer to what an idle machine shows.
`cpu ms`: processor time of all the process's threads for one question, in the mean; others' work hardly changes it."""


def stages_table(sizes: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each stage at each size."""
    rows = []
    for size, home in sizes.items():
        for stage in sorted(home["stages"], key=_place):
            one = home["stages"][stage]
            ms = [*(f"{one[f'{figure}_ms']:.2f}" for figure in TIMES), _tenth(one.get("cpu_ms"))]
            rows.append([stage, _number(size), *ms, one["n"], f"{one['per_s']:.0f}", _whole(one.get("per_s_at_once"))])
    return table(["stage", "chunks", *TIMES_NAMED, "n", "/s", "/s at once"], rows)


def homes_table(sizes: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each size: what the home takes in memory, on disk and to start."""
    rows = []
    for size, home in sizes.items():
        memory, http = home["memory_mb"], home.get("http", {})
        disk = {name: mb for name, mb in home["disk_mb"].items() if not name.startswith("models")}
        server = http.get("memory_mb", {})
        seconds = [_tenth(value) for value in (http.get("ready_s"), home.get("cold_ask_s"))]
        sides = [_whole(memory[name]) for name in ("rss", "pss", "own")]
        parts = [
            _whole(sum(mb for name, mb in disk.items() if name.startswith(p)))
            for p in ("index", "catalog", "embeddings")
        ]
        rows.append([_number(size), *sides, _whole(server.get("rss")), *parts, *seconds, _share(home.get("waited"))])
    memory_names = ["RSS MB", "PSS MB", "unmapped MB", "server RSS MB"]
    disk_names = ["index MB", "catalog MB", "cache MB"]
    return table(["chunks", *memory_names, *disk_names, "serve ready s", "cold ask s", "waited"], rows)


def made_table(sizes: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each size: what making the home took."""
    rows = []
    for size, home in sizes.items():
        made = home["made"]
        steps = [_tenth(made["seconds"][step]) for step in ("catalog", "embedding cache", "index", "tuning", "close")]
        rows.append([_number(size), made["real"], *steps, _whole(made["written_per_s"])])
    return table(["chunks", "real", "catalog s", "cache s", "index s", "tuning s", "close s", "written/s"], rows)


def peers_table(sizes: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each system at each size; ratios are of its time to ours."""
    rows = []
    for size, home in sizes.items():
        if "peers" in home:
            seconds = home["made"]["seconds"]
            ours = {
                **home["stages"]["hybrid"],
                "ratio": 1.0,
                "ratio_best": 1.0,
                "ratio_cpu": 1.0,
                "waited": home["waited"],
            }
            ours |= {"build_s": seconds["index"] + seconds["tuning"], "memory_mb": home["memory_mb"]}
            rows.append(["cuecard hybrid", _number(size), *_peer_cells(ours)])
            rows += [[PEERS[name].label, _number(size), *_peer_cells(peer)] for name, peer in home["peers"].items()]
    header = [*TIMES_NAMED, "× p50", "× best", "× cpu", "build s", "RSS MB", "n", "waited", "left out"]
    return table(["system", "chunks", *header], rows) if rows else ""


def targets_table(targets: Sequence[Mapping[str, Any]]) -> str:
    """A row for each target whose figure was measured."""
    rows = [[each["target"], f"{each['measured']:.4g}", "kept" if each["kept"] else "missed"] for each in targets]
    return table(["target", "measured", ""], rows) if rows else ""


def overview(summary: Mapping[str, Any]) -> str:
    """The tables of a summary, of several sizes or of the home at hand."""
    if "sizes" not in summary:
        here = {f"{summary['chunks']}": summary}
        parts = [
            f"{summary['documents']} documents, {summary['chunks']} chunks.",
            stages_table(here),
            homes_table(here),
            targets_table(summary["targets"]),
        ]
    else:
        ingest, sizes = summary["ingest"], summary["sizes"]
        rate = f", {ingest['chunks_per_s']:.1f} chunks/s" if ingest["chunks_per_s"] else ""
        came = f"{ingest['chunks']} chunks in {ingest['seconds']:.1f} s{rate}"
        parts = [
            f"Ingest of {ingest['documents']} real documents: {came}.",
            stages_table(sizes),
            homes_table(sizes),
            made_table(sizes),
            peers_table(sizes),
        ]
        parts.append(targets_table(summary["targets"]))
    parts += [f"Fell short: {line}." for line in summary["shortfalls"]]
    parts.append(f"Results: {summary['output']}{summary['plot']}")
    return "\n\n".join(part for part in parts if part)


def report(summary: Mapping[str, Any], environment: Mapping[str, Any]) -> str:
    """`report.md`."""
    several = "sizes" in summary
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items() if version)
    where = f"{environment['cores']} cores, {environment['platform']}, Python {environment['python']}; {packages}."
    asked = f"{summary['queries']} questions, {summary['rounds']} rounds; over HTTP 1."
    parts = ["# Speed and size", overview(summary), "## Conditions", where, asked, CONDITIONS, WAITED]
    plot = ["![Cost against size](cost.svg)"] if several and not summary["plot"] else []
    return "\n\n".join([*parts, *([SYNTHETIC] if several else []), *plot]) + "\n"


def draw(sizes: Mapping[str, Mapping[str, Any]], file: Path) -> str:
    """Draw cost against size into an SVG file; "" or why there is none."""
    if find_spec("matplotlib") is None:
        return " (no plot: matplotlib is not installed)"
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    time, space = figure.subplots(1, 2)
    at = [int(size) for size in sizes]
    homes = list(sizes.values())
    for stage, share, style in (("hybrid", 50, "-"), ("search", 50, "-"), ("search", 95, "--"), ("cached", 95, ":")):
        values = [home["stages"][stage][f"p{share}_ms"] for home in homes]
        time.plot(at, values, style, marker="o", label=f"cuecard {stage} p{share}")
    for name, peer in PEERS.items():
        known = [(n, home["peers"][name]["p50_ms"]) for n, home in zip(at, homes, strict=True) if _has(home, name)]
        if known:
            time.plot(*zip(*known, strict=True), "-", marker="x", alpha=0.7, label=f"{peer.label} p50")
    time.set(xscale="log", yscale="log", xlabel="chunks", ylabel="ms a question", title="Time")
    space.plot(at, [home["memory_mb"]["rss"] or 0 for home in homes], marker="o", label="resident memory")
    space.plot(at, [sum(home["disk_mb"].values()) for home in homes], marker="s", label="home on disk")
    space.set(xscale="log", yscale="log", xlabel="chunks", ylabel="MB", title="Space")
    for axes in (time, space):
        axes.grid(visible=True, which="both", alpha=0.2)
        axes.legend(fontsize="small")
    figure.savefig(file, format="svg", metadata={"Date": None})
    return ""


def _has(home: Mapping[str, Any], name: str) -> bool:
    return "p50_ms" in home.get("peers", {}).get(name, {})


def _peer_cells(peer: Mapping[str, Any]) -> list[Any]:
    if "left_out" in peer:
        return [*[None] * (len(TIMES_NAMED) + 7), peer["left_out"]]
    ms = [*(f"{peer[f'{figure}_ms']:.2f}" for figure in TIMES), _tenth(peer.get("cpu_ms"))]
    ratios = [_tenth(peer.get(name)) for name in ("ratio", "ratio_best", "ratio_cpu")]
    rss = peer.get("memory_mb", {}).get("rss")
    return [*ms, *ratios, _tenth(peer.get("build_s")), _whole(rss), peer["n"], _share(peer.get("waited")), ""]


def _place(stage: str) -> int:
    return ORDER.index(stage) if stage in ORDER else len(ORDER)


def _number(size: str) -> str:
    return f"{int(size):,}"


def _whole(value: float | None) -> str | None:
    return None if value is None else f"{value:,.0f}"


def _tenth(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.0%}"
