"""`foreach`: a step that is done once for each element of a list that only the run knows."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import accumulate

import pytest

from flowctl.errors import ResumeRefused
from flowctl.interpreter import Run
from flowctl.interpreter.events import Event, HookOutput, StepEnded, StepFannedOut, StepStarted
from flowctl.interpreter.fanning import MOST
from flowctl.interpreter.result import result_of
from flowctl.interpreter.state import fold
from flowctl.plan import Operation, Place, Resource, Retry, Step
from tests.interpreter.running import Leaping, Runner, command, plan, statuses


def each(id: str, foreach: str, run: str, *needs: str, condition: str | None = None) -> Step:
    return replace(command(id, run, *needs, condition=condition), foreach=foreach)


def fanned(runner: Runner) -> list[StepFannedOut]:
    return [event for event in runner.events if isinstance(event, StepFannedOut)]


def begun(runner: Runner) -> list[str]:
    return [event.step for event in runner.events if isinstance(event, StepStarted)]


def listing(values: list[object]) -> Step:
    written = json.dumps(values)
    script = f"""echo 'found={written}' >> "$FLOWCTL_OUTPUT" """
    return command("list", script, outputs={"found": {"type": "array"}})


def test_each_element_makes_a_cell(runner: Runner) -> None:
    script = 'echo ${{ item }}; echo "n=${{ index }}${{ item }}" >> "$FLOWCTL_OUTPUT"'
    said = "echo ${{ steps.s.outputs.n }} ${{ steps.s.status }} ${{ steps.s.exit_code }}"
    steps = plan(
        listing(["a", "b c", "$(d)"]),
        each("s", "steps.list.outputs.found", script, "list"),
        command("after", f"{said} ${{{{ steps.s.written }}}}", "s"),
    )
    result = runner(steps)
    assert statuses(result) == dict.fromkeys(
        ["list", "s", "s[0]", "s[1]", "s[2]", "after"], "succeeded"
    )
    assert [runner.lines(f"s[{n}]") for n in range(3)] == [["a"], ["b c"], ["$(d)"]]
    assert runner.lines("after") == [
        '["0a", "1b c", "2$(d)"] ["succeeded", "succeeded", "succeeded"] [0, 0, 0] 0'
    ]
    assert result.steps["s"].outputs == {"n": ["0a", "1b c", "2$(d)"]}
    assert result.steps["s"].attempts == 3
    assert [event.items for event in fanned(runner)] == [("a", "b c", "$(d)")]
    assert result_of(fold(runner.events)).steps == result.steps
    assert list(result.steps) == ["list", "s", "s[0]", "s[1]", "s[2]", "after"]


@pytest.mark.parametrize(
    ("foreach", "item", "lines"),
    [
        ("[1, 2]", "item + 1", ["2", "3"]),
        ("[{'a': 1, 'b': 'x'}, {'a': 2, 'b': null}]", "concat(item.a, item.b)", ["1x", "2"]),
        ("[[1, 2], [3]]", "list_sum(item)", ["3", "3"]),
        ("[true, null]", "item", ["true", ""]),
        # Kept as JSON, in which a date is text.
        ("[date '2024-02-29']", "strftime(cast(item as date), '%d')", ["29"]),
        ("[cast(1.25 as decimal(5, 2))]", "cast(item as decimal(5, 2)) * 2", ["2.50"]),
        ("string_split('a,b', ',')", "upper(item)", ["A", "B"]),
    ],
)
def test_an_item_has_the_type_of_the_elements(
    runner: Runner, foreach: str, item: str, lines: list[str]
) -> None:
    result = runner(plan(each("s", foreach, f"echo ${{{{ {item} }}}}")))
    assert result.status == "succeeded"
    assert [line for n in range(len(lines)) for line in runner.lines(f"s[{n}]")] == lines


def test_fields_of_what_no_type_is_known_of(runner: Runner) -> None:
    values: list[object] = [{"a": {"b": 1}}, {"a": {}}, 7]
    step = each("s", "steps.list.outputs.found", "echo ${{ item.a.b }}.", "list")
    assert runner(plan(listing(values), step)).status == "succeeded"
    assert [runner.lines(f"s[{n}]") for n in range(3)] == [["1."], ["."], ["."]]


def test_an_empty_list_succeeds_with_nothing(runner: Runner) -> None:
    said = "echo ${{ steps.s.exit_code }} ${{ steps.s.read }} ${{ steps.s.outputs.n }}"
    result = runner(plan(each("s", "[]", "exit 1"), command("after", said, "s")))
    assert statuses(result) == {"s": "succeeded", "after": "succeeded"}
    assert runner.lines("after") == ["[] 0 []"]


def test_a_false_if_asks_for_no_list(runner: Runner) -> None:
    steps = plan(
        each("s", "[1 // 0]", "true", condition="false"),
        command("after", "true", "s"),
        command("asks", "echo ${{ steps.s.status }}", "s", condition="always()"),
    )
    result = runner(steps)
    assert statuses(result) == {"s": "skipped", "after": "skipped", "asks": "succeeded"}
    assert runner.lines("asks") == ["[]"]


@pytest.mark.parametrize(
    ("foreach", "message"),
    [
        ("null", "is null, and no list"),
        ("steps.list.outputs.other", 'is no list: `{"a": 1}`'),
        (f"range({MOST + 1})", f"has {MOST + 1:,} elements; at most {MOST:,}"),
        ("[cast('nan' as double)]", "a number that JSON cannot hold"),
        ("[1 // 0]", "division by zero"),
    ],
)
def test_what_is_no_list_fails_the_step_at_its_place(
    runner: Runner, foreach: str, message: str
) -> None:
    step = each("s", foreach, "true", "list")
    place = Place("w.yaml", 7, 14, 7, 20)
    made = command(
        "list",
        """echo 'other={"a": 1}' >> "$FLOWCTL_OUTPUT" """,
        outputs={"other": {"type": "object"}},
    )
    result = runner(replace(plan(made, step), positions={"s/foreach": place}))
    assert statuses(result) == {"list": "succeeded", "s": "failed"}
    (fault,) = result.steps["s"].faults
    assert fault.code.id == ("E712" if "//" in foreach else "E723")
    assert message in fault.message
    assert fault.span is not None
    assert fault.span.line == 7


def test_cells_begin_where_their_step_stands(runner: Runner) -> None:
    steps = plan(
        each("s", "['a', 'b']", "true"),
        command("next", "true"),
        replace(each("first", "[1]", "true"), priority=1),
    )
    runner(steps, workers=1)
    assert begun(runner) == ["first[0]", "s[0]", "s[1]", "next"]


@pytest.mark.parametrize("bound", ["max_parallel", "pool"])
def test_bounds_of_what_runs_at_once(runner: Runner, bound: str) -> None:
    step = each("s", "range(8)", "true")
    if bound == "pool":
        steps = replace(plan(replace(step, pool=(("p", 1),))), resources=(Resource("p", 2),))
    else:
        steps = plan(replace(step, max_parallel=2))
    assert runner(steps, workers=4).status == "succeeded"
    moves = [
        1 if isinstance(event, StepStarted) else -1
        for event in runner.events
        if isinstance(event, StepStarted | StepEnded) and event.step != "s"
    ]
    assert max(accumulate(moves)) == 2


def test_a_failing_cell_stops_the_others_unless_the_run_keeps_going(runner: Runner) -> None:
    steps = plan(each("s", "[0, 1, 0]", "exit ${{ item }}"), command("after", "true", "s"))
    result = runner(steps, workers=1)
    assert list(statuses(result).values()) == [
        "failed",
        "succeeded",
        "failed",
        "cancelled",
        "skipped",
    ]
    assert result.steps["s"].why == "1 of 3 have failed"
    assert not result.steps["s"].faults
    result = runner(steps, workers=1, keep_going=True)
    assert statuses(result)["s[2]"] == "succeeded"
    assert statuses(result)["s"] == "failed"


def test_a_cells_fault_names_it_and_its_place(runner: Runner) -> None:
    places = {"s/run": Place("w.yaml", 3, 1, 3, 2), "s/foreach": Place("w.yaml", 2, 1, 2, 2)}
    steps = replace(plan(each("s", "[0, 1]", "exit ${{ item }}")), positions={**places})
    result = runner(steps)
    (fault,) = result.steps["s[1]"].faults
    assert fault.span is not None
    assert fault.span.line == 3
    (frame,) = fault.trace
    assert (frame.detail, frame.span.line) == ("s[1]", 2)


def test_cells_run_regardless_of_failures_where_their_step_does(runner: Runner) -> None:
    steps = plan(
        command("bad", "false"), each("s", "[1, 0, 1]", "exit ${{ item }}", condition="always()")
    )
    result = runner(steps, workers=1)
    assert [statuses(result)[f"s[{n}]"] for n in range(3)] == ["failed", "succeeded", "failed"]


def test_retries_and_fallbacks_are_the_cells_own(runner: Runner) -> None:
    script = 'echo x >> tries${{ index }}; [ "$(wc -l < tries${{ index }})" -ge ${{ item }} ]'
    step = replace(
        each("s", "[1, 2, 9]", script),
        retry=Retry(3),
        fallback=Operation("run", {"run": "echo instead of ${{ item }}"}),
    )
    result = runner(plan(step), pace=Leaping())
    assert [(one.status, one.attempts) for one in result.steps.values()] == [
        ("recovered", 6),
        ("succeeded", 1),
        ("succeeded", 2),
        ("recovered", 3),
    ]
    assert runner.lines("s[2]") == ["instead of 9"]
    assert result_of(fold(runner.events)).steps == result.steps


def test_each_attempt_of_a_cell_has_its_time(runner: Runner) -> None:
    step = replace(each("s", "[0, 1000]", "sleep ${{ item }}"), timeout=300)
    result = runner(plan(step), keep_going=True)
    assert list(statuses(result).values()) == ["failed", "succeeded", "failed"]
    assert [fault.code.id for fault in result.steps["s[1]"].faults] == ["E720"]


def test_forgiven_cells_let_the_rest_go_on(runner: Runner) -> None:
    step = replace(each("s", "[1, 0]", "exit ${{ item }}"), continue_on_error=True)
    result = runner(plan(step, command("after", "true", "s")), workers=1)
    assert list(statuses(result).values()) == ["failed", "failed", "succeeded", "succeeded"]
    assert result.status == "succeeded"
    assert fold(runner.events).steps["s"].forgiven


def test_hooks_are_done_for_each_cell_which_they_name_as_their_step(runner: Runner) -> None:
    said = "echo ${{ item }} ${{ steps.s.exit_code }}"
    step = replace(
        each("s", "[0, 3]", "exit ${{ item }}"),
        hooks=(("finish", Operation("run", {"run": said})),),
    )
    runner(plan(step), keep_going=True)
    told = {event.step: event.line for event in runner.events if isinstance(event, HookOutput)}
    assert told == {"s[0]": "0 0", "s[1]": "3 3"}


class Cut(Exception):
    """Ends a run as a crash does: at once, with what is stored so far."""


def cut_after(ended: int) -> object:
    def cut(event: Event) -> None:
        nonlocal ended
        if isinstance(event, StepEnded) and "[" in event.step:
            ended -= 1
            if not ended:
                raise Cut

    return cut


def interrupted(runner: Runner, steps: Step, ended: int = 2) -> None:
    with pytest.raises(Cut):
        runner(plan(steps), cut_after(ended), workers=1)  # type: ignore[arg-type]
    runner.runs -= 1


DOES = each("s", "list_transform(range(4), lambda x: x + 1)", "echo ${{ item }} >> done")


def done(runner: Runner) -> list[str]:
    return (runner.base / "done").read_text().split()


def test_a_run_goes_on_with_the_same_list_and_the_cells_that_are_left(runner: Runner) -> None:
    interrupted(runner, DOES)
    result = runner(plan(DOES))
    assert result.status == "succeeded"
    assert sorted(done(runner)) == ["1", "2", "3", "4"]
    assert sorted(begun(runner)) == ["s[2]", "s[3]"]
    assert not fanned(runner)
    assert result.resumed_from is not None
    assert {id: one.ended for id, one in result.resumed_from.items()} == {
        "s[0]": True,
        "s[1]": True,
    }
    # Once more: all is done.
    runner.runs -= 1
    assert runner(plan(DOES)) == result
    assert runner.events == []


def test_a_step_that_has_fanned_out_may_not_change(runner: Runner) -> None:
    interrupted(runner, DOES)
    for changed in (replace(DOES, foreach="[1]"), each("s", str(DOES.foreach), "echo other")):
        with pytest.raises(ResumeRefused) as refused:
            runner(plan(changed))
        runner.runs -= 1
        (fault,) = refused.value.diagnostics
        assert fault.code.id == "E730"


def test_attempts_of_a_cell_count_on(runner: Runner) -> None:
    """The first attempt of the second cell fails; the run is cut off before the next one."""

    def cut(event: Event) -> None:
        if isinstance(event, StepStarted) and event.attempt == 2:
            raise Cut

    script = "echo x >> ${{ item }}; [ ${{ item }} = a ]"
    step = replace(each("s", "['a', 'b']", script), retry=Retry(3))
    with pytest.raises(Cut):
        runner(plan(step), cut, workers=1, pace=Leaping())
    runner.runs -= 1
    result = runner(plan(step), workers=1, pace=Leaping())
    assert (result.steps["s[0]"].attempts, result.steps["s[1]"].attempts) == (1, 4)
    assert statuses(result) == {"s": "failed", "s[0]": "succeeded", "s[1]": "failed"}


def test_what_is_done_again_makes_its_list_again(runner: Runner) -> None:
    listed = command(
        "list", 'echo "n=[$(cat n)]" >> "$FLOWCTL_OUTPUT"', outputs={"n": {"type": "array"}}
    )
    steps = plan(listed, each("s", "steps.list.outputs.n", "echo ${{ item }} >> done", "list"))
    (runner.base / "n").write_text("1, 2, 3")
    assert runner(steps).status == "succeeded"
    runner.runs -= 1
    (runner.base / "n").write_text("7")
    result: Run = runner(steps, again=frozenset({"list", "s"}))
    assert statuses(result) == {"list": "succeeded", "s": "succeeded", "s[0]": "succeeded"}
    assert done(runner)[-1] == "7"


def test_thousands_of_cells(runner: Runner) -> None:
    """All but the first are given up without having begun: what is seen is the graph's own cost."""
    step = replace(each("s", "range(5000)", "x"), body=Operation("run", {"run": ["false"]}))
    result = runner(plan(step), workers=1, checkpoints=None)
    assert list(statuses(result).values()) == ["failed", "failed"] + ["cancelled"] * 4999
