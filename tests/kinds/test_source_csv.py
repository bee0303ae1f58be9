"""`source: {csv}`: types, headers, quotes, encodings and faults."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from flowctl.component import Situation, Typed
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFiles
from flowctl.kinds.sources.csv import COMPONENT
from flowctl.records import Schema
from flowctl.syntax.node import Json
from tests.streams.running import Folder, op

STRAY = 'a quote stands where none may; `quote: ""` reads quotes as text'


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def typed(folder: Folder, argument: Json, **options: Json) -> Typed:
    return COMPONENT.rule({"csv": argument, **options}, Situation(Scope(), DataFiles(folder.base)))


def table(folder: Folder, argument: Json, **options: Json) -> pl.DataFrame:
    result = folder.run(op("csv", argument, **options), sink=op("parquet", "out.parquet"))
    assert result.status == "succeeded", result.faults
    return pl.read_parquet(folder.base / "out.parquet")


def fault(folder: Folder, argument: Json, **options: Json) -> str:
    result = folder.run(op("csv", argument, **options), sink=op("csv", "out.csv"))
    assert result.status == "failed"
    assert not (folder.base / "out.csv").exists()
    return result.faults[0].message


def test_types_come_from_a_sample(folder: Folder) -> None:
    header = "i,f,b,d,t,z,c,s,zip,big,none\n"
    row = "1,2.5,true,2024-01-31,2024-01-31 12:00,2024-01-31T12:00:00Z,12:30,"
    row += "x,007,12345678901234567890,\n"
    folder.write("in.csv", header + row * 3)
    assert str(typed(folder, "in.csv").schema["z"]) == "z: datetime(UTC)?"
    kinds = [str(column.type) for column in typed(folder, "in.csv").schema]
    assert kinds == [
        "int64", "float64", "boolean", "date", "datetime", "datetime(UTC)", "time", "string",
        "string", "string", "null",
    ]  # fmt: skip
    assert typed(folder, "in.csv").observed == typed(folder, "in.csv").schema


def test_the_middle_and_the_end_are_sampled_too(folder: Folder) -> None:
    rows = ["1,1"] * 60_000
    rows[30_000], rows[-1] = "1.5,1", "1,x"
    folder.write("in.csv", "a,b\n" + "\n".join(rows))
    assert [str(column.type) for column in typed(folder, "in.csv").schema] == ["float64", "string"]


def test_declared_types_win_and_stay_in_the_plan(folder: Folder) -> None:
    folder.write("in.csv", "a,b\n1,2\n")
    answer = typed(folder, "in.csv", columns={"b": "string"})
    assert str(answer.schema) == str(Schema.of({"a": "int64?", "b": "string"}))
    assert answer.observed.names == ["a"]
    assert answer.arguments == {"csv": "in.csv", "columns": [["b", "string"]]}
    again = COMPONENT.rule(answer.arguments, Situation(Scope(), DataFiles(folder.base)))
    assert again.arguments == answer.arguments


def test_defaults_are_left_out_of_the_plan(folder: Folder) -> None:
    answer = typed(folder, "in.csv", delimiter=",", quote='"', header=True, skip=0, null_values=[])
    assert answer.arguments == {"csv": "in.csv"}
    assert answer.missing == ("no file matches `in.csv`",)
    assert answer.schema.open


@pytest.mark.parametrize(
    ("options", "pointer", "message"),
    [
        ({"columns": {"b": "int65"}}, ("columns", "b"), "unknown type `int65`"),
        (
            {"columns": {"b": "list<int8>"}},
            ("columns", "b"),
            "a CSV file has no values of type `list<int8>`",
        ),
        (
            {"columns": {"c": "int8"}},
            ("columns", "c"),
            "the file has no column `c`; its columns are `a`, `b`",
        ),
        ({"delimiter": "::"}, ("delimiter",), "the delimiter must be one ASCII character"),
        ({"quote": "''"}, ("quote",), "the quote must be one ASCII character, or empty for none"),
        ({"quote": ","}, ("quote",), "the quote is the delimiter too"),
        ({"encoding": "utf-9"}, ("encoding",), "unknown encoding `utf-9`"),
    ],
)
def test_faults_of_arguments(
    folder: Folder, options: dict[str, Json], pointer: tuple[str, ...], message: str
) -> None:
    folder.write("in.csv", "a,b\n1,2\n")
    (found,) = typed(folder, "in.csv", **options).faults
    assert (found.pointer, found.message) == (pointer, message)


def test_an_empty_field_is_null_and_a_quoted_one_is_empty(folder: Folder) -> None:
    folder.write("in.csv", 'a,b,n\n,"",\n"",,1\nNA,"NA",NA\n')
    options: dict[str, Json] = {"columns": {"n": "int64?"}, "null_values": ["NA"]}
    assert table(folder, "in.csv", **options).rows() == [
        (None, "", None),
        ("", None, 1),
        (None, None, None),
    ]


def test_delimiter_quote_skip_and_no_header(folder: Folder) -> None:
    folder.write("in.csv", "# made by hand\n1;'a;b'\n2;'it''s'\n")
    options: dict[str, Json] = {"delimiter": ";", "quote": "'", "skip": 1, "header": False}
    assert table(folder, "in.csv", **options).to_dict(as_series=False) == {
        "column0": [1, 2],
        "column1": ["a;b", "it's"],
    }
    options["columns"] = {"n": "int8", "s": "string"}
    assert table(folder, "in.csv", **options).columns == ["n", "s"]


def test_quotes_are_text_where_there_is_no_quote(folder: Folder) -> None:
    folder.write("in.csv", 'a,b\n5" pipe,"x\n')
    assert table(folder, "in.csv", quote="").rows() == [('5" pipe', '"x')]


@pytest.mark.parametrize(
    "text", ["a,b\r\n1,x\r\n2,y\r\n", "\ufeffa,b\n1,x\n2,y", "a,b\n\n1,x\n\n2,y\n\n"]
)
def test_line_ends_marks_and_blank_lines(folder: Folder, text: str) -> None:
    folder.write("in.csv", text)
    assert table(folder, "in.csv").rows() == [(1, "x"), (2, "y")]


def test_one_column_has_nulls_for_blank_lines(folder: Folder) -> None:
    folder.write("in.csv", "a\n1\n\n2\n")
    assert table(folder, "in.csv").rows() == [(1,), (None,), (2,)]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le"])
def test_encodings(folder: Folder, encoding: str) -> None:
    folder.write("in.csv", "a,b\né,ü\n".encode(encoding))
    assert table(folder, "in.csv", encoding=encoding).rows() == [("é", "ü")]


@pytest.mark.parametrize("text", ["", "\n", "a,b\n", "a,b"])
def test_no_records(folder: Folder, text: str) -> None:
    folder.write("in.csv", text)
    columns: Json = {"a": "int64?", "b": "string"}
    assert table(folder, "in.csv", columns=columns).shape == (0, 2)


def test_a_file_without_a_header_says_nothing_of_its_columns(folder: Folder) -> None:
    folder.write("in.csv", "")
    assert (
        fault(folder, "in.csv") == "`in.csv` is empty, so its columns are not known: say `columns`"
    )
    assert fault(folder, "no-*.csv") == "no file matches `no-*.csv`"


def test_a_record_that_begins_like_a_packed_file(folder: Folder) -> None:
    folder.write("in.csv", "a,b\nx^2,1\ny,2\n")
    assert table(folder, "in.csv").rows() == [("x^2", 1), ("y", 2)]


def test_files_of_a_glob_in_order_and_by_name(folder: Folder) -> None:
    folder.write("d/2.csv", "b,a\nx,1\n")
    folder.write("d/1.csv", "a,b\n2,y\n")
    folder.write("d/10.csv.gz", gzip.compress(b"a,b\n3,z\n"))
    folder.write("d/.hidden.csv", "nonsense")
    expected = [(2, "y"), (3, "z"), (1, "x")]
    assert table(folder, "d/*.csv*").rows() == expected
    assert table(folder, "d").rows() == expected
    assert table(folder, ["d/2.csv", "d/1.csv"]).rows() == [("x", 1), ("y", 2)]


def test_a_name_that_looks_like_a_glob(folder: Folder) -> None:
    folder.write("a[1].csv", "a\n1\n")
    assert table(folder, "a[1].csv").rows() == [(1,)]


def test_headers_that_differ(folder: Folder) -> None:
    folder.write("1.csv", "a,b\n1,2\n")
    folder.write("2.csv", "a,c\n1,2\n")
    message = "`2.csv` has no column `b`, as the other files or `columns` have"
    assert fault(folder, ["1.csv", "2.csv"]) == message
    folder.write("2.csv", "a,b,c\n1,2,3\n")
    message = "`2.csv` has a column `c`, which the other files do not have"
    assert fault(folder, ["1.csv", "2.csv"]) == message
    folder.write("1.csv", "a,a\n1,2\n")
    assert fault(folder, "1.csv") == "`1.csv` has two columns named `a`"


@pytest.mark.parametrize("name", ["*", "^a.*$", "__record"])
def test_names_that_mean_something_else_to_the_engine(folder: Folder, name: str) -> None:
    folder.write("in.csv", f"{name},b\n1,2\n")
    assert fault(folder, "in.csv").startswith(f"`in.csv` has a column named `{name}`")
    result = folder.run(op("rows", [{name: 1}]), sink=op("csv", "o.csv"))
    assert result.faults[0].message == f"no column can be named `{name}`"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,x,3\n", "in.csv:3: the record has 3 fields, but there are 2 columns"),
        ("1\n", "in.csv:3: the record has 1 field, but there are 2 columns"),
        ("1,\n1,x,\n", "in.csv:4: the record has 3 fields, but there are 2 columns"),
        ("1,x\n1\n2,x,\n", "in.csv:4: the record has 1 field, but there are 2 columns"),
        ("1\n2,,x\n", "in.csv:3: the record has 1 field, but there are 2 columns"),
        ('1,"x"\n3\n2,,x\n', "in.csv:4: the record has 1 field, but there are 2 columns"),
        ("x,y\n", "in.csv:3: column `a`: `x` is no int8"),
        ("999,y\n", "in.csv:3: column `a`: `999` is no int8"),
        (",y\n", "in.csv:3: column `a` is empty, but int8 without `?` allows no null"),
        ('1,5" pipe\n', f"in.csv:3: {STRAY}"),
        ('1,"a"b\n', f"in.csv:3: {STRAY}"),
        ('1,"\n\n"\n2\n', "in.csv:6: the record has 1 field, but there are 2 columns"),
    ],
)
def test_records_at_fault(folder: Folder, rows: str, message: str) -> None:
    folder.write("in.csv", "a,b\n7,ok\n" + rows)
    assert fault(folder, "in.csv", columns={"a": "int8"}) == message
    more = f"7,ok\n{rows}" * 3
    folder.write("in.csv", f"a,b\n{more}")
    result = folder.run(
        op("csv", "in.csv", "reject", columns={"a": "int8"}),
        sink=op("csv", "out.csv"),
        rejects=op("ndjson", "rejects.ndjson"),
    )
    assert result.status == "succeeded"
    assert result.counts.rejected >= 3
    assert folder.read("out.csv").count("7,ok") == 3


def test_bytes_that_are_no_utf8(folder: Folder) -> None:
    folder.write("in.csv", b"a,b\n1,x\n2,\xff\n")
    assert fault(folder, "in.csv") == "in.csv:3: the record is not UTF-8"


def test_a_quote_that_never_ends(folder: Folder) -> None:
    folder.write("in.csv", 'a,b\n1,x\n2,"y\n' + "3,z\n" * 50_000)
    message = "`in.csv`, line 3: a quoted field is opened and never closed"
    assert fault(folder, "in.csv", columns={"a": "int64"}) == message


def test_dates_are_iso_and_never_guessed(folder: Folder) -> None:
    folder.write("in.csv", "d\n2024-01-31\n31/01/2024\n")
    assert fault(folder, "in.csv", columns={"d": "date"}) == (
        "in.csv:3: column `d`: `31/01/2024` is no date"
    )


def test_values_behind_empty_samples_are_not_lost(folder: Folder) -> None:
    rows = ["1,"] * 60_000
    rows[23_500] = "1,x"
    folder.write("in.csv", "a,b\n" + "\n".join(rows))
    assert "was empty where the file was sampled, but here is `x`" in fault(folder, "in.csv")


def test_only_used_and_declared_columns_can_be_at_fault(folder: Folder) -> None:
    rows = ["1,1"] * 60_000
    rows[25_000] = "1,x"
    folder.write("in.csv", "a,b\n" + "\n".join(rows))
    select = op("select", ["a"])
    assert folder.run(op("csv", "in.csv"), select, sink=op("csv", "o.csv")).status == "succeeded"
    declared = op("csv", "in.csv", columns={"b": "int64?"})
    assert folder.run(declared, select, sink=op("csv", "o.csv")).status == "failed"


def test_records_of_a_file_with_one_column(folder: Folder) -> None:
    folder.write("in.csv", "a\n1,2\n")
    message = "in.csv:2: the record has 2 fields, but there is 1 column"
    assert fault(folder, "in.csv") == message


def test_nothing_is_left_behind_skipped_lines(folder: Folder) -> None:
    folder.write("in.csv", "a\n1\n")
    message = (
        "`in.csv` has nothing behind 50 skipped lines, so its columns are not known: say `columns`"
    )
    assert typed(folder, "in.csv", skip=50).missing == (message,)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("a,c", "`2.csv` has no column `b`, as the other files or `columns` have"),
        ("b,c,a", "`2.csv` has a column `c`, which the other files do not have"),
    ],
)
def test_other_columns_in_another_file_are_seen_before_a_run(
    folder: Folder, header: str, message: str
) -> None:
    folder.write("1.csv", "a,b\n1,2\n")
    folder.write("2.csv", f"{header}\n")
    (found,) = typed(folder, "*.csv").faults
    assert (found.message, found.help) == (
        message,
        "rename columns in the file, or read it in a step of its own",
    )
