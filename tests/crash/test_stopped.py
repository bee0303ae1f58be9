"""The real command, told to stop while it reads: it checkpoints, and goes on to the same bytes."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.crashing import Server

ROOT = Path(__file__).parents[2]
FLOW = """\
flowctl: 1
name: stopped
steps:
  clean:
    source: {csv: in.csv.gz, columns: {n: int64, text: string}}
    transforms:
      - filter: n % 7 > 2
    sink: [{csv: out/a.csv}, {parquet: out/b.parquet}]
  groups:
    source: {step: clean}
    transforms:
      - aggregate: {rows: count(*)}
        by: [n]
    sink: {csv: out/c.csv}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workflow with enough to read that nobody comes to its end before he is stopped."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    block = gzip.compress(b"".join(b"%d,some text\n" % (n % 5000) for n in range(100_000)), 1)
    (folder / "in.csv.gz").write_bytes(gzip.compress(b"n,text\n") + 50 * block)
    return folder


def published(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "out").glob("[!.]*")}


@pytest.mark.slow
def test_stopped_by_a_signal(project: Path, server: Server) -> None:
    assert server.command(project, "run", "flow.yaml").returncode == 0
    expected = published(project)
    assert len(expected) == 3
    for number in (signal.SIGTERM, signal.SIGINT):
        for path in (project / "out").iterdir():
            path.unlink()
        rows = stopped_while_reading(project, number)
        assert not published(project)
        told = server.command(project, "run", "flow.yaml", "--format", "json")
        assert told.returncode == 0, told.stderr
        assert json.loads(told.stdout)["resumed_from"]["clean"]["rows"] >= rows > 0
        assert published(project) == expected


def stopped_while_reading(project: Path, number: signal.Signals) -> int:
    """Sends a signal as soon as a split is written, and says how many rows were read by then."""
    program = [sys.executable, "-m", "flowctl", "run", "flow.yaml", "--log-format", "json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        program, cwd=project, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        events = (json.loads(line) for line in process.stderr)
        rows = next(event["rows"] for event in events if event.get("rows"))
        process.send_signal(number)
        last = [*events][-1]
        assert process.wait() == 130
    assert last["status"] == "cancelled"
    return int(rows)
