"""Workflows that use others, compiled into one plan."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest

import flowctl
from flowctl.api.compiling import compiled as all_of
from flowctl.compiler import Inputs
from flowctl.plan import Operation, Plan, Step, Stream
from flowctl.plan_file import plan_to_json
from flowctl.registry import builtin
from flowctl.syntax.node import Json

HEAD = "flowctl: 1\n"
MAIN = """\
steps:
  seed: {run: ./seed.sh}
  load:
    matrix: {region: [us, eu]}
    uses: parts/load.yaml
    with: {region: "{{ matrix.region }}", days: [1, 2]}
    needs: [seed]
    priority: 10
  report: {run: "echo ${{ steps.load.outputs.rows }} ${{ steps.load['us'].outputs.file }}"}
"""
LOAD = """\
params:
  region: {type: string}
  days: {type: array, items: {type: integer}}
vars: {out: "out/{{ params.region }}"}
steps:
  fetch: {run: "echo {{ params.days | join(' ') }}", priority: 1}
  clean:
    source: {csv: "in/{{ params.region }}.csv", columns: {n: int64}}
    transforms: [{select: [n]}]
    sink: {csv: "{{ vars.out }}.csv"}
    needs: [fetch]
outputs: {rows: steps.clean.written, file: "${{ steps.clean.sink }}"}
"""


def write(folder: Path, **files: str) -> Path:
    """A project; `parts_load` is the file `parts/load.yaml`."""
    for name, text in files.items():
        path = folder / f"{name.replace('_', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEAD + text, encoding="utf-8")
    return folder / "main.yaml"


def compiled(folder: Path, **files: str) -> dict[str, Step]:
    return {step.id: step for step in plan_of(folder, **files).steps}


def plan_of(folder: Path, **files: str) -> Plan:
    return flowctl.compile(write(folder, **files))


def found(folder: Path, **files: str) -> list[str]:
    """The faults as `parts/load.yaml:3:4 E301`."""
    faults = flowctl.validate(write(folder, **files))
    return [
        f"{os.path.relpath(fault.span.file, folder)}:{fault.span.line}:{fault.span.column} "
        f"{fault.code.id}"
        for fault in faults
        if fault.span is not None and fault.severity == "error"
    ]


def body(step: Step) -> Stream:
    assert isinstance(step.body, Stream)
    return step.body


def arguments(step: Step) -> dict[str, Json]:
    assert isinstance(step.body, Operation)
    return step.body.arguments


def test_the_steps_of_a_plan(tmp_path: Path) -> None:
    steps = compiled(tmp_path, main=MAIN, parts_load=LOAD)
    assert list(steps) == [
        "seed",
        *(f"load[{one}]{name}" for one in ("us", "eu") for name in ("/fetch", "/clean", "")),
        "report",
    ]
    assert {id: step.needs for id, step in steps.items() if "eu" not in id} == {
        "seed": (),
        "load[us]/fetch": ("seed",),
        "load[us]/clean": ("load[us]/fetch",),
        "load[us]": ("seed", "load[us]/fetch", "load[us]/clean"),
        "report": ("load[us]", "load[eu]"),
    }
    fetch, clean, load = (steps[f"load[us]{name}"] for name in ("/fetch", "/clean", ""))
    assert {(step.within, step.folder) for step in (fetch, clean)} == {("load[us]", "parts")}
    assert (load.within, load.folder, fetch.local) == ("", "", "fetch")
    assert (fetch.priority, clean.priority, load.priority) == (11, 10, 10)
    assert arguments(fetch)["run"] == "echo 1 2"
    assert body(clean).source.arguments["csv"] == "in/us.csv"
    assert body(clean).sinks[0].arguments["csv"] == "out/us.csv"
    assert arguments(load) == {
        "uses": "parts/load.yaml",
        "with": {"region": "us", "days": [1, 2]},
        "outputs": {
            "rows": {"type": "integer", "value": "steps.clean.written"},
            "file": {"type": "string", "value": "steps.clean.sink"},
        },
    }


def test_toml_says_the_same(tmp_path: Path) -> None:
    plans = []
    for name, main, load in (
        ("yaml", MAIN, LOAD),
        ("toml", MAIN.replace("load.yaml", "load.toml"), ""),
    ):
        folder = tmp_path / name
        (folder / "parts").mkdir(parents=True)
        (folder / "parts/load.toml").write_text(
            'flowctl = 1\nparams = {region = {type = "string"}, days = {type = "array", '
            'items = {type = "integer"}}}\nvars = {out = "out/{{ params.region }}"}\n[steps]\n'
            "fetch = {run = \"echo {{ params.days | join(' ') }}\", priority = 1}\n"
            '[steps.clean]\nsource = {csv = "in/{{ params.region }}.csv", '
            'columns = {n = "int64"}}\ntransforms = [{select = ["n"]}]\n'
            'sink = {csv = "{{ vars.out }}.csv"}\nneeds = ["fetch"]\n'
            '[outputs]\nrows = "steps.clean.written"\nfile = "${{ steps.clean.sink }}"\n',
            encoding="utf-8",
        )
        files = {"parts_load": load} if load else {}
        plans.append({id: step.digest for id, step in compiled(folder, main=main, **files).items()})
    within = [{id: digest for id, digest in plan.items() if "/" in id} for plan in plans]
    assert within[0] == within[1]


def test_workflows_within_workflows(tmp_path: Path) -> None:
    steps = compiled(
        tmp_path,
        main="steps:\n  a: {run: x}\n  b: {uses: parts/mid.yaml, needs: [a]}\n",
        parts_mid=(
            "steps:\n  c: {uses: deep/low.yaml, priority: 2}\n"
            "  d: {run: y, if: steps.c.outputs.n > 1, priority: 1}\n"
        ),
        parts_deep_low="steps: {e: {run: z}}\noutputs: {n: 1 + 1}\n",
    )
    assert list(steps) == ["a", "b/c/e", "b/c", "b/d", "b"]
    assert [step.within for step in steps.values()] == ["", "b/c", "b", "b", ""]
    assert [step.folder for step in steps.values()] == ["", "parts/deep", "parts", "parts", ""]
    assert steps["b/c/e"].needs == ("a",)
    assert steps["b/c"].needs == ("a", "b/c/e")
    assert steps["b/d"].needs == ("b/c",)
    assert steps["b/d"].condition == "steps.c.outputs.n > 1"
    assert steps["b"].needs == ("a", "b/c", "b/d")


def test_files_lead_from_one_workflow_to_the_other(tmp_path: Path) -> None:
    """From outside a workflow is one step; its columns are known where its files are read."""
    steps = compiled(
        tmp_path,
        main=(
            "steps:\n"
            "  make: {source: {rows: [{n: 1}]}, sink: {csv: parts/in/us.csv}}\n"
            "  load: {uses: parts/load.yaml, with: {region: us, days: []}}\n"
            "  read:\n"
            "    source: {csv: parts/out/us.csv}\n"
            "    transforms: [{derive: {m: n + 1}}]\n"
            "    sink: {csv: read.csv}\n"
        ),
        parts_load=LOAD,
    )
    assert steps["load/fetch"].needs == ("make",)
    assert steps["load/clean"].needs == ("make", "load/fetch")
    assert steps["load/clean"].reads == ("make",)
    assert steps["read"].needs == steps["read"].reads == ("load",)
    assert body(steps["read"]).source.arguments["columns"] == [["n", "int64"]]


def test_each_has_its_own_vars_defaults_profiles_and_secrets(tmp_path: Path) -> None:
    (tmp_path / "flowctl.toml").touch()
    main = (
        "defaults: {priority: 3}\nvars: {x: outer}\nsecrets: {KEY: {file: key.txt}}\n"
        "profiles: {prod: {vars: {x: outer prod}}, test: {vars: {x: outer test}}}\n"
        'steps:\n  a: {run: "echo {{ vars.x }} ${{ secrets.KEY }}"}\n'
        "  load: {uses: parts/load.yaml}\n"
    )
    load = (
        "defaults: {description: given}\nvars: {x: inner}\nsecrets: {KEY: {file: key.txt}}\n"
        "profiles: {prod: {vars: {x: inner prod}}}\n"
        'steps: {b: {run: "echo {{ vars.x }} ${{ secrets.KEY }}"}}\n'
    )
    path = write(tmp_path, main=main, parts_load=load)
    for profile, outer, inner in (
        (None, "outer", "inner"),
        ("prod", "outer prod", "inner prod"),
        ("test", "outer test", "inner"),
    ):
        plan = flowctl.compile(path, profile=profile)
        steps = {step.id: step for step in plan.steps}
        assert arguments(steps["a"])["run"] == f"echo {outer} ${{{{ secrets.KEY }}}}"
        assert arguments(steps["load/b"])["run"] == f"echo {inner} ${{{{ secrets.KEY }}}}"
        assert (steps["a"].priority, steps["load/b"].priority) == (3, 3)
        assert (steps["a"].about, steps["load/b"].about) == ({}, {"description": "given"})
        found = {(secret.id, secret.location) for secret in plan.secrets}
        assert found == {("KEY", "key.txt"), ("load/KEY", "parts/key.txt")}


def test_a_secret_of_the_caller_is_not_seen(tmp_path: Path) -> None:
    main = "secrets: {KEY: {env: KEY}}\nsteps: {load: {uses: parts/load.yaml}}\n"
    load = 'steps:\n  b: {run: "echo ${{ secrets.KEY }}"}\n'
    assert found(tmp_path, main=main, parts_load=load) == ["parts/load.yaml:3:30 E506"]


def test_resources_of_one_name_are_one(tmp_path: Path) -> None:
    main = "resources: {db: {slots: 2}}\nsteps: {load: {uses: parts/load.yaml}}\n"
    load = "resources: {db: {slots: 2}, gpu: {slots: 1}}\nsteps: {b: {run: x, pool: db}}\n"
    plan = plan_of(tmp_path, main=main, parts_load=load)
    assert sorted(one.name for one in plan.resources) == ["db", "gpu"]
    own = "steps: {b: {run: x, pool: db}}\n"
    assert found(tmp_path, main=main, parts_load=own) == ["parts/load.yaml:2:27 E424"]


def test_references_and_templates_start_at_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for name in ("b.txt", "a.txt"):
        (tmp_path / "parts" / name).write_text(name)
    steps = compiled(
        tmp_path,
        main="x-run: {run: outer}\nsteps: {load: {uses: parts/load.yaml}}\n",
        parts_load=(
            "x-run: {run: inner}\n"
            "steps:\n  a: {$ref: '#/x-run'}\n  b: {$ref: '../main.yaml#/x-run'}\n"
            "  c: {run: [\"{{ glob('*.txt') | join(' ') }}\", \"{{ file('a.txt') }}\"]}\n"
        ),
    )
    assert [arguments(steps[f"load/{name}"])["run"] for name in "abc"] == [
        "inner",
        "outer",
        ["a.txt b.txt", "a.txt"],
    ]


def test_functions_are_those_of_its_own_project(tmp_path: Path) -> None:
    """As when it is run by itself: without a `flowctl.toml` its folder is the project's."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "helpers.py").write_text("def go(n): ...\n")
    main = "steps: {load: {uses: parts/load.yaml}}\n"
    load = "steps: {a: {python: 'helpers:go', with: {n: 1}}}\n"
    (step,) = (compiled(tmp_path, main=main, parts_load=load)["load/a"],)
    assert (arguments(step)["root"], arguments(step)["file"]) == (".", "helpers.py")


@pytest.mark.parametrize("path", ["../other.yaml", "link.yaml", "/etc/hosts", "http://x/y.yaml"])
def test_nothing_outside_of_the_project_is_used(tmp_path: Path, path: str) -> None:
    (tmp_path / "other.yaml").write_text(HEAD + "steps: {a: {run: x}}\n")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "link.yaml").symlink_to(tmp_path / "other.yaml")
    assert found(folder, main=f"steps:\n  load: {{uses: '{path}'}}\n") == ["main.yaml:3:16 E316"]


def test_a_link_within_the_project_is_followed(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "link.yaml").symlink_to("load.yaml")
    main = "steps: {load: {uses: parts/link.yaml}}\n"
    steps = compiled(tmp_path, main=main, parts_load="steps: {a: {run: x}}\n")
    assert steps["load/a"].folder == "parts"


def test_a_param_without_value_leaves_what_depends_on_it_unchecked(tmp_path: Path) -> None:
    main = (
        "params: {region: {type: string}}\n"
        'steps: {load: {uses: parts/load.yaml, with: {region: "{{ params.region }}", days: []}}}\n'
    )
    assert found(tmp_path, main=main, parts_load=LOAD) == []
    with pytest.raises(flowctl.InvalidWorkflow):
        flowctl.compile(tmp_path / "main.yaml")
    assert flowctl.compile(tmp_path / "main.yaml", params={"region": "us"}).steps


def test_what_a_value_was_and_where_it_came_from(tmp_path: Path) -> None:
    """A fault in a value that was handed over is told where it was written, with the way."""
    main = (
        "vars: {least: '1 +'}\n"
        'steps:\n  load: {uses: parts/load.yaml, with: {least: "{{ vars.least }}"}}\n'
    )
    load = (
        "params: {least: {type: string}}\n"
        "steps:\n  a:\n    source: {rows: [{n: 1}]}\n"
        '    transforms: [{filter: "n > {{ params.least }}"}]\n    sink: {csv: out.csv}\n'
    )
    (fault,) = flowctl.validate(write(tmp_path, main=main, parts_load=load))
    assert fault.span is not None
    assert (Path(fault.span.file).name, fault.span.line) == ("load.yaml", 6)
    assert [(frame.kind, frame.span.line) for frame in fault.trace] == [
        ("uses", 4),
        ("template", 6),
    ]


def test_only_what_changes_in_meaning_changes_digests(tmp_path: Path) -> None:
    main = "steps:\n  load: {uses: parts/load.yaml, with: {region: us, days: []}}\n"
    before = compiled(tmp_path, main=main, parts_load=LOAD)
    cosmetic = LOAD.replace("steps:", "# said\nsteps:").replace("priority: 1", "description: x")
    after = compiled(tmp_path, main=main, parts_load=cosmetic)
    assert {id: step.digest for id, step in before.items()} == {
        id: step.digest for id, step in after.items()
    }
    other = compiled(tmp_path, main=main, parts_load=LOAD.replace("echo ", "printf "))
    changed = [id for id, step in other.items() if step.digest != before[id].digest]
    assert changed == ["load/fetch", "load"]


def test_places_are_told_apart(tmp_path: Path) -> None:
    """A step within may be called like a key of the step that uses it."""
    load = "steps:\n  uses: {run: x}\n  if: {run: y}\n"
    plan = plan_of(tmp_path, main="steps:\n  load: {uses: parts/load.yaml}\n", parts_load=load)
    places = json.loads(plan_to_json(plan))["positions"]
    assert places["load/uses"] == {
        "file": "main.yaml", "line": 3, "column": 16, "end_line": 3, "end_column": 31
    }  # fmt: skip
    assert (places["load~1uses"]["file"], places["load~1uses"]["line"]) == ("parts/load.yaml", 3)
    assert places["load~1if/run"]["line"] == 4


def test_steps_that_come_out_alike_are_told(tmp_path: Path) -> None:
    main = "steps:\n  a:\n    matrix: {n: ['1', '1]/x[2']}\n    uses: parts/load.yaml\n"
    load = "steps: {x: {matrix: {m: [2]}, run: x}}\n"
    assert found(tmp_path, main=main, parts_load=load) == ["main.yaml:3:3 E319"]


def test_few_files_that_use_each_other_twice_are_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("flowctl.compiler.expand.uses"), "MAX_STEPS", 500)
    twice = "steps:\n  a: {{uses: p{0}.yaml}}\n  b: {{uses: p{0}.yaml}}\n"
    files = {f"p{number}": twice.format(number + 1) for number in range(1, 40)}
    main = "steps: {a: {uses: p1.yaml}}\n"
    (fault,) = found(tmp_path, main=main, p40="steps: {a: {run: x}}\n", **files)
    assert fault.endswith("E318")


def test_what_is_read_is_known(tmp_path: Path) -> None:
    path = write(tmp_path, main=MAIN, parts_load=LOAD)
    result = all_of(path, Inputs(datetime.now(UTC)), builtin())
    assert result.dependencies == {path, tmp_path / "parts" / "load.yaml"}
