"""`incremental: true`: each file is read once by the runs of a workflow."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOW = """\
flowctl: 1
params: {least: {type: integer, default: 0}}
steps:
  new:
    source: {csv: in/, incremental: true}
    transforms: [{filter: n >= params.least}]
    sink: {csv: "out/{{ workflow.timestamp | date('%d') }}-{{ params.least }}.csv"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    (tmp_path / "in").mkdir()
    return tmp_path


def bring(folder: Path, name: str, *numbers: int) -> None:
    lines = "".join(f"{number}\n" for number in numbers)
    (folder / "in" / f"{name}.csv").write_text(f"n\n{lines}", encoding="utf-8")


def flowctl(folder: Path, day: int, *options: str) -> subprocess.CompletedProcess[str]:
    at = f"--timestamp=2024-01-{day:02}T00:00:00Z"
    return subprocess.run(
        [sys.executable, "-m", "flowctl", "run", "flow.yaml", "--format", "json", at, *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )


def read(folder: Path, day: int, *options: str) -> int:
    result = flowctl(folder, day, *options)
    assert result.returncode == 0, result.stderr
    found: int = json.loads(result.stdout)["steps"]["new"]["read"]
    return found


def test_each_run_reads_what_is_new(folder: Path) -> None:
    bring(folder, "b", 1, 2)
    assert read(folder, 1) == 2
    bring(folder, "a", 3)
    bring(folder, "c", 4, 5)
    assert read(folder, 2) == 3
    assert (folder / "out/02-0.csv").read_text() == "n\n3\n4\n5\n"
    os.utime(folder / "in/b.csv")
    assert read(folder, 3) == 0
    assert (folder / "out/03-0.csv").read_text() == "n\n"
    assert read(folder, 3, "-p", "least=2") == 5
    (folder / "in/b.csv").unlink()
    assert read(folder, 4) == 0


@pytest.mark.parametrize(
    ("text", "became"), [("n\n1\n2\n3\n", "grown"), ("n\n1\n", "become shorter"), ("n\n1\n3\n", "")]
)
def test_a_file_that_has_grown_is_refused(folder: Path, text: str, became: str) -> None:
    bring(folder, "b", 1, 2)
    assert read(folder, 1) == 2
    (folder / "in/b.csv").write_text(text, encoding="utf-8")
    bring(folder, "c", 4)
    result = flowctl(folder, 2)
    assert result.returncode == 1
    assert "error[E705]" in result.stderr
    assert f"`in/b.csv` has {became or 'changed'} since run" in result.stderr
    (anew,) = folder.glob(".flowctl/incremental/*")
    assert anew.relative_to(folder).as_posix() in "".join(result.stderr.split())
    shutil.rmtree(anew)
    assert read(folder, 2) == len(text.splitlines())


def test_a_run_that_fails_has_read_nothing(folder: Path) -> None:
    bring(folder, "b", 1)
    (folder / "out/01-0.csv").mkdir(parents=True)
    assert flowctl(folder, 1).returncode == 1
    assert read(folder, 1, "-p", "least=2") == 1
    (folder / "out/01-0.csv").rmdir()
    assert read(folder, 1) == 1


def test_standard_output_cannot_be_committed(folder: Path) -> None:
    bring(folder, "b", 1)
    flow = folder / "flow.yaml"
    flow.write_text(FLOW.split("    sink")[0] + "    sink: {stdout: csv}\n", encoding="utf-8")
    result = flowctl(folder, 1)
    assert result.returncode == 1
    assert "no run can tell whether what it has read has reached" in result.stderr
