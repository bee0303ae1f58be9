"""Faults that no pair of files can show: of the command's own files, and of the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowctl.cli.main import main

FLOW = """\
flowctl: 1
name: small
steps:
  clean:
    source: {csv: data.csv, columns: {a: int64}}
    transforms:
      - validate: a < 3
        on_error: reject
    sink: {csv: build/clean.csv}
    rejects: {ndjson: build/rejects.ndjson}
    max_rejects: 1
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    (tmp_path / "data.csv").write_text("a,b\n1,x\n2,y\n", encoding="utf-8")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str]) -> str:
    """What a failing run says, which leaves nothing at the sink's place."""
    assert main(["run", "flow.yaml"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert not Path("build/clean.csv").exists()
    return said.err


def test_a_sound_run_is_the_measure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "flow.yaml"]) == 0, capsys.readouterr().err
    assert Path("build/clean.csv").read_text(encoding="utf-8") == "a,b\n1,x\n2,y\n"


def test_no_such_workflow(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "flwo.yaml"]) == 3
    out = capsys.readouterr().out
    assert out.startswith("error[E620]: there is no file `flwo.yaml`\n")
    assert "did you mean `flow.yaml`?" in out


def test_a_folder_is_no_workflow(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "flows").mkdir()
    assert main(["validate", "flows"]) == 3
    assert capsys.readouterr().out.startswith("error[E602]: `flows` cannot be read")


def test_no_input(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "data.csv").unlink()
    assert "flow.yaml:5:19: error[E601]: " in run(capsys)


def test_a_quote_that_never_closes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "data.csv").write_text('a,b\n1,"x\n2,y\n', encoding="utf-8")
    said = run(capsys)
    assert "error[E605]: " in said
    assert "data.csv" in said


def test_a_record_at_fault(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "data.csv").write_text("a,b\n1,x\nmany,y\n", encoding="utf-8")
    said = run(capsys)
    assert "error[E701]: " in said
    assert "data.csv:3" in said


def test_too_many_rejects(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "data.csv").write_text("a,b\n1,x\n4,y\n5,z\n", encoding="utf-8")
    assert "flow.yaml:11:18: error[E702]: " in run(capsys)


def test_a_check_that_does_not_hold(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check = '    check: {rows: ">= 1", unique: [a], where: a < 2}\n'
    (folder / "flow.yaml").write_text(FLOW + check, encoding="utf-8")
    said = run(capsys)
    assert "flow.yaml:12:47: error[E704]: the check `where` does not hold: 1 of 2 records" in said
    assert "do not satisfy `a < 2`; the first is record 2: a = 2" in said
    (folder / "data.csv").write_text("a,b\n1,x\n1,y\n", encoding="utf-8")
    said = run(capsys)
    assert "flow.yaml:12:35: error[E704]: the check `unique` does not hold: of `a`, 1 value" in said


def test_an_output_that_cannot_be_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "build").write_text("a file where a folder should be", encoding="utf-8")
    assert "error[E609]: " in run(capsys)


def test_an_output_that_must_not_exist(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sink = "{csv: data.csv.out, mode: error}"
    text = FLOW.replace("{csv: build/clean.csv}", sink)
    (folder / "flow.yaml").write_text(text, encoding="utf-8")
    (folder / "data.csv.out").write_text("old", encoding="utf-8")
    assert "flow.yaml:9:11: error[E610]: `data.csv.out` stands there already" in run(capsys)


@pytest.mark.parametrize(
    ("step", "place"),
    [
        ("run: 'echo ${{ 1 // 0 }}'", "4:12"),
        ("run: [echo, x, '${{ 1 // 0 }}']", "4:22"),
        ("{run: pwd, cwd: '${{ 1 // 0 }}'}", "4:22"),
        ("{run: pwd, env: {X: '${{ 1 // 0 }}'}}", "4:26"),
    ],
)
def test_a_value_that_cannot_be_computed_is_told_where_it_stands(
    capsys: pytest.CaptureFixture[str], step: str, place: str
) -> None:
    step = step if step.startswith("{") else f"{{{step}}}"
    Path("flow.yaml").write_text(f"flowctl: 1\nname: a\nsteps:\n  s: {step}\n", encoding="utf-8")
    assert f"flow.yaml:{place}: error[E712]: division by zero in 1 // 0" in run(capsys)


def test_a_record_that_breaks_a_schema_of_another_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("s.json").write_text('{"properties": {"a": {"maximum": 1}}}', encoding="utf-8")
    text = """flowctl: 1
name: a
steps:
  s:
    source: {rows: [{a: 1}, {a: 2}]}
    transforms:
      - validate: {$ref: s.json}
    sink: {ndjson: out.ndjson}
"""
    Path("flow.yaml").write_text(text, encoding="utf-8")
    assert "flow.yaml:7:9: error[E701]: rows:2: `a`: 2 is greater than" in run(capsys)


@pytest.mark.parametrize("command", ["plan", "run", "preview"])
def test_a_param_without_a_value_is_an_error_where_it_is_needed(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "flowctl: 1\nname: a\nparams: {x: {type: string}}\nsteps: {s: {run: 'echo {{ params.x }}'}}"
    )
    Path("flow.yaml").write_text(text, encoding="utf-8")
    assert main([command, "flow.yaml"]) == 3
    said = capsys.readouterr().err
    assert "error[E310]: the param `x` has no value" in said
    assert "help: give it with `-p x=...`" in said
