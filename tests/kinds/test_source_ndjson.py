"""`source: {ndjson}`: strict types, missing keys, and lines at fault."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.component import Situation, Typed
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFiles
from flowctl.kinds.sources.ndjson import COMPONENT
from flowctl.syntax.node import Json
from tests.streams.running import NOW, Folder, op


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def typed(folder: Folder, argument: Json, **options: Json) -> Typed:
    situation = Situation(Scope(), DataFiles(folder.base))
    return COMPONENT.rule({"ndjson": argument, **options}, situation)


def table(folder: Folder, argument: Json, **options: Json) -> pl.DataFrame:
    result = folder.run(op("ndjson", argument, **options), sink=op("parquet", "out.parquet"))
    assert result.status == "succeeded", result.faults
    return pl.read_parquet(folder.base / "out.parquet")


def fault(folder: Folder, argument: Json, **options: Json) -> str:
    result = folder.run(op("ndjson", argument, **options), sink=op("ndjson", "out.ndjson"))
    assert result.status == "failed"
    return result.faults[0].message


def test_types_come_from_a_sample(folder: Folder) -> None:
    record = {"i": 1, "f": 1.5, "b": True, "s": "x", "d": "2024-01-31", "l": [1, None], "n": None}
    folder.write("in.ndjson", json.dumps(record) + "\n" + '{"o": {"a": "x", "b": [2.5]}, "f": 2}')
    assert list(map(str, typed(folder, "in.ndjson").schema)) == [
        "i: int64?",
        "f: float64?",
        "b: boolean?",
        "s: string?",
        "d: date?",
        "l: list<int64?>?",
        "n: null?",
        "o: struct<a: string?, b: list<float64?>?>?",
    ]
    assert table(folder, "in.ndjson").row(0, named=True) == {
        **record,
        "d": dt.date(2024, 1, 31),
        "o": None,
    }


def test_missing_keys_are_null_and_unknown_ones_passed_over(folder: Folder) -> None:
    folder.write("in.ndjson", '{"a": 1}\n\n{"b": "x"}\n{"a": 2, "b": null, "c": 5}\n')
    options: Json = {"a": "int8?", "b": "string?", "z": "date?"}
    found = table(folder, "in.ndjson", columns=options)
    assert found.rows() == [(1, None, None, None), (None, "x", None, None), (2, None, None, 5)]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("int8", "127", 127),
        ("uint64", "18446744073709551615", 2**64 - 1),
        ("float32", "1", 1.0),
        ("float64", "12345678901234567890", 12345678901234567890.0),
        ("string", "5", "5"),
        ("string", '{"x": 1}', '{"x": 1}'),
        ("datetime(UTC)", '"2024-01-31T12:00:01.5Z"', NOW + dt.timedelta(seconds=1.5)),
        ("time", '"12:30"', dt.time(12, 30)),
        ("list<int16>", "[1, 300]", [1, 300]),
        ("float32", '"Infinity"', float("inf")),
        ("float64?", '"-Infinity"', float("-inf")),
        ("struct<a: list<string?>?>", '{"a": ["x"], "b": 1}', {"a": ["x"]}),
    ],
)
def test_declared_types(folder: Folder, kind: str, value: str, expected: object) -> None:
    folder.write("in.ndjson", f'{{"a": {value}}}\n')
    assert table(folder, "in.ndjson", columns={"a": kind})["a"].to_list() == [expected]


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("int64?", '"5"', 'column `a`: `"5"` is no int64'),
        ("int64?", "5.0", "column `a`: `5.0` is no int64"),
        ("int8?", "128", "column `a`: `128` is no int8"),
        ("uint8?", "-1", "column `a`: `-1` is no uint8"),
        ("boolean?", "1", "column `a`: `1` is no boolean"),
        ("float64?", '"x"', 'column `a`: `"x"` is no float64'),
        ("float64?", '"inf"', 'column `a`: `"inf"` is no float64'),
        ("list<float64?>?", '["NaN"]', 'column `a`: `["NaN"]` is no float64 in list<float64?>'),
        ("date?", '"2024-02-30"', "column `a`: `2024-02-30` is no date"),
        ("date?", "5", "column `a`: `5` is no date"),
        ("list<int8>?", "[1, 300]", "column `a`: `[1, 300]` is no int8 in list<int8>"),
        ("list<int8>?", "1", "column `a`: `1` is no list<int8>"),
        ("struct<x: date>?", '{"x": 1}', 'column `a`: `{"x": 1}` is no date in struct<x: date>'),
        ("struct<x: int8>?", '{"x": ""}', 'column `a`: `{"x": ""}` is no int8 in struct<x: int8>'),
        ("int64", "null", "column `a` is empty, but int64 without `?` allows no null"),
    ],
)  # fmt: skip
def test_values_at_fault(folder: Folder, kind: str, value: str, message: str) -> None:
    folder.write("in.ndjson", f'{{"b": 1}}\n{{"a": {value}}}\n'.replace('{"b": 1}\n', "\n"))
    assert fault(folder, "in.ndjson", columns={"a": kind}) == f"in.ndjson:2: {message}"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a": 1', "the line is no JSON: expecting ',' delimiter at column 8"),
        (b"[1]", "the line is no JSON object"),
        (b"null", "the line is no JSON object"),
        (b'{"a": 1} {"a": 2}', "the line is no JSON: extra data at column 10"),
        (b'{"a": NaN}', "the line is no JSON: NaN is no JSON value"),
        (b'{"b": "\xff"}', "the line is no JSON: it is not UTF-8"),
        (b'{"b": "\\ud83d"}', "the line is no JSON: it is not UTF-8"),
        (b'{"b": ' + b"[" * 5000 + b"}", "the line is no JSON: it is nested too deep"),
        (b'{"a": 1e400}', "the number `1e400` is beyond float64"),
        (b'{"b": -1e400}', "the number `-1e400` is beyond float64"),
    ],
)
def test_lines_at_fault(folder: Folder, line: bytes, message: str) -> None:
    folder.write("in.ndjson", b'{"a": 1}\n' + line + b'\n{"a": 3}\n')
    options: Json = {"a": "int64?"}
    assert fault(folder, "in.ndjson", columns=options) == f"in.ndjson:2: {message}"
    result = folder.run(
        op("ndjson", "in.ndjson", "reject", columns=options),
        sink=op("csv", "out.csv"),
        rejects=op("ndjson", "rejects.ndjson"),
    )
    assert (result.counts.written, result.counts.rejected) == (2, 1)


@pytest.mark.parametrize("trouble", ["", '"x"', '"NaN"'])
def test_first_of_two_values_of_a_key_counts(folder: Folder, trouble: str) -> None:
    folder.write("in.ndjson", '{"a": 1, "a": "x"}\n' + (f'{{"a": {trouble}}}\n' if trouble else ""))
    folder.run(
        op("ndjson", "in.ndjson", "reject", columns={"a": "float64"}),
        sink=op("parquet", "out.parquet"),
        rejects=op("ndjson", "rejects.ndjson"),
    )
    assert pl.read_parquet(folder.base / "out.parquet")["a"][0] == 1


def test_escapes_of_whole_characters_are_read(folder: Folder) -> None:
    folder.write("in.ndjson", '{"a": "\\ud83d\\ude00\\u00e9\\n"}\n')
    assert table(folder, "in.ndjson").item() == "\U0001f600é\n"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.sampled_from(["2024-01-31", "12:30", "5"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xy"), inner),
    max_leaves=4,
)
TYPES = st.sampled_from(
    ["int64?", "int8", "uint64?", "float64?", "boolean?", "string?", "date?", "list<int64?>?",
     "list<string?>?", "struct<x: int64?, y: list<float64?>?>?"]
)  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(st.lists(VALUES, max_size=6), TYPES, st.integers(1, 40))
def test_splits_do_not_change_what_leaves(values: list[Json], kind: str, split: int) -> None:
    text = "".join(json.dumps({"a": value, "b": 1}) + "\n" for value in values)

    def outcome(folder: Folder) -> tuple[object, ...]:
        folder.write("in.ndjson", text)
        result = folder.run(
            op("ndjson", "in.ndjson", "reject", columns={"a": kind, "b": "int64?"}),
            sink=op("ndjson", "out.ndjson"),
            rejects=op("ndjson", "rejects.ndjson"),
        )
        return result.counts, folder.read("out.ndjson"), folder.read("rejects.ndjson")

    with tempfile.TemporaryDirectory() as place:
        whole = outcome(Folder(Path(place)))
        assert outcome(Folder(Path(place), workers=3, split_bytes=split)) == whole


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "`in.ndjson` has no record"),
        ("\n \n", "`in.ndjson` has no record"),
        ('[{"a": 1}, {"a": 2}]', "line 1 of `in.ndjson` is no JSON object"),
        ('\n{\n  "a": 1\n}\n', "line 2 of `in.ndjson` is no JSON object"),
        ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "line 1 of `in.ndjson` is no JSON object"),
    ],
)
def test_files_without_a_record(folder: Folder, text: str, message: str) -> None:
    folder.write("in.ndjson", text)
    assert typed(folder, "in.ndjson").missing == (
        f"{message}, so its columns are not known: say `columns`",
    )
