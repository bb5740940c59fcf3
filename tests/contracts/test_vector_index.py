"""What every VectorIndex has to do, run against each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from ingest.errors import IndexUnavailableError
from ingest.view import EVERYTHING, View
from retrieval.edge import EdgeIndex
from retrieval.hits import Arm
from retrieval.ports import ArmResults, Filters, IndexPoint, SparseVector, VectorIndex, Vectors
from retrieval.server import IN_MEMORY, ServerIndex
from retrieval.server_options import ServerOptions
from tests.chunk_names import chunk_id, chunk_name, named
from tests.doubles.qdrant_server import qdrant_double

DIM = 4
ROUNDED = 2**-11  # an index may keep vectors in 16 bits a number
NO_TERMS = SparseVector((), ())


def edge(folder: Path, url: str) -> VectorIndex:  # noqa: ARG001
    return EdgeIndex(folder / "index", dim=DIM, fingerprint="contract")


def server(folder: Path, url: str) -> VectorIndex:  # noqa: ARG001
    return ServerIndex(IN_MEMORY, dim=DIM, fingerprint="contract", collection=folder.name)


def wire(folder: Path, url: str) -> VectorIndex:
    """As `server`, through HTTP; quantization and the like change nothing of what is found."""
    options = ServerOptions(
        shards=2, replicas=1, write_consistency=1, on_disk=True, quantization="scalar", timeout_s=60
    )
    return ServerIndex(url, dim=DIM, fingerprint="contract", collection=folder.name, options=options)


@pytest.fixture(scope="module", params=[edge, server, wire])
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorIndex]:
    make: Callable[[Path, str], VectorIndex] = request.param
    with qdrant_double() as double:
        index = make(tmp_path_factory.mktemp("contract"), double.url)
        yield index
        index.close()


@pytest.fixture
def index(opened: VectorIndex) -> VectorIndex:
    """The index, emptied."""
    opened.drop_versions(range(100))
    assert opened.count() == 0
    return opened


def vector(*numbers: float) -> Vectors:
    return np.array(numbers, dtype=np.float32)


def point(
    chunk: str,
    passage: Sequence[float] = (1, 0, 0, 0),
    questions: Sequence[Sequence[float]] = (),
    terms: dict[int, float] | None = None,
    version: int = 1,
    **payload: Sequence[str],
) -> IndexPoint:
    ordered = sorted((terms or {}).items())
    sparse = SparseVector(tuple(key for key, _ in ordered), tuple(value for _, value in ordered))
    several = np.array(questions, dtype=np.float32).reshape(-1, DIM)
    return IndexPoint(version, chunk_id(chunk), payload, vector(*passage), several, sparse)


def key(chunk: str, version: int = 1) -> tuple[int, str]:
    return version, chunk_id(chunk)


def ask(
    index: VectorIndex,
    terms: dict[int, float] | None = None,
    asked: Vectors | None = None,
    limit: int = 10,
    filters: Filters | None = None,
    view: View = EVERYTHING,
) -> ArmResults:
    sparse = SparseVector(tuple(sorted(terms or {})), tuple((terms or {})[key] for key in sorted(terms or {})))
    return index.query(sparse, asked, limit=limit, filters=filters or {}, view=view)


def found(results: ArmResults, arm: Arm) -> list[str]:
    return named(list(results.arms[arm]))


def test_each_arm_ranks_by_its_own_score(index: VectorIndex) -> None:
    index.upsert(
        [
            point("a", passage=(1, 0, 0, 0), terms={7: 1.0}),
            point("b", passage=(0.6, 0.8, 0, 0), questions=[(0, 0, 1, 0), (1, 0, 0, 0)], terms={7: 2, 2**32 - 1: 1}),
            point("c", passage=(0, 0, 0, 1), questions=[(0.8, 0.6, 0, 0)], terms={9: 1.0}),
        ]
    )
    results = ask(index, {7: 1.0}, vector(1, 0, 0, 0))
    assert found(results, "dense") == ["a", "b", "c"]
    assert [hit.score for hit in results.arms["dense"]] == pytest.approx([1.0, 0.6, 0.0], abs=ROUNDED)
    assert found(results, "question") == ["b", "c"], "the best of several questions counts; no question, no hit"
    assert [hit.score for hit in results.arms["question"]] == pytest.approx([1.0, 0.8], abs=ROUNDED)
    assert found(results, "bm25") == ["b", "a"]
    assert found(ask(index, {2**32 - 1: 1.0}), "bm25") == ["b"]


def test_vectors_need_not_be_unit_length(index: VectorIndex) -> None:
    index.upsert([point("a", passage=(3, 0, 0, 0)), point("b", passage=(0, 9, 0, 0))])
    assert [hit.score for hit in ask(index, asked=vector(5, 0, 0, 0)).arms["dense"]] == pytest.approx([1.0, 0.0])


def test_idf_is_never_negative_and_is_reported(index: VectorIndex) -> None:
    with index.renewed():  # engines may count deleted points until they tidy up
        pass
    index.upsert([point(str(at), terms={1: 1.5} | ({2: 0.5} if at == 0 else {})) for at in range(4)])
    idf = ask(index, {1: 1.0, 2: 1.0, 3: 1.0}).idf
    common, rare = np.log(1 + 0.5 / 4.5), np.log(1 + 3.5 / 1.5)
    assert idf == {1: pytest.approx(common, rel=1e-5), 2: pytest.approx(rare, rel=1e-5), 3: 0.0}
    scores = {chunk_name(hit.chunk_id): hit.score for hit in ask(index, {1: 1.0, 2: 1.0}).arms["bm25"]}
    assert scores["0"] == pytest.approx(1.5 * common + 0.5 * rare, rel=1e-5)
    assert scores["1"] == pytest.approx(1.5 * common, rel=1e-5)


def test_a_query_may_lack_terms_or_a_vector(index: VectorIndex) -> None:
    index.upsert([point("a", terms={1: 1.0}, questions=[(1, 0, 0, 0)])])
    assert found(ask(index, {1: 1.0}), "dense") == found(ask(index, {1: 1.0}), "question") == []
    assert found(ask(index, asked=vector(1, 0, 0, 0)), "bm25") == []
    assert ask(index).arms == {"bm25": [], "dense": [], "question": []}


def test_limit_holds_for_each_arm(index: VectorIndex) -> None:
    index.upsert([point(str(at), terms={1: 1.0}, questions=[(1, 0, 0, 0)]) for at in range(20)])
    results = ask(index, {1: 1.0}, vector(1, 0, 0, 0), limit=5)
    assert [len(hits) for hits in results.arms.values()] == [5, 5, 5]


def test_filters_hold_for_every_arm(index: VectorIndex) -> None:
    index.upsert(
        [
            point("a", terms={1: 1.0}, questions=[(1, 0, 0, 0)], collection=["x"], kind=["qa"], tags=["Sql", "index"]),
            point("b", terms={1: 1.0}, questions=[(1, 0, 0, 0)], collection=["x"], kind=["note"]),
            point("c", terms={1: 1.0}, questions=[(1, 0, 0, 0)], collection=["y"], kind=["qa"], tags=["sql"]),
        ]
    )
    wanted: list[tuple[Filters, set[str]]] = [
        ({}, {"a", "b", "c"}),
        ({"collection": ["x"]}, {"a", "b"}),
        ({"collection": ["x"], "kind": ["qa"]}, {"a"}),
        ({"kind": ["qa", "note"]}, {"a", "b", "c"}),
        ({"tags": ["SQL"]}, {"a", "c"}),
        ({"tags": ["index", "nothing"]}, {"a"}),
        ({"collection": ["X"]}, set()),
        ({"level": ["senior"]}, set()),
    ]
    for filters, chunks in wanted:
        results = ask(index, {1: 1.0}, vector(1, 0, 0, 0), filters=filters)
        for arm in results.arms:
            assert set(found(results, arm)) == chunks, f"{arm} with {filters}"


def test_writing_again_replaces(index: VectorIndex) -> None:
    index.upsert([point("a", passage=(1, 0, 0, 0), questions=[(1, 0, 0, 0)], terms={1: 1.0}, kind=["qa"])])
    index.upsert([point("a", passage=(0, 1, 0, 0), terms={2: 1.0}, kind=["note"])])
    assert index.count() == 1
    results = ask(index, {1: 1.0, 2: 1.0}, vector(0, 1, 0, 0))
    assert results.arms["dense"][0].score == pytest.approx(1.0)
    assert found(results, "question") == []
    assert (results.idf[1], found(ask(index, {1: 1.0}), "bm25")) == (0.0, [])
    assert found(ask(index, asked=vector(0, 1, 0, 0), filters={"kind": ["qa"]}), "dense") == []


def test_versions_of_a_chunk_stand_side_by_side_and_go_alone(index: VectorIndex) -> None:
    index.upsert([point("a", version=1), point("b", version=1), point("a", version=2), point("a", version=3)])
    assert index.count() == 4
    index.drop_versions([1, 3, 77])
    (left,) = ask(index, asked=vector(1, 0, 0, 0)).arms["dense"]
    assert (left.version_key, left.chunk_id) == key("a", 2)
    index.drop_versions([])
    assert index.count() == 1


def test_many_points_at_once(index: VectorIndex) -> None:
    index.upsert([point(str(at), passage=(1, at, 0, 0)) for at in range(700)])
    index.upsert([])
    index.flush()
    assert index.count() == 700
    assert found(ask(index, asked=vector(1, 0, 0, 0), limit=1), "dense") == ["0"]


def test_a_new_index_has_a_new_generation_and_nothing_else(index: VectorIndex) -> None:
    index.upsert([point("a")])
    before = index.generation()
    assert before
    assert before == index.generation()
    with index.renewed():
        index.upsert([point("b", version=2, terms={1: 1.0})])
        while_filling = index.generation()
    assert index.generation() == while_filling
    assert index.version_counts() == {2: 1}
    assert found(ask(index, {1: 1.0}), "bm25") == ["b"]


def test_an_index_that_is_not_finished_takes_no_place(index: VectorIndex) -> None:
    index.upsert([point("a", terms={1: 1.0})])
    before = index.generation()
    wrong = [point("b", passage=(1, 0), version=2)]
    with pytest.raises(IndexUnavailableError), index.renewed():
        index.upsert([point("a", terms={1: 1.0}), *wrong])
    assert index.generation() == before
    assert "a" in found(ask(index, {1: 1.0}), "bm25")


def test_points_are_counted_by_version(index: VectorIndex) -> None:
    assert index.version_counts() == {}
    index.upsert([point(str(at), version=at % 3) for at in range(20)])
    assert index.version_counts() == {0: 7, 1: 7, 2: 6}
    index.drop_versions([1])
    assert index.version_counts() == {0: 7, 2: 6}
    index.probe()
    assert not index.upkeep().wants_tuning


def test_nearest_questions_of_many_vectors_at_once(index: VectorIndex) -> None:
    index.upsert(
        [
            point("x", questions=[(1, 0, 0, 0), (0, 1, 0, 0)], collection=["one"]),
            point("y", questions=[(0, 0.6, 0.8, 0)], collection=["one"]),
            point("z", questions=[(0, 1, 0, 0)], collection=["two"]),
            point("note", passage=(0, 1, 0, 0), collection=["one"]),
        ]
    )
    asked = np.array([(0, 1, 0, 0), (0, 0, 1, 0)] * 70, dtype=np.float32)
    results = index.nearest_questions(asked, limit=2, filters={"collection": ["one"]})
    assert [named(hits) for hits in results] == [["x", "y"], ["y", "x"]] * 70
    assert results[0][1].score == pytest.approx(0.6, abs=ROUNDED)
    assert index.nearest_questions(asked[:0], limit=2, filters={}) == []


def test_stored_vectors_come_back_as_they_were_written(index: VectorIndex) -> None:
    index.upsert(
        [
            point("a", passage=(0.6, 0.8, 0, 0), questions=[(1, 0, 0, 0), (0, 0, 0.6, 0.8)], terms={1: 1.0}),
            point("a", passage=(0, 1, 0, 0), version=2),
            point("long", passage=(3, 0, 4, 0)),
        ]
    )
    stored = index.stored_vectors([key("a"), key("a", 2), key("long"), key("a", 9), key("missing")])
    assert stored.keys() == {key("a"), key("a", 2), key("long")}
    passage, questions = stored[key("a")]
    assert passage.dtype == questions.dtype == np.float32
    assert passage == pytest.approx([0.6, 0.8, 0, 0], abs=ROUNDED)
    assert questions == pytest.approx(np.array([(1, 0, 0, 0), (0, 0, 0.6, 0.8)]), abs=ROUNDED)
    assert stored[key("a", 2)][1].shape == (0, DIM)
    assert stored[key("long")][0] == pytest.approx([0.6, 0, 0.8, 0], abs=ROUNDED), "of unit length"
    assert index.stored_vectors([]) == {}


def test_points_tell_which_terms_they_hold(index: VectorIndex) -> None:
    several = {1: 1.0, 3: 1.0, 4_000_000_000: 0.5}
    index.upsert([point("a", terms=several), point("a", terms={2: 1.0}, version=2), point("none")])
    asked = [key("a", 2), key("a"), key("none"), key("a", 9), key("missing")]
    held = index.held_terms(asked, {1, 2, 7, 4_000_000_000})
    assert held == {key("a"): {1, 4_000_000_000}, key("a", 2): {2}, key("none"): frozenset()}
    assert index.held_terms([], {1}) == {}


def test_the_idf_of_a_term_follows_every_write(index: VectorIndex) -> None:
    with index.renewed():
        index.upsert([point("a", terms={1: 1.0}), point("b", terms={2: 1.0})])
    before = ask(index, {1: 1.0, 3: 1.0}).idf
    assert ask(index, {1: 1.0, 3: 1.0}).idf == before, "asked again"
    index.upsert([point("c", terms={1: 1.0, 3: 1.0}), point("d", terms={1: 1.0})])
    after = ask(index, {1: 1.0, 3: 1.0}).idf
    assert (before[3], after[1] < before[1], after[3] > 0) == (0.0, True, True)
    with index.renewed():
        index.upsert([point("e", terms={2: 1.0}, version=3)])
    assert ask(index, {1: 1.0, 3: 1.0}).idf == {1: 0.0, 3: 0.0}
    index.upsert([point("f", terms={1: 1.0}, version=2)])
    assert ask(index, {1: 1.0}).idf[1] > 0
    index.drop_versions([2])
    assert ask(index, {1: 1.0}).idf == {1: 0.0}


def test_what_a_view_hides_is_no_hit_takes_no_place_and_has_no_word(index: VectorIndex) -> None:
    index.upsert(
        [
            *(
                point(f"secret{at}", questions=[(1, 0, 0, 0)], terms={5: 9.0, 6: 1.0}, audience=("Interviewer",),
                      collection=("a",))
                for at in range(20)
            ),
            point("a", passage=(0.6, 0.8, 0, 0), questions=[(0.6, 0.8, 0, 0)], terms={5: 1.0}, collection=("a",)),
            point("b", passage=(0, 1, 0, 0), terms={5: 1.0, 7: 1.0}, audience=("candidate",), collection=("b",)),
        ]
    )  # fmt: skip
    asked = vector(1, 0, 0, 0)
    shown = ask(index, {5: 1.0, 6: 1.0, 7: 1.0}, asked, limit=2, view=View("candidate"))
    assert found(shown, "dense") == ["a", "b"]
    assert found(shown, "question") == ["a"]
    assert set(found(shown, "bm25")) == {"a", "b"}
    assert shown.idf[6] == 0.0
    assert min(shown.idf[5], shown.idf[7]) > 0
    only_b = ask(index, {5: 1.0, 6: 1.0}, asked, view=View("candidate", frozenset({"b", "c"})))
    assert (found(only_b, "dense"), found(only_b, "bm25")) == (["b"], ["b"])
    both = ask(index, {7: 1.0}, asked, filters={"collection": ("a", "b")}, view=View("interviewer", frozenset({"b"})))
    assert found(both, "dense") == ["b"]
    named = ask(index, asked=asked, filters={"audience": ("interviewer",)}, view=View("candidate"))
    assert found(named, "dense") == []
    nothing = ask(index, {5: 1.0}, asked, view=View("interviewer", frozenset()))
    assert not any(nothing.arms.values())
    assert nothing.idf == {5: 0.0}
    assert len(found(ask(index, asked=asked, limit=50), "dense")) == 22
