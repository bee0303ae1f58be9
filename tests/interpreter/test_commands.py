"""What becomes of a command: its output, its end, its environment, and what it leaves behind."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from flowctl.interpreter.cancellation import Cancellation
from flowctl.interpreter.events import Event, StepOutput
from flowctl.interpreter.logs import LONGEST_LINE
from flowctl.interpreter.result import StepRun
from flowctl.plan import Place, Plan
from flowctl.syntax.node import Json
from tests.interpreter.running import Runner, command, plan, statuses


def ended(runner: Runner, run: Json, **options: Json) -> StepRun:
    """How a single command has ended."""
    return runner(plan(command("s", run, condition=None, **options))).steps["s"]


def complaint(runner: Runner, run: Json, **options: Json) -> tuple[str, str]:
    """The code and message of a command that fails."""
    step = ended(runner, run, **options)
    assert step.status == "failed"
    (fault,) = step.faults
    return fault.code.id, fault.message


def test_output_is_told_line_by_line_and_kept(runner: Runner) -> None:
    step = ended(runner, "echo one; printf 'two\\r\\nth'; printf 'ree'")
    assert (step.status, step.exit_code) == ("succeeded", 0)
    assert runner.lines("s") == ["one", "two", "three"]
    assert runner.log("s") == b"one\ntwo\r\nthree"


def test_both_streams_are_told_apart(runner: Runner) -> None:
    ended(runner, "echo out; echo err >&2")
    told = {event.line: event.stream for event in runner.events if isinstance(event, StepOutput)}
    assert told == {"out": "stdout", "err": "stderr"}


def test_output_that_is_no_text_is_kept_as_it_is(runner: Runner) -> None:
    ended(runner, r"printf '\377\000a\n\303'")
    assert runner.log("s") == b"\xff\x00a\n\xc3"
    assert runner.lines("s") == ["\ufffd\x00a", "\ufffd"]


def test_a_line_without_end_is_told_in_pieces(runner: Runner) -> None:
    ended(runner, "head -c 10000000 /dev/zero | tr '\\0' x")
    lines = runner.lines("s")
    assert {len(line) for line in lines[:-1]} == {LONGEST_LINE}
    assert sum(map(len, lines)) == 10_000_000
    assert len(runner.log("s")) == 10_000_000


def test_output_comes_while_the_command_runs(runner: Runner) -> None:
    """The command goes on only when its first line has been told."""
    os.mkfifo(runner.base / "go")

    def answer(event: Event) -> None:
        if isinstance(event, StepOutput) and event.line == "first":
            (runner.base / "go").write_text("x\n")

    runner(plan(command("s", "echo first; read _ < go; echo second")), answer)
    assert runner.lines("s") == ["first", "second"]


def test_standard_input_is_empty(runner: Runner) -> None:
    ended(runner, "cat; echo end")
    assert runner.lines("s") == ["end"]


@pytest.mark.parametrize(
    ("run", "code", "message"),
    [
        ("exit 3", 3, "the command ended with exit code 3"),
        ("false; echo never", 1, "the command ended with exit code 1"),
        ("false | cat", 1, "the command ended with exit code 1"),
        ("no-such-program", 127, "the command ended with exit code 127"),
        ("kill -KILL $$", 137, "the command was ended by SIGKILL"),
        (["sh", "-c", "kill -TERM $$"], 143, "the command was ended by SIGTERM"),
    ],
)
def test_a_failure_says_how_the_command_ended(
    runner: Runner, run: Json, code: int, message: str
) -> None:
    assert complaint(runner, run) == ("E710", message)
    assert runner.lines("s").count("never") == 0
    assert ended(runner, run).exit_code == code


def test_a_fault_stands_at_the_place_of_the_step(runner: Runner) -> None:
    step = command("s", "exit 1")
    places = {"s": Place("../w.yaml", 2, 3, 2, 4), "s/run": Place("../w.yaml", 3, 10, 3, 16)}
    result = runner(Plan("t", (step,), positions=places))
    (fault,) = result.steps["s"].faults
    assert fault.span is not None
    assert (fault.span.line, fault.span.column, fault.span.end_column) == (3, 10, 16)
    assert fault.span.file == (runner.base.parent / "w.yaml").as_posix()


def test_what_cannot_start_says_why(runner: Runner) -> None:
    (runner.base / "text").write_text("no program")
    no_program = "`no-such-program` cannot be started: no such file or directory"
    assert complaint(runner, ["no-such-program"]) == ("E711", no_program)
    not_executable = "`./text` cannot be started: permission denied"
    assert complaint(runner, ["./text"]) == ("E711", not_executable)
    assert complaint(runner, "true", cwd="none") == ("E711", "there is no folder `none`")
    code, _ = complaint(runner, "x" * 3_000_000)
    assert code == "E711"


def test_what_no_command_can_take_is_refused(runner: Runner) -> None:
    assert complaint(runner, "echo ${{ repeat('x', 200000) }}") == (
        "E715",
        "a value is 200,000 bytes long, and a command can take 131,071",
    )
    assert complaint(runner, ["echo", "${{ chr(0) }}"]) == ("E715", "a value holds a NUL character")


def test_folder_and_environment(runner: Runner) -> None:
    (runner.base / "sub").mkdir()
    ended(
        runner,
        'pwd; echo "$A $B"',
        cwd="${{ 's' || 'ub' }}",
        env={"A": "1", "B": "r ${{ run.id }}"},
    )
    assert runner.lines("s") == [str(runner.base / "sub"), f"1 r {runner.setting().run}"]
    ended(runner, "pwd", cwd=str(runner.base / "sub"))
    assert runner.lines("s") == [str(runner.base / "sub")]


def test_shell_may_be_chosen(runner: Runner) -> None:
    ended(runner, "echo ${BASH_VERSION:-none}", shell="sh")
    ended_in_sh = runner.lines("s")
    ended(runner, "echo ${BASH_VERSION:-none}", shell="bash")
    assert ended_in_sh != runner.lines("s")
    assert ended(runner, "false; true", shell="sh").status == "failed"


def test_sh_takes_the_place_of_a_bash_that_is_missing(runner: Runner) -> None:
    """Where `PATH` has no bash; the value still arrives whole."""
    tools = runner.base / "tools"
    tools.mkdir()
    (tools / "sh").symlink_to("/bin/sh")
    step = command("s", "echo ${{ 'a  b' }}; false; echo never")
    result = runner(plan(step), environment={"PATH": str(tools)})
    assert statuses(result) == {"s": "failed"}
    assert runner.lines("s") == ["a  b"]


@pytest.mark.parametrize(
    "leaves",
    [
        "sleep 1000 & echo $! > pid",
        "sleep 1000 > /dev/null 2>&1 & echo $! > pid",
        "bash -c 'trap \"\" TERM; echo $$ > pid; exec sleep 1000' & until [ -s pid ]; do :; done",
        "(sleep 1000 & echo $! > pid); exit 1",
    ],
)
def test_nothing_of_a_command_is_left_behind(runner: Runner, leaves: str) -> None:
    ended(runner, leaves)
    assert not alive(int((runner.base / "pid").read_text()))


def test_what_a_command_leaves_may_end_by_itself(runner: Runner) -> None:
    """A process substitution outlives the shell that began it, and its work counts."""
    (runner.base / "go").touch()
    result = runner(plan(command("s", "echo a > >(sleep 0.1; cat > late)")), grace=20.0)
    assert result.status == "succeeded"
    assert (runner.base / "late").read_text() == "a\n"


@pytest.mark.parametrize("script", ["echo up; sleep 1000", "trap '' TERM; echo up; sleep 1000"])
def test_a_cancellation_ends_commands(runner: Runner, script: str) -> None:
    cancellation = Cancellation()

    def stop(event: Event) -> None:
        if isinstance(event, StepOutput):
            cancellation.ask()

    steps = [command("s", f"echo $$ > pid; {script}"), command("after", "true", "s")]
    steps += [command("always", "true", "s", condition="always()")]
    result = runner(plan(*steps), stop, cancellation=cancellation)
    assert result.status == "cancelled"
    assert statuses(result) == {"s": "cancelled", "after": "cancelled", "always": "cancelled"}
    assert result.steps["s"].exit_code in (137, 143)
    assert not alive(int((runner.base / "pid").read_text()))


def test_a_cancellation_before_the_start_runs_nothing(runner: Runner) -> None:
    cancellation = Cancellation()
    cancellation.ask()
    result = runner(plan(command("s", "touch ran")), cancellation=cancellation)
    assert statuses(result) == {"s": "cancelled"}
    assert not (runner.base / "ran").exists()


def test_values_of_steps_and_run(runner: Runner) -> None:
    values = (
        "${{ steps.a.status }} ${{ steps.a.exit_code }} ${{ steps.a.written }} ${{ run.failed }} "
        "${{ run.attempt }} ${{ steps.a.exit_code + 1 }} ${{ 1.5 }} ${{ null }}"
    )
    runner(plan(command("a", "true"), command("b", f'echo "{values}"', "a")))
    assert runner.lines("b") == ["succeeded 0  false 1 1 1.5 "]


def test_cells_of_a_matrix_are_sums_and_lists(runner: Runner) -> None:
    cells = [command(f"load[{region},2012]", "echo up") for region in ("us", "eu")]
    names = [cell.id for cell in cells]
    last = command(
        "b", "echo \"${{ steps.load.status }} ${{ steps.load['eu,2012'].exit_code }}\"", *names
    )
    runner(plan(*cells, last))
    assert [json.loads(line.rpartition(" ")[0]) for line in runner.lines("b")] == [
        ["succeeded", "succeeded"]
    ]
    assert runner.setting().log("load[us,2012]").exists()


def test_an_empty_matrix_has_no_figures(runner: Runner) -> None:
    """The plan does not know it at all."""
    runner(plan(command("s", 'echo "${{ steps.load.status }} ${{ steps.load.written }}"')))
    assert runner.lines("s") == ["[] 0"]


def test_an_expression_without_value_fails_the_step(runner: Runner) -> None:
    message = "division by zero in 1 // 0"
    assert complaint(runner, "touch ran; echo ${{ 1 // 0 }}") == ("E712", message)
    assert not (runner.base / "ran").exists()
    result = runner(plan(command("s", "true", condition="cast(run.id as bigint) > 0")))
    assert [fault.code.id for fault in result.steps["s"].faults] == ["E712"]


def test_what_the_system_refuses_fails_the_step(runner: Runner) -> None:
    """Where the log cannot be written, the system's own words are told."""
    logs = runner.base / ".flowctl" / "runs" / "r1" / "logs"
    logs.parent.mkdir(parents=True)
    logs.write_text("a file where a folder should be")
    code, message = complaint(runner, "echo a")
    assert code == "E718"
    assert "file exists" in message


def test_many_commands_at_once(runner: Runner) -> None:
    steps = [command(f"s{index}", f"echo {index}; echo {index} >&2") for index in range(60)]
    result = runner(plan(*steps), workers=8)
    assert result.status == "succeeded"
    assert all(runner.lines(f"s{index}") == [str(index)] * 2 for index in range(60))
    assert threading.active_count() < 8


def alive(pid: int) -> bool:
    """Whether a process is there and not only waiting to be reaped."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
