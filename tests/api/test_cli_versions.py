"""`cuecard docs diff`, `docs history`, `docs show --account` and `cuecard quarantine`, as a person reads them."""

from __future__ import annotations

import re
import shutil
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from api.cli.main import run
from tests.api.conftest import Cuecard, clean
from tests.api.test_cli import CUECARD, on_terminal

OLD = """---
expires: 2001-01-01
---
# Numbers

Q1: What is two?
Answer: The first prime.

Q2: What is three?
Answer: The second prime.
"""
NEW = """---
expires: 2001-01-01
tags: [primes]
---
# Numbers

Q1: What is two?
Answer: The only even prime.

Q3: What is five?
Answer: The third prime.
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notes and a home with one document of two versions, which got another path in between, one file in quarantine."""
    place = tmp_path_factory.mktemp("versions") / "now"
    notes, home = place / "notes", place / "home"
    notes.mkdir(parents=True)

    def ingested() -> str:
        with pytest.MonkeyPatch.context() as environment, redirect_stdout(StringIO()) as out:
            clean(environment)
            assert run(["ingest", str(notes), "--home", str(home)]) == 3, "one file is in quarantine"
        return out.getvalue()

    (notes / "first.md").write_text(OLD, encoding="utf-8")
    (notes / "bad.md").write_bytes(b"line\ncaf\xe9")
    ingested()
    (notes / "first.md").rename(notes / "numbers.md")
    assert "1 renamed" in ingested()
    (notes / "numbers.md").write_text(NEW, encoding="utf-8")
    assert "1 updated" in ingested()
    shutil.copytree(place, place.with_name("kept"))
    return place


@pytest.fixture
def home(kept: Path) -> Path:
    """That home, and the notes beside it, as they were: at the same place, which the catalog knows."""
    shutil.rmtree(kept)
    shutil.copytree(kept.with_name("kept"), kept)
    return kept / "home"


def test_a_diff_tells_what_became_of_each_item(cuecard: Cuecard, home: Path) -> None:
    shown = cuecard("docs", "diff", "numbers.md", "--home", home).out
    assert "1 added, 1 removed, 1 changed" in shown
    assert "tags: none → primes" in shown
    assert re.search(r"^~ What is two\?", shown, re.M)
    assert "\n-Answer: The first prime.\n+Answer: The only even prime." in shown
    assert re.search(r"^\+ What is five\?", shown, re.M)
    assert re.search(r"^- What is three\?", shown, re.M)
    assert "\x1b" not in shown
    coloured = on_terminal([*CUECARD, "docs", "diff", "numbers.md", "--home", str(home)], {}).decode()
    assert "\x1b[32m+Answer: The only even prime." in coloured
    assert "\x1b[31m-Answer: The first prime." in coloured


def test_versions_are_named_by_the_beginning_of_their_hash(cuecard: Cuecard, home: Path) -> None:
    versions = cuecard("docs", "history", "numbers.md", "--home", home, "--json").json["versions"]
    assert [(v["path"], v["state"]) for v in versions] == [
        ("numbers.md", "live"),
        ("numbers.md", "superseded"),
        ("first.md", "superseded"),
    ]
    old, new = versions[1]["version"], versions[0]["version"].removeprefix("sha256:")[:8]
    diff = cuecard("docs", "diff", "numbers.md", old, new, "--home", home, "--json").json
    assert (diff["old"]["version"], diff["new"]["version"]) == (old, versions[0]["version"])
    backwards = cuecard("docs", "diff", "numbers.md", new, old, "--home", home, "--json").json
    assert backwards["changes"]["added"] == diff["changes"]["removed"] == 1
    assert cuecard("docs", "diff", "numbers.md", "ffffffff", "--home", home).code == 2
    nothing = cuecard("docs", "diff", "numbers.md", "--home", home, "--collection", "other")
    assert nothing.code == 2


def test_history_shows_changes_and_former_paths(cuecard: Cuecard, home: Path) -> None:
    lines = cuecard("docs", "history", "numbers.md", "--home", home).out.splitlines()
    assert "1 added, 1 removed, 1 changed" in lines[1]
    assert lines[2].endswith("numbers.md")
    assert lines[3].endswith("first.md")
    assert "2 added" in lines[3]
    assert "from first.md" in cuecard("changes", "--home", home).out


def test_a_document_out_of_date_is_marked(cuecard: Cuecard, home: Path) -> None:
    assert "▲ expired on 2001-01-01" in cuecard("docs", "list", "--home", home).out
    assert "▲ expired on 2001-01-01" in cuecard("docs", "show", "numbers.md", "--home", home).out
    [document] = cuecard("docs", "list", "--home", home, "--json").json["documents"]
    assert document["stale"] == "expired on 2001-01-01"


def test_the_account_says_how_much_of_the_text_went_where(cuecard: Cuecard, home: Path) -> None:
    shown = cuecard("docs", "show", "numbers.md", "--account", "--home", home).out
    assert "9 lines that aren't blank" in shown
    shares = [float(share) for share in re.findall(r"([\d.]+)%", shown)]
    assert sum(shares) == pytest.approx(100, abs=0.2)
    assert re.search(r"44\.4%\s+4\s+in items", shown)
    assert re.search(r"0\.0%\s+0\s+lost", shown)
    assert "qa: What is five?" in shown


def test_quarantine_is_listed_shown_tried_again_and_put_aside(cuecard: Cuecard, home: Path) -> None:
    [entry] = cuecard("quarantine", "list", "--home", home, "--json").json["quarantine"]
    name = entry["id"][:8]
    listed = cuecard("quarantine", "list", "--home", home).out
    assert f"{name}  bad.md:2  " in listed
    shown = cuecard("quarantine", "show", name, "--home", home).out
    assert entry["source"] in shown
    assert entry["hint"] in shown

    tried = cuecard("quarantine", "retry", name, "--home", home)
    assert tried.code == 3
    assert "✗ bad.md:2  " in tried.out
    dropped = cuecard("quarantine", "drop", name, name, "--home", home)
    assert dropped.out == "Dropped bad.md:2.\n"
    assert "Nothing is in quarantine" in cuecard("quarantine", "list", "--home", home).out
    assert "(dropped)" in cuecard("quarantine", "list", "--dropped", "--home", home).out
    assert "Nothing is in quarantine" in cuecard("quarantine", "retry", "--all", "--home", home).out

    Path(entry["source"]).write_text("# Good\n\nnow\n", encoding="utf-8")
    tried = cuecard("quarantine", "retry", name, "--home", home)
    assert (tried.code, tried.out) == (0, "✓ bad.md\n")
    assert cuecard("quarantine", "list", "--dropped", "--home", home, "--json").json == {"quarantine": []}


def test_an_entry_whose_file_is_gone_is_told(cuecard: Cuecard, home: Path) -> None:
    [entry] = cuecard("quarantine", "list", "--home", home, "--json").json["quarantine"]
    Path(entry["source"]).unlink()
    tried = cuecard("quarantine", "retry", "--all", "--home", home, "--json")
    assert tried.code == 3
    [result] = tried.json["retried"]
    assert result["taken"] is False
    assert "not there any more" in result["problem"]


@pytest.mark.parametrize("words", [["retry"], ["retry", "--all", "ffff"], ["drop"], ["show"], ["retry", "ffff"]])
def test_what_makes_no_sense_is_wrong_usage(cuecard: Cuecard, home: Path, words: list[str]) -> None:
    ran = cuecard("quarantine", *words, "--home", home)
    assert (ran.code, ran.out) == (2, "")


def test_old_versions_are_pruned(cuecard: Cuecard, home: Path) -> None:
    def versions() -> list[str]:
        return [
            each["state"]
            for each in cuecard("docs", "history", "numbers.md", "--home", home, "--json").json["versions"]
        ]

    before = versions()
    assert len(before) >= 2
    assert cuecard("docs", "prune", "--keep", len(before), "--home", home, "--json").json["pruned"] == 0
    assert "Old versions deleted: 1." in cuecard("docs", "prune", "--keep", 1, "--home", home).out
    assert versions() == ["live"]
    assert "The only even prime." in cuecard("search", "What is two?", "--home", home).out
    refused = cuecard("docs", "prune", "--keep", 0, "--home", home)
    assert refused.code == 2
    assert "0" in refused.err
