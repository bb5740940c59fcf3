from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from answering.segment import blocks
from answering.units import pieces, trimmed
from ingest.parse.labels import says_nothing

LONG = "This paragraph is longer than a short item may be, so that it is cut. " * 8


def cut(text: str, title: str = "", *, lines: bool = False) -> list[str]:
    return [text[p.start : p.end] for p in pieces(text, 0, len(text), title, lines=lines)]


def test_a_short_item_is_given_whole() -> None:
    text = "**Eviction:** `volatile-lru` for keys with a TTL. Else `allkeys-lru`."
    assert cut(text) == [text]
    assert pieces(text, 0, len(text))[0].whole


def test_a_value_is_looked_for_line_by_line() -> None:
    text = "Criteria\n1. **Knowledge** (40%): depth\n2. **Communication** (15%): clarity"
    assert "**Communication** (15%): clarity" in cut(text, "Criteria", lines=True)
    assert cut(text, "Criteria") == ["1. **Knowledge** (40%): depth\n2. **Communication** (15%): clarity"]


def test_a_title_with_a_figure_answers_a_value_question() -> None:
    text = "Phase 1: Introduction (0-2 min)\n- Greet warmly\n- Set expectations"
    assert cut(text, "Phase 1: Introduction (0-2 min)", lines=True)[0] == "Phase 1: Introduction (0-2 min)"
    assert not any("0-2" in p for p in cut(text, "Phase 1: Introduction (0-2 min)"))


def test_code_stays_whole_with_its_lead_in() -> None:
    text = f"{LONG}\n\nIt prints this. Create the index:\n\n```sql\nCREATE INDEX i\n\nON t (x);\n```\n\nIt is fast now."
    assert "Create the index:\n\n```sql\nCREATE INDEX i\n\nON t (x);\n```" in cut(text)
    assert not any(p.rstrip().endswith(":") for p in cut(text))


def test_a_list_goes_with_what_introduces_it() -> None:
    text = f"{LONG}\n\nThere are two kinds:\n\n- hot\n- cold\n\nThat is all there is to say."
    assert "There are two kinds:\n\n- hot\n- cold" in cut(text)
    assert "hot" not in cut(text)


def test_a_bold_lead_belongs_to_its_paragraph() -> None:
    text = f"- **Why this:**\n\n{LONG}"
    first = cut(text)[0]
    assert first.startswith("**Why this:**\n\nThis paragraph")
    assert first.endswith(".")


def test_an_entry_keeps_what_stands_under_it() -> None:
    text = "\n".join(f"- Entry {i} says something about a thing\n  - detail of {i}, told at length" for i in range(20))
    assert "Entry 3 says something about a thing\n  - detail of 3, told at length" in cut(text)


def test_questions_headings_and_prompts_are_no_units() -> None:
    assert cut("# A heading") == []
    assert cut("**Bronze Layer (Raw)**") == []
    assert cut("What is a lake?") == []
    assert cut("Explain the difference between a pipeline and an activity.") == []


def test_half_a_code_block_is_no_unit() -> None:
    assert cut("```py\nx = 1\n") == []


def test_links_at_the_end_are_left_out() -> None:
    text = "It works like this.\n\nUseful resources:\n\n- [one](https://a.b/c)\n\n**[⬆ Back to Top](#top)**"
    assert text[: trimmed(text, 0, len(text))] == "It works like this."
    assert cut(text) == ["It works like this."]
    fenced = "```sh\nls\n```"
    assert trimmed(fenced, 0, len(fenced)) == len(fenced)


def test_placeholders_and_link_lists_say_nothing() -> None:
    for text in ("To be completed.", "TODO", "- [a](https://b.c)\n- <https://d.e>", "---", "Useful resources:", ""):
        assert says_nothing(text), text
    for text in ("It depends on [the size](x).", "`TODO.md` holds them", "42"):
        assert not says_nothing(text), text


@given(st.text(alphabet="ab .:,\n-*`|#1", max_size=120), st.booleans())
def test_units_are_stretches_of_their_region_and_never_cut_a_block_of_code(text: str, lines: bool) -> None:
    code = [(b.start, b.end) for b in blocks(text) if b.kind in ("code", "table")]
    for p in pieces(text, 0, len(text), lines=lines):
        assert 0 <= p.lead <= p.start < p.end <= len(text)
        assert text[p.start : p.end].strip()
        for start, end in code:
            apart = p.end <= start or end <= p.start
            assert apart or (p.start <= start and (end <= p.end or p.end == trimmed(text, 0, len(text))))


def test_nothing_is_joined_across_headings_and_code_keeps_the_one_it_stands_under() -> None:
    text = f"{LONG}\n\n#### 1. **Rules**\n- be quick\n- be kind\n#### 2. **Plugin**\n```sh\nnpm i lint\n```\n"
    assert "**Rules**\n- be quick\n- be kind" in cut(text)
    assert "**Plugin**\n```sh\nnpm i lint\n```" in cut(text)
    assert not any("be kind" in p and "npm" in p for p in cut(text))


def test_lists_under_names_keep_the_first_name_too() -> None:
    text = "**Bronze (raw)**\n- as received\n- kept\n\n**Silver (cleaned)**\n- checked\n- deduplicated"
    assert cut(text) == [text]
    assert cut(text + f"\n\n{LONG}")[:2] == text.split("\n\n")


def test_an_example_mark_between_a_sentence_and_its_code_parts_nothing() -> None:
    together = "A portal renders elsewhere.\n\n**Example:**\n```js\nportal(x)\n```"
    assert together in cut(f"{LONG}\n\n{together}\n\n{LONG}")


def test_a_line_of_code_goes_with_what_is_said_of_it() -> None:
    text = f"{LONG}\n\n`|&`\n\nThis is short for `2>&1 |`.\n\nTo see both, do:\n\n`make |& tee log`\n\n{LONG}"
    assert "`|&`\n\nThis is short for `2>&1 |`." in cut(text)
    assert "`|&`" not in cut(text)
    assert "To see both, do:\n\n`make |& tee log`" in cut(text)


def test_what_leans_on_the_paragraph_or_code_before_goes_with_it() -> None:
    text = f"{LONG}\n\nCORS relaxes the policy. It is a header.\n\ne.g. b.org may let a.com read.\n\n{LONG}"
    (leaning,) = (p for p in pieces(text, 0, len(text)) if text[p.start : p.end].endswith("may let a.com read."))
    assert text[leaning.start : leaning.end].startswith("CORS relaxes the policy. It is a header.")
    assert text[leaning.start + leaning.leans : leaning.end] == "e.g. b.org may let a.com read."
    shown = "It logs twice:\n\n```js\nlog(1)\n```\n\nIn the above example the old value is shown."
    assert shown in cut(f"{LONG}\n\n{shown}\n\n{LONG}")


def test_what_leads_on_is_not_given_without_what_it_leads_to() -> None:
    code = "```js\nf(1)\n```"
    text = f"{LONG}\n\nRefs reach the DOM. In the component below, the name is read.\n\n{code}\n\n{LONG}"
    assert "Refs reach the DOM." in cut(text)
    assert f"In the component below, the name is read.\n\n{code}" in cut(text)
    assert not any(p.endswith("the name is read.") for p in cut(text))
    assert cut("Both are plain objects and have distinct behaviours:") == []


def test_a_way_to_another_page_is_no_unit_and_a_described_link_is_one() -> None:
    text = f"{LONG}\n\n**Next**: [Part 2](part2.md)\n\n- [lsof](https://a.b/lsof): lists open files\n- [nmap](https://a.b/n)"
    assert not any("Part 2" in p for p in cut(text))
    assert any("lists open files" in p for p in cut(text))
