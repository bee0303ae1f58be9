"""Kills the real command at random moments until it has come to its end."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl

ROOT = Path(__file__).parents[2]
FLOW = """\
flowctl: 1
name: killed
steps:
  clean:
    source: {csv: in.csv.gz, columns: {price: float64}, on_error: reject}
    transforms:
      - filter: qty > 3
      - derive: {total: qty * price}
    sink: [{csv: out/clean.csv}, {parquet: out/clean.parquet}, {ndjson: out/clean.ndjson.zst}]
    rejects: {ndjson: out/rejects.ndjson}
  groups:
    source: {step: clean}
    transforms:
      - aggregate: {rows: count(*), total: sum(total)}
        by: [name]
    sink: {csv: out/groups.csv}
  sorted:
    source: {step: clean}
    transforms:
      - sort: [-total, id]
    sink: {parquet: out/sorted.parquet}
"""


@dataclass(frozen=True)
class Project:
    """A folder with a workflow and its input, and what it publishes when nothing is killed."""

    folder: Path
    expected: dict[str, bytes]
    seconds: float

    @classmethod
    def made(cls, folder: Path, rows: int) -> Project:
        (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
        number = pl.int_range(rows, eager=True)
        frame = pl.DataFrame({"id": number, "name": number % 977, "qty": number % 50})
        price = pl.when(pl.col("id") % 5000 == 7).then(pl.lit("?")).otherwise(pl.lit("1.5"))
        frame = frame.with_columns(price.alias("price"))
        frame.write_csv(folder / "in.csv.gz", compression="gzip")
        began = time.monotonic()
        assert command(folder).wait() == 0
        seconds = time.monotonic() - began
        return cls(folder, published(folder), seconds)

    def killed(self, seed: int, most: int = 30) -> int:
        """Kills the command, begins it again, and so on; says how often; nothing else differs."""
        shutil.rmtree(self.folder / "out")
        chance = random.Random(seed)
        for kills in range(most):
            with command(self.folder) as process:
                try:
                    process.wait(chance.uniform(0.1, 1.1) * self.seconds)
                except subprocess.TimeoutExpired:
                    process.send_signal(
                        chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGINT))
                    )
                else:
                    assert process.returncode == 0, f"seed {seed}, after {kills} kills"
                    break
        else:
            assert command(self.folder).wait() == 0
        assert published(self.folder) == self.expected, f"seed {seed}"
        assert not list(self.folder.rglob("*.part"))
        return kills


def command(folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "flowctl", "run", "flow.yaml"]
    return subprocess.Popen(program, cwd=folder, env=environment, stderr=subprocess.DEVNULL)


def published(folder: Path) -> dict[str, bytes]:
    files = (path for path in (folder / "out").iterdir() if not path.name.startswith("."))
    return {path.name: path.read_bytes() for path in sorted(files)}
