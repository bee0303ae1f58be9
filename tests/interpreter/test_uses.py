"""Steps that use a workflow: what is within runs as it would alone, and decides how they end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.interpreter.events import HookEnded, StepEnded, StepStarted
from flowctl.interpreter.result import result_of
from flowctl.interpreter.state import fold
from flowctl.kinds.steps.run import COMPONENT as RUN
from flowctl.kinds.steps.uses import COMPONENT as USES
from flowctl.plan import Operation, Plan, Secret, Step
from flowctl.registry import Registry
from flowctl.syntax.node import Json
from tests.interpreter.model import Node, expected, graphs, plan_of
from tests.interpreter.running import Runner, command, plan, statuses

REGISTRY = Registry.of([RUN, USES])


def using(id: str, inner: Iterable[Step], *needs: str, **outputs: str) -> list[Step]:
    """The steps of a workflow and the one that uses it, as the compiler puts them into a plan."""
    within: list[Step] = []
    for step in inner:
        own = tuple(f"{id}/{need}" for need in step.needs) or needs
        reads = tuple(f"{id}/{read}" for read in step.reads)
        outer = f"{id}/{step.within}" if step.within else id
        within.append(replace(step, id=f"{id}/{step.id}", needs=own, reads=reads, within=outer))
    members = [step.id for step in within if step.within == id]
    declared: dict[str, Json] = {name: {"value": value} for name, value in outputs.items()}
    body = Operation("uses", {"uses": "other.yaml", "outputs": declared})
    return [*within, Step(id, body, (*needs, *members), tuple(members))]


def changed(steps: list[Step], **changes: object) -> list[Step]:
    """The steps, of which the using one is changed."""
    return [*steps[:-1], replace(steps[-1], **changes)]  # type: ignore[arg-type]


def nodes_within(outer: list[Node], used: int, inner: list[Node]) -> Plan:
    """The outer graph, of which one node is the inner one."""
    steps: list[Step] = []
    for index, step in enumerate(plan_of(outer).steps):
        if index == used:
            steps += changed(
                using(step.id, plan_of(inner).steps, *step.needs), condition=step.condition
            )
        else:
            steps.append(step)
    return plan(*steps)


@settings(max_examples=60, deadline=None)
@given(graphs(), graphs(), st.data())
def test_from_outside_it_is_a_step_and_from_within_a_run(
    outer: list[Node], inner: list[Node], data: st.DataObject
) -> None:
    """Both graphs come to what the model says of each alone."""
    used = data.draw(st.integers(0, len(outer) - 1))
    alone = expected(inner, keep_going=True)
    outer[used] = replace(outer[used], fails="failed" in alone.values())
    with TemporaryDirectory() as folder:
        runner = Runner(Path(folder), registry=REGISTRY)
        result = runner(
            nodes_within(outer, used, inner), workers=3, keep_going=True, checkpoints=None
        )
        found = statuses(result)
        wanted = expected(outer, keep_going=True)
        assert {id: status for id, status in found.items() if "/" not in id} == wanted
        begun = any(
            isinstance(event, StepStarted) and event.step == f"s{used}" for event in runner.events
        )
        within = {id.partition("/")[2]: status for id, status in found.items() if "/" in id}
        never = "cancelled" if wanted[f"s{used}"] == "cancelled" else "skipped"
        assert within == (alone if begun else dict.fromkeys(alone, never))
        assert result_of(fold(runner.events)) == result


@settings(max_examples=40, deadline=None)
@given(graphs(fanned=True))
def test_it_stops_where_a_run_would(inner: list[Node]) -> None:
    """Without `keep_going` and with one worker, the first failure cancels as it does in a run."""
    with TemporaryDirectory() as folder:
        runner = Runner(Path(folder), registry=REGISTRY)
        alone = statuses(runner(plan_of(inner), workers=1, checkpoints=None))
        for forgiving in (False, True):
            steps = changed(using("u", plan_of(inner).steps), continue_on_error=forgiving)
            after = command("after", ["true"], "u")
            result = runner(plan(*steps, after), workers=1, checkpoints=None)
            found = statuses(result)
            assert {id[2:]: status for id, status in found.items() if "/" in id} == alone
            bad = "failed" in alone.values()
            assert found["u"] == ("failed" if bad else "succeeded")
            assert found["after"] == ("skipped" if bad and not forgiving else "succeeded")
            assert result.status == ("failed" if bad and not forgiving else "succeeded")


@settings(max_examples=40, deadline=None)
@given(graphs(), st.integers(1, 3))
def test_it_begins_before_and_ends_behind_what_is_within(inner: list[Node], workers: int) -> None:
    with TemporaryDirectory() as folder:
        runner = Runner(Path(folder), registry=REGISTRY)
        steps = using("u", [*using("v", plan_of(inner).steps), command("x", ["true"])])
        runner(plan(*steps), workers=workers, keep_going=True, checkpoints=None)
        told = [event for event in runner.events if isinstance(event, StepStarted | StepEnded)]
        for id in ("u", "u/v"):
            (began, ended) = [number for number, event in enumerate(told) if event.step == id]
            within = [n for n, event in enumerate(told) if event.step.startswith(f"{id}/")]
            assert isinstance(told[began], StepStarted)
            assert began < min(within)
            assert max(within) < ended


def test_outputs_are_those_of_the_steps_within(runner: Runner) -> None:
    runner.registry = REGISTRY
    give = command("give", 'echo n=3 >> "$FLOWCTL_OUTPUT"', outputs={"n": {"type": "integer"}})
    steps = using("u", [give], n="steps.give.outputs.n + 1", s="steps.give.status")
    steps = changed(
        steps, body=Operation("uses", {**_arguments(steps), "outputs": _typed(steps, n="integer")})
    )
    tell = command("tell", "echo ${{ steps.u.outputs.n * 10 }} ${{ steps.u.outputs.s }}", "u")
    result = runner(plan(*steps, tell))
    assert result.steps["u"].outputs == {"n": 4, "s": "succeeded"}
    assert runner.lines("tell") == ["40 succeeded"]


def _arguments(steps: list[Step]) -> dict[str, Json]:
    body = steps[-1].body
    assert isinstance(body, Operation)
    return body.arguments


def _typed(steps: list[Step], **types: str) -> dict[str, Json]:
    declared = _arguments(steps)["outputs"]
    assert isinstance(declared, dict)
    found: dict[str, Json] = {}
    for name, one in declared.items():
        assert isinstance(one, dict)
        found[name] = {**one, "type": types[name]} if name in types else one
    return found


def test_an_output_without_value_fails_the_step(runner: Runner) -> None:
    runner.registry = REGISTRY
    result = runner(plan(*using("u", [command("a", ["true"])], n="1 // (steps.a.exit_code)")))
    assert statuses(result) == {"u/a": "succeeded", "u": "failed"}
    assert [fault.code.id for fault in result.steps["u"].faults] == ["E712"]


def test_the_same_names_mean_each_workflow_its_own_steps(runner: Runner) -> None:
    runner.registry = REGISTRY
    inner = [command("a", "echo ${{ run.id }}"), command("b", "echo ${{ steps.a.status }}", "a")]
    steps = [command("a", "exit 3"), *changed(using("u", inner, "a"), condition="always()")]
    result = runner(plan(*steps))
    assert statuses(result) == {
        "a": "failed",
        "u/a": "succeeded",
        "u/b": "succeeded",
        "u": "succeeded",
    }
    assert runner.lines("u/b") == ["succeeded"]


def test_secrets_are_seen_only_where_they_are_declared(runner: Runner) -> None:
    runner.registry = REGISTRY
    secrets = (Secret("KEY", "env", "OUTER"), Secret("KEY", "env", "INNER", "u"))
    show: dict[str, Json] = {"KEY": "${{ secrets.KEY }}"}
    length = 'echo ${#KEY} ${OUTER-none} ${INNER-none}; echo "is $KEY"'
    steps = [command("a", length, env=show), *using("u", [command("a", length, env=show)])]
    environment = {**runner.setting().environment, "OUTER": "abcdef", "INNER": "xyz"}
    result = runner(replace(plan(*steps), secrets=secrets), environment=environment)
    assert result.status == "succeeded"
    assert runner.lines("a") == ["6 none none", "is ***"]
    assert runner.lines("u/a") == ["3 none none", "is ***"]


def test_hooks_are_done_around_what_is_within(runner: Runner) -> None:
    runner.registry = REGISTRY
    hooks = {
        moment: Operation("run", {"run": f"echo {moment} >> told"})
        for moment in ("start", "success", "failure", "finish")
    }
    inner = [command("a", "echo a >> told"), command("b", "echo b >> told; exit 1", "a")]
    steps = changed(using("u", inner), hooks=tuple(hooks.items()))
    result = runner(plan(*steps))
    assert result.status == "failed"
    told = (runner.base / "told").read_text().split()
    assert told == ["start", "a", "b", "failure", "finish"]
    assert [event.hook for event in runner.events if isinstance(event, HookEnded)] == [
        "start",
        "failure",
        "finish",
    ]
    (runner.base / "told").unlink()
    runner(plan(*changed(steps, condition="run.id = ''")))
    assert not (runner.base / "told").exists()


def test_paths_and_commands_start_at_the_folder_of_the_workflow(runner: Runner) -> None:
    runner.registry = REGISTRY
    (runner.base / "part" / "deep").mkdir(parents=True)
    inner = [replace(command("a", "pwd"), folder="part"), command("b", "pwd", cwd="deep")]
    inner[1] = replace(inner[1], folder="part")
    runner(plan(*using("u", inner), command("c", "pwd")))
    assert runner.lines("u/a") == [str(runner.base / "part")]
    assert runner.lines("u/b") == [str(runner.base / "part" / "deep")]
    assert runner.lines("c") == [str(runner.base)]


def test_a_list_is_gone_through_within(tmp_path: Path) -> None:
    """Names are those within, also of the cells; from outside there is one step."""
    said = 'echo "up=${{ upper(item) }}" >> "$FLOWCTL_OUTPUT"'
    found: Json = {"found": {"type": "array", "items": {"type": "string"}}}
    inner = [
        command("list", """echo 'found=["a", "b"]' >> "$FLOWCTL_OUTPUT" """, outputs=found),
        replace(command("each", said, "list"), foreach="steps.list.outputs.found"),
        command("last", "echo ${{ steps.each.outputs.up }}", "each"),
    ]
    runner = Runner(tmp_path, registry=REGISTRY)
    result = runner(plan(*using("all", inner, found="steps.each.outputs.up")))
    assert set(statuses(result).values()) == {"succeeded"}
    assert [id for id in result.steps if "[" in id] == ["all/each[0]", "all/each[1]"]
    assert runner.lines("all/last") == ['["A", "B"]']
    assert result.steps["all"].outputs == {"found": ["A", "B"]}
    assert result_of(fold(runner.events)).steps == result.steps
