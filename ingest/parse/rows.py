"""Rows of tables as items: questions with their answers, and terms or commands with what they mean."""

from __future__ import annotations

from ingest.parse.drafts import Draft, Stretch
from ingest.parse.labels import numbering, read_label
from ingest.parse.outline import Place
from ingest.parse.tables import Cell, Table, labelled_cells
from ingest.parse.wording import asks, is_request, says_nothing
from ingest.text import plain


def question_rows(place: Place, table: Table) -> list[Draft]:
    """One draft for each row with a question. A row without one goes on with the question above it."""
    drafts: list[Draft] = []
    for _, row in table.rows:
        asked = table.cell(row, "question")
        filled = [cell for cell in row if cell.words]
        if asked is None or not (table.names_questions or _asks(asked)):
            if drafts and filled:
                drafts[-1].end = filled[-1].end
                if drafts[-1].answer is not None and (more := table.cell(row, "answer")) is not None:
                    drafts[-1].answer.grow(more.end)
            continue
        draft = _asked(place, asked, filled[0].start)
        draft.end = filled[-1].end
        draft.answer = _stretch(table.cell(row, "answer"))
        draft.points = [s for cell in table.cells(row, "talking_points") if (s := _stretch(cell))]
        draft.facets = table.facets(row)
        number = table.cell(row, "id")
        if draft.number is None and number is not None and number.words.strip("#.) ").isdecimal():
            draft.number = int(number.words.strip("#.) ")[:9])
        drafts.append(draft)
    return drafts


def _asks(cell: Cell) -> bool:
    return asks(cell.text) or is_request(cell.text) or len(cell.words.split()) > 1


def labelled_questions(place: Place, table: Table) -> list[Draft]:
    """The questions of a table whose first column says which cell is a question and which an answer."""
    drafts: list[Draft] = []
    for kind, cell in labelled_cells(table):
        if kind == "question" and cell.words:
            drafts.append(_asked(place, cell, cell.start))
        elif drafts and cell.words:
            drafts[-1].end = cell.end
            if kind == "answer" and drafts[-1].answer is None:
                drafts[-1].answer = _stretch(cell)
            elif kind == "talking_point" and (point := _stretch(cell)) is not None:
                drafts[-1].points.append(point)
    return drafts


def _asked(place: Place, cell: Cell, start: int) -> Draft:
    label = read_label(cell.text)
    skipped = label.rest if label is not None and label.kind == "question" else 0
    number, words = numbering(cell.text[skipped:])
    question = plain(words).strip(' "“”')
    draft = Draft("qa", question, place.path, start)
    draft.number = label.number if label is not None and skipped else number
    draft.question, draft.asked = question, Stretch(cell.end - len(words), cell.end)
    draft.end = cell.end
    return draft


def _stretch(cell: Cell | None) -> Stretch | None:
    if cell is None or says_nothing(cell.text):
        return None
    label = read_label(cell.text)
    skipped = label.rest if label is not None and label.kind == "answer" else 0
    return Stretch(cell.start + skipped, cell.end)


def term_rows(place: Place, table: Table) -> list[Draft]:
    """One note for each row of a table of terms, named by its term."""
    drafts = []
    for _, row in table.rows:
        filled = [cell for cell in row if cell.words]
        if not filled:
            continue
        beside = table.cells(row, "id", "difficulty", "level", "topic", "company", "tags")
        named = next((cell for cell in filled if cell not in beside), filled[0])
        draft = Draft("note", named.words[:80], place.path, filled[0].start)
        draft.question = named.words if asks(named.words) else None
        draft.end, draft.facets = filled[-1].end, table.facets(row)
        drafts.append(draft)
    return drafts
