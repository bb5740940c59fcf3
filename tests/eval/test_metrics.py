"""Relevance and ranking measures: hand-computed cases, ir-measures as oracle, and what always holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.cases import Case, Judgment
from eval.metrics import MEASURES, as_qrels, by_type, measure, measure_name, met_by, summarize
from eval.relevance import locate, met, targets
from eval.runs import Result, Returned
from ingest.errors import UsageError

TEXT = "The cache is cold.\nWarm it up first.\n\nThe  cache is warm."


def judged(*grades: int, groups: str = "abcdefgh") -> Case:
    """A case with one target for each grade: `a` at 0-10 of a.md, `b` at 0-10 of b.md and so on."""
    return Case(
        "q", "?", True, "t", tuple(Judgment(f"{g}.md", "x" * 10, n, g) for g, n in zip(groups, grades, strict=False))
    )


def scores(case: Case, *meets: Mapping[str, int], name: str = "nDCG@10") -> float:
    return measure([case], {"q": meets}, [name])["q"][name]


def test_a_quote_is_located_exactly_first_and_with_equal_blanks_next() -> None:
    assert locate(TEXT, "The cache is") == ((0, 12),)
    assert locate(TEXT, "cold. Warm it") == ((13, 26),)
    assert locate("aXaXa", "aXa") == ((0, 3), (2, 5))
    assert locate(TEXT, "absent") == ()
    assert locate(TEXT, "") == ()


def test_a_passage_is_relevant_when_it_covers_half_of_the_quote() -> None:
    case = Case("q", "?", True, relevant=(Judgment("a.md", "Warm it up first", 2, "g"),))
    wanted = targets(case, {"a.md": TEXT})
    assert wanted[0].places == ((19, 35),)
    assert met(Result("a.md", 0, 27), wanted) == {"g": 2}
    assert met(Result("a.md", 0, 26), wanted) == {}
    assert met(Result("b.md", 0, 60), wanted) == {}
    assert met(Result("a.md", 0, 60), wanted, max_chars=59) == {}


def test_any_place_of_the_quote_counts_and_the_better_grade_wins() -> None:
    relevant = (
        Judgment("a.md", "cache is", 1, "g"),
        Judgment("a.md", "is warm", 2, "g"),
        Judgment("a.md", "up", 0, "h"),
    )
    wanted = targets(Case("q", "?", True, relevant=relevant), {"a.md": TEXT})
    assert met(Result("a.md", 38, 60), wanted) == {"g": 2}
    assert met(Result("a.md", 0, 15), wanted) == {"g": 1}
    assert met(Result("a.md", 19, 36), wanted) == {"h": 0}


def test_without_places_the_text_decides() -> None:
    wanted = targets(Case("q", "?", True, relevant=(Judgment("a.md", "one two three four", 2, "g"),)), {})
    assert met(Result("a.md", text="so: one  two three"), wanted) == {"g": 2}
    assert met(Result("a.md", 5, 20, text="unlike"), wanted) == {}
    assert met(Result("a.md", 5, 20), wanted) == {}


def test_the_judges_spans_serve_where_the_text_is_not_at_hand() -> None:
    case = Case("q", "?", True, relevant=(Judgment("a.md", "Warm it", 2, "g", ((100, 107),)),))
    assert met(Result("a.md", 90, 120), targets(case, {})) == {"g": 2}
    assert met(Result("a.md", 90, 120), targets(case, {"a.md": TEXT})) == {}


def test_an_empty_quote_judges_the_whole_document() -> None:
    wanted = targets(Case("q", "?", True, relevant=(Judgment("doc7", "", 1, "doc7"),)), {})
    assert met(Result("doc7", 0, 90_000), wanted) == {"doc7": 1}
    assert met(Result("doc7.md"), wanted) == {"doc7": 1}
    assert met(Result("doc71"), wanted) == {}


def test_ndcg_by_hand() -> None:
    case = judged(2, 1)
    ideal = 3 + 1 / math.log2(3)
    assert scores(case, {"a": 2}, {"b": 1}) == pytest.approx(1.0)
    assert scores(case, {"b": 1}, {}, {"a": 2}) == pytest.approx((1 + 3 / 2) / ideal)
    assert scores(case, *[{}] * 10, {"a": 2}) == 0.0


def test_a_target_counts_once_and_a_better_passage_gains_the_difference() -> None:
    case = judged(2)
    assert scores(case, {"a": 2}, {"a": 2}) == 1.0
    assert scores(case, {"a": 1}, {"a": 2}) == pytest.approx((1 + 2 / math.log2(3)) / 3)
    assert scores(case, {"a": 2}, {"a": 1}) == 1.0


def test_a_passage_that_meets_two_targets_gains_the_best_and_finds_both() -> None:
    case = judged(2, 2)
    assert scores(case, {"a": 2, "b": 2}, {"b": 2}) == pytest.approx(1 / (1 + 1 / math.log2(3)))
    assert scores(case, {"a": 2, "b": 2}, name="R@5") == 1.0


def test_recall_is_over_all_targets_and_capped_recall_over_what_fits() -> None:
    case = judged(2, 2, 2, 2, 2, 2)
    meets = [{g: 2} for g in "abcde"]
    assert scores(case, *meets, name="R@5") == pytest.approx(5 / 6)
    assert scores(case, *meets, name="R_cap@5") == 1.0
    assert scores(case, *meets, name="R_cap@10") == pytest.approx(5 / 6)
    assert scores(case, {"a": 2, "b": 2}, *meets[1:], name="R_cap@1") == 1.0


def test_first_hit_measures_by_hand() -> None:
    case = judged(2, 1)
    meets: list[dict[str, int]] = [{}, {"b": 1}, {"b": 1}, {"a": 2}]
    assert scores(case, *meets, name="RR@10") == 0.5
    assert scores(case, *meets, name="Success@1") == 0.0
    assert scores(case, *meets, name="Success@5") == 1.0
    assert scores(case, *meets, name="Judged@10") == 0.75
    assert scores(case, *meets, name="P@5") == pytest.approx(2 / 5)


def test_the_denominator_is_the_questions_asked() -> None:
    second = Case("r", "?", True, "u", judged(2).relevant)
    values = measure([judged(2), second, Case("s", "?", False)], {"q": [{"a": 2}]})
    assert summarize(values.values())["nDCG@10"] == 0.5
    assert values["r"] == dict.fromkeys(MEASURES, 0.0)
    assert by_type([second, judged(2)], values) == {"t": ["q"], "u": ["r"]}
    assert summarize([]) == {}


def test_names_are_read_in_any_case_and_by_their_usual_aliases() -> None:
    assert [measure_name(n) for n in ("ndcg@10", "MRR@10", "recall@5", "SUCCESS@1", " r_cap@5 ", "map@100")] == [
        "nDCG@10",
        "RR@10",
        "R@5",
        "Success@1",
        "R_cap@5",
        "AP@100",
    ]
    for wrong in ("ndcg", "ndcg@0", "accuracy@3", "ndcg@x"):
        with pytest.raises(UsageError, match="not a measure"):
            measure_name(wrong)


grades = st.lists(st.integers(1, 2), min_size=1, max_size=6)
meets = st.lists(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2), max_size=3), max_size=14)


@given(grades, st.permutations("abcdefwxyz"))
def test_with_one_target_a_passage_the_numbers_are_those_of_ir_measures(wanted: list[int], order: list[str]) -> None:
    case = judged(*wanted)
    ranking: list[dict[str, int]] = [{g: case.groups[g]} if g in case.groups else {} for g in order]
    ours = measure([case], {"q": ranking}, ["nDCG@10", "R@5", "RR@10", "Success@1"])["q"]
    qrels, run = as_qrels([case], {"q": ranking})
    gains = {"q": {name: 2**grade - 1 for name, grade in qrels["q"].items()}}
    names = [ir_measures.parse_measure(name) for name in ours]
    theirs = ir_measures.calc_aggregate(names, gains, run)
    assert {str(name): value for name, value in theirs.items()} == pytest.approx(ours)


@given(grades, meets)
def test_measures_stay_between_0_and_1(wanted: list[int], ranking: list[dict[str, int]]) -> None:
    case = judged(*wanted)
    legal = [{g: min(n, case.groups[g]) for g, n in passage.items() if g in case.groups} for passage in ranking]
    values = measure([case], {"q": legal})["q"]
    assert set(values) == set(MEASURES)
    assert all(0.0 <= value <= 1.0 + 1e-12 for value in values.values())


@given(grades)
def test_a_perfect_run_scores_1_and_an_empty_one_0(wanted: list[int]) -> None:
    case = judged(*wanted)
    best = sorted(case.groups, key=lambda g: -case.groups[g])
    perfect = measure([case], {"q": [{g: case.groups[g]} for g in best]}, [m for m in MEASURES if m != "R@5"])["q"]
    assert perfect == pytest.approx(dict.fromkeys(perfect, 1.0))
    assert measure([case], {})["q"] == dict.fromkeys(MEASURES, 0.0)


@given(st.randoms())
def test_the_order_of_the_questions_changes_nothing(shuffle: Random) -> None:
    cases = [Case(f"q{i}", "?", True, "t", judged(2, 1).relevant) for i in range(6)]
    ranked: dict[str, list[dict[str, int]]] = {f"q{i}": [{}] * i + [{"a": 2}] for i in range(6)}
    shuffled = list(cases)
    shuffle.shuffle(shuffled)
    assert measure(shuffled, ranked) == measure(cases, ranked)
    assert summarize(measure(shuffled, ranked).values()) == summarize(measure(cases, ranked).values())


def test_met_by_answers_for_every_question_asked() -> None:
    wanted = {"q": targets(judged(2), {}), "r": targets(judged(2), {})}
    run = {"q": Returned((Result("a.md", text="x" * 10),)), "unasked": Returned((Result("a.md"),))}
    assert met_by(run, wanted) == {"q": [{"a": 2}], "r": []}
