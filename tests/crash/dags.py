"""Kills the command at random moments in the midst of a random DAG of small commands."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from flowctl.interpreter.history import projected, rebuild, state_of
from flowctl.store.database import path_in
from flowctl.store.ledger import opened

WORKERS = 2
CELLS = 40
"""So often one step is done, each time for another element of a list."""


FANNED = """\
  list:
    needs: [s{middle}]
    run: echo list >> done; echo "n=[$(seq -s, 0 {last})]" >> "$FLOWCTL_OUTPUT"
    outputs: {{n: {{type: array, items: {{type: integer}}}}}}
  each:
    foreach: ${{{{ steps.list.outputs.n }}}}
    run: echo "each[${{{{ item }}}}]" >> done
  last: {{needs: [each], run: echo last >> done}}
"""


@dataclass(frozen=True)
class Killed:
    """What came of a DAG: how often it was killed, and how often each step was done."""

    kills: int
    done: Counter[str]


PART = """\
flowctl: 1
name: part
params: {name: {type: string}}
steps:
  a: {run: "echo {{ params.name }}/a >> done"}
  b: {run: "echo {{ params.name }}/b >> done", needs: [a]}
"""
EACH = 10
"""Every so many steps, one uses another workflow."""


def names(steps: int) -> set[str]:
    """What is written down by the steps, by those of the workflows that some use, and by cells."""
    using = range(EACH - 1, steps, EACH)
    found = {f"s{number}/{name}" for number in using for name in "ab"}
    found |= {f"s{number}" for number in range(steps) if number not in using}
    return found | {"list", "last"} | {f"each[{index}]" for index in range(CELLS)}


def write(folder: Path, steps: int, seed: int) -> None:
    """A workflow whose steps write their names down, each needing some of those before it.

    In the midst of them a step is done for each element of a list that another one makes.
    """
    (folder / "part.yaml").write_text(PART, encoding="utf-8")
    chance = random.Random(seed)
    lines = ["flowctl: 1", "name: dag", "steps:"]
    for number in range(steps):
        needs = chance.sample(range(number), min(number, chance.choice((0, 1, 1, 2, 3))))
        named = ", ".join(f"s{need}" for need in needs)
        does = f'run: "echo s{number} >> done"'
        if number % EACH == EACH - 1:
            does = f"uses: part.yaml, with: {{name: s{number}}}"
        lines.append(f"  s{number}: {{{does}, needs: [{named}]}}")
    lines.append(FANNED.format(middle=steps // 2, last=CELLS - 1))
    (folder / "dag.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def until_done(folder: Path, steps: int, kills: int, seed: int) -> Killed:
    """Runs the DAG, killing it when a random number of further steps have been done."""
    write(folder, steps, seed)
    chance = random.Random(seed)
    program = [sys.executable, "-m", "flowctl", "run", "dag.yaml", "--log-format", "json"]
    program += ["--workers", str(WORKERS)]
    for kill in range(kills + 1):
        with subprocess.Popen(program, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            left = chance.randint(1, steps // (kills + 1)) if kill < kills else -1
            for line in process.stderr:
                left -= json.loads(line).get("event") == "step_ended"
                if not left:
                    process.send_signal(signal.SIGKILL)
                    break
    assert process.returncode == 0
    return Killed(kills, Counter((folder / "done").read_text().split()))


def judge(folder: Path, steps: int, killed: Killed) -> None:
    """Every step was done; no more were repeated than were in flight; the store is whole."""
    assert set(killed.done) == names(steps)
    repeats = sum(killed.done.values()) - len(names(steps))
    assert repeats <= killed.kills * WORKERS, f"{repeats} repeats after {killed.kills} kills"
    with closing(sqlite3.connect(path_in(folder / ".flowctl"))) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    with opened(folder / ".flowctl") as ledger:
        ledger.judge()
        (row,) = before = ledger.runs()
        state = state_of(ledger, row.run)
        assert projected(state) == row
        rebuild(ledger)
        assert ledger.runs() == before
    assert row.status == "succeeded"
    assert len(state.sessions) == killed.kills + 1
    for id, step in state.steps.items():
        assert step.status == "succeeded", id
        if step.items is not None:
            assert step.items == tuple(range(CELLS))
            assert step.attempts == sum(state.steps[f"{id}[{n}]"].attempts for n in step.items)
            continue
        assert [one.status for one in step.tries].count("succeeded") == 1, id
        assert killed.done[id] <= step.attempts, id
