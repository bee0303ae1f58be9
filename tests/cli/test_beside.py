"""The helper of a run that starts: a real child, seen from a process without threads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, sys
from functools import partial
from flowctl.cli.beside import Helper

def children():
    return open(f"/proc/self/task/{os.getpid()}/children").read().split()

def whose(): return os.getpid()
def fails(): raise ValueError("here") if os.getpid() == here else KeyError("there")
here = os.getpid()
"""


def does(program: str) -> str:
    command = [sys.executable, "-c", PROGRAM + program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="reads the children from /proc")
@pytest.mark.parametrize(
    ("program", "told"),
    [
        (
            "h = Helper(whose); r = h.ask(whose); h.begin(); r(); h.leave(); print(children())",
            "[]",
        ),
        ("h = Helper(); r = h.ask(whose); h.begin(); print(r() == here)", "True"),
        ("h = Helper(whose); print(len(children())); h.dismiss(); print(children())", "1\n[]"),
        (
            "h = Helper(whose); h.ask(whose); h.begin(); print(h.ask(whose)() == here)",
            "True",
        ),
        ("h = Helper(whose); h.leave(); print(len(children()))", "1"),
        ("h = Helper(whose); h.dismiss(); r = h.ask(whose); h.begin(); print(r() == here)", "True"),
        (
            "h = Helper(fails); r = h.ask(whose); h.begin(); print(r() == here, children())",
            "True []",
        ),
    ],
)
def test_a_child_works_and_ends(program: str, told: str) -> None:
    assert does(program) == told


def test_more_than_a_pipe_holds_in_both_directions() -> None:
    """Neither waits for the other to read."""
    told = does(
        """
h = Helper(whose)
long = h.ask(partial(bytes, 1 << 20)), h.ask(partial(len, b"x" * (1 << 20))), h.ask(whose)
h.begin()
print(len(long[0]()), long[1](), long[2]() != here)
"""
    )
    assert told == "1048576 1048576 True"


def test_a_work_that_fails_is_done_here() -> None:
    told = does(
        """
h = Helper(whose)
first, second, third = h.ask(whose), h.ask(fails), h.ask(whose)
h.begin()
print(first() != here)
try:
    second()
except ValueError as error:
    print(error)
print(third() == here)
"""
    )
    assert told == "True\nhere\nTrue"


@pytest.mark.skipif(sys.platform != "linux", reason="reads the children from /proc")
@pytest.mark.parametrize("arguments", [["plan.json"], ["flow.yaml"]])
def test_a_run_at_work_has_no_child_but_its_command(tmp_path: Path, arguments: list[str]) -> None:
    flow = "flowctl: 1\nsteps:\n  s:\n    run: 'cat /proc/$PPID/task/$PPID/children > seen'\n"
    (tmp_path / "flow.yaml").write_text(flow, encoding="utf-8")
    flowctl = [sys.executable, "-m", "flowctl"]
    subprocess.run([*flowctl, "plan", "flow.yaml", "-o", "plan.json"], cwd=tmp_path, check=True)
    subprocess.run([*flowctl, "run", *arguments], cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "seen").read_text(encoding="utf-8") == ""
