"""A component may ask of the engine what it cannot do: that is told, not raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from flowctl.codes.runs import ENGINE_FAULT
from flowctl.component import Arguments, Sink, Source, Transform
from flowctl.expressions.scope import Scope
from flowctl.interpreter.stream import run_stream
from flowctl.interpreter.streamsetting import StreamSetting
from flowctl.operators import Operator, Rowwise
from flowctl.plan import Step, Stream
from flowctl.records import Schema
from flowctl.registry import builtin
from tests.streams.running import op


@dataclass(frozen=True)
class Components:
    sources: Mapping[str, Source]
    transforms: Mapping[str, Transform]
    sinks: Mapping[str, Sink]


def _impossible(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    return Rowwise(lambda frame: frame.with_columns(pl.col("a").str.to_integer(strict=True)))


def test_the_step_fails(tmp_path: Path) -> None:
    own = builtin()
    broken = replace(own.transforms["drop"], prepare=_impossible)
    components = Components(own.sources, {**own.transforms, "drop": broken}, own.sinks)
    (tmp_path / "out.csv").write_text("as it was\n")
    body = Stream(op("rows", [{"a": "x", "b": 1}]), (op("drop", ["b"]),), (op("csv", "out.csv"),))
    setting = StreamSetting(tmp_path, Scope(), "test")
    result = run_stream(Step("s", body), setting, components)
    assert result.status == "failed"
    (fault,) = result.faults
    assert fault.code is ENGINE_FAULT
    assert fault.pointer == ("transforms", 0, "drop")
    assert "parsing failed" in fault.message
    assert (tmp_path / "out.csv").read_text() == "as it was\n"
