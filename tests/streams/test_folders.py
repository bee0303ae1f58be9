"""A folder as a path: the files in it, and the columns that its folders' names tell."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from flowctl.component import Situation, Typed
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFiles
from flowctl.syntax.node import Json
from tests.streams.running import REGISTRY, Folder, op


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, split_bytes=100)


def typed(folder: Folder, kind: str, path: str, **options: Json) -> Typed:
    situation = Situation(Scope(), DataFiles(folder.base))
    return REGISTRY.sources[kind].rule({kind: path, **options}, situation)


def table(folder: Folder, kind: str, path: str, **options: Json) -> pl.DataFrame:
    result = folder.run(op(kind, path, **options), sink=op("parquet", "out.parquet"))
    assert result.status == "succeeded", result.faults
    return pl.read_parquet(folder.base / "out.parquet")


def fault(folder: Folder, kind: str, path: str, **options: Json) -> str:
    result = folder.run(op(kind, path, **options), sink=op("parquet", "out.parquet"))
    assert result.status == "failed"
    return result.faults[0].message


def test_a_folder_stands_for_the_files_of_the_format(folder: Folder) -> None:
    for name in ("in/b.csv", "in/a/z.CSV.gz", "in/c.txt", "in/.d.csv", "in/_e.csv", "in/f.csv.bak"):
        folder.write(name, "x\n1\n")
    (folder.base / "in/a/z.CSV.gz").unlink()
    pl.DataFrame({"x": [0]}).write_csv(folder.base / "in/a/z.CSV.gz", compression="gzip")
    assert table(folder, "csv", "in/")["x"].to_list() == [0, 1]
    assert typed(folder, "ndjson", "in").missing == ("no file matches `in`",)
    (folder.base / "in/a/z.CSV.gz").unlink()
    assert table(folder, "text", "in/")["line"].to_list() == ["x", "1", "x", "1", "x", "1"]


DATA = pl.DataFrame(
    {
        "n": range(60),
        "year": [2012 + n % 2 for n in range(60)],
        "town": [["São/Paulo", "Ulm", None, "a=b c%"][n % 4] for n in range(60)],
    }
)


@pytest.mark.parametrize("kind", ["csv", "parquet", "ndjson"])
def test_what_duckdb_partitions_comes_back(folder: Folder, kind: str) -> None:
    form = {"ndjson": "FORMAT json", "csv": "FORMAT csv", "parquet": "FORMAT parquet"}[kind]
    extension = f", FILE_EXTENSION '{kind}'"
    duckdb.sql(
        f"copy (select * from DATA) to '{folder.base}/in' "
        f"({form}, PARTITION_BY (year, town){extension})"
    )
    found = table(folder, kind, "in/")
    assert found.columns == ["n", "year", "town"]
    assert_frame_equal(found.sort("n"), DATA)
    assert [str(column) for column in typed(folder, kind, "in").observed][-2:] == [
        "year: int64?",
        "town: string?",
    ]


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_what_polars_partitions_comes_back(folder: Folder, kind: str) -> None:
    # Polars itself fails where one of the folders is that of null.
    for (year, town), part in DATA.drop_nulls().group_by("year", "town"):
        place = folder.base / f"in/year={year}/town={quote(str(town))}"
        place.mkdir(parents=True)
        part = part.drop("year", "town")
        part.write_parquet(place / "0.parquet")
        part.write_ipc(place / "0.arrow")
    found = table(folder, kind, "in").sort("n")
    judge = pl.scan_parquet(f"{folder.base}/in/**/*.parquet", hive_partitioning=True).collect()
    assert_frame_equal(found, judge.sort("n").select(found.columns))


def test_columns_of_folders_can_be_declared(folder: Folder) -> None:
    folder.write("in/day=2024-01-31/ok=true/no=007/a.csv", "a,b\n1,x\nz,y\n3,w\n")
    options: Json = {"day": "date", "no": "string", "ok": "boolean", "a": "int8"}
    answer = typed(folder, "csv", "in", columns=options)
    assert [str(column) for column in answer.schema] == [
        "a: int8",
        "b: string?",
        "day: date",
        "ok: boolean",
        "no: string",
    ]
    assert typed(folder, "csv", "in", columns=answer.arguments["columns"]) == answer
    result = folder.run(
        op("csv", "in", "skip", columns=options),
        op("filter", "ok and day > date '2024-01-01'"),
        op("derive", [["file", "source_file()"]]),
        sink=op("csv", "out.csv"),
    )
    assert (result.counts.written, result.counts.skipped) == (2, 1)
    assert folder.read("out.csv").splitlines()[1:] == [
        f"{a},{b},2024-01-31,true,007,in/day=2024-01-31/ok=true/no=007/a.csv"
        for a, b in ((1, "x"), (3, "w"))
    ]


def test_lines_of_text_get_the_columns_too(folder: Folder) -> None:
    folder.write("in/host=a/1.log", "x\n")
    folder.write("in/host=b/1.log", "y\n")
    assert table(folder, "text", "in").rows() == [("x", "a"), ("y", "b")]
    assert table(folder, "text", "in/host=a/").rows() == [("x",)]
    assert table(folder, "text", "in/*/*.log").rows() == [("x",), ("y",)]


@pytest.mark.parametrize(
    ("files", "columns", "message"),
    [
        (["y=1/a.csv", "b.csv"], {},
         "`in/y=1/a.csv` lies in folders of `y`, but `in/b.csv` in none"),
        (["y=1/m=2/a.csv", "y=2/a.csv"], {},
         "`in/y=1/m=2/a.csv` lies in folders of `y`, `m`, but `in/y=2/a.csv` in those of `y`"),
        (["x=1/a.csv"], {},
         "a column `x` stands in the files, and in the names of their folders too"),
        (["y=b/a.csv"], {"y": "int64"},
         "`in/y=b/a.csv`: the folder says `b` of `y`, which is int64"),
        (["y=__HIVE_DEFAULT_PARTITION__/a.csv"], {"y": "int64"},
         "`in/y=__HIVE_DEFAULT_PARTITION__/a.csv`: the folder says null of `y`, which is int64"),
    ],
)  # fmt: skip
def test_what_is_wrong(
    folder: Folder, files: list[str], columns: dict[str, Json], message: str
) -> None:
    for name in files:
        folder.write(f"in/{name}", "x\n1\n")
    assert fault(folder, "csv", "in", columns=columns) == message
