"""Hooks: done at their moments, once, and never changing an outcome."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from flowctl.cli.main import main
from flowctl.interpreter.events import Event, HookEnded, HookOutput, StepEnded
from flowctl.interpreter.result import result_of
from flowctl.interpreter.state import fold
from flowctl.plan import Moment, Operation, Retry, Step
from tests.interpreter.running import Leaping, Runner, command, plan, statuses

MOMENTS: tuple[Moment, ...] = ("start", "success", "failure", "retry", "finish")


def hooked(step: Step, *moments: Moment, script: str = "echo $0") -> Step:
    hooks = {moment: Operation("run", {"run": f"{script}; : {moment}"}) for moment in moments}
    return replace(step, hooks=tuple(hooks.items()))


def done(runner: Runner) -> list[tuple[str | None, str]]:
    return [(event.step, event.hook) for event in runner.events if isinstance(event, HookEnded)]


@pytest.mark.parametrize(
    ("script", "moments"),
    [
        ("true", ["start", "success", "finish"]),
        ("false", ["start", "retry", "failure", "finish"]),
        ("test -e again || ! touch again", ["start", "retry", "success", "finish"]),
    ],
)
def test_each_is_done_at_its_moment(runner: Runner, script: str, moments: list[str]) -> None:
    step = hooked(replace(command("s", script), retry=Retry(2)), *MOMENTS)
    result = runner(plan(step), pace=Leaping())
    assert done(runner) == [("s", moment) for moment in moments]
    assert result_of(fold(runner.events)).steps == result.steps


def test_a_fallback_makes_a_success_of_it(runner: Runner) -> None:
    step = replace(command("s", "false"), fallback=Operation("run", {"run": "true"}))
    runner(plan(hooked(step, *MOMENTS)))
    assert done(runner) == [("s", "start"), ("s", "success"), ("s", "finish")]


def test_what_never_began_has_none(runner: Runner) -> None:
    skipped = hooked(command("s", "true", condition="run.failed"), *MOMENTS)
    assert statuses(runner(plan(skipped))) == {"s": "skipped"}
    assert done(runner) == []


def test_a_failing_hook_is_a_warning(runner: Runner) -> None:
    steps = [
        hooked(command("a", "true"), *MOMENTS, script="exit 3"),
        command("b", "true", "a"),
    ]
    result = runner(plan(*steps))
    assert statuses(result) == {"a": "succeeded", "b": "succeeded"}
    assert result.status == "succeeded"
    assert [(fault.code.id, fault.severity) for fault in result.warnings] == [
        ("E710", "warning")
    ] * 3


def test_others_do_not_wait_for_it(runner: Runner) -> None:
    """The hook of `a` ends only when `b`, which needs `a`, lets it."""
    runner(plan(command("pipe", "mkfifo go")))
    steps = [
        hooked(command("a", "true"), "finish", script="read _ < go"),
        command("b", "echo > go", "a"),
    ]
    result = runner(plan(*steps), workers=2)
    assert statuses(result) == {"a": "succeeded", "b": "succeeded"}
    assert done(runner) == [("a", "finish")]


def test_a_hook_sees_how_its_step_has_ended(runner: Runner) -> None:
    said = "echo ${{ steps.s.status }} ${{ steps.s.exit_code }}"
    runner(plan(hooked(command("s", "exit 3"), "failure", script=said)))
    lines = [event.line for event in runner.events if isinstance(event, HookOutput)]
    assert lines == ["failed 3"]


def test_the_run_has_hooks_of_its_own(runner: Runner) -> None:
    hooks = hooked(command("any", "true"), *MOMENTS).hooks
    runner(replace(plan(command("s", "true")), hooks=hooks))
    assert done(runner) == [(None, "start"), (None, "success"), (None, "finish")]
    runner(replace(plan(command("s", "false")), hooks=hooks))
    assert done(runner) == [(None, "start"), (None, "failure"), (None, "finish")]


def test_what_was_done_is_not_done_again_and_what_is_left_is(runner: Runner) -> None:
    """The run is cut off behind the first of two hooks, as by a crash."""
    steps = plan(hooked(command("s", "echo x >> ran"), "success", "finish"))

    class Cut(Exception):
        pass

    def cut(event: Event) -> None:
        if isinstance(event, HookEnded):
            raise Cut

    with pytest.raises(Cut):
        runner(steps, cut)
    runner.runs -= 1
    result = runner(steps)
    assert statuses(result) == {"s": "succeeded"}
    assert (runner.base / "ran").read_text() == "x\n"
    assert done(runner) == [("s", "finish")]
    assert not any(isinstance(event, StepEnded) for event in runner.events)


def test_a_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.yaml").write_text("""
flowctl: 1
hooks:
  start: {run: echo begins}
  finish:
    run: exit 7
steps:
  s:
    run: exit 3
    continue_on_error: true
    hooks:
      failure: {run: "echo told of ${{ steps.s.exit_code }}"}
""")
    assert main(["run", "w.yaml", "--format", "json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["status"] == "succeeded"
    assert "run, start | begins" in shown.err
    assert "s, failure | told of 3" in shown.err
    assert "w.yaml:6:10: warning[E710]: the command ended with exit code 7" in shown.err
