from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl import run
from flowctl.kinds.transforms.number import COMPONENT
from tests.kinds.transforming import faults, passed, typed


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.integers(-(2**62), 2**62))
def test_numbers_go_on_from_split_to_split(sizes: list[int], first: int) -> None:
    frames = [pl.DataFrame({"a": ["x"] * size}, schema={"a": pl.String}) for size in sizes]
    out, _ = passed(COMPONENT, {"number": "id", "from": first}, frames)
    found = [value for frame in out for value in frame["id"].to_list()]
    assert found == list(range(first, first + sum(sizes)))


def test_the_new_column_comes_last_and_is_never_null() -> None:
    answer = typed(COMPONENT, {"number": "id"}, {"b": "string", "a": "int64?"})
    assert [column.name for column in answer.schema] == ["b", "a", "id"]
    assert str(answer.schema["id"].type) == "int64"
    assert not answer.schema["id"].nullable
    assert typed(COMPONENT, {"number": "id", "from": 1}, {"a": "string"}).arguments == {
        "number": "id"
    }


def test_a_column_of_that_name_is_not_written_over() -> None:
    assert faults(COMPONENT, {"number": "a"}, {"a": "int64"}) == [("E407", ("number",), None, None)]


@pytest.mark.parametrize("workers", [1, 3])
def test_records_of_a_file_are_counted_behind_a_filter(tmp_path: Path, workers: int) -> None:
    """In the order of the file, however many splits are at work at once."""
    rows = 700_000
    (tmp_path / "in.csv").write_text("n\n" + "\n".join(map(str, range(rows))) + "\n")
    (tmp_path / "flow.yaml").write_text(
        "flowctl: 1\nsteps:\n  numbered:\n    source: {csv: in.csv, columns: {n: int64}}\n"
        "    transforms: [{filter: n % 7 = 3}, {number: id, from: 0}]\n"
        "    sink: {csv: out.csv}\n"
    )
    assert run(tmp_path / "flow.yaml", workers=workers).status == "succeeded"
    with (tmp_path / "out.csv").open(newline="") as file:
        found = [(int(row["n"]), int(row["id"])) for row in csv.DictReader(file)]
    assert found == [(n, place) for place, n in enumerate(range(3, rows, 7))]
