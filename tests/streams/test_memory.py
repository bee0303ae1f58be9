"""Memory does not grow with the input."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import sys
from pathlib import Path
from tests.streams.running import Folder, op
folder = Folder(Path(sys.argv[1]))
sinks = (op("parquet", "o.parquet"), op("csv", "o.csv"))
folder.run(op("csv", "in.csv"), op("filter", "a % 2 = 0"), sink=sinks)
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def peak(folder: Path, megabytes: int) -> float:
    """Megabytes that a process takes at its peak to run a stream over so much CSV."""
    block = b"".join(b"%d,some text that is long enough,%d.5\n" % (n, n) for n in range(25_000))
    with (folder / "in.csv").open("wb") as file:
        file.write(b"a,b,c\n")
        for _ in range(megabytes * 1_000_000 // len(block)):
            file.write(block)
    ran = subprocess.run(
        [sys.executable, "-c", RUN, folder], capture_output=True, text=True, check=True
    )
    # Not ru_maxrss, which counts what the parent held when it forked.
    return int(ran.stdout) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's own peak")
@pytest.mark.slow
def test_a_larger_input_takes_no_more_memory(tmp_path: Path) -> None:
    # Of less the engine has not met all the memory yet that it comes to keep for itself.
    small, large = peak(tmp_path, 200), peak(tmp_path, 400)
    assert large < 400
    assert large < small * 1.2
