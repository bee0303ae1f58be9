"""Bytes are counted as Python counts them."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowctl.files import counting
from flowctl.files.counting import count_of, lines_of

TEXTS = st.lists(st.sampled_from([b"\n", b"\r\n", b",", b"a", b"\0", b"\xff"])).map(b"".join)


@given(text=TEXTS, wanted=st.sampled_from([10, 44, 0, 255]))
def test_counts(text: bytes, wanted: int) -> None:
    assert count_of(text, wanted) == text.count(wanted)


@given(text=TEXTS, first=st.sampled_from(list(b",a\r")), block=st.integers(1, 5))
def test_lines_and_what_they_begin_with(text: bytes, first: int, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "_BLOCK", block)
        found = lines_of(text, first)
    lines = text.removesuffix(b"\n").split(b"\n") if text else []
    assert found == (len(lines), sum(line[:1] == bytes([first]) for line in lines))


def test_from_many_threads_while_texts_come_and_go() -> None:
    def counted(number: int) -> bool:
        text = b"%d,b\n" % number * (number * 100)
        found = count_of(text, 10) == number * 100 and count_of(text, 44) == number * 100
        del text
        gc.collect(0)
        return found

    with ThreadPoolExecutor(8) as executor:
        assert all(executor.map(counted, range(1, 200)))
