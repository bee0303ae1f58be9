"""`flowctl runs …`: what has been run, reaching what runs, and running again what failed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout, suppress
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from flowctl.cli.main import main

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
# `gate` waits for somebody to write into the pipe; `mended` decides whether `breaks` does.
FLOW = """\
flowctl: 1
name: flow
params: {n: {type: integer, default: 1}, note: {type: string, default: "ä b"}}
steps:
  first: {run: "echo ran >> first.txt; echo hello ${{ run.id }}"}
  breaks: {run: "echo ran >> breaks.txt; test -e mended", needs: [first]}
  after: {run: "echo ran >> after.txt", needs: [breaks]}
  tells: {run: "echo ran >> tells.txt", needs: [breaks], if: always()}
  apart: {run: "echo ran >> apart.txt"}
"""
GATED = """\
flowctl: 1
name: gated
steps:
  gate: {run: "echo $$ > pid; echo up; read _ < go; echo through"}
  next: {run: "echo next >> next.txt", needs: [gate]}
"""


def flowctl(folder: Path, *arguments: str, code: int = 0) -> str:
    """What the command prints on stdout, or on stderr where it is to fail."""
    out, err = (TextIOWrapper(BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with chdir(folder), redirect_stdout(out), redirect_stderr(err):
        done = main(arguments)
    for stream in (out, err):
        stream.seek(0)
    told = err.read()
    assert done == code, told
    return told if code else out.read()


def as_json(folder: Path, *arguments: str) -> Any:
    return json.loads(flowctl(folder, "runs", *arguments, "--format", "json"))


def lines(folder: Path, name: str) -> int:
    path = folder / f"{name}.txt"
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    (tmp_path / "gated.yaml").write_text(GATED, encoding="utf-8")
    os.mkfifo(tmp_path / "go")
    return tmp_path


@contextmanager
def at_work(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The gated workflow, whose first step waits at its gate."""
    program = [sys.executable, "-m", "flowctl", "run", "gated.yaml"]
    with subprocess.Popen(program, cwd=folder, env=ENVIRONMENT, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b"gate | up\n" in iter(process.stderr.readline, b"")
        try:
            yield process
        finally:
            killed(folder, process)


def killed(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Nothing is left of the process and of its command, which would still wait at the gate."""
    process.kill()
    process.wait()
    with suppress(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), signal.SIGKILL)


def test_nothing_was_run(folder: Path) -> None:
    assert flowctl(folder, "runs", "list") == "no runs\n"
    assert "nothing has been run here" in flowctl(folder, "runs", "show", "last", code=2)


def test_what_a_run_was_is_kept(folder: Path) -> None:
    flowctl(folder, "run", "flow.yaml", "-p", "n=3", "--keep-going", code=1)
    (listed,) = as_json(folder, "list")
    assert listed["status"] == "failed"
    assert listed["params"] == {"n": 3, "note": "ä b"}
    shown = as_json(folder, "show", "last")
    steps = shown["steps"]
    assert {id: step["status"] for id, step in steps.items()} == {
        "first": "succeeded",
        "breaks": "failed",
        "after": "skipped",
        "tells": "succeeded",
        "apart": "succeeded",
    }
    (attempt,) = steps["breaks"]["tries"]
    assert (attempt["attempt"], attempt["status"], attempt["exit_code"]) == (1, "failed", 1)
    assert attempt["began"] <= attempt["ended"]
    (session,) = shown["sessions"]
    assert session["provenance"]["python"] == sys.version.split()[0]
    assert session["provenance"]["packages"]["polars"]
    text = flowctl(folder, "runs", "show", "last")
    assert 'param       note = "ä b"' in text
    assert re.search(r"^breaks +failed +1 +[\d:]+ +\d.* 1$", text, re.MULTILINE)
    assert max(map(len, flowctl(folder, "runs", "list").splitlines())) <= 80


def test_a_commit_is_kept(folder: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "flow.yaml"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    (folder / "mended").touch()
    flowctl(folder, "run", "flow.yaml")
    place = as_json(folder, "show", "last")["sessions"][0]["provenance"]
    head = subprocess.run([*git, "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True)
    assert (place["commit"], place["dirty"]) == (head.stdout.strip(), False)
    (folder / "flow.yaml").write_text(FLOW + "# more\n", encoding="utf-8")
    flowctl(folder, "run", "flow.yaml")
    assert as_json(folder, "show", "last")["sessions"][0]["provenance"]["dirty"] is True


def test_runs_are_found(folder: Path) -> None:
    (folder / "mended").touch()
    for number in "12":
        flowctl(folder, "run", "flow.yaml", "-p", f"n={number}")
    newest, oldest = as_json(folder, "list")
    assert [one["params"]["n"] for one in (newest, oldest)] == [2, 1]
    assert [run["run"] for run in as_json(folder, "list", "--limit", "1")] == [newest["run"]]
    assert as_json(folder, "list", "--status", "failed") == []
    assert as_json(folder, "list", "--workflow", "gated") == []
    assert len(as_json(folder, "list", "--workflow", "flow.yaml", "--since", "1h")) == 2
    assert as_json(folder, "list", "--since", "2999-01-01") == []
    assert as_json(folder, "show", "last")["run"] == newest["run"]
    assert as_json(folder, "show", oldest["run"])["run"] == oldest["run"]
    assert "2 runs begin with" in flowctl(folder, "runs", "show", newest["run"][:4], code=2)
    assert "there is no run `x`" in flowctl(folder, "runs", "show", "x", code=2)
    assert "neither an age" in flowctl(folder, "runs", "list", "--since", "soon", code=2)


def test_differences_of_two_runs(folder: Path) -> None:
    (folder / "mended").touch()
    flowctl(folder, "run", "flow.yaml")
    flowctl(folder, "run", "flow.yaml")
    first, second = (run["run"] for run in as_json(folder, "list"))
    same = flowctl(folder, "runs", "diff", first, second)
    assert same.splitlines()[1:] == ["no differences"]
    (folder / "mended").unlink()
    (folder / "flow.yaml").write_text(FLOW.replace("echo hello", "echo bye"), encoding="utf-8")
    flowctl(folder, "run", "flow.yaml", "-p", "n=2", code=1)
    told = as_json(folder, "diff", first, "last")
    assert told["params"] == {"params.n": [1, 2]}
    assert told["outputs"]["breaks.status"] == ["succeeded", "failed"]
    assert "first: changed" in told["plan"]
    text = flowctl(folder, "runs", "diff", first, "last")
    assert "  params.n: 1 → 2\n" in text
    assert "  breaks.exit_code: 0 → 1\n" in text


def test_logs(folder: Path) -> None:
    (folder / "mended").touch()
    flowctl(folder, "run", "flow.yaml")
    name = as_json(folder, "show", "last")["run"]
    assert flowctl(folder, "runs", "logs", "last", "first") == f"hello {name}\n"
    assert flowctl(folder, "runs", "logs", "last") == f"first | hello {name}\n"
    assert "has no step `frist`; did you mean `first`?" in flowctl(
        folder, "runs", "logs", "last", "frist", code=2
    )


def test_logs_are_followed_until_the_run_has_ended(folder: Path) -> None:
    program = [sys.executable, "-m", "flowctl", "runs", "logs", "last", "gate", "-f"]
    with (
        at_work(folder) as process,
        subprocess.Popen(program, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE) as following,
    ):
        assert following.stdout is not None
        assert following.stdout.readline() == b"up\n"
        (folder / "go").write_text("x\n")
        assert following.stdout.read() == b"through\n"
        assert following.wait() == 0
        assert process.wait() == 0


def test_retry_runs_what_failed_and_what_depends_on_it(folder: Path) -> None:
    flowctl(folder, "run", "flow.yaml", "-p", "n=7", "--keep-going", code=1)
    (folder / "mended").touch()
    flowctl(folder, "runs", "retry", "last")
    shown = as_json(folder, "show", "last")
    assert shown["status"] == "succeeded"
    assert shown["params"]["n"] == 7
    counts = {id: lines(folder, id) for id in ("first", "breaks", "after", "tells", "apart")}
    assert counts == {"first": 1, "breaks": 2, "after": 1, "tells": 2, "apart": 1}
    assert {id: step["attempts"] for id, step in shown["steps"].items()} == counts
    assert len(shown["steps"]["breaks"]["tries"]) == 2
    assert len(as_json(folder, "list")) == 1
    assert "there is nothing to mend" in flowctl(folder, "runs", "retry", "last", code=2)


def test_retry_is_refused_where_what_has_succeeded_means_something_else(folder: Path) -> None:
    flowctl(folder, "run", "flow.yaml", code=1)
    (folder / "flow.yaml").write_text(FLOW.replace("echo hello", "echo bye"), encoding="utf-8")
    assert "step `first` has changed" in flowctl(folder, "runs", "retry", "last", code=4)
    (folder / "flow.yaml").write_text(FLOW.replace("test -e mended", "true"), encoding="utf-8")
    flowctl(folder, "runs", "retry", "last")
    assert lines(folder, "first") == 1


def test_a_killed_run_is_interrupted_and_goes_on(folder: Path) -> None:
    with at_work(folder) as process:
        assert as_json(folder, "list")[0]["status"] == "running"
        killed(folder, process)
    (listed,) = as_json(folder, "list")
    assert listed["status"] == "interrupted"
    assert as_json(folder, "list", "--status", "interrupted") == [listed]
    assert "interrupted: there is nothing to pause" in flowctl(
        folder, "runs", "pause", "last", code=2
    )
    with subprocess.Popen(
        [sys.executable, "-m", "flowctl", "runs", "resume", "last"],
        cwd=folder,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
    ) as going_on:
        (folder / "go").write_text("x\n")
        assert going_on.stderr is not None
        told = going_on.stderr.read().decode()
        assert going_on.wait() == 0, told
    shown = as_json(folder, "show", "last")
    assert shown["steps"]["gate"]["attempts"] == 2
    assert [one["status"] for one in shown["steps"]["gate"]["tries"]] == [
        "interrupted",
        "succeeded",
    ]
    assert len(shown["sessions"]) == 2


def test_pause_and_resume_reach_another_process(folder: Path) -> None:
    with at_work(folder) as process:
        assert "is running, not paused" in flowctl(folder, "runs", "resume", "last", code=2)
        assert "is paused" in flowctl(folder, "runs", "pause", "last")
        assert as_json(folder, "list")[0]["status"] == "paused"
        assert "paused already" in flowctl(folder, "runs", "pause", "last", code=2)
        (folder / "go").write_text("x\n")
        while as_json(folder, "show", "last")["steps"]["gate"]["status"] == "running":
            pass
        assert lines(folder, "next") == 0
        assert process.poll() is None
        assert "goes on" in flowctl(folder, "runs", "resume", "last")
        assert process.wait() == 0
    assert lines(folder, "next") == 1
    for verb, why in (("pause", "has succeeded"), ("cancel", "cannot be"), ("resume", "cannot go")):
        assert why in flowctl(folder, "runs", verb, "last", code=2)


def test_cancel_reaches_another_process(folder: Path) -> None:
    with at_work(folder) as process:
        assert "is cancelled" in flowctl(folder, "runs", "cancel", "last")
        assert process.wait() == 1
    assert as_json(folder, "list")[0]["status"] == "cancelled"
    assert "is cancelled already" in flowctl(folder, "runs", "cancel", "last", code=2)
    assert "was cancelled and cannot go on" in flowctl(folder, "runs", "resume", "last", code=2)
    with at_work(folder):
        assert [run["status"] for run in as_json(folder, "list")] == ["running", "cancelled"]


def test_a_dead_run_is_cancelled(folder: Path) -> None:
    with at_work(folder):
        pass
    flowctl(folder, "runs", "cancel", "last")
    shown = as_json(folder, "show", "last")
    assert (shown["status"], shown["resumable"]) == ("cancelled", False)
    assert {step["status"] for step in shown["steps"].values()} == {"cancelled"}


def test_prune_frees_what_is_kept(folder: Path) -> None:
    (folder / "mended").touch()
    for _ in range(3):
        flowctl(folder, "run", "flow.yaml")
    with at_work(folder):
        pass
    unfinished, newest, *old = (run["run"] for run in as_json(folder, "list"))
    assert "say what to forget" in flowctl(folder, "runs", "prune", code=2)
    assert (
        flowctl(folder, "runs", "prune", "--keep", "1", "--older-than", "1d") == "forgot 0 runs\n"
    )
    told = flowctl(folder, "runs", "prune", "--keep", "2", "--dry-run")
    assert told.splitlines() == [f"would forget {run}" for run in reversed(old)]
    assert flowctl(folder, "runs", "prune", "--keep", "2") == "forgot 2 runs\n"
    assert {path.name for path in (folder / ".flowctl" / "runs").iterdir()} == {unfinished, newest}
    assert flowctl(folder, "runs", "prune", "--keep", "0") == "forgot 1 run\n"
    assert [run["run"] for run in as_json(folder, "list")] == [unfinished]
    assert flowctl(folder, "runs", "prune", "--keep", "0", "--unfinished") == "forgot 1 run\n"
    assert flowctl(folder, "runs", "list") == "no runs\n"
    assert "0 runs: the store is whole" in flowctl(folder, "runs", "verify")


def test_a_damaged_store_is_told_with_what_to_do(folder: Path) -> None:
    (folder / "mended").touch()
    flowctl(folder, "run", "flow.yaml")
    assert "1 run: the store is whole" in flowctl(folder, "runs", "verify")
    (folder / ".flowctl" / "runs.db").write_bytes(b"no database" * 1000)
    for arguments in (["runs", "list"], ["runs", "verify"], ["run", "flow.yaml"]):
        told = flowctl(folder, *arguments, code=1)
        assert "the run store is damaged" in told
        assert "mv " in told
