from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from answering.cite import Unit, compose, source_of, verify
from ingest.errors import NotFoundError
from ingest.items import Item, Meta, Span, StoredChunk

TEXT = "# Caching\n\nRedis keeps data in memory. It is fast.\n\n- one\n- two\n\n```sh\nredis-cli\n```\n"


class Texts:
    """A catalog of texts by version key."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.starts: dict[int, tuple[int, ...]] = {}

    def text(self, version_key: int) -> str:
        return self.texts[version_key]

    def pages(self, version_key: int) -> tuple[int, ...]:
        return self.starts.get(version_key, ())

    def item(self, version_key: int, item_id: str) -> Item:
        raise NotFoundError(f"{version_key} has no item {item_id}")

    def twins(self, version_key: int, item_id: str) -> frozenset[tuple[int, str]]:
        raise NotFoundError(f"{version_key} has no item {item_id}")


def chunk(key: int = 0, item: str = "i", text: str = TEXT) -> StoredChunk:
    span = Span(0, len(text), 1, 1 + text.count("\n"))
    return StoredChunk(
        id=f"{item}-0", item_id=item, version_key=key, ordinal=0, kind="note", text=text, context="", span=span,
        heading=("Caching",), question=None, questions=(), answer=None, talking_points=(), document_id="d",
        document=f"doc{key}.md", collection="default", version="sha256:0", title="T", meta=Meta(),
    )  # fmt: skip


def unit(part: str, *, item: str = "i", prose: bool = True, score: float = 0.5, text: str = TEXT) -> Unit:
    start = text.index(part)
    return Unit(chunk(item=item, text=text), start, start + len(part), start, score, prose)


def test_each_unit_has_its_marker_and_its_lines() -> None:
    found = compose([unit("Redis keeps data in memory."), unit("redis-cli", item="j")], Texts(TEXT))
    assert found.text == "Redis keeps data in memory. [1]\n\nredis-cli [2]"
    assert [(s.marker, s.quote, s.line_start, s.line_end) for s in found.sources] == [
        (1, "Redis keeps data in memory.", 3, 3),
        (2, "redis-cli", 9, 9),
    ]
    assert [found.text[c.start : c.end] for c in found.cited] == ["Redis keeps data in memory. [1]", "redis-cli [2]"]


def test_neighbours_of_one_item_become_one_source() -> None:
    found = compose([unit("Redis keeps data in memory."), unit("It is fast.")], Texts(TEXT))
    assert found.text == "Redis keeps data in memory. It is fast. [1]"


def test_list_items_that_stand_together_keep_their_marks() -> None:
    one, two = unit("one", prose=False), unit("two", prose=False)
    found = compose([replace(one, lead=one.start - 2), replace(two, lead=two.start - 2)], Texts(TEXT))
    assert found.text == "- one\n- two [1]"


def test_a_repetition_is_cited_once() -> None:
    found = compose([unit("Redis keeps data in memory."), unit("keeps data")], Texts(TEXT))
    assert len(found.sources) == 1


def test_a_marker_after_code_leaves_the_fence_alone() -> None:
    found = compose([unit("```sh\nredis-cli\n```", prose=False)], Texts(TEXT))
    assert found.text == "```sh\nredis-cli\n```\n\n[1]"


def test_code_begins_a_line_even_where_prose_follows_it() -> None:
    text = "Look at the size. More words stand here. \n\n```sh\nls\n```\n\nThen sort."
    first, second = unit("Look at the size.", text=text), unit("```sh\nls\n```\n\nThen sort.", text=text)
    assert compose([first, second], Texts(text)).text == ("Look at the size. [1]\n\n```sh\nls\n```\n\nThen sort. [2]")


def test_what_the_document_does_not_have_is_dropped_and_counted() -> None:
    moved = compose([unit("It is fast."), unit("Redis keeps data", text=TEXT[2:])], Texts(TEXT))
    assert (moved.text, len(moved.sources), moved.refused) == ("It is fast. [1]", 1, 1)
    gone = compose([unit("It is fast.")], Texts(TEXT.replace("fast", "slow")))
    assert (gone.text, gone.sources, gone.refused) == ("", (), 1)


def test_a_source_is_verified_against_text_and_lines() -> None:
    source = source_of(unit("It is fast."), Texts(TEXT), 1)
    assert verify(source, Texts(TEXT), 0)
    assert not verify(source, Texts(TEXT.replace("fast", "slow")), 0)
    assert not verify(replace(source, quote="It is slow."), Texts(TEXT), 0)
    assert not verify(replace(source, line_start=1), Texts(TEXT), 0)
    assert not verify(replace(source, start=-1), Texts(TEXT), 0)


@given(
    st.text(max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.sampled_from("ij"), st.booleans()), max_size=6),
)
def test_whatever_is_composed_every_citation_reproduces(text: str, places: list[tuple[int, int, str, bool]]) -> None:
    units = []
    for a, b, item, prose in places:
        start, end = sorted((min(a, len(text)), min(b, len(text))))
        units.append(Unit(chunk(item=item, text=text), start, end, start, 0.5, prose))
    found = compose(units, Texts(text))
    assert [s.marker for s in found.sources] == list(range(1, len(found.sources) + 1))
    for source, stretch in zip(found.sources, found.cited, strict=True):
        assert text[source.start : source.end] == source.quote
        assert text.count("\n", 0, source.start) + 1 == source.line_start
        assert source.line_end == source.line_start + source.quote.count("\n")
        shown = found.text[stretch.start : stretch.end]
        assert shown.startswith(source.quote)
        assert shown.endswith(f"[{source.marker}]")


def test_the_page_is_where_the_quote_begins_whatever_its_chunk() -> None:
    text = "First page.\nStill the first.\nSecond page.\nThird page."
    texts = Texts(text)
    texts.starts = {0: (1, 3, 4)}
    whole = chunk(text=text)
    found = [source_of(Unit(whole, at, at + 5, at, 1.0), texts, 1).page for at in (0, 12, 29, 42)]
    assert found == [1, 1, 2, 3]
    texts.starts = {}
    assert source_of(Unit(whole, 0, 5, 0, 1.0), texts, 1).page is None
