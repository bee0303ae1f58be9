"""Bytes are counted as Python counts them, in both ways."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowctl.files.counting import count_by_polars, numpy_count

BYTES = st.sampled_from(
    [b"\n", b"\r\n", b",", b'"', b"a", b"\0", b"\1", b"\xff", b" ", "é".encode()]
)
TEXTS = st.lists(BYTES, max_size=40).map(b"".join)


COUNTS = [count_by_polars, numpy_count()]


@pytest.mark.parametrize("count", COUNTS)
@given(text=TEXTS, wanted=st.sampled_from([10, 44, 0, 1, 59]))
def test_counts(count: Callable[[bytes, int], int], text: bytes, wanted: int) -> None:
    assert count(text, wanted) == text.count(wanted)


@pytest.mark.parametrize("start", [b"\x1f\x8b", b"x\x9c", b"(\xb5/\xfd", b"\xef\xbb\xbf", b"\n"])
def test_however_the_text_begins(start: bytes) -> None:
    text = start + b"a,b\n" * 100_000
    for count in COUNTS:
        assert (count(text, 10), count(text, 44)) == (text.count(b"\n"), 100_000)
