"""What the README shows is what happens: its sessions are run, its commands exist.

`pytest tests/test_readme.py --update` writes the sessions anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowctl.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BIN = Path(sys.executable).parent
SESSION = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What differs from run to run, and from machine to machine.
PASSING = (
    (re.compile(r"\d{8}T\d{6}Z-\w+"), "RUN"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s)\b"), "TIME"),
    (re.compile(r" +"), " "),
)


def sessions() -> list[str]:
    """The sessions that the README shows."""
    return SESSION.findall(README.read_text(encoding="utf-8"))


def steady(text: str) -> list[str]:
    """The lines of a text without what differs from run to run."""
    for pattern, word in PASSING:
        text = pattern.sub(word, text)
    return [line.rstrip() for line in text.splitlines() if " rows/s" not in line]


def played(session: str, folder: Path) -> Iterator[str]:
    """A session's commands with what they print now; the shell's folder goes along with `cd`."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    for line in session.splitlines():
        if not line.startswith("$ "):
            continue
        yield line
        command = line.removeprefix("$ ")
        if command.startswith("cd "):
            folder = folder / command.removeprefix("cd ")
            continue
        result = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        yield from result.stdout.splitlines()


@pytest.mark.parametrize("number", range(len(sessions())))
def test_session(number: int, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    session = sessions()[number]
    now = "\n".join(played(session, tmp_path)) + "\n"
    if request.config.getoption("--update"):
        text = README.read_text(encoding="utf-8")
        README.write_text(text.replace(f"```console\n{session}", f"```console\n{now}"))
        session = now
    assert steady(now) == steady(session)


def test_every_command_is_named() -> None:
    text = README.read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"flowctl {name}" not in text and name not in text] == []


def test_the_line_that_runs_a_sample_names_what_is_there() -> None:
    (line,) = (
        line
        for line in README.read_text(encoding="utf-8").splitlines()
        if "pip install -q ." in line
    )
    workflow = line.split()[-1]
    assert line.strip().startswith("python3 -m venv")
    assert (ROOT / workflow).is_file()


def test_continuous_integration_runs_the_line_of_the_readme() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.endswith("-m tests")]) == 1
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "README.md" in script
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
