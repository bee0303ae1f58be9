"""What has changed is named: the very file, line of code, value, version, or age."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.caching.project import Project

FLOW = """\
flowctl: 1
name: why
params: {least: {type: integer, default: 1}}
steps:
  made:
    run: cat config/*.txt > made.txt
    cache: {inputs: ["config/*.txt", tools], outputs: [made.txt], ttl: 2d}
  clean:
    source: {csv: data/}
    transforms:
      - filter: n > params.least
      - python: lib.tidy:tidy
        columns: {n: int64}
    sink: {csv: clean.csv}
    cache: true
  told:
    python: lib.tell:tell
    with: {number: 1}
    cache: {inputs: [settings.json]}
"""


def edited(name: str, old: str, new: str) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        path = project.base / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return change


def removed(name: str) -> Callable[[Project], None]:
    return lambda project: (project.base / name).unlink()


def written(name: str, text: str = "x") -> Callable[[Project], None]:
    def change(project: Project) -> None:
        project.write(name, text)

    return change


def aged(project: Project) -> None:
    project.now += timedelta(days=2)


CHANGES: dict[str, tuple[Callable[[Project], None], str]] = {
    "input": (edited("data/a.csv", "2", "3"), "data/a.csv has changed"),
    "input touched": (edited("data/a.csv", "2", "2"), ""),
    "new input": (written("data/b.csv", "n\n5\n"), "data/b.csv is new"),
    "lost input": (removed("data/a.csv"), "data/a.csv is gone"),
    "file of a glob": (edited("config/a.txt", "a", "b"), "config/a.txt has changed"),
    "file of a folder": (written("tools/deep/er.sh"), "tools/deep/er.sh is new"),
    "further input": (edited("settings.json", "{}", "[]"), "settings.json has changed"),
    "output": (edited("made.txt", "a", "b"), "made.txt has changed"),
    "lost output": (removed("clean.csv"), "clean.csv is gone"),
    "transform's code": (edited("lib/tidy.py", "frame", "batch"), "lib/tidy.py has changed"),
    "imported code": (edited("lib/shared.py", "1", "2"), "lib/shared.py has changed"),
    "deeper code": (edited("lib/deep/__init__.py", "3", "4"), "lib/deep/__init__.py has changed"),
    "new module": (
        edited("lib/tell.py", "import shared", "import shared, other"),
        "lib/tell.py has changed",
    ),
    "expression": (
        edited("flow.yaml", "n > params", "n >= params"),
        "`filter` at flow.yaml:11 has changed",
    ),
    "command": (
        edited("flow.yaml", "cat config", "cat -u config"),
        "`run` at flow.yaml:6 has changed",
    ),
    "argument": (
        edited("flow.yaml", "number: 1", "number: 2"),
        "`number` at flow.yaml:18 has changed",
    ),
    "comment": (edited("flow.yaml", "name: why\n", "name: why\n# nothing\n"), ""),
    "timeout": (edited("flow.yaml", "    cache: true\n", "    cache: true\n    timeout: 5m\n"), ""),
    "named files": (
        edited("flow.yaml", "[settings.json]", "[settings.json, flow.yaml]"),
        "flow.yaml is new",
    ),
    "age": (aged, "its success at 2024-02-29T12:00:00Z is older than 2d"),
}


@pytest.fixture
def filled(project: Project) -> Project:
    project.write("flow.yaml", FLOW)
    project.write("config/a.txt", "a")
    project.write("tools/x.sh", "x")
    project.write("data/a.csv", "n\n1\n2\n")
    project.write("settings.json", "{}")
    project.write("lib/tidy.py", "from lib import shared\ndef tidy(frame):\n    return frame\n")
    project.write("lib/tell.py", "from . import shared\ndef tell(number): return {'n': number}\n")
    project.write("lib/shared.py", "import lib.deep\nN = 1\n")
    project.write("lib/deep/__init__.py", "N = 3\n")
    project.write("lib/other.py", "N = 5\n")
    project.run()
    return project


def test_each_change_is_named(filled: Project) -> None:
    """All in one project: each is undone before the next."""
    fine = dict.fromkeys(("made", "clean", "told"), "cached: as in run r1")
    assert filled.whys() == fine
    for name, (change, why) in CHANGES.items():
        kept = {p: p.read_bytes() for p in filled.base.rglob("*") if p.is_file()}
        now = filled.now
        change(filled)
        found = {id: told for id, told in filled.whys().items() if told != fine[id]}
        if why:
            assert set(found.values()) == {f"runs: {why}"}, name
        else:
            assert not found, name
        filled.now = now
        for path in filled.base.rglob("*"):
            if path.is_file() and path not in kept and ".flowctl" not in path.parts:
                path.unlink()
        for path, data in kept.items():
            if ".flowctl" not in path.parts:
                path.write_bytes(data)
    assert filled.whys() == fine, "all is as it was"


def test_a_run_time_value_that_differs(project: Project) -> None:
    project.write("n.txt", "1")
    project.write(
        "flow.yaml",
        "flowctl: 1\nsteps:\n"
        '  a: {run: "echo n=$(cat n.txt) >> $FLOWCTL_OUTPUT"}\n'
        "  b:\n    run: echo ${{ steps.a.outputs.n }} > b.txt\n"
        "    cache: {inputs: [], outputs: [b.txt]}\n",
    )
    assert project.statuses() == {"a": "succeeded", "b": "succeeded"}
    assert project.whys() == {
        "b": "runs: `a`, which it needs, runs; it is cached if that changes nothing for it"
    }
    assert project.statuses() == {"a": "succeeded", "b": "cached"}
    project.write("n.txt", "2")
    assert project.statuses() == {"a": "succeeded", "b": "succeeded"}
    assert (project.base / "b.txt").read_text() == "2\n"


def test_the_time_of_the_run_counts_where_it_is_asked_for(project: Project) -> None:
    project.write(
        "flow.yaml",
        "flowctl: 1\nsteps:\n"
        "  a: {source: {rows: [{n: 1}]}, transforms: [{derive: {t: now()}}], sink: {csv: a.csv}, "
        "cache: true}\n"
        "  b: {source: {rows: [{n: 1}]}, sink: {csv: b.csv}, cache: true}\n",
    )
    project.run()
    assert project.statuses() == {"a": "cached", "b": "cached"}
    project.now += timedelta(seconds=1)
    assert project.whys()["a"] == "runs: `now()` has another value"
    assert project.statuses() == {"a": "succeeded", "b": "cached"}


def test_an_input_that_is_not_there_and_one_that_changes_meanwhile(project: Project) -> None:
    """Of such a success nothing could be told later."""
    project.write("b.txt", "b")
    project.write(
        "flow.yaml",
        "flowctl: 1\nsteps:\n"
        "  a: {run: 'true', cache: {inputs: [a.txt], outputs: []}}\n"
        "  b: {run: echo more >> b.txt, cache: {inputs: [b.txt], outputs: []}}\n",
    )
    for _ in range(2):
        assert project.statuses() == {"a": "succeeded", "b": "succeeded"}
    assert project.whys() == {
        "a": "runs: there is nothing at its input `a.txt`",
        "b": "runs: run r2 has begun it, and it failed, its inputs changed meanwhile, or it"
        " handed a secret on",
    }


def test_code_that_yields_records(project: Project) -> None:
    project.write("made.py", "N = 1\ndef records():\n    yield {'n': N}\n")
    project.write(
        "flow.yaml",
        "flowctl: 1\nsteps:\n"
        "  a: {source: {python: made:records, columns: {n: int64}}, sink: {csv: a.csv}, "
        "cache: true}\n",
    )
    assert project.statuses() == {"a": "succeeded"}
    assert project.statuses() == {"a": "cached"}
    project.write("made.py", "N = 2\ndef records():\n    yield {'n': N}\n")
    assert project.whys() == {"a": "runs: made.py has changed"}
    assert project.statuses() == {"a": "succeeded"}
    assert (project.base / "a.csv").read_text() == "n\n2\n"
