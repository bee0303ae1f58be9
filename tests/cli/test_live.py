"""What a terminal shows of a run while it goes on: on a real pseudo-terminal."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowctl.cli.live import Live
from flowctl.cli.paint import Paint
from flowctl.cli.render import Screen
from flowctl.cli.tree import Tree
from flowctl.interpreter.events import RunStarted, StepEnded, StepOutput, StepStarted

FLOW = """\
flowctl: 1
name: cells
steps:
  load:
    matrix: {n: [1, 2, 3]}
    run: echo cell {{ matrix.n }}; until test -e go; do sleep 0.02; done
  after: {run: "echo wide $(printf 'x%.0s' {1..100})", needs: [load]}
"""
CONTROL = re.compile(r"\x1b\[\??([0-9;]*)([A-Za-z])")


def on_a_terminal(folder: Path, until: bytes, **environment: str) -> str:
    """All that `flowctl run` writes to 80 columns; once `until` is seen, its commands end."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "flowctl", "run", "flow.yaml", "--workers", "2"],
        cwd=folder,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", "NO_COLOR": "", **environment},
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 1 << 16)
        except OSError:
            break
        shown += piece
        if until in shown:
            (folder / "go").touch()
    os.close(leader)
    assert process.wait(30) == 0, shown
    return shown.decode()


def test_a_tree_stands_below_what_is_said(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    text = on_a_terminal(tmp_path, b"needs load")
    assert "0 of 4 steps done, 2 running" in text
    assert "0 of 3 done, 2 running" in text
    for line in ("load[1] | cell 1", "load[3] | cell 3", "after | wide " + "x" * 100):
        assert line in text.replace("\r\n", "\n").split("\n"), text
    shown = [command for _, command in CONTROL.findall(text)]
    assert "J" in shown or "K" in shown  # the tree is taken away before it is drawn anew
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is back
    assert text.rstrip().endswith("succeeded\x1b[0m")


def test_without_colours_there_are_none(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    text = on_a_terminal(tmp_path, b"needs load", NO_COLOR="1")
    assert not [found for found, command in CONTROL.findall(text) if command == "m" and found]
    assert "0 of 4 steps done" in text


def test_a_dumb_terminal_gets_lines(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    text = on_a_terminal(tmp_path, b"cell 2", TERM="dumb")
    assert "\x1b" not in text
    assert "load[1]: started" in text


def live(screen: Screen) -> Live:
    return Live(Tree({}, Paint(False)), screen, lambda: datetime.now(UTC), lambda: (80, 24))


def test_twenty_thousand_steps_flood_nothing() -> None:
    """What is written does not grow with the steps, and all that commands print is there."""
    screen = Screen(io.StringIO(), 80, Paint(False), True)
    steps = tuple(f"s{number}" for number in range(20_000))
    now = datetime.now(UTC)
    with live(screen) as shown:
        shown.show(RunStarted(now, "r", "w", "d", steps))
        for number, step in enumerate(steps):
            shown.show(StepStarted(now, step, 1))
            if number % 1000 == 0:
                shown.show(StepOutput(now, step, "stdout", f"line {number}"))
            shown.show(StepEnded(now, step, "failed" if number == 77 else "succeeded"))
    assert isinstance(screen.stream, io.StringIO)
    text = screen.stream.getvalue()
    said = re.findall(r"s\d+ \| line (\d+)\n", text)
    assert said == [str(number) for number in range(0, 20_000, 1000)]
    assert "s77: failed" in text
    assert "s78: succeeded" not in text
    assert len(text) < 1_000_000


class Gone(io.StringIO):
    """A terminal that somebody closes."""

    def write(self, text: str) -> int:
        if "more" in text:
            raise OSError(5, "Input/output error")
        return super().write(text)


def test_a_terminal_that_is_gone_is_told_to_the_run() -> None:
    with live(Screen(Gone(), 80, Paint(False), True)) as shown:
        now = datetime.now(UTC)
        shown.show(RunStarted(now, "r", "w", "d", ("a",)))
        shown.show(StepStarted(now, "a", 1))
        with suppress(OSError):
            for _ in range(1_000_000):
                shown.show(StepOutput(now, "a", "stdout", "more"))
            pytest.fail("nobody was told")
