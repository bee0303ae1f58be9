"""A signal ends a run in another process: no command is left, and no half an output."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interpreter.test_commands import alive

ROOT = Path(__file__).parents[2]


def driven(folder: Path, when: str) -> subprocess.Popen[bytes]:
    """The driver at work in a folder; it prints `up` when its command runs."""
    os.mkfifo(folder / "go")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "tests.interpreter.driver", when]
    return subprocess.Popen(program, cwd=folder, env=environment, stdout=subprocess.PIPE)


def test_interrupt_in_the_midst_of_a_stream(tmp_path: Path) -> None:
    line = b"1,some text\n"
    (tmp_path / "in.csv").write_bytes(b"n,text\n" + line * (100_000_000 // len(line)))
    with driven(tmp_path, "progress") as process:
        assert process.wait() == 130
    assert not alive(int((tmp_path / "pid").read_text()))
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert not left & {"out/a.csv", "b.parquet"}
    assert left >= {"out/.a.csv.driven.part", ".b.parquet.driven.part"}
    assert left >= {".flowctl/runs/driven/steps/stream/checkpoints"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_while_a_command_runs(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "in.csv").write_text("n\n1\n")
    with driven(tmp_path, "outside") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(number)
        assert process.wait() == 130
    assert not alive(int((tmp_path / "pid").read_text()))


def test_the_command_line_ends_with_130(tmp_path: Path) -> None:
    workflow = "flowctl: 1\nname: w\nsteps: {hang: {run: 'echo $$ > pid; echo up; sleep 1000'}}\n"
    (tmp_path / "w.yaml").write_text(workflow)
    program = [sys.executable, "-m", "flowctl", "run", "w.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        program, cwd=tmp_path, env=environment, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        assert b"hang | up\n" in iter(process.stderr.readline, b"")
        process.send_signal(signal.SIGINT)
        shown = process.stderr.read().decode()
        assert process.wait() == 130
    assert "hang: cancelled" in shown
    assert "Traceback" not in shown
    assert not alive(int((tmp_path / "pid").read_text()))


def test_a_run_leaves_the_handlers_as_they_were(tmp_path: Path) -> None:
    code = (
        "import signal, sys; from tests.interpreter.running import *; "
        "before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM); "
        "Runner(Path(sys.argv[1]))(plan(command('a', 'true'))); "
        "assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=True)
