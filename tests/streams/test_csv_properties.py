"""Random CSV through tiny splits, judged by Python's csv module."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.streams.running import Folder, op

QUICK = settings(deadline=None, max_examples=80)
FIELDS = st.text(alphabet='ab1,;"\n\r é€\U0001f600', max_size=6)
NEWLINES = st.sampled_from(["\n", "\r\n"])


def spelled(field: str | None, always: bool) -> str:
    if field is None:
        return ""
    special = any(character in field for character in ',"\n\r')
    if field == "" or special or always:
        return '"' + field.replace('"', '""') + '"'
    return field


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str | None]], str]:
    """Rows of text or null, and a spelling of them."""
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(FIELDS | st.none(), min_size=width, max_size=width), max_size=12))
    newline = draw(NEWLINES)
    lines = [",".join(f"c{index}" for index in range(width))]
    always = draw(st.booleans())
    lines.extend(",".join(spelled(field, always) for field in row) for row in rows)
    ended = not rows or rows[-1] == [None] or draw(st.booleans())
    text = newline.join(lines) + (newline if ended else "")
    return rows, text


@QUICK
@given(tables(), st.integers(1, 40), st.integers(1, 3))
def test_what_is_read_is_what_stands_there(
    table: tuple[list[list[str | None]], str], split: int, workers: int
) -> None:
    rows, text = table
    width = len(text.splitlines()[0].split(","))
    with tempfile.TemporaryDirectory() as place:
        folder = Folder(Path(place), workers, split)
        folder.write("in.csv", text)
        columns: list[list[str]] = [[f"c{index}", "string?"] for index in range(width)]
        result = folder.run(op("csv", "in.csv", columns=columns), sink=op("parquet", "out.parquet"))
        assert result.status == "succeeded", result.faults
        found = [list(row) for row in pl.read_parquet(Path(place, "out.parquet")).rows()]
    assert found == rows


RAGGED = st.text(alphabet='12,,,"\nx-é ', max_size=60)
TYPED = [["a", "int64"], ["b", "date?"], ["c", "string?"]]


def outcome(text: bytes, split: int, workers: int) -> tuple[object, ...]:
    """All that a run leaves."""
    with tempfile.TemporaryDirectory() as place:
        folder = Folder(Path(place), workers, split)
        folder.write("in.csv", b"a,b,c\n" + text)
        result = folder.run(
            op("csv", "in.csv", "reject", columns=TYPED),
            op("filter", "a > 1"),
            op("derive", [["d", "10 // (a - 2)"], ["l", "source_line()"]], "skip"),
            sink=op("ndjson", "out.ndjson"),
            rejects=op("ndjson", "rejects.ndjson"),
        )
        if result.status == "failed":
            return ("failed", [fault.message for fault in result.faults])
        return result.counts, folder.read("out.ndjson"), folder.read("rejects.ndjson")


@QUICK
@given(
    st.one_of(
        RAGGED,
        st.lists(
            st.sampled_from(
                [
                    "1,2020-01-01,x",
                    '2,,""',
                    '3,"2020-02-03",',
                    "4,2020-02-30,y",
                    "5,,z,",
                    "6,",
                    "",
                    'x,,"a\nb"',
                    '7,,5" pipe',
                    '8,,"a"b',
                    "9,1999-12-31,é",
                ]
            ),
            max_size=12,
        ).map("\n".join),
    ),
    st.integers(1, 30),
    st.integers(1, 3),
)
@example('"\n""""', 1, 1)  # a field that goes on behind a quote and is never closed
def test_neither_splits_nor_workers_change_what_leaves(text: str, split: int, workers: int) -> None:
    whole = outcome(text.encode(), 1 << 20, 1)
    assert outcome(text.encode(), split, workers) == whole
