"""`python: module:function`: its arguments, its outputs, and how it fails, in real processes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from flowctl.cli.main import main
from flowctl.kinds.steps import python, run
from flowctl.plan import Operation, Plan, Retry, Secret, Step
from flowctl.registry import Registry
from flowctl.syntax.node import Json
from tests.interpreter.running import Leaping, Runner, command, plan, statuses

MODULE = """
import os, sys, time
from pathlib import Path

def hello(name, *, times=1, **more):
    print("hello", name, "from", os.environ.get("PLACE"))
    return {"text": name * times, "times": times, **more}

def nothing(): pass
def listed(): return [1, 2]
def named(): return {"a b": 1}
def unfit(): return {"a": object()}
def leaves(): os._exit(3)
def crashes(): os.kill(os.getpid(), 11)

class Flaky(ConnectionError): pass

def flaky(path, fails):
    tries = Path(path)
    tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
    if len(tries.read_text()) <= fails:
        raise Flaky("try " + str(len(tries.read_text())))
    return {"tries": len(tries.read_text())}

def hangs(path):
    pid = os.fork()
    if pid == 0:
        time.sleep(1000)
    Path(path).write_text(f"{os.getpid()} {pid}")
    time.sleep(1000)

def told(secret):
    print("it is", secret)
    raise ValueError("not " + secret)
"""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    (tmp_path / "mine.py").write_text(MODULE)
    return Runner(tmp_path, registry=Registry.of([python.COMPONENT, run.COMPONENT]))


def call(function: str, given: Json = None, id: str = "s", **options: Json) -> Step:
    arguments: dict[str, Json] = {"python": f"mine:{function}", "root": ".", "file": "mine.py"}
    return Step(id, Operation("python", {**arguments, "with": given or {}, **options}))


def test_arguments_and_outputs(runner: Runner) -> None:
    steps = plan(
        command("a", 'echo n=2 >> "$FLOWCTL_OUTPUT"', outputs={"n": {"type": "integer"}}),
        replace(
            call("hello", {"name": "x${{ run.failed }}", "times": "${{ steps.a.outputs.n }}",
                           "deep": [{"at": "${{ steps.a.status }}"}]},
                 env={"PLACE": "${{ steps.a.outputs.n * 2 }}"}),
            needs=("a",),
        ),
        command("b", "echo ${{ steps.s.outputs.text }}", "s"),
    )  # fmt: skip
    result = runner(steps)
    assert statuses(result) == {"a": "succeeded", "s": "succeeded", "b": "succeeded"}
    assert result.steps["s"].outputs == {
        "text": "xfalsexfalse",
        "times": 2,
        "deep": [{"at": "succeeded"}],
    }
    assert runner.lines("s") == ["hello xfalse from 4"]
    assert runner.lines("b") == ["xfalsexfalse"]
    assert runner(plan(call("nothing"))).steps["s"].outputs == {}


@pytest.mark.parametrize(
    ("function", "code", "message"),
    [
        ("leaves", "E740", "the worker process died in `mine:leaves`: exit code 3"),
        ("crashes", "E740", "the worker process died in `mine:crashes`: signal SIGSEGV ended it"),
        ("listed", "E721", "`mine:listed` returned a list; what a step hands on is a mapping"),
        ("named", "E721", "`mine:named` returned `a b`, which is no name of an output"),
        ("unfit", "E740", "`mine:unfit` cannot be used: what it returned is no JSON"),
    ],
)
def test_a_failure_is_that_steps_and_no_one_elses(
    runner: Runner, function: str, code: str, message: str
) -> None:
    """The others run in the same workers, before and after it."""
    steps = [call("hello", {"name": str(n)}, f"s{n}") for n in range(6)]
    result = runner(plan(*steps[:3], call(function), *steps[3:]), workers=2, keep_going=True)
    (fault,) = result.steps["s"].faults
    assert fault.code.id == code
    assert fault.message.startswith(message)
    assert {result.steps[f"s{n}"].status for n in range(6)} == {"succeeded"}


def test_an_output_that_is_not_as_declared(runner: Runner) -> None:
    step = call("hello", {"name": "a"}, outputs={"text": {"type": "integer"}})
    (fault,) = runner(plan(step)).steps["s"].faults
    assert fault.code.id == "E721"


def test_exceptions_are_tried_again_by_their_class(runner: Runner) -> None:
    tries = runner.base / "tries"
    step = call("flaky", {"path": str(tries), "fails": 1})
    again = replace(step, retry=Retry(3, on=("ConnectionError",)))
    result = runner(plan(again), pace=Leaping())
    assert result.steps["s"].outputs == {"tries": 2}
    assert any("raise Flaky" in line for line in runner.lines("s"))
    tries.unlink()
    result = runner(plan(replace(step, retry=Retry(3, on=("KeyError",)))), pace=Leaping())
    assert result.steps["s"].attempts == 1
    assert "mine.py:" in result.steps["s"].faults[0].message


def test_a_timeout_leaves_no_process_behind(runner: Runner) -> None:
    step = replace(call("hangs", {"path": str(runner.base / "pids")}), timeout=1500)
    result = runner(plan(step, call("nothing", id="other")), keep_going=True)
    assert [fault.code.id for fault in result.steps["s"].faults] == ["E720"]
    assert result.steps["other"].status == "succeeded"
    for pid in (runner.base / "pids").read_text().split():
        stat = Path(f"/proc/{pid}/stat")
        assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] in "ZX"


def test_secrets_are_hidden(runner: Runner) -> None:
    steps = Plan(
        "w",
        (call("told", {"secret": "${{ secrets.T }}"}),),
        secrets=(Secret("T", "env", "T"),),
    )
    result = runner(steps, environment={"PATH": "/usr/bin", "T": "canary-5"})
    assert runner.lines("s")[0] == "it is ***"
    assert "`mine:told` raised ValueError: not ***" in result.steps["s"].faults[0].message
    for file in (runner.base / ".flowctl").rglob("*"):
        assert not file.is_file() or b"canary-5" not in file.read_bytes()


def test_a_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workflow lies below the project's folder, in which modules start."""
    (tmp_path / "flowctl.toml").touch()
    (tmp_path / "mine.py").write_text(MODULE)
    flows = tmp_path / "flows"
    flows.mkdir()
    monkeypatch.chdir(tmp_path)
    Path("flows/w.yaml").write_text("""
flowctl: 1
params: {name: {type: string, default: ho}}
steps:
  s:
    python: mine:hello
    with: {name: "{{ params.name }}", times: 3}
    outputs: {text: {type: string}, times: {type: integer}}
  t:
    if: steps.s.outputs.times = 3 and starts_with(steps.s.outputs.text, 'hoho')
    run: 'true'
""")
    assert main(["run", "flows/w.yaml", "--format", "json"]) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert steps["s"]["outputs"]["text"] == "hohoho"
    assert steps["t"]["status"] == "succeeded"
