"""`check`: what is staged is judged, and only then published."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.plan import Check
from tests.streams.running import Folder, op

ROWS = [(1, "a", 5), (2, "b", None), (3, "a", 7), (4, "a", 7), (5, None, 9)]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    lines = "".join(f"{n},{k or ''},{'' if x is None else x}\n" for n, k, x in ROWS)
    made.write("in.csv", "n,k,x\n" + lines)
    made.write("out.csv", "as it was\n")
    return made


def told(folder: Folder, check: Check, source: str = "in.csv") -> list[str]:
    """What does not hold; the output is then as it was, else it is the new one."""
    result = folder.run(op("csv", source), sink=op("csv", "out.csv"), check=check)
    failed = result.status == "failed"
    assert all(fault.code.id == "E704" for fault in result.faults)
    assert (folder.read("out.csv") == "as it was\n") == failed
    return [fault.message.removeprefix("the check ") for fault in result.faults]


@pytest.mark.parametrize(
    "check",
    [
        Check(rows="> 4"),
        Check(rows=">= 1 and < 6"),
        Check(rows="= 5", rejected="= 0"),
        Check(rejected="< 1%"),
        Check(unique=("n",)),
        Check(unique=("n", "k", "x")),
        Check(not_null=("n",)),
        Check(where="n > 0 and coalesce(x, 1) < 10"),
    ],
)
def test_what_holds_is_published(folder: Folder, check: Check) -> None:
    assert told(folder, check) == []


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (Check(rows="> 5"), "`rows` does not hold: 5 records written, but `> 5` is demanded"),
        (Check(rows="> 1 and <> 5"), "`rows` does not hold: 5 records written, but `> 1 and <> 5`"),
        (
            Check(unique=("k", "x")),
            "`unique` does not hold: of `k`, `x`, 1 value occurs more than once, such as k = a",
        ),
        (Check(unique=("k",)), "`unique` does not hold: of `k`, 1 value occurs"),
        (Check(not_null=("n", "k")), "`not_null` does not hold: `k` is null in 1 of 5 records"),
        (
            Check(where="x > 6"),
            "`where` does not hold: 2 of 5 records do not satisfy `x > 6`; the first is record 1",
        ),
        (
            Check(where="10 // (n - 4) < 100"),
            "`where` does not hold: 1 of 5 records do not satisfy `10 // (n - 4) < 100`; the first",
        ),
    ],
)
def test_what_does_not_hold_is_not(folder: Folder, check: Check, message: str) -> None:
    (found,) = told(folder, check)
    assert found.startswith(message)


def test_all_that_does_not_hold_is_told(folder: Folder) -> None:
    check = Check("> 9", "> 1%", ("k",), ("x", "n", "k"), "x < 0")
    names = [message.split("`")[1] for message in told(folder, check)]
    assert names == ["rows", "rejected", "not_null", "not_null", "where", "unique"]


def test_a_share_of_rejected_records(folder: Folder) -> None:
    folder.write("bad.csv", "n\n1\nx\n3\n")
    source = op("csv", "bad.csv", "reject", columns=[["n", "int64"]])
    for check, status in ((Check(rejected="<= 33%"), "failed"), (Check(rejected="< 34%"), "")):
        result = folder.run(source, sink=op("csv", "out.csv"), check=check)
        assert result.status == (status or "succeeded")
        if status:
            assert "1 of 3 records rejected (33.33%), but `<= 33%`" in result.faults[0].message


def test_what_leaves_a_sort_is_checked(folder: Folder) -> None:
    result = folder.run(
        op("csv", "in.csv"),
        op("sort", ["-n"]),
        op("limit", 2),
        sink=op("csv", "out.csv"),
        check=Check(rows="= 2", where="n > 3", unique=("k",)),
    )
    assert result.status == "succeeded"


def test_types_that_only_the_run_knows(folder: Folder) -> None:
    result = folder.run(
        op("csv", "in.csv"), sink=op("csv", "out.csv"), check=Check(where="k > 3", unique=("z",))
    )
    assert [fault.pointer for fault in result.faults] == [
        ("check", "unique", 0),
        ("check", "where"),
    ]
    assert folder.read("out.csv") == "as it was\n"


def test_keys_that_memory_does_not_hold(tmp_path: Path) -> None:
    """Spilled, and judged as Python's own counter does."""
    folder = Folder(tmp_path, split_bytes=20_000, memory=1 << 18)
    keys = [n * 7919 % 30_011 for n in range(60_000)]
    folder.write("in.csv", "k\n" + "".join(f"{key}\n" for key in keys))
    folder.write("out.csv", "as it was\n")
    (found,) = told(folder, Check(unique=("k",)))
    twice = sorted(key for key, count in Counter(keys).items() if count > 1)
    assert f"of `k`, {len(twice):,} values occur more than once" in found
    assert f"such as k = {twice[0]} (2 times)" in found


@settings(deadline=None, max_examples=25)
@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["", "a", "b"])), max_size=12),
    split=st.sampled_from([8, 40, 4000]),
)
def test_as_a_set_would_judge(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str]], split: int
) -> None:
    folder = Folder(tmp_path_factory.mktemp("checked"), split_bytes=split)
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([("n", "k"), *rows])
    folder.write("in.csv", buffer.getvalue())
    source = op("csv", "in.csv", columns=[["n", "int64"], ["k", "string?"]])
    check = Check(unique=("n", "k"), not_null=("k",), rows="<> 7")
    result = folder.run(source, sink=op("csv", "out.csv"), check=check)
    expected = ["rows"] * (len(rows) == 7)
    expected += ["not_null"] * any(not key for _, key in rows)
    expected += ["unique"] * (len(set(rows)) < len(rows))
    assert [str(fault.pointer[1]) for fault in result.faults] == expected
