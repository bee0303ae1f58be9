from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.expressions.aggregates import AGGREGATES
from flowctl.expressions.polars_types import schema_of
from flowctl.expressions.sqltypes import sql_name
from flowctl.kinds.transforms.aggregate import COMPONENT
from flowctl.records import Integer
from flowctl.syntax.node import Json
from tests import duck
from tests.expressions.judge import same
from tests.kinds.gathering import SCARCE, cut, gathered, steady
from tests.kinds.transforming import faults, typed

TYPES = {
    "k": pl.String(),
    "j": pl.Int32(),
    "i": pl.Int64(),
    "s": pl.Int8(),
    "f": pl.Float64(),
    "g": pl.Float32(),
    "d": pl.Decimal(12, 2),
    "b": pl.Boolean(),
    "t": pl.String(),
    "day": pl.Date(),
}
ROW = st.fixed_dictionaries(
    {
        "k": st.sampled_from([None, "a", "b", "ü"]),
        "j": st.sampled_from([None, 0, 1]),
        "i": st.none() | st.integers(-(2**62), 2**62) | st.integers(-3, 3),
        "s": st.none() | st.integers(-128, 127),
        "f": st.none() | st.floats(-1e6, 1e6) | st.sampled_from([math.nan, -0.0]),
        "g": st.none() | st.floats(-1000, 1000, width=32),
        "d": st.none() | st.decimals(-(10**9), 10**9, places=2),
        "b": st.none() | st.booleans(),
        "t": st.sampled_from([None, "", "x", "Y", "zz"]),
        "day": st.none() | st.dates(),
    }
)
EXPRESSIONS = (
    "count(*)",
    "count(i)",
    "count(*) filter (where b)",
    "count(distinct t)",
    "count(distinct f) filter (where i > 0)",
    "sum(s)",
    "sum(f)",
    "sum(g)",
    "sum(d)",
    "sum(s) filter (where not b)",
    "sum(cast(s as integer) * 2) / count(*)",
    "avg(i)",
    "avg(f)",
    "avg(d)",
    "min(f)",
    "max(f)",
    "min(t)",
    "max(day)",
    "min(b)",
    "max(d)",
    "median(s)",
    "median(g)",
    "quantile_cont(i, 0.3)",
    "quantile_disc(t, 0.7)",
    "quantile(day, 0.25)",
    "stddev(s)",
    "stddev_pop(s)",
    "var_samp(f)",
    "var_pop(s)",
    "first(t)",
    "last(i)",
    "last(i) filter (where b)",
    "any_value(day)",
    "bool_and(b)",
    "bool_or(i > 0)",
    "count_if(b)",
    "list(s)",
    "list(t) filter (where b)",
    "string_agg(t, ', ')",
    "coalesce(max(i), 0) > count(*)",
    "upper(k) || string_agg(t, '-')",
    "case when count(*) > 2 then max(s) end",
)


def judged(frame: pl.DataFrame, expressions: list[str], by: list[str]) -> list[dict[str, object]]:
    """What DuckDB makes of it, with sums as wide as a column holds them."""
    connection = duck.connect()
    connection.register("rows", frame.to_arrow())
    answer = typed(COMPONENT, written(expressions, by), schema_of(frame))
    columns = [
        f"cast({text} as {sql_name(answer.schema[name].type)}) as {name}"
        if isinstance(answer.schema[name].type, Integer)
        else f"{text} as {name}"
        for name, text in named(expressions)
    ]
    keys = ", ".join(by)
    order = ", ".join(f"{key} nulls last" for key in by)
    query = f"select {', '.join([*by, *columns])} from rows"
    query += f" group by {keys} order by {order}" if by else ""
    found = connection.sql(query)
    rows: list[dict[str, object]] = found.to_arrow_table().to_pylist()
    return rows


def named(expressions: list[str]) -> list[tuple[str, str]]:
    return [(f"x{index}", text) for index, text in enumerate(expressions)]


def written(expressions: list[str], by: list[str]) -> dict[str, Json]:
    """The arguments as an author writes them."""
    columns: dict[str, Json] = dict(named(expressions))
    keys: list[Json] = list(by)
    return {"aggregate": columns, "by": keys} if by else {"aggregate": columns}


@settings(max_examples=80, deadline=None)
@given(
    st.lists(ROW, max_size=40),
    st.lists(st.sampled_from(EXPRESSIONS), min_size=1, max_size=4, unique=True),
    st.sampled_from([[], ["k"], ["k", "j"], ["j"]]),
    st.lists(st.integers(0, 9), max_size=12),
)
def test_groups_are_duckdbs(
    rows: list[dict[str, object]], expressions: list[str], by: list[str], sizes: list[int]
) -> None:
    frame = pl.DataFrame(rows, schema=TYPES)
    if "k" not in by:
        expressions = [text for text in expressions if "(k)" not in text] or ["count(*)"]
    out = steady(COMPONENT, written(expressions, by), cut(frame, sizes))
    expected = judged(frame, expressions, by)
    assert out.height == len(expected)
    for mine, theirs in zip(out.rows(named=True), expected, strict=True):
        assert list(mine) == list(theirs)
        for name, value in theirs.items():
            assert alike(mine[name], value), (name, expressions, mine, theirs)


def alike(mine: object, theirs: object) -> bool:
    if isinstance(mine, float) and isinstance(theirs, float):
        # Sums may lose digits to each other, in another order of addition.
        return same(mine, theirs, 1e-6) or math.isclose(mine, theirs, rel_tol=1e-6, abs_tol=1e-6)
    return same(mine, theirs)


@pytest.mark.parametrize("name", AGGREGATES)
def test_each_example_holds(name: str) -> None:
    text, _, value = AGGREGATES[name].function.example.partition(" → ")
    frame = pl.DataFrame({"x": [1, 2]})
    out = gathered(COMPONENT, {"aggregate": {"y": text}}, cut(frame, [1])).whole
    ((expected,),) = duck.connect().execute(f"select {value}").fetchall()
    assert alike(out["y"].to_list()[0], float(expected) if "." in value else expected)


def test_no_record_is_one_group_without_keys_and_none_with_them() -> None:
    frame = pl.DataFrame(schema=TYPES)
    measures = ["count(*)", "sum(i)", "list(t)", "max(f)"]
    out = gathered(COMPONENT, written(measures, []), [frame]).whole
    assert out.rows() == [(0, None, None, None)]
    assert gathered(COMPONENT, written(measures, ["k"]), [frame]).whole.is_empty()


def test_sums_of_floats_do_not_depend_on_threads_memory_or_interruptions(tmp_path: Path) -> None:
    program = """
import hashlib, random
import polars as pl
from flowctl.kinds.transforms.aggregate import COMPONENT
from tests.kinds.gathering import cut, gathered
r = random.Random(7)
frame = pl.DataFrame({
    "k": [r.randrange(400) for _ in range(36_000)],
    "x": [r.gauss(0, 1) * 10.0 ** r.randrange(-8, 9) for _ in range(36_000)],
}).with_columns(one=1)
for by in (["k"], ["one"], [], ["k", "one"]):
    for memory in (1 << 30, 1 << 18):
        measures = {"s": "sum(x)", "a": "avg(x)", "v": "stddev(x)"}
        arguments = {"aggregate": measures, **({"by": by} if by else {})}
        out = gathered(COMPONENT, arguments, cut(frame, [1000] * 32), memory).whole
        print(by, hashlib.md5(out.select("s", "a", "v").to_numpy().tobytes()).hexdigest())
"""
    said = []
    for threads in ("1", "3"):
        environment = {**os.environ, "POLARS_MAX_THREADS": threads}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        said.append(done.stdout)
    assert len(set(said)) == 1
    lines = said[0].splitlines()
    assert lines[::2] == lines[1::2]


def test_a_sum_that_does_not_fit_is_a_fault_of_the_result() -> None:
    from flowctl.expressions.scope import Scope
    from flowctl.operators import Blocking

    frame = pl.DataFrame({"k": [1, 1, 2], "i": [2**63 - 1, 1, 5]})
    answer = typed(COMPONENT, {"aggregate": {"n": "sum(i)"}, "by": ["k"]}, schema_of(frame))
    operator = COMPONENT.prepare(answer.arguments, schema_of(frame), Scope())
    assert isinstance(operator, Blocking) and operator.after and operator.before
    (hazard,) = operator.after.hazards
    gathering = operator.open(Path("unused"), SCARCE)
    gathering.take(operator.condense(operator.before.apply(frame.lazy()).collect()))
    (out,) = gathering.leave()
    assert hazard.pointer == ("aggregate", "n")
    first, second = hazard.examine(out)
    assert first is not None and second is None


def test_faults_of_a_value_count_only_where_the_filter_is_true() -> None:
    from flowctl.expressions.scope import Scope
    from flowctl.operators import Blocking

    frame = pl.DataFrame({"i": [0, 1, 2], "b": [False, True, None]})
    text = "list(10 // i) filter (where b)"
    answer = typed(COMPONENT, {"aggregate": {"n": text}}, schema_of(frame))
    operator = COMPONENT.prepare(answer.arguments, schema_of(frame), Scope())
    assert isinstance(operator, Blocking) and operator.before
    for hazard in operator.before.hazards:
        assert hazard.examine(frame).to_list() == [None, None, None]


@pytest.mark.parametrize(
    ("text", "nullable"),
    [
        ("count(*)", False),
        ("count(delay)", False),
        ("count(distinct dest) filter (where delay > 1)", False),
        ("count(*) + sum(delay)", True),
        ("nullif(count(*), 0)", True),
        ("count_if(delay > 1)", True),
        ("sum(delay)", True),
    ],
)
@pytest.mark.parametrize("by", [{}, {"by": ["dest"]}])
def test_a_count_is_never_null(by: dict[str, Json], text: str, nullable: bool) -> None:
    answer = typed(COMPONENT, {"aggregate": {"n": text}, **by}, COLUMNS)
    assert not answer.faults
    assert answer.schema["n"].nullable is nullable


COLUMNS = {"dest": "string", "delay": "int64?", "f": "float64", "big": "decimal(38,2)"}


@pytest.mark.parametrize(
    ("text", "code", "start", "end"),
    [
        ("delay", "E518", 0, 5),
        ("sum(delay) / delay", "E518", 13, 18),
        ("sum(dealy)", "E505", 4, 9),
        ("dset", "E505", 0, 4),
        ("sum(dest)", "E509", 4, 8),
        ("sum(big)", "E509", 0, 8),
        ("sum(max(delay))", "E503", 4, 7),
        ("corr(delay, f)", "E503", 0, 4),
        ("count(distinct *)", "E508", 0, 17),
        ("sum(distinct delay)", "E508", 0, 3),
        ("count(*) filter (where delay)", "E510", 23, 28),
        ("count(*) filter (delay > 1)", "E501", 17, 22),
        ("row_number() over (order by f)", "E503", 0, 17),
        ("quantile_disc(f, 2)", "E515", 17, 18),
        ("sum(delay, f)", "E508", 0, 13),
        ("max(dest) + 1", "E509", 0, 13),
        ("list(delay order by f)", "E501", 11, 16),
    ],
)
def test_what_is_wrong(text: str, code: str, start: int, end: int) -> None:
    found = faults(COMPONENT, {"aggregate": {"x": text}, "by": ["dest"]}, COLUMNS)
    assert found == [(code, ("aggregate", "x"), start, end)]


def test_what_is_wrong_with_keys() -> None:
    arguments: dict[str, Json] = {
        "aggregate": {"dest": "count(*)"},
        "by": ["dset", "dest", {"dest": "delay"}, {"half": "delay // 'a'"}, "lower(dest)"],
    }
    assert [fault[:2] for fault in faults(COMPONENT, arguments, COLUMNS)] == [
        ("E505", ("by", 0)),
        ("E407", ("by", 2, "dest")),
        ("E509", ("by", 3, "half")),
        ("E505", ("by", 4)),
        ("E407", ("aggregate", "dest")),
    ]


def test_canonical_arguments() -> None:
    arguments: dict[str, Json] = {
        "aggregate": {"n": "COUNT( * )FILTER(WHERE delay>1)", "m": "mean(delay)+Max( f )", "o": 1},
        "by": ["dest", {"half": "delay//2"}],
    }
    answer = typed(COMPONENT, arguments, COLUMNS)
    assert answer.arguments == {
        "aggregate": [
            ["n", "count(*) filter (where delay > 1)"],
            ["m", "avg(delay) + max(f)"],
            ["o", "1"],
        ],
        "by": ["dest", ["half", "delay // 2"]],
    }
    assert [f"{column.name} {column.type}" for column in answer.schema] == [
        "dest string",
        "half int64",
        "n int64",
        "m float64",
        "o int32",
    ]
