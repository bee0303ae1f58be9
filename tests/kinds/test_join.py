"""`join`: judged by DuckDB, with the right side in memory and in files."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flowctl.interpreter import beside
from flowctl.interpreter.stream import StreamResult
from flowctl.kinds.transforms.join import COMPONENT
from flowctl.plan import Operation
from flowctl.records import Schema
from tests import duck
from tests.kinds.transforming import situation
from tests.streams.running import Folder, op

HOWS = ("inner", "left", "full", "semi", "anti")


def join(right: Operation, on: list[list[str]], how: str, **options: object) -> Operation:
    made = Operation("join", {"on": on, "how": how, **options})  # type: ignore[dict-item]
    return replace(made, inputs=(right,))


def sides(seed: int, left: int = 500, right: int = 200) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Keys that meet none, one or several, and nulls."""
    chance = random.Random(seed)

    def key() -> int | None:
        return None if chance.random() < 0.1 else chance.randrange(150)

    def text() -> str | None:
        return chance.choice(["a", "b", "", None])

    return (
        pl.DataFrame({"k": [key() for _ in range(left)], "t": [text() for _ in range(left)],
                      "n": range(left)}, schema={"k": pl.Int64, "t": pl.String, "n": pl.Int64}),
        pl.DataFrame({"id": [key() for _ in range(right)], "u": [text() for _ in range(right)],
                      "v": range(right)}, schema={"id": pl.Int64, "u": pl.String, "v": pl.Int64}),
    )  # fmt: skip


def judged(left: pl.DataFrame, right: pl.DataFrame, how: str) -> list[tuple[Any, ...]]:
    """What DuckDB makes of it, in the order that is promised."""
    on = "l.k = r.id and l.t = r.u"
    columns = {"full": "coalesce(l.k, r.id) as k, coalesce(l.t, r.u) as t, l.n, r.v"}.get(
        how, "l.k, l.t, l.n, r.v" if how in ("inner", "left") else "l.*"
    )
    order = "l.n nulls last, r.v" if how in ("inner", "left", "full") else "l.n"
    query = f"select {columns} from l {how} join r on {on} order by {order}"
    with duck.connect() as connection:
        return connection.register("l", left).register("r", right).execute(query).fetchall()


def joined(
    base: Path, left: pl.DataFrame, right: pl.DataFrame, how: str, **setting: int
) -> tuple[StreamResult, pl.DataFrame]:
    left.write_ndjson(base / "left.ndjson")
    right.write_parquet(base / "right.parquet", row_group_size=64)
    folder = Folder(base, split_bytes=4096, **setting)
    columns = [["k", "int64?"], ["t", "string?"], ["n", "int64"]]
    result = folder.run(
        op("ndjson", "left.ndjson", columns=columns),
        join(op("parquet", "right.parquet"), [["k", "id"], ["t", "u"]], how),
        sink=op("parquet", "out.parquet"),
    )
    assert result.status == "succeeded", result.faults
    return result, pl.read_parquet(base / "out.parquet")


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("seed", [1, 2])
def test_as_duckdb_has_it(how: str, seed: int, tmp_path: Path) -> None:
    left, right = sides(seed)
    result, out = joined(tmp_path, left, right, how)
    assert out.rows() == judged(left, right, how)
    assert result.counts.read == left.height + right.height
    assert result.counts.written == out.height


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(("left", "right"), [(300, 0), (0, 200), (0, 0), (1, 1)])
def test_sides_without_records(how: str, left: int, right: int, tmp_path: Path) -> None:
    mine, theirs = sides(3, left, right)
    _, out = joined(tmp_path, mine, theirs, how)
    assert out.rows() == judged(mine, theirs, how)


@pytest.mark.parametrize("how", HOWS)
def test_memory_changes_nothing(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = sides(4, 1200, 400)
    first, _ = joined(tmp_path, left, right, how)
    expected = (tmp_path / "out.parquet").read_bytes()
    monkeypatch.setattr(beside, "HELD_MOST", 1000)
    apart, _ = joined(tmp_path, left, right, how, memory=1, workers=1)
    assert (tmp_path / "out.parquet").read_bytes() == expected
    assert apart.counts == first.counts


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (pl.Series([1, 2, 3, None], dtype=pl.Int32), pl.Series([3.0, 2.5, 1.0, None])),
        (pl.Series([1, -1, 255], dtype=pl.Int16), pl.Series([255, 1, 7], dtype=pl.UInt64)),
        (pl.Series(["1.50", "2.00"]).cast(pl.Decimal(10, 2)), pl.Series([2, 3], dtype=pl.Int64)),
        (pl.Series([0.0, -0.0, float("nan")]), pl.Series([-0.0, float("nan"), 1.0])),
        (
            pl.Series(["2013-01-01", "2013-01-02"]).str.to_date(),
            pl.Series(["2013-01-02 00:00:00", "2013-01-01 00:00:01"]).str.to_datetime(),
        ),
        (pl.Series([b"a", b"b"]), pl.Series([b"b", b"c"])),
    ],
)
def test_keys_of_two_types(
    left: pl.Series, right: pl.Series, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = pl.DataFrame({"k": left, "n": range(len(left))})
    theirs = pl.DataFrame({"k": right, "v": range(len(right))})
    mine.write_parquet(tmp_path / "left.parquet")
    theirs.write_parquet(tmp_path / "right.parquet")
    query = "select l.*, r.v from l join r on l.k = r.k order by n, v"
    with duck.connect() as connection:
        expected = connection.register("l", mine).register("r", theirs).execute(query).fetchall()
    for most in (1 << 20, -1):
        monkeypatch.setattr(beside, "HELD_MOST", most)
        Folder(tmp_path).run(
            op("parquet", "left.parquet"),
            join(op("parquet", "right.parquet"), [["k", "k"]], "inner"),
            sink=op("parquet", "out.parquet"),
        )
        assert repr(pl.read_parquet(tmp_path / "out.parquet").rows()) == repr(expected)


@pytest.mark.parametrize("most", [1 << 20, -1])
def test_records_keep_their_places(
    most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault behind a join leads to the line of the left side, wherever the right side is."""
    monkeypatch.setattr(beside, "HELD_MOST", most)
    folder = Folder(tmp_path, split_bytes=1000)
    folder.write("a.csv", "k,n\n" + "".join(f"{n % 7},{n}\n" for n in range(900)))
    folder.write("b.csv", "k,v\n" + "".join(f"{n % 5},{n}\n" for n in range(10)))
    result = folder.run(
        op("csv", "a.csv"),
        op("filter", "n >= 3"),
        join(op("csv", "b.csv"), [["k", "k"]], "inner"),
        op("derive", [["line", "source_line()"], ["file", "source_file()"]]),
        op("validate", "not (n = 500 and v > 4)", "reject"),
        op("filter", "line = n + 2 and file = 'a.csv'"),
        sink=op("ndjson", "out.ndjson"),
        rejects=op("ndjson", "rejects.ndjson"),
    )
    assert result.status == "succeeded", result.faults
    counts = result.counts
    kept = [n for n in range(3, 900) if n % 7 < 5]
    assert counts.read == 910
    assert counts.written == 2 * len(kept) - 1
    assert counts.filtered == 3
    (reject,) = pl.read_ndjson(tmp_path / "rejects.ndjson").rows(named=True)
    assert (reject["file"], reject["line"], reject["record"]) == ("a.csv", 502, "3,500")


def test_faults_of_the_right_side(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("a.csv", "k\n1\n2\n")
    folder.write("b.csv", "k,v\n1,1\n2,x\n3,3\n")
    right = op("csv", "b.csv", columns=[["v", "int64"]])
    run = {"sink": op("csv", "out.csv"), "rejects": op("ndjson", "rejects.ndjson")}
    failed = folder.run(op("csv", "a.csv"), join(right, [["k", "k"]], "left"), **run)  # type: ignore[arg-type]
    (fault,) = failed.faults
    assert fault.pointer[:3] == ("transforms", 0, "join")
    assert "b.csv:3" in fault.message
    rejecting = replace(right, on_error="reject")
    result = folder.run(op("csv", "a.csv"), join(rejecting, [["k", "k"]], "left"), **run)  # type: ignore[arg-type]
    assert folder.read("out.csv") == "k,v\n1,1\n2,\n"
    assert (result.counts.read, result.counts.rejected, result.counts.absorbed) == (5, 1, 2)
    (reject,) = pl.read_ndjson(tmp_path / "rejects.ndjson").rows(named=True)
    assert (reject["file"], reject["line"]) == ("b.csv", 3)
    assert reject["transform"] == "transforms/0/join/csv"
    gone = folder.run(op("csv", "a.csv"), join(op("csv", "c.csv"), [["k", "k"]], "left"), **run)  # type: ignore[arg-type]
    assert gone.faults[0].pointer == ("transforms", 0, "join", "csv")


def test_columns_that_leave() -> None:
    left = Schema.of({"k": "int32", "a": "string", "b": "int64?"})
    right = Schema.of({"id": "int64", "a": "string", "v": "int64"})

    def leaving(how: str) -> list[str]:
        here = replace(situation(), inputs=(right,))
        answer = COMPONENT.rule({"on": {"k": "id"}, "suffix": "_2", "how": how}, left, here)
        assert not answer.faults
        assert COMPONENT.rule(answer.arguments, left, here) == answer
        assert answer.placeless == (how == "full")
        return [str(column) for column in answer.schema]

    own = ["k: int32", "a: string", "b: int64?"]
    assert leaving("inner") == [*own, "a_2: string", "v: int64"]
    assert leaving("left") == [*own, "a_2: string?", "v: int64?"]
    assert leaving("full") == ["k: int64", "a: string?", "b: int64?", "a_2: string?", "v: int64?"]
    assert leaving("semi") == leaving("anti") == own
