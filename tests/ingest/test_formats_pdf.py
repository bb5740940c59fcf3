"""PDF files: what they hold, in reading order, on which page; and the ones that are refused."""

from __future__ import annotations

import contextlib
import re
import resource
import shutil
import subprocess
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.blocks import Node, SourceText
from ingest.errors import DocumentError
from ingest.formats import pdf_pages, pdf_worker
from ingest.formats.pdf import read_pdf
from ingest.formats.registry import READERS
from ingest.items import Document, Item, Meta
from ingest.parse.document import parse_document
from tests.ingest.pdf_files import LINE, Paper, deflated, drawn, forms_within_forms, objects, paper, show, stream

WRAPS = "Many requests miss the same key at once, and every one of them computes the value that one of them could have."


def read(data: bytes) -> SourceText:
    source = read_pdf(data, "notes.pdf", Meta())
    check(source)
    return source


def check(source: SourceText) -> None:
    """What holds for every text: blocks stand where they say, and pages follow each other."""
    lines = source.text.split("\n")
    for node in (inner for block in source.blocks for inner in block.walk()):
        if node.kind in ("paragraph", "bullet", "heading"):
            text = " ".join(node.text.split())
            assert " ".join(source.text[node.start :].split())[: len(text)] == text
            assert source.text.count("\n", 0, node.start) == node.first < node.last <= len(lines)
    assert list(source.pages) == sorted(source.pages)
    assert all(1 <= line <= len(lines) for line in source.pages)


def refusal(data: bytes) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        read_pdf(data, "notes.pdf", Meta())
    assert caught.value.path == "notes.pdf"
    assert caught.value.hint
    return caught.value


def parse(source: SourceText) -> Document:
    return parse_document(collection="default", path="notes.pdf", version="v", source=source)


def answer(doc: Document, item: Item) -> str:
    assert item.answer is not None
    return " ".join(doc.text[item.answer.start : item.answer.end].split())


def page_of(source: SourceText, words: str) -> int:
    return bisect_right(source.pages, source.text[: source.text.index(words)].count("\n") + 1)


def of_kind(source: SourceText, kind: str) -> list[Node]:
    return [node for block in source.blocks for node in block.walk() if node.kind == kind]


# -- what stands in a document


def test_the_suffix_is_known() -> None:
    data = paper(lambda p: p.text_block("Some words of a note."))
    assert READERS[".pdf"](data, "notes.pdf", Meta()).text == "Some words of a note.\n"


def test_an_interview_with_numbered_bold_questions() -> None:
    p = Paper()
    p.heading("Caching", 20)
    for number, question in enumerate(["What is a cache stampede?", "Explain a TTL.", "When would you not cache?"], 1):
        p.bold(f"{number}. {question}")
        p.text_block(f"It is {number}. {WRAPS} {WRAPS}")
    doc = parse(read(p.done()))
    asked = [item for item in doc.items if item.kind == "qa"]
    assert [item.question for item in asked] == [
        "What is a cache stampede?",
        "Explain a TTL.",
        "When would you not cache?",
    ]
    for number, item in enumerate(asked, 1):
        assert answer(doc, item) == f"It is {number}. {WRAPS} {WRAPS}"
        assert (item.heading, item.span.page) == (("Caching",), 1)
        assert item.question_span is not None
        assert doc.text.split("\n")[item.question_span.line_start - 1] == f"**{number}. {item.question}**"


def test_questions_that_are_list_entries_with_their_answers_below() -> None:
    p = Paper()
    for number, topic in enumerate(["cache", "queue", "lock"], 1):
        p.entry(f"What is a {topic}?", mark=f"{number}.")
        p.text_block(f"A {topic} it is. {WRAPS}", indent=10)
    doc = parse(read(p.done()))
    assert [(item.question, answer(doc, item)) for item in doc.items] == [
        (f"What is a {topic}?", f"A {topic} it is. {WRAPS}") for topic in ("cache", "queue", "lock")
    ]


def test_labelled_questions_without_gaps_between_them() -> None:
    p = Paper()
    for number, topic in enumerate(["cache", "queue"], 1):
        p.text_block(f"Q{number}: What is a {topic}?", gap=0)
        p.text_block(f"A{number}: A {topic} it is.", gap=0)
    doc = parse(read(p.done()))
    assert [(item.question, answer(doc, item)) for item in doc.items] == [
        ("What is a cache?", "A cache it is."),
        ("What is a queue?", "A queue it is."),
    ]


def test_headings_have_the_levels_of_their_sizes() -> None:
    p = Paper()
    for title, size in (("The book", 24), ("Part one", 18), ("Chapter", 14), ("Part two", 18)):
        p.heading(title, size)
        p.text_block(WRAPS)
    p.heading("What would you ask about a heading that is so long that it goes over two lines of its page?", 18)
    p.text_block(WRAPS)
    assert [(node.level, node.text) for node in of_kind(read(p.done()), "heading")] == [
        (1, "The book"),
        (2, "Part one"),
        (3, "Chapter"),
        (2, "Part two"),
        (2, "What would you ask about a heading that is so long that it goes over two lines of its page?"),
    ]


def test_sentences_in_larger_type_are_no_headings() -> None:
    p = Paper()
    p.set_font("Helvetica", size=14)
    p.multi_cell(0, 7, "An introduction stands here.", new_x="LMARGIN", new_y="NEXT")
    p.text_block(f"{WRAPS} {WRAPS}")
    assert of_kind(read(p.done()), "heading") == []


def test_paragraphs_are_joined_over_their_lines_and_parted_where_the_writer_did() -> None:
    p = Paper()
    p.text_block(WRAPS, gap=0)
    p.text_block("A second one, without a gap before it.", gap=0)
    p.text_block(WRAPS)
    assert [node.text for node in read(p.done()).blocks] == [WRAPS, "A second one, without a gap before it.", WRAPS]


def test_bold_and_code_within_a_line() -> None:
    p = Paper()
    for style, text in (("B", "Redis:"), ("", " call "), ("C", "SET key 1"), ("", " and wait.")):
        p.set_font("Courier" if style == "C" else "Helvetica", style if style == "B" else "", 11)
        p.write(LINE, text)
    p.ln(LINE)
    p.ln(3)
    p.text_block(WRAPS)
    assert read(p.done()).blocks[0].text == "**Redis:** call `SET key 1` and wait."


@pytest.mark.parametrize("mark", ["\x95", "-", "*", "\xb7"])
def test_lists_are_nested_by_their_indent(mark: str) -> None:
    p = Paper()
    p.entry("First", mark=mark)
    p.entry(WRAPS, mark=mark)
    p.entry("Under it", mark=mark, depth=2)
    p.entry("Deeper", mark=mark, depth=3)
    p.entry("Last", mark=mark)
    source = read(p.done())
    assert [(n.depth, n.text) for n in of_kind(source, "bullet")] == [
        (0, "First"),
        (0, WRAPS),
        (1, "Under it"),
        (2, "Deeper"),
        (0, "Last"),
    ]


def test_list_marks_that_are_drawn() -> None:
    p = Paper()
    for text in ("First", WRAPS, "Last"):
        p.ellipse(p.l_margin + 6, p.get_y() + 2, 1.5, 1.5, style="F")
        p.text_block(text, indent=10, gap=0)
    # the words of the second entry go on at the left margin
    assert [node.kind for node in read(p.done()).blocks] == ["bullet", "bullet", "bullet"]


def test_numbers_at_the_start_of_a_line_are_not_always_a_list() -> None:
    text = "The team grew, in the course of the first year in which the service was sold, by more than a factor of"
    p = Paper()
    p.text_block(f"{text} 12. Then it was too large for one room, {text} 3) or four.")
    assert [node.kind for node in read(p.done()).blocks] == ["paragraph"]


def test_lettered_entries_keep_their_letters() -> None:
    p = Paper()
    p.entry("a cache", mark="a)")
    p.entry("a queue", mark="b)")
    assert read(p.done()).text == "- a) a cache\n- b) a queue\n"


def test_code_keeps_its_columns_and_empty_lines() -> None:
    body = [
        "    value = cache.get(key)",
        "    if value is None:",
        "",
        "        return load(key)   # slow",
        "    return",
    ]
    code = "\n".join(["def get(key):", *body])
    p = Paper()
    p.text_block(WRAPS)
    p.code(code)
    p.text_block(WRAPS)
    source = read(p.done())
    assert [node.kind for node in source.blocks] == ["paragraph", "code", "paragraph"]
    assert f"```\n{code}\n```" in source.text


def test_a_text_that_is_all_in_one_font_of_fixed_width_is_no_code() -> None:
    p = Paper()
    p.code("Questions to ask\n\nWhat is a cache? And when would you rather do without one?")
    assert of_kind(read(p.done()), "code") == []


def test_two_columns_are_read_one_after_the_other() -> None:
    p = Paper()
    p.heading("Cheat sheet", 20)
    top, words = p.get_y(), []
    for column, left in enumerate((10.0, 110.0)):
        p.set_y(top)
        for topic in "AB":
            p.set_left_margin(left)
            p.set_right_margin(110.0 - 100.0 * column)
            p.bold(f"Topic {column}{topic}")
            for number in range(4):
                words.append(f"{column}{topic}{number} {WRAPS[: 20 + 25 * number]}")
                p.entry(words[-1])
    source = read(p.done())
    assert [node.text for node in of_kind(source, "bullet")] == [" ".join(text.split()) for text in words]
    assert re.findall(r"Topic \w+", source.text) == ["Topic 0A", "Topic 0B", "Topic 1A", "Topic 1B"]


ROWS = [
    ["Store", "Good for", "Bad for"],
    ["Redis", "counters, sessions, and whatever else is asked for often", "reports"],
    ["Postgres", "relations", "a queue with thousands of messages in each second, or so it is said"],
    ["S3", "files", "small ones"],
]


@pytest.mark.parametrize("borders", ["ALL", "NONE", "HORIZONTAL_LINES", "MINIMAL", "INTERNAL"])
def test_tables_with_and_without_lines(borders: str) -> None:
    p = Paper()
    p.text_block(WRAPS)
    p.set_font("Helvetica", size=10)
    with p.table(ROWS, borders_layout=borders, col_widths=(1, 2, 2)):
        pass
    p.ln(4)
    p.text_block(WRAPS)
    source = read(p.done())
    assert [node.kind for node in source.blocks] == ["paragraph", "table", "paragraph"]
    rows = [line.strip("| ").split(" | ") for line in source.text.split("\n") if line.startswith("|")]
    assert [rows[0], *rows[2:]] == ROWS


def test_a_table_of_questions_and_answers() -> None:
    rows = [["Question", "Answer"], ["What is a TTL?", WRAPS], ["What is a lock?", WRAPS], ["What is a queue?", WRAPS]]
    p = Paper()
    p.set_font("Helvetica", size=10)
    with p.table(rows, col_widths=(1, 3)):
        pass
    doc = parse(read(p.done()))
    assert [(i.question, answer(doc, i)) for i in doc.items] == [(row[0], WRAPS) for row in rows[1:]]


def test_a_table_that_goes_over_a_page_is_one() -> None:
    rows = [["Term", "Meaning"], *([f"term{number}", f"meaning{number}"] for number in range(90))]
    p = Paper()
    p.set_font("Helvetica", size=11)
    with p.table(rows):
        pass
    source = read(p.done())
    assert len(source.pages) == 3
    assert len(source.blocks) == 1
    found = [line.strip("| ").split(" | ") for line in source.text.split("\n") if line.startswith("|")]
    assert [found[0], *found[2:]] == rows
    assert (page_of(source, "term0"), page_of(source, "term89")) == (1, 3)


# -- pages


def test_an_answer_that_goes_over_pages_is_one_and_its_lines_tell_the_page() -> None:
    sentences = [f"Sentence number {number} says that {WRAPS.lower()}" for number in range(100)]
    p = Paper()
    p.bold("What is a very long answer?")
    p.text_block(" ".join(sentences))
    p.bold("What comes after it?")
    p.text_block("Nothing.")
    source = read(p.done())
    doc = parse(source)
    first, second = doc.items
    assert answer(doc, first) == " ".join(sentences)
    assert (first.span.page, second.span.page) == (1, len(source.pages))
    assert len(source.pages) == 3
    pages = [page_of(source, f"Sentence number {number} ") for number in range(100)]
    assert pages == sorted(pages)
    assert set(pages) == {1, 2, 3}


def test_running_headers_footers_and_page_numbers_are_left_out() -> None:
    p = Paper(header_text="Interview notes, internal", footer_text="Page {page} of 3")
    for number in range(3):
        if number:
            p.add_page()
        p.text_block(f"Words of page {number}. {WRAPS}")
    source = read(p.done())
    assert [node.text for node in source.blocks] == [f"Words of page {number}. {WRAPS}" for number in range(3)]
    assert [page_of(source, f"Words of page {number}") for number in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("numbers", ["{page}", "- {page} -", "Interview notes | {page}", "iii"])
def test_other_page_numbers(numbers: str) -> None:
    p = Paper(footer_text=numbers)
    for number in range(4):
        if number:
            p.add_page()
        p.text_block(f"Words {'abcd'[number]}. {WRAPS}")
    assert all(node.text.startswith("Words ") for node in read(p.done()).blocks)


def test_the_numbered_question_at_the_top_of_each_page_stays() -> None:
    p = Paper()
    for number, topic in enumerate(["cache", "queue", "lock", "shard"], 1):
        if number > 1:
            p.add_page()
        p.entry(f"What is a {topic}?", mark=f"{number}.")
        p.text_block(f"Question {number} is about a {topic}.", indent=10)
    doc = parse(read(p.done()))
    assert [item.question for item in doc.items] == [f"What is a {t}?" for t in ("cache", "queue", "lock", "shard")]
    assert [item.span.page for item in doc.items] == [1, 2, 3, 4]


def test_a_title_in_large_type_on_every_page_is_kept_once() -> None:
    texts = [f"{word} comes first here. {WRAPS} {WRAPS} {WRAPS}" for word in ("Caching", "Queueing", "Sharding")]
    p = Paper()
    for number, text in enumerate(texts):
        if number:
            p.add_page()
        p.set_y(12)
        p.heading("Backend questions", 22)
        p.text_block(text)
    assert [node.text for node in read(p.done()).blocks] == ["Backend questions", *texts]


def test_a_page_without_anything_is_a_page_all_the_same() -> None:
    p = Paper()
    p.text_block("First words.")
    p.add_page()
    p.add_page()
    p.text_block("Last words.")
    source = read(p.done())
    assert (len(source.pages), page_of(source, "Last"), source.flaws) == (3, 3, ())


# -- what a text is made of


def test_words_cut_at_the_end_of_a_line() -> None:
    lines = [
        "Retrieval is first. A retrie-",
        "val that is read-",
        "heavy needs a read heavy cache, for consist-",
        "ency is not the only concern. It is state-of-the-",
        "art, and in the X-",
        "Ray nobody finds it.",
    ]
    source = read(drawn(show([(50, 700 - 14 * number, 11, line) for number, line in enumerate(lines)])))
    assert " ".join(source.text.split()) == (
        "Retrieval is first. A retrieval that is read-heavy needs a read heavy cache, for consistency is not the only "
        "concern. It is state-of-the-art, and in the X-Ray nobody finds it."
    )


def test_ligatures_become_letters_and_invisible_characters_nothing() -> None:
    names = (
        b"begincmap 6 beginbfchar <01> <FB01> <02> <FB04> <03> <00AD> <04> <200B> <05> <F0B7> <06> <D835DC38> "
        b"endbfchar endcmap"
    )
    fonts = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding/ToUnicode 6 0 R>>"
    content = b"BT /A 11 Tf 50 700 Td (\\005 An ef\\001cient wa\\002e of work\\003flow\\004 \\006.) Tj ET"
    assert read(drawn(content, fonts=fonts, more=[stream(names)])).text == "- An efficient waffle of workflow 𝐸.\n"


@pytest.mark.parametrize("page", [b"/Rotate 90", b"/Rotate 180", b"/MediaBox[0 0 14400 14400]"])
def test_turned_and_huge_pages(page: bytes) -> None:
    lines = ["First line of a page.", "Second line of a page."]
    content = show([(50, 700 - 30 * number, 11, line) for number, line in enumerate(lines)])
    assert read(drawn(content, page=page)).text == "\n\n".join(lines) + "\n"


def test_text_that_runs_up_the_page() -> None:
    turned = b"BT /A 11 Tf 0 1 -1 0 100 100 Tm (First line of it.) Tj 0 1 -1 0 140 100 Tm (Second line of it.) Tj ET"
    assert read(drawn(turned)).text == "First line of it.\n\nSecond line of it.\n"
    upright = show([(50, 700, 11, "Upright words, and more of them than of the others.")])
    both = read(drawn(turned + b" " + upright)).text
    assert both == "Upright words, and more of them than of the others.\n\nFirst line of it.\n\nSecond line of it.\n"


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("Backend interview questions", "Backend interview questions"),
        ("  Caching,\n explained ", "Caching, explained"),
        ("Microsoft Word - notes.docx", None),
        ("untitled", None),
        ("Untitled document", None),
        ("Document1", None),
        ("PowerPoint Presentation", None),
        ("interview_notes_v2", None),
        ("notes.pdf", None),
        ("https://example.com/questions", None),
        ("12", None),
    ],
)
def test_titles_that_programs_put_there_are_none(said: str, title: str | None) -> None:
    p = Paper()
    p.set_title(said)
    p.text_block("Words.")
    source = read(p.done())
    assert source.meta.title == title
    outer = Meta(title="Of the folder", level="senior")
    assert read_pdf(p.done(), "notes.pdf", outer).meta == Meta(title=title or "Of the folder", level="senior")


# -- what can't be read, or not all of it


def test_scanned_pages_are_flaws_and_the_others_are_served() -> None:
    p = Paper(footer_text="Page {page}")
    p.text_block("First words.")
    p.add_page()
    p.picture()
    p.add_page()
    p.text_block("Last words.")
    p.add_page()
    p.picture()
    source = read(p.done())
    assert source.text == "First words.\n\nLast words.\n"
    assert [flaw.reason for flaw in source.flaws] == [f"page {n}: scanned, without text" for n in (2, 4)]
    assert all("ocrmypdf" in flaw.hint for flaw in source.flaws)


def test_a_scanned_document_is_refused() -> None:
    def scan(p: Paper) -> None:
        p.picture()
        p.add_page()
        p.picture()

    error = refusal(paper(scan))
    assert error.reason == "pages 1–2: scanned, without text"
    assert "OCR" in error.hint


def test_a_small_picture_on_a_blank_page_is_no_scan() -> None:
    def logo(p: Paper) -> None:
        p.text_block("Words.")
        p.add_page()
        p.picture(whole_page=False)

    assert read(paper(logo)).flaws == ()


def test_fonts_that_do_not_say_which_letters_they_show() -> None:
    font = (
        b"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType2"
        b"/BaseFont/X/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW 600"
        b"/FontDescriptor<</Type/FontDescriptor/FontName/X/Flags 4/FontBBox[0 0 1000 1000]/ItalicAngle 0/Ascent 800"
        b"/Descent -200/CapHeight 700/StemV 80>>>>]>>"
    )
    error = refusal(drawn(b"BT /A 11 Tf 50 700 Td <0102030405060708> Tj ET", fonts=font))
    assert "which letters" in error.reason


def test_files_that_open_with_an_owner_password_only_are_read() -> None:
    p = Paper()
    p.text_block("Words for everybody.")
    p.set_encryption(owner_password="owner", user_password="")
    assert read(p.done()).text == "Words for everybody.\n"


def test_files_that_need_a_password_are_refused() -> None:
    p = Paper()
    p.text_block("Words for some.")
    p.set_encryption(owner_password="owner", user_password="user")
    error = refusal(p.done())
    assert "password" in error.reason
    assert "qpdf" in error.hint


SIMPLE = paper(lambda p: p.text_block("Some words."))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"# A heading\n", "not a PDF"),
        (b"PK\x03\x04 and so on", "not a PDF"),
        (SIMPLE[:300], "damaged"),
        (b"%PDF-1.7\n", "damaged"),
        (objects(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"), "no pages"),
        (paper(lambda p: p.add_page()), "no text on any page"),
        (b"%PDF-1.7\n" + b"x" * 17_000_000, "17.0 MB"),
    ],
    ids=str,
)
def test_what_is_no_readable_pdf_is_refused(data: bytes, reason: str) -> None:
    assert reason in refusal(data).reason


def test_too_many_pages_are_refused() -> None:
    pages = b"<</Type/Pages/Kids[%s]/Count 2001>>" % (b"3 0 R " * 2001)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"
    error = refusal(objects(b"<</Type/Catalog/Pages 2 0 R>>", pages, page))
    assert "2,001 pages; the limit is 2,000" in error.reason


def test_a_damaged_page_is_a_flaw() -> None:
    data = drawn(show([(50, 700, 11, "First words.")]), show([(50, 700, 11, "Lost words.")]))
    source = read(data.replace(b"6 0 obj\n<</Type/Page/", b"6 0 obj\n[</Type/Page/"))
    assert source.text == "First words.\n"
    assert [flaw.reason for flaw in source.flaws] in ([], ["page 2: it is damaged"])


def test_a_page_with_endless_text_is_cut_and_says_so() -> None:
    line = b"(" + b"word " * 100 + b") Tj T*\n"
    data = deflated(b"BT /A 1 Tf 1 TL 9 790 Td " + line * 250 + b" ET\n", 1)
    source = read(data)
    assert len(source.text) <= 1.1 * pdf_worker.MAX_PAGE_CHARS
    assert len(source.flaws) == 1
    assert f"only {pdf_worker.MAX_PAGE_CHARS:,} were read" in source.flaws[0].reason


BOMBS = {
    "forms within forms": lambda: forms_within_forms(30, 2),
    "gigabytes of spaces": lambda: deflated(b" " * 100_000, 9_000),
    "endless words": lambda: deflated(b"BT /A 9 Tf 9 9 Td (words) Tj ET\n" * 1_000, 3_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_few_bytes_that_mean_endless_work_are_refused_soon(name: str) -> None:
    data = BOMBS[name]()
    assert len(data) < 1_000_000
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    error = refusal(data)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert re.match(r"page 1: it (takes too long|is damaged, or takes too much memory)", error.reason)
    # CPU seconds: what counts on a machine that does other things too
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2.5
    assert after.ru_maxrss < max(1_100_000, before.ru_maxrss + 1)  # kB, of the largest child there ever was


def test_pages_after_an_endless_one_are_left_out_and_those_before_are_served() -> None:
    words = show([(50, 700, 11, "First words.")])
    bomb = forms_within_forms(30, 2)
    # the first page of one file before the only page of the other
    data = bomb.replace(b"/Kids[3 0 R]/Count 1", b"/Kids[90 0 R 3 0 R 90 0 R]/Count 3")
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 91 0 R/Resources<</Font<</A %s>>>>>>" % font
    body = data[: data.index(b"xref\n")]
    body += b"90 0 obj\n%s\nendobj\n91 0 obj\n<</Length %d>>stream\n%s\nendstream\nendobj\n" % (page, len(words), words)
    source = read(body + b"trailer <</Root 1 0 R>>\n%%EOF\n")
    assert source.text == "First words.\n"
    assert [flaw.reason.split(":")[0] for flaw in source.flaws] == ["pages 2–3 left out"]


def test_a_process_that_dies_or_does_not_start_is_a_refusal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "worker.py"
    broken.write_text("import os, sys\nsys.stdin.buffer.read()\nprint('{\"pages\": 2', flush=True)\nos.abort()\n")
    monkeypatch.setattr(pdf_pages, "_WORKER", broken)
    assert "opening the file fails" in refusal(SIMPLE).reason
    broken.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(pdf_pages, "_WALL_SECONDS", 0.5)
    assert "too long" in refusal(SIMPLE).reason


def test_many_files_at_once() -> None:
    files = [paper(lambda p, n=number: p.text_block(f"Words of file {n}.")) for number in range(8)]  # type: ignore[misc]
    with ThreadPoolExecutor(4) as pool:
        assert [s.text for s in pool.map(read, files)] == [f"Words of file {number}.\n" for number in range(8)]


# -- properties

plain_words = st.lists(
    st.sampled_from(
        ["cache", "queue", "index", "retry", "TTL", "p99", "C++", "read-heavy", "O(1)", "naïve", "42", "I/O"]
    ),
    min_size=1,
    max_size=60,
).map(" ".join)
pieces_of_paper = st.lists(
    st.one_of(
        st.tuples(st.just("paragraph"), plain_words),
        st.tuples(st.just("heading"), plain_words.map(lambda words: words[:60].strip())),
        st.tuples(st.just("bullet"), plain_words),
        st.tuples(st.just("nested"), plain_words),
        st.tuples(st.just("bold"), plain_words),
        st.tuples(st.just("code"), plain_words.map(lambda words: words[:70].strip())),
        st.tuples(st.just("page"), st.just("")),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(pieces_of_paper)
def test_every_word_is_there_in_order_on_its_page(pieces: list[tuple[str, str]]) -> None:
    p = Paper()
    expected: list[str] = []
    pages: dict[str, int] = {}
    for number, (kind, words) in enumerate(pieces):
        # the first word tells on which page a piece begins
        text = f"Z{number}z {words}"
        if kind == "page":
            p.add_page()
            continue
        if p.get_y() > p.h - 60:
            p.add_page()
        pages[f"Z{number}z"] = p.page_no()
        expected += text.split()
        if kind == "paragraph":
            p.text_block(text)
        elif kind == "heading":
            p.heading(text)
        elif kind == "bold":
            p.bold(text)
            p.ln(3)
        elif kind == "code":
            p.code(text)
        else:
            p.entry(text, depth=1 if kind == "bullet" else 2)
    if not expected:
        return
    source = read(p.done())
    found = re.sub(r"^\s*(?:- |#+ |```)", " ", source.text, flags=re.M).replace("**", " ").replace("`", " ").split()
    assert found == [" ".join(word.replace("**", " ").split()) for word in expected]
    assert {word: page_of(source, word) for word in pages} == pages
    assert source.flaws == ()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(SIMPLE) - 1), st.binary(min_size=1, max_size=8))
def test_damage_gives_text_or_a_reason(at: int, junk: bytes) -> None:
    with contextlib.suppress(DocumentError):
        source = read_pdf(SIMPLE[:at] + junk + SIMPLE[at + len(junk) :], "notes.pdf", Meta())
        check(source)
        assert source.text.strip()


@pytest.mark.skipif(shutil.which("qpdf") is None, reason="qpdf isn't installed")
def test_compressed_object_streams(tmp_path: Path) -> None:
    (tmp_path / "in.pdf").write_bytes(SIMPLE)
    subprocess.run(["qpdf", "--object-streams=generate", "in.pdf", "out.pdf"], cwd=tmp_path, check=True)
    assert read((tmp_path / "out.pdf").read_bytes()).text == "Some words.\n"
