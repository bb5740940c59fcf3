"""Documents made to hurt the readers of formats that aren't Markdown: bombs, deep nesting, much of one thing."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from functools import partial

from tests.fuzz.hostile_text import Maker, noise, random_bytes, repeated
from tests.fuzz.samples import docx, packed, pdf


def _within(before: str, line: str, after: str) -> Maker:
    """One line again and again between two texts."""
    return repeated(line, head=before, tail=after)


def _nested(opening: str, closing: str, *, depth: int = 0, inside: str = "a") -> Maker:
    """Nested as deep as the size allows, or `depth` levels as often as it allows."""

    def make(size: int) -> bytes:
        levels = depth or (size - len(inside)) // len(opening + closing)
        whole = opening * levels + inside + closing * levels
        return (whole * max(1, size // len(whole))).encode()

    return make


HTML: Mapping[str, Maker] = {
    "nested div": _nested("<div>", "</div>"),
    "nested div, 10,000 levels": _nested("<div>", "</div>", depth=10_000),
    "nested pre of a class": _nested('<pre class="a">', "</pre>"),
    "many pre in one long class": lambda size: (
        b'<div class="' + b"a " * (size // 8) + b'">' + b"<pre>a</pre>" * (size // 16)
    ),
    "nested lists, 10,000 levels": _nested("<ul><li>", "</li></ul>", depth=10_000),
    "nested lists with text": _nested("<ul><li>a", "</li></ul>", depth=500),
    "nested quotes": _nested("<blockquote>a", "</blockquote>"),
    "nested tables": _nested("<table><tr><td>", "</td></tr></table>", depth=2000),
    "nested bold": _nested("<b>", "</b>"),
    "nested details": _nested("<details><summary>q?</summary>", "</details>"),
    "unclosed bold": repeated("<p><b>a"),
    "unclosed paragraphs": repeated("<p>a{n}"),
    "unclosed entries": repeated("<li>a{n}"),
    "unclosed tags": repeated("<a href="),
    "closing tags": repeated("</div>"),
    "openers": lambda size: b"<" * size,
    "ampersands": lambda size: b"&" * size,
    "character references": repeated("&#{n};"),
    "unknown entities": repeated("&a{n};"),
    "attributes": _within("<p ", "a{n}=b ", ">x</p>"),
    "attributes, one long": lambda size: b'<p a="' + b"x" * size + b'">y</p>',
    "headings": repeated("<h2>h{n}</h2>"),
    "headings that ask": repeated("<h2>Why {n}?</h2><p>So.</p>"),
    "short paragraphs": repeated("<p>a{n}</p>"),
    "line breaks": repeated("<br>"),
    "line breaks with text": repeated("a<br>"),
    "entries": _within("<ul>", "<li>a{n}</li>", "</ul>"),
    "definitions": _within("<dl>", "<dt>a{n}</dt><dd>b</dd>", "</dl>"),
    "table rows": _within("<table>", "<tr><td>a{n}</td><td>b</td></tr>", "</table>"),
    "table cells": _within("<table><tr>", "<td>a</td>", "</tr></table>"),
    "tables": repeated("<table><tr><td>a{n}</td></tr></table>"),
    "table spans": _within("<table>", '<tr><td colspan="999" rowspan="999">a{n}</td></tr>', "</table>"),
    "table spans beyond bounds": repeated('<table><tr><td colspan="99999999" rowspan="99999999">a</td></tr></table>'),
    "summaries": repeated("<details><summary>q{n}?</summary>a</details>"),
    "links": repeated('<a href="#a{n}">b</a> '),
    "anchors": repeated('<h3 id="a{n}">Why {n}?</h3><a href="#a{n}">b</a><p>c</p>'),
    "images": repeated('<img src="a" alt="b{n}">'),
    "inline tags": repeated("<b>a</b><i>b</i> "),
    "code blocks": repeated("<pre>a{n}</pre>"),
    "comments": repeated("<!-- {n} -->a"),
    "unclosed comment": lambda size: b"<!--" * (size // 4),
    "unclosed script": repeated("<script>"),
    "styles": repeated("<style>a{n}</style>b"),
    "CDATA": repeated("<![CDATA[a]]>"),
    "processing instructions": repeated("<?a {n}?>"),
    "entity definitions": lambda size: (
        b'<!DOCTYPE a [<!ENTITY a0 "x">'
        + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 20))
        + b"]><p>&a19;</p>"
        + b"<p>a</p>" * (size // 16)
    ),
    "one word": lambda size: b"<p>" + b"w" * size,
    "text alone": repeated("word "),
    "UTF-16": lambda size: ("<p>a</p>" * (size // 16)).encode("utf-16"),
    "encoding that lies": lambda size: b'<meta charset="utf-16">' + b"<p>a</p>" * (size // 8),
    "random marks": noise("<>/=\"'& ab!-?[]pdivul"),
    "random bytes": random_bytes,
}

CSV: Mapping[str, Maker] = {
    "rows": _within("question,answer\n", "Why {n}?,So.\n", ""),
    "rows of data": _within("a,b,c\n", "{n},2,3\n", ""),
    "short rows": repeated("a\n"),
    "terms": _within("term,definition\n", "a{n},b\n", ""),
    "columns": lambda size: b"a," * (size // 4) + b"\n" + b"b," * (size // 4),
    "rows of growing width": lambda size: b"\n".join(b"a," * n for n in range(1, int(size**0.5))),
    "one wide row, many short": lambda size: b"a," * 5000 + b"\n" + b"b\n" * (size // 2 - 5000),
    "commas": lambda size: b"," * size,
    "quotes": lambda size: b'"' * size,
    "unclosed quote": _within('question,answer\n"', "a{n},b\n", ""),
    "quoted lines": _within('question,answer\nWhy?,"', "line {n}\n", '"\n'),
    "quotes that break": repeated('a"b,"c"d\n'),
    "empty rows": repeated(",,,\n", head="question,answer,topic,level\n"),
    "blank lines": repeated("\n", head="question,answer\n", tail="Why?,So."),
    "options": _within("question,option a,option b,option c,option d,answer\n", "Why {n}?,1,2,3,4,a\n", ""),
    "topics": _within("topic,question,answer\n", "t{n},Why?,So.\n", ""),
    "equal rows": _within("question,answer\n", "Why?,So.\n", ""),
    "semicolons and commas": repeated("a;b,c;d,e\n"),
    "one long cell": lambda size: b"question,answer\nWhy?," + b"w " * (size // 2),
    "long cells": _within("question,answer\n", "Why {n}?," + "w " * 5000 + "\n", ""),
    "random marks": noise(",;\t\"'\nab 1?|"),
    "random bytes": random_bytes,
}

JSON: Mapping[str, Maker] = {
    "nested arrays": _nested("[", "]", inside="1"),
    "nested arrays, 10,000 levels": lambda _: _nested("[", "]", depth=10_000, inside="1")(20_001),
    "nested objects, 10,000 levels": lambda _: _nested('{"a":', "}", depth=10_000, inside="1")(60_001),
    "nested objects, 500 levels": lambda size: (
        b"[" + b",".join([b'{"question":' * 500 + b'"a"' + b"}" * 500] * (size // 6504)) + b"]"
    ),
    "unclosed arrays": lambda size: b"[" * size,
    "records": _within("[", '{"question": "Why {n}?", "answer": "So."},', "{}]"),
    "numbers": _within("[", "{n},", "0]"),
    "strings": _within("[", '"a{n}",', "0]"),
    "empty objects": _within("[", "{},", "0]"),
    "keys": _within("{", '"a{n}":1,', '"b":2}'),
    "keys, all of them the same": _within("{", '"a":1,', '"b":2}'),
    "keys of every record anew": _within("[", '{"a{n}": 1},', "{}]"),
    "lists in records": _within('[{"question":"Why?","answer":[', '"a{n}",', '"b"]}]'),
    "tables in objects": _within("{", '"t{n}": [{"question": "Why?", "answer": "So."}],', '"z": 1}'),
    "one long string": lambda size: b'{"question": "' + b"w " * (size // 2) + b'", "answer": "a"}',
    "one long answer": lambda size: b'{"question": "Why?", "answer": "' + b"w " * (size // 2) + b'"}',
    "lines in one answer": _within('{"question": "Why?", "answer": "', "a\\n", '"}'),
    "long number": lambda size: b"1" * size,
    "long numbers": repeated("[" + "9" * 5000 + ",", tail="1"),
    "exponents": _within("[", "1e{n},", "0]"),
    "escapes": lambda size: b'"' + b"\\u0041" * (size // 6) + b'"',
    "lone surrogates": lambda size: b'{"question": "' + b"\\ud800" * (size // 6) + b'"}',
    "white space": lambda size: b" " * size + b"1",
    "not closed": _within("[", '{"a": 1},', ""),
    "random marks": noise('[]{}:,"\\ 01aetu\n'),
    "random bytes": random_bytes,
}

JSON_LINES: Mapping[str, Maker] = {
    "records": repeated('{"question": "Why {n}?", "answer": "So."}\n'),
    "numbers": repeated("{n}\n"),
    "broken lines": repeated('{"question": "Why {n}?"\n'),
    "empty objects": repeated("{}\n"),
    "empty lines": repeated("\n", tail="{}"),
    "nested arrays": repeated("[" * 2000 + "]" * 2000 + "\n"),
    "keys of every record anew": repeated('{"a{n}": 1}\n'),
    "one record over all lines": JSON["records"],
    "random bytes": random_bytes,
}


def _notebook(cell: str) -> Maker:
    return _within('{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [', cell + ",", cell + "]}")


_MARKDOWN_CELL = '{"cell_type": "markdown", "metadata": {}, "source": "%s"}'
NOTEBOOKS: Mapping[str, Maker] = {
    "cells": _notebook(_MARKDOWN_CELL % "a{n}"),
    "cells that ask": _notebook(_MARKDOWN_CELL % "# Why {n}?\\n\\nSo."),
    "empty cells": _notebook(_MARKDOWN_CELL % ""),
    "code cells": _notebook(
        '{"cell_type": "code", "metadata": {}, "execution_count": null, "source": "a", "outputs": []}'
    ),
    "cells of no kind": _notebook('{"cell_type": "other{n}"}'),
    "outputs": _within(
        '{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [{"cell_type": "code", "metadata": {}, '
        '"execution_count": 1, "source": "a", "outputs": [',
        '{"output_type": "stream", "name": "stdout", "text": "a{n}"},',
        '{"output_type": "stream", "name": "stdout", "text": "b"}]}]}',
    ),
    "lines of one cell": _within(
        '{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [{"cell_type": "markdown", "metadata": {}, '
        '"source": [',
        '"a{n}\\n",',
        '"b"]}]}',
    ),
    "headings in one cell": _within(
        '{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [{"cell_type": "markdown", "metadata": {}, '
        '"source": "',
        "# a{n}\\n",
        '"}]}',
    ),
    "nested metadata": lambda _: (
        b'{"nbformat": 4, "nbformat_minor": 4, "cells": [], "metadata": ' + b'{"a":' * 900 + b"1" + b"}" * 901
    ),
    "nested arrays": JSON["nested arrays"],
    "records instead of cells": JSON["records"],
    "old worksheets": _within(
        '{"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [',
        '{"cell_type": "heading", "level": 2, "source": "Why {n}?"},',
        '{"cell_type": "markdown", "source": "b"}]}]}',
    ),
    "random bytes": random_bytes,
}

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_BODY = f'<?xml version="1.0"?>%s<w:document xmlns:w="{_W}"><w:body>%s</w:body></w:document>'
_RUN = "<w:p><w:r><w:t>a{n}</w:t></w:r></w:p>"


def _word(body: Maker, declared: str = "", part: str = "word/document.xml") -> Maker:
    """A Word file whose text is what `body` makes. One megabyte of XML packs to little."""

    def make(size: int) -> bytes:
        before, after = (_BODY % (declared, "\0")).encode().split(b"\0")
        return _spoilt_docx({part: before + body(size) + after})

    return make


def _spoilt_docx(parts: Mapping[str, bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(docx())) as file:
        members: dict[str, str | bytes] = {info.filename: file.read(info) for info in file.infolist()}
    return packed({**members, **parts})


_ENTITIES = "".join(
    [
        '<!DOCTYPE w:document [<!ENTITY a0 "' + "x" * 1000 + '">',
        *(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)),
        "]>",
    ]
)

WORD: Mapping[str, Maker] = {
    "XML bomb": _word(lambda _: b"<w:p><w:r><w:t>&a11;</w:t></w:r></w:p>", _ENTITIES),
    "XML bomb of long entities": _word(
        lambda _: b"<w:p><w:r><w:t>" + b"&b;" * 10_000 + b"</w:t></w:r></w:p>",
        '<!DOCTYPE d [<!ENTITY b "' + "y" * 100_000 + '">]>',
    ),
    "external entity": _word(
        lambda _: b"<w:p><w:r><w:t>&e;</w:t></w:r></w:p>", '<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    ),
    "XML bomb in styles": _word(lambda _: b"&a11;", _ENTITIES, part="word/styles.xml"),
    "part that unpacks to 200 MB": lambda _: _spoilt_docx({"word/document.xml": b" " * 200_000_000}),
    "part that isn't used, 200 MB": lambda _: _spoilt_docx({"word/media/image1.png": b"\0" * 200_000_000}),
    "paragraphs": _word(repeated(_RUN)),
    "runs": _word(_within("<w:p>", "<w:r><w:t>a{n} </w:t></w:r>", "</w:p>")),
    "headings that ask": _word(
        repeated('<w:p><w:pPr><w:pStyle w:val="Heading2"/></w:pPr><w:r><w:t>Why {n}?</w:t></w:r></w:p>' + _RUN)
    ),
    "entries": _word(repeated('<w:p><w:pPr><w:pStyle w:val="ListBullet"/></w:pPr><w:r><w:t>a{n}</w:t></w:r></w:p>')),
    "numbered entries": _word(
        repeated('<w:p><w:pPr><w:numPr><w:ilvl w:val="8"/></w:numPr></w:pPr><w:r><w:t>a</w:t></w:r></w:p>')
    ),
    "table rows": _word(_within("<w:tbl>", "<w:tr><w:tc>" + _RUN + "</w:tc></w:tr>", "</w:tbl>")),
    "table cells": _word(_within("<w:tbl><w:tr>", "<w:tc>" + _RUN + "</w:tc>", "</w:tr></w:tbl>")),
    "table spans": _word(
        _within(
            "<w:tbl>",
            '<w:tr><w:tc><w:tcPr><w:gridSpan w:val="99999999"/></w:tcPr>' + _RUN + "</w:tc></w:tr>",
            "</w:tbl>",
        )
    ),
    "nested tables": _word(_nested("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>", depth=5000, inside=_RUN)),
    "nested tables, 200 levels": _word(_nested("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>", depth=80, inside=_RUN)),
    "nested elements": _word(_nested("<w:smartTag>", "</w:smartTag>", depth=10_000)),
    "breaks": _word(_within("<w:p><w:r>", "<w:br/>", "</w:r></w:p>")),
    "empty paragraphs": _word(repeated("<w:p/>")),
    "not a Word file": lambda size: packed({"a.txt": b"a" * size}),
    "no zip": random_bytes,
}


def _bomb(_size: int) -> bytes:
    return packed({"bomb.md": b"\0" * 200_000_000})


def _lies(_size: int) -> bytes:
    """A member that says it is small and isn't."""
    data = bytearray(packed({"a.md": b"a" * 50_000_000}))
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.find(mark) + at
        data[start : start + 4] = (1000).to_bytes(4, "little")
    return bytes(data)


def _overlaps(_size: int) -> bytes:
    """Many members that share the bytes of one."""
    data = packed({"a.md": b"# a\n" * 100_000})
    at = data.find(b"PK\x01\x02")
    entry, end = data[at : at + 46], data[data.find(b"PK\x05\x06") :]
    count = 2000
    entries = b"".join(entry + b"%04d" % n for n in range(count))
    tail = bytearray(end)
    tail[8:12] = count.to_bytes(2, "little") * 2
    tail[12:16] = len(entries).to_bytes(4, "little")
    return data[:at] + entries + bytes(tail)


def _within_itself(levels: int, size: int) -> bytes:
    data = packed({"a.md": b"# a\n"})
    for _ in range(levels):
        data = packed({"a.zip": data, "b.zip": data} if len(data) < size else {"a.zip": data})
    return data


ARCHIVES: Mapping[str, Maker] = {
    "bomb": _bomb,
    "bombs, each under the limit": lambda _: packed({f"{n}.txt": b"a\n" * 8_000_000 for n in range(40)}),
    "member that lies about its size": _lies,
    "members that overlap": _overlaps,
    "archives in archives": partial(_within_itself, 12),
    "path escapes": lambda _: packed(
        {
            "../../etc/a.md": "a",
            "/etc/b.md": "b",
            "C:\\c.md": "c",
            "d/../../e.md": "d",
            "..\\f.md": "f",
            "ok.md": "# ok\n\nx",
        }
    ),
    "many members": lambda size: packed({f"{n}.md": b"# a\n" for n in range(size // 110)}),
    "deep folders": lambda _: packed({"a/" * 500 + f"{n}.md": "# a\n\nb" for n in range(500)}),
    "long names": lambda _: packed({f"{'a' * 60_000}{n}.md": b"# a\n" for n in range(8)}),
    "names twice": lambda _: packed({"a.md": "# a\n\nb"}),
    "only zeros": lambda size: b"\0" * size,
    "end without members": lambda size: b"a" * size + b"PK\x05\x06" + b"\0" * 18,
    "random bytes": random_bytes,
}


def _pdf_of(size: int, line: bytes) -> bytes:
    """A PDF of one page whose content is a line again and again."""
    content = b"BT /F1 9 Tf 20 800 Td\n" + line * (size // len(line)) + b"ET"
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 900] /Contents 4 0 R /Resources <</Font <</F1 5 0 R>>>>>>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    return _assembled(parts)


def _assembled(parts: list[bytes]) -> bytes:
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, part in enumerate(parts, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return bytes(out) + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(parts) + 1, start)


def _pages(size: int) -> bytes:
    count = size // 75
    kids = b" ".join(b"%d 0 R" % (3 + n) for n in range(count))
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"
    return _assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, count),
            *[page] * count,
        ]
    )


def _page_loop(_size: int) -> bytes:
    return _assembled([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 99999999 >>"])


PDF: Mapping[str, Maker] = {
    "lines of text": partial(_pdf_of, line=b"(Why is it so?) Tj 0 -9 Td\n"),
    "letters, each alone": partial(_pdf_of, line=b"(a) Tj 9 0 Td\n"),
    "one string": partial(_pdf_of, line=b"(a a a a a a a a a a a) Tj\n"),
    "drawn lines": partial(_pdf_of, line=b"ET 1 1 m 500 1 l S BT\n"),
    "drawn boxes": partial(_pdf_of, line=b"ET 1 1 90 9 re S BT (a) Tj 0 -9 Td\n"),
    "saved states": partial(_pdf_of, line=b"q "),
    "empty pages": _pages,
    "page tree that loops": _page_loop,
    "cut in half": lambda _: pdf()[:600],
    "header alone": lambda size: b"%PDF-1.7\n" + b"\0" * size,
    "random bytes": lambda size: b"%PDF-1.7\n" + random_bytes(size),
}

OTHERS: Mapping[str, Mapping[str, Maker]] = {
    "html": HTML,
    "csv": CSV,
    "tsv": {name: CSV[name] for name in ("rows", "quotes")},
    "json": JSON,
    "jsonl": JSON_LINES,
    "ipynb": NOTEBOOKS,
    "docx": WORD,
    "pdf": PDF,
    "zip": ARCHIVES,
}
