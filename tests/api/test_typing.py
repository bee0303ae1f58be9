"""A user's program, whose types mypy checks along with ours; an ignore is an error it must find."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import pytest

import flowctl

FLOW = """\
flowctl: 1
params: {least: {type: integer}}
steps:
  large:
    source: {rows: [{n: 1}, {n: 20}]}
    transforms: [{filter: n >= params.least}]
    sink: {ndjson: large.ndjson}
"""


def told(event: flowctl.Event) -> str | None:
    match event:
        case flowctl.StepProgress(step=step, rows=rows):
            assert_type(rows, int)
            return f"{step}: {rows} rows"
        case flowctl.StepEnded(counts=flowctl.Counts(written=written)):
            return f"{event.step}: {event.status}, {written} written"
    return None


def test_a_program_of_a_user(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW, encoding="utf-8")
    faults = flowctl.validate(path, params={"least": "x"})
    assert_type(faults, tuple[flowctl.Diagnostic, ...])
    assert [fault.span.line for fault in faults if fault.span is not None] == [2]
    with pytest.raises(flowctl.InvalidWorkflow) as refused:
        flowctl.compile(path)
    assert [fault.code.id for fault in refused.value.diagnostics] == ["E310"]
    plan = flowctl.compile(path, params={"least": 10})
    assert_type(plan, flowctl.Plan)
    lines: list[str | None] = []
    done = flowctl.run(plan, base=tmp_path, on_event=lambda event: lines.append(told(event)))
    assert_type(done, flowctl.Run)
    counts = done.check().steps["large"].counts
    assert_type(counts, flowctl.Counts | None)
    assert counts is not None and counts.filtered == 1
    assert "large: succeeded, 1 written" in lines


def test_a_checker_finds_what_is_wrong() -> None:
    with pytest.raises(TypeError):
        flowctl.run("flow.yaml", worker=2)  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        flowctl.validat("flow.yaml")  # type: ignore[attr-defined]
