"""What is asked of Polars' allocator, seen from a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from flowctl.files.allocation import KEPT_BYTES

POLARS = "dirty_decay_ms:500,muzzy_decay_ms:1000"
"""What it leaves in the environment of a process that has loaded it."""
PROGRAM = """
import os, subprocess, sys
from flowctl.files.allocation import settled
seen = lambda: os.environ.get("_RJEM_MALLOC_CONF", "nothing")
with settled(int(sys.argv[1])):
    print(seen())
print(seen())
subprocess.run([sys.executable, "-c", "import os; print('_RJEM_MALLOC_CONF' in os.environ)"])
"""


@pytest.mark.parametrize(
    ("memory", "own", "within", "behind", "child"),
    [
        (8 * KEPT_BYTES, POLARS, "dirty_decay_ms:2000,muzzy_decay_ms:0", POLARS, "True"),
        (8 * KEPT_BYTES, None, "dirty_decay_ms:2000,muzzy_decay_ms:0", "nothing", "False"),
        (8 * KEPT_BYTES - 1, None, "dirty_decay_ms:100,muzzy_decay_ms:0", "nothing", "False"),
        (8 * KEPT_BYTES, "narenas:2", "narenas:2", "narenas:2", "True"),
    ],
)
def test_the_setting_is_there_only_while_polars_is_loaded(
    memory: int, own: str | None, within: str, behind: str, child: str
) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("_RJEM")
    }
    if own is not None:
        environment["_RJEM_MALLOC_CONF"] = own
    command = [sys.executable, "-u", "-c", PROGRAM, str(memory)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [within, behind, child]
