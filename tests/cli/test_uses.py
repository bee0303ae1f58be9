"""Workflows that use others, through the commands: plans, runs, resume, retry, preview, replay."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flowctl.cli.main import main

MAIN = """\
flowctl: 1
name: all
params: {least: {type: integer, default: 2}}
steps:
  seed: {run: "printf 'n\\n1\\n2\\n3\\n' > part/in.csv"}
  load:
    uses: part/load.yaml
    with: {least: "{{ params.least }}"}
    needs: [seed]
  report:
    run: echo ${{ steps.load.outputs.rows }} in ${{ steps.load.outputs.file }}; test -e good
outputs: {rows: steps.load.outputs.rows}
"""
LOAD = """\
flowctl: 1
name: load
params: {least: {type: integer}}
steps:
  clean:
    source: {csv: in.csv, columns: {n: int64}}
    transforms: [{filter: n >= params.least}]
    sink: {csv: out/clean.csv}
  tell: {run: "pwd; cat out/clean.csv", needs: [clean]}
outputs: {rows: steps.clean.written, file: steps.clean.sink}
"""
EACH = """\
  list:
    run: echo 'all=[3,5]' >> "$FLOWCTL_OUTPUT"
    outputs: {all: {type: array, items: {type: integer}}}
  each:
    foreach: ${{ steps.list.outputs.all }}
    run: echo "n=${{ item * 2 }}" >> "$FLOWCTL_OUTPUT"
    outputs: {n: {type: integer}}
"""


class Told(NamedTuple):
    """How a command has ended, and what it printed."""

    code: int
    out: str
    err: str


def write(folder: Path) -> Path:
    (folder / "part").mkdir()
    (folder / "main.yaml").write_text(MAIN, encoding="utf-8")
    (folder / "part" / "load.yaml").write_text(LOAD, encoding="utf-8")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path)


def flowctl(folder: Path, *arguments: str) -> Told:
    out, err = (TextIOWrapper(BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with chdir(folder), redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    for stream in (out, err):
        stream.seek(0)
    return Told(code, out.read(), err.read())


def run(folder: Path, *arguments: str) -> Any:
    return json.loads(flowctl(folder, "run", "main.yaml", "--format", "json", *arguments).out)


def statuses(told: Any) -> dict[str, str]:
    return {id: step["status"] for id, step in told["steps"].items()}


def edited(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def test_a_run_with_all_that_it_hands_on(project: Path) -> None:
    (project / "good").touch()
    told = run(project)
    assert statuses(told) == dict.fromkeys(
        ("seed", "load/clean", "load/tell", "load", "report"), "succeeded"
    )
    assert told["outputs"] == {"rows": 2}
    assert told["steps"]["load"]["outputs"] == {"rows": 2, "file": "part/out/clean.csv"}
    assert told["steps"]["load/clean"]["sink"] == "part/out/clean.csv"
    assert (project / "part/out/clean.csv").read_text() == "n\n2\n3\n"
    shown = json.loads(flowctl(project, "runs", "show", "last", "--format", "json").out)
    assert shown["outputs"] == {"rows": 2}
    assert "run: rows = 2" in flowctl(project, "runs", "show", "last").out
    assert flowctl(project, "runs", "logs", "last", "load/tell").out.splitlines() == [
        f"{project / 'part'}",
        "n",
        "2",
        "3",
    ]
    assert "2 in part/out/clean.csv" in flowctl(project, "runs", "logs", "last", "report").out


def test_a_plan_file_runs_as_the_workflow_does(project: Path, tmp_path: Path) -> None:
    """The same bytes, wherever the folder stands."""
    (project / "good").touch()
    elsewhere = tmp_path / "else where" / "deep"
    shutil.copytree(project, elsewhere)
    plans = []
    for folder in (project, elsewhere):
        assert flowctl(folder, "plan", "main.yaml", "-o", "plan.json").code == 0
        plans.append((folder / "plan.json").read_bytes())
    assert plans[0] == plans[1]
    assert str(tmp_path).encode() not in plans[0]
    told = flowctl(elsewhere, "run", "plan.json", "--format", "json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["outputs"] == {"rows": 2}


def test_a_plan_shows_what_is_used(project: Path) -> None:
    shown = flowctl(project, "plan", "main.yaml").out
    assert "  uses        part/load.yaml  (with least = 2)\n" in shown
    assert "outputs.rows = steps.clean.written" in shown
    assert "  needs       seed, load/clean, load/tell\n" in shown


def test_what_failed_within_is_done_again_and_what_needs_it(project: Path) -> None:
    edited(project / "part/load.yaml", ("cat out/clean.csv", "cat out/clean.csv; test -e good"))
    first = run(project)
    assert statuses(first) == {
        "seed": "succeeded",
        "load/clean": "succeeded",
        "load/tell": "failed",
        "load": "failed",
        "report": "skipped",
    }
    told = flowctl(project, "runs", "show", "last").out
    assert "load: failed, `load/tell` has failed" in told
    (project / "good").touch()
    (project / "part" / "good").touch()
    retried = flowctl(project, "runs", "retry", "last")
    assert retried.code == 0, retried.err
    after = json.loads(flowctl(project, "runs", "show", "last", "--format", "json").out)
    assert {id: step["attempts"] for id, step in after["steps"].items()} == {
        "seed": 1,
        "load/clean": 1,
        "load/tell": 2,
        "load": 2,
        "report": 1,
    }
    assert after["outputs"] == {"rows": 2}


def test_a_fault_within_points_into_its_own_file(project: Path) -> None:
    edited(project / "part/load.yaml", ("cat out/clean.csv", "exit 7"))
    told = flowctl(project, "run", "main.yaml")
    assert told.code == 1
    assert "part/load.yaml:9:15: error[E710]: " in told.err
    edited(project / "part/load.yaml", ("exit 7", "true"), ("steps.clean.written", "1 // 0"))
    told = flowctl(project, "run", "main.yaml")
    assert told.code == 1
    assert "part/load.yaml:10:17: error[E712]: " in told.err


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose run was killed in `report`, behind the workflow that it uses."""
    folder = write(tmp_path_factory.mktemp("killed"))
    edited(folder / "main.yaml", ("test -e good", "test -e good || kill -KILL $PPID"))
    told = subprocess.run([sys.executable, "-m", "flowctl", "run", "main.yaml"], cwd=folder)
    assert told.returncode == -signal.SIGKILL
    return folder


@pytest.fixture
def unfinished(killed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(killed, tmp_path / "unfinished")


@pytest.mark.parametrize(("condition", "code"), [("run.id <> ''", 0), ("run.id = ''", 4)])
def test_who_has_entered_a_workflow_stays_in_it(tmp_path: Path, condition: str, code: int) -> None:
    """The `if` by which it was entered may not be another one when the run goes on within it."""
    folder = write(tmp_path)
    edited(folder / "main.yaml", ("needs: [seed]", "needs: [seed]\n    if: run.id <> ''"))
    edited(folder / "part/load.yaml", ("pwd;", "test -e good || kill -KILL $PPID;"))
    told = subprocess.run([sys.executable, "-m", "flowctl", "run", "main.yaml"], cwd=folder)
    assert told.returncode == -signal.SIGKILL
    for good in ("good", "part/good"):
        (folder / good).touch()
    edited(folder / "main.yaml", ("    if: run.id <> ''", f"    if: {condition}"))
    again = flowctl(folder, "run", "main.yaml", "--format", "json")
    assert again.code == code, again.err
    if code:
        assert "step `load` has changed since its run began: `if` was" in again.err
    else:
        steps = json.loads(again.out)["steps"]
        attempts = {id: step["attempts"] for id, step in steps.items()}
        assert attempts == {"seed": 1, "load/clean": 1, "load/tell": 2, "load": 2, "report": 1}


def test_cosmetic_changes_within_do_not_keep_a_run_from_going_on(unfinished: Path) -> None:
    (unfinished / "good").touch()
    edited(
        unfinished / "part/load.yaml",
        ("  tell: {", "  # said\n  tell: {description: tells, priority: 3, "),
        ("name: load", "name: other"),
    )
    edited(unfinished / "main.yaml", ("    needs: [seed]", "    needs: [seed]\n    priority: 7"))
    told = run(unfinished)
    assert told["status"] == "succeeded"
    assert told["steps"]["load/clean"]["attempts"] == 1
    assert told["outputs"] == {"rows": 2}


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("part/load.yaml", "n >= ", "n > ", "step `load/clean` has changed"),
        ("part/load.yaml", "pwd; ", "", "step `load/tell` has changed"),
        ("part/load.yaml", "steps.clean.written,", "steps.clean.read,", "step `load` has changed"),
        ("main.yaml", "default: 2", "default: 2}, more: {type: integer, default: 1", ""),
        ("main.yaml", '"{{ params.least }}"', "3", "step `load/clean` has changed"),
        ("main.yaml", "needs: [seed]", "needs: [seed]\n    if: run.id = ''", "`load` has changed"),
    ],
)
def test_a_change_within_is_refused_by_the_step(
    unfinished: Path, file: str, old: str, new: str, named: str
) -> None:
    (unfinished / "good").touch()
    edited(unfinished / file, (old, new))
    told = flowctl(unfinished, "run", "main.yaml")
    assert told.code == (4 if named else 0), told.err
    assert named in told.err


def test_the_first_records_of_a_step_within(project: Path) -> None:
    (project / "part/in.csv").write_text("n\n1\n5\n")
    told = flowctl(project, "preview", "main.yaml", "load/clean")
    assert told.code == 0, told.err
    assert told.out.startswith("load/clean\n")
    assert "5" in told.out


def test_rejects_of_a_step_within_are_replayed(project: Path) -> None:
    (project / "good").touch()
    edited(
        project / "part/load.yaml",
        ("columns: {n: int64}", "columns: {n: int64}, on_error: reject"),
        ("    sink:", "    rejects: {ndjson: out/rejects.ndjson}\n    sink:"),
    )
    edited(project / "main.yaml", ("1\\n2\\n3", "1\\nx\\n3"))
    assert run(project)["status"] == "succeeded"
    rejects = project / "part/out/rejects.ndjson"
    mended = project / "mended.ndjson"
    mended.write_text(rejects.read_text().replace('"record":"x"', '"record":"7"'))
    told = flowctl(project, "run", "main.yaml", "--replay", "mended.ndjson")
    assert told.code == 0, told.err
    assert (project / "part/out/clean.csv").read_text() == "n\n3\n7\n"
    assert rejects.read_text() == ""
    again = flowctl(project, "run", "main.yaml", "--replay", "mended.ndjson")
    assert "nothing is left to replay" in again.err


def test_a_part_of_a_run_hands_on_nothing(project: Path) -> None:
    """`load` is not among the steps of such a run, and what is within it runs all the same."""
    (project / "good").touch()
    assert run(project)["outputs"] == {"rows": 2}
    told = run(project, "--only", "load/clean")
    assert (told["status"], told["outputs"]) == ("succeeded", {})
    assert told["steps"]["load/clean"]["written"] == 2
    again = run(project, "--from", "load")
    assert again["steps"]["seed"]["attempts"] == 0
    assert again["steps"]["load/clean"]["attempts"] == again["steps"]["report"]["attempts"] == 1
    assert again["outputs"] == {"rows": 2}


def test_fan_outs_within_hand_on_lists(project: Path) -> None:
    (project / "good").touch()
    outputs = ("outputs: {rows", "outputs: {each: steps.each.outputs.n, rows")
    edited(project / "part/load.yaml", ("  tell:", EACH + "  tell:"), outputs)
    told = run(project)
    assert told["status"] == "succeeded"
    assert told["steps"]["load"]["outputs"]["each"] == [6, 10]


def test_an_output_of_the_run_without_value_fails_it(project: Path) -> None:
    (project / "good").touch()
    edited(
        project / "main.yaml", ("rows: steps.load.outputs.rows", "rows: 1 // steps.seed.exit_code")
    )
    told = flowctl(project, "run", "main.yaml")
    assert told.code == 1
    assert "main.yaml:12:17: error[E712]: " in told.err
