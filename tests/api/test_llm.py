"""A language model behind the settings: commands, the server's stream, and what `doctor` says of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.api.conftest import Cuecard
from tests.doubles.llm_server import Reply, Wire, language_model

QUESTION = "how many rows does a partial index cover"


def true(user: str) -> str:
    found = re.search(r'<source number="(\d+)"[^>]*>(?:(?!</source>).)*Partial index', user, re.DOTALL)
    assert found is not None
    return f"An index with a WHERE clause covers 12 percent of the rows and stays small. [{found.group(1)}]"


def settings(monkeypatch: pytest.MonkeyPatch, wire: Wire, url: str) -> None:
    monkeypatch.setenv("CUECARD_LLM", wire)
    monkeypatch.setenv("CUECARD_LLM_URL", url)
    monkeypatch.setenv("CUECARD_LLM_MODEL", "m")
    monkeypatch.setenv("CUECARD_LLM_TIMEOUT", "60")


@pytest.mark.parametrize("wire", ["openai-like", "ollama"])
def test_settings_bring_a_model(cuecard: Cuecard, filled: Path, monkeypatch: pytest.MonkeyPatch, wire: Wire) -> None:
    with language_model(Reply(true), wire=wire) as double:
        settings(monkeypatch, wire, double.url)
        answer = cuecard("ask", QUESTION, "--mode", "llm", "--home", filled, "--json").json
        assert (answer["kind"], answer["partial"]) == ("generated", False)
        assert answer["answer"] == true(double.heard[0])
        checks = {c["name"]: c for c in cuecard("doctor", "--home", filled, "--json").json["checks"]}
        assert checks["language model"]["state"] == "on"
        assert double.url in checks["language model"]["detail"]


def test_without_one_the_extract_answers_and_doctor_says_why(
    cuecard: Cuecard, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with language_model(Reply(true)) as double:
        gone = double.url
    settings(monkeypatch, "openai-like", gone)
    answer = cuecard("ask", QUESTION, "--mode", "llm", "--home", filled, "--json").json
    assert (answer["kind"], answer["partial"], answer["low_confidence"]) == ("extractive", True, True)
    assert "llm_unavailable" in answer["reasons"]
    report = cuecard("doctor", "--home", filled, "--json").json
    check = next(c for c in report["checks"] if c["name"] == "language model")
    assert check["state"] == "degraded"
    assert gone in check["detail"]
    assert report["ready"]
