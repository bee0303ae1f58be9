"""Bytes are counted as Python counts them."""

from __future__ import annotations

import csv
import gc
import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowctl.files import counting
from flowctl.files.counting import count_of, even_records, lines_of
from flowctl.files.dialect import Dialect
from flowctl.files.lending import lent_bits
from flowctl.files.structure import find_outside

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


RECORDS = st.lists(
    st.lists(st.sampled_from(["", "a", "\r", " 1"]), min_size=1, max_size=4), min_size=1
)


@given(
    rows=RECORDS,
    delimiter=st.sampled_from(",\t;|"),
    fields=st.integers(1, 4),
    block=st.integers(1, 9),
)
def test_records_of_so_many_fields(
    rows: list[list[str]], delimiter: str, fields: int, block: int
) -> None:
    text = "\n".join(map(delimiter.join, rows)).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "_BLOCK", block)
        found = even_records(text + b"\n", ord(delimiter), fields)
        assert not text or text[-1:] == b"\n" or even_records(text, ord(delimiter), fields) == found
    assert found == (len(rows) if all(len(row) == fields for row in rows) else None)


FIELDS = st.text('a,\n"', max_size=3)


@given(
    rows=st.lists(st.lists(FIELDS, min_size=2, max_size=3), min_size=1, max_size=9),
    block=st.integers(1, 9),
)
def test_what_stands_in_quoted_fields_does_not_count(rows: list[list[str]], block: int) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    text = written.getvalue().encode()
    outside = find_outside(text, Dialect(ord(","), ord('"')))
    assert outside is not None
    with pytest.MonkeyPatch.context() as patch, lent_bits(outside.ctypes.data, len(text)) as bits:
        patch.setattr(counting, "_BLOCK", block)
        found = even_records(text, ord(","), 3, bits)
    assert found == (len(rows) if all(len(row) == 3 for row in rows) else None)


def test_from_many_threads_while_texts_come_and_go() -> None:
    def counted(number: int) -> bool:
        text = b"%d,b\n" % number * (number * 100)
        found = count_of(text, 10) == number * 100 and count_of(text, 44) == number * 100
        del text
        gc.collect(0)
        return found

    with ThreadPoolExecutor(8) as executor:
        assert all(executor.map(counted, range(1, 200)))
