"""Bytes are counted as Python counts them."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from flowctl.files.counting import count_of

TEXTS = st.lists(st.sampled_from([b"\n", b"\r\n", b",", b"a", b"\0", b"\xff"])).map(b"".join)


@given(text=TEXTS, wanted=st.sampled_from([10, 44, 0, 255]))
def test_counts(text: bytes, wanted: int) -> None:
    assert count_of(text, wanted) == text.count(wanted)


def test_from_many_threads_while_texts_come_and_go() -> None:
    def counted(number: int) -> bool:
        text = b"%d,b\n" % number * (number * 100)
        found = count_of(text, 10) == number * 100 and count_of(text, 44) == number * 100
        del text
        gc.collect(0)
        return found

    with ThreadPoolExecutor(8) as executor:
        assert all(executor.map(counted, range(1, 200)))
