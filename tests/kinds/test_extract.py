from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.kinds.transforms.extract import COMPONENT
from tests.kinds.transforming import faults, transformed, typed

COLUMNS = {"line": "string?", "n": "int64"}
LOG = r"^(?P<ip>[0-9.]+) (?P<user>[a-z]+)?(?: (?P<rest>.*))?$"


def test_named_groups_become_columns() -> None:
    frame = pl.DataFrame({"line": ["1.2 bob rest of it", "1.2 "]})
    out = transformed(COMPONENT, {"extract": "line", "pattern": LOG}, frame)
    assert out.frame.select("ip", "user", "rest").rows() == [
        ("1.2", "bob", "rest of it"),
        ("1.2", None, None),
    ]


def test_no_match_is_a_fault() -> None:
    frame = pl.DataFrame({"line": ["1.2 bob", "nothing", None]})
    out = transformed(COMPONENT, {"extract": "line", "pattern": LOG}, frame)
    assert out.faults == {1: "`line` does not match the pattern", 2: "`line` is null"}


def test_a_match_of_optional_groups_alone_is_no_fault() -> None:
    frame = pl.DataFrame({"line": ["b", "ab"]})
    out = transformed(COMPONENT, {"extract": "line", "pattern": "^(?P<a>a)?b$"}, frame)
    assert not out.faults
    assert out.frame["a"].to_list() == [None, "a"]


def test_a_column_may_be_replaced_in_its_place() -> None:
    answer = typed(COMPONENT, {"extract": "line", "pattern": "(?P<line>.)(?<b>.)"}, COLUMNS)
    assert [str(column) for column in answer.schema] == ["line: string?", "n: int64", "b: string?"]


@pytest.mark.parametrize(
    ("pattern", "start", "end"),
    [
        (r"(?P<ip>\S+", 0, 1),
        (r"(?P<a>x)(?=y)", 8, 11),
        (r"(?P<a>x)\1", 8, 10),
        (r"é(?P<a>[z-a])", 8, 11),
        (r"(?P<a>x{2,1})", 7, 12),
        (r"(?P<a>\cA)", 6, 8),
    ],
)
def test_a_pattern_that_cannot_be_read(pattern: str, start: int, end: int) -> None:
    found = faults(COMPONENT, {"extract": "line", "pattern": pattern}, COLUMNS)
    assert found == [("E515", ("pattern",), start, end)]


def test_what_else_is_wrong() -> None:
    named = {"pattern": "(?P<a>.)"}
    assert faults(COMPONENT, {"extract": "lin", **named}, COLUMNS) == [
        ("E505", ("extract",), None, None)
    ]
    assert faults(COMPONENT, {"extract": "n", **named}, COLUMNS) == [
        ("E509", ("extract",), None, None)
    ]
    assert faults(COMPONENT, {"extract": "line", "pattern": "(.)"}, COLUMNS) == [
        ("E412", ("pattern",), None, None)
    ]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("ab1 -", max_size=6)))
def test_matches_as_python_does(lines: list[str]) -> None:
    pattern = "(?P<word>[ab]+)-?(?P<digit>1)?"
    frame = pl.DataFrame({"line": lines}, schema={"line": pl.String})
    out = transformed(COMPONENT, {"extract": "line", "pattern": pattern}, frame)
    found = [re.search(pattern, line) for line in lines]
    assert [index for index, match in enumerate(found) if match is None] == list(out.faults)
    groups = [(match["word"], match["digit"]) for match in found if match is not None]
    assert out.frame.select("word", "digit").rows() == groups
