"""The five seed documents, where they are at hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ingest.formats.markdown import from_markdown
from ingest.items import Document
from ingest.parse.document import parse_document

SEEDS = Path(__file__).resolve().parents[2].parent / "shared" / "corpora" / "seeds"

pytestmark = pytest.mark.skipif(not SEEDS.is_dir(), reason="the seed documents (../shared/corpora/seeds) are not here")


def seed(name: str) -> Document:
    text = (SEEDS / name).read_text(encoding="utf-8")
    return parse_document(collection="default", path=name, version="v", source=from_markdown(text))


def test_talking_points_of_both_candidates() -> None:
    for name, count in (("noah_backend_level_ai.md", 14), ("noah_staff_ml_engineer.md", 8)):
        asked = [i for i in seed(name).items if i.kind == "qa"]
        assert len(asked) == count
        assert all(len(i.talking_points) == 1 for i in asked)


def test_every_answer_of_the_second_half_finds_its_question_and_topic() -> None:
    doc = seed("senior_python_technical_interview.md")
    asked = [i for i in doc.items if i.kind == "qa"]
    assert len(asked) == len(doc.items) == 21
    lines = doc.text.split("\n")
    for number, item in enumerate(asked, 1):
        assert item.answer is not None
        assert lines[item.answer.line_start - 2] == f"### Q{number} Response:"
        assert item.question_span is not None
        assert lines[item.question_span.line_start - 1].startswith(f"**Q{number}:**")
    assert asked[6].heading[-1] == "3. AWS Cloud Services"
    assert asked[20].heading[-1] == "NLP and Data Science"


def test_the_interviewer_guide() -> None:
    doc = seed("sophia_fastapi_interviewer_guide.md")
    titles = [i.title for i in doc.items if i.kind == "guide"]
    assert [t.split(":")[0] for t in titles[:5]] == [f"Phase {n}" for n in range(1, 6)]
    assert [t.split(" (")[0] for t in titles[5:]] == [
        "Junior Level",
        "Mid Level",
        "Senior Level",
        "Evaluation Criteria",
    ]
    asked = [i for i in doc.items if i.kind == "qa"]
    assert len(asked) == 5
    assert not any(i.has_answer for i in asked)


def test_every_bold_lead_of_the_cheat_sheet_is_a_note_under_its_topic() -> None:
    doc = seed("production_backend_cheat_sheet.md")
    assert Counter(i.kind for i in doc.items).keys() == {"note"}
    starts = {i.span.line_start for i in doc.items if i.heading}
    lines = doc.text.split("\n")
    assert [n for n, line in enumerate(lines, 1) if line.lstrip().startswith("- **") and n not in starts] == []
    index = next(i for i in doc.items if i.title == "Example Postgres index you added")
    assert "idx_user_email_lower" in doc.text[index.span.start : index.span.end]
    assert index.heading == ("Databases & persistence",)


@pytest.mark.parametrize("name", sorted(p.name for p in SEEDS.glob("*_*.md")) if SEEDS.is_dir() else [])
def test_nothing_is_lost(name: str) -> None:
    doc = seed(name)
    counted = {n for a in doc.account for n in range(a.line_start, a.line_end + 1)}
    assert [n for n, line in enumerate(doc.text.split("\n"), 1) if line.strip() and n not in counted] == []
    assert not any(a.role == "leftover" for a in doc.account)
