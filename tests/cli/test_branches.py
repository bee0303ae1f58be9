"""Commands on a step whose records go on in branches."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from flowctl.cli.changes import changes
from flowctl.cli.main import main
from flowctl.interpreter.differences import difference
from flowctl.plan import Plan
from flowctl.plan_file import plan_from_json

FLOW = """\
flowctl: 1
name: parted
steps:
  parts:
    source: {csv: a.csv}
    transforms:
      - derive: {double: a * 2}
      - split:
          late:
            when: a > 1
            transforms:
              - validate: {$ref: schema.json#/properties/whole}
                on_error: reject
              - sort: [-a]
            sink: {parquet: build/late.parquet}
          rest: {sink: [{csv: build/rest.csv}, {ndjson: build/rest.ndjson}]}
    rejects: {ndjson: build/rejects.ndjson}
  first:
    source: {parquet: build/late.parquet}
    transforms: [{limit: 1}, {select: [double]}]
    sink: {csv: build/first.csv}
  told:
    run: echo ${{ steps.parts.sink }} of ${{ steps.parts.written }}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("a,b\n1,x\n2,y\n3,\n4,z\n", encoding="utf-8")
    schema = {"properties": {"whole": {"properties": {"b": {"type": "string"}}}}}
    (tmp_path / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    return tmp_path


def test_plan_shows_the_branches(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "flow.yaml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    begins = next(index for index, line in enumerate(lines) if line.startswith("  split"))
    assert lines[begins : begins + 13] == [
        "  split       late: a > 1",
        "              rest: what is left",
        '  late        validate: {"properties": {"b": {"type": "string"}}}  (on_error:',
        "                reject)",
        "              sort: -a",
        "              sink: parquet: build/late.parquet",
        "              columns: a: int64?, b: string?, double: int64?",
        "  rest        sink: csv: build/rest.csv",
        "              sink: ndjson: build/rest.ndjson",
        "              columns: a: int64?, b: string?, double: int64?",
        "  rejects     ndjson: build/rejects.ndjson",
        "",
        lines[begins + 12],
    ]
    assert "  columns     double: int64?" in lines  # known before the run, from the branch's file


def test_preview_goes_through_each_branch(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "flow.yaml", "parts"]) == 0
    out = capsys.readouterr().out
    heads = re.findall(r"^  (\S+)  ", out, re.MULTILINE)
    assert heads == ["source", "derive", "late", "late/validate", "late/sort", "rest"]
    assert "late/sort  -a\n    a       4  2\n" in out
    assert not Path("build").exists()


def test_a_plan_file_runs_as_the_workflow_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "flow.yaml", "-o", "plan.json"]) == 0
    assert main(["run", "plan.json", "--format", "json"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)["steps"]
    assert told["parts"]["sink"] == [
        "build/late.parquet",
        "build/rest.csv",
        "build/rest.ndjson",
    ]
    assert (told["parts"]["written"], told["parts"]["rejected"]) == (3, 1)
    assert Path("build/first.csv").read_text() == "double\n8\n"
    assert "build/late.parquet" in captured.err


def test_what_has_changed_in_a_branch() -> None:
    plans = []
    for text in (FLOW, FLOW.replace("sort: [-a]", "sort: [a]")):
        Path("flow.yaml").write_text(text, encoding="utf-8")
        assert main(["plan", "flow.yaml", "-o", "plan.json"]) == 0
        plan = plan_from_json(Path("plan.json").read_text(encoding="utf-8"))
        assert isinstance(plan, Plan)
        plans.append(plan)
    found = difference(*(plan.steps[0] for plan in plans))
    assert found is not None
    assert found.pointer[:6] == ("transforms", 1, "split", "late", "transforms", 1)
    assert "was `-a` and is `a`" in found.message
    (parts, *_) = changes(*plans)
    assert parts.details == ("late/sort: sort: -a → a",)
