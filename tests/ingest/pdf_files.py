"""PDF files for tests: set with fpdf2 in the fonts that every PDF reader has, or put together object by object."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence

from fpdf import FPDF
from PIL import Image

LINE = 5.5  # mm from base line to base line of text in 11 points


class Paper(FPDF):
    """A document in the making. `header_text`, `footer_text`: on every page; `{page}` is the page's number."""

    def __init__(self, *, header_text: str = "", footer_text: str = "", **options: str) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.header_text = header_text
        self.footer_text = footer_text
        self.set_auto_page_break(True, margin=20)
        self.add_page()

    def header(self) -> None:
        """Drawn by fpdf2 at the top of each page."""
        if self.header_text:
            self.set_y(8)
            self.set_font("Helvetica", size=9)
            self.cell(0, 5, self.header_text.format(page=self.page_no()))
            self.set_y(20)

    def footer(self) -> None:
        """Drawn by fpdf2 at the bottom of each page."""
        if self.footer_text:
            self.set_y(-12)
            self.set_font("Helvetica", size=9)
            self.cell(0, 5, self.footer_text.format(page=self.page_no()), align="C")

    def heading(self, text: str, size: float = 16) -> None:
        """A bold line in larger type."""
        self.ln(3)
        self.set_font("Helvetica", "B", size)
        self._lines(text, size * 0.5)
        self.ln(2)

    def bold(self, text: str) -> None:
        """A bold paragraph."""
        self.set_font("Helvetica", "B", 11)
        self._lines(text, LINE)

    def text_block(self, text: str, *, indent: float = 0.0, gap: float = 3.0) -> None:
        """A paragraph."""
        self.set_font("Helvetica", size=11)
        self.set_x(self.l_margin + indent)
        self._lines(text, LINE)
        self.ln(gap)

    def entry(self, text: str, *, mark: str = "\x95", depth: int = 1) -> None:
        """A list entry with a hanging indent. The default mark is a bullet."""
        self.set_font("Helvetica", size=11)
        self.set_x(self.l_margin + 7 * (depth - 1) + 4)
        self.cell(6, LINE, mark)
        self._lines(text, LINE)

    def code(self, text: str) -> None:
        """Lines in a font of fixed width."""
        self.set_font("Courier", size=10)
        for line in text.split("\n"):
            self.cell(0, 4.5, line, new_x="LMARGIN", new_y="NEXT")
        self.ln(3)

    def picture(self, *, whole_page: bool = True) -> None:
        """A picture of noise, as a scanner makes it."""
        image = Image.frombytes("L", (16, 16), bytes(range(256)))
        self.image(image, x=0, y=0, w=self.w if whole_page else 5)

    def done(self) -> bytes:
        """The file."""
        return bytes(self.output())

    def _lines(self, text: str, height: float) -> None:
        self.multi_cell(0, height, text, new_x="LMARGIN", new_y="NEXT", align="L")


def objects(*contents: bytes, root: int = 1) -> bytes:
    """A file of numbered objects, the first of which is the catalog."""
    out, places = io.BytesIO(), []
    out.write(b"%PDF-1.7\n")
    for number, content in enumerate(contents, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    table = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(contents) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(b"trailer <</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(contents) + 1, root, table))
    return out.getvalue()


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """A stream object."""
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(content), content)


def drawn(
    *pages: bytes,
    fonts: bytes = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    page: bytes = b"",
    more: Sequence[bytes] = (),
) -> bytes:
    """A file whose pages are drawn by the given operators; /A is the font.

    `page`: more entries for each page. `more`: more objects, the first of which has the number 4 + 2 times the pages.
    """
    contents = [b"<</Type/Catalog/Pages 2 0 R>>"]
    kids = b" ".join(b"%d 0 R" % (4 + 2 * index) for index in range(len(pages)))
    contents += [b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(pages)), fonts]
    for index, operators in enumerate(pages):
        entries = b"/Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</A 3 0 R>>>>%s" % page
        contents += [b"<<%s/Contents %d 0 R>>" % (entries, 5 + 2 * index), stream(operators)]
    return objects(*contents, *more)


def forms_within_forms(depth: int, fan: int) -> bytes:
    """A page that draws a form `fan` times, which draws another one `fan` times, and so on: few bytes, endless work."""
    contents = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>"]
    form = b"/Resources<</XObject<</F %d 0 R>>>>"
    contents += [b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R%s>>" % (form % 5), stream(b"/F Do")]
    entries = b"/Type/XObject/Subtype/Form/BBox[0 0 600 800]"
    contents += [stream(b"/F Do " * fan, entries + form % (6 + level)) for level in range(depth)]
    return objects(*contents, stream(b"0 0 1 1 re f", entries))


def deflated(operators: bytes, times: int) -> bytes:
    """A page whose content is `operators`, `times` over, compressed."""
    packer = zlib.compressobj(9)
    content = b"".join(packer.compress(operators) for _ in range(times)) + packer.flush()
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</A 5 0 R>>>>>>"
    return objects(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        page,
        stream(content, b"/Filter/FlateDecode"),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )


def paper(*steps: Callable[[Paper], object], **options: str) -> bytes:
    """A document made by some steps."""
    made = Paper(**options)
    for step in steps:
        step(made)
    return made.done()


def show(lines: Sequence[tuple[float, float, float, str]]) -> bytes:
    """Operators that show texts: (x, y from the bottom, size, text)."""
    parts = [f"BT /A {size} Tf {x} {y} Td ({text}) Tj ET" for x, y, size, text in lines]
    return "\n".join(parts).encode("latin-1")
