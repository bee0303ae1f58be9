from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from flowctl.gathering.spill import DamagedRun, Run, Spill
from flowctl.syntax.node import Json

FRAMES = [pl.DataFrame({"a": [1, None], "t": ["x", "ü"]}), pl.DataFrame({"a": [3], "t": [None]})]
WIDE = pl.DataFrame({"h": [2**100, -1, None]}, schema={"h": pl.Int128})


def files(spill: Spill) -> list[str]:
    return sorted(path.name for path in spill.folder.iterdir())


def test_a_run_is_read_segment_by_segment(tmp_path: Path) -> None:
    spill = Spill(tmp_path / "work")
    run = spill.write(FRAMES)
    assert run.rows == 3
    assert (spill.folder / run.name).stat().st_size == run.length
    for index, frame in enumerate(FRAMES):
        assert spill.read(run, index).equals(frame)
    assert spill.read(spill.write([WIDE]), 0).equals(WIDE)


def test_a_run_survives_as_json(tmp_path: Path) -> None:
    run = Spill(tmp_path).write(FRAMES)
    assert Run.from_json(json.loads(json.dumps(run.to_json()))) == run
    nonsense: list[Json] = [None, [], ["a"], ["a", [[1]]], {"a": 1}]
    for value in nonsense:
        with pytest.raises(ValueError, match="not a"):
            Run.from_json(value)


def test_damage_is_told(tmp_path: Path) -> None:
    spill = Spill(tmp_path)
    run = spill.write(FRAMES)
    path = tmp_path / run.name
    data = bytearray(path.read_bytes())
    data[run.segments[0].length + 100] ^= 1
    path.write_bytes(data)
    assert spill.read(run, 0).equals(FRAMES[0])
    with pytest.raises(DamagedRun, match="damaged at byte"):
        spill.read(run, 1)


def test_a_file_that_is_missing_or_short_is_not_taken_up(tmp_path: Path) -> None:
    run = Spill(tmp_path).write(FRAMES)
    path = tmp_path / run.name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedRun, match="bytes that were written"):
        Spill(tmp_path).adopt([run])
    path.unlink()
    with pytest.raises(DamagedRun):
        Spill(tmp_path).adopt([run])


def test_files_of_a_checkpoint_stay_until_the_next_one_is_durable(tmp_path: Path) -> None:
    spill = Spill(tmp_path)
    first, loose = spill.write(FRAMES), spill.write(FRAMES)
    spill.drop(loose)
    assert files(spill) == [first.name]
    spill.keep([first])
    spill.drop(first)
    second = spill.write(FRAMES)
    spill.keep([second])
    assert files(spill) == [first.name, second.name]
    third = spill.write(FRAMES)
    spill.drop(second)
    spill.keep([third])
    assert files(spill) == [second.name, third.name]


def test_what_came_after_a_checkpoint_goes(tmp_path: Path) -> None:
    spill = Spill(tmp_path)
    kept = spill.write(FRAMES)
    spill.keep([kept])
    spill.write(FRAMES)
    again = Spill(tmp_path)
    again.adopt([kept])
    assert files(again) == [kept.name]
    assert again.write(FRAMES).name != kept.name
    again.clear()
    assert not tmp_path.exists()


LOOKED_AT = """
import io, sys, threading
import polars as pl
from flowctl.gathering.spill import write_stream
frame = pl.DataFrame({name: range(20_000) for name in "abcdefgh"})
done = threading.Event()
def look():
    while not done.is_set():
        frame.columns
threads = [threading.Thread(target=look) for _ in range(2)]
for thread in threads: thread.start()
for _ in range(300):
    write_stream(frame, io.BytesIO())
done.set()
"""


def test_a_frame_that_is_written_can_be_looked_at() -> None:
    """Where the two wait for each other, the interpreter's lock is held, and the process hangs."""
    subprocess.run([sys.executable, "-c", LOOKED_AT], timeout=60, check=True)
