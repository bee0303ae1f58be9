"""`flowctl watch` as a process, with files edited as editors do it."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

PATIENCE = 30.0
FLOW = """\
flowctl: 1
name: watched
steps:
  clean:
    source: {csv: data/*.csv}
    transforms:
      - filter: a > 1
    sink: {csv: build/clean.csv}
  late:
    source: {step: clean}
    transforms:
      - limit: 2
    sink: {csv: build/late.csv}
"""


class Watched:
    """The process, and what it has said so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flowctl", "watch", "flow.yaml"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def until(self, wanted: str) -> list[str]:
        """The lines up to the one that holds this text."""
        seen: list[str] = []
        while True:
            try:
                seen.append(self._lines.get(timeout=PATIENCE))
            except queue.Empty:
                pytest.fail(f"no line holds {wanted!r}:\n" + "\n".join(seen))
            if wanted in seen[-1]:
                return seen

    def write(self, text: str, name: str = "flow.yaml") -> None:
        """Save in place."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def replace(self, text: str, name: str = "flow.yaml") -> None:
        """Save as many editors do: write aside, then rename."""
        aside = self.folder / f"{name}.new"
        aside.write_text(text, encoding="utf-8")
        aside.replace(self.folder / name)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "1.csv").write_text("a,b\n1,x\n2,y\n", encoding="utf-8")
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    process = Watched(tmp_path)
    process.until("watching flow.yaml: ok, 2 steps")
    yield process
    process.process.kill()
    process.process.wait()
    assert process.process.stdout is not None
    process.process.stdout.close()


def test_says_what_changed(watched: Watched) -> None:
    watched.write(FLOW.replace("a > 1", "a > 2"))
    watched.until("flow.yaml saved: ok, 2 steps changed")
    assert watched.until("reads clean") == [
        "  ~ clean",
        "      filter: a > 1 → a > 2",
        "  ~ late",
        "      reads clean",
    ]
    watched.replace(FLOW.replace("a > 1", "a > 2") + "  more:\n    run: make\n")
    watched.until("flow.yaml saved: ok, 1 step changed")
    watched.until("  + more")
    watched.write(FLOW.replace("a > 1", "a > 2") + "  more:\n    # a comment\n    run: make\n")
    watched.until("flow.yaml saved: ok, nothing changed in the plan")
    watched.write(FLOW)
    watched.until("  - more")


def test_survives_faults_and_says_when_they_are_mended(watched: Watched) -> None:
    watched.write(FLOW.replace("a > 1", "aa > 1"))
    said = watched.until("flow.yaml saved: not valid")
    assert any(line.startswith("flow.yaml:7:") and "error[E" in line for line in said)
    watched.replace(FLOW.replace("steps:", "steps: ["))
    watched.until("flow.yaml saved: not valid")
    watched.write("\x00")
    watched.until("flow.yaml saved: not valid")
    watched.replace(FLOW)
    watched.until("flow.yaml saved: ok, the plan is as it was before")


def test_survives_a_deleted_file(watched: Watched) -> None:
    (watched.folder / "flow.yaml").unlink()
    watched.until("flow.yaml is gone: not valid")
    watched.write(FLOW)
    watched.until("flow.yaml saved: ok, the plan is as it was before")


def test_follows_references_and_globs(watched: Watched) -> None:
    watched.write("a > 5\n", "condition.txt")
    watched.write(FLOW.replace("a > 1", "\"{{ file('condition.txt') | trim }}\""))
    watched.until("      filter: a > 1 → a > 5")
    watched.until("reads clean")
    watched.replace("a > 6\n", "condition.txt")
    watched.until("condition.txt saved: ok, 2 steps changed")
    watched.until("reads clean")
    text = FLOW.replace("{csv: data/*.csv}", "\n      csv: \"{{ glob('data/*.csv') }}\"")
    watched.write(text)
    watched.until("reads clean")
    watched.write("a,b\n7,z\n", "data/2.csv")
    watched.until("2.csv saved: ok, 2 steps changed")
    said = watched.until("reads clean")
    assert any("data/1.csv, data/2.csv" in line for line in said)


def test_ctrl_c_ends_it_quietly(watched: Watched) -> None:
    watched.process.send_signal(signal.SIGINT)
    assert watched.process.wait(PATIENCE) == 130
    assert "Traceback" not in "\n".join(watched._lines.get() for _ in range(watched._lines.qsize()))
