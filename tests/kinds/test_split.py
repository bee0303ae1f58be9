"""`split`: each record goes into the first branch that takes it, and no further."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flowctl.interpreter import beside
from flowctl.interpreter.stream import StreamResult
from flowctl.kinds.transforms.split import COMPONENT
from flowctl.plan import Branch, Check, OnError, Operation
from flowctl.syntax.node import Json
from tests import duck
from tests.kinds.transforming import faults, typed
from tests.streams.running import Folder, op

ROWS = 500
COLUMNS = {"n": "int64", "key": "string?", "x": "string"}


def split(
    on_error: OnError = "fail", **branches: tuple[str | None, list[Operation], list[Operation]]
) -> Operation:
    """A split as the plan has it: each branch with its `when`, transforms and sinks."""
    whens: list[Json] = [[name, when] for name, (when, _, _) in branches.items()]
    parts = (
        Branch(name, tuple(transforms), tuple(sinks))
        for name, (_, transforms, sinks) in branches.items()
    )
    return Operation("split", {"split": whens}, on_error, branches=tuple(parts))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path, split_bytes=600)
    chance = random.Random(7)
    lines = [f"{n},{chance.choice(['a', 'b', 'c', ''])},{n % 10}\n" for n in range(ROWS)]
    folder.write("in.csv", "n,key,x\n" + "".join(lines))
    return folder


SOURCE = op("csv", "in.csv", columns=[["n", "int64"], ["key", "string?"], ["x", "string"]])


def asked(folder: Folder, query: str) -> list[tuple[Any, ...]]:
    """What DuckDB says of the input, in which records are numbered."""
    types = "{'n': 'BIGINT', 'key': 'VARCHAR', 'x': 'VARCHAR'}"
    table = f"read_csv('{folder.base / 'in.csv'}', columns = {types}, header = true)"
    with duck.connect() as connection:
        return connection.execute(query.replace("INPUT", table)).fetchall()


def read(folder: Folder, name: str) -> list[tuple[Any, ...]]:
    return pl.read_parquet(folder.base / name).rows()


def test_what_the_plan_holds() -> None:
    whens = {"late": {"when": "n>3", "sink": {"csv": "a.csv"}}, "rest": {}}
    answer = typed(COMPONENT, {"split": whens}, COLUMNS)
    assert answer.arguments == {"split": [["late", "n > 3"], ["rest", None]]}
    assert answer.schema.names == ["n", "key", "x"]


@pytest.mark.parametrize(
    ("whens", "expected"),
    [
        ({"a": {"when": "m > 3"}}, [("E505", ("split", "a", "when"), 0, 1)]),
        ({"a": {"when": "n"}}, [("E510", ("split", "a", "when"), 0, 1)]),
        ({"a": {}, "b": {"when": "n > 1"}}, [("E470", ("split", "b"), None, None)]),
        ({"a": {}, "b": {}}, [("E470", ("split", "b"), None, None)]),
    ],
)
def test_what_is_wrong(whens: dict[str, object], expected: list[object]) -> None:
    assert faults(COMPONENT, {"split": whens}, COLUMNS) == expected


@pytest.mark.parametrize("workers", [1, 3])
def test_the_first_that_is_true(workers: int, folder: Folder) -> None:
    """Nulls are not true, and branches keep the order of the input; DuckDB is the judge."""
    result = replace(folder, workers=workers).run(
        SOURCE,
        split(
            a=("key = 'a'", [], [op("parquet", "a.parquet")]),
            big=("n >= 300 and key <> 'b'", [], [op("parquet", "big.parquet")]),
            rest=(None, [], [op("parquet", "rest.parquet"), op("csv", "rest.csv")]),
        ),
    )
    assert result.status == "succeeded", result.faults
    assert result.sinks == ("a.parquet", "big.parquet", "rest.parquet", "rest.csv")
    assert (result.counts.read, result.counts.written) == (ROWS, ROWS)
    way = "case when key = 'a' then 'a' when n >= 300 and key <> 'b' then 'big' else 'rest' end"
    for name in ("a", "big", "rest"):
        query = f"select n, key, x from INPUT where {way} = '{name}' order by n"
        assert read(folder, f"{name}.parquet") == asked(folder, query)
    assert len(folder.read("rest.csv").splitlines()) - 1 == len(read(folder, "rest.parquet"))


def test_what_no_branch_takes_is_filtered(folder: Folder) -> None:
    result = folder.run(SOURCE, split(a=("key = 'a'", [], [op("parquet", "a.parquet")])))
    ((count,),) = asked(folder, "select count(*) from INPUT where key = 'a'")
    assert (result.counts.written, result.counts.filtered) == (count, ROWS - count)


BRANCHES = split(
    sums=(
        "n % 2 = 0",
        [
            op("derive", [["half", "n // 2"]]),
            op("aggregate", [["rows", "count(*)"], ["sum", "sum(half)"]], by=[["key", "key"]]),
            op("sort", ["-rows", "key"]),
        ],
        [op("parquet", "sums.parquet")],
    ),
    few=(
        "n % 3 = 0",
        [op("filter", "n > 20"), op("limit", 30), op("sort", ["-n"])],
        [op("parquet", "few.parquet")],
    ),
    rest=(
        None,
        [op("dedupe", ["key", "x"], keep="last")],
        [op("parquet", "rest/", partition_by=["x"]), op("csv", "rest.csv")],
    ),
)


def bytes_of(folder: Folder, *names: str) -> dict[str, bytes]:
    paths = [path for name in names for path in sorted(folder.base.glob(name))]
    return {str(path.relative_to(folder.base)): path.read_bytes() for path in paths}


def test_transforms_of_every_sort_in_branches(folder: Folder) -> None:
    result = folder.run(SOURCE, op("filter", "n <> 7"), BRANCHES)
    assert result.status == "succeeded", result.faults
    sums = """select key, count(*), sum(n // 2) from INPUT where n % 2 = 0 and n <> 7
        group by key order by count(*) desc, key nulls last"""
    assert read(folder, "sums.parquet") == asked(folder, sums)
    few = """select n, key, x from (select * from INPUT where n % 2 = 1 and n % 3 = 0 and n > 20
        order by n limit 30) order by n desc"""
    assert read(folder, "few.parquet") == asked(folder, few)
    rest = """select n, key, x from INPUT where n % 2 = 1 and n % 3 > 0 and n <> 7
        qualify row_number() over (partition by key, x order by n desc) = 1 order by n"""
    expected = asked(folder, rest)
    found = pl.read_csv(folder.base / "rest.csv", schema_overrides={"x": pl.String})
    assert [*found.rows()] == expected
    parts = pl.read_parquet(folder.base / "rest/*/*.parquet", hive_partitioning=True)
    assert sorted(parts["n"]) == [n for n, _, _ in expected]


@pytest.mark.parametrize(("workers", "memory"), [(1, 1 << 32), (4, 1 << 32), (2, 1)])
def test_neither_workers_nor_memory_change_it(workers: int, memory: int, folder: Folder) -> None:
    outputs = ("*.parquet", "rest.csv", "rest/*/*")
    first = folder.run(SOURCE, BRANCHES)
    before = bytes_of(folder, *outputs)
    assert len(before) > 3
    second = replace(folder, workers=workers, memory=memory).run(SOURCE, BRANCHES)
    assert (first.counts, first.status) == (second.counts, "succeeded")
    assert bytes_of(folder, *outputs) == before


def test_reading_ends_where_all_branches_have_enough(folder: Folder) -> None:
    few = [op("limit", 5)]
    result = folder.run(
        SOURCE,
        split(
            even=("n % 2 = 0", few, [op("parquet", "even.parquet")]),
            odd=(None, few, [op("parquet", "odd.parquet")]),
        ),
    )
    assert result.counts.written == 10
    assert result.counts.read < ROWS
    assert [n for n, _, _ in read(folder, "odd.parquet")] == [1, 3, 5, 7, 9]


@pytest.mark.parametrize("most", [1 << 20, -1])
def test_other_sources_in_branches(
    most: int, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their records come into that branch alone, be they in memory or in files."""
    monkeypatch.setattr(beside, "HELD_MOST", most)
    folder.write("names.csv", "key,name\na,Anna\nb,Bob\nb,Ben\n")
    folder.write("more.csv", "n,key,x\n" + "".join(f"{n},z,0\n" for n in range(1000, 1100)))
    types = [["n", "int64"], ["key", "string?"], ["x", "string"]]
    join = Operation("join", {"on": [["key", "key"]]}, inputs=(op("csv", "names.csv"),))
    union = Operation("union", {}, inputs=(op("csv", "more.csv", columns=types),))
    faulty = op("derive", [["inverse", "1 // (n - 499)"]], "reject")
    result = folder.run(
        SOURCE,
        op("filter", "n >= 400"),
        union,
        split(
            named=("key in ('a', 'b')", [join, faulty], [op("parquet", "named.parquet")]),
            rest=(None, [union, op("limit", 150)], [op("parquet", "rest.parquet")]),
        ),
        rejects=op("ndjson", "rejects.ndjson"),
    )
    assert result.status == "succeeded", result.faults
    found = read(folder, "named.parquet")
    names = {"a": ["Anna"], "b": ["Bob", "Ben"]}
    kept = asked(folder, "select n, key from INPUT where n >= 400 and key in ('a', 'b') order by n")
    expected = [(n, key, name) for n, key in kept for name in names[key]]
    assert [(n, key, name) for n, key, _, name, _ in found] == [e for e in expected if e[0] != 499]
    rejects = [json.loads(line) for line in folder.read("rejects.ndjson").splitlines()]
    assert len(rejects) == sum(n == 499 for n, _, _ in expected)
    assert all((one["file"], one["line"]) == ("in.csv", 501) for one in rejects)
    others = [n for n, _, _ in read(folder, "rest.parquet")]
    rest = asked(folder, "select n from INPUT where n >= 400 and key not in ('a', 'b') order by n")
    nulls = asked(folder, "select n from INPUT where n >= 400 and key is null")
    own = sorted([n for (n,) in (*rest, *nulls)])
    assert others == [*own, *range(1000, 1100), *range(1000, 1100)][:150]


def _rejects(folder: Folder) -> list[tuple[object, ...]]:
    names = ("line", "transform", "rule", "record")
    lines = map(json.loads, folder.read("rejects.ndjson").splitlines())
    return [tuple(line[name] for name in names) for line in lines]


def test_faults_lead_to_their_branch(folder: Folder) -> None:
    """A `when` is not computed for a record that a branch before has taken."""
    folder.write("in.csv", "n,key,x\n1,a,x\n2,b,7\n3,b,y\n4,b,0\n5,,3\n6,b,50\n")
    result = folder.run(
        SOURCE,
        split(
            "reject",
            a=("key = 'a'", [], [op("csv", "a.csv")]),
            big=("cast(x as int64) > 5", [op("derive", [["y", "1 // (n - 6)"]], "reject")], []),
            rest=(None, [op("filter", "10 // cast(x as int64) > 0", "reject")], []),
        ),
        rejects=op("ndjson", "rejects.ndjson"),
    )
    assert result.status == "succeeded", result.faults
    counts = result.counts
    assert (counts.read, counts.written, counts.rejected, counts.filtered) == (6, 3, 3, 0)
    assert _rejects(folder) == [
        (4, "transforms/0/split", "split", "3,b,y"),
        (5, "transforms/0/split/rest/transforms/0/filter", "filter", "4,b,0"),
        (7, "transforms/0/split/big/transforms/0/derive", "derive", "6,b,50"),
    ]
    assert folder.read("a.csv") == "n,key,x\n1,a,x\n"


def test_the_first_record_at_fault_ends_the_step(folder: Folder) -> None:
    """Though its branch comes last, and a limit stands before the split."""
    folder.write("in.csv", "n,key,x\n" + "".join(f"{n},a,{n % 50}\n" for n in range(200)))
    result = folder.run(
        SOURCE,
        op("limit", 150),
        split(
            few=("n > 60", [op("derive", [["y", "1 // cast(x as int64)"]])], []),
            rest=(None, [op("derive", [["y", "1 // (n - 49)"]])], [op("csv", "a.csv")]),
        ),
    )
    assert result.status == "failed"
    (fault,) = result.faults
    assert fault.message.startswith("in.csv:51: ")
    assert fault.pointer == (*("transforms", 1, "split", "rest", "transforms", 0, "derive", "y"),)
    assert not (folder.base / "a.csv").exists()


def test_places_behind_what_multiplies(folder: Folder) -> None:
    lines = [json.dumps({"n": n, "tags": ["a", "b", "a"][: n % 4]}) for n in range(40)]
    folder.write("in.ndjson", "\n".join(lines))
    result = folder.run(
        op("ndjson", "in.ndjson"),
        op("explode", "tags"),
        split(
            a=("tags = 'a'", [op("derive", [["y", "1 // (n - 7)"]], "reject")], []),
            rest=(None, [], [op("csv", "b.csv")]),
        ),
        rejects=op("ndjson", "rejects.ndjson"),
    )
    assert result.status == "succeeded", result.faults
    at = (8, "transforms/1/split/a/transforms/0/derive", "derive", lines[7])
    assert _rejects(folder) == [at, at]


def test_branches_of_branches(folder: Folder) -> None:
    inner = split(
        a=("key = 'a'", [op("sort", ["-n"])], [op("parquet", "small-a.parquet")]),
        b=("key = 'b'", [op("limit", 3)], [op("parquet", "small-b.parquet")]),
    )
    result = folder.run(
        SOURCE,
        op("sort", ["x"]),
        split(
            big=("n >= 250", [], [op("parquet", "big.parquet")]),
            small=(None, [op("derive", [["y", "n + 1"]]), inner], []),
        ),
    )
    assert result.status == "succeeded", result.faults
    assert result.sinks == ("big.parquet", "small-a.parquet", "small-b.parquet")
    big = "select n, key, x from INPUT where n >= 250 order by x, n"
    assert read(folder, "big.parquet") == asked(folder, big)
    a = "select n, key, x, n + 1 from INPUT where n < 250 and key = 'a' order by n desc"
    assert read(folder, "small-a.parquet") == asked(folder, a)
    b = "select n, key, x, n + 1 from INPUT where n < 250 and key = 'b' order by x, n limit 3"
    assert read(folder, "small-b.parquet") == asked(folder, b)


def _checked(folder: Folder, check: Check) -> StreamResult:
    return folder.run(
        SOURCE,
        split(
            a=("key = 'a'", [op("sort", ["-n"]), op("select", ["x", "n"])], [op("csv", "a.csv")]),
            b=("key = 'b'", [op("derive", [["x", "1"]])], [op("csv", "b/", partition_by=["x"])]),
            c=("key = 'c'", [], [op("csv", "c.csv")]),
        ),
        check=check,
    )


def test_a_check_sees_all_that_is_written(folder: Folder) -> None:
    ((count,),) = asked(folder, "select count(*) from INPUT where key in ('a', 'b', 'c')")
    assert (
        _checked(folder, Check(f"= {count}", unique=("n",), where="n >= 0")).status == "succeeded"
    )
    before = bytes_of(folder, "*.csv", "b/*/*")
    result = _checked(folder, Check("> 999", where="n < 490"))
    assert result.status == "failed"
    ((late,),) = asked(folder, "select count(*) from INPUT where key in ('a','b','c') and n >= 490")
    rows, where = (fault.message for fault in result.faults)
    assert rows.endswith(f"{count} records written, but `> 999` is demanded")
    assert f"{late} of {count} records do not satisfy" in where
    assert bytes_of(folder, "*.csv", "b/*/*") == before


def test_a_check_knows_only_what_all_branches_have(folder: Folder) -> None:
    """`x` has another type in one of the branches, and `key` is not in each."""
    result = _checked(folder, Check(unique=("x",), not_null=("key",)))
    assert [fault.code.id for fault in result.faults] == ["E505", "E505"]


def test_nothing_is_published_where_a_branch_fails(folder: Folder) -> None:
    folder.write("old.csv", "as it was")
    result = folder.run(
        SOURCE,
        split(
            a=("n < 10", [], [op("csv", "old.csv")]),
            rest=(None, [op("filter", "1 // (n - 499) = 0")], [op("csv", "new.csv", mode="error")]),
        ),
    )
    assert result.status == "failed"
    assert folder.read("old.csv") == "as it was"
    assert not (folder.base / "new.csv").exists()


def test_branches_without_a_record(folder: Folder) -> None:
    """Their files are there all the same, with their columns."""
    sort = [op("sort", ["n"])]
    folder.run(
        SOURCE,
        split(
            none=("n < 0", sort, [op("csv", "none.csv")]),
            no=("n < 0", [], [op("parquet", "no.parquet")]),
            all=(None, [], [op("csv", "all.csv")]),
        ),
    )
    assert folder.read("none.csv") == "n,key,x\n"
    assert pl.read_parquet(folder.base / "no.parquet").columns == ["n", "key", "x"]
    assert len(folder.read("all.csv").splitlines()) == ROWS + 1
