"""A secret is in no file, event, error or argument list, and in no environment unasked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flowctl.interpreter.events import Event, OnEvent, StepOutput
from flowctl.plan import Secret, Step
from tests.interpreter.running import Runner, command, plan

ROOT = Path(__file__).parents[2]
CANARY = "canary-Zx9"
KEY = "-----BEGIN-----\ncanary-line-1\ncanary-line-2\n-----END-----\n"
SECRETS = (Secret("TOKEN", "env", "API_TOKEN"), Secret("KEY", "file", "key.txt"))


def test_a_secret_reaches_who_names_it_and_nobody_else(runner: Runner) -> None:
    other = command("other", "cat /proc/$$/environ > env; cat /proc/$$/cmdline > args; env")
    result = run(runner, other, command("named", "printf %s ${{ secrets.TOKEN }} | wc -c"))
    assert result == "succeeded"
    assert runner.lines("named") == [str(len(CANARY))]
    assert "API_TOKEN" not in (runner.base / "env").read_text()
    assert_hidden(runner)


@pytest.mark.parametrize(
    "script",
    [
        "echo ${{ secrets.TOKEN }} ${{ secrets.KEY }}",
        'echo "a${{ secrets.TOKEN }}b" >&2; exit 1',
        "printf %s ${{ secrets.TOKEN }}; printf %s ${{ secrets.TOKEN }}",
        "x=${{ secrets.TOKEN }}; printf %s ${x:0:4}; sleep 0.05; printf '%s\\n' ${x:4}",
        "echo ${{ secrets.KEY }} | head -2 | tail -1",
        "cat key.txt",
        "env",
        "head -c 65530 /dev/zero; echo ${{ secrets.TOKEN }}",
        "set -x; : ${{ secrets.TOKEN }}",
        "${{ secrets.TOKEN }}",
        "cat /no/${{ secrets.TOKEN }}",
        "echo ${{ upper(secrets.TOKEN) }} ${{ secrets.TOKEN || '!' }}",
        "echo ${{ cast(secrets.TOKEN as bigint) }}",
    ],
)
def test_a_secret_is_hidden_wherever_it_is_printed(runner: Runner, script: str) -> None:
    run(runner, command("s", script), command("t", "echo ${{ steps.s.status }}", "s"))
    assert_hidden(runner, "CANARY")


def test_what_was_made_of_a_secret_is_secret(runner: Runner) -> None:
    run(runner, command("s", "echo ${{ upper(secrets.TOKEN) }}"))
    assert runner.lines("s") == ["***"]


def test_a_process_has_a_secret_in_its_environment_alone(runner: Runner) -> None:
    """Seen from outside, while the command runs."""
    os.mkfifo(runner.base / "go")
    seen: list[bytes] = []

    def look(event: Event) -> None:
        if isinstance(event, StepOutput) and event.line.isdigit():
            proc = Path("/proc") / event.line
            seen.extend([(proc / "cmdline").read_bytes(), (proc / "environ").read_bytes()])
            (runner.base / "go").write_text("x\n")

    script = ": ${{ secrets.TOKEN }}; echo $$; read _ < go"
    run(runner, command("s", script), on_event=look)
    arguments, environment = seen
    assert CANARY.encode() not in arguments
    assert CANARY.encode() in environment


def test_env_hands_a_secret_on_under_a_name(runner: Runner) -> None:
    step = command("s", ["sh", "-c", 'test "$API_TOKEN" = "$T" && echo $T'], env={
        "API_TOKEN": "${{ secrets.TOKEN }}", "T": CANARY
    })  # fmt: skip
    run(runner, step)
    assert runner.lines("s") == ["***"]


def test_the_last_line_end_of_a_file_is_not_part_of_the_secret(runner: Runner) -> None:
    run(
        runner,
        command("s", 'printf %s ${{ secrets.KEY }} | cksum; printf %s "$(cat key.txt)" | cksum'),
    )
    assert len(set(runner.lines("s"))) == 1


def test_a_missing_secret_fails_only_who_names_it(runner: Runner) -> None:
    secrets = (Secret("A", "env", "NO_SUCH"), Secret("B", "file", "none.txt"))
    steps = [command("a", "echo ${{ secrets.A }}"), command("c", "true")]
    steps += [command("b", "true", env={"X": "${{ secrets.B }}"})]
    result = runner(plan(*steps, secrets=secrets), keep_going=True)
    told = {id: [fault.message for fault in step.faults] for id, step in result.steps.items()}
    assert told == {
        "a": ["no secret `A`: the environment has no variable `NO_SUCH`"],
        "b": ["no secret `B`: `none.txt` cannot be read: no such file or directory"],
        "c": [],
    }
    assert {fault.code.id for step in result.steps.values() for fault in step.faults} == {"E713"}


def test_a_condition_may_ask_for_a_secret(runner: Runner) -> None:
    run(runner, command("s", "true", condition="secrets.TOKEN <> 'x'"))
    run(runner, command("s", "true", condition="secrets.TOKEN = 'x'"))
    assert_hidden(runner)


def test_outputs_of_a_run_are_hidden(runner: Runner) -> None:
    (runner.base / "key.txt").write_text(KEY)
    outputs = {"a": "secrets.TOKEN", "b": "upper(secrets.TOKEN)", "c": "length(secrets.TOKEN)"}
    steps = plan(command("s", "true"), secrets=SECRETS)
    environment = {**runner.setting().environment, "API_TOKEN": CANARY}
    done = runner(replace(steps, outputs=tuple(outputs.items())), environment=environment)
    assert done.outputs == {"a": "***", "b": "***", "c": len(CANARY)}
    assert_hidden(runner, CANARY.upper())


WORKFLOW = """\
flowctl: 1
name: canary
secrets: {TOKEN: {env: API_TOKEN}, KEY: {file: key.txt}}
steps:
  shows: {run: "env; cat key.txt; echo ${{ secrets.TOKEN }} ${{ upper(secrets.KEY) }}"}
  fails:
    if: cast(secrets.TOKEN as bigint) > 0
    run: echo never
"""


@pytest.mark.parametrize("shape", ["text", "json"])
def test_the_command_line_shows_and_writes_no_secret(tmp_path: Path, shape: str) -> None:
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    (tmp_path / "key.txt").write_text(KEY)
    environment = {**os.environ, "API_TOKEN": CANARY, "PYTHONPATH": str(ROOT)}
    flowctl = [sys.executable, "-m", "flowctl"]
    for arguments in (
        ["plan", "w.yaml", "-o", "plan.json"],
        ["run", "w.yaml", "--keep-going", "--format", shape, "--log-format", shape],
    ):
        ended = subprocess.run(
            [*flowctl, *arguments], cwd=tmp_path, env=environment, capture_output=True, check=False
        )
        shown = (ended.stdout + ended.stderr).lower()
        assert ended.returncode == ("run" in arguments), shown.decode()
        assert b"canary-" not in shown
    for file in files(tmp_path):
        assert b"canary-" not in file.read_bytes().lower(), file


def run(runner: Runner, *steps: Step, on_event: OnEvent | None = None) -> str:
    """Runs steps beside a secret in the environment and one in a file."""
    (runner.base / "key.txt").write_text(KEY)
    environment = {**runner.setting().environment, "API_TOKEN": CANARY}
    return runner(plan(*steps, secrets=SECRETS), on_event, environment=environment).status


def assert_hidden(runner: Runner, *further: str) -> None:
    """No file of the project, and nothing that the run has said, holds the canary."""
    for secret in ("canary-", *further):
        for file in files(runner.base):
            assert secret.encode() not in file.read_bytes(), file
        for event in runner.events:
            assert secret not in repr(replace(event)), event


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and path.name != "key.txt")
