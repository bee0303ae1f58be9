from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from flowctl.gathering.seen import Seen

END = 1 << 63
NEAR = st.sampled_from([-END, -7, 0, END - 40]).flatmap(
    lambda start: st.lists(st.lists(st.none() | st.integers(start, start + 39)), max_size=6)
)


@given(NEAR)
def test_each_number_is_first_once(pieces: list[list[int | None]]) -> None:
    seen, before = Seen(most=41), set[int | None]()
    for piece in pieces:
        expected = [
            place
            for place, number in enumerate(piece)
            if number not in before and number not in piece[:place]
        ]
        first = seen.first(pl.Series(piece, dtype=pl.Int64))
        assert first is not None
        assert first.to_list() == expected
        before.update(piece)


@given(st.lists(st.integers(-END, END - 1), min_size=1), st.integers(2, 60))
def test_numbers_too_far_apart_are_refused(numbers: list[int], most: int) -> None:
    found = Seen(most).first(pl.Series(numbers, dtype=pl.Int64))
    assert (found is not None) == (max(numbers) - min(numbers) + 1 < most)
