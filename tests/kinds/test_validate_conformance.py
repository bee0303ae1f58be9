"""`validate` judges as the official JSON-Schema-Test-Suite demands, draft 2020-12, required cases.

A case's value stands in a column of a record, of each type that can hold it. Both judges are
asked: columns at once, whose suspects must hold every record that is not valid, and the validator
of records, which has the last word.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import polars as pl
import pytest

from flowctl.expressions.polars_types import schema_of
from flowctl.json_schema import record_judge, schema_faults
from flowctl.suspects import suspects
from flowctl.syntax.node import Json

SUITE = Path(__file__).parents[3] / "shared" / "conformance" / "json-schema" / "draft2020-12"
FILES = sorted(path.stem for path in SUITE.glob("*.json"))
NOT_HERE = "the JSON-Schema-Test-Suite does not lie in `../shared/conformance`"
FETCHES = ("localhost:1234", "$vocabulary")
"""Schemas that have to be fetched: flowctl fetches none, and refuses these while it compiles."""


class Case(NamedTuple):
    """A value, what the suite says of it, and the schema as that of a record's column."""

    what: str
    schema: dict[str, Json]
    data: Json
    valid: bool


def cases(file: str) -> Iterator[Case]:
    for group in json.loads((SUITE / f"{file}.json").read_text("utf-8")):
        schema = group["schema"]
        if isinstance(schema, dict):
            # A resource of its own, so that `#` in it means what it meant.
            schema = {"$id": "urn:flowctl:case", **schema}
        for test in group["tests"]:
            what = f"{group['description']}: {test['description']}"
            record: dict[str, Json] = {"properties": {"value": schema}}
            yield Case(what, record, test["data"], test["valid"])


def held(data: Json) -> Iterator[pl.DataFrame]:
    """A frame with the value as its only record, for each type of a column that can hold it."""
    kinds: list[Any] = []
    match data:
        case None:
            kinds = [pl.Int64, pl.Float64, pl.String, pl.Boolean]
        case bool():
            kinds = [pl.Boolean]
        case int() if abs(data) < 2**53:
            kinds = [pl.Int64, pl.Float64]
        case float():
            kinds = [pl.Float64]
        case str():
            kinds = [pl.String]
        case list() | dict():
            kinds = [None]
    for kind in kinds:
        try:
            frame = pl.DataFrame({"value": pl.Series([data], dtype=kind, strict=True)})
        except (pl.exceptions.PolarsError, TypeError, OverflowError):
            continue
        if _same(frame.to_dicts()[0]["value"], data):
            yield frame


def _same(one: object, other: object) -> bool:
    """Whether two values are the same in JSON, where true is not 1."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return one == other and isinstance(one, bool) == isinstance(other, bool)


@pytest.mark.skipif(not FILES, reason=NOT_HERE)
@pytest.mark.parametrize("file", FILES or [""])
def test_the_official_cases(file: str) -> None:
    wrong, judged = [], 0
    for case in cases(file):
        if any(word in json.dumps(case.schema) for word in FETCHES) or [
            *schema_faults(cast("Json", case.schema))
        ]:
            continue
        for frame in held(case.data):
            judged += 1
            (complaint,) = record_judge(case.schema)(frame)
            found = suspects(case.schema, schema_of(frame))
            suspect = found is None or frame.select(found).item()
            if (complaint is None) is not case.valid or not (case.valid or suspect):
                kind = frame.schema["value"]
                wrong.append(f"{case.what}, as {kind}: {complaint}, suspect {suspect}")
    assert not wrong, "\n".join(wrong)
    assert judged or file in ("refRemote", "vocabulary")
