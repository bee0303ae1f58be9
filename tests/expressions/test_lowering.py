"""What a lowered expression promises beside its value: faults, suspects, reasons, its size."""

from __future__ import annotations

import polars as pl
import pytest

from flowctl.expressions import Scope, canonical, check, columns_used
from flowctl.expressions.lower import NotLowerable, lower
from flowctl.expressions.polars_types import from_polars, polars_type, schema_of
from flowctl.records import Schema, parse_type
from tests.expressions.rows import KINDS, ROWS

FRAME = pl.DataFrame({"a": [1, 2**62, None, 4], "b": [0, 4, 1, 2], "s": ["1", "x", None, "2.6"]})
SCOPE = Scope(columns=schema_of(FRAME))


def reasons(text: str) -> list[str | None]:
    tree = check(text, SCOPE).tree
    assert tree is not None
    reason = lower(tree).reason
    assert reason is not None
    return FRAME.with_columns(reason.alias("why"))["why"].to_list()


def test_a_reason_names_what_is_wrong() -> None:
    assert reasons("a // b") == ["division by zero in a // b", None, None, None]
    assert reasons("cast(s as integer)") == [None, "cannot read 'x' as int32", None, None]
    assert reasons("a * b")[1] == "overflow of int64 in a * b"
    assert reasons("cast(a as tinyint)")[1] == "4611686018427387904 is out of range for int8"


@pytest.mark.parametrize(
    "text", ["a > 1", "a / b", "a is null", "upper(s)", "s like 'x%'", "a = b"]
)
def test_what_cannot_fail_has_no_checks(text: str) -> None:
    tree = check(text, SCOPE).tree
    assert tree is not None
    lowered = lower(tree)
    assert lowered.fault is None
    assert lowered.suspect is None


def test_a_suspect_is_cheap() -> None:
    tree = check("a * b + 1", SCOPE).tree
    assert tree is not None
    suspect = lower(tree).suspect
    assert suspect is not None
    assert "i128" not in str(suspect).lower()


def test_an_unknown_type_cannot_be_lowered() -> None:
    tree = check("x + 1", Scope(columns=Schema(open=True))).tree
    assert tree is not None
    with pytest.raises(NotLowerable):
        lower(tree)


def test_nested_calendars_stay_small() -> None:
    text = "d"
    for _ in range(12):
        text = f"cast({text} + to_months(1) as date)"
    tree = check(text, Scope(columns=schema_of(ROWS))).tree
    assert tree is not None
    found = ROWS.select("d").with_columns(lower(tree).value.alias("v"))
    assert found["v"].dtype == pl.Date


def test_columns_used() -> None:
    tree = check("case when a > 1 then s else 'b' end", SCOPE).tree
    assert tree is not None
    assert columns_used(tree) == {"a", "s"}


@pytest.mark.parametrize("name", KINDS)
def test_types_go_to_polars_and_back(name: str) -> None:
    assert from_polars(polars_type(KINDS[name])) == KINDS[name]


def test_categories_are_text() -> None:
    kind = pl.Series(["a"], dtype=pl.Categorical).dtype
    assert from_polars(kind) == parse_type("string")[0]


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("((a))>15 AND  not (b=1) -- why", "a > 15 and not b = 1"),
        ("a - (b - 1)", "a - (b - 1)"),
        ("(a - b) - 1", "a - b - 1"),
        ("-(-5)", "5"),
        ("a in (1,2) or s LIKE 'x'", "a in (1, 2) or s like 'x'"),
        ("IF(a > 1, 'x', 'y')", "case when a > 1 then 'x' else 'y' end"),
        ("s::int", "cast(s as INTEGER)"),
        ("1.50 + .5", "1.50 + .5"),
        ("1e3", "1000.0e0"),
        ("date '2013-1-5'", "DATE '2013-01-05'"),
        ("interval 90 minutes", "INTERVAL '5400000000 microseconds'"),
    ],
)
def test_canonical(text: str, printed: str) -> None:
    tree = check(text, SCOPE).tree
    assert tree is not None
    assert canonical(tree) == printed
