"""The verifier in its place: which claims it reads, what becomes of its word, and other models in its stead."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering.answers import GivenSource
from answering.ground.checker import Checker
from answering.ground.evidence import BUDGET, evidence
from answering.ground.passages import passage
from answering.ground.verifier import FOLDER, ModelVerifier, NoVerifier, OnnxVerifier, find_verifier, read_card
from answering.ports import MarkedSource
from ingest.errors import ModelError
from tests.eval.encoders import write_encoder

SOURCE = "Redis evicts keys when memory is full. The default policy refuses writes."


class Fixed:
    """Says the same of every claim, and notes which it was given."""

    def __init__(self, probability: float) -> None:
        self.probability = probability
        self.read: list[tuple[str, str]] = []
        self.calls = 0

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        self.calls += 1
        self.read += pairs
        return [self.probability] * len(pairs)


def test_what_stands_word_for_word_is_not_read_again() -> None:
    verifier = Fixed(0.0)
    report = Checker(verifier=verifier).check(SOURCE, [GivenSource("a", SOURCE)])
    assert (report.score, verifier.calls) == (1.0, 0)


def test_all_other_claims_are_read_at_once_and_its_word_counts() -> None:
    text = "Keys go when memory is used up. By default writes are refused [1]."
    scores = []
    for probability in (0.001, 0.5, 0.999):
        verifier = Fixed(probability)
        report = Checker(verifier=verifier).check(text, [GivenSource("a", SOURCE)])
        assert verifier.calls == 1
        assert [claim for claim, _ in verifier.read] == [
            "Keys go when memory is used up.",
            "By default writes are refused .",
        ]
        assert all(read == SOURCE for _, read in verifier.read)
        scores.append(report.score)
    assert scores == sorted(scores)
    assert scores[0] < scores[2]


def test_without_a_verifier_nothing_looks_more_certain() -> None:
    checker = Checker(verifier=NoVerifier())
    report = checker.check("Keys are evicted when memory is full.", [GivenSource("a", SOURCE)])
    assert report.low_confidence
    assert report.reasons[0] == "checker_unavailable"
    assert report.claims
    with pytest.raises(ModelError):
        checker.check_cited("Keys are evicted when memory is full.", [MarkedSource(1, SOURCE)], [])
    # what needs no verifier is checked as ever
    assert checker.check(SOURCE, [GivenSource("a", SOURCE)]).reasons == ()


def test_the_shipped_one_loads_and_has_a_card() -> None:
    card = read_card()
    assert card["parity"]["mean_difference"] <= 0.05
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 30 * 2**20
    same, other = OnnxVerifier(FOLDER).probabilities(
        [
            ("Redis evicts keys when memory is full.", SOURCE),
            ("Kafka partitions are rebalanced at noon by the broker.", SOURCE),
        ]
    )
    assert same > 0.6 > 0.4 > other


def test_other_models_by_their_outputs(tmp_path: Path) -> None:
    pairs = [("a pool", "a pool of 20"), ("rain", "a pool of 20")]
    one = ModelVerifier(write_encoder(tmp_path / "one", {0: "score"}))
    nli = ModelVerifier(write_encoder(tmp_path / "nli", {0: "contradiction", 1: "neutral", 2: "entailment"}))
    for verifier in (one, nli):
        found = verifier.probabilities(pairs)
        assert len(found) == 2
        assert all(0 < p < 1 for p in found)
    unclear = ModelVerifier(write_encoder(tmp_path / "unclear", {0: "sports", 1: "news"}))
    with pytest.raises(ModelError, match="sports, news"):
        unclear.probabilities(pairs)
    with pytest.raises(ModelError, match="can't be used"):
        ModelVerifier(str(tmp_path / "nothing")).probabilities(pairs)


def test_names_of_the_setting() -> None:
    assert isinstance(find_verifier(""), OnnxVerifier)
    assert isinstance(find_verifier("None"), NoVerifier)
    assert isinstance(find_verifier("org/model"), ModelVerifier)


WORDS = st.sampled_from(["pool", "holds", "20", "rows", "Redis", "never", "idle", "cache", "lock", "waits"])
SENTENCES = st.lists(WORDS, min_size=3, max_size=14).map(lambda words: " ".join(words).capitalize() + ".")


@given(SENTENCES, st.lists(st.lists(SENTENCES, min_size=1, max_size=30).map(" ".join), max_size=4))
def test_evidence_is_made_of_the_sources_and_bounded(claim: str, sources: list[str]) -> None:
    found = evidence(claim, [passage(source) for source in sources])
    longest = max((end - start for s in sources for start, end in passage(s).spans), default=0)
    assert len(found) <= max(BUDGET, longest) + 3 * len(found.split(" … "))
    for part in found.replace("\n", " … ").split(" … "):
        assert any(part in " ".join(source.split()) for source in sources) or not part


def test_evidence_holds_the_sentence_that_says_it() -> None:
    noise = " ".join(f"Server number {n} keeps its logs for {n} days." for n in range(60))
    said = "A connection that was idle for 300 seconds is closed by the pool."
    found = evidence(
        "Idle connections are closed after 300 seconds.", [passage(noise), passage(f"{noise} {said} {noise}")]
    )
    assert said in found
    assert len(found) <= BUDGET + 10
