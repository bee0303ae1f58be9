"""`python -m tests.crash`: every operation on the disk of every flow, then kills at random.

`--minutes N` says for how long the latter goes on; `--seed` where it begins.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.crashing import Place, Server
from tests.crash.faulty import Fault
from tests.crash.flows import FLOWS
from tests.crash.following import Followed
from tests.crash.killing import Project

FAULTS: tuple[Fault, ...] = ("before", "after", "torn")


def every_operation(root: Path) -> int:
    """Ends the process at each operation of each flow, in each way, and lets it go on."""
    resumed = 0
    with Server.started() as server:
        for number, flow in enumerate(FLOWS):
            place = Place(root / str(number), server, flow)
            place.uninterrupted()
            deaths = 0
            for death, folder in place.deaths():
                place.again(folder, death)
                deaths += 1
            operations = range(1, place.operations + 1)
            for at, fault in itertools.product(operations, FAULTS):
                fresh = place.fresh()
                server.run(fresh, flow, at, fault)
                place.again(fresh, f"{fault} {at}")
            for at in operations:
                place.filled(at)
            resumed += deaths + len(operations) * (len(FAULTS) + 1)
            print(
                f"{flow}: {place.operations} operations, each killed in {len(FAULTS)} ways and "
                f"once on a full disk; {deaths} states that deaths leave",
                flush=True,
            )
    return resumed


def random_kills(root: Path, until: float, seed: int) -> int:
    """Kills the command at random moments until the time has passed; says how often."""
    project = Project.made(root, 8_000_000)
    kills = 0
    for current in itertools.count(seed):
        if time.monotonic() > until:
            break
        kills += project.killed(current)
        kills += followed_kills(root, current)
        print(f"seed {current}: {kills} kills so far, the same bytes", flush=True)
    return kills


def followed_kills(root: Path, seed: int) -> int:
    """Kills the command while it follows a file that is written and rotated, in either way."""
    kills = 0
    for way in ("rename", "copy", "none"):
        with tempfile.TemporaryDirectory(dir=root) as folder:
            followed = Followed.made(Path(folder), 200_000)
            kills += followed.killed(way, seed, most=20)
            followed.judge()
    return kills


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    until = time.monotonic() + given.minutes * 60
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "kills").mkdir()
        resumed = every_operation(Path(root))
        kills = random_kills(Path(root) / "kills", until, given.seed)
    print(f"{resumed} runs gone on with, {kills} random kills, not a byte of difference")
    return 0


if __name__ == "__main__":
    sys.exit(main())
