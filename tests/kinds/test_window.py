from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.kinds.transforms.window import COMPONENT
from flowctl.syntax.node import Json
from tests import duck
from tests.kinds.gathering import cut, gathered, steady
from tests.kinds.transforming import faults, typed

TYPES: dict[str, Any] = {
    "k": pl.String,
    "t": pl.Int64,
    "i": pl.Int32,
    "x": pl.Float64,
    "d": pl.Decimal(12, 2),
    "s": pl.String,
    "day": pl.Date,
    "b": pl.Boolean,
}
LARGE = [None, 0, 1, -5, 2**31 - 1, -(2**31)]
FLOATS = [None, 0.5, -1.25, 3.0, 1e6, math.nan, math.inf]
ROW = st.tuples(
    st.sampled_from([None, "a", "b"]),
    st.sampled_from([None, 1, 2, 3, 4]),
    st.sampled_from(LARGE),
    st.sampled_from(FLOATS),
    st.sampled_from([None, Decimal("1.25"), Decimal("-99999999.99")]),
    st.sampled_from([None, "", "z", "é", "ab"]),
    st.sampled_from([None, date(2013, 1, 1), date(1600, 2, 29)]),
    st.sampled_from([None, True, False]),
)
ROWS = st.lists(ROW, min_size=1, max_size=40)

# By place: ties come in input order. By value: equal records are one.
PLACED = {
    "a": "row_number()",
    "b": "lag(x)",
    "c": "lag(s, 2, 'none')",
    "d": "lead(d, 3)",
    "e": "lead(day, 1, day)",
    "f": "lag(i, -1)",
    "g": "lag(i, 0)",
}
VALUED = {
    "a": "rank()",
    "b": "dense_rank()",
    "c": "count(*)",
    "d": "count(x)",
    "e": "sum(i)",
    "f": "sum(d)",
    "g": "avg(i)",
    "h": "min(s)",
    "i": "max(x)",
    "j": "min(x)",
    "k": "max(day)",
    "l": "sum(x)",
    "m": "bool_or(b)",
    "n": "count(*) filter (where b)",
    "o": "sum(i) filter (where x > 0)",
}
FRAMED = {
    **{name: text for name, text in VALUED.items() if name not in "ab"},
    "p": "first_value(s)",
    "q": "last_value(i)",
}


def framed(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=TYPES, orient="row").with_row_index("place")


def judged(frame: pl.DataFrame, columns: dict[str, str], window: str) -> list[tuple[Any, ...]]:
    shown = ", ".join(f"{_over(text)} as {name}" for name, text in columns.items())
    query = f"select {shown} from rows window w as ({window}) order by place"
    with duck.connect() as connection:
        connection.register("rows", frame.to_arrow())
        return connection.execute(query).fetchall()


def _over(text: str) -> str:
    return f"{text} over w"


def alike(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> None:
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        assert tuple(map(_shown, mine)) == tuple(map(_shown, theirs))


def _shown(value: object) -> object:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else float(f"{value + 0.0:.12g}")
    return value


def computed(
    frame: pl.DataFrame, columns: dict[str, str], sizes: list[int], **options: Json
) -> list[tuple[Any, ...]]:
    arguments: dict[str, Json] = {"window": {f"w_{n}": text for n, text in columns.items()}}
    out = steady(COMPONENT, {**arguments, **options}, cut(frame, sizes))
    assert out.select(frame.columns).equals(frame, null_equal=True)
    return out.select(f"w_{name}" for name in columns).rows()


SIZES = st.lists(st.integers(0, 15), max_size=4)


@settings(max_examples=15, deadline=None)
@given(ROWS, SIZES, st.sampled_from([[], ["k"], ["k", "b"]]), st.booleans())
def test_places_are_duckdbs(
    rows: list[tuple[Any, ...]], sizes: list[int], by: list[str], ordered: bool
) -> None:
    frame = framed(rows)
    options: dict[str, Json] = {"by": list(by)} if by else {}
    options |= {"order": ["-t", "s"]} if ordered else {}
    partition = f"partition by {', '.join(by)}" if by else ""
    order = "t desc nulls last, s nulls last, place" if ordered else "place"
    found = computed(frame, PLACED, sizes, **options)
    alike(found, judged(frame, PLACED, f"{partition} order by {order}"))


@settings(max_examples=15, deadline=None)
@given(ROWS, SIZES, st.booleans(), st.sampled_from(["", "t", "-t", "x"]))
def test_what_is_seen_up_to_the_last_equal_record_is_duckdbs(
    rows: list[tuple[Any, ...]], sizes: list[int], by: bool, order: str
) -> None:
    frame = framed(rows)
    options: dict[str, Json] = {"by": ["k"]} if by else {}
    options |= {"order": [order]} if order else {}
    window = "partition by k" if by else ""
    if order:
        window += f" order by {order[-1]} {'desc' if order[0] == '-' else 'asc'} nulls last"
    alike(computed(frame, VALUED, sizes, **options), judged(frame, VALUED, window))


FRAMES = st.one_of(
    st.integers(1, 9),
    st.tuples(st.none(), st.none()),
    st.tuples(st.none(), st.integers(-4, 4)),
    st.tuples(st.integers(-6, 6), st.integers(0, 9)).map(lambda t: (t[0], t[0] + t[1])),
)


@settings(max_examples=20, deadline=None)
@given(ROWS, SIZES, FRAMES)
def test_frames_of_rows_are_duckdbs(
    rows: list[tuple[Any, ...]], sizes: list[int], frame_rows: Any
) -> None:
    frame = framed(rows)
    first, last = (1 - frame_rows, 0) if isinstance(frame_rows, int) else frame_rows
    window = (
        "partition by k order by t nulls last, place"
        f" rows between {_bound(first, 'preceding')} and {_bound(last, 'following')}"
    )
    given_rows: Json = frame_rows if isinstance(frame_rows, int) else list(frame_rows)
    found = computed(frame, FRAMED, sizes, by=["k"], order=["t"], rows=given_rows)
    alike(found, judged(frame, FRAMED, window))


def _bound(number: int | None, side: str) -> str:
    if number is None:
        return f"unbounded {side}"
    return f"{-number} preceding" if number < 0 else f"{number} following"


def test_expressions_around_and_inside() -> None:
    frame = pl.DataFrame({"t": [1, 2, 3], "x": [10, 20, 40]})
    arguments: dict[str, Json] = {
        "window": {"x": "x - lag(x * 2, 1, 0)", "share": "sum(x) / 2 + count(*)", "c": "7"},
        "order": ["-t"],
    }
    out = steady(COMPONENT, arguments, [frame[:1], frame[1:]])
    assert out.columns == ["t", "x", "share", "c"]
    assert out.rows() == [(1, -30, 38.0, 7), (2, -60, 32.0, 7), (3, 40, 21.0, 7)]


def test_a_partition_much_larger_than_memory() -> None:
    frame = pl.DataFrame({"i": range(20_000)}).with_columns(
        x=(pl.col("i") * 7919 % 1013) / 7.0, k=pl.col("i") % 2
    )
    columns = {"n": "row_number()", "s": "sum(x)", "m": "avg(x) filter (where i > 5)"}
    arguments: dict[str, Json] = {"window": dict(columns), "by": ["k"], "order": ["x"]}
    splits = cut(frame, [2000] * 9)
    plenty = gathered(COMPONENT, arguments, splits)
    scarce = gathered(COMPONENT, arguments, splits, 1 << 17, resumed=[4, 9])
    assert [repr(one.rows()) for one in plenty.frames] == [
        repr(one.rows()) for one in scarce.frames
    ]
    window = "partition by k order by x"
    expected = judged(frame.with_row_index("place"), {"s": "sum(x)"}, window)
    alike(plenty.whole.select("s").rows(), expected)


def test_a_sum_that_does_not_fit_is_a_fault_of_the_record() -> None:
    from pathlib import Path

    from flowctl.expressions.polars_types import schema_of
    from flowctl.expressions.scope import Scope
    from flowctl.operators import Blocking

    frame = pl.DataFrame({"i": [2**63 - 1, 1]})
    arguments: dict[str, Json] = {"window": {"s": "sum(i)"}, "rows": 2}
    answer = typed(COMPONENT, arguments, schema_of(frame))
    operator = COMPONENT.prepare(answer.arguments, schema_of(frame), Scope())
    assert isinstance(operator, Blocking) and operator.before and operator.after
    gathering = operator.open(Path("unused"), 1 << 30)
    gathering.take(operator.condense(operator.before.apply(frame.lazy()).collect()))
    (out,) = gathering.leave()
    (hazard,) = operator.after.hazards
    fine, wrong = hazard.examine(out)
    assert fine is None and wrong is not None and hazard.pointer == ("window", "s")


COLUMNS = {"k": "string", "t": "date", "x": "int64?", "f": "float64"}


@pytest.mark.parametrize(
    ("text", "code", "start", "end"),
    [
        ("lag(y)", "E505", 4, 5),
        ("lag(x, f)", "E509", 7, 8),
        ("lag(x, x)", "E515", 7, 8),
        ("lag(x, 9999999)", "E515", 7, 14),
        ("lag(x, 1, 'a')", "E509", 0, 14),
        ("sum(k)", "E509", 4, 5),
        ("sum(lag(x))", "E503", 4, 7),
        ("ntile(4)", "E503", 0, 5),
        ("median(x)", "E503", 0, 6),
        ("row_number() over (order by t)", "E501", 0, 17),
        ("row_number(x)", "E508", 0, 13),
        ("sum(distinct x)", "E508", 0, 3),
        ("lag(x) filter (where f > 1)", "E508", 21, 26),
        ("count(*) filter (where x)", "E510", 23, 24),
        ("rank() + k", "E509", 0, 10),
    ],
)
def test_what_is_wrong(text: str, code: str, start: int, end: int) -> None:
    found = faults(COMPONENT, {"window": {"n": text}}, COLUMNS)
    assert found == [(code, ("window", "n"), start, end)]


def test_what_is_wrong_with_the_window() -> None:
    arguments: dict[str, Json] = {
        "window": {"n": "rank()"},
        "by": ["kk"],
        "order": ["-tt", "x", "-x"],
    }
    places = [fault[:2] for fault in faults(COMPONENT, arguments, COLUMNS)]
    assert places == [("E505", ("by", 0)), ("E505", ("order", 0)), ("E407", ("order", 2))]
    wrong: list[Json] = [[2, -1], [0, None]]
    for rows in wrong:
        found = faults(COMPONENT, {"window": {"n": "count(*)"}, "rows": rows}, COLUMNS)
        assert [fault[:2] for fault in found] == [("E431", ("rows",))]


def test_canonical_arguments() -> None:
    arguments: dict[str, Json] = {
        "window": {"x": "SUM( x )-Lag( x,2 )", "n": "count(*)FILTER(where x>1)"},
        "order": ["-t"],
        "rows": 7,
    }
    answer = typed(COMPONENT, arguments, COLUMNS)
    assert answer.arguments == {
        "window": [["x", "sum(x) - lag(x, 2)"], ["n", "count(*) filter (where x > 1)"]],
        "order": ["-t"],
        "rows": [-6, 0],
    }
    shown = [f"{column.name} {column.type}" for column in answer.schema]
    assert shown == ["k string", "t date", "x int64", "f float64", "n int64"]


def test_dates_in_a_long_series() -> None:
    days = [date(2020, 1, 1) + timedelta(days=n * 7 % 400) for n in range(400)]
    frame = pl.DataFrame({"t": days, "x": [float(n) for n in range(400)]}).with_row_index("place")
    found = computed(frame, {"a": "avg(x)", "m": "max(x)"}, [37] * 9, order=["t"], rows=28)
    window = "order by t, place rows between 27 preceding and current row"
    alike(found, judged(frame, {"a": "avg(x)", "m": "max(x)"}, window))
