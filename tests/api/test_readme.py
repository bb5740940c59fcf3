"""The README says what the program says of itself."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from api.cli.main import cli
from api.settings import markdown_table

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_settings_table_is_the_programs_own() -> None:
    shown = README.split("<!-- settings -->")[1].split("<!-- /settings -->")[0].strip()
    assert shown == markdown_table().strip()


def test_every_command_it_shows_exists() -> None:
    shown = set(re.findall(r"cuecard (?:--home \S+ )?([a-z]+)", README)) - {"eval"}
    known = CliRunner().invoke(cli, ["--help"]).output
    assert shown
    assert [name for name in shown if not re.search(rf"^  {name} ", known, re.M)] == []
