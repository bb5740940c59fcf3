"""`cuecard eval grounding`: figures by hand, by set and by kind of claim; verdicts of others; regressions."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering.answers import GivenSource
from answering.build import build_checker
from eval.clustered import grounding_intervals
from eval.grounding import Checked, CheckedClaim, Pair, by_claim_type, calibration, check_all, figures, read_pairs
from eval.stats import auroc, calibration_error
from ingest.errors import NotFoundError, UsageError
from tests.eval.conftest import FakeHome
from tests.eval.test_commands import records, run
from tests.eval.test_pages import cells_of, check_page, figures_of

SOURCE = "Redis keeps up to 512 megabytes in one string value. A key expires after its time to live."
PAIRS: list[dict[str, Any]] = [
    {"id": "1", "answer": "Redis keeps up to 512 megabytes in one string value.", "label": 1, "set": "a"},
    {"id": "2", "answer": "Redis keeps up to 64 megabytes in one string value.", "label": 0, "set": "a"},
    {"id": "3", "answer": "A key expires after its time to live.", "label": 1, "set": "b"},
    {
        "id": "4",
        "answer": "A key expires after its time to live. Penguins sing opera on Neptune.",
        "label": 0,
        "set": "b",
        "spans": [{"start": 38, "end": 69}],
    },
]
HERE = Path(__file__).parents[2].parent / "shared" / "grounding" / "dev.jsonl"


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps({"sources": [SOURCE], **row}) for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write(tmp_path / "pairs.jsonl", PAIRS)


def pair(name: str, *, supported: bool, spans: tuple[tuple[int, int], ...] | None = None, group: str = "") -> Pair:
    return Pair(name, "x" * 40, ("s",), supported, spans=spans, group=group or name)


def test_the_checker_is_measured_by_set_and_by_kind_of_claim(pairs: Path, tmp_path: Path) -> None:
    nobody, out = FakeHome(None), tmp_path / "o"
    given = ["grounding", "--pairs", pairs, "--output", out]
    assert run(nobody, *given, "--fail-under", "auroc=1", "--fail-under", "balanced_accuracy:b=1").exit_code == 0
    (summary,) = nobody.shown
    overall = summary["overall"]
    assert (overall["answers"], overall["supported"], overall["failed"]) == (4, 2, 0)
    assert (overall["auroc"], overall["balanced_accuracy"], overall["f1"], overall["f1_unsupported"]) == (1, 1, 1, 1)
    assert list(summary["facets"]) == ["set"]
    assert {name: found["answers"] for name, found in summary["facets"]["set"].items()} == {"a": 2, "b": 2}
    assert summary["claim_types"]["numbers"]["claims"] == 2
    assert sum(b["n"] for b in summary["calibration"]) == 4
    assert {path.name for path in out.iterdir()} >= {"config.json", "summary.json", "per_query.jsonl", "report.md"}
    assert [r["passed"] for r in records(out / "per_query.jsonl")] == [True, False, True, False]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert len(check_page(page).find_all("svg")) == 4
    assert figures_of(page) == cells_of((out / "report.md").read_text(encoding="utf-8"))
    assert run(nobody, *given, "--fail-under", "ece=0.0001").exit_code == 3


def test_verdicts_that_exist_are_scored_instead_and_missing_ones_doubt(pairs: Path, tmp_path: Path) -> None:
    lines = [{"id": "1", "score": 0.9}, {"id": "2", "score": 0.6, "low_confidence": True}, {"id": "4", "score": 0.5}]
    (tmp_path / "v.jsonl").write_text("\n".join(map(json.dumps, lines)))
    nobody = FakeHome(None)
    run(nobody, "grounding", "--pairs", pairs, "--verdicts", tmp_path / "v.jsonl", "--output", tmp_path / "o")
    overall = nobody.shown[0]["overall"]
    # 1 passes rightly, 2 is doubted rightly, 3 has no verdict, 4 passes wrongly
    assert (overall["failed"], overall["accuracy"], overall["balanced_accuracy"]) == (1, 0.5, 0.5)
    assert overall["auroc"] == 0.5
    assert overall["f1"] == 2 / (2 + 2)


def test_what_check_writes_is_scored_as_the_checker_itself(pairs: Path, tmp_path: Path) -> None:
    checker, found = build_checker(), read_pairs([pairs])
    out = tmp_path / "v.jsonl"
    with out.open("w") as file:
        for each in found:
            report = checker.check(each.answer, [GivenSource("1", each.sources[0])])
            file.write(json.dumps({"id": each.id, **report.to_dict()}) + "\n")
    nobody = FakeHome(None)
    run(nobody, "grounding", "--pairs", pairs, "--output", tmp_path / "a")
    run(nobody, "grounding", "--pairs", pairs, "--verdicts", out, "--output", tmp_path / "b")
    own, theirs = nobody.shown
    assert own["claim_types"] == theirs["claim_types"]
    assert own["calibration"] == theirs["calibration"]
    timeless = {name: value for name, value in own["overall"].items() if name not in ("p50", "p95")}
    assert timeless.items() <= theirs["overall"].items()


def test_a_worse_checker_falls_short_of_the_earlier_results(pairs: Path, tmp_path: Path) -> None:
    nobody = FakeHome(None)
    run(nobody, "grounding", "--pairs", pairs, "--output", tmp_path / "main")
    lines = [{"id": str(name), "score": 0.9} for name in (1, 2, 3, 4)]
    (tmp_path / "v.jsonl").write_text("\n".join(map(json.dumps, lines)))
    given = ["grounding", "--pairs", pairs, "--baseline", tmp_path / "main", "--output", tmp_path / "o"]
    assert run(nobody, *given, "--max-regression", "0").exit_code == 0
    assert nobody.shown[-1]["notes"] == []
    result = run(nobody, *given, "--verdicts", tmp_path / "v.jsonl", "--max-regression", "0.2")
    assert result.exit_code == 3
    assert "balanced_accuracy fell by 0.5000 against baseline:main (1.0000 to 0.5000 over 4 questions" in result.stderr
    assert len(check_page((tmp_path / "o" / "report.html").read_text()).find_all("svg")) == 4
    fewer = write(tmp_path / "fewer.jsonl", [PAIRS[0], PAIRS[1], {**PAIRS[2], "id": "new"}])
    again = ["grounding", "--pairs", fewer, "--baseline", tmp_path / "main", "--output", tmp_path / "p"]
    run(nobody, *again)
    told = " ".join(nobody.shown[-1]["notes"])
    assert "corpus changed" in told
    assert "not compared with it: 1." in told
    assert "not asked any more: 2." in told
    with pytest.raises(UsageError, match="Name a --baseline"):
        run(nobody, "grounding", "--pairs", pairs, "--max-regression", "0.1")


def test_other_results_are_refused(home: FakeHome, pairs: Path, queries: Path, tmp_path: Path) -> None:
    run(home, "answers", "--queries", queries, "--output", tmp_path / "answers")
    for command, asked in (("grounding", ["--pairs", pairs]), ("retrieval", ["--queries", queries])):
        with pytest.raises(UsageError, match=f"is no results folder of `eval {command}`"):
            run(home, command, *asked, "--baseline", tmp_path / "answers", "--output", tmp_path / "o")
    with pytest.raises(NotFoundError, match="no summary"):
        run(home, "answers", "--queries", queries, "--baseline", tmp_path, "--output", tmp_path / "o")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"answer": 3}, '"answer" must be'),
        ({"sources": "text"}, '"sources" must be'),
        ({"label": 2}, '"label" must be'),
        ({"label": None}, '"label" must be'),
        ({"question": 5}, '"question" must be'),
        ({"spans": [{"start": 0}]}, '"spans" must be'),
        ({"spans": [{"start": 0, "end": 999}]}, "within"),
        ({"id": ""}, '"id" must be'),
    ],
)
def test_a_line_that_is_no_pair_is_named(tmp_path: Path, row: dict[str, Any], reason: str) -> None:
    path = write(tmp_path / "p.jsonl", [PAIRS[0], {**PAIRS[1], **row}])
    with pytest.raises(UsageError, match=reason) as refused:
        read_pairs([path])
    assert f"{path}:2:" in str(refused.value)


def test_files_without_answers_and_strange_verdicts_are_refused(pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no answers"):
        read_pairs([write(tmp_path / "empty.jsonl", [])])
    with pytest.raises(UsageError, match="twice"):
        read_pairs([pairs, pairs])
    nobody, path = FakeHome(None), tmp_path / "v.jsonl"
    lines = ['{"id": "1", "score": 2}', '{"id": "1", "score": 1, "low_confidence": 0}', '{"id": "zz", "score": 1}']
    for line in [*lines, '{"id": "1", "score": 1, "claims": [{}]}']:
        path.write_text(line)
        with pytest.raises(UsageError, match=r"v\.jsonl:"):
            run(nobody, "grounding", "--pairs", pairs, "--verdicts", path)


def test_a_checker_that_fails_doubts_everything() -> None:
    class Broken:
        def check(self, *_: Any) -> Any:
            raise RuntimeError("out of order")

    pairs = [pair("1", supported=True), pair("2", supported=False)]
    found = figures(pairs, check_all(Broken(), pairs))
    assert (found["failed"], found["accuracy"], found["auroc"], found["p50"]) == (2, 0.5, 0.5, None)


def test_claims_are_judged_where_their_label_is_known() -> None:
    claim = CheckedClaim(0, 20, 0.9, True, ("numbers",))
    other = CheckedClaim(20, 40, 0.2, False, ())
    pairs = [
        pair("whole", supported=True),
        pair("marked", supported=False, spans=((25, 30),)),
        pair("single", supported=False),
        pair("unknown", supported=False),
    ]
    checked = {
        "whole": Checked(0.9, True, (claim,)),
        "marked": Checked(0.2, False, (claim, other)),
        "single": Checked(0.9, True, (claim,)),
        "unknown": Checked(0.2, False, (claim, other)),
    }
    found = by_claim_type(pairs, checked)
    assert (found["numbers"]["claims"], found["numbers"]["supported"]) == (3, 2)
    assert (found["numbers"]["balanced_accuracy"], found["numbers"]["auroc"]) == (0.5, 0.5)
    assert (found["words only"]["claims"], found["words only"]["supported"]) == (1, 0)
    assert found["words only"]["auroc"] is None


def test_figures_by_hand() -> None:
    pairs = [
        pair("a", supported=True),
        pair("b", supported=True),
        pair("c", supported=False),
        pair("d", supported=False),
    ]
    said = {"a": (0.95, True), "b": (0.35, False), "c": (0.35, False), "d": (0.75, True)}
    checked = {name: Checked(score, passed) for name, (score, passed) in said.items()}
    found = figures(pairs, checked)
    assert found["auroc"] == (1 + 1 + 0 + 0.5) / 4
    assert found["balanced_accuracy"] == found["accuracy"] == 0.5
    assert found["f1"] == found["f1_unsupported"] == 0.5
    assert found["ece"] == pytest.approx((0.05 + 2 * abs(0.35 - 0.5) + 0.75) / 4)
    bins = calibration(pairs, checked)
    assert [(b["low"], b["n"], b["share"]) for b in bins] == [(0.3, 2, 0.5), (0.7, 1, 0.0), (0.9, 1, 1.0)]


rows = st.lists(
    st.tuples(st.floats(0, 1, width=16), st.booleans(), st.booleans(), st.sampled_from("abcdef")), max_size=30
)


@given(rows, st.randoms())
def test_clustered_intervals_are_seeded_and_know_no_order(
    found: list[tuple[float, bool, bool, str]], shuffle: random.Random
) -> None:
    columns = [list(c) for c in zip(*found, strict=True)] or [[], [], [], []]
    ends = grounding_intervals(*columns, samples=200)
    moved = list(found)
    shuffle.shuffle(moved)
    again = grounding_intervals(*([list(c) for c in zip(*moved, strict=True)] or [[], [], [], []]), samples=200)
    for name, (low, high) in ends.items():
        assert again[name] == pytest.approx((low, high), nan_ok=True)
        assert low != low or -1e-9 <= low <= high <= 1 + 1e-9


def test_clustered_intervals_hold_the_figure_and_are_wider_where_groups_agree() -> None:
    chance = random.Random(3)  # noqa: S311
    labels = [chance.random() < 0.5 for _ in range(200)]
    scores = [round(chance.gauss(0.6 if label else 0.4, 0.2), 3) for label in labels]
    passed = [score >= 0.5 for score in scores]
    alone = grounding_intervals(scores, passed, labels, [str(i) for i in range(200)])
    whole = auroc(
        [s for s, y in zip(scores, labels, strict=True) if y], [s for s, y in zip(scores, labels, strict=True) if not y]
    )
    assert alone["auroc"][0] < whole < alone["auroc"][1]
    right = sum(p and y for p, y in zip(passed, labels, strict=True))
    f1 = 2 * right / (sum(passed) + sum(labels))
    assert alone["f1"][0] < f1 < alone["f1"][1]
    bounded = [min(1.0, max(0.0, score)) for score in scores]
    ece = calibration_error(bounded, labels)
    assert ece < alone["ece"][1]
    assert alone["ece"][1] - alone["ece"][0] < 0.2
    # every answer ten times over, in groups of its copies: as much is known as before
    many = grounding_intervals(scores * 10, passed * 10, labels * 10, [str(i) for i in range(200)] * 10)
    naive = grounding_intervals(scores * 10, passed * 10, labels * 10, [str(i) for i in range(2000)])
    width = {name: found["auroc"][1] - found["auroc"][0] for name, found in (("a", alone), ("m", many), ("n", naive))}
    assert width["m"] == pytest.approx(width["a"], rel=0.1)
    assert width["n"] < width["m"] / 2


@pytest.mark.skipif(not HERE.is_file(), reason=f"the grounding sets are not at {HERE}")
def test_the_shared_grounding_set_is_measured(tmp_path: Path) -> None:
    lines = HERE.read_text(encoding="utf-8").splitlines()[::20]
    (tmp_path / "some.jsonl").write_text("\n".join(lines))
    nobody = FakeHome(None)
    run(nobody, "grounding", "--pairs", tmp_path / "some.jsonl", "--output", tmp_path / "o")
    assert nobody.shown[0]["overall"]["failed"] == 0
    assert len(nobody.shown[0]["facets"]["set"]) == 3
    assert 0.5 < nobody.shown[0]["overall"]["auroc"] < 1
