"""Kills the command again and again while it follows a file that another process writes."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flowctl.interpreter.runs import Runs
from tests.crash.killing import ROOT, command
from tests.crash.writing import HEAD, record

FLOW = """\
flowctl: 1
name: followed
steps:
  all:
    source: {{csv: app.csv, follow: true, columns: {{n: int64, text: string}}}}
    transforms:
      - limit: {records}
    sink: [{{csv: out/all.csv, mode: append}}, {{parquet: out/all/}}]
"""
FIRST = 100


@dataclass(frozen=True)
class Followed:
    """A folder with a workflow that follows a file of so many records."""

    folder: Path
    records: int

    @classmethod
    def made(cls, folder: Path, records: int) -> Followed:
        (folder / "flow.yaml").write_text(FLOW.format(records=records), encoding="utf-8")
        (folder / "app.csv").write_text(HEAD + "".join(map(record, range(FIRST))))
        return cls(folder, records)

    def killed(self, way: str, seed: int, most: int) -> int:
        """Follows while the file is written and rotated; says how often it was killed."""
        chance = random.Random(seed)
        kills = 0
        with self._until(1):
            pass
        with writing(self.folder / "app.csv", self.records, way, seed) as writer:
            while kills < most and not self._ended(chance.randint(1, self.records * 4)):
                kills += 1
            if kills == most:
                with command(self.folder) as process:
                    assert process.wait(60) == 0
        assert writer.returncode == 0
        return kills

    def _ended(self, more: int) -> bool:
        """Follows until so many bytes more are published, and kills it, unless it has ended."""
        with self._until(self.published + more):
            pass
        return not Runs(self.folder / ".flowctl").unfinished()

    @contextmanager
    def _until(self, size: int) -> Iterator[subprocess.Popen[bytes]]:
        """The command, that has published so much or come to its end; then it is killed."""
        with command(self.folder) as process:
            until = time.monotonic() + 60
            while self.published < size and process.poll() is None:
                assert time.monotonic() < until, "nothing is published any more"
                time.sleep(0.01)
            try:
                yield process
            finally:
                process.send_signal(signal.SIGKILL)

    @property
    def published(self) -> int:
        path = self.folder / "out/all.csv"
        return path.stat().st_size if path.exists() else 0

    def judge(self) -> None:
        """Each record came once, in order, as in a run over the whole."""
        whole = HEAD + "".join(map(record, range(self.records)))
        assert (self.folder / "out/all.csv").read_text(encoding="utf-8") == whole
        parts: Sequence[Path] = sorted((self.folder / "out/all").glob("*.parquet"))
        numbers = pl.concat(pl.read_parquet(part) for part in parts)["n"]
        assert numbers.equals(pl.int_range(self.records, eager=True).alias("n"))
        assert not list(self.folder.rglob("*.part"))


def writing(path: Path, records: int, way: str, seed: int) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "tests.crash.writing", str(path), str(FIRST)]
    return subprocess.Popen([*program, str(records), way, str(seed)], cwd=ROOT)
