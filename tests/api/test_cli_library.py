"""`cuecard ingest`, `docs`, `quarantine`, `changes`, `stats` and `doctor`, as a user types them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.conftest import NOTES, Cuecard, write_notes


def test_ingest_says_what_it_did_and_what_it_could_not_read(cuecard: Cuecard, tmp_path: Path) -> None:
    notes = write_notes(tmp_path / "notes")
    (notes / "empty.md").write_bytes(b"")
    ran = cuecard("ingest", notes, "--home", tmp_path / "home", "--json")
    assert ran.code == 3
    none = dict.fromkeys(("updated", "renamed", "unchanged", "removed"), 0)
    assert ran.json["documents"] == {**none, "added": 2, "quarantined": 1}
    assert ran.json["items"]["qa"] == 2
    assert ran.json["items"]["note"] > 0
    assert {"chunks", "seconds"} <= set(ran.json)
    [problem] = ran.json["quarantine"]
    assert problem["path"] == "empty.md"
    assert problem["reason"]
    (notes / "qa/caching.md").unlink()
    ran = cuecard("--home", tmp_path / "home", "ingest", notes)
    assert ran.code == 3
    assert "0 added, 0 updated, 1 unchanged, 1 removed" in ran.out
    assert f"empty.md  {problem['reason']}. {problem['hint']}" in ran.out
    assert "\x1b" not in ran.out
    listed = cuecard("quarantine", "list", "--home", tmp_path / "home")
    assert f"empty.md  {problem['reason']}." in listed.out
    assert (
        cuecard("quarantine", "list", "--home", tmp_path / "home", "--json").json["quarantine"][0]["path"] == "empty.md"
    )


def test_one_changed_line_embeds_one_chunk(cuecard: Cuecard, tmp_path: Path) -> None:
    notes, home = tmp_path / "notes", tmp_path / "home"
    notes.mkdir()
    sections = [f"## What is number {n}?\n\nThe one behind number {n - 1}.\n" for n in range(60)]
    (notes / "numbers.md").write_text("# Numbers\n\n" + "\n".join(sections))
    assert cuecard("ingest", notes, "--home", home, "--json").json["embedded"] == 60
    sections[30] = "## What is number 30?\n\nThirty.\n"
    (notes / "numbers.md").write_text("# Numbers\n\n" + "\n".join(sections))
    ran = cuecard("ingest", notes, "--home", home)
    assert "1 updated" in ran.out
    assert "60 chunks, 1 of them embedded" in ran.out


def test_ingest_refuses_to_empty_a_collection(cuecard: Cuecard, tmp_path: Path) -> None:
    notes, home = write_notes(tmp_path / "notes"), tmp_path / "home"
    assert cuecard("ingest", notes, "--home", home).code == 0
    for name in NOTES:
        (notes / name).unlink()
    refused = cuecard("ingest", notes, "--home", home)
    assert refused.code == 1
    assert "--yes" in refused.err
    assert refused.out == ""
    assert len(cuecard("docs", "list", "--home", home, "--json").json["documents"]) == 2
    assert cuecard("ingest", notes, "--home", home, "--yes", "--json").json["documents"]["removed"] == 2


def test_a_path_that_is_missing_is_wrong_usage(cuecard: Cuecard, own_home: Path) -> None:
    ran = cuecard("ingest", "nowhere", "--home", own_home)
    assert ran.code == 2
    assert "nowhere" in ran.err
    assert "Traceback" not in ran.err


def test_documents_are_listed_and_shown(cuecard: Cuecard, filled: Path) -> None:
    documents = cuecard("docs", "list", "--home", filled, "--json").json["documents"]
    assert [document["path"] for document in documents] == list(NOTES)
    text = cuecard("docs", "list", "--home", filled)
    assert "qa/caching.md" in text.out
    assert "2 qa" in text.out
    for name in (documents[0]["id"], documents[0]["id"][:6], "qa/caching.md"):
        shown = cuecard("docs", "show", name, "--home", filled, "--json").json
        assert shown["path"] == "qa/caching.md"
        assert [item["kind"] for item in shown["items"]] == ["qa", "qa"]
    shown_text = cuecard("docs", "show", "qa/caching.md", "--home", filled)
    assert "What is a cache stampede, and how do you prevent it?" in shown_text.out
    assert cuecard("docs", "list", "--collection", "other", "--home", filled, "--json").json == {"documents": []}


def test_the_account_covers_every_line_that_is_not_blank(cuecard: Cuecard, filled: Path) -> None:
    account = cuecard("docs", "show", "sheets/postgres.md", "--account", "--home", filled, "--json").json["account"]
    covered = {line for part in account for line in range(part["line_start"], part["line_end"] + 1)}
    lines = NOTES["sheets/postgres.md"].splitlines()
    assert {number for number, line in enumerate(lines, 1) if line.strip()} <= covered
    shown = cuecard("docs", "show", "sheets/postgres.md", "--account", "--home", filled)
    assert "structure" in shown.out
    assert "note: " in shown.out


def test_the_canonical_text_is_what_spans_refer_to(cuecard: Cuecard, filled: Path) -> None:
    assert cuecard("docs", "show", "qa/caching.md", "--text", "--home", filled).out == NOTES["qa/caching.md"]
    body = cuecard("docs", "show", "qa/caching.md", "--text", "--home", filled, "--json").json
    item = cuecard("docs", "show", "qa/caching.md", "--home", filled, "--json").json["items"][1]
    assert "allkeys-lru" in body["text"][item["answer"]["start"] : item["answer"]["end"]]


def test_a_document_that_is_not_there(cuecard: Cuecard, filled: Path) -> None:
    for command in (["show"], ["history"], ["delete"], ["show", "--text"]):
        ran = cuecard("docs", *command, "nothing.md", "--home", filled)
        assert ran.code == 2
        assert ran.err.startswith("cuecard: ")
        assert "nothing.md" in ran.err


def test_history_and_changes_tell_what_happened(cuecard: Cuecard, own_home: Path) -> None:
    before = cuecard("changes", "--home", own_home, "--json").json["changes"]
    assert [change["kind"] for change in before] == ["added", "added"]
    gone = cuecard("docs", "delete", "qa/caching.md", "--home", own_home, "--json").json
    after = cuecard("changes", "--since", before[-1]["sequence"], "--home", own_home, "--json").json["changes"]
    assert [(change["kind"], change["path"]) for change in after] == [("removed", "qa/caching.md")]
    [version] = cuecard("docs", "history", gone["id"], "--home", own_home, "--json").json["versions"]
    assert version["state"] == "superseded"
    assert "superseded" in cuecard("docs", "history", gone["id"], "--home", own_home).out
    assert "removed" in cuecard("changes", "--home", own_home).out
    found = cuecard("search", "cache stampede", "--home", own_home, "--json").json["hits"]
    assert "qa/caching.md" not in [hit["document"] for hit in found]


def test_a_lost_index_is_built_anew_by_the_next_ingest(cuecard: Cuecard, own_home: Path, tmp_path: Path) -> None:
    for part in sorted((own_home / "index").rglob("*"), reverse=True):
        part.rmdir() if part.is_dir() else part.unlink()
    doctor = cuecard("doctor", "--home", own_home, "--json")
    assert doctor.code == 1
    [index] = [check for check in doctor.json["checks"] if check["name"] == "index"]
    assert index["state"] == "failed"
    assert "cuecard ingest" in index["hint"]
    lost = cuecard("search", "cache stampede", "--home", own_home)
    assert lost.code == 1
    assert "can't be searched" in lost.err
    one = tmp_path / "one"
    one.mkdir()
    (one / "one.md").write_text("# One\n\n- **Lead:** a single note about nothing else.\n", encoding="utf-8")
    assert cuecard("ingest", one, "--home", own_home).code == 0
    found = cuecard("search", "cache stampede", "--home", own_home, "--json").json["hits"]
    assert found[0]["document"] == "qa/caching.md"
    assert cuecard("doctor", "--home", own_home).code == 0


def test_stats_and_doctor(cuecard: Cuecard, filled: Path) -> None:
    stats = cuecard("stats", "--home", filled, "--json").json
    assert stats["documents"] == 2
    assert stats["items"]["qa"] == 2
    assert "default" in cuecard("stats", "--home", filled).out
    doctor = cuecard("doctor", "--home", filled)
    assert doctor.code == 0
    for word in ("catalog", "embedding model", "index", "reranker", "checker", "Slack"):
        assert word in doctor.out
    assert "CUECARD_QDRANT_URL" in cuecard("doctor", "--settings", "--home", filled).out


def test_doctor_without_a_home_says_how_to_make_one(cuecard: Cuecard, tmp_path: Path) -> None:
    ran = cuecard("doctor", "--home", tmp_path / "none", "--json")
    assert ran.code == 0
    assert not ran.json["ready"]
    assert "cuecard ingest" in ran.json["checks"][0]["hint"]
    assert not (tmp_path / "none").exists()


def test_doctor_tells_which_reranker_there_is(
    cuecard: Cuecard, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def state() -> dict[str, str]:
        checks = cuecard("doctor", "--home", filled, "--json").json["checks"]
        return next(check for check in checks if check["name"] == "reranker")

    assert (state()["state"], state()["detail"]) == ("on", "late interaction.")
    monkeypatch.setenv("CUECARD_RERANK_MODEL", "none")
    assert state()["state"] == "off"
    found = cuecard("search", "cache stampede", "--home", filled, "--json").json["hits"]
    assert found[0]["document"] == "qa/caching.md"
    monkeypatch.setenv("CUECARD_RERANK_MODEL", str(tmp_path / "nothing"))
    assert state()["state"] == "failed"
    assert "CUECARD_RERANK_MODEL" in state()["hint"]
    asked = cuecard("ask", "What is a cache stampede?", "--home", filled, "--json").json
    assert "index_degraded" in asked["reasons"], "without its reranker a library answers, and says so"


def test_doctor_tells_of_a_verifier_that_is_not_there_and_keeps_secrets(
    cuecard: Cuecard, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUECARD_VERIFIER", "none")
    told = cuecard("doctor", "--home", filled)
    assert told.code == 3
    assert "Unset CUECARD_VERIFIER" in told.out
    monkeypatch.setenv("CUECARD_QDRANT_API_KEY", "hush")
    assert "hush" not in cuecard("doctor", "--settings", "--home", filled).out
