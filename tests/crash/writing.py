"""Writes numbered records to a file that others follow, in bursts of any size, and rotates it.

`python -m tests.crash.writing FILE FIRST RECORDS WAY SEED`: the way is `rename`, `copy` (and
truncate) or `none`; the FIRST records stand there. A record is a line of CSV whose last field may
hold a line's end.
"""

from __future__ import annotations

import random
import shutil
import sys
import time
from pathlib import Path

HEAD = "n,text\n"
ROTATIONS = 6


def record(number: int) -> str:
    """A record; each seventh one goes over two lines."""
    return f'{number},"two\nlines {number}"\n' if number % 7 == 0 else f"{number},some text\n"


def rotate(path: Path, way: str) -> None:
    """Gives what the file holds to `path.1`, and what that held to `path.2`, and so on."""
    olds = sorted(path.parent.glob(f"{path.name}.*"), key=lambda old: -int(old.suffix[1:]))
    for old in olds:
        old.rename(path.with_name(f"{path.name}.{int(old.suffix[1:]) + 1}"))
    first = path.with_name(f"{path.name}.1")
    if way == "rename":
        path.rename(first)
    else:
        shutil.copy2(path, first)


def main(path: Path, first: int, records: int, way: str, seed: int) -> None:
    chance = random.Random(seed)
    text = "".join(record(number) for number in range(first, records)).encode()
    each = (records - first) // (ROTATIONS + 1)
    ends = [text.index(f"\n{first + each * one},".encode()) + 1 for one in range(1, ROTATIONS + 1)]
    file = path.open("ab", buffering=0)
    at = 0
    for end in [*(ends if way != "none" else ()), len(text)]:
        while at < end:
            size = min(end - at, chance.choice((3, 100, 20_000)))
            file.write(text[at : at + size])
            at += size
            time.sleep(chance.choice((0, 0.01, 0.05)))
        if at == len(text):
            break
        rotate(path, way)
        if way == "rename":
            file.close()
            file = path.open("ab", buffering=0)
        else:
            file.truncate(0)
        file.write(HEAD.encode())
    file.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
