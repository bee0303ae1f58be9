"""Writes what was measured into the README, between two marks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.measuring import Held, Resumed, Speed

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- benchmarks -->\n", "<!-- end of benchmarks -->\n"


def write(
    megabytes: int,
    runs: int,
    speeds: Sequence[Speed],
    resumed: Sequence[Resumed],
    held: Sequence[Held],
) -> None:
    """Puts these figures in the place of those that stand there."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = "\n".join(_lines(megabytes, runs, speeds, resumed, held))
    README.write_text(f"{before}{BEGIN}{lines}\n{END}{after}", encoding="utf-8")


def _lines(
    megabytes: int,
    runs: int,
    speeds: Sequence[Speed],
    resumed: Sequence[Resumed],
    held: Sequence[Held],
) -> Iterator[str]:
    yield f"Whole processes with their start-up on {os.cpu_count()} cores, medians of {runs};"
    yield f"{megabytes / 1000:g} GB of CSV, or the same in the other format. Speed and CPU time are"
    yield "those of the better peer over flowctl's: more than 1 is in flowctl's favour."
    yield ""
    yield "| job | flowctl | Polars | DuckDB | speed | CPU | peak |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for one in speeds:
        ours, *peers = (one.costs[name] for name in ("flowctl", "polars", "duckdb"))
        walls = " | ".join(f"{cost.wall:.2f} s" for cost in (ours, *peers))
        cpu = min(cost.cpu for cost in peers) / ours.cpu
        yield f"| {one.job} | {walls} | {one.ratio:.2f} | {cpu:.2f} | {ours.peak:.0f} MB |"
    yield ""
    told = "; ".join(f"{one.ratio:.2f} ({one.job})" for one in resumed)
    yield f"Killed at half and resumed, the CPU time of both parts over that of one run: {told}."
    told = "; ".join(f"{one.peak:.0f} MB ({one.job})" for one in held)
    yield f"Peak memory with `--max-memory {held[0].limit}MB`: {told}." if held else ""
