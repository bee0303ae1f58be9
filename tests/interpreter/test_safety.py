"""What a step stands on outlasts a loss of power before it begins, and nothing waits in vain."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
from pathlib import Path

import pytest

from flowctl.interpreter.history import state_in
from flowctl.interpreter.state import RunState
from flowctl.plan import Step
from flowctl.store.ledger import Ledger
from tests.interpreter.running import Runner, command, plan
from tests.interpreter.test_foreach import each

KEEP = 'cp -r "$(readlink left)" "seen-$NAME"'


def keeping(id: str, *needs: str) -> Step:
    return command(id, KEEP, *needs, env={"NAME": id})


def leave_what_is_synced(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the folder `left` is the state as a loss of power leaves it, at worst."""
    numbers, sync = itertools.count(), os.fdatasync

    def noticed(descriptor: int) -> None:
        length = os.fstat(descriptor).st_size
        sync(descriptor)
        left = base / f"left-{next(numbers)}"
        shutil.copytree(base / ".flowctl", left, ignore=shutil.ignore_patterns("outputs"))
        os.truncate(left / "runs.db-wal", length)
        link = base / "link"
        link.symlink_to(left.name)
        link.rename(base / "left")

    monkeypatch.setattr(os, "fdatasync", noticed)


def test_a_step_begins_when_what_it_needs_outlasts_a_loss_of_power(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_what_is_synced(runner.base, monkeypatch)
    cells = each("c", "[1, 2, 3]", 'cp -r "$(readlink left)" "seen-c-${{ item }}"', "b")
    later = (keeping("b", "a"), keeping("d", "a"), cells, keeping("e", "c"))
    result = runner(plan(command("a", "true"), *later))
    assert result.status == "succeeded", result

    def seen(step: str) -> RunState:
        return state_in(runner.base / f"seen-{step}", "r1")

    assert seen("b").steps["a"].status == "succeeded"
    assert seen("d").steps["a"].status == "succeeded"
    for number in (1, 2, 3):
        assert seen(f"c-{number}").steps["b"].status == "succeeded"
        assert seen(f"c-{number}").steps["c"].items == (1, 2, 3)
    after = seen("e").steps
    assert {after[id].status for id in ("a", "b", "c", "c[0]", "c[1]", "c[2]")} == {"succeeded"}


def test_steps_and_cells_share_a_sync(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that need the same find it safe, once one of them has waited."""
    waited, sync = [0], Ledger.sync

    def counted(ledger: Ledger) -> None:
        waited[0] += threading.current_thread().name != "journal"
        sync(ledger)

    monkeypatch.setattr(Ledger, "sync", counted)
    cells = each("c", "[" + ", ".join(map(str, range(30))) + "]", "true", "a")
    many = [command(f"b{number}", "true", "a") for number in range(30)]
    assert runner(plan(command("a", "true"), cells, *many)).status == "succeeded"
    assert waited[0] <= 5
