"""What people think of answers: kept, turned into cases; and what the library could not answer, grouped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from api.recorder import Recorder
from eval.cases import read_cases
from eval.cli_cases import cases as cases_command
from eval.feedback_cases import feedback_cases
from ingest import feedback as feedback_module
from ingest.catalog import Catalog
from ingest.errors import NotFoundError
from ingest.feedback import Asked, FeedbackStore, Quoted
from ingest.view import EVERYTHING, View
from tests.api.fake_library import answer_to
from tests.service.conftest import TOKEN, Service
from tests.service.running import until

CANDIDATE = View("candidate")


@pytest.fixture
def catalog(database: str) -> Iterator[Catalog]:
    opened = Catalog(database)
    yield opened
    opened.close()


@pytest.fixture
def store(catalog: Catalog) -> FeedbackStore:
    return FeedbackStore(catalog)


def asked(name: str, question: str | None = "What?", *, view: View = EVERYTHING, **changes: Any) -> Asked:
    fields: dict[str, Any] = {
        "id": name,
        "at": f"2026-01-01T00:00:00.{name[1:].zfill(3)}Z",
        "question": question,
        "kind": "model_answer",
        "confidence": 0.9,
        "low_confidence": False,
        "reasons": (),
        "sources": (Quoted("qa/caching.md", "default", "Redis evicts keys."),),
        "related": None,
        "view": view,
    }
    return Asked(**{**fields, **changes})


def test_what_was_asked_comes_back_as_it_was(store: FeedbackStore) -> None:
    given = asked("a1", view=View("candidate", frozenset({"b", "a"})), reasons=("weak_match",), low_confidence=True)
    store.remember([given])
    assert store.unanswered() == [given]
    assert store.rate("a1", "up", "yes", view=EVERYTHING).answer == given
    assert [(r.answer, r.rating, r.comment, r.who) for r in store.ratings()] == [(given, "up", "yes", "")]


def test_the_questions_asked_most_come_first_each_with_its_view(store: FeedbackStore) -> None:
    twice = [asked("a1", "Which one?"), asked("a2", "Which one?")]
    store.remember([asked("a3", "Why?", view=CANDIDATE), *twice, asked("a4", None), asked("a5", "Why?")])
    assert store.most_asked(2) == [("Which one?", EVERYTHING), ("Why?", EVERYTHING)]
    assert store.most_asked(9)[2:] == [("Why?", CANDIDATE)]


def test_each_person_has_one_opinion_and_may_change_it(store: FeedbackStore) -> None:
    store.remember([asked("a1")])
    store.rate("a1", "up", None, view=EVERYTHING)
    store.rate("a1", "down", "no", view=EVERYTHING)
    store.rate("a1", "up", None, view=EVERYTHING, who="key")
    assert sorted((r.who, r.rating, r.comment) for r in store.ratings()) == [("", "down", "no"), ("key", "up", None)]


@pytest.mark.parametrize(
    ("looking", "answered", "may"),
    [
        (EVERYTHING, EVERYTHING, True),
        (EVERYTHING, CANDIDATE, True),
        (CANDIDATE, CANDIDATE, True),
        (CANDIDATE, EVERYTHING, False),
        (View("candidate", frozenset("a")), CANDIDATE, False),
        (View("candidate", frozenset("ab")), View("candidate", frozenset("a")), True),
        (View("interviewer", frozenset("b")), View("candidate", frozenset("a")), False),
    ],
)
def test_only_who_might_have_seen_an_answer_rates_it(
    store: FeedbackStore, looking: View, answered: View, may: bool
) -> None:
    store.remember([asked("a1", view=answered)])
    if may:
        assert store.rate("a1", "up", None, view=looking).rating == "up"
    else:
        with pytest.raises(NotFoundError, match="There is no answer a1"):
            store.rate("a1", "up", None, view=looking)


def test_only_so_much_is_remembered_and_what_was_rated_longer(store: FeedbackStore) -> None:
    store.remember([asked(f"a{number}") for number in range(30)])
    for number in (1, 2, 3):
        store.rate(f"a{number}", "up", None, view=EVERYTHING)
    assert store.forget_old(keep=5) == 22
    assert store.count() == (8, 3)
    assert [rated.answer.id for rated in store.ratings()] == ["a1", "a2", "a3"]
    with pytest.raises(NotFoundError):
        store.rate("a20", "up", None, view=EVERYTHING)


def test_the_recorder_writes_in_the_background_and_forgets(
    catalog: Catalog, store: FeedbackStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.recorder.EVERY_S", 0.01)
    monkeypatch.setattr("api.recorder.TIDIED_AFTER", 10)
    monkeypatch.setattr(feedback_module.FeedbackStore.forget_old, "__defaults__", (5,))
    recorder = Recorder(lambda: catalog, keep_questions=True)
    for number in range(25):
        recorder.answered(answer_to("What?", id=f"a{number}"), EVERYTHING)
    until(lambda: store.count()[0] > 0)
    recorder.close()
    assert store.count()[0] <= 5 + 10
    catalog.close()


def test_without_questions_only_how_it_went_is_kept(catalog: Catalog, store: FeedbackStore) -> None:
    recorder = Recorder(lambda: catalog, keep_questions=False)
    recorder.answered(answer_to("a secret of mine", id="a1", low_confidence=True), EVERYTHING)
    recorder.close()
    kept = store.rate("a1", "down", None, view=EVERYTHING).answer
    assert (kept.question, kept.sources, kept.related, kept.kind) == (None, (), None, "model_answer")
    assert store.unanswered() == []
    assert feedback_cases(store.ratings()) == ([], 0)


def test_ratings_become_cases(store: FeedbackStore, catalog: Catalog, tmp_path: Path) -> None:
    nothing: dict[str, Any] = {"kind": "abstained", "sources": (), "low_confidence": True}
    store.remember(
        [
            asked("a1", "Which policy?"),
            asked("a2", "Which  policy?", sources=(Quoted("b.md", "default", "Other."),)),
            asked("a3", "Bad answer?"),
            asked("a4", "Rightly refused?", **nothing),
            asked("a5", "Wrongly refused?", **nothing),
            asked("a6", "Disputed?"),
            asked("a7", "Unrated?"),
        ]
    )
    for name, rating in (("a1", "up"), ("a2", "up"), ("a3", "down"), ("a4", "up"), ("a5", "down"), ("a6", "up")):
        store.rate(name, "up" if rating == "up" else "down", None, view=EVERYTHING)
    store.rate("a6", "down", None, view=EVERYTHING, who="other")

    class Home:
        """What the command is given."""

        shown: dict[str, Any]

        def open_parts(self) -> Any:
            class Parts:
                def __init__(self) -> None:
                    self.catalog = catalog

                def __enter__(self) -> Parts:
                    return self

                def __exit__(self, *_: object) -> None:
                    pass

            return Parts()

        def show(self, body: dict[str, Any], as_text: Any) -> None:
            self.shown = body
            assert as_text(body).startswith("4 questions from 7 ratings in ")

    home, file = Home(), tmp_path / "q.jsonl"
    done = CliRunner().invoke(cases_command, ["--from-feedback", "--output", str(file)], obj=home)
    assert done.exit_code == 0, done.output
    assert (home.shown["cases"], home.shown["disputed"]) == (4, 1)
    made = {case.query: case for case in read_cases(file)}
    policy = made["Which policy?"]
    assert [(j.file, j.grade) for j in policy.relevant] == [("qa/caching.md", 2), ("b.md", 2)]
    assert {query: (case.answerable, case.type) for query, case in made.items()} == {
        "Which policy?": (True, "feedback-up"),
        "Bad answer?": (False, "feedback-down"),
        "Rightly refused?": (False, "feedback-up"),
        "Wrongly refused?": (True, "feedback-down"),
    }


def test_over_http_an_answer_is_rated_and_gaps_are_told(service: Service) -> None:
    def ask(question: str) -> dict[str, Any]:
        body: dict[str, Any] = httpx.post(f"{service.url}/ask", json={"question": question}, timeout=60).json()
        return body

    def rate(**body: object) -> httpx.Response:
        return httpx.post(f"{service.url}/feedback", json=body, timeout=60)

    answer = ask("Which Redis eviction policy do you choose?")
    said = rate(answer_id=answer["id"], rating="up", comment="good")
    assert (said.status_code, said.json()["rating"], said.json()["comment"]) == (200, "up", "good")
    assert rate(answer_id="nobody-knows", rating="up").status_code == 404
    assert rate(answer_id=answer["id"], rating="sideways").status_code == 422
    for question in (
        "How do I tune the JVM garbage collector?",
        "how do i tune the JVM garbage collector",
        "How can the garbage collector of the JVM be tuned?",
        "What is the capital of Mongolia?",
    ):
        assert ask(question)["kind"] == "abstained"
    admin = {"Authorization": f"Bearer {TOKEN}"}
    told = httpx.get(f"{service.url}/admin/gaps", params={"days": 30}, headers=admin, timeout=60).json()
    [jvm] = [gap for gap in told["gaps"] if "JVM" in gap["question"]]
    [mongolia] = [gap for gap in told["gaps"] if "Mongolia" in gap["question"]]
    assert (jvm["count"], len(jvm["questions"]), mongolia["count"]) == (3, 2, 1)
    assert [gap["count"] for gap in told["gaps"]] == sorted((gap["count"] for gap in told["gaps"]), reverse=True)
    json.dumps(told)
