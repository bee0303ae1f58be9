"""Wherever a process dies, no success is taken but the last thing that the step has done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.caching.dying import MOMENTS
from tests.caching.project import Project

ROOT = Path(__file__).parents[2]
FLOW = """\
flowctl: 1
name: dying
steps:
  a:
    run: |
      cat in.txt > out.txt
      echo ran >> times
      if test -e fatal; then rm fatal; kill -9 $PPID; fi
    cache: {inputs: [in.txt], outputs: [out.txt]}
"""


def die(project: Project, moment: str) -> None:
    """The next run dies so."""
    project.runs += 1
    program = [sys.executable, "-W", "ignore", "-m", "tests.caching.dying"]
    done = subprocess.run(
        [*program, str(project.base), moment, str(project.runs)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("moment", [*MOMENTS, "midst of the step"])
def test_an_input_that_comes_back_after_a_death(project: Project, moment: str) -> None:
    """The run before the death was of the same input, and its outputs look the same.

    What the one that died has done besides, nobody knows: the step runs, unless it had not begun.
    """
    project.write("flow.yaml", FLOW)
    project.write("in.txt", "A")
    assert project.statuses() == {"a": "succeeded"}
    project.write("in.txt", "B")
    if moment == "midst of the step":
        project.write("fatal", "")
        die(project, "before keep")
    else:
        die(project, moment)
    other = Project(project.base, runs=project.runs)
    if moment in ("after keep", "after told"):
        assert other.statuses() == {"a": "cached"}, "it had come to its end, and that was kept"
    project.write("in.txt", "A")
    project.write("out.txt", "A")
    expected = "cached" if moment == "before begin" else "succeeded"
    assert other.statuses() == {"a": expected}
    assert (project.base / "out.txt").read_text() == "A"
    assert other.statuses() == {"a": "cached"}


@pytest.mark.parametrize("moment", ["after begin", "before keep", "after keep", "after told"])
def test_the_run_that_died_goes_on_with_the_step_itself(project: Project, moment: str) -> None:
    """What it had begun it does again, and asks nobody; another run of it counts meanwhile."""
    project.write("flow.yaml", FLOW)
    project.write("in.txt", "A")
    die(project, moment)
    project.write("in.txt", "B")
    other = Project(project.base, runs=5)
    assert other.statuses() == {"a": "succeeded"}
    project.runs -= 1
    before = (project.base / "times").read_text()
    assert project.statuses() == {"a": "succeeded"}
    assert (project.base / "times").read_text() == before + "ran\n"
    assert other.statuses() == {"a": "cached"}


def test_what_was_taken_stays_taken_when_the_run_goes_on(project: Project) -> None:
    """Others of the run stand on it, so it is not looked at again."""
    more = "  b:\n    run: cat out.txt > b.txt\n    needs: [a]\n"
    project.write("flow.yaml", FLOW + more + "    cache: {inputs: [b.in], outputs: [b.txt]}\n")
    project.write("in.txt", "A")
    project.write("b.in", "1")
    assert project.statuses() == {"a": "succeeded", "b": "succeeded"}
    project.write("b.in", "2")
    die(project, "before keep")
    project.write("in.txt", "B")
    times = (project.base / "times").read_text()
    project.runs -= 1
    result = project.run()
    assert {id: step.status for id, step in result.steps.items()} == {
        "a": "cached",
        "b": "succeeded",
    }
    assert result.resumed_from is not None
    assert {id: one.ended for id, one in result.resumed_from.items()} == {"a": True}
    assert (project.base / "times").read_text() == times
