"""`flowctl run` and `flowctl plan` as processes: streams, exit codes, interruption."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

FLOW = """\
flowctl: 1
name: greeting
params: {n: {type: integer, default: 0}}
steps:
  hello: {run: "echo hello ${{ params.n }}"}
  wrong: {run: "exit 3", if: params.n > 0}
  after: {run: "echo after", needs: [wrong]}
  apart: {run: "echo apart", needs: [hello]}
"""
WAITING = """\
flowctl: 1
name: waiting
steps:
  first: {run: "echo begun; exec sleep 60"}
  after: {run: "echo never", needs: [first]}
"""
SORTING = """\
flowctl: 1
steps:
  sorted:
    source: {csv: in.csv}
    transforms: [{sort: [v, k]}]
    sink: {csv: out.csv}
"""


def flowctl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flowctl", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    (tmp_path / "waiting.yaml").write_text(WAITING, encoding="utf-8")
    return tmp_path


def statuses(result: subprocess.CompletedProcess[str]) -> dict[str, str]:
    steps = json.loads(result.stdout)["steps"]
    return {id: step["status"] for id, step in steps.items()}


def test_nothing_but_data_goes_to_stdout(folder: Path) -> None:
    result = flowctl(folder, "run", "flow.yaml", "-p", "n=0")
    assert result.returncode == 0
    assert result.stdout == ""
    assert "hello | hello 0" in result.stderr.splitlines()
    assert result.stderr.splitlines()[-1].endswith(": succeeded")


def test_a_failed_step_exits_1_and_names_its_line(folder: Path) -> None:
    result = flowctl(folder, "run", "flow.yaml", "-p", "n=1", "--format", "json")
    assert result.returncode == 1
    assert "flow.yaml:6:16: error[E" in result.stderr
    assert json.loads(result.stdout)["status"] == "failed"
    assert statuses(result)["wrong"] == "failed"
    assert statuses(result)["after"] == "skipped"


def test_keep_going_runs_what_does_not_need_the_failure(folder: Path) -> None:
    result = flowctl(
        folder,
        "run",
        "flow.yaml",
        "-p",
        "n=1",
        "--keep-going",
        "--workers",
        "1",
        "--format",
        "json",
    )
    assert result.returncode == 1
    assert statuses(result) == {
        "hello": "succeeded",
        "wrong": "failed",
        "after": "skipped",
        "apart": "succeeded",
    }


def test_log_is_nothing_but_events(folder: Path) -> None:
    result = flowctl(folder, "run", "flow.yaml", "--log-format", "json")
    events = [json.loads(line)["event"] for line in result.stderr.splitlines()]
    assert events[0] == "run_started"
    assert events[-1] == "run_ended"


def test_a_plan_runs_without_its_workflow(folder: Path, tmp_path: Path) -> None:
    assert flowctl(folder, "plan", "flow.yaml", "-p", "n=7", "-o", "plan.json").returncode == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / "plan.json").rename(elsewhere / "plan.json")
    (folder / "flow.yaml").unlink()
    result = flowctl(elsewhere, "run", "plan.json")
    assert result.returncode == 1
    assert "hello | hello 7" in result.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "no plan"),
        ('{"format": 99}', "format 99"),
        ("\xff", "UTF-8"),
    ],
)
def test_what_is_no_plan_is_refused(folder: Path, text: str, message: str) -> None:
    (folder / "plan.json").write_text(text, encoding="latin-1")
    result = flowctl(folder, "run", "plan.json")
    assert result.returncode == 3
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_an_edited_plan_is_refused(folder: Path) -> None:
    flowctl(folder, "plan", "flow.yaml", "-o", "plan.json")
    text = (folder / "plan.json").read_text(encoding="utf-8")
    (folder / "plan.json").write_text(text.replace("echo after", "echo other"), encoding="utf-8")
    result = flowctl(folder, "run", "plan.json")
    assert result.returncode == 3
    assert "step `after`" in result.stderr


def test_options_that_do_not_fit_are_usage_errors(folder: Path) -> None:
    flowctl(folder, "plan", "flow.yaml", "-o", "plan.json")
    assert flowctl(folder, "run", "plan.json", "-p", "n=1").returncode == 2
    assert flowctl(folder, "run", "flow.yaml", "--base", ".").returncode == 2
    assert flowctl(folder, "run", "flow.yaml", "--timestamp", "soon").returncode == 2
    assert flowctl(folder, "run", "flow.yaml", "-p", "n").returncode == 2
    assert flowctl(folder, "run", "flow.yaml", "-p", "n=many").returncode == 3
    assert flowctl(folder, "run", "gone.yaml").returncode == 3
    assert flowctl(folder, "run", "gone.json").returncode == 3


def test_interruption_ends_what_runs_and_exits_130(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "flowctl", "run", "waiting.yaml", "--format", "json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    for awaited in ("first | begun", "stopping: "):
        assert any(awaited in line for line in iter(process.stderr.readline, ""))
        process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    result = json.loads(process.stdout.read())
    assert process.wait(30) == 130
    assert "Traceback" not in rest
    assert result["status"] == "cancelled"
    assert {step["status"] for step in result["steps"].values()} == {"cancelled"}
    process.stdout.close()
    process.stderr.close()


def test_plan_for_programs(folder: Path) -> None:
    found = json.loads(flowctl(folder, "plan", "flow.yaml", "--format", "json").stdout)
    assert found["digest"].startswith("sha256:")
    assert list(found["steps"]) == ["hello", "wrong", "after", "apart"]
    for step in found["steps"].values():
        assert step["digest"].startswith("sha256:")
        assert step["action"] == "run"
        assert step["why"]


def test_a_terminal_gets_colours_and_every_line(folder: Path) -> None:
    """On a real pseudo-terminal, where bars come and go."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "flowctl", "run", "flow.yaml"],
        cwd=folder,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", "NO_COLOR": ""},
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 1 << 16)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(leader)
    assert process.wait(30) == 0
    text = shown.decode()
    assert "hello | hello 0" in text
    assert "\x1b[32msucceeded" in text


@pytest.mark.parametrize("size", ["4", "lots", "120%", "1KB"])
def test_a_wrong_size_of_memory_is_a_usage_error(folder: Path, size: str) -> None:
    result = flowctl(folder, "run", "flow.yaml", "--max-memory", size)
    assert result.returncode == 2
    assert f"`{size}` is not a size such as `4GiB`" in result.stderr
    assert "25%" in result.stderr


def test_memory_changes_no_byte(folder: Path) -> None:
    rows = "k,v\n" + "".join(f"{n * 7919 % 100003},text {n % 1000:04}\n" for n in range(200_000))
    (folder / "in.csv").write_text(rows)
    (folder / "sorting.yaml").write_text(SORTING)
    written = []
    for size in ("64MiB", "50%"):
        assert flowctl(folder, "run", "sorting.yaml", "--max-memory", size).returncode == 0
        written.append((folder / "out.csv").read_bytes())
    assert written[0] == written[1]
