"""`foreach` at the command line: what is shown of it, and how one goes on with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowctl.cli.main import main

WORKFLOW = """\
flowctl: 1
name: fan
steps:
  list:
    run: echo 'files=["a", "b", "c"]' >> "$FLOWCTL_OUTPUT"
    outputs: {files: {type: array, items: {type: string}}}
  load:
    foreach: ${{ steps.list.outputs.files }}
    run: |
      echo loading ${{ item }}
      echo ${{ item }} >> tried
      test -e ok-${{ item }}
      echo "name=${{ upper(item) }}" >> "$FLOWCTL_OUTPUT"
  report: {run: "echo ${{ steps.load.outputs.name }} ${{ steps.load.exit_code }}"}
"""
Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def flowctl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Told:
    """Runs the command in a folder with the workflow; gives its code and what it printed."""
    monkeypatch.chdir(tmp_path)
    Path("w.yaml").write_text(WORKFLOW)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def ready(*files: str) -> None:
    for name in files:
        Path(f"ok-{name}").touch()


def found(told: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(told)
    return value


def test_the_plan_shows_it(flowctl: Told) -> None:
    _, shown, _ = flowctl("plan", "w.yaml")
    assert "  foreach     steps.list.outputs.files\n" in shown
    assert flowctl("plan", "w.yaml", "-o", "plan.json")[0] == 0
    steps = {step["id"]: step for step in found(Path("plan.json").read_text())["steps"]}
    assert steps["load"]["foreach"] == "steps.list.outputs.files"
    ready("a", "b", "c")
    code, told, _ = flowctl("run", "plan.json", "--format", "json")
    assert (code, found(told)["status"]) == (0, "succeeded")


def test_its_digest_is_part_of_what_the_step_means(flowctl: Told) -> None:
    def digest() -> str:
        return str(
            found(flowctl("plan", "w.yaml", "--format", "json")[1])["steps"]["load"]["digest"]
        )

    before = digest()
    Path("w.yaml").write_text(WORKFLOW.replace("outputs.files }}", "outputs.files[1:2] }}"))
    assert digest() != before


def test_a_run_tells_of_each_cell(flowctl: Told) -> None:
    ready("a", "b", "c")
    code, told, shown = flowctl("run", "w.yaml", "--format", "json")
    assert code == 0
    steps = found(told)["steps"]
    assert list(steps) == ["list", "load", "load[0]", "load[1]", "load[2]", "report"]
    assert steps["load"]["outputs"] == {"name": ["A", "B", "C"]}
    assert steps["load"]["attempts"] == 3
    assert steps["load[1]"]["outputs"] == {"name": "B"}
    assert "load: 3 items\n" in shown
    assert "load[2] | loading c\n" in shown
    assert 'report | ["A", "B", "C"] [0, 0, 0]\n' in shown


def test_retry_runs_only_the_cells_that_have_failed(flowctl: Told) -> None:
    ready("a", "c")
    code, _, shown = flowctl("run", "w.yaml", "--keep-going")
    assert code == 1
    assert "load: failed, 1 of 3 have failed" in shown
    assert "  in foreach load[1] at w.yaml:8:14\n" in shown
    assert "E710" in flowctl("runs", "show", "last")[1]
    ready("b")
    code, _, shown = flowctl("runs", "retry", "last", "--keep-going")
    assert code == 0
    assert "load: 3 items" not in shown
    assert sorted(Path("tried").read_text().split()) == ["a", "b", "b", "c"]
    assert 'report | ["A", "B", "C"] [0, 0, 0]\n' in shown
    told = found(flowctl("runs", "show", "last", "--format", "json")[1])["steps"]
    assert [told[f"load[{n}]"]["item"] for n in range(3)] == ["a", "b", "c"]
    assert 'load[1]: item "b"\n' in flowctl("runs", "show", "last")[1]
    assert [len(told[f"load[{n}]"]["tries"]) for n in range(3)] == [1, 2, 1]
    assert told["load"]["status"] == "succeeded"


def test_retry_makes_the_list_anew_where_no_cell_has_succeeded(flowctl: Told) -> None:
    assert flowctl("run", "w.yaml", "--keep-going")[0] == 1
    Path("w.yaml").write_text(WORKFLOW.replace("outputs.files }}", "outputs.files[1:2] }}"))
    ready("a", "b")
    code, _, shown = flowctl("runs", "retry", "last")
    assert code == 0
    assert "load: 2 items" in shown


def test_what_has_succeeded_for_the_list_must_be_as_it_was(flowctl: Told) -> None:
    ready("a", "c")
    assert flowctl("run", "w.yaml", "--keep-going")[0] == 1
    Path("w.yaml").write_text(WORKFLOW.replace("echo loading", "echo taking"))
    code, _, shown = flowctl("runs", "retry", "last")
    assert code == 4
    assert "w.yaml:9:10: error[E730]: step `load` has changed since its run began" in shown


def test_logs_of_a_step_are_those_of_its_cells(flowctl: Told) -> None:
    ready("a", "b", "c")
    flowctl("run", "w.yaml")
    assert flowctl("runs", "logs", "last", "load[1]")[1] == "loading b\n"
    assert flowctl("runs", "logs", "last", "load")[1].splitlines() == [
        "load[0] | loading a",
        "load[1] | loading b",
        "load[2] | loading c",
    ]


def test_two_runs_differ_in_their_cells(flowctl: Told) -> None:
    ready("a", "b", "c")
    flowctl("run", "w.yaml")
    Path("w.yaml").write_text(WORKFLOW.replace('["a", "b", "c"]', '["a", "b"]'))
    flowctl("run", "w.yaml")
    names = [run["run"] for run in json.loads(flowctl("runs", "list", "--format", "json")[1])]
    told = found(flowctl("runs", "diff", *reversed(names), "--format", "json")[1])["outputs"]
    assert told["load.outputs"] == [{"name": ["A", "B", "C"]}, {"name": ["A", "B"]}]
    assert told["load[2].status"] == ["succeeded", None]


def test_what_would_be_done_of_it(flowctl: Told) -> None:
    """The run is cut off as by a crash, behind the first cell."""
    from flowctl.interpreter.events import Event, StepEnded

    class Cut(Exception):
        pass

    import flowctl as api

    def cut(event: Event) -> None:
        if isinstance(event, StepEnded) and event.step == "load[0]":
            raise Cut

    ready("a", "b", "c")
    with pytest.raises(Cut):
        api.run("w.yaml", on_event=cut, workers=1)
    shown = " ".join(flowctl("plan", "w.yaml")[1].split())
    assert "resumes 1 of 3 have ended in run" in shown
    shown = " ".join(flowctl("run", "w.yaml", "--dry-run")[1].split())
    assert "load goes on 1 of 3 have ended before" in shown
    code, _, shown = flowctl("run", "w.yaml", "--workers", "1")
    assert code == 0
    assert Path("tried").read_text().split() == ["a", "b", "c"]
