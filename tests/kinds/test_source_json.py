"""`source: {json}`: arrays and single objects, elements at fault, files that are no JSON."""

from __future__ import annotations

import gzip
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
from flowctl.kinds.sources.json import COMPONENT
from flowctl.syntax.node import Json
from tests.streams.running import Folder, op

COLUMNS: Json = {"a": "int64?", "b": "string?"}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, split_bytes=1)


def typed(folder: Folder, argument: Json, **options: Json) -> Typed:
    situation = Situation(Scope(), DataFiles(folder.base))
    return COMPONENT.rule({"json": argument, **options}, situation)


def records(folder: Folder, text: str | bytes, **options: Json) -> list[dict[str, object]]:
    folder.write("in.json", text)
    result = folder.run(op("json", "in.json", **options), sink=op("parquet", "out.parquet"))
    assert result.status == "succeeded", result.faults
    return pl.read_parquet(folder.base / "out.parquet").to_dicts()


def fault(folder: Folder, text: str | bytes) -> str:
    folder.write("in.json", text)
    result = folder.run(op("json", "in.json", columns=COLUMNS), sink=op("ndjson", "out.ndjson"))
    assert result.status == "failed"
    return result.faults[0].message


TEXTS = st.text(st.sampled_from('a"\\[]{},:\n é\U0001f600'), max_size=8)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "a": st.none() | st.integers(-(2**63), 2**63 - 1),
            "b": TEXTS,
            "c": st.lists(st.fixed_dictionaries({"x": TEXTS, "y": st.booleans()}), max_size=2),
        }
    ),
    max_size=6,
)


@settings(deadline=None, max_examples=60)
@given(RECORDS, st.sampled_from([None, 0, 2]), st.integers(1, 60), st.booleans())
def test_what_was_written_comes_back(
    found: list[dict[str, object]], indent: int | None, split: int, escaped: bool
) -> None:
    text = json.dumps(found, indent=indent, ensure_ascii=escaped)
    columns: Json = {"a": "int64?", "b": "string", "c": "list<struct<x: string, y: boolean>>"}
    with tempfile.TemporaryDirectory() as place:
        folder = Folder(Path(place), workers=1, split_bytes=split)
        assert records(folder, text, columns=columns) == found


def test_types_come_from_head_middle_and_end(folder: Folder) -> None:
    rows: list[dict[str, object]] = [{"n": n, "in": {"n": "x"}, "t": "x" * 40} for n in range(5000)]
    rows[-1]["n"], rows[-1]["further"] = 0.5, "2024-01-31"
    folder.write("in.json", json.dumps(rows, indent=1))
    types = {column.name: str(column.type) for column in typed(folder, "in.json").schema}
    assert types == {
        "n": "float64",
        "in": "struct<n: string?>",
        "t": "string",
        "further": "date",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1, "b": "x"}', [{"a": 1, "b": "x"}]),
        (' \n{\n"a": 1\n}\n \n', [{"a": 1, "b": None}]),
        ("[]", []),
        (" [ \n ] \n", []),
        (b"\xef\xbb\xbf[{\"a\": 5}]", [{"a": 5, "b": None}]),
        ('[{"a": 1, "a": 2}]', [{"a": 1, "b": None}]),
        ('[{"b": "]}\\\\\\",{["}, {"a": 2}]', [{"a": None, "b": ']}\\",{['}, {"a": 2, "b": None}]),
        ("[{}]", [{"a": None, "b": None}]),
    ],
)  # fmt: skip
def test_forms(folder: Folder, text: str | bytes, expected: object) -> None:
    assert records(folder, text, columns=COLUMNS) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "`in.json` is empty, which is no JSON; an array of no records is `[]`"),
        (" \n 5", "`in.json`, line 2: it holds neither an array nor an object"),
        ('[{"a": 1},\n{"a": 2}', "`in.json`, line 2: it ends in the middle of its data"),
        ('{"a": 1', "`in.json`, line 1: it ends in the middle of its data"),
        ('[{"a": "x]', "`in.json`, line 1: it ends in the middle of its data"),
        ('[{"a": 1},\n]', "`in.json`, line 2: a comma stands before the end of the array"),
        ('[{"a": 1}]\n]', "`in.json`, line 2: further text stands behind the end of its data"),
        ('{"a": 1}\n{"a": 2}', "`in.json`, line 2: further text stands behind the end of its data"),
        ('[{"a": 1}}', "`in.json`, line 1: a bracket closes what it did not open"),
        ('[1, 2]', "in.json:1: the element is no JSON object"),
        ('[{"a": 1},\n null]', "in.json:2: the element is no JSON object"),
        ('[{"a": 1},,{"a": 2}]', "in.json:1: the element is no JSON: expecting value at column 1"),
        ('[{"a": 1}\n{"a": 2}]',
         "in.json:1: the element is no JSON: extra data at line 2 of it, column 1"),
        ('[\n\n{"a": 1,\n"b": 2]}, 5]',
         "`in.json`, line 4: a bracket closes what it did not open"),
        ('[{"b": "x\ny"}]',
         "in.json:1: the element is no JSON: invalid control character at column 9"),
        ('[{"a": 1e400}]', "in.json:1: the number `1e400` is beyond float64"),
        ('[{"a": 9223372036854775808}]',
         "in.json:1: column `a`: `9223372036854775808` is no int64"),
        ('[{"b": ' + "[" * 5000 + "]" * 5000 + "}]",
         "in.json:1: the element is no JSON: it is nested too deep"),
        (b'[{"b": "\xff"}]', "in.json:1: the element is no JSON: it is not UTF-8"),
        ('[{"b": "\\ud83d"}]', "in.json:1: the element is no JSON: it is not UTF-8"),
        ('[{"a": 1}, {"a": "5"}]', 'in.json:1: column `a`: `"5"` is no int64'),
    ],
)  # fmt: skip
def test_what_is_wrong(folder: Folder, text: str | bytes, message: str) -> None:
    assert fault(folder, text) == message
    assert fault(Folder(folder.base), text) == message


def test_a_record_that_never_ends(folder: Folder) -> None:
    text = '[{"a": 1}, {"b": "' + "x" * (70 << 20) + '"}]'
    folder.write("in.json.gz", gzip.compress(text.encode(), 1))
    source = op("json", "in.json.gz", columns=COLUMNS)
    result = Folder(folder.base, split_bytes=10).run(source, sink=op("ndjson", "out.ndjson"))
    message = "`in.json.gz`, line 1: a record is longer than 64 MiB"
    assert [fault.message for fault in result.faults] == [message]


def test_elements_at_fault_are_told_with_their_place(folder: Folder) -> None:
    text = '[\n  {"a": 1},\n  {"a": "x"},\n  {"a": 3}\n]\n'
    folder.write("in.json", text)
    result = folder.run(
        op("json", "in.json", "reject", columns=COLUMNS),
        op("derive", [["l", "source_line()"]]),
        sink=op("csv", "out.csv"),
        rejects=op("ndjson", "rejects.ndjson"),
    )
    assert (result.counts.written, result.counts.rejected) == (2, 1)
    assert folder.read("out.csv") == "a,b,l\n1,,2\n3,,4\n"
    reject = json.loads(folder.read("rejects.ndjson"))
    assert (reject["line"], reject["offset"]) == (3, text.index('{"a": "x"}'))
    assert reject["record"] == '{"a": "x"}'


def test_what_validation_says_of_a_file_without_records(folder: Folder) -> None:
    folder.write("in.json", "[]")
    missing = "`in.json` does not begin with a JSON object, nor with an array of them"
    assert typed(folder, "in.json").missing == (
        f"{missing}, so its columns are not known: say `columns`",
    )
    assert typed(folder, "no.json").missing == ("no file matches `no.json`",)
