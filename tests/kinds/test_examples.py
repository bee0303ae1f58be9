"""The example of each transform compiles, behind a source that has its columns."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from textwrap import indent

import pytest

from flowctl.compiler import Inputs, compile_workflow
from flowctl.diagnostics import Report
from flowctl.registry import builtin

REGISTRY = builtin()
RECORD = (
    "{carrier: UA, dest: IAH, origin: EWR, dep_delay: 20, arr_delay: 5, flight: 1545, tags: [a],"
    " tailnum: N14228,"
    " distance: 1400, air_time: 227, line: '10.0.0.1 bob GET', address: {city: Ulm},"
    " time_hour: 2013-01-01T05:00:00Z, day: 2013-01-01, month: 1}"
)
DOCUMENT = """\
flowctl: 1
params: {{carrier: {{type: string, default: UA}}}}
steps:
  one:
    source: {{rows: [{record}]}}
    transforms:
      -
{example}
    {sink}
    rejects: {{ndjson: rejects.ndjson}}
"""


SINK = 'sink: {ndjson: "out-{{ params.carrier }}.ndjson"}'


@pytest.mark.parametrize("kind", REGISTRY.transforms)
def test_the_example_compiles(kind: str, tmp_path: Path) -> None:
    transform = REGISTRY.transforms[kind]
    example, sink = indent(transform.spec.example, " " * 8), "" if transform.branches else SINK
    path = tmp_path / "example.yaml"
    (tmp_path / "cleaning.py").write_text("def tidy(frame): return frame\n", encoding="utf-8")
    path.write_text(DOCUMENT.format(record=RECORD, example=example, sink=sink), encoding="utf-8")
    report = Report()
    found = compile_workflow(path, Inputs(datetime(2024, 1, 1, tzinfo=UTC)), REGISTRY, report)
    assert [fault.message for fault in report if fault.severity == "error"] == []
    assert found.plan is not None
