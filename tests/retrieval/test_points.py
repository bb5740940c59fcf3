"""The ids of points: they name their chunk, and nothing else."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.points import key_of, point_id

versions = st.integers(0, 2**40 - 1)
ids = st.builds("{:016x}-{}".format, st.integers(0, 2**64 - 1), st.integers(0, 2**24 - 1))


@given(versions, ids)
def test_a_points_id_says_which_chunk_it_is(version: int, chunk: str) -> None:
    point = point_id(version, chunk)
    assert key_of(point) == key_of(str(point)) == (version, chunk)


@given(st.tuples(versions, ids), st.tuples(versions, ids))
def test_two_chunks_never_share_a_point(one: tuple[int, str], other: tuple[int, str]) -> None:
    assert (point_id(*one) == point_id(*other)) == (one == other)


@pytest.mark.parametrize("wrong", ["", "a", "0-0", "00000000000000AB-0", "00000000000000ab-00", f"{2**64:x}-0",
                                   f"{7:016x}-{2**24}", f"{7:016x}--1", f"{7:016x}-1-2"])  # fmt: skip
def test_an_id_of_another_form_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"chunk id|invalid literal"):
        point_id(1, wrong)


def test_the_id_is_the_same_tomorrow() -> None:
    """Another layout of the bits needs another LAYOUT."""
    assert point_id(5, "71c18b616e1b9991-3") == uuid.UUID("00000000-0571-c18b-616e-1b9991000003")
