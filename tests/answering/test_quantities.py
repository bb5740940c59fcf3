from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering.ground.quantities import dates, quantities


def read(text: str) -> list[tuple[float, str]]:
    return [(round(q.number * q.size, 9), q.dimension) for q in quantities(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15 %", [(15, "percent")]),
        ("15 percent", [(15, "percent")]),
        ("1,000 users", [(1000, "")]),
        ("10k rows", [(10_000, "")]),
        ("$25 billion", [(25e9, "dollars")]),
        ("2.2s median", [(2.2, "time")]),
        ("120ms", [(0.12, "time")]),
        ("700MB", [(7e8, "bytes")]),
        ("5–10 min", [(300, "time"), (600, "time")]),
        ("between 5 and 10 ms", [(0.005, "time"), (0.01, "time")]),
        ("twenty-five users", [(25, "")]),
        ("five hundred", [(500, "")]),
        ("3rd", [(3, "ordinal")]),
        ("2x faster", [(2, "times")]),
        ("at 9:30 pm", [(21.5, "clock")]),
        ("p99 of 3D v1.2.3 S3 UTF-8 GPT-4 2FA", []),
    ],
)
def test_amounts(text: str, expected: list[tuple[float, str]]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("120 ms", "0.12 s", True),
        ("120 ms", "120 s", False),
        ("2 hours", "120 minutes", True),
        ("1 million", "1,000,000", True),
        ("about 25 %", "24.6 %", True),
        ("25 %", "24.6 %", False),
        ("25 %", "25", True),
        ("$5", "€5", False),
        ("9 pm", "21:00", True),
    ],
)
def test_the_same_amount_in_another_spelling(one: str, other: str, same: bool) -> None:
    (a,), (b,) = quantities(one), quantities(other)
    assert a.agrees(b) is same
    assert b.agrees(a) is same


@given(st.integers(0, 10**9))
def test_thousands_separators_do_not_matter(number: int) -> None:
    (plain,), (grouped,) = quantities(f"{number} rows"), quantities(f"{number:,} rows")
    assert plain.agrees(grouped)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("July 11, 1909", (1909, 7, 11)),
        ("11 July 1909", (1909, 7, 11)),
        ("1909-07-11", (1909, 7, 11)),
        ("Oct. 24, 2012", (2012, 10, 24)),
        ("May 2023", (2023, 5, None)),
        ("in 2004", (2004, None, None)),
    ],
)
def test_dates(text: str, parts: tuple[int | None, int | None, int | None]) -> None:
    (found,) = dates(text)
    assert (found.year, found.month, found.day) == parts


def test_a_part_of_a_date_agrees_with_the_whole() -> None:
    whole = dates("on July 11, 1909")
    assert dates("in 1909")[0].agrees(whole)
    assert dates("July 11")[0].agrees(whole)
    assert not dates("July 12, 1909")[0].agrees(whole)
    assert not dates("in 1910")[0].agrees(whole)
    assert dates("you may 3 times") == []
