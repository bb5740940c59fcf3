"""What all commands share: options anywhere, exit codes, one line for an error, one document with --json."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.conftest import Cuecard
from tests.api.test_home import another_process

CUECARD = [sys.executable, "-c", "from api.cli.main import main; main()"]
COMMANDS = ["ingest", "ask", "search", "check", "docs", "quarantine", "changes", "serve", "stats", "doctor", "eval"]


def test_help_names_every_command(cuecard: Cuecard) -> None:
    ran = cuecard("--help")
    assert ran.code == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in ran.out] == []


def test_every_command_takes_home_and_json(cuecard: Cuecard) -> None:
    commands = [*([name] for name in COMMANDS), ["docs", "list"], ["docs", "show"], ["quarantine", "list"]]
    for command in [*commands, ["eval", "retrieval"]]:
        ran = cuecard(*command, "--help")
        assert ran.code == 0, command
        assert "--home" in ran.out, command
        assert "--json" in ran.out, command


@pytest.mark.parametrize("order", [0, 1, 2])
def test_home_and_json_stand_anywhere(cuecard: Cuecard, filled: Path, order: int) -> None:
    options = ["--home", str(filled), "--json"]
    words = [[*options, "docs", "list"], ["docs", *options, "list"], ["docs", "list", *options]][order]
    assert len(cuecard(*words).json["documents"]) == 2


def test_version_and_nothing_at_all(cuecard: Cuecard) -> None:
    assert cuecard("--version").out.startswith("cuecard 0.")
    nothing = cuecard()
    assert nothing.code == 2
    assert "Usage: cuecard" in nothing.err


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["docs", "nonsense"],
        ["ask"],
        ["ask", "  "],
        ["ask", "x" * 100_000],
        ["ask", "what", "--mode", "guess"],
        ["ask", "what", "--filter", "kind"],
        ["ask", "what", "--questions", __file__],
        ["ask", "what", "--questions", __file__, "--output", "out.jsonl"],
        ["search"],
        ["search", "what", "-k", "0"],
        ["search", "what", "-k", "101"],
        ["search", "what", "--filter", "colour=red"],
        ["check"],
        ["check", "--answer", __file__],
        ["check", "--pairs", __file__],
        ["check", "--pairs", "no-such-file", "--output", "out.jsonl"],
        ["ingest"],
        ["docs", "show", "d", "--account", "--text"],
        ["changes", "--since", "-1"],
        ["serve", "--host", "192.0.2.1"],
        ["serve", "--port", "70000"],
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(cuecard: Cuecard, filled: Path, words: list[str]) -> None:
    ran = cuecard(*words, "--home", filled)
    assert (ran.code, ran.out) == (2, "")
    [line] = ran.err.splitlines()
    assert line.startswith("cuecard: ")
    with_json = cuecard(*words, "--home", filled, "--json")
    assert with_json.code == 2
    assert with_json.json["error"]["message"]


def test_a_setting_that_is_unknown_stops_every_command(cuecard: Cuecard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUECARD_HOEM", "/x")
    for command in (["stats"], ["doctor"], ["check", "--answer", __file__, "--source", __file__]):
        ran = cuecard(*command, "--json")
        assert ran.code == 2
        assert ran.json["error"]["type"] == "settings"
        assert "CUECARD_HOME" in ran.err


def test_no_home_is_told_apart_from_an_empty_one(cuecard: Cuecard, tmp_path: Path) -> None:
    ran = cuecard("docs", "list", "--home", tmp_path / "none")
    assert ran.code == 2
    assert "cuecard ingest" in ran.err
    (tmp_path / "empty").mkdir()
    assert cuecard("docs", "list", "--home", tmp_path / "empty", "--json").json == {"documents": []}


def test_a_home_that_is_damaged_is_no_traceback(cuecard: Cuecard, own_home: Path) -> None:
    (own_home / "catalog.sqlite3").write_bytes(b"this is no database" * 100)
    ran = cuecard("stats", "--home", own_home)
    assert ran.code == 1
    assert len(ran.err.splitlines()) == 1
    doctor = cuecard("doctor", "--home", own_home, "--json")
    assert doctor.code == 1
    assert doctor.json["checks"][1]["state"] == "failed"


def test_interrupted_is_one_line_and_exit_130(tmp_path: Path) -> None:
    with another_process(tmp_path):
        command = [*CUECARD, "stats", "--home", str(tmp_path)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            assert "waiting for `cuecard ingest`" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            rest = process.stderr.read()
    assert process.returncode == 130
    assert rest.strip() == "cuecard: stopped."


def test_a_reader_that_has_had_enough_is_no_error(filled: Path) -> None:
    command = [*CUECARD, "docs", "show", "qa/caching.md", "--text", "--home", str(filled)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_styles_are_for_terminals_only(filled: Path) -> None:
    command = [*CUECARD, "search", "redis eviction", "--home", str(filled)]
    piped = subprocess.run(command, capture_output=True, check=True).stdout
    assert b"\x1b" not in piped
    assert b"\x1b[" in on_terminal(command, {})
    assert b"\x1b[" not in on_terminal(command, {"NO_COLOR": "1"})


def on_terminal(command: list[str], environ: dict[str, str]) -> bytes:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm", **environ}
    ) as process:
        os.close(theirs)
        written = b""
        try:
            while part := os.read(ours, 65536):
                written += part
        except OSError:
            pass  # Linux says so when the other side has closed
    os.close(ours)
    assert process.returncode == 0, written
    return written


def test_products_of_small_tables_stay_on_one_core() -> None:
    """Threads of numpy's BLAS would take the cores from the model and the index."""
    run = (
        "from api.cli.main import main\n"
        "try:\n    main(['--help'])\n"
        "finally:\n    import numpy\n    from threadpoolctl import threadpool_info\n"
        "    print([each['num_threads'] for each in threadpool_info()])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == "[1]"
