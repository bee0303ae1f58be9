"""Where a fault of the run is told: at its line, and by what way it came about."""

from __future__ import annotations

from pathlib import Path

import flowctl
from flowctl.diagnostics import Span

FLOW = """\
flowctl: 1
steps:
  part:
    uses: parts/part.yaml
    matrix: {k: [a/b]}
"""
PART = """\
flowctl: 1
steps:
  list: {run: 'echo l=[7] >> $FLOWCTL_OUTPUT', outputs: {l: {type: array}}}
  each: {foreach: "${{ steps.list.outputs.l }}", run: exit 3}
  fixed: {run: exit 4, matrix: {n: [1]}}
"""


def test_a_fault_says_of_which_cell_it_is_and_which_workflows_lead_there(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text(FLOW)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "part.yaml").write_text(PART)
    done = flowctl.run(tmp_path / "flow.yaml", keep_going=True)
    outer = [
        ("matrix", "part[a/b]", "flow.yaml:3:3"),
        ("uses", "parts/part.yaml", "flow.yaml:4:11"),
    ]
    told = {
        _at(fault.span): [(one.kind, one.detail, _at(one.span)) for one in fault.trace]
        for step in done.steps.values()
        for fault in step.faults
    }
    assert told == {
        "part.yaml:4:55": [*outer, ("foreach", "part[a/b]/each[0]", "part.yaml:4:19")],
        "part.yaml:5:16": [*outer, ("matrix", "part[a/b]/fixed[1]", "part.yaml:5:3")],
    }


def _at(span: Span | None) -> str:
    assert span is not None
    return f"{Path(span.file).name}:{span.line}:{span.column}"
