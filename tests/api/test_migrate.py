"""A library to servers and back: the same answers there, nothing changed here, and no half of it to be seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from api.compose import Parts
from api.migration import migrate
from api.settings import load_settings
from ingest.catalog import Catalog
from ingest.copy import copy_catalog, is_empty
from ingest.errors import IndexUnavailableError, RefusedError, UsageError
from ingest.schema import changes, metadata, versions
from ingest.sync import sync
from retrieval.build import EMBEDDINGS_FILE
from retrieval.cache import EmbeddingCache
from retrieval.mend import diagnose
from retrieval.server_faults import written
from tests.api.conftest import Cuecard, write_notes
from tests.doubles.qdrant_server import UPSERT, Fault, QdrantDouble, busy, qdrant_double
from tests.fakes import LINES, HashingEmbedder

TOPICS = ("redis", "kafka", "postgres", "locks", "queues", "caches", "indexes", "joins", "threads", "sockets")
Open = Callable[..., Parts]


@pytest.fixture
def double() -> Iterator[QdrantDouble]:
    with qdrant_double() as made:
        yield made


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens homes; closes them at the end. Texts are embedded by their words."""
    parts: list[Parts] = []

    def open_(home: Path, **environ: str) -> Parts:
        settings = load_settings(home, {f"CUECARD_{name}": value for name, value in environ.items()})
        home.mkdir(exist_ok=True)
        parts.append(Parts(settings, lambda _: None, embedder=HashingEmbedder()))
        return parts[-1]

    yield open_
    for each in parts:
        each.close()


@pytest.fixture
def library(tmp_path: Path, opened: Open) -> Parts:
    """An embedded home with some history."""
    parts = opened(tmp_path / "home")
    for round_ in range(2):
        write(tmp_path / "notes", {name: f"all about {name}\nround {round_} of {name}\n" for name in TOPICS})
        ingest(parts, tmp_path / "notes")
    return parts


def write(folder: Path, texts: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def ingest(parts: Parts, folder: Path) -> Any:
    return sync(parts.catalog, parts.indexer, [folder], parser=LINES).to_dict()["documents"]


def found(parts: Parts) -> list[list[tuple[str, str]]]:
    return [
        [(hit.chunk.document, hit.chunk.text) for hit in parts.retriever.search(f"all about {name}").hits]
        for name in TOPICS
    ]


def rows(parts: Parts) -> dict[str, list[str]]:
    with parts.catalog.transaction() as connection:
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for table in metadata.sorted_tables
        }


def states(parts: Parts) -> tuple[Any, ...]:
    """All that a copy must leave as it is."""
    index = parts.retrieval.index
    return rows(parts), index.version_counts(), index.generation()


def sound(body: dict[str, Any]) -> bool:
    return not body["differences"] and not body["other_answers"] and body["compared"]["questions"] > 5


def test_to_servers_and_back(library: Parts, double: QdrantDouble, database: str, opened: Open, tmp_path: Path) -> None:
    before, answers = states(library), found(library)
    assert any(answers)
    server = opened(library.settings.home, QDRANT_URL=double.url, DATABASE_URL=database)
    seen: dict[str, tuple[int, int]] = {}
    body = migrate(library, server.settings, progress=lambda phase, done, total: seen.update({phase: (done, total)}))
    assert sound(body), body
    assert (body["written"], body["kept"], body["embedded"]) == (20, 0, 0)
    assert body["compared"]["changes"] == library.catalog.sequence()
    assert {"index", "rows", "rows compared", "questions asked here and there"} <= seen.keys()
    assert all(done == total for done, total in seen.values())
    assert states(library) == before
    assert states(server) == before, "the same rows, points and generation: it is the same index"
    assert found(server) == answers
    assert diagnose(server.catalog, server.retrieval).sound
    assert ingest(server, tmp_path / "notes")["unchanged"] == 10

    write(tmp_path / "notes", {"redis": "all about redis, once more\n"})
    assert ingest(server, tmp_path / "notes")["updated"] == 1
    answers, now = found(server), states(server)
    back = opened(tmp_path / "back")
    body = migrate(server, back.settings)
    assert sound(body), body
    assert (body["written"], body["embedded"]) == (19, 0)
    assert states(server) == now
    assert found(back) == answers
    assert [change.to_dict() for change in back.catalog.changes()] == [
        change.to_dict() for change in server.catalog.changes()
    ]
    assert diagnose(back.catalog, back.retrieval).sound
    assert ingest(back, tmp_path / "notes")["unchanged"] == 10
    assert states(library) == before


def test_the_index_alone(library: Parts, double: QdrantDouble, opened: Open) -> None:
    before, answers = states(library), found(library)
    server = opened(library.settings.home, QDRANT_URL=double.url)
    assert sound(migrate(library, server.settings))
    assert states(server) == before
    assert found(server) == answers
    assert diagnose(server.catalog, server.retrieval).sound


def test_run_again_it_compares_and_writes_nothing(
    library: Parts, double: QdrantDouble, opened: Open, tmp_path: Path
) -> None:
    server = opened(library.settings.home, QDRANT_URL=double.url, DATABASE_URL=f"sqlite:///{tmp_path / 'server.db'}")
    migrate(library, server.settings)
    upserts = double.came(UPSERT)
    body = migrate(library, server.settings)
    assert sound(body)
    assert (body["written"], double.came(UPSERT)) == (0, upserts)
    back = opened(tmp_path / "back")
    migrate(server, back.settings)
    generation = back.retrieval.index.generation()
    back.close()
    body = migrate(server, back.settings)
    assert sound(body)
    assert (body["written"], opened(tmp_path / "back").retrieval.index.generation()) == (0, generation)


def test_vectors_come_from_the_index_where_no_cache_has_them(
    library: Parts, double: QdrantDouble, opened: Open, tmp_path: Path
) -> None:
    home = library.settings.home
    for each in list(home.glob("embeddings.sqlite3*")):
        each.unlink()
    bare = opened(home)
    library.close()
    server = opened(home, QDRANT_URL=double.url, DATABASE_URL=f"sqlite:///{tmp_path / 'server.db'}")
    assert migrate(bare, server.settings)["embedded"] == 0
    bare.close()
    elsewhere = opened(tmp_path / "api", QDRANT_URL=double.url, DATABASE_URL=f"sqlite:///{tmp_path / 'server.db'}")
    body = migrate(elsewhere, opened(tmp_path / "back").settings)
    assert sound(body)
    assert body["embedded"] == 0


def test_interrupted_at_the_index_it_goes_on_and_nothing_was_to_be_seen(
    library: Parts, double: QdrantDouble, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = opened(library.settings.home, QDRANT_URL=double.url, DATABASE_URL=f"sqlite:///{tmp_path / 'server.db'}")
    monkeypatch.setattr("retrieval.mend.BATCH_CHUNKS", 4)
    monkeypatch.setattr("retrieval.server_faults.written", lambda work, _: written(work, 0.3))
    for fault in (Fault(cut=True, done=0.5), busy()):
        double.fail(Fault(), UPSERT)
        double.fail(Fault(), UPSERT)
        double.fail(fault, UPSERT, times=1000)
        with pytest.raises(IndexUnavailableError):
            migrate(library, server.settings)
        double.heal()
        assert is_empty(server.catalog)
        assert not any(found(server))
        assert server.retrieval.index.generation() != library.retrieval.index.generation()
        server.retrieval.index.close()
    body = migrate(library, server.settings)
    assert sound(body)
    assert body["written"] + body["kept"] == 20
    assert body["kept"] >= 12
    assert states(server) == states(library)


@pytest.mark.parametrize("moment", ["index", "rows", "rows compared"])
@pytest.mark.parametrize("to", ["servers", "folder"])
def test_stopped_by_hand_it_is_safe_to_run_again(
    library: Parts, double: QdrantDouble, opened: Open, tmp_path: Path, moment: str, to: str
) -> None:
    environ = {"QDRANT_URL": double.url, "DATABASE_URL": f"sqlite:///{tmp_path / 'server.db'}"}
    target = opened(library.settings.home, **environ) if to == "servers" else opened(tmp_path / "back")
    before = states(library)

    def stop(phase: str, done: int, total: int) -> None:
        if phase == moment and done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate(library, target.settings, progress=stop)
    assert is_empty(target.catalog) or moment == "rows compared"
    assert sound(migrate(library, target.settings))
    assert states(library) == before
    assert found(target) == found(library)


def test_another_library_is_not_written_over_without_a_word(
    library: Parts, double: QdrantDouble, opened: Open, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path / 'server.db'}"
    server = opened(library.settings.home, QDRANT_URL=double.url, DATABASE_URL=database)
    write(tmp_path / "others", {"other": "what others know"})
    ingest(server, tmp_path / "others")
    before = states(server)
    with pytest.raises(RefusedError, match=r"another library: 1 documents, change 1 .*10 documents.*--replace"):
        migrate(library, server.settings)
    assert states(server) == before
    assert sound(migrate(library, server.settings, replace=True))
    server.retrieval.index.close()
    assert states(server) == states(library)


def test_two_copies_that_went_their_own_ways_are_not_mixed(
    library: Parts, double: QdrantDouble, opened: Open, tmp_path: Path
) -> None:
    """Both give their next version the same number, for other documents of as many chunks."""
    server = opened(library.settings.home, QDRANT_URL=double.url, DATABASE_URL=f"sqlite:///{tmp_path / 'server.db'}")
    migrate(library, server.settings)
    write(tmp_path / "here", {"here": "zebras graze"})
    write(tmp_path / "there", {"there": "lions hunt"})
    ingest(library, tmp_path / "here")
    ingest(server, tmp_path / "there")
    assert library.catalog.document("here.md").version_key == server.catalog.document("there.md").version_key
    server.retrieval.index.close()
    with pytest.raises(RefusedError, match="another library: 11 documents, change 21"):
        migrate(library, server.settings)
    assert sound(migrate(library, server.settings, replace=True))
    server.retrieval.index.close()
    assert states(server) == states(library)
    for one in (library, server):
        hit = one.retriever.search("graze").hits[0]
        assert (hit.chunk.document, hit.ranks["dense"], hit.ranks["bm25"]) == ("here.md", 1, 1)


def test_what_differs_is_told(
    library: Parts, double: QdrantDouble, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writes there between the copy and the comparison."""
    server = opened(library.settings.home, QDRANT_URL=double.url, DATABASE_URL=f"sqlite:///{tmp_path / 'server.db'}")
    (gone,) = {key for key in library.catalog.live_versions() if "kafka" in library.catalog.text(key)}

    def copy_and_spoil(source: Catalog, target: Catalog, *rest: Any) -> None:
        copy_catalog(source, target, *rest)
        with target.transaction() as connection:
            connection.execute(changes.delete().where(changes.c.sequence == 1))
            connection.execute(versions.update().where(versions.c.key == 2).values(title="changed"))
        server.retrieval.index.drop_versions([gone])

    monkeypatch.setattr("api.migration.copy_catalog", copy_and_spoil)
    body = migrate(library, server.settings)
    said = " ".join(body["differences"])
    assert re.search(r"The table changes has 19 rows there and 20 here\.", said)
    assert "Rows of the table versions have other values there." in said
    assert f"Version {gone} (kafka.md) has 0 points there and 2 here." in said
    assert body["other_answers"]
    assert body["compared"]["checksum"]["here"] != body["compared"]["checksum"]["there"]


@pytest.mark.parametrize("damage", ["lost", "uneven"])
def test_an_index_that_is_not_whole_is_not_copied(
    library: Parts, double: QdrantDouble, opened: Open, damage: str
) -> None:
    counts = library.retrieval.index.version_counts()
    library.retrieval.index.drop_versions(sorted(counts)[: None if damage == "lost" else 1])
    server = opened(library.settings.home, QDRANT_URL=double.url)
    with pytest.raises(RefusedError, match=r"is not whole.*doctor --repair"):
        migrate(library, server.settings)
    assert double.came(UPSERT) == 0


def test_a_server_that_is_away_is_told(library: Parts, double: QdrantDouble, opened: Open) -> None:
    server = opened(library.settings.home, QDRANT_URL=double.url)
    double.down()
    with pytest.raises(IndexUnavailableError, match="can't be reached"):
        migrate(library, server.settings)
    double.up()
    assert sound(migrate(library, server.settings))


def test_an_empty_library_goes_over_too(tmp_path: Path, double: QdrantDouble, opened: Open) -> None:
    empty = opened(tmp_path / "home")
    server = opened(tmp_path / "home", QDRANT_URL=double.url, DATABASE_URL=f"sqlite:///{tmp_path / 'server.db'}")
    body = migrate(empty, server.settings)
    assert (body["differences"], body["other_answers"], body["compared"]["chunks"]) == ([], [], 0)


def test_what_is_there_already_is_not_copied_onto_itself(library: Parts, double: QdrantDouble, opened: Open) -> None:
    home = library.settings.home
    with pytest.raises(UsageError, match=r"The index is in .* already"):
        migrate(library, opened(home).settings)
    server = opened(home, QDRANT_URL=double.url)
    migrate(library, server.settings)
    with pytest.raises(UsageError, match="The library is there already"):
        migrate(server, opened(home, QDRANT_URL=double.url).settings)
    with pytest.raises(UsageError, match=r"only the index is not.*doctor --repair"):
        migrate(server, opened(home).settings)


def test_the_command_says_what_to_set_and_the_copy_answers_under_it(
    cuecard: Cuecard, own_home: Path, double: QdrantDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = f"sqlite:///{tmp_path / 'server.db'}"
    question = ("search", "advisory lock", "--json", "--home")
    here = cuecard(*question, own_home).json["hits"]
    ran = cuecard("migrate", "--to-qdrant", double.url, "--database", database, "--home", own_home, "--json")
    assert (ran.code, ran.json["differences"], ran.json["other_answers"]) == (0, [], [])
    assert ran.json["set"] == {"CUECARD_QDRANT_URL": double.url, "CUECARD_DATABASE_URL": database}
    for name, value in ran.json["set"].items():
        monkeypatch.setenv(name, value)
    there = cuecard(*question, own_home).json["hits"]
    assert [hit["id"] for hit in there] == [hit["id"] for hit in here]
    assert cuecard("doctor", "--home", own_home, "--json").code == 0

    back = cuecard("migrate", "--to-embedded", tmp_path / "back", "--home", own_home)
    assert back.code == 0
    assert "All is the same." in back.out
    assert f"CUECARD_HOME={tmp_path / 'back'}" in back.out
    assert "unset CUECARD_QDRANT_URL" in back.out
    caches = [EmbeddingCache(home / EMBEDDINGS_FILE) for home in (own_home, tmp_path / "back")]
    assert 0 < len(caches[0]) == len(caches[1]), "what rerankers keep comes over too"
    for cache in caches:
        cache.close()
    for name in ran.json["set"]:
        monkeypatch.delenv(name)
    again = cuecard(*question, tmp_path / "back").json["hits"]
    assert [hit["id"] for hit in again] == [hit["id"] for hit in here]


def test_the_command_leaves_with_1_where_something_differs(
    cuecard: Cuecard, own_home: Path, double: QdrantDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.migration.uneven_versions", lambda *_: ["Version 1 has no points there."])
    ran = cuecard("migrate", "--to-qdrant", double.url, "--home", own_home)
    assert ran.code == 1
    assert "It is not the same:\n  Version 1 has no points there." in ran.out
    monkeypatch.setattr("api.migration.uneven_versions", lambda *_: [])
    monkeypatch.setattr("api.migration.other_hits", lambda *_: "another hit comes first there")
    assert cuecard("migrate", "--to-qdrant", double.url, "--home", own_home).code == 3


def test_files_that_were_uploaded_are_told_of_where_they_stay_behind(
    cuecard: Cuecard, own_home: Path, tmp_path: Path
) -> None:
    uploads = own_home / "uploads" / "default"
    uploads.mkdir(parents=True)
    (uploads / "mine.md").write_text("# Mine\n\n- **Zebra:** a striped thing.\n", encoding="utf-8")
    assert cuecard("ingest", uploads, "--home", own_home, "--json").code == 0
    ran = cuecard("migrate", "--to-embedded", tmp_path / "there", "--home", own_home)
    assert ran.code == 0
    assert f"Files that were uploaded (1) stay in {own_home / 'uploads'}" in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Either --to-qdrant URL or --to-embedded DIR"),
        (("--to-qdrant", "http://q", "--to-embedded", "d"), "Either --to-qdrant URL or --to-embedded DIR"),
        (("--to-embedded", "d", "--database", "sqlite://"), "--database goes with --to-qdrant"),
        (("--to-qdrant", "localhost:6333"), "must be a URL that starts with http://"),
        (("--to-qdrant", "http://q", "--database", "postgres"), "must be a SQLAlchemy URL"),
    ],
)
def test_wrong_usage(cuecard: Cuecard, own_home: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = cuecard("migrate", *arguments, "--home", own_home)
    assert ran.code == 2
    assert said in ran.err


def test_a_home_that_is_not_there_has_nothing_to_copy(cuecard: Cuecard, tmp_path: Path) -> None:
    ran = cuecard("migrate", "--to-embedded", tmp_path / "there", "--home", tmp_path / "nowhere")
    assert ran.code == 2
    assert "There is no home" in ran.err
    assert not (tmp_path / "there").exists()


def test_a_folder_whose_config_names_servers_is_no_place(cuecard: Cuecard, own_home: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "config.toml").write_text('qdrant_url = "http://q"\n', encoding="utf-8")
    ran = cuecard("migrate", "--to-embedded", tmp_path / "there", "--home", own_home)
    assert ran.code == 2
    assert "names servers" in ran.err


def test_new_notes_go_into_the_copy_only(
    cuecard: Cuecard, own_home: Path, double: QdrantDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = f"sqlite:///{tmp_path / 'server.db'}"
    cuecard("migrate", "--to-qdrant", double.url, "--database", database, "--home", own_home)
    notes = write_notes(tmp_path / "more")
    (notes / "new.md").write_text("# New\n\n- **Zebra:** a striped thing that waits in queues.\n", encoding="utf-8")
    with monkeypatch.context() as servers:
        servers.setenv("CUECARD_QDRANT_URL", double.url)
        servers.setenv("CUECARD_DATABASE_URL", database)
        assert cuecard("ingest", notes, "--collection", "more", "--home", own_home, "--json").code == 0
        assert cuecard("stats", "--home", own_home, "--json").json["documents"] == 5
    assert cuecard("stats", "--home", own_home, "--json").json["documents"] == 2
