"""What the README shows is what happens: its sessions are run, its commands exist.

`pytest tests/test_readme.py --update` writes the sessions anew.
"""

from __future__ import annotations

import json
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
FLAGS = re.MULTILINE | re.DOTALL
SESSION = re.compile(r"^```console\n(.*?)^```$", FLAGS)
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


def test_the_workflow_on_where_records_come_from(tmp_path: Path) -> None:
    (workflow,) = (
        block
        for block in re.findall(r"^```yaml\n(.*?)^```$", README.read_text(encoding="utf-8"), FLAGS)
        if "name: sales" in block
    )
    (tmp_path / "sales.yaml").write_text(workflow, encoding="utf-8")
    (tmp_path / "prices.csv").write_text("sku,price\ntea,4.5\ncup,7\n")
    (tmp_path / "pricing.py").write_text(
        "import polars as pl\n\n\ndef tidy(frame: pl.DataFrame) -> pl.DataFrame:\n"
        "    cost = pl.col('quantity') * pl.col('price')\n"
        "    return frame.select(pl.col('sku').str.to_uppercase(), 'day', 'so_far', cost=cost)\n"
    )
    ordered(tmp_path / "orders", "2024-03-01", [(1, "tea", 3), (2, "cup", 1)])
    ordered(tmp_path / "orders", "2024-03-02", [(3, "tea", 2)])
    ordered(tmp_path / "returns", "2024-03-01", [(1, "tea", -1)])
    assert [*played("$ flowctl run sales.yaml\n", tmp_path)][-1].endswith("succeeded")
    days = (tmp_path / "build" / "days.csv").read_text()
    assert days == "day,tea,cup\n2024-03-01,9.0,7.0\n2024-03-02,9.0,\n"
    lines = (tmp_path / "build" / "priced.ndjson").read_text().splitlines()
    assert [json.loads(line)["so_far"] for line in lines] == [2, 1, 4, 2]  # equal in `order`


def test_the_program(tmp_path: Path) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), FLAGS)
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    command = [sys.executable, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    fault, *progress, last = done.stdout.splitlines()
    assert re.search(r"flights.yaml:\d+:\d+: error\[E309\]: ", fault)
    assert any(line.startswith("clean ") for line in progress)
    assert last.startswith("succeeded ")
    assert done.stderr == ""


def ordered(folder: Path, day: str, orders: list[tuple[int, str, int]]) -> None:
    """Puts a day's orders into a folder of their own."""
    (folder / f"day={day}").mkdir(parents=True)
    records = [dict(zip(("id", "sku", "quantity"), order, strict=True)) for order in orders]
    (folder / f"day={day}" / "a.json").write_text(json.dumps(records))


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
