"""What tells a run to stop: heard whenever it was asked, and nothing of it stays open."""

from __future__ import annotations

import select
import threading
from pathlib import Path

import pytest

from flowctl.interpreter.cancellation import Cancellation
from tests.interpreter.running import Runner, command, plan, statuses

FLOW = plan(command("a", "true"), command("b", "true", "a"))


def readable(cancellation: Cancellation) -> bool:
    return bool(select.select([cancellation], [], [], 0)[0])


def descriptors() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


@pytest.mark.parametrize("waited_before", [True, False])
def test_it_is_heard_by_who_waited_before_and_by_who_comes_later(waited_before: bool) -> None:
    cancellation = Cancellation()
    if waited_before:
        assert not readable(cancellation)
    cancellation.ask()
    cancellation.ask()
    assert readable(cancellation)
    cancellation.wait(1000)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="nobody shows what is open")
def test_a_run_leaves_nothing_open(runner: Runner) -> None:
    cancellation = Cancellation()
    runner(FLOW, cancellation=cancellation)
    before = descriptors()
    for _ in range(3):
        runner(FLOW, cancellation=cancellation)
        assert descriptors() == before
    cancellation.ask()
    assert statuses(runner(FLOW, cancellation=cancellation)) == {"a": "cancelled", "b": "cancelled"}
    assert descriptors() == before


def test_the_end_of_a_run_takes_it_from_no_other() -> None:
    cancellation, told = Cancellation(), threading.Event()
    with cancellation.heard():
        with cancellation.heard():
            cancellation.listen(told.set)
        assert not readable(cancellation)
        cancellation.ask()
        assert told.is_set()
        assert readable(cancellation)
