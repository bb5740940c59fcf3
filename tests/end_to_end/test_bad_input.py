"""Bad files are told with path and reason; the good ones beside them are served."""

from __future__ import annotations

import os
from pathlib import Path

from tests.end_to_end.conftest import Run

GOOD = "# Caching\n\n## What is a TTL?\n\nA time to live: how long an entry may be served.\n"


def test_every_bad_file_is_reported_and_the_rest_is_served(run: Run, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "good.md").write_text(GOOD, encoding="utf-8")
    (notes / "empty.md").write_bytes(b"")
    (notes / "binary.md").write_bytes(bytes(range(256)) * 40)
    (notes / "latin.md").write_bytes("# Ein Café\n\nschön\n".encode("latin-1"))
    (notes / "line.md").write_bytes(b"word " * 10_000_000)
    (notes / "front.md").write_text("---\ntitle: [open\ntags: a\n---\n# T\n\ntext\n", encoding="utf-8")
    (notes / "loop").symlink_to(notes, target_is_directory=True)
    (notes / "self.md").symlink_to(notes / "self.md")
    locked = notes / "locked"
    locked.mkdir()
    (locked / "inside.md").write_text(GOOD, encoding="utf-8")
    locked.chmod(0)
    done = run("ingest", notes, "--home", tmp_path / "home", "--json")
    locked.chmod(0o755)

    assert done.code == 3
    reasons = {entry["path"]: entry["reason"] for entry in done.json["quarantine"]}
    expected = {"empty.md", "binary.md", "latin.md", "line.md", "front.md", "loop", "self.md"}
    if os.geteuid() != 0:  # the superuser may read what nobody else may
        expected.add("locked")
    assert expected <= {path.rstrip("/") for path in reasons}
    assert all(reasons.values())
    assert done.json["documents"]["quarantined"] == len(reasons)

    hits = run("search", "what is a TTL", "--home", tmp_path / "home", "--json").json["hits"]
    assert "good.md" in {hit["document"] for hit in hits}


def test_a_mended_file_is_served_by_the_next_run(run: Run, tmp_path: Path) -> None:
    notes, home = tmp_path / "notes", tmp_path / "home"
    notes.mkdir()
    (notes / "a.md").write_bytes(b"a caf\xe9 in Latin-1")
    assert run("ingest", notes, "--home", home, "--json").code == 3
    (notes / "a.md").write_text(GOOD, encoding="utf-8")
    report = run("ingest", notes, "--home", home, "--json")
    assert report.code == 0
    assert report.json["documents"]["added"] == 1
    assert run("quarantine", "list", "--home", home, "--json").json == {"quarantine": []}
