"""`flowctl.run`: what is handed in, what comes back, how it is ended and goes on."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import flowctl

FLOW = """\
flowctl: 1
name: flow
params: {day: {type: string, format: date}, n: {type: integer, default: 1}}
secrets: {TOKEN: {env: THE_TOKEN}}
steps:
  first:
    run: echo "day={{ params.day }}" >> "$FLOWCTL_OUTPUT"
  second:
    run: test -e go || exec sleep 60
    needs: [first]
  third:
    source: {rows: [{at: "{{ workflow.timestamp }}"}]}
    needs: [second]
    sink: {stdout: csv}
"""
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW, encoding="utf-8")
    return path


def run(flow: Path, **options: object) -> flowctl.Run:
    environment = {"PATH": "/usr/bin:/bin", "THE_TOKEN": "s3cret"}
    given = {"params": {"day": NOON.date()}, "environment": environment, **options}
    return flowctl.run(flow, **given)  # type: ignore[arg-type]


def cancelled(flow: Path, **options: object) -> flowctl.Run:
    """A run that another thread has ended in its second step."""
    cancel = flowctl.Cancellation()

    def watch(event: flowctl.Event) -> None:
        if isinstance(event, flowctl.StepStarted) and event.step == "second":
            threading.Thread(target=cancel.ask).start()

    return run(flow, on_event=watch, cancel=cancel, **options)


def test_another_thread_ends_it_and_it_goes_on(flow: Path) -> None:
    before = cancelled(flow)
    assert (before.status, before.unfinished, before.resumed_from) == ("cancelled", True, None)
    with pytest.raises(flowctl.Interrupted):
        before.check()
    (flow.parent / "go").touch()
    out = io.BytesIO()
    done = run(flow, stdout=out)
    assert (done.id, done.status) == (before.id, "succeeded")
    assert done.check() is done
    assert done.resumed_from is not None and done.resumed_from["first"].ended
    assert done.steps["first"].outputs == {"day": "2024-02-29"}
    assert [attempt.status for attempt in done.steps["second"].tries] == ["cancelled", "succeeded"]
    assert out.getvalue().startswith(b"at\n20")


def test_other_params_are_another_run_and_so_is_a_fresh_one(flow: Path) -> None:
    before = cancelled(flow)
    (flow.parent / "go").touch()
    assert run(flow, params={"day": "2024-03-01"}).id != before.id
    done = run(flow, fresh=True)
    assert done.id != before.id and done.resumed_from is None


def test_what_has_changed_is_refused_with_its_place(flow: Path) -> None:
    before = cancelled(flow)
    flow.write_text(FLOW.replace('echo "day', 'echo "date'), encoding="utf-8")
    with pytest.raises(flowctl.ResumeRefused, match=before.id) as refused:
        run(flow)
    (fault,) = refused.value.diagnostics
    assert fault.span is not None and fault.span.line == 7
    assert str(fault).startswith(f"{flow}:7:")


def test_the_clock_the_environment_and_chance_are_handed_in(flow: Path) -> None:
    (flow.parent / "go").touch()
    ticks = iter(range(10_000))
    out = io.BytesIO()
    events: list[flowctl.Event] = []
    done = run(
        flow,
        stdout=out,
        clock=lambda: NOON + timedelta(seconds=next(ticks)),
        entropy=lambda size: b"x" * size,
        on_event=events.append,
    )
    assert done.id == "20240229T120000Z-787878"
    assert out.getvalue() == b"at\n2024-02-29 12:00:00+00:00\n"
    assert all(NOON <= event.at < NOON + timedelta(hours=1) for event in events)
    assert done.steps["first"].duration == int(done.steps["first"].duration or 0.5)


def test_what_a_subscriber_raises_ends_the_run_which_can_go_on(flow: Path) -> None:
    (flow.parent / "go").touch()

    def break_down(event: flowctl.Event) -> None:
        if isinstance(event, flowctl.StepEnded) and event.step == "first":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(flow, on_event=break_down)
    done = run(flow)
    assert done.status == "succeeded"
    assert done.resumed_from is not None


def test_a_run_that_another_thread_works_on_is_busy(flow: Path) -> None:
    cancel, began = flowctl.Cancellation(), threading.Event()

    def watch(event: flowctl.Event) -> None:
        if isinstance(event, flowctl.StepStarted) and event.step == "second":
            began.set()

    with ThreadPoolExecutor() as threads:
        future = threads.submit(run, flow, on_event=watch, cancel=cancel)
        assert began.wait(30)
        with pytest.raises(flowctl.Busy):
            run(flow)
        cancel.give_up()
        given_up = future.result()
    assert (given_up.status, given_up.unfinished) == ("cancelled", False)


def test_runs_go_on_side_by_side(flow: Path) -> None:
    (flow.parent / "go").touch()
    days = [NOON.date() + timedelta(days=number) for number in range(4)]
    with ThreadPoolExecutor() as threads:
        done = list(threads.map(lambda day: run(flow, params={"day": day}, workers=1), days))
    assert [one.steps["first"].outputs["day"] for one in done] == [day.isoformat() for day in days]
    assert len({one.id for one in done}) == 4


def test_a_failure_is_no_exception_unless_it_is_asked_for(flow: Path) -> None:
    flow.write_text("flowctl: 1\nsteps: {a: {run: exit 3}}\n", encoding="utf-8")
    failed = flowctl.run(flow)
    assert (failed.status, failed.unfinished, failed.steps["a"].exit_code) == ("failed", False, 3)
    assert [str(fault) for fault in failed.faults] == [
        f"{flow}:2:18: error[E710]: the command ended with exit code 3",
    ]
    with pytest.raises(flowctl.RunFailed, match=f"run {failed.id} has failed") as error:
        failed.check()
    assert error.value.diagnostics == failed.faults


def test_plans_run_from_memory_and_from_a_file(flow: Path, tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text(
        "flowctl: 1\nname: p\nsteps: {a: {source: {rows: [{x: 1}]}, sink: {csv: a.csv}}}\n",
        encoding="utf-8",
    )
    plan = flowctl.compile(flow)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert flowctl.run(plan, base=elsewhere).status == "succeeded"
    assert (elsewhere / "a.csv").read_text(encoding="utf-8") == "x\n1\n"
    assert (elsewhere / ".flowctl").is_dir()
    with pytest.raises(flowctl.UsageError, match="fixed"):
        flowctl.run(plan, base=elsewhere, params={"x": 1})


@pytest.mark.parametrize(
    "options",
    [{"workers": 0}, {"max_memory": "much"}, {"max_memory": 5}, {"base": "."}],
    ids=str,
)
def test_what_does_not_go_together_is_said_before_anything_runs(
    flow: Path, options: dict[str, object]
) -> None:
    with pytest.raises(flowctl.UsageError):
        run(flow, **options)
    assert not (flow.parent / ".flowctl").exists()


def test_values_have_their_types(flow: Path) -> None:
    for value in ("1", 1.5, True):
        with pytest.raises(flowctl.InvalidWorkflow, match="the value given for `n`"):
            run(flow, params={"day": "2024-01-01", "n": value})
    with pytest.raises(flowctl.InvalidWorkflow, match="there is no param `m`"):
        run(flow, params={"day": "2024-01-01", "m": 1})
    with pytest.raises(TypeError, match="`n` holds a set"):
        run(flow, params={"n": {1}})


def test_values_are_those_of_the_workflow_that_is_run_and_of_none_that_it_uses(
    tmp_path: Path,
) -> None:
    (tmp_path / "part.yaml").write_text(
        "flowctl: 1\nparams: {n: {type: integer, default: 1}}\nsteps:\n"
        "  s: {run: 'echo n={{ params.n }} >> $FLOWCTL_OUTPUT', outputs: {n: {type: integer}}}\n"
        "outputs: {n: steps.s.outputs.n}\n"
    )
    (tmp_path / "flow.yaml").write_text(
        "flowctl: 1\nparams: {n: {type: integer}, m: {type: integer}}\nsteps:\n"
        "  part: {uses: part.yaml}\n"
        "outputs: {sum: params.n + params.m + steps.part.outputs.n}\n"
    )
    assert flowctl.run(tmp_path / "flow.yaml", params={"n": 20, "m": 300}).outputs == {"sum": 321}


def test_without_a_file_there_is_no_workflow(tmp_path: Path) -> None:
    for name in ("gone.yaml", "gone.json"):
        with pytest.raises(flowctl.InvalidWorkflow, match="gone"):
            flowctl.run(tmp_path / name)


def test_an_empty_matrix_hands_on_empty_lists(tmp_path: Path) -> None:
    (tmp_path / "part.yaml").write_text(
        "flowctl: 1\nparams: {r: {type: string}}\nsteps: {s: {run: 'true'}}\n"
        "outputs: {r: params.r}\n"
    )
    (tmp_path / "flow.yaml").write_text(
        "flowctl: 1\nparams: {rs: {type: array}}\nsteps:\n"
        "  part: {uses: part.yaml, matrix: {r: '{{ params.rs }}'}, with: {r: '{{ matrix.r }}'}}\n"
        "  shell:\n    run: echo n=1 >> $FLOWCTL_OUTPUT\n    matrix: {r: '{{ params.rs }}'}\n"
        "    outputs: {n: {type: integer}}\n"
        "  after: {foreach: '${{ steps.shell.outputs.n }}', run: 'true'}\n"
        "outputs: {r: steps.part.outputs.r, after: steps.after.status}\n"
    )
    none = flowctl.run(tmp_path / "flow.yaml", params={"rs": []})
    assert (none.status, none.outputs) == ("succeeded", {"r": [], "after": []})
    two = flowctl.run(tmp_path / "flow.yaml", params={"rs": ["a", "b"]})
    assert two.outputs == {"r": ["a", "b"], "after": ["succeeded", "succeeded"]}
