# ruff: noqa: E501 - the XML stands as Word writes it
"""Word documents: what is read, what is left out, what is refused, and the questions and answers that come of it."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import docx
import pytest
from docx.document import Document as WordDocument
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_BREAK
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.blocks import SourceText
from ingest.errors import DocumentError
from ingest.formats.docx import read_docx
from ingest.formats.docx_package import MAX_ELEMENTS, MAX_RATIO, MAX_UNPACKED_BYTES, MAX_XML_BYTES
from ingest.formats.registry import READERS
from ingest.items import Document, Meta
from ingest.parse.document import parse_document
from tests.ingest.test_formats_writer import check_blocks, nodes

NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def saved(document: WordDocument) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def read(document: WordDocument, folder: Meta | None = None) -> SourceText:
    source = read_docx(saved(document), "a.docx", folder or Meta())
    check_blocks(source)
    return source


def page_break(document: WordDocument) -> None:
    document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)


def body(xml: str) -> WordDocument:
    """A document whose body is that XML."""
    document = docx.Document()
    for element in list(parse_xml(f"<w:body {NAMESPACES}>{xml}</w:body>")):
        document.element.body.insert(len(document.element.body) - 1, element)
    return document


def text(xml: str) -> str:
    return read(body(xml)).text


def repacked(
    data: bytes, parts: Mapping[str, bytes | Callable[[bytes], bytes] | None], pack: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """The package with some of its parts changed, added, or (None) left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", pack) as new:
        for name in [*old.namelist(), *(name for name in parts if name not in old.namelist())]:
            change = parts.get(name, bytes)
            if change is not None:
                new.writestr(name, change if isinstance(change, bytes) else change(old.read(name)))
    return out.getvalue()


def refusal(data: bytes) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        read_docx(data, "a.docx", Meta())
    assert caught.value.path == "a.docx"
    assert caught.value.hint
    return caught.value


def parse(document: WordDocument) -> Document:
    return parse_document(collection="c", path="a.docx", version="v", source=read(document))


def answers(document: WordDocument) -> dict[str | None, str | None]:
    doc = parse(document)
    return {
        i.question: None if i.answer is None else doc.text[i.answer.start : i.answer.end]
        for i in doc.items
        if i.kind == "qa"
    }


def p(words: str, properties: str = "", run: str = "") -> str:
    return (
        f'<w:p><w:pPr>{properties}</w:pPr><w:r><w:rPr>{run}</w:rPr><w:t xml:space="preserve">{words}</w:t></w:r></w:p>'
    )


def test_suffix() -> None:
    assert READERS[".docx"](simple(), "a.docx", Meta()).text == "words\n"


# -- how a document reads


def test_a_document_reads_as_markdown() -> None:
    document = docx.Document()
    document.add_heading("Backend interview", 0)
    paragraph = document.add_paragraph("A cache ")
    paragraph.add_run("keeps").bold = True
    paragraph.add_run(" what was ")
    paragraph.add_run("asked").italic = True
    paragraph.add_run(" for; see ")
    paragraph.add_run("cache.get()").font.name = "Consolas"
    paragraph.add_run(".\nA new line\tand a tab.")
    document.add_heading("Caching", 1)
    document.add_paragraph("What is a TTL?").runs[0].bold = True
    document.add_paragraph("one", style="List Bullet")
    document.add_paragraph("inner", style="List Bullet 2")
    document.add_paragraph("two", style="List Bullet")
    document.add_paragraph("more of two", style="List Continue")
    document.add_paragraph("first", style="List Number")
    document.add_paragraph("between")
    document.add_paragraph("second", style="List Number")
    for line in ("def f(x):", "    return x", "", "f(1)"):
        document.add_paragraph().add_run(line).font.name = "Courier New"
    table = document.add_table(rows=3, cols=3)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "both | of them"
    table.cell(1, 0).merge(table.cell(2, 0)).text = "down"
    table.cell(1, 1).text, table.cell(2, 1).text = "x", "y"
    source = read(document)
    assert source.text == (
        "# Backend interview\n\n"
        "A cache **keeps** what was *asked* for; see `cache.get()`.\nA new line and a tab.\n\n"
        "## Caching\n\n"
        "**What is a TTL?**\n\n"
        "- one\n  - inner\n- two\n\n  more of two\n\n"
        "1. first\n\nbetween\n\n2. second\n\n"
        "```\ndef f(x):\n    return x\n\nf(1)\n```\n\n"
        "| both \\| of them |  |  |\n| --- | --- | --- |\n| down | x |  |\n|  | y |  |\n"
    )
    assert [n.depth for n in nodes(source) if n.kind == "bullet"] == [0, 1, 0, 0, 0]
    assert source.pages == ()


def test_headings_by_outline_level_whatever_the_style_is_called() -> None:
    document = docx.Document()
    style = document.styles.add_style("Überschrift eins", WD_STYLE_TYPE.PARAGRAPH)
    style.element.append(parse_xml(f'<w:pPr {nsdecls("w")}><w:outlineLvl w:val="0"/></w:pPr>'))
    derived = document.styles.add_style("Abgeleitet", WD_STYLE_TYPE.PARAGRAPH)
    derived.base_style = style
    document.add_paragraph("Caching", style=style)
    document.add_paragraph("words")
    document.add_paragraph("Queues", style=derived)
    document.add_paragraph("words").paragraph_format.element.get_or_add_pPr().append(
        parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="9"/>')
    )
    document.add_heading("Deep", 9)
    assert read(document).text == "# Caching\n\nwords\n\n# Queues\n\nwords\n\n###### Deep\n"


def test_a_heading_is_not_bold_and_a_bold_style_is() -> None:
    document = docx.Document()
    document.add_heading("", 1).add_run("Caching").bold = True
    question = document.styles.add_style("Question", WD_STYLE_TYPE.PARAGRAPH)
    question.font.bold = True
    document.add_paragraph("What is a TTL?", style="Question")
    document.add_paragraph("A time to live.")
    document.add_paragraph("Why add jitter?", style="Question")
    document.add_paragraph("To spread retries.", style="Quote")
    assert read(document).text.startswith("# Caching\n\n**What is a TTL?**\n\nA time to live.\n\n**Why")
    assert answers(document) == {"What is a TTL?": "A time to live.", "Why add jitter?": "To spread retries."}


@pytest.mark.parametrize("style", ["Source Code", "HTML Preformatted", "Code", "My code block"])
def test_paragraphs_in_a_style_for_code_are_one_block(style: str) -> None:
    document = docx.Document()
    document.styles.add_style(style, WD_STYLE_TYPE.PARAGRAPH)
    document.add_paragraph("before")
    document.add_paragraph("if x:\n\treturn", style=style)
    document.add_paragraph("else", style=style)
    document.add_paragraph("")
    document.add_paragraph("after")
    assert read(document).text == "before\n\n```\nif x:\n    return\nelse\n```\n\nafter\n"


def test_a_document_in_a_typewriter_font_is_no_code() -> None:
    document = docx.Document()
    document.styles["Normal"].font.name = "Courier New"
    document.add_paragraph("plain words")
    document.add_paragraph().add_run("more words").font.name = "Courier New"
    assert read(document).text == "plain words\n\nmore words\n"


def test_a_line_break_twice_parts_paragraphs() -> None:
    assert text("<w:p><w:r><w:t>a</w:t><w:br/><w:br/><w:t>b</w:t></w:r></w:p>") == "a\n\nb\n"


# -- numbering


def numbered(levels: list[tuple[str, str]], entries: list[tuple[int, str]], extra: str = "") -> str:
    """The text of a document with one list of those (format, text) levels, and those (level, words) entries."""
    document = docx.Document()
    numbering = document.part.numbering_part.element
    for old in list(numbering):
        numbering.remove(old)
    inside = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/><w:lvlText w:val="{mark}"/>'
        f'<w:pPr><w:ind w:left="{720 * (at + 1)}" w:hanging="360"/></w:pPr></w:lvl>'
        for at, (kind, mark) in enumerate(levels)
    )
    for element in parse_xml(
        f'<w:numbering {nsdecls("w")}><w:abstractNum w:abstractNumId="7">{inside}</w:abstractNum>'
        f'<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>{extra}</w:numbering>'
    ):
        numbering.append(element)
    for level, words in entries:
        list_id = 2 if words.startswith("again") else 1
        properties = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_id}"/></w:numPr>'
        if level < 0:
            properties = '<w:ind w:left="720"/>' if words.startswith("indented") else ""
        element = parse_xml(f"<w:body {NAMESPACES}>{p(words, properties)}</w:body>")[0]
        document.element.body.insert(len(document.element.body) - 1, element)
    return read(document).text


def test_numbers_are_counted_as_word_does() -> None:
    entries = [(0, "a"), (1, "b"), (1, "c"), (0, "d"), (-1, "between"), (1, "e"), (0, "f")]
    assert numbered([("decimal", "%1."), ("decimal", "%2)")], entries) == (
        "1. a\n   1. b\n   2. c\n2. d\n\nbetween\n\n1. e\n3. f\n"
    )


def test_marks_that_are_no_number_are_words() -> None:
    entries = [(0, "a"), (1, "b"), (2, "c"), (2, "d"), (3, "e")]
    levels = [("upperLetter", "%1)"), ("decimal", "%1.%2."), ("lowerRoman", "(%3)"), ("bullet", "o")]
    assert numbered(levels, entries) == "- A) a\n  - A.1. b\n    - (i) c\n    - (ii) d\n      - e\n"


def test_a_label_with_a_number_is_the_beginning_of_a_paragraph() -> None:
    found = numbered([("decimal", "Q%1:")], [(0, "What is a TTL?"), (-1, "A time to live."), (0, "Why?")])
    assert found == "Q1: What is a TTL?\n\nA time to live.\n\nQ2: Why?\n"


def test_another_list_of_the_same_pattern_counts_on_or_begins_anew() -> None:
    entries = [(0, "a"), (0, "again b"), (0, "c")]
    same = '<w:num w:numId="2"><w:abstractNumId w:val="7"/></w:num>'
    assert numbered([("decimal", "%1.")], entries, same) == "1. a\n2. again b\n3. c\n"
    override = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride>'
    anew = f'<w:num w:numId="2"><w:abstractNumId w:val="7"/>{override}</w:num>'
    assert numbered([("decimal", "%1.")], entries, anew) == "1. a\n5. again b\n2. c\n"


def test_what_is_indented_like_an_entry_belongs_to_it() -> None:
    entries = [(0, "What is a TTL?"), (-1, "indented: a time to live."), (0, "Why?"), (-1, "not indented")]
    assert numbered([("decimal", "%1.")], entries) == (
        "1. What is a TTL?\n\n   indented: a time to live.\n\n2. Why?\n\nnot indented\n"
    )


def test_numbered_headings_show_their_number() -> None:
    document = docx.Document()
    for words in ("What is a TTL?", "Why add jitter?"):
        heading = document.add_heading(words, 2)
        place = f'<w:numPr {nsdecls("w")}><w:ilvl w:val="0"/><w:numId w:val="{_number_list(document)}"/></w:numPr>'
        heading._p.get_or_add_pPr().append(parse_xml(place))
        document.add_paragraph("words")
    assert read(document).text == "## 1. What is a TTL?\n\nwords\n\n## 2. Why add jitter?\n\nwords\n"


def _number_list(document: WordDocument) -> str:
    properties = document.styles["List Number"].element.pPr
    return str(properties.numPr.numId.val)


def test_a_list_that_the_document_does_not_describe_is_bullets() -> None:
    assert text(p("a", '<w:numPr><w:numId w:val="999"/></w:numPr>')) == "- a\n"
    assert text(p("a", '<w:pStyle w:val="ListNumber"/><w:numPr><w:numId w:val="0"/></w:numPr>')) == "a\n"


# -- what hangs on a paragraph, and what is left out


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("<w:r><w:t>a</w:t></w:r><w:ins><w:r><w:t> new</w:t></w:r></w:ins>", "a new"),
        ("<w:r><w:t>a</w:t></w:r><w:del><w:r><w:delText> old</w:delText></w:r></w:del>", "a"),
        ("<w:moveTo><w:r><w:t>to</w:t></w:r></w:moveTo><w:moveFrom><w:r><w:t>from</w:t></w:r></w:moveFrom>", "to"),
        ('<w:hyperlink r:id="rId9"><w:r><w:t>a link</w:t></w:r></w:hyperlink>', "a link"),
        ("<w:sdt><w:sdtPr/><w:sdtContent><w:r><w:t>field</w:t></w:r></w:sdtContent></w:sdt>", "field"),
        ('<w:smartTag w:element="x"><w:r><w:t>tagged</w:t></w:r></w:smartTag>', "tagged"),
        ('<w:fldSimple w:instr="DATE"><w:r><w:t>today</w:t></w:r></w:fldSimple>', "today"),
        ("<w:r><w:instrText>PAGE</w:instrText></w:r><w:r><w:t>7</w:t></w:r>", "7"),
        ("<w:r><w:t>a</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>", "a"),
        ('<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>shown</w:t></w:r>', "shown"),
        ('<w:r><w:t>a</w:t></w:r><w:r><w:commentReference w:id="1"/><w:annotationRef/></w:r>', "a"),
        ("<w:r><w:t>x</w:t><w:noBreakHyphen/><w:t>y</w:t><w:softHyphen/><w:t>z</w:t><w:tab/><w:t>t</w:t></w:r>", "x-yz t"),
        ("<m:oMath><m:r><m:t>E=mc</m:t></m:r></m:oMath><w:r><w:t> holds</w:t></w:r>", "E=mc holds"),
        ("<w:r><w:ruby><w:rt><w:r><w:t>kan</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>漢</w:t></w:r></w:rubyBase></w:ruby></w:r>", "漢"),
        ('<w:r><w:drawing><wp:inline><wp:docPr id="1" name="Picture 1" descr="An LRU cache"/></wp:inline></w:drawing></w:r>', "![An LRU cache]()"),
        ('<w:r><w:pict><v:shape alt="An old picture"/></w:pict></w:r>', "![An old picture]()"),
        ('<w:r><w:rPr><w:b/></w:rPr><w:t>Wha</w:t></w:r><w:proofErr w:type="x"/><w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">t is it? </w:t></w:r><w:r><w:t>It.</w:t></w:r>', "**What is it?** It."),
    ],
)  # fmt: skip
def test_the_inside_of_a_paragraph(inner: str, expected: str) -> None:
    assert text(f"<w:p>{inner}</w:p>") == f"{expected}\n"


BOX = "<w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p><w:p><w:r><w:t>words</w:t></w:r></w:p></w:txbxContent>"


@pytest.mark.parametrize(
    "box",
    [
        f"<mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wp:anchor><wps:txbx>{BOX}</wps:txbx></wp:anchor></w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict><v:shape><v:textbox>{BOX}</v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent>",
        f"<w:pict><v:shape><v:textbox>{BOX}</v:textbox></v:shape></w:pict>",
    ],
)  # fmt: skip
def test_text_boxes_stand_once_behind_their_paragraph(box: str) -> None:
    assert text(f"<w:p><w:r><w:t>a</w:t></w:r><w:r>{box}</w:r></w:p>{p('b')}") == "a\n\nboxed\n\nwords\n\nb\n"


def test_notes_stand_behind_the_paragraph_that_refers_to_them() -> None:
    notes = (
        f'<w:footnotes {NAMESPACES}><w:footnote w:id="0" w:type="separator"><w:p/></w:footnote>'
        f'<w:footnote w:id="2"><w:p><w:r><w:footnoteRef/></w:r><w:r><w:t xml:space="preserve"> the first</w:t></w:r></w:p>{p("goes on")}</w:footnote>'
        f'<w:footnote w:id="3">{p("the second")}</w:footnote></w:footnotes>'
    )
    ends = notes.replace("footnote", "endnote").replace("the first", "at the end")
    entry = '<w:p><w:pPr><w:pStyle w:val="ListBullet"/></w:pPr><w:r><w:t>entry</w:t></w:r><w:r><w:footnoteReference w:id="3"/></w:r></w:p>'
    below = p("next", '<w:pStyle w:val="ListBullet2"/>')
    cell = '<w:tc><w:p><w:r><w:t>cell</w:t><w:endnoteReference w:id="2"/></w:r></w:p></w:tc>'
    document = body(
        f'<w:p><w:r><w:t>words</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>{entry}{below}'
        f"<w:tbl><w:tr>{cell}<w:tc>{p('b')}</w:tc></w:tr><w:tr><w:tc>{p('c')}</w:tc><w:tc>{p('d')}</w:tc></w:tr></w:tbl>"
    )

    def relate(rels: bytes) -> bytes:
        more = "".join(
            f'<Relationship Id="n{kind}" Type="{RELATIONS}/{kind}" Target="{kind}.xml"/>'
            for kind in ("footnotes", "endnotes")
        )
        return rels.replace(b"</Relationships>", more.encode() + b"</Relationships>")

    data = repacked(
        saved(document),
        {
            "word/_rels/document.xml.rels": relate,
            "word/footnotes.xml": notes.encode(),
            "word/endnotes.xml": ends.encode(),
        },
    )
    source = read_docx(data, "a.docx", Meta())
    check_blocks(source)
    assert source.text == (
        "words[^1]\n\n[^1]: the first\n\ngoes on\n\n- entry[^2]\n\n  [^2]: the second\n\n  - next\n\n"
        "| cell[^3] | b |\n| --- | --- |\n| c | d |\n\n[^3]: at the end\n\ngoes on\n"
    )
    damaged = repacked(data, {"word/footnotes.xml": b"<w:footnotes"})
    assert "malformed XML" in refusal(damaged).reason


def test_headers_and_tables_of_contents_are_left_out() -> None:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Acme confidential"
    document.sections[0].footer.paragraphs[0].text = "page 1"
    contents = document.styles.add_style("toc 1", WD_STYLE_TYPE.PARAGRAPH)
    document.add_paragraph("What is a TTL?\t3", style=contents)
    document.add_heading("What is a TTL?", 1)
    document.add_paragraph("A time to live.")
    assert read(document).text == "# What is a TTL?\n\nA time to live.\n"


def test_links_within_the_document_lead_to_headings() -> None:
    document = body(
        '<w:p><w:hyperlink w:anchor="q1"><w:r><w:t>What is a TTL?</w:t></w:r></w:hyperlink></w:p>'
        '<w:p><w:hyperlink w:anchor="p"><w:r><w:t>some words</w:t></w:r></w:hyperlink></w:p>'
        '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:bookmarkStart w:id="0" w:name="q1"/><w:r><w:t>What is a TTL?</w:t></w:r></w:p>'
        '<w:p><w:bookmarkStart w:id="1" w:name="p"/><w:r><w:t>A time to live.</w:t></w:r></w:p>'
    )
    assert read(document).text.startswith("[What is a TTL?](#what-is-a-ttl)\n\nsome words\n\n# What")


def test_an_embedded_file_is_a_flaw() -> None:
    source = read(body(f'{p("words")}<w:altChunk r:id="x"/>'))
    assert [(flaw.line, flaw.reason) for flaw in source.flaws] == [(1, "another file is embedded here")]


# -- pages


def test_pages_where_the_author_began_them() -> None:
    document = docx.Document()
    document.add_paragraph("one").add_run().add_break(WD_BREAK.PAGE)
    document.add_paragraph("two")
    page_break(document)
    document.add_paragraph("three").paragraph_format.page_break_before = True
    source = read(document)
    assert source.text == "one\n\ntwo\n\nthree\n"
    assert source.pages == (1, 3, 5, 5), "an empty page is a page"
    doc = parse_document(collection="c", path="a.docx", version="v", source=source)
    assert {doc.text[i.span.start : i.span.end]: i.span.page for i in doc.items}


def test_pages_where_word_last_began_them() -> None:
    rendered = "<w:r><w:lastRenderedPageBreak/><w:t>{}</w:t></w:r>"
    source = read(
        body(
            f"<w:p>{rendered.format('begins')}</w:p><w:p><w:r><w:t>in </w:t></w:r>{rendered.format('the middle')}</w:p>"
            f'<w:p><w:r><w:br w:type="page"/></w:r></w:p><w:p>{rendered.format("after a break")}</w:p>'
        )
    )
    assert source.text == "begins\n\nin the middle\n\nafter a break\n"
    assert source.pages == (1, 1, 5, 5)


# -- tables


def test_a_table_of_questions() -> None:
    document = docx.Document()
    table = document.add_table(rows=3, cols=2)
    rows = (("Question", "Answer"), ("What is a heap?", "A tree."), ("What is a ring?", "A circle."))
    for row, words in zip(table.rows, rows, strict=True):
        row.cells[0].text, row.cells[1].text = words
    assert answers(document) == {"What is a heap?": "A tree.", "What is a ring?": "A circle."}


def test_a_table_of_questions_with_long_answers() -> None:
    document = docx.Document()
    table = document.add_table(rows=3, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Question", "Answer"
    table.cell(1, 0).text = "Explain how retries work"
    cell = table.cell(1, 1)
    cell.text = "Try again:"
    cell.add_paragraph("later", style="List Bullet")
    cell.add_paragraph().add_run("sleep(1)").font.name = "Consolas"
    cell.add_table(1, 1).cell(0, 0).text = "It is nested."
    table.cell(2, 0).text, table.cell(2, 1).text = "What is a ring?", "A circle."
    document.add_paragraph("after")
    assert read(document).text == (
        "**Question:** Explain how retries work\n\n**Answer:** Try again:\n\n- later\n\n```\nsleep(1)\n```\n\nIt is nested.\n\n"
        "**Question:** What is a ring?\n\n**Answer:** A circle.\n\nafter\n"
    )
    found = answers(document)
    assert found["Explain how retries work"] == "Try again:\n\n- later\n\n```\nsleep(1)\n```\n\nIt is nested."


def test_cells_that_number_themselves() -> None:
    rows = "".join(
        f"<w:tr><w:tc><w:p><w:pPr><w:pStyle w:val='ListNumber'/></w:pPr></w:p></w:tc><w:tc>{p(words)}</w:tc></w:tr>"
        for words in ("a", "b")
    )
    assert text(f"<w:tbl>{rows}</w:tbl>") == "| 1. | a |\n| --- | --- |\n| 2. | b |\n"


def test_a_frame_around_words_is_no_table_and_deleted_rows_are_gone() -> None:
    assert text(f"<w:tbl><w:tr><w:tc>{p('framed')}{p('words')}</w:tc></w:tr></w:tbl>") == "framed\n\nwords\n"
    deleted = f"<w:tr><w:trPr><w:del/></w:trPr><w:tc>{p('gone')}</w:tc><w:tc>{p('gone')}</w:tc></w:tr>"
    kept = f"<w:tr><w:tc>{p('a')}</w:tc><w:tc>{p('b')}</w:tc></w:tr>"
    assert text(f"<w:tbl>{kept}{deleted}{kept}</w:tbl>") == "| a | b |\n| --- | --- |\n| a | b |\n"


def test_a_table_in_a_table_in_a_table() -> None:
    xml = p("deep")
    for _ in range(60):
        xml = f"<w:tbl><w:tr><w:tc>{xml}</w:tc></w:tr></w:tbl>"
    assert text(xml) == "deep\n"


# -- meta data


def test_properties() -> None:
    document = docx.Document()
    document.core_properties.title = "Backend  questions"
    document.core_properties.keywords = "python; caching, ,python"
    document.add_paragraph("words")
    meta = read(document, Meta(topic="caching", title="Folder")).meta
    assert meta == Meta(title="Backend questions", topic="caching", tags=("python", "caching"))


@pytest.mark.parametrize("title", ["", "Word Document", "Document1", "Untitled", "Microsoft Word - x.doc"])
def test_a_title_that_an_editor_gave_is_none(title: str) -> None:
    document = docx.Document()
    document.core_properties.title = title
    document.add_heading("Caching", 0)
    document.add_heading("Terms", 1)
    document.add_paragraph("A time to live is a number of seconds.")
    assert parse(document).title == "Caching"


# -- what is refused


def simple() -> bytes:
    document = docx.Document()
    document.add_paragraph("words")
    return saved(document)


XML = "word/document.xml"
STORED = zipfile.ZIP_STORED
DECLARED = b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


def spoilt(data: bytes, name: str) -> bytes:
    """With other bytes in the middle of a packed part."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        part = package.getinfo(name)
    at = part.header_offset + 30 + len(name) + part.compress_size // 2
    return data[:at] + bytes(255 - byte for byte in data[at : at + 40]) + data[at + 40 :]


def _declare(part: bytes) -> bytes:
    return DECLARED + part.split(b"?>", 1)[1].replace(b"words", b"&b;")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: b"no zip at all", "is no Word document that can be unpacked"),
        (lambda: b"", "is no Word document that can be unpacked"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "is password protected, or an old .doc"),
        (lambda: simple()[:-300], "is no Word document that can be unpacked"),
        (lambda: spoilt(simple(), "docProps/thumbnail.jpeg"), "is no Word document that can be unpacked"),
        (lambda: repacked(simple(), {XML: None}), "is no Word document"),
        (lambda: repacked(simple(), {"_rels/.rels": None}), "is no Word document"),
        (lambda: repacked(simple(), {"[Content_Types].xml": None}), "is no Word document"),
        (lambda: repacked(simple(), {XML: lambda part: part[:-40]}), "holds malformed XML"),
        (lambda: repacked(simple(), {XML: b'<x xmlns="y"/>'}), "is no Word document"),
        (lambda: repacked(simple(), {XML: f"<w:document {NAMESPACES}/>".encode()}), "is no Word document: it has no body"),
        (lambda: repacked(simple(), {XML: _declare}), "declares XML entities in word/document.xml"),
        (lambda: repacked(simple(), {XML: lambda part: _declare(part).decode().encode("utf-16")}), "declares XML entities"),
        (lambda: repacked(simple(), {"docProps/core.xml": _declare}), "declares XML entities in docProps/core.xml"),
        (lambda: repacked(simple(), {"word/more.xml": b"<a>" + b" " * 6_000_000 + b"</a>"}), "only a zip bomb"),
        (lambda: repacked(simple(), {"word/more.xml": b"<a/>" * (MAX_ELEMENTS + 1)}, STORED), f"more than {MAX_ELEMENTS:,} elements"),
        (lambda: repacked(simple(), {"word/more.xml": b" " * (MAX_XML_BYTES + 1)}), "unpacks to"),
        (lambda: repacked(simple(), {"word/media/a.png": b"\0" * (MAX_UNPACKED_BYTES + 1)}), "unpacks to"),
        (lambda: repacked(simple(), {f"word/p{n}.bin": b"x" for n in range(5_001)}), "parts; the limit is"),
        (lambda: saved(docx.Document()), "no text in it"),
        (lambda: b"PK" + b"\0" * (16 * 1024 * 1024), "the limit is"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_refused(make: Callable[[], bytes], reason: str) -> None:
    assert reason in refusal(make()).reason


def test_an_encrypted_package_is_refused() -> None:
    data = bytearray(simple())
    at = data.index(b"PK\x01\x02")
    while at >= 0:  # the flag in every entry of the directory
        data[at + 8] |= 1
        at = data.find(b"PK\x01\x02", at + 4)
    assert "password protected" in refusal(bytes(data)).reason


def test_entities_of_other_parts_are_not_expanded_either() -> None:
    """A declaration where none is looked for: the parser itself resolves nothing."""

    def rename(part: bytes) -> bytes:
        return part.replace(b"word/document.xml", b"word/document.bin").replace(b"/document.xml", b"/document.bin")

    data = repacked(simple(), {})
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        document, rels = package.read(XML), package.read("word/_rels/document.xml.rels")
    hidden = repacked(
        data,
        {
            XML: None,
            "word/document.bin": _declare(document),
            "word/_rels/document.xml.rels": None,
            "word/_rels/document.bin.rels": rels,
            "_rels/.rels": rename,
            "[Content_Types].xml": rename,
        },
    )
    with suppress(DocumentError):
        assert "ha" not in read_docx(hidden, "a.docx", Meta()).text


def test_bounds_leave_room_for_large_documents() -> None:
    """A document of a thousand questions is far from every bound."""
    document = docx.Document()
    for number in range(1_000):
        document.add_heading(f"What is part {number} of the system?", 2)
        document.add_paragraph(f"It keeps {number} things, " * 12)
    data = saved(document)
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        xml = [part for part in package.infolist() if part.filename.endswith(".xml")]
    assert sum(part.file_size for part in xml) * 10 < MAX_XML_BYTES
    assert all(part.file_size * 2 < MAX_RATIO * part.compress_size for part in xml)
    assert len(read_docx(data, "a.docx", Meta()).blocks) == 2_000


SPAN = '<w:tcPr><w:gridSpan w:val="999999999"/></w:tcPr>'
HOSTILE: dict[str, Callable[[], str]] = {
    "paragraphs": lambda: "<w:p/>" * 240_000,
    "short paragraphs": lambda: p("x") * 40_000,
    "runs": lambda: f"<w:p>{'<w:r><w:rPr><w:b/></w:rPr><w:t>x</w:t></w:r><w:r><w:t>y</w:t></w:r>' * 30_000}</w:p>",
    "rows": lambda: "<w:tbl>" + f"<w:tr><w:tc>{p('x')}</w:tc><w:tc>{p('y')}</w:tc></w:tr>" * 16_000 + "</w:tbl>",
    "spans": lambda: "<w:tbl>" + f"<w:tr><w:tc>{SPAN}{p('x')}</w:tc></w:tr>" * 20_000 + "</w:tbl>",
    "deep": lambda: f"{'<w:tbl><w:tr><w:tc>' * 9_000}{p('x')}{'</w:tc></w:tr></w:tbl>' * 9_000}",
    "insertions": lambda: f"<w:p>{'<w:ins>' * 200}<w:r><w:t>x</w:t></w:r>{'</w:ins>' * 200}</w:p>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_take_little_time(name: str) -> None:
    """At most 2 s of the processor on a machine that does nothing else; three times that is allowed for here."""
    page = f'<?xml version="1.0"?><w:document {NAMESPACES}><w:body>{HOSTILE[name]()}</w:body></w:document>'
    data = repacked(simple(), {XML: page.encode()}, STORED)  # else it would be refused as a zip bomb
    start = time.process_time()
    with suppress(DocumentError):
        read_docx(data, "a.docx", Meta())
    assert time.process_time() - start < 6


# -- any document


blocks = st.lists(
    st.one_of(
        st.tuples(
            st.just("paragraph"), st.sampled_from(["Normal", "Quote", "List Paragraph", "List Continue", "Caption"])
        ),
        st.tuples(
            st.just("paragraph"), st.sampled_from(["List Bullet", "List Bullet 2", "List Number", "List Number 3"])
        ),
        st.tuples(st.just("heading"), st.integers(0, 9)),
        st.tuples(st.just("code"), st.none()),
        st.tuples(st.just("break"), st.none()),
        st.tuples(st.just("table"), st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(0, 3))),
        st.tuples(
            st.just("runs"), st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=4)
        ),
    ),
    min_size=1,
    max_size=12,
)


def build(made: list[tuple[str, Any]]) -> tuple[WordDocument, list[str]]:
    """A document, and its words in order."""
    document = docx.Document()
    words: list[str] = []

    def word() -> str:
        words.append(f"w{len(words)}x")
        return words[-1]

    for kind, how in made:
        if kind == "paragraph":
            document.add_paragraph(f"{word()} {word()}", style=how)
        elif kind == "heading":
            document.add_heading(word(), how)
        elif kind == "code":
            document.add_paragraph().add_run(f"  {word()}").font.name = "Consolas"
        elif kind == "break":
            page_break(document)
        elif kind == "runs":
            paragraph = document.add_paragraph()
            for bold, italic, code in how:
                run = paragraph.add_run(f"{word()} ")
                run.bold, run.italic = bold, italic
                run.font.name = "Consolas" if code else None
        else:
            table = document.add_table(how[0], how[1])
            for at, cell in enumerate(cell for row in table.rows for cell in row.cells):
                cell.text = word()
                if at < how[2]:
                    cell.add_paragraph(word(), style="List Bullet")
    return document, words


@settings(max_examples=60, deadline=None)
@given(blocks)
def test_every_word_is_there_in_order(made: list[tuple[str, Any]]) -> None:
    document, words = build(made)
    if not words:
        assert "no text in it" in refusal(saved(document)).reason
        return
    source = read(document)
    found = re.findall(r"\bw\d+x\b", source.text)
    if any(kind == "table" for kind, _ in made):  # the names of columns are said with each cell
        assert set(found) == set(words)
    else:
        assert found == words
    assert list(source.pages) == sorted(source.pages)
    doc = parse_document(collection="c", path="a.docx", version="v", source=source)
    for chunk in doc.chunks:
        assert doc.text[chunk.span.start : chunk.span.end] == chunk.text


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_packages_are_refused_or_read(data: st.DataObject) -> None:
    whole = bytearray(PACKAGE)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    with suppress(DocumentError):
        check_blocks(read_docx(bytes(whole[:end]), "a.docx", Meta()))


PACKAGE = simple()
