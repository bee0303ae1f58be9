"""A step that is cached is taken from its last success; each sort of step, and what reads it."""

from __future__ import annotations

import json
import shutil

import polars as pl

from flowctl.interpreter.events import HookEnded, StepEnded, StepStarted
from tests.caching.project import Project

FLOW = """\
flowctl: 1
name: all
params: {least: {type: integer, default: 1}}
steps:
  clean:
    source: {csv: "data/*.csv"}
    transforms: [{filter: n > params.least}]
    cache: true
  counts:
    source: {step: clean}
    transforms: [{aggregate: {c: count(*), s: sum(n)}}]
    sink: {csv: out/counts.csv}
    cache: true
  report:
    run: |
      echo "rows=${{ steps.counts.read }}" >> "$FLOWCTL_OUTPUT"
      tr , ' ' < out/counts.csv > out/report.txt
    outputs: {rows: {type: integer}}
    needs: [counts]
    cache: {inputs: [out/counts.csv], outputs: [out/report.txt]}
  told:
    python: lib.telling:tell
    with: {rows: "${{ steps.report.outputs.rows }}"}
    cache: true
  plain: {run: "echo ${{ steps.told.outputs.twice }}"}
"""
STEPS = ("clean", "counts", "report", "told")
RAN = {**dict.fromkeys(STEPS, "succeeded"), "plain": "succeeded"}
CACHED = {**dict.fromkeys(STEPS, "cached"), "plain": "succeeded"}


def written(project: Project) -> Project:
    project.write("flow.yaml", FLOW)
    project.write("data/a.csv", "n\n1\n2\n3\n")
    project.write(
        "lib/telling.py", "from lib.more import N\ndef tell(rows): return {'twice': N * rows}\n"
    )
    project.write("lib/more.py", "N = 2\n")
    return project


def test_all_is_taken_from_the_last_success(project: Project) -> None:
    written(project)
    first = project.run()
    assert {id: step.status for id, step in first.steps.items()} == RAN
    second = project.run()
    assert {id: step.status for id, step in second.steps.items()} == CACHED
    assert second.status == "succeeded"
    for id in STEPS:
        then, now = first.steps[id], second.steps[id]
        assert (now.counts, now.sink, now.outputs) == (then.counts, then.sink, then.outputs)
        assert (now.attempts, now.why) == (0, "as in run r1")
    assert second.steps["told"].outputs == {"twice": 4}
    assert second.steps["report"].exit_code == 0


def test_what_changed_runs_and_the_rest_only_where_that_makes_a_difference(
    project: Project,
) -> None:
    written(project)
    project.run()
    project.write("data/b.csv", "n\n0\n")
    assert project.statuses() == {**CACHED, "clean": "succeeded"}, "as many records as before"
    project.write("data/b.csv", "n\n7\n")
    assert project.statuses() == RAN
    assert (project.base / "out/report.txt").read_text() == "c s\n3 12\n"
    assert project.statuses() == CACHED


def test_each_value_of_a_param_has_its_own_success(project: Project) -> None:
    """The outputs are the same files, so the one that was written last is the one that stands."""
    written(project)
    project.run(least="1")
    assert project.statuses(least="2")["clean"] == "succeeded"
    assert project.statuses(least="2") == CACHED
    back = project.statuses(least="1")
    assert (back["clean"], back["counts"]) == ("cached", "succeeded")
    assert (project.base / "out/counts.csv").read_text() == "c,s\n2,5\n"


def test_records_are_kept_for_readers_that_come_later(project: Project) -> None:
    written(project)
    project.run()
    flow = FLOW + "  more: {source: {step: clean}, sink: {ndjson: out/more.ndjson}}\n"
    project.write("flow.yaml", flow)
    assert project.statuses()["clean"] == "cached"
    assert (project.base / "out/more.ndjson").read_text() == '{"n":2}\n{"n":3}\n'


def test_a_step_whose_records_are_gone_or_damaged_runs(project: Project) -> None:
    written(project)
    project.run()
    shutil.rmtree(project.base / ".flowctl/cache")
    assert project.whys()["clean"] == "runs: its records, which others read, are not kept any more"
    assert project.statuses()["clean"] == "succeeded"
    (kept,) = (project.base / ".flowctl/cache").iterdir()
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    assert project.whys()["clean"] == "runs: its records, which others read, are damaged"
    assert project.statuses() == {**CACHED, "clean": "succeeded"}
    assert project.statuses() == CACHED


def test_a_step_that_had_no_reader_has_kept_no_records(project: Project) -> None:
    project.write("a.csv", "n\n1\n")
    flow = "flowctl: 1\nsteps:\n  a: {source: {csv: a.csv}, sink: {csv: b.csv}, cache: true}\n"
    project.write("flow.yaml", flow)
    project.run()
    project.write("flow.yaml", flow + "  b: {source: {step: a}, sink: {csv: c.csv}}\n")
    assert project.whys() == {"a": "runs: its records, which others read, were not kept"}
    assert project.statuses() == {"a": "succeeded", "b": "succeeded"}
    assert project.statuses() == {"a": "cached", "b": "succeeded"}


def test_a_parquet_sink_is_what_readers_read(project: Project) -> None:
    project.write("a.csv", "n\n1\n")
    project.write(
        "flow.yaml",
        "flowctl: 1\nsteps:\n"
        "  a: {source: {csv: a.csv}, sink: {parquet: b.parquet}, cache: true}\n"
        "  b: {source: {step: a}, sink: {csv: c.csv}, cache: true}\n",
    )
    project.run()
    assert project.statuses() == {"a": "cached", "b": "cached"}
    pl.DataFrame({"n": [5]}).write_parquet(project.base / "b.parquet")
    assert project.whys() == {
        "a": "runs: b.parquet has changed",
        "b": "runs: `a`, which it needs, runs; it is cached if that changes nothing for it",
    }
    assert project.statuses() == {"a": "succeeded", "b": "cached"}


def test_a_dataset_stands_as_it_was_or_is_written_anew(project: Project) -> None:
    project.write("a.csv", "n,k\n1,1\n2,1\n")
    project.write(
        "flow.yaml",
        "flowctl: 1\nsteps:\n"
        "  a: {source: {csv: a.csv}, sink: {ndjson: out/, partition_by: [n]}, cache: true}\n",
    )
    project.run()
    assert project.statuses() == {"a": "cached"}
    part = project.base / "out/n=2/part-00000.ndjson"
    other = part.with_name("part-00001.ndjson")
    other.write_text("{}\n")
    assert project.whys() == {"a": "runs: out/n=2/part-00001.ndjson is new"}
    other.unlink()
    assert project.statuses() == {"a": "cached"}
    part.unlink()
    assert project.whys() == {"a": "runs: out/n=2/part-00000.ndjson is gone"}
    assert project.statuses() == {"a": "succeeded"}
    assert part.exists()


def test_cells_of_a_matrix_are_cached_each_by_itself(project: Project) -> None:
    for name in "xy":
        project.write(f"{name}.csv", "n\n1\n")
    project.write(
        "flow.yaml",
        "flowctl: 1\nsteps:\n"
        "  a:\n    matrix: {f: [x, y]}\n    source: {csv: '{{ matrix.f }}.csv'}\n    cache: true\n"
        "  b: {source: {step: a}, sink: {csv: c.csv}, cache: true}\n",
    )
    project.run()
    project.write("y.csv", "n\n2\n")
    assert project.statuses() == {"a[x]": "cached", "a[y]": "succeeded", "b": "succeeded"}
    assert (project.base / "c.csv").read_text() == "n\n1\n2\n"


def test_no_hook_of_a_cached_step_is_done_and_no_attempt_begins(project: Project) -> None:
    project.write(
        "flow.yaml",
        "flowctl: 1\nsteps:\n  a:\n    run: echo a > a.txt\n"
        "    cache: {inputs: [], outputs: [a.txt]}\n"
        "    hooks: {start: {run: 'true'}, success: {run: 'true'}, finish: {run: 'true'}}\n",
    )
    project.run()
    assert [event.hook for event in project.events if isinstance(event, HookEnded)] == [
        "start",
        "success",
        "finish",
    ]
    assert project.statuses() == {"a": "cached"}
    assert not [e for e in project.events if isinstance(e, HookEnded | StepStarted)]
    (ended,) = (event for event in project.events if isinstance(event, StepEnded))
    assert ended.digest == project.plan().steps[0].digest


def test_a_condition_is_asked_before_the_cache(project: Project) -> None:
    project.write(
        "flow.yaml",
        "flowctl: 1\nparams: {go: {type: boolean}}\nsteps:\n"
        "  a: {run: echo a > a.txt, cache: {inputs: [], outputs: [a.txt]}}\n"
        "  b: {run: 'true', if: params.go and steps.a.status <> 'x', "
        "cache: {inputs: [], outputs: []}}\n",
    )
    assert project.statuses(go="true") == {"a": "succeeded", "b": "succeeded"}
    assert project.statuses(go="true") == {"a": "cached", "b": "cached"}
    assert project.statuses(go="false") == {"a": "cached", "b": "skipped"}


def test_only_a_plain_success_is_remembered(project: Project) -> None:
    """Not one of a fallback, and not a failure that lets the rest go on; of an attempt, yes."""
    cache = "cache: {inputs: [], outputs: []}"
    project.write(
        "flow.yaml",
        "flowctl: 1\nsteps:\n"
        f"  a: {{run: exit 1, fallback: {{run: 'true'}}, {cache}}}\n"
        f"  b: {{run: exit 1, continue_on_error: true, {cache}}}\n"
        "  c:\n    run: test -e seen || { touch seen; exit 1; }\n"
        f"    retry: {{attempts: 2, delay: 0s}}\n    {cache}\n"
        f"  d: {{run: 'true', needs: [a, b, c], {cache}}}\n",
    )
    first = {"a": "recovered", "b": "failed", "c": "succeeded", "d": "succeeded"}
    assert project.statuses() == first
    assert project.statuses() == {**first, "c": "cached", "d": "cached"}
    assert project.whys()["a"].startswith("runs: run r2 has begun it, and it failed, ")


def test_an_output_that_was_not_made_is_a_failure(project: Project) -> None:
    project.write(
        "flow.yaml",
        "flowctl: 1\nsteps:\n"
        "  a: {run: mkdir -p out, cache: {inputs: [], outputs: [out, 'out/*.txt']}}\n",
    )
    result = project.run()
    assert result.status == "failed"
    (fault,) = result.steps["a"].faults
    assert fault.code.id == "E750"
    assert fault.message == "there is no `out/*.txt`, which the step's `cache` names as an output"
    assert fault.span is not None
    assert fault.span.line == 3


def test_fresh_takes_nothing_and_keeps_what_it_makes(project: Project) -> None:
    written(project)
    project.run()
    project.fresh = True
    fresh = project.run()
    project.fresh = False
    assert {id: step.status for id, step in fresh.steps.items()} == RAN
    again = project.run()
    assert {step.why for id, step in again.steps.items() if id in STEPS} == {"as in run r2"}


def test_what_holds_a_secret_is_not_kept(project: Project) -> None:
    project.environment["TOKEN"] = "hunter2-very-secret"
    project.write(
        "flow.yaml",
        "flowctl: 1\nsecrets: {TOKEN: {env: TOKEN}}\nsteps:\n"
        '  a:\n    run: echo "t=$T" >> "$FLOWCTL_OUTPUT"\n'
        "    env: {T: '${{ secrets.TOKEN }}'}\n    cache: {inputs: [], outputs: []}\n"
        '  b:\n    run: echo "t=${#T}" >> "$FLOWCTL_OUTPUT"\n'
        "    env: {T: '${{ secrets.TOKEN }}'}\n    cache: {inputs: [], outputs: []}\n",
    )
    project.run()
    assert project.statuses() == {"a": "succeeded", "b": "cached"}
    assert project.whys()["a"].endswith(" or it handed a secret on")
    for path in (project.base / ".flowctl").rglob("*"):
        assert path.is_dir() or b"hunter2" not in path.read_bytes()


def test_what_the_cache_keeps_is_bounded(project: Project) -> None:
    """What was used last stays; the records of others go, and they run again."""
    rows = "\n".join(map(str, range(4000)))
    for name in "xy":
        project.write(f"{name}.csv", f"{name}\n{rows}\n")
    lines = [
        f"  {name}: {{source: {{csv: {name}.csv}}, cache: true}}\n"
        f"  of_{name}: {{source: {{step: {name}}}, sink: {{csv: out/{name}.csv}}}}\n"
        for name in "xy"
    ]
    project.write("flow.yaml", "flowctl: 1\nsteps:\n" + lines[0])
    project.run()
    size = sum(path.stat().st_size for path in (project.base / ".flowctl/cache").iterdir())
    project.write("flow.yaml", "flowctl: 1\nsteps:\n" + "".join(lines))
    project.cache_bytes = size * 3 // 2
    project.now = project.now.replace(hour=13)
    first = project.run()
    assert (first.steps["x"].status, first.steps["y"].status) == ("cached", "succeeded")
    assert project.whys()["y"].startswith("cached") != project.whys()["x"].startswith("cached")


def test_the_run_says_what_was_cached(project: Project) -> None:
    written(project)
    project.run()
    told = json.loads(json.dumps(project.run().to_json()))
    assert told["steps"]["counts"]["status"] == "cached"
    assert told["steps"]["counts"]["sink"] == "out/counts.csv"
    assert told["steps"]["counts"]["duration"] is None


def test_steps_of_a_used_workflow_are_cached_one_by_one(project: Project) -> None:
    """Their paths start at the folder of their own workflow."""
    project.write(
        "parts/load.yaml",
        "flowctl: 1\nparams: {k: {type: string}}\nsteps:\n"
        "  x: {source: {csv: '{{ params.k }}.csv'}, cache: true}\n"
        "  y: {source: {step: x}, sink: {csv: '{{ params.k }}.out'}, cache: true}\n"
        "  z:\n    run: echo ${{ steps.y.written }} > {{ params.k }}.txt\n"
        "    cache: {inputs: ['{{ params.k }}.out'], outputs: ['{{ params.k }}.txt']}\n",
    )
    project.write(
        "flow.yaml",
        "flowctl: 1\nsteps:\n"
        "  load: {uses: parts/load.yaml, matrix: {k: [a, b]}, with: {k: '{{ matrix.k }}'}}\n",
    )
    project.write("parts/a.csv", "n\n1\n")
    project.write("parts/b.csv", "n\n1\n")
    assert set(project.statuses().values()) == {"succeeded"}
    cells = [f"load[{k}]/{step}" for k in "ab" for step in "xyz"]
    assert project.whys() == dict.fromkeys(cells, "cached: as in run r1")
    project.write("parts/b.csv", "n\n1\n2\n")
    assert project.whys()["load[b]/x"] == "runs: parts/b.csv has changed"
    found = project.statuses()
    assert {id for id, status in found.items() if status == "cached"} == set(cells[:3])
    assert (project.base / "parts/b.txt").read_text() == "2\n"
    (project.base / "parts/a.txt").unlink()
    assert project.whys()["load[a]/z"] == "runs: parts/a.txt is gone"


def test_cells_of_a_list_are_cached_each_by_itself(project: Project) -> None:
    project.write("list.txt", "[1,2]")
    project.write("each.py", "def twice(n): return {'n': 2 * n}\n")
    project.write(
        "flow.yaml",
        "flowctl: 1\nsteps:\n"
        '  list:\n    run: echo "l=$(cat list.txt)" >> $FLOWCTL_OUTPUT\n'
        "    outputs: {l: {type: array, items: {type: integer}}}\n"
        "    cache: {inputs: [list.txt], outputs: []}\n"
        "  each:\n    foreach: ${{ steps.list.outputs.l }}\n    python: each:twice\n"
        "    with: {n: '${{ item }}'}\n    cache: true\n",
    )
    project.run()
    assert project.statuses() == {
        "list": "cached",
        "each": "succeeded",
        "each[0]": "cached",
        "each[1]": "cached",
    }
    assert project.whys()["each"].startswith("runs: its list is known when it begins")
    project.write("list.txt", "[1,3,2]")
    again = project.run()
    assert [again.steps[f"each[{n}]"].status for n in range(3)] == [
        "cached",
        "succeeded",
        "succeeded",
    ]
    assert again.steps["each"].outputs == {"n": [2, 6, 4]}
    project.fresh = True
    assert set(project.statuses().values()) == {"succeeded"}
