"""Loading: what is a workflow, its version, its project, and files that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flowctl.compiler.load import load
from flowctl.diagnostics import Report
from tests.compiler.front import HEAD, front_of

STEPS = "steps: {a: {run: x}}\n"


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("steps: {}\n", "E213", "the document does not say the version of its language"),
        ("flowctl: 2\nstepz: 5\n", "E213", "this is written in version 2; this flowctl knows 1"),
        (
            "{digest: a, checksum: b, format: 1, steps: []}",
            "E213",
            "this is a plan, not a workflow",
        ),
        ("flowctl: 0\n" + STEPS, "E213", "the version must be the number 1"),
        ("flowctl: true\n" + STEPS, "E213", "the version must be the number 1"),
        ("flowctl:\n" + STEPS, "E213", "the version must be the number 1"),
        ("flowctl: '{{ 1 }}'\n" + STEPS, "E213", "the version must be the number 1"),
        ("- a\n", "E214", "a workflow must be a mapping, not a list"),
        ("a\n", "E214", "a workflow must be a mapping, not text"),
    ],
)
def test_what_is_no_workflow(text: str, code: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text(text)
    report = Report()
    load(path, report)
    assert [(one.code.id, one.message) for one in report] == [(code, message)]


def test_a_file_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "flights.yaml").write_text(HEAD + STEPS)
    report = Report()
    assert load(tmp_path / "flihgts.yaml", report) is None
    fault = next(iter(report))
    assert (fault.code.id, fault.help) == ("E620", "did you mean `flights.yaml`?")


def test_a_folder_is_no_workflow(tmp_path: Path) -> None:
    report = Report()
    assert load(tmp_path, report) is None
    assert [one.code.id for one in report] == ["E602"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    os.mkfifo(path)
    report = Report()
    assert load(path, report) is None
    assert [one.message.partition(": ")[2] for one in report] == [
        "it is a device or a pipe, not a file"
    ]
    path.unlink()
    os.mkfifo(tmp_path / "part.yaml")
    path.write_text(HEAD + "steps: {a: {$ref: part.yaml}}\n")
    assert [one.code.id for one in front_of(path).found] == ["E315"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text(HEAD + STEPS)
    path.chmod(0)
    report = Report()
    assert load(path, report) is None
    assert [one.code.id for one in report] == ["E602"]


def test_the_project_is_the_nearest_folder_with_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    path = folder / "flow.yaml"
    path.write_text(HEAD + STEPS)
    document = load(path, Report())
    assert document is not None
    assert (document.project.base, document.project.root) == (folder, folder)
    (tmp_path / "a" / "flowctl.toml").touch()
    document = load(path, Report())
    assert document is not None
    assert (document.project.base, document.project.root) == (folder, tmp_path / "a")


def test_toml_gives_the_same_steps(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "flowctl: 1\nvars: {n: 5}\nsteps:\n"
        "  a: {run: 'x {{ vars.n }}', needs: [b], labels: {t: 1.5}}\n  b: {run: y}\n"
    )
    (tmp_path / "a.toml").write_text(
        'flowctl = 1\nvars = {n = 5}\n[steps.a]\nrun = "x {{ vars.n }}"\nneeds = ["b"]\n'
        'labels = {t = 1.5}\n[steps.b]\nrun = "y"\n'
    )
    yaml, toml = front_of(tmp_path / "a.yaml"), front_of(tmp_path / "a.toml")
    assert yaml.found == toml.found == []
    assert yaml.ids == toml.ids == ["a", "b"]
    assert [yaml.step(id) for id in yaml.ids] == [toml.step(id) for id in toml.ids]
    assert yaml.expanded is not None
    assert toml.expanded is not None
    assert yaml.expanded.name == toml.expanded.name == "a"
    assert yaml.expanded.constants == toml.expanded.constants
