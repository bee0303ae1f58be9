"""`follow: true` as a user has it: real processes that write, follow, stop and go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[2]
FLOW = """\
flowctl: 1
name: followed
steps:
  heard:
    source: {ndjson: app.log, follow: true, columns: {n: int64, text: string?}, on_error: reject}
    transforms:
      - filter: n % 2 = 0
    sink: [{csv: out/even.csv, mode: append}, {ndjson: out/parts/, partition_by: [n]}]
    rejects: {ndjson: out/rejects.ndjson, mode: append}
"""


@dataclass(frozen=True)
class Folder:
    """A workflow's folder."""

    path: Path

    def write(self, *records: object, name: str = "app.log") -> None:
        with (self.path / name).open("a", encoding="utf-8") as file:
            file.write("".join(f"{json.dumps(record)}\n" for record in records))

    def read(self, name: str) -> str:
        path = self.path / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def flowctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "flowctl", *arguments]
        return subprocess.run(
            program, cwd=self.path, env=environment(), text=True, capture_output=True
        )

    @contextmanager
    def run(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """The command at work; whatever comes of it, it is gone afterwards."""
        program = [sys.executable, "-m", "flowctl", "run", "flow.yaml", *arguments]
        with subprocess.Popen(
            program, cwd=self.path, env=environment(), text=True, stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:  # fmt: skip
            try:
                yield process
            finally:
                process.kill()


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


def until(holds: Callable[[], bool], seconds: float = 60) -> float:
    """Waits until something holds; says how long that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, "it never came"
        time.sleep(0.01)
    return time.monotonic() - began


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    return Folder(tmp_path)


def test_followed_stopped_and_gone_on_with(folder: Folder) -> None:
    with folder.run("--log-format", "json") as process:
        told = process.stderr
        assert told is not None
        until(lambda: '"step_started"' in told.readline())  # the file is not there yet
        folder.write({"n": 1}, {"n": 2, "text": "a"}, {"n": "x"})
        until(lambda: folder.read("out/even.csv") == "n,text\n2,a\n")
        until(lambda: '"record":"{\\"n\\": \\"x\\"}"' in folder.read("out/rejects.ndjson"))
        took = []
        for n in range(4, 12, 2):
            folder.write({"n": n})
            line = f"\n{n},\n"
            took.append(until(lambda line=line: line in folder.read("out/even.csv")))  # type: ignore[misc]
        assert min(took) < 2
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert '"step_progress"' in told.read()
    shown = folder.flowctl("checkpoint", "show", "flow.yaml").stdout
    assert "app.log:8" in shown
    rewound = folder.flowctl("checkpoint", "rewind", "flow.yaml", "--to", "1")
    assert rewound.returncode == 2
    assert "`heard` follows its source" in rewound.stderr
    (folder.path / "app.log").rename(folder.path / "app.log.1")
    folder.write({"n": 12}, name="app.log.1")
    folder.write({"n": 14})
    with folder.run("--log-format", "json") as process:
        noticed = process.stderr
        assert noticed is not None
        until(lambda: folder.read("out/even.csv").endswith("12,\n14,\n"))
        until(lambda: '"E770"' in noticed.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130
    parts = pl.read_ndjson(folder.path / "out/parts/**/*.ndjson", schema={"text": pl.String})
    assert parts.height == 7
    assert folder.read("out/even.csv").count("\n") == 8


def test_paused_and_cancelled(folder: Folder) -> None:
    folder.write({"n": 2})
    with folder.run("--log-format", "json") as process:
        told = process.stderr
        assert told is not None
        run = json.loads(told.readline())["run"]
        until(lambda: bool(folder.read("out/even.csv")))
        folder.write({"n": 4})
        assert folder.flowctl("runs", "pause", run).returncode == 0
        until(lambda: '"run_paused"' in told.readline())
        until(lambda: folder.read("out/even.csv") in ("n,text\n2,\n", "n,text\n2,\n4,\n"))
        assert folder.flowctl("runs", "resume", run).returncode == 0
        until(lambda: folder.read("out/even.csv") == "n,text\n2,\n4,\n")
        assert folder.flowctl("runs", "cancel", run).returncode == 0
        process.wait(60)
    assert folder.read("out/even.csv") == "n,text\n2,\n4,\n"
    assert not list(folder.path.rglob("*.part"))
    assert "no unfinished run" in folder.flowctl("checkpoint", "show", "flow.yaml").stderr


def test_a_record_at_fault_is_where_it_goes_on(folder: Folder) -> None:
    """What came before it is published; mended, it is read with what follows."""
    flow = FLOW.replace(", on_error: reject", "").partition("    rejects")[0]
    (folder.path / "flow.yaml").write_text(flow.replace("n % 2 = 0", "n % 2 = 0\n      - limit: 3"))
    folder.write({"n": 2})
    with folder.run() as process:
        until(lambda: bool(folder.read("out/even.csv")))
        folder.write({"n": "oops"}, {"n": 6})
        assert process.wait(60) == 1
    text = folder.read("app.log")
    (folder.path / "app.log").write_text(text.replace('"oops"', "4"))
    ended = folder.flowctl("run", "flow.yaml")
    assert ended.returncode == 0, ended.stderr
    assert "resuming run" in ended.stderr
    assert folder.read("out/even.csv") == "n,text\n2,\n4,\n6,\n"


def test_idle_costs_next_to_nothing_and_standard_output_is_quick(folder: Folder) -> None:
    flow = "flowctl: 1\nname: w\nsteps:\n  s:\n    source: {text: app.log, follow: true}\n"
    (folder.path / "flow.yaml").write_text(flow + "    sink: {stdout: ndjson}\n")
    folder.write("a")
    with folder.run() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == '{"line":"\\"a\\""}\n'
        before = seconds_of(process.pid)
        time.sleep(1)
        assert seconds_of(process.pid) - before < 0.1
        folder.write("b")
        assert process.stdout.readline() == '{"line":"\\"b\\""}\n'
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def seconds_of(pid: int) -> float:
    """The processor time that a process has taken."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs /proc")
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
