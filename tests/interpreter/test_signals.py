"""A signal ends a run in another process: no command is left, and no half an output."""

from __future__ import annotations

import json
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
        if number == signal.SIGINT:
            assert process.stdout.readline() == b"stopping\n"
            process.send_signal(number)
        assert process.wait() == 130
    assert not alive(int((tmp_path / "pid").read_text()))


class Commanded:
    """The command at work on a workflow in a folder; what it shows is read line by line."""

    def __init__(self, folder: Path, *options: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flowctl", "run", "w.yaml", *options],
            cwd=folder,
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.shown: list[str] = []

    def until(self, beginning: str) -> None:
        """Reads on until a line begins so."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.shown.append(line)
            if line.startswith(beginning):
                return
        raise AssertionError("".join(self.shown))

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """The exit code, once all has been read."""
        _, rest = self.process.communicate()
        self.shown.append(rest)
        assert "Traceback" not in "".join(self.shown)
        return self.process.returncode


def workflow(folder: Path, steps: str) -> None:
    (folder / "w.yaml").write_text(f"flowctl: 1\nname: w\nsteps:\n{steps}")
    os.mkfifo(folder / "go")


def test_a_first_interrupt_lets_commands_end_and_begins_nothing(tmp_path: Path) -> None:
    workflow(
        tmp_path,
        """\
  first: {run: "echo up; read _ < go; echo first >> done", hooks: {finish: {run: echo h >> done}}}
  queued: {run: echo queued >> done}
  second: {run: echo second >> done, needs: first}
""",
    )
    commanded = Commanded(tmp_path, "--workers", "1")
    commanded.until("first | up")
    commanded.interrupt()
    commanded.until("stopping: ")
    assert "Ctrl-C again" in commanded.shown[-1]
    (tmp_path / "go").write_text("\n")
    assert commanded.end() == 130
    assert "first: succeeded" in "".join(commanded.shown)
    assert (tmp_path / "done").read_text() == "first\n"
    # What has ended stays so, and its hook comes now.
    again = Commanded(tmp_path, "--workers", "1")
    assert again.end() == 0
    done = (tmp_path / "done").read_text().split()
    assert sorted(done) == ["first", "h", "queued", "second"]


def test_an_interrupt_is_heard_where_a_value_is_computed(tmp_path: Path) -> None:
    """The engine that does so is loaded before the run listens: it would take SIGINT for itself."""
    workflow(
        tmp_path,
        """\
  asks: {run: "echo n=1 >> $FLOWCTL_OUTPUT", outputs: {n: {type: integer}}}
  waits: {needs: asks, if: steps.asks.outputs.n + 1 = 2, run: "echo up; read _ < go"}
  last: {needs: waits, run: echo never}
""",
    )
    commanded = Commanded(tmp_path)
    commanded.until("waits | up")
    commanded.interrupt()
    commanded.until("stopping: ")
    (tmp_path / "go").write_text("\n")
    assert commanded.end() == 130


def test_an_interrupted_list_is_gone_on_with(tmp_path: Path) -> None:
    """The cell at work ends, no other begins; later come those that are left, of the same list."""
    script = "echo up; read _ < go; echo ${{ item }} >> done"
    workflow(
        tmp_path,
        f"""\
  each: {{foreach: "${{{{ ['a', 'b', 'c'] }}}}", max_parallel: 1, run: "{script}"}}
  last: {{run: echo last >> done, needs: each}}
""",
    )
    commanded = Commanded(tmp_path)
    commanded.until("each[0] | up")
    commanded.interrupt()
    commanded.until("stopping: ")
    (tmp_path / "go").write_text("\n")
    assert commanded.end() == 130
    assert "each: cancelled, 2 of 3 were cancelled" in "".join(commanded.shown)
    assert (tmp_path / "done").read_text() == "a\n"
    again = Commanded(tmp_path)
    for cell in ("each[1] | up", "each[2] | up"):
        again.until(cell)
        (tmp_path / "go").write_text("\n")
    assert again.end() == 0
    assert "each: 3 items" not in "".join(again.shown)
    assert (tmp_path / "done").read_text().split() == ["a", "b", "c", "last"]


def test_a_run_of_which_all_has_ended_has_succeeded(tmp_path: Path) -> None:
    workflow(tmp_path, '  only: {run: "echo up; read _ < go"}\n')
    commanded = Commanded(tmp_path)
    commanded.until("only | up")
    commanded.interrupt()
    commanded.until("stopping: ")
    (tmp_path / "go").write_text("\n")
    assert commanded.end() == 0


def test_a_second_interrupt_ends_commands(tmp_path: Path) -> None:
    script = "sleep 1000 & echo $! > child; echo $$ > pid; echo up; wait"
    workflow(tmp_path, f"  hang: {{run: '{script}'}}\n")
    commanded = Commanded(tmp_path)
    commanded.until("hang | up")
    commanded.interrupt()
    commanded.until("stopping: ")
    commanded.interrupt()
    assert commanded.end() == 130
    assert "hang: cancelled" in "".join(commanded.shown)
    for name in ("pid", "child"):
        assert not alive(int((tmp_path / name).read_text()))


CODE = """
import pathlib
def waits(**_):
    print("up", flush=True)
    pathlib.Path("go").read_text()
    return {"said": "done"}
def holds(frame):
    print("up", flush=True)
    pathlib.Path("go").read_text()
    return frame
"""


def test_a_first_interrupt_lets_calls_end(tmp_path: Path) -> None:
    workflow(tmp_path, "  call: {python: 'code:waits'}\n  next: {run: 'true', needs: call}\n")
    (tmp_path / "code.py").write_text(CODE)
    commanded = Commanded(tmp_path)
    commanded.until("call | up")
    commanded.interrupt()
    commanded.until("stopping: ")
    (tmp_path / "go").write_text("\n")
    assert commanded.end() == 130
    assert "call: succeeded" in "".join(commanded.shown)


@pytest.mark.parametrize("step", ["{python: 'code:waits'}", "stream"])
def test_a_second_interrupt_ends_calls(tmp_path: Path, step: str) -> None:
    if step == "stream":
        transform = "{python: 'code:holds', columns: {n: int64}}"
        step = f"{{source: {{rows: [{{n: 1}}]}}, transforms: [{transform}], sink: {{csv: o.csv}}}}"
    workflow(tmp_path, f"  call: {step}\n")
    (tmp_path / "code.py").write_text(CODE)
    commanded = Commanded(tmp_path)
    commanded.until("call | up")
    commanded.interrupt()
    commanded.until("stopping: ")
    commanded.interrupt()
    assert commanded.end() == 130
    assert "call: cancelled" in "".join(commanded.shown)
    assert not (tmp_path / "o.csv").exists()


@pytest.mark.parametrize("mend", ["retry: {attempts: 2}", "fallback: {run: echo instead >> done}"])
def test_what_fails_while_the_run_stops_is_mended_when_it_goes_on(
    tmp_path: Path, mend: str
) -> None:
    workflow(tmp_path, f"  s: {{run: 'echo up; echo x >> done; read _ < go; exit 1', {mend}}}\n")
    commanded = Commanded(tmp_path)
    commanded.until("s | up")
    commanded.interrupt()
    commanded.until("stopping: ")
    (tmp_path / "go").write_text("\n")
    assert commanded.end() == 130
    assert "s: cancelled" in "".join(commanded.shown)
    again = Commanded(tmp_path, "--format", "json")
    again.until("s | up")
    (tmp_path / "go").write_text("\n")
    told, _ = again.process.communicate()
    assert again.process.returncode == (1 if "retry" in mend else 0)
    assert json.loads(told)["steps"]["s"]["attempts"] == 2
    expected = ["x", "x"] if "retry" in mend else ["x", "x", "instead"]
    assert (tmp_path / "done").read_text().split() == expected


def test_a_run_leaves_the_handlers_as_they_were(tmp_path: Path) -> None:
    code = (
        "import signal, sys; from tests.interpreter.running import *; "
        "before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM); "
        "Runner(Path(sys.argv[1]))(plan(command('a', 'true'))); "
        "assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=True)
